//! `one-swap-at-a-time`: two operators cannot swap at once. What a lease is, and what is said of
//! it; taking it is not the engine's business.

use std::fmt;

use crate::{
    advice::{self, Asked},
    executor::End,
    intent::Intent,
    message::Message,
    name::EnvironmentName,
    object::Object,
    topology::{Lock, Topology},
    world::Failure,
};

/// Where the lease of one environment is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeasePlace {
    /// The GitLab project, as the topology writes it.
    pub project: String,
    /// The name of the Terraform state whose lock it is.
    pub name: String,
}

impl LeasePlace {
    /// The place for the intent's environment; `None` where the topology names no lock.
    pub fn of(topology: &Topology, intent: &Intent) -> Option<Self> {
        let lock = topology.lock.as_ref()?;
        Some(Self::under(lock, &intent.environment))
    }

    /// The place of an environment's lease under the topology's lock.
    pub fn under(lock: &Lock, environment: &EnvironmentName) -> Self {
        Self {
            project: lock.gitlab_project.clone(),
            name: lock.name.fill(environment, None),
        }
    }
}

impl fmt::Display for LeasePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "lease `{}` of GitLab project `{}`",
            self.name, self.project
        )
    }
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// The lease's id; empty where GitLab said that it is held, and no more that can be read.
    pub id: String,
    /// The user whose token took it.
    pub who: Option<String>,
    /// When it was taken, as GitLab writes it.
    pub since: Option<String>,
    /// What the id tells, where a program of ours made it.
    pub process: Option<HoldingProcess>,
}

impl Holder {
    /// What to do while this holder is in the way, as sentences. Only a lease of a program of ours
    /// may ever be deleted: any other is Terraform's own state lock, or somebody else's.
    pub fn advice(&self, place: &LeasePlace) -> String {
        if self.process.is_some() {
            format!(
                "Wait until it has ended, then plan again. If you are sure it is no longer running, run `gigadb-roles unlock {}`, then plan again.",
                self.id
            )
        } else if self.id.is_empty() {
            format!(
                "Wait until it is free, then plan again. GitLab shows who holds it: project `{}`, Operate > Terraform states, `{}`.",
                place.project, place.name
            )
        } else {
            format!(
                "Leave it to whoever holds it: no program of ours made its id, `{}`, so it is Terraform's own state lock or another program's. If `{}` is the name of a Terraform state, write another name under `lock` in the topology; otherwise wait until it is free. Then plan again.",
                self.id, place.name
            )
        }
    }

    fn what(&self) -> &'static str {
        if self.process.is_some() {
            "Another swap is under way: the lease is held"
        } else {
            "The lease cannot be taken: the lock is held"
        }
    }
}

/// What the id of a lease tells of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingProcess {
    /// The machine.
    pub host: String,
    /// The number of the process there.
    pub pid: u32,
    /// The id of the run's journal.
    pub run: String,
    /// Why it swaps, shortened.
    pub reason: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Some(who) => write!(f, "by `{who}`")?,
            None => f.write_str("by somebody")?,
        }
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        let Some(process) = &self.process else {
            return Ok(());
        };
        let HoldingProcess {
            host,
            pid,
            run,
            reason,
        } = process;
        write!(f, ", process {pid} on `{host}`, run {run}")?;
        match reason {
            Some(reason) => write!(f, ", reason `{reason}`"),
            None => Ok(()),
        }
    }
}

fn object(intent: &Intent, place: &LeasePlace) -> String {
    format!("environment `{}`, {place}", intent.environment)
}

/// Somebody else holds the lease: the run does not begin.
pub fn held(intent: &Intent, place: &LeasePlace, holder: &Holder) -> Message {
    Message::nothing_changed(
        format!("{} {holder}.", holder.what()),
        object(intent, place),
        holder.advice(place),
    )
}

/// Somebody else holds the lease, and the override passes it.
pub fn passed(intent: &Intent, place: &LeasePlace, holder: &Holder) -> Message {
    Message {
        what: format!("The lease is held {holder}, and the override passes it."),
        object: object(intent, place),
        changed: "The lease was left as it is; this run goes on without one.".to_owned(),
        next: "Make sure that nobody else swaps at the same time, and take the override out again."
            .to_owned(),
    }
}

/// What an earlier run of this machine sent may still change these objects until `until`, a time of
/// day, from what this run leads to: it does not begin.
pub fn run_is_open(intent: &Intent, run: &str, objects: &[Object], until: &str) -> Message {
    Message::nothing_changed(
        open(run, until),
        objects_of(intent, objects),
        format!(
            "Complete that run with `gigadb-roles resume {run}`, or wait until {until} and plan again."
        ),
    )
}

/// The same, where this run goes on: it is a failover, or the rule is waived.
pub fn beside_a_run(intent: &Intent, run: &str, objects: &[Object], until: &str) -> Message {
    Message {
        what: open(run, until),
        object: objects_of(intent, objects),
        changed: "This run goes on beside it.".to_owned(),
        next: format!(
            "After {until}, plan again: it shows whether these are still as this run left them."
        ),
    }
}

fn open(run: &str, until: &str) -> String {
    format!("Run {run} sent other values, which may still take effect until {until}.")
}

