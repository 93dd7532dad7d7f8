//! What is next in a release.

use std::collections::BTreeSet;

use super::{
    facts::{Dump, Facts, JobFact, JobStatus},
    guard::blocks,
    interlock::{Block, Interlock},
    record::{Record, State},
    step::{Kind, Step},
};
use crate::{message::Message, topology::CommandName};

/// What is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It has ended.
    Over,
    /// Every step is complete; it can be finished.
    Finish,
    /// Facts show that a step is done: what shows it.
    Seen {
        /// The step.
        step: Step,
        /// One clause each.
        evidence: Vec<String>,
    },
    /// A person has to do it, and to say so.
    Person(Step),
    /// Something stands in the way; never empty.
    Blocked {
        /// The step.
        step: Step,
        /// What.
        blocks: Vec<Block>,
    },
    /// It can be carried out.
    Do {
        /// The step.
        step: Step,
        /// How.
        work: Work,
    },
}

/// How a step is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Run a command.
    Run(CommandName),
    /// Deploy: what is next of it.
    Deploy(Deploying),
    /// Give the hot standby production's variables.
    Prepare,
    /// Trade the roles.
    Swap,
    /// Give both sides what they had.
    SwapBack,
    /// Ask the hot standby as if it were production.
    Probe,
    /// Read everything back.
    Verify,
}

/// What is next of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deploying {
    /// Start this manual job.
    Play(JobFact),
    /// Start this job, which has ended, once more.
    Retry(JobFact),
    /// This job runs, or waits: follow it.
    Follow(JobFact),
    /// This job of the present attempt did not end well.
    Failed(JobFact),
    /// The ref has no pipeline, or its pipeline no job of this name.
    Missing(Option<String>),
    /// Every job ended well, and GitLab tells of another deployment since.
    Another(String),
}

/// What is next of `record`, by `facts`; `jobs` are the jobs of a deployment's step.
pub fn next(
    record: &Record,
    facts: &Facts,
    jobs: &dyn Fn(&Step) -> Vec<String>,
    overrides: &BTreeSet<Interlock>,
) -> Next {
    if record.ended.is_some() {
        return Next::Over;
    }
    let Some(step) = record.left().into_iter().next() else {
        return Next::Finish;
    };
    // What was overridden when the step was begun holds for the attempt that is under way.
    let begun = record.steps.get(&step);
    let begun = begun.filter(|entry| entry.state == State::Begun);
    let waived = begun.map_or(&[][..], |entry| &entry.overrides);
    let waived = waived.iter().map(|one| one.interlock);
    let overrides = &overrides.iter().copied().chain(waived).collect();
    if let Some(evidence) = shown(record, facts, jobs, &step, overrides) {
        return Next::Seen { step, evidence };
    }
    let blocks = blocks(record, facts, &step, overrides);
    if !blocks.is_empty() {
        return Next::Blocked { step, blocks };
    }
    if step.kind.is_a_persons() {
        return Next::Person(step);
    }
    // What was built before must be known: it does not count afterwards.
    let built = match step.kind {
        Kind::Prepare => Some(&record.hot_standby),
        Kind::Swap => Some(&record.production),
        _ => None,
    };
    if built.is_some_and(|side| facts.side(side).is_none()) {
        return unread(record, &step);
    }
    let work = match step.kind {
        Kind::Prepare => Work::Prepare,
        Kind::Swap => Work::Swap,
        Kind::SwapBack => Work::SwapBack,
        Kind::Probe => Work::Probe,
        Kind::Verify => Work::Verify,
        kind if kind.is_deployment() => match deploying(record, facts, jobs, &step) {
            Some(next) => Work::Deploy(next),
            // GitLab could not be read; to follow nothing would be wrong.
            None => return unread(record, &step),
        },
        kind => match kind.command() {
            Some(command) => Work::Run(command),
            None => return Next::Person(step),
        },
    };
    Next::Do { step, work }
}

fn unread(record: &Record, step: &Step) -> Next {
    let message = Message::nothing_changed(
        "What GitLab says of the deployment is not known.",
        record.object(step),
        "Run the command again once GitLab answers.",
    );
    Next::Blocked {
        step: step.clone(),
        blocks: vec![Block {
            interlock: None,
            message,
        }],
    }
}

