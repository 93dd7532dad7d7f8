//! A deployment: jobs of GitLab are started one after the other, and followed to their end.

use std::time::Instant;

use gigadb_clients::NotStarted;
use gigadb_engine::{
    message,
    release::{Deploying, JobFact, JobStatus, Next, Step, Work},
};

use super::{
    carry::{Carry, Effect},
    store::Held,
    text,
};
use crate::{
    surroundings,
    ui::{self, Within},
};

/// How many looks in a row may show nothing that could be followed.
const PATIENCE: u32 = 24;

impl Carry<'_> {
    /// Why no further job may be started: somebody ended the release, or whether they did is not
    /// known.
    async fn over(&self, held: &Held) -> Option<String> {
        match self.store.read(self.desk.session, self.cancel).await {
            Ok(Some(now)) => held.record.over(&now.record),
            Ok(None) => Some("the record of the release is gone".to_owned()),
            Err(failure) => Some(format!(
                "whether the release goes on is not known. {}",
                failure.message.what.trim_end_matches('.')
            )),
        }
    }

    /// Plays the jobs one after the other, and follows them.
    pub(super) async fn deploy(&self, held: &Held, step: &Step) -> Effect {
        let record = &held.record;
        let target = record.target(step.kind);
        let project = self.desk.session.topology.infrastructures.get(target);
        let project = project.map_or_else(String::new, |side| side.gitlab_project.clone());
        let apis = &self.desk.session.apis;
        let mut told = String::new();
        // The job whose page was shown last.
        let mut shown = None;
        let mut idle = 0;
        loop {
            let facts = self.own_facts(held).await;
            if self.cancel.is_cancelled() {
                let what = "The deployment is no longer followed.".to_owned();
                let changed = format!(
                    "A job that was started goes on in GitLab; {} follows it again.",
                    record.command("next")
                );
                return self.failed(held, step, what, &changed, Vec::new());
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
                    if let Some(over) = self.over(held).await {
                        let what = format!("Job `{}` was not started: {over}.", job.name);
                        let changed = "What was started before goes on in GitLab.";
                        return self.failed(held, step, what, changed, Vec::new());
                    }
                    // The page of a job that is started once more is another one's: it is told
                    // once that is followed.
                    let again = job.status != JobStatus::Manual;
                    if again {
                        self.ui.note(&format!(
                            "Starting job `{}` of `{target}` once more.",
                            job.name
                        ));
                    } else {
                        self.ui.note(&format!(
                            "Starting job `{}` of `{target}`: {}",
                            job.name,
                            page(&job)
                        ));
                        shown = Some(job.id);
                    }
                    let started = async {
                        if again {
                            apis.retry_job(&project, job.id).await
                        } else {
                            apis.play_job(&project, job.id).await
                        }
                    };
                    let within = Within::All(apis.call_within());
                    let started = ui::waiting("Starting the job", within, started).await;
                    if let Err(why) = started
                        && let Some(not_started) = self.looked_for(held, step, &job, why).await
                    {
                        return not_started;
                    }
                }
                Deploying::Follow(job) => {
                    let waits = job.status == JobStatus::NotReady;
                    let side = facts.side(target);
                    let other = side.and_then(|side| side.waits_for(&job.name));
                    let runs = other.filter(|other| waits && other.status == JobStatus::Active);
                    let for_whom = runs.map_or_else(String::new, |other| {
                        format!(", while `{}` is {}", other.name, other.word)
                    });
                    if shown.replace(job.id) != Some(job.id) {
                        self.ui.note(&format!(
                            "Following job `{}` of `{target}`: {}",
                            job.name,
                            page(&job)
                        ));
                    }
                    let line = format!(
                        "Job `{}` of `{target}` is {}{for_whom}.",
                        job.name, job.word
                    );
                    if line != told {
                        self.ui.conversation(&line);
                        told = line;
                    }
                    idle = if waits && runs.is_none() { idle + 1 } else { 0 };
                    if idle > PATIENCE {
                        let what = format!(
                            "Job `{}` stays {}, and no job of its pipeline runs{}.",
                            job.name,
                            job.word,
                            beside(other)
                        );
                        let changed = "No further job was started.";
                        return self.failed(held, step, what, changed, Vec::new());
                    }
                    self.pause().await;
                }
                Deploying::Failed(job) if job.status == JobStatus::Skipped => {
                    let side = facts.side(target);
                    let other = side.and_then(|side| side.waits_for(&job.name));
                    let what = format!(
                        "GitLab skipped job `{}`{}, and starts none that it skipped: retry what \
                         failed before it.",
                        job.name,
                        beside(other)
                    );
                    let changed = "No further job was started.";
                    return self.failed(held, step, what, changed, Vec::new());
                }
                Deploying::Failed(job) => {
                    let what = format!("Job `{}` is {}: {}.", job.name, job.word, page(&job));
                    let changed = "What the job did before it ended stands.";
                    return self.failed(held, step, what, changed, Vec::new());
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

impl Carry<'_> {
    /// Whether a job was started after all, or by somebody else, later looks tell: one where GitLab
    /// refused in its own words, else as many as there is time in which it may still be started.
    async fn looked_for(
        &self,
        held: &Held,
        step: &Step,
        job: &JobFact,
        why: NotStarted,
    ) -> Option<Effect> {
        let target = held.record.target(step.kind);
        let failure = why.failure;
        let open_for = why.perhaps_within.unwrap_or_default();
        let until = Instant::now() + open_for;
        let clock = message::clock(surroundings::now() + open_for.as_secs());
        if why.perhaps_within.is_some() {
            self.ui.warning(&format!(
                "Whether job `{}` was started is not known, and is looked for until {clock}: \
                 {failure}.",
                job.name
            ));
        }
        loop {
            let facts = self.own_facts(held).await;
            let now = facts.side(target).and_then(|side| side.job(&job.name));
            if now.is_some_and(|now| now != job) {
                return None;
            }
            let is_over = Instant::now() >= until;
            if is_over && now.is_some() {
                let what = format!("Job `{}` was not started: {failure}.", job.name);
                return Some(self.failed(held, step, what, "No job was started.", Vec::new()));
            }
            if is_over || self.cancel.is_cancelled() {
                let what = format!(
                    "Whether job `{}` was started is not known: {failure}.",
                    job.name
                );
                let changed = format!("It may be started until {clock}.");
                return Some(self.failed(held, step, what, &changed, vec![changed.clone()]));
            }
            self.pause().await;
        }
    }
}

/// The job that another one seems to wait for, as a clause.
fn beside(other: Option<&JobFact>) -> String {
    other.map_or_else(String::new, |other| {
        format!(" (`{}` is {}: {})", other.name, other.word, page(other))
    })
}

/// Where a job can be looked at.
fn page(job: &JobFact) -> &str {
    job.page.as_deref().unwrap_or("its page is not known")
}
