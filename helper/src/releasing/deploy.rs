//! A deployment: jobs of GitLab are started one after the other, and followed to their end.

use gigadb_engine::release::{Deploying, JobStatus, Next, Step, Work};

use super::{
    carry::{Carry, Effect},
    store::Held,
    text,
};

/// How many looks in a row may show nothing that could be followed.
const PATIENCE: u32 = 24;

impl Carry<'_> {
    /// Plays the jobs one after the other, and follows them.
    pub(super) async fn deploy(&self, held: &Held, step: &Step) -> Effect {
        let record = &held.record;
        let target = record.target(step.kind);
        let project = self.desk.session.topology.infrastructures.get(target);
        let project = project.map_or_else(String::new, |side| side.gitlab_project.clone());
        let apis = &self.desk.session.apis;
        let mut told = String::new();
        let mut idle = 0;
        loop {
            let facts = self.own_facts(held).await;
            if self.cancel.is_cancelled() {
                let what = "The deployment is no longer followed.".to_owned();
                let changed = "A job that was started goes on in GitLab; `gigadb-roles release \
                               next` follows it again.";
                return self.failed(held, step, what, changed, Vec::new());
            }
            let next = match self.desk.next(record, &facts, &self.own()) {
                Next::Seen { evidence, .. } => return Effect::Done(evidence),
                Next::Do {
                    work: Work::Deploy(next),
                    ..
                } => next,
                Next::Blocked { blocks, .. } => {
                    let failure = text::all_blocked(blocks);
                    let what = failure.map_or_else(String::new, |failure| failure.message.what);
                    let changed = "No further job was started.";
                    return self.failed(held, step, what, changed, Vec::new());
                }
                _ => {
                    let what = "The deployment cannot be followed any more.".to_owned();
                    return self.failed(
                        held,
                        step,
                        what,
                        "No further job was started.",
                        Vec::new(),
                    );
                }
            };
            match next {
                Deploying::Play(job) | Deploying::Retry(job) => {
                    let page = job.page.as_deref().unwrap_or("its page is not known");
                    self.ui.note(&format!(
                        "Starting job `{}` of `{target}`: {page}",
                        job.name
                    ));
                    let started = if job.status == JobStatus::Manual {
                        apis.play_job(&project, job.id).await
                    } else {
                        apis.retry_job(&project, job.id).await
                    };
                    if let Err(failure) = started {
                        // Whether it was started after all, or by somebody else, a look tells.
                        let facts = self.own_facts(held).await;
                        let now = facts.side(target).and_then(|side| side.job(&job.name));
                        if now == Some(&job) || now.is_none() {
                            let what = format!("Job `{}` was not started: {failure}.", job.name);
                            return self.failed(
                                held,
                                step,
                                what,
                                "No job was started.",
                                Vec::new(),
                            );
                        }
                    }
                }
                Deploying::Follow(job) => {
                    let line = format!("Job `{}` of `{target}` is {}.", job.name, job.word);
                    if line != told {
                        self.ui.conversation(&line);
                        told = line;
                    }
                    idle = if job.status == JobStatus::NotReady {
                        idle + 1
                    } else {
                        0
                    };
                    if idle > PATIENCE {
                        let what = format!(
                            "Job `{}` stays {}: it waits for a job that nobody starts.",
                            job.name, job.word
                        );
                        return self.failed(held, step, what, "No job runs.", Vec::new());
                    }
                    self.pause().await;
                }
                Deploying::Failed(job) => {
                    let page = job.page.clone().unwrap_or_default();
                    let what = format!("Job `{}` is {}: {page}.", job.name, job.word);
                    let changed = "What the job did before it ended stands.";
                    return self.failed(held, step, what, changed, vec![page]);
                }
                Deploying::Missing(None) => {
                    let what = format!("`{}` has no pipeline of `{}`.", target, record.reference);
                    return self.failed(held, step, what, "No job was started.", Vec::new());
                }
                Deploying::Missing(Some(name)) => {
                    let what = format!(
                        "The pipeline of `{}` has no job `{name}`.",
                        record.reference
                    );
                    return self.failed(held, step, what, "No job was started.", Vec::new());
                }
                Deploying::Another(reference) => {
                    idle += 1;
                    if idle > 3 {
                        let what = format!(
                            "The jobs ended well, and GitLab says that `{reference}` was deployed \
                             to `{target}` last."
                        );
                        let changed = "The jobs ran.";
                        return self.failed(held, step, what, changed, Vec::new());
                    }
                    self.pause().await;
                }
            }
        }
    }
}
