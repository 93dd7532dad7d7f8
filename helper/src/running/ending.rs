//! How a run ended, and what is said of it.

use gigadb_clients::{
    journal::{Follows, RunId},
    notify::News,
    swap::Carried,
};
use gigadb_engine::{
    carry::Whole,
    intent::Mode,
    message::{Message, capitalized, clock},
    plan::{OTHER_SIDES, Plan},
    topology::NotifyEvent,
    view::Status,
};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::{Ended, Failure, Left},
    planning::{owed::Item, text},
};

/// Which command a run belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    Swap,
    Failover,
    /// Of a saved plan.
    Apply,
    Resume(RunId),
    Revert(RunId),
}

impl Verb {
    /// The command's name.
    pub(crate) fn command(&self) -> &'static str {
        match self {
            Self::Swap => "swap",
            Self::Failover => "failover",
            Self::Apply => "apply",
            Self::Resume(_) => "resume",
            Self::Revert(_) => "revert",
        }
    }

    /// The run, as the subject of a sentence.
    pub(crate) fn subject(&self) -> &'static str {
        match self {
            Self::Swap => "The swap",
            Self::Failover => "The failover",
            Self::Apply => "The run",
            Self::Resume(_) => "The resumed run",
            Self::Revert(_) => "The revert",
        }
    }

    /// The earlier run that it belongs to.
    pub(super) fn follows(&self) -> Option<Follows> {
        match self {
            Self::Resume(run) => Some(Follows::Resumes(run.clone())),
            Self::Revert(run) => Some(Follows::Reverts(run.clone())),
            Self::Swap | Self::Failover | Self::Apply => None,
        }
    }

    fn done(&self, environment: &str) -> String {
        match self {
            Self::Swap => format!("Swapped {environment}"),
            Self::Failover => format!("Failed over {environment}"),
            Self::Apply => format!("Applied the plan of {environment}"),
            Self::Resume(_) => format!("Completed the run of {environment}"),
            Self::Revert(_) => format!("Took back the run of {environment}"),
        }
    }
}

/// Something that a run leaves to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Owing {
    pub(crate) object: String,
    pub(crate) wanted: Option<String>,
    pub(crate) reason: String,
}

impl Owing {
    /// The item, to be told by its cause.
    pub(super) fn item(&self) -> Item<'_> {
        (self.object.clone(), self.wanted.as_deref(), &self.reason)
    }
}

/// A run that went to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) command: String,
    pub(crate) exit: Exit,
    pub(crate) environment: String,
    pub(crate) production: String,
    pub(crate) hot_standby: String,
    /// The run's journal.
    pub(crate) run: Option<String>,
    /// How many records and variables were written.
    pub(crate) records: usize,
    pub(crate) variables: usize,
    pub(crate) objects: Vec<Ended>,
    pub(crate) owed: Vec<Owing>,
    pub(crate) due: Vec<String>,
    /// The answer, in a sentence or two.
    pub(crate) summary: String,
    /// What to do about what is owed.
    pub(crate) next: Option<String>,
    /// What Terraform's configuration has to say then; `None` where nothing was written, or no
    /// configuration says how it ended.
    pub(crate) terraform: Option<String>,
}

impl Conclusion {
    /// The conclusion of a run that went to its end.
    pub(super) fn new(verb: &Verb, carried: &Carried) -> Self {
        let ending = &carried.ending;
        let environment = ending.plan.intent.environment.to_string();
        let pair = &ending.plan.intent.arrangement;
        let (records, variables) = ending.counts();
        let owed: Vec<Owing> = ending
            .owed
            .iter()
            .map(|owed| Owing {
                object: owed.object.to_string(),
                wanted: owed.wanted.clone(),
                reason: owed.reason.clone(),
            })
            .collect();
        let wrote = records + variables > 0;
        let left = match owed.len() {
            0 => String::new(),
            1 => " 1 item is owed.".to_owned(),
            many => format!(" {many} items are owed."),
        };
        // What a way back leaves may be no arrangement: then it is not told as one.
        let astray = wrote && (matches!(verb, Verb::Revert(_)) || owed.is_empty());
        let astray = ending
            .status
            .filter(|status| astray && matches!(status, Status::Mixed | Status::Unknown));
        let summary = if let Some(status) = astray {
            format!(
                "{}. Changed {} and read them back.{left} {environment} is {status} now: not \
                 everything is as production {} and hot standby {} require.",
                verb.done(&environment),
                text::counted(records, variables),
                pair.production,
                pair.hot_standby
            )
        } else if wrote {
            format!(
                "{}: production is {}, hot standby is {}. Changed {} and read them back.{left}",
                verb.done(&environment),
                pair.production,
                pair.hot_standby,
                text::counted(records, variables)
            )
        } else if owed.is_empty() {
            format!("No changes in {environment}: everything is as it should be.")
        } else {
            format!("No changes in {environment} that can be made now.{left}")
        };
        let look = format!(
            "See what is not: `gigadb-roles status --environment {environment}`. An earlier run may \
             have left it: `gigadb-roles history --environment {environment}`"
        );
        let next = (!owed.is_empty()).then(|| match &carried.run {
            Some(run) => {
                format!("Remove each cause, then finish what is owed: `gigadb-roles resume {run}`")
            }
            None => format!(
                "Remove each cause, then finish what is owed: `gigadb-roles failover \
                 --environment {environment} --production {} --hot-standby {}`",
                pair.production, pair.hot_standby
            ),
        });
        let next = next.or(astray.map(|_| look));
        Self {
            command: verb.command().to_owned(),
            exit: if owed.is_empty() && astray.is_none() {
                Exit::Success
            } else {
                Exit::PartlyApplied
            },
            production: pair.production.to_string(),
            hot_standby: pair.hot_standby.to_string(),
            environment,
            run: carried.run.as_ref().map(ToString::to_string),
            records,
            variables,
            objects: Ended::all(ending),
            owed,
            due: carried.due.clone(),
            summary,
            next,
            terraform: (wrote && astray.is_none()).then(|| configuration(&ending.plan)),
        }
    }

