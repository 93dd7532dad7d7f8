//! How a run is told: to people as text, to programs as JSON Lines.

use std::sync::atomic::{AtomicBool, Ordering};

use gigadb_clients::run::Told;
use gigadb_engine::{
    changes::{Boundary, Target, Transaction},
    executor::TransactionStatus,
    message::Message,
    plan::Plan,
};
use serde::Serialize;

use super::ending::{Conclusion, Owing};
use crate::{
    failure::{Ended, Failure},
    global::Format,
    paint, planning,
    ui::{self, Ui},
};

/// The version of the lines. New keys and events do not change it.
const FORMAT_VERSION: u32 = 1;

/// Tells a run. What people read on stderr, programs read on stdout.
pub(crate) trait RunView: Sync {
    /// This is what would be written.
    fn planned(&self, plan: &Plan, reason: Option<&str>);
    /// It begins; the id is that of its journal, where there is one.
    fn began(&self, run: Option<&str>);
    /// This is about to be sent.
    fn sending(&self, transaction: &Transaction);
    /// A transaction ended, or its undo did.
    fn ended(&self, transaction: &Transaction, status: &TransactionStatus);
    /// Nothing has ended for a while: what is waited for, and for how many seconds.
    fn waiting(&self, text: &str, seconds: u64);
    /// Something is worth knowing in addition to how the writes ended.
    fn warning(&self, told: &Told);
    /// It went to its end.
    fn concluded(&self, conclusion: &Conclusion) -> Result<(), Failure>;
    /// It did not get there. The failure is told on stderr in any case.
    fn failed(&self, command: &str, failure: &Failure);
    /// Whether a line may stand on the terminal and pass.
    fn can_pass(&self) -> bool;
    /// Shows such a line; an empty one takes it away.
    fn pass(&self, text: &str);
}

/// The view that `--format` asks for.
pub(crate) fn view<'a>(format: Format, ui: &'a Ui) -> Box<dyn RunView + 'a> {
    match format {
        Format::Json => Box::new(Lines {
            ui,
            ended: AtomicBool::new(false),
        }),
        _ => Box::new(Text { ui }),
    }
}

struct Text<'a> {
    ui: &'a Ui,
}

impl RunView for Text<'_> {
    fn planned(&self, plan: &Plan, _: Option<&str>) {
        self.ui
            .conversation_painted(&planning::text::render(plan), paint::plan);
    }

    fn began(&self, run: Option<&str>) {
        if let Some(run) = run {
            self.ui
                .note(&format!("Writing; the journal of this run is {run}"));
        }
    }

    fn sending(&self, _: &Transaction) {}

    fn ended(&self, transaction: &Transaction, status: &TransactionStatus) {
        let what = transaction.describe();
        let (word, why) = word(status);
        let word = word.replace('_', " ");
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        self.ui.conversation(&format!("{word}: {what}{why}"));
    }

    fn waiting(&self, text: &str, seconds: u64) {
        self.ui
            .conversation(&format!("still waiting, {seconds} s: {text}"));
    }

    fn warning(&self, told: &Told) {
        self.ui.warning(&told.message.to_string());
    }

    fn concluded(&self, conclusion: &Conclusion) -> Result<(), Failure> {
        self.ui.answer(&conclusion.summary)?;
        let owed = conclusion.owed.iter().map(Owing::item);
        for owed in planning::owed::by_cause(owed) {
            self.ui.warning(&format!("Owed: {owed}"));
        }
        if let Some(next) = &conclusion.next {
            self.ui.note(next);
        }
        if let Some(hint) = conclusion.terraform_hint() {
            self.ui.note(&hint);
        }
        for item in &conclusion.due {
            self.ui.note(&format!("Due: {item}"));
        }
        Ok(())
    }

    fn failed(&self, _: &str, _: &Failure) {}

    fn can_pass(&self) -> bool {
        self.ui.can_pass()
    }

    fn pass(&self, text: &str) {
        ui::pass(text);
    }
}

struct Lines<'a> {
    ui: &'a Ui,
    ended: AtomicBool,
}

#[derive(Serialize)]
struct Line<'a> {
    format_version: u32,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Planned {
        plan: planning::json::Document<'a>,
    },
    Began {
        run: Option<&'a str>,
    },
    Sending {
        object: String,
        steps: Vec<StepName<'a>>,
    },
    Ended {
        object: String,
        steps: Vec<StepName<'a>>,
        status: &'static str,
        why: Option<&'a str>,
    },
    Warning {
        topic: &'a str,
        message: &'a Message,
    },
    Outcome {
        command: &'a str,
        outcome: &'static str,
        exit_code: u8,
        environment: Option<&'a str>,
        production: Option<&'a str>,
        hot_standby: Option<&'a str>,
        run: Option<&'a str>,
        records: usize,
        variables: usize,
        objects: &'a [Ended],
        owed: &'a [Owing],
        due: &'a [String],
        message: Option<&'a Message>,
    },
}

