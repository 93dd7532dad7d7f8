//! How a run ended, and what is said of it.

use std::fmt;

use gigadb_clients::journal::{Follows, RunId};
use gigadb_engine::{
    changes::{ChangeSet, Target},
    executor::{End, Outcome, TransactionStatus},
    message::Message,
    plan::Plan,
    verify::Difference,
};
use serde::Serialize;

use crate::{exit::Exit, failure::Failure, planning};

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

impl fmt::Display for Owing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self
            .wanted
            .as_deref()
            .unwrap_or("set, to what is not known yet");
        write!(f, "{} should be {wanted}: {}", self.object, self.reason)
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
    pub(crate) owed: Vec<Owing>,
    pub(crate) due: Vec<String>,
    /// The answer, in a sentence or two.
    pub(crate) summary: String,
    /// What to do about what is owed.
    pub(crate) next: Option<String>,
    /// Whether Terraform's configuration has to follow.
    pub(crate) terraform: bool,
}

impl Conclusion {
    /// The conclusion of `plan`, of which `written` was carried out.
    pub(super) fn new(
        verb: &Verb,
        plan: &Plan,
        written: &ChangeSet,
        run: Option<&RunId>,
        owed: Vec<Owing>,
    ) -> Self {
        let environment = plan.intent.environment.to_string();
        let pair = &plan.intent.arrangement;
        let steps = written.steps();
        let records = steps
            .filter(|step| matches!(step.target, Target::Record { .. }))
            .count();
        let variables = written.steps().count() - records;
        let wrote = records + variables > 0;
        let left = match owed.len() {
            0 => String::new(),
            1 => "; 1 item is owed".to_owned(),
            many => format!("; {many} items are owed"),
        };
        let summary = if wrote {
            format!(
                "{}: production is {}, hot standby is {}. Changed {} and read them back{left}.",
                verb.done(&environment),
                pair.production,
                pair.hot_standby,
                planning::text::count(written)
            )
        } else if owed.is_empty() {
            format!("No changes in {environment}: everything is as it should be.")
        } else {
            format!("No changes in {environment} that can be made now{left}.")
        };
        let next = (!owed.is_empty()).then(|| match run {
            Some(run) => format!(
                "When `{}` can be reached again, settle what is owed: `gigadb-roles resume {run}`",
                pair.hot_standby
            ),
            None => format!(
                "When `{}` can be reached again, settle what is owed: `gigadb-roles failover \
                 --environment {environment} --production {}`",
                pair.hot_standby, pair.production
            ),
        });
        Self {
            command: verb.command().to_owned(),
            exit: if owed.is_empty() {
                Exit::Success
            } else {
                Exit::PartlyApplied
            },
            production: pair.production.to_string(),
            hot_standby: pair.hot_standby.to_string(),
            environment,
            run: run.map(ToString::to_string),
            records,
            variables,
            owed,
            due: Vec::new(),
            summary,
            next,
            terraform: wrote,
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
        self.terraform.then(|| {
            format!(
                "In the Terraform configuration of `{}`, set production = \"{}\", so that the \
                 next apply agrees.",
                self.environment, self.production
            )
        })
    }
}

/// Differences, as something that is owed.
pub(super) fn owing(differences: Vec<Difference>, why: &str) -> impl Iterator<Item = Owing> {
    differences.into_iter().map(move |one| Owing {
        object: one.object.to_string(),
        wanted: one.desired,
        reason: why.to_owned(),
    })
}

/// The run was carried out, and reading back does not show it.
pub(super) fn not_verified(
    verb: &Verb,
    plan: &Plan,
    run: Option<&RunId>,
    differs: &str,
) -> Failure {
    let environment = &plan.intent.environment;
    let message = Message {
        what: format!(
            "{} was applied, but reading back does not show it: {differs}.",
            verb.subject()
        ),
        object: format!("environment `{environment}`"),
        changed: format!(
            "{} were written and accepted.",
            planning::text::count(&plan.changes)
        ),
        next: format!(
            "Run `gigadb-roles status --environment {environment}` until it is consistent."
        ),
    };
    Failure {
        run: run.map(|run| run.as_str().into()),
        ..Failure::with(Exit::NotVerified, message)
    }
}

/// Differences, each with both values.
pub(super) fn told(differences: &[Difference]) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let each = differences.iter().map(|one| {
        let (present, desired) = (shown(&one.present), shown(&one.desired));
        format!("{} is {present}, not {desired}", one.object)
    });
    each.collect::<Vec<_>>().join("; ")
}

/// What was and what was not changed by a run that did not complete.
pub(super) fn not_completed(
    verb: &Verb,
    plan: &Plan,
    outcome: &Outcome,
    run: Option<&RunId>,
    stopped: bool,
) -> Failure {
    let environment = &plan.intent.environment;
    let cause = outcome.cause.as_deref().unwrap_or("it did not complete");
    let command = verb.command();
    let again = match verb {
        Verb::Swap | Verb::Failover | Verb::Resume(_) | Verb::Revert(_) => {
            format!("Settle the cause, then run the {command} again.")
        }
        Verb::Apply => "Settle the cause, then apply the plan again.".to_owned(),
    };
    let (exit, changed, next) = match outcome.end {
        End::Completed | End::PartlyApplied | End::Open => (
            Exit::PartlyApplied,
            account(&plan.changes, outcome),
            match run {
                Some(run) => format!(
                    "Settle the cause, then complete it with `gigadb-roles resume {run}`, or go \
                     back with `gigadb-roles revert {run}`."
                ),
                None => format!(
                    "Run `gigadb-roles status --environment {environment}`, then `gigadb-roles \
                     plan` with the --production that you mean."
                ),
            },
        ),
        End::Reverted => (
            Exit::Failed,
            "What had been written was undone; everything is as before.".to_owned(),
            again,
        ),
        End::NothingChanged => (Exit::Failed, "Nothing was changed.".to_owned(), again),
    };
    let message = Message {
        what: format!("{} did not complete: {cause}.", verb.subject()),
        object: format!("environment `{environment}`"),
        changed,
        next,
    };
    let exit = if stopped && exit == Exit::Failed {
        Exit::Interrupted
    } else {
        exit
    };
    Failure {
        run: run.map(|run| run.as_str().into()),
        ..Failure::with(exit, message)
    }
}

fn account(changes: &ChangeSet, outcome: &Outcome) -> String {
    let transactions: Vec<_> = changes.transactions().collect();
    let list = |wanted: fn(&TransactionStatus) -> bool| {
        let reports = outcome.reports.iter();
        let names: Vec<String> = reports
            .filter(|report| wanted(&report.status))
            .filter_map(|report| Some(transactions.get(report.transaction.0)?.describe()))
            .collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join("; ")
        }
    };
    let in_force = list(|status| matches!(status, TransactionStatus::Applied));
    let unclear = list(|status| {
        matches!(
            status,
            TransactionStatus::Open(_)
                | TransactionStatus::Unknown(_)
                | TransactionStatus::NotUndone(_)
        )
    });
    let not_changed = list(|status| !status.may_differ_from_before());
    format!("In force: {in_force}. Not certain: {unclear}. Not changed: {not_changed}.")
}