/// What shows that `step` is done; `None` where nothing does.
fn shown(
    record: &Record,
    facts: &Facts,
    jobs: &dyn Fn(&Step) -> Vec<String>,
    step: &Step,
    overrides: &BTreeSet<Interlock>,
) -> Option<Vec<String>> {
    let roles = facts.roles.as_ref().ok();
    let first = record.expected();
    match step.kind {
        kind if kind.is_deployment() => {
            let target = record.target(kind);
            let side = facts.side(target)?;
            if deploying(record, facts, jobs, step).is_some() {
                return None;
            }
            let shown = jobs(step).into_iter().filter_map(|name| {
                let job = side.job(&name)?;
                let page = job.page.as_deref().unwrap_or("no page");
                Some(format!("job `{name}` ({}) of `{target}`: {page}", job.id))
            });
            Some(shown.collect())
        }
        Kind::Prepare if facts.prepared && roles == Some(&first) => {
            facts.side(&record.hot_standby)?;
            Some(vec![format!(
                "the variables of `{}` hold production's values",
                record.hot_standby
            )])
        }
        Kind::Swap if facts.consistent && roles? == &first.clone().swapped() => {
            // By hand as well: not without its guards, which stand in the way below.
            let unguarded = blocks(record, facts, step, overrides);
            let own = |block: &Block| block.interlock != Some(Interlock::StepHeld);
            if unguarded.iter().any(own) || facts.side(&record.production).is_none() {
                return None;
            }
            Some(vec![format!(
                "every record and variable reads so: production is `{}`",
                record.hot_standby
            )])
        }
        Kind::SwapBack if facts.consistent && roles?.production == record.production => {
            Some(vec![format!(
                "every record and variable reads so: production is `{}`",
                record.production
            )])
        }
        _ => None,
    }
}

/// What shows that a backup which ended well left a dump: one of its key that was not there before,
/// or was another, that is not older than `not_before` (seconds since 1970) and not much smaller
/// than the others. By itself a dump shows nothing: it may be half of one.
pub fn dumped(record: &Record, facts: &Facts, not_before: Option<i64>) -> Option<String> {
    let (dumps, key) = (facts.dumps.as_ref().ok()?, record.key.as_deref()?);
    let before = &record.dumps_before;
    let is_new = |dump: &&Dump| {
        dump.name.contains(key)
            && before.get(&dump.name) != Some(&dump.size)
            && not_before.is_none_or(|time| dump.time >= time)
    };
    let new = dumps.iter().filter(is_new).max_by_key(|dump| dump.size)?;
    let now = dumps.iter().map(|dump| (&dump.name, &dump.size));
    let others = before
        .iter()
        .chain(now)
        .filter(|(name, _)| **name != new.name);
    let largest = others.map(|(_, size)| *size).max().unwrap_or(0);
    let whole = new.size > 0 && new.size >= largest / 2;
    whole.then(|| format!("the dump `{}` is there, {} bytes", new.name, new.size))
}

/// What is left of a deployment; `None` where every job of it ended well and what GitLab tells
/// of the side agrees, or where GitLab could not be read.
fn deploying(
    record: &Record,
    facts: &Facts,
    jobs: &dyn Fn(&Step) -> Vec<String>,
    step: &Step,
) -> Option<Deploying> {
    let side = facts.side(record.target(step.kind))?;
    if side.pipeline.is_none() {
        return Some(Deploying::Missing(None));
    }
    let entry = record.steps.get(step);
    // What had ended before the step that calls for a new build does not count.
    let since = match step.kind {
        Kind::Rebuild => Some(Kind::Prepare),
        Kind::DeployFormer => Some(Kind::Swap),
        _ => None,
    };
    let stale: &[u64] = since
        .and_then(|kind| record.steps.get(&Step::from(kind)))
        .map_or(&[], |entry| entry.ended_jobs.as_slice());
    let attempt = entry.filter(|entry| entry.state == State::Begun);
    let before: &[u64] = attempt.map_or(&[], |entry| entry.ended_jobs.as_slice());
    let other = side
        .deployed
        .as_deref()
        .filter(|deployed| *deployed != record.reference);
    let names = jobs(step);
    for name in &names {
        let Some(job) = side.job(name) else {
            return Some(Deploying::Missing(Some(name.clone())));
        };
        let of_this_attempt = attempt.is_some() && !before.contains(&job.id);
        match job.status {
            JobStatus::Active | JobStatus::NotReady => return Some(Deploying::Follow(job.clone())),
            JobStatus::Manual => return Some(Deploying::Play(job.clone())),
            // GitLab starts no job that it skipped: the one that failed before it comes first.
            JobStatus::Skipped => return Some(Deploying::Failed(job.clone())),
            JobStatus::Failed if of_this_attempt => return Some(Deploying::Failed(job.clone())),
            JobStatus::Failed => return Some(Deploying::Retry(job.clone())),
            JobStatus::Success if of_this_attempt => {}
            JobStatus::Success if stale.contains(&job.id) || other.is_some() => {
                return Some(Deploying::Retry(job.clone()));
            }
            JobStatus::Success => {}
        }
    }
    match other {
        // A list of further jobs deploys nothing by itself.
        Some(other) if step.jobs.is_none() => Some(Deploying::Another(other.to_owned())),
        _ => None,
    }
}