#[derive(Serialize)]
struct StepName<'a> {
    hostname: Option<&'a str>,
    zone: Option<&'a str>,
    infrastructure: Option<&'a str>,
    variable: Option<&'a str>,
    from: Option<&'a str>,
    to: &'a str,
}

impl Lines<'_> {
    fn line(&self, event: Event<'_>) {
        let line = Line {
            format_version: FORMAT_VERSION,
            event,
        };
        // Strings, numbers and string-keyed maps only: rendering cannot fail. Where stdout cannot
        // be written, the run goes on and stderr tells how it ended.
        if let Ok(text) = serde_json::to_string(&line)
            && let Err(failure) = self.ui.answer(&text)
        {
            tracing::warn!(%failure.message.what, "an event could not be written");
        }
    }
}

impl RunView for Lines<'_> {
    fn planned(&self, plan: &Plan, reason: Option<&str>) {
        let plan = planning::json::document(plan, reason);
        self.line(Event::Planned { plan });
    }

    fn began(&self, run: Option<&str>) {
        self.line(Event::Began { run });
    }

    fn sending(&self, transaction: &Transaction) {
        self.line(Event::Sending {
            object: transaction.describe(),
            steps: step_names(transaction),
        });
    }

    fn ended(&self, transaction: &Transaction, status: &TransactionStatus) {
        let (status, why) = word(status);
        self.line(Event::Ended {
            object: transaction.describe(),
            steps: step_names(transaction),
            status,
            why,
        });
    }

    fn waiting(&self, _: &str, _: u64) {}

    fn warning(&self, told: &Told) {
        self.ui.warning(&told.message.to_string());
        self.line(Event::Warning {
            topic: told.topic,
            message: &told.message,
        });
    }

    fn concluded(&self, conclusion: &Conclusion) -> Result<(), Failure> {
        self.ended.store(true, Ordering::SeqCst);
        self.line(Event::Outcome {
            command: &conclusion.command,
            outcome: conclusion.outcome(),
            exit_code: conclusion.exit as u8,
            environment: Some(&conclusion.environment),
            production: Some(&conclusion.production),
            hot_standby: Some(&conclusion.hot_standby),
            run: conclusion.run.as_deref(),
            records: conclusion.records,
            variables: conclusion.variables,
            objects: &conclusion.objects,
            owed: &conclusion.owed,
            due: &conclusion.due,
            message: None,
        });
        Ok(())
    }

    fn failed(&self, command: &str, failure: &Failure) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        self.line(Event::Outcome {
            command,
            outcome: failure.exit.outcome(),
            exit_code: failure.exit as u8,
            environment: None,
            production: None,
            hot_standby: None,
            run: failure.left.run.as_deref(),
            records: 0,
            variables: 0,
            objects: &failure.left.objects,
            owed: &[],
            due: &[],
            message: Some(&failure.message),
        });
    }

    fn can_pass(&self) -> bool {
        false
    }

    fn pass(&self, _: &str) {}
}

fn word(status: &TransactionStatus) -> (&'static str, Option<&str>) {
    match status {
        TransactionStatus::NotSent => ("not_sent", None),
        TransactionStatus::Applied => ("in_force", None),
        TransactionStatus::NotApplied(why) => ("not_in_force", Some(why)),
        TransactionStatus::Open(why) => ("open", Some(why)),
        TransactionStatus::Unknown(why) => ("perhaps_in_force", Some(why)),
        TransactionStatus::Undone => ("undone", None),
        TransactionStatus::NotUndone(why) => ("not_undone", Some(why)),
    }
}

fn step_names(transaction: &Transaction) -> Vec<StepName<'_>> {
    let zone = match &transaction.boundary {
        Boundary::ZoneBatch { zone, .. } => Some(zone.name.as_str()),
        Boundary::Variable => None,
    };
    let steps = transaction.steps.iter();
    let named = steps.map(|step| {
        let (hostname, infrastructure, variable) = match &step.target {
            Target::Record { hostname, .. } => (Some(hostname.as_str()), None, None),
            Target::Variable {
                infrastructure,
                key,
                ..
            } => (None, Some(infrastructure.as_str()), Some(key.as_str())),
        };
        StepName {
            hostname,
            zone,
            infrastructure,
            variable,
            from: step.from.as_deref(),
            to: &step.to,
        }
    });
    named.collect()
}