fn objects_of(intent: &Intent, objects: &[Object]) -> String {
    let objects: Vec<String> = objects.iter().map(Object::to_string).collect();
    format!(
        "environment `{}`: {}",
        intent.environment,
        objects.join(", ")
    )
}

/// How the run ended that left a lease, as its journal on this machine tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftBy {
    /// It wrote all that it was to write.
    Completed,
    /// It came to its end in another way.
    Ended,
    /// Its journal has no end.
    Killed,
    /// There is no journal of it.
    NoJournal,
}

impl LeftBy {
    /// By the outcome that the run's journal tells, where there is a journal.
    pub fn of(journal: Option<Option<End>>) -> Self {
        match journal {
            Some(Some(End::Completed)) => Self::Completed,
            Some(Some(_)) => Self::Ended,
            Some(None) => Self::Killed,
            None => Self::NoJournal,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Completed => "That run completed, and only its lease was left.",
            Self::Ended => "That run came to its end, and only its lease was left.",
            Self::Killed => "That run was ended in the middle.",
            Self::NoJournal => {
                "This machine has no journal of that run: it was ended before it wrote anything, or kept none."
            }
        }
    }
}

/// The lease was left by a process of this machine that is gone.
pub fn taken_over(intent: &Intent, place: &LeasePlace, holder: &Holder, left: LeftBy) -> Message {
    let shows = match left {
        LeftBy::NoJournal => "",
        _ => "; `gigadb-roles history` shows what it did",
    };
    Message {
        what: format!("The lease was held {holder}; that process is gone from this machine."),
        object: object(intent, place),
        changed: "The lease was taken over, and this run goes on.".to_owned(),
        next: format!(
            "{} This one was compared with what it left{shows}.",
            left.sentence()
        ),
    }
}

/// Nothing was to be written, and the lease that a process of this machine had left was given back.
pub fn given_back(intent: &Intent, place: &LeasePlace, holder: &Holder, left: LeftBy) -> Message {
    let next = match left {
        LeftBy::Completed | LeftBy::Ended => format!("Nothing. {}", left.sentence()),
        LeftBy::Killed | LeftBy::NoJournal => {
            "Nothing: that run was ended after its last write.".to_owned()
        }
    };
    Message {
        what: format!("The lease was held {holder}; that process is gone from this machine."),
        object: object(intent, place),
        changed: "The lease was given back; there was nothing to write.".to_owned(),
        next: format!("{next} `gigadb-roles history` shows what it did."),
    }
}

/// Nothing was to be written, and whether the last run left its lease is not known. `why` is a
/// clause.
pub fn left(intent: &Intent, place: &LeasePlace, run: &str, why: &str) -> Message {
    Message {
        what: format!(
            "Run {run} may have left its lease behind, which could not be given back: {why}."
        ),
        object: object(intent, place),
        changed: "There was nothing to write; the lease may still be held.".to_owned(),
        next: "The next run on this machine that writes takes it over by itself, and so it is given back. Elsewhere, `gigadb-roles unlock` deletes it under its own id."
            .to_owned(),
    }
}

/// The lease could not be asked for: the run does not begin.
pub fn unavailable(intent: &Intent, place: &LeasePlace, failure: &Failure) -> Message {
    Message::nothing_changed(
        format!("The lease could not be taken: {failure}."),
        object(intent, place),
        format!(
            "{} Then plan and apply again.",
            advice::next(Asked::Project(&place.project), failure)
        ),
    )
}

/// The lease could not be asked for, and the run goes on: it is a failover, or the rule is waived.
pub fn without(intent: &Intent, place: &LeasePlace, why: &str) -> Message {
    Message {
        what: format!("The lease could not be taken: {why}."),
        object: object(intent, place),
        changed: "This run goes on without a lease.".to_owned(),
        next: "Make sure that nobody else swaps at the same time.".to_owned(),
    }
}

/// The run has ended, and the lease could not be given back. `why` is a clause.
pub fn not_released(intent: &Intent, place: &LeasePlace, id: &str, why: &str) -> Message {
    Message {
        what: format!("The lease could not be given back: {why}."),
        object: object(intent, place),
        changed: "The run has ended; its lease may still be held.".to_owned(),
        next: format!(
            "Run `gigadb-roles unlock {id}`. The next run on this machine takes it over by itself once this process has ended."
        ),
    }
}

/// The run has ended, and keeps its lease because something of it may still take effect until
/// `until`, a time of day.
pub fn kept(intent: &Intent, place: &LeasePlace, id: &str, until: &str) -> Message {
    Message {
        what: format!(
            "The lease is kept until {until}: something of this run may still take effect."
        ),
        object: object(intent, place),
        changed: "The run has ended; its lease is still held.".to_owned(),
        next: format!(
            "After {until}, run `gigadb-roles resume` or `revert` on this machine, which takes the lease over; elsewhere, run `gigadb-roles unlock {id}` first."
        ),
    }
}

/// The run has ended, and the lease was not its own any more.
pub fn lost(intent: &Intent, place: &LeasePlace) -> Message {
    Message {
        what: "The lease was deleted by somebody while this run held it.".to_owned(),
        object: object(intent, place),
        changed: "The run has ended; it changed nothing of the lease.".to_owned(),
        next: "Another swap may have run at the same time: plan again to see how things stand."
            .to_owned(),
    }
}
