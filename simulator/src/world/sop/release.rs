//! A release that waits to be deployed.

use crate::world::{Job, JobRun, Pipeline, World};

impl World {
    /// The same world with a pipeline of `reference` in every project. Two of its jobs deploy to
    /// live, each started by a person: `build_live` runs through two looks, and `ld_gigadb` needs it.
    #[must_use]
    pub fn with_release(mut self, reference: &str) -> Self {
        for project in &mut self.gitlab.projects {
            let pipeline = project.id * 100 + 2;
            project.pipelines.push(Pipeline {
                id: pipeline,
                status: "manual".to_owned(),
                reference: reference.to_owned(),
                sha: "5f3c1d0e9b8a79685746352413029f8e7d6c5b4a".to_owned(),
                updated_at: "2026-09-01T08:00:00.000Z".to_owned(),
            });
            let build = JobRun {
                looks: 2,
                ..JobRun::default()
            };
            let deploy = JobRun {
                looks: 1,
                environment: Some("live".to_owned()),
                needs: vec!["build_live".to_owned()],
                ..JobRun::default()
            };
            let jobs = [
                ("build_live", "manual", build),
                ("ld_gigadb", "created", deploy),
            ];
            for (number, (name, status, run)) in (2..).zip(jobs) {
                project.jobs.push(Job {
                    id: project.id * 1000 + number,
                    name: name.to_owned(),
                    status: status.to_owned(),
                    pipeline,
                    run: Some(run),
                    ..Job::default()
                });
            }
        }
        self
    }
}
