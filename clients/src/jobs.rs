//! Deployments as GitLab jobs: what is deployed and what runs on one side, and starting a job.

use std::time::Duration;

use gigadb_engine::{
    name::EnvironmentName,
    release::{Active, JobFact, JobStatus, SideFacts},
    world::Failure,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Apis,
    http::{Budget, CallError},
};

/// Why a job is not known to have been started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotStarted {
    /// What GitLab said, or why nothing of it was heard.
    pub failure: Failure,
    /// For how long it may be started all the same; `None` where GitLab refused in its own words.
    pub perhaps_within: Option<Duration>,
}

/// What is asked of one side.
#[derive(Debug, Clone, Copy)]
pub struct SideAsked<'a> {
    /// The GitLab project.
    pub project: &'a str,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The branch or tag that carries the release.
    pub reference: &'a str,
    /// The names of jobs that deploy, in any pipeline.
    pub deploying: &'a [String],
}

impl Apis {
    /// What GitLab says of one side: the newest pipeline of the ref with its jobs, what was
    /// deployed last, and what runs now. Needs a token that may read the project as Developer.
    pub async fn side_facts(
        &self,
        asked: SideAsked<'_>,
        cancel: &CancellationToken,
    ) -> Result<SideFacts, Failure> {
        let SideAsked {
            project,
            environment,
            reference,
            deploying,
        } = asked;
        let budget = || Budget::new(self.timing().call, Some(cancel));
        let gitlab = &self.gitlab;
        let of_pipeline = async {
            let newest = gitlab.newest_pipeline(project, reference, budget()).await?;
            Ok(match newest {
                None => (None, None, Vec::new()),
                Some((id, commit)) => {
                    let jobs = gitlab.pipeline_jobs(project, id, budget()).await?;
                    (Some(id), commit, jobs)
                }
            })
        };
        let read = futures::future::try_join4(
            of_pipeline,
            gitlab.jobs_under_way(project, budget()),
            gitlab.running_deployments(project, environment.as_str(), budget()),
            gitlab.last_deployment(project, environment.as_str(), budget()),
        );
        let ((pipeline, commit, jobs), under_way, running, deployed) = read
            .await
            .map_err(|error: Box<CallError>| error.failure())?;
        let mut active: Vec<Active> = under_way
            .into_iter()
            .filter(|job| deploying.contains(&job.name))
            .map(|job| Active {
                id: job.id,
                what: format!("job `{}` ({}) is {}", job.name, job.id, job.status),
            })
            .collect();
        for one in running {
            let known = |id: u64| active.iter().any(|active| active.id == id);
            match one.deployable {
                Some(job) if known(job.id) => {}
                Some(job) => active.push(Active {
                    id: job.id,
                    what: format!(
                        "job `{}` ({}) deploys `{}`",
                        job.name, job.id, one.reference
                    ),
                }),
                None => active.push(Active {
                    id: 0,
                    what: format!("`{}` is being deployed without a job", one.reference),
                }),
            }
        }
        let mut jobs: Vec<JobFact> = jobs
            .into_iter()
            .map(|job| JobFact {
                status: JobStatus::of(&job.status),
                name: job.name,
                id: job.id,
                word: job.status,
                page: job.web_url,
            })
            .collect();
        // The newest of each name counts, should an older one be listed too.
        jobs.sort_by(|a, b| (&a.name, b.id).cmp(&(&b.name, a.id)));
        jobs.dedup_by(|a, b| a.name == b.name);
        let (deployed, deployed_commit) = deployed.unzip();
        Ok(SideFacts {
            active,
            commit,
            deployed_commit: deployed_commit.flatten(),
            pipeline,
            jobs,
            deployed,
        })
    }

    /// Starts a manual job. What became of a request without an answer, the next reading tells.
    pub async fn play_job(&self, project: &str, job: u64) -> Result<(), NotStarted> {
        let budget = Budget::new(self.timing().call, None);
        let played = self.gitlab.play_job(project, job, budget).await;
        played.map_err(|error| self.not_started(&error))
    }

    /// Starts a job that has ended once more.
    pub async fn retry_job(&self, project: &str, job: u64) -> Result<(), NotStarted> {
        let budget = Budget::new(self.timing().call, None);
        let retried = self.gitlab.retry_job(project, job, budget).await;
        retried.map_err(|error| self.not_started(&error))
    }

    fn not_started(&self, error: &CallError) -> NotStarted {
        let surely = error.fault.surely_not_applied();
        NotStarted {
            failure: error.failure(),
            perhaps_within: (!surely).then_some(self.timing().open_for),
        }
    }
}
