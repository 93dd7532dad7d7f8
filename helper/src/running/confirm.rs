//! Asks before something is written.

use std::fmt::Write as _;

use gigadb_engine::{
    name::InfrastructureName, observation::environment_of, plan::Plan, rules::Severity,
};

use super::Verb;
use crate::{dumps, failure::Failure, planning::text, review::regions, session::Session, ui::Ui};

/// Refuses where nobody can be asked; `instead` is the way without a terminal.
pub(crate) fn needs_somebody(ui: &Ui, environment: &str, instead: &str) -> Result<(), Failure> {
    if ui.can_ask() {
        return Ok(());
    }
    Err(Failure::usage(
        "There is no terminal to ask for a confirmation.",
        format!("environment `{environment}`"),
        instead,
    ))
}

/// Asks for the apex to be typed.
pub(crate) async fn apex(
    ui: &Ui,
    session: &Session,
    verb: &Verb,
    plan: &Plan,
    newest: Option<&dumps::Known>,
) -> Result<(), Failure> {
    let environment = &plan.intent.environment;
    let apex = environment_of(&session.topology, environment)
        .ok()
        .and_then(|table| plan.observation.apex(table))
        .map_or_else(|| environment.to_string(), ToString::to_string);
    ui.conversation(&decisive(session, plan));
    if let Some(known) = newest {
        ui.conversation(&dumps::sentence(known));
    }
    let pair = &plan.intent.arrangement;
    let question = match verb {
        Verb::Swap => format!("Type `{apex}` to trade the roles: "),
        Verb::Failover | Verb::Apply | Verb::Resume(_) | Verb::Revert(_) => {
            format!("Type `{apex}` to make `{}` production: ", pair.production)
        }
    };
    let typed = ui.ask(&question).await;
    if typed.as_deref() == Some(apex.as_str()) {
        return Ok(());
    }
    Err(Failure::refused(
        format!(
            "{} was not confirmed: `{apex}` was not typed.",
            verb.subject()
        ),
        format!("environment `{environment}`"),
        "Run the command again when you are sure.",
    ))
}

/// What is decided, in two lines: on a small terminal the plan has scrolled away by now.
fn decisive(session: &Session, plan: &Plan) -> String {
    let topology = &session.topology;
    let side = |name: &InfrastructureName| match topology.infrastructures.get(name) {
        Some(side) => format!("{name} ({})", regions::place(&side.aws.region)),
        None => name.to_string(),
    };
    let apex = environment_of(topology, &plan.intent.environment)
        .ok()
        .and_then(|table| plan.observation.apex(table));
    let holder = |view: &gigadb_engine::view::View| {
        let place = apex.and_then(|apex| view.hostnames.get(apex));
        place.and_then(|place| place.infrastructure.clone())
    };
    let (from, to) = (holder(&plan.observed), holder(&plan.desired));
    let known = |name: &Option<InfrastructureName>| {
        name.as_ref().map_or_else(|| "not known".to_owned(), &side)
    };
    let mut lines = if from == to {
        format!("production: stays {}", known(&to))
    } else {
        format!("production: {} -> {}", known(&from), known(&to))
    };
    // Writing to a string cannot fail.
    let _ = write!(lines, "\nwritten: {}", text::count(&plan.changes));
    if !plan.owed.is_empty() {
        let items = if plan.owed.len() == 1 {
            "item"
        } else {
            "items"
        };
        let _ = write!(lines, "; owed: {} {items}", plan.owed.len());
    }
    let warnings = plan
        .findings
        .iter()
        .filter(|one| one.waived || one.severity == Severity::Warning)
        .count();
    let s = if warnings == 1 { "" } else { "s" };
    let _ = write!(lines, "; {warnings} warning{s}");
    lines
}