    /// The word for it.
    pub(super) fn outcome(&self) -> &'static str {
        match (self.exit, self.records + self.variables) {
            (Exit::Success, 0) => "no_changes",
            (Exit::Success, _) => "completed",
            _ => "owed",
        }
    }

    /// What makes Terraform agree with what was done here.
    pub(super) fn terraform_hint(&self) -> Option<String> {
        self.terraform.as_ref().map(|says| {
            format!(
                "In the Terraform configuration of `{}`, set {says}, so that the next apply agrees.",
                self.environment
            )
        })
    }
}

/// What a configuration says of the arrangement that holds after the plan.
fn configuration(plan: &Plan) -> String {
    let pair = &plan.intent.arrangement;
    let mut production = format!("production = \"{}\"", pair.production);
    if plan.notices.iter().any(|one| one.topic == OTHER_SIDES) {
        production = format!("{production} and hot_standby = \"{}\"", pair.hot_standby);
    }
    if plan.desired.status == Status::Prepared {
        production = format!("{production} and prepare = \"{}\"", pair.hot_standby);
    }
    production
}

/// What webhooks are told of a run that ended so.
pub(super) fn news(verb: &Verb, carried: &Carried, concluded: Result<&Exit, &Failure>) -> News {
    let intent = &carried.ending.plan.intent;
    let event = match (verb, intent.mode) {
        (Verb::Revert(_), _) => NotifyEvent::Revert,
        (_, Mode::Failover) => NotifyEvent::Failover,
        (_, Mode::Switchover) => NotifyEvent::Swap,
    };
    let conclusion = Conclusion::new(verb, carried);
    let arrangement = concluded.is_ok().then_some(&intent.arrangement);
    let (outcome, text) = match concluded {
        Ok(_) => (conclusion.outcome(), conclusion.summary),
        Err(failure) => {
            let Message { what, changed, .. } = &failure.message;
            (failure.exit.outcome(), format!("{what} {changed}"))
        }
    };
    News {
        event,
        outcome: outcome.to_owned(),
        environment: intent.environment.to_string(),
        production: arrangement.map(|pair| pair.production.to_string()),
        hot_standby: arrangement.map(|pair| pair.hot_standby.to_string()),
        run: carried.run.as_ref().map(ToString::to_string),
        step: None,
        text,
    }
}

/// How a run ended that did not go to its end.
pub(super) fn not_completed(verb: &Verb, carried: &Carried, stopped: bool) -> Failure {
    let ending = &carried.ending;
    let environment = &ending.plan.intent.environment;
    let run = carried.run.as_ref();
    let subject = verb.subject();
    let why = ending.why();
    let what = match ending.whole {
        Whole::Open(until) => format!(
            "{subject} is open until {}: until then, something of it may still take effect. {}.",
            clock(until),
            capitalized(&why)
        ),
        Whole::Unread | Whole::NotShown => {
            let differences = ending.not_as_planned();
            let shown = if differences.is_empty() {
                why
            } else {
                differences.join("; ")
            };
            match ending.whole {
                Whole::Unread => {
                    format!("{subject} was applied, and not all of it could be read back: {shown}.")
                }
                _ => format!("{subject} was applied, but reading back does not show it: {shown}."),
            }
        }
        _ => format!("{subject} did not complete: {why}."),
    };
    let remedy = &ending.remedy;
    let status = format!("Run `gigadb-roles status --environment {environment}`");
    let (exit, next) = match ending.whole {
        Whole::Open(until) => (
            Exit::PartlyApplied,
            match run {
                Some(run) => format!(
                    "To go on at once, run `gigadb-roles resume {run}`; to go back, run \
                     `gigadb-roles revert {run}`, which waits until {}.",
                    clock(until)
                ),
                None => format!("{status} after {}.", clock(until)),
            },
        ),
        Whole::Unread => (
            Exit::NotVerified,
            format!("{}{status} when it can be read again.", remedy.before()),
        ),
        Whole::NotShown => (
            Exit::NotVerified,
            match run {
                Some(run) => format!(
                    "{status}: a reading may lag behind a write. If it stays so, find out who else \
                     writes it; `gigadb-roles resume {run}` writes it again, `gigadb-roles revert \
                     {run}` goes back."
                ),
                None => format!("{status} until it is consistent."),
            },
        ),
        Whole::NothingChanged | Whole::PutBack => (
            Exit::Failed,
            match verb {
                Verb::Apply => remedy.then("apply the plan again"),
                _ => remedy.then(&format!("run the {} again", verb.command())),
            },
        ),
        Whole::Partly | Whole::Owing | Whole::Done | Whole::NothingToWrite => (
            Exit::PartlyApplied,
            match run {
                Some(run) => remedy.then(&format!(
                    "complete it with `gigadb-roles resume {run}`, or go back with `gigadb-roles \
                     revert {run}`"
                )),
                None => format!(
                    "{status}, then `gigadb-roles plan` with the --production that you mean."
                ),
            },
        ),
    };
    let message = Message {
        what,
        object: format!("environment `{environment}`"),
        changed: ending.changed(),
        next,
    };
    let exit = if stopped && exit == Exit::Failed {
        Exit::Interrupted
    } else {
        exit
    };
    Failure::with(exit, message).leaving(Left {
        run: run.map(ToString::to_string),
        objects: Ended::all(ending),
    })
}
