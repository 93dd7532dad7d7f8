//! Asks before something is written.

use gigadb_engine::{observation::environment_of, plan::Plan};

use super::Verb;
use crate::{failure::Failure, session::Session, ui::Ui};

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
) -> Result<(), Failure> {
    let environment = &plan.intent.environment;
    let apex = environment_of(&session.topology, environment)
        .ok()
        .and_then(|table| plan.observation.apex(table))
        .map_or_else(|| environment.to_string(), ToString::to_string);
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
