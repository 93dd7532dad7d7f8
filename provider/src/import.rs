//! Import: by the environment's name; the roles come from DNS.

use gigadb_engine::{
    intent::{Mode, OnExternalSwap, OnFailure},
    message::Message,
    name::EnvironmentName,
    observation::environment_of,
};
use tfplug::{Diagnostic, ImportRequest, ImportResponse, Schema};

use crate::{diagnostics, private, roles::Roles, session::Session, state, validate};

/// Imports an environment.
pub(crate) async fn import(
    session: &Session,
    schema: &Schema,
    request: ImportRequest,
) -> ImportResponse {
    imported(session, schema, &request)
        .await
        .unwrap_or_else(ImportResponse::failed)
}

async fn imported(
    session: &Session,
    schema: &Schema,
    request: &ImportRequest,
) -> Result<ImportResponse, Diagnostic> {
    let ready = session.ready()?;
    let name: EnvironmentName = request
        .id
        .parse()
        .map_err(|error| validate::invalid_name("environment", &error))?;
    let observation = ready.observe(&name, None, &request.context.cancel).await?;
    let environment = environment_of(&ready.topology, &name)
        .map_err(|error| diagnostics::unobservable(name.as_str(), &error))?;
    let roles = Roles::told_by(&ready.topology, environment, &observation);
    let arrangement = roles.arrangement().ok_or_else(|| {
        let unread = diagnostics::unread(&ready.topology, &observation, "")
            .map_or_else(String::new, |warning| {
                format!(" Not read:\n{}", warning.detail.trim_end())
            });
        let (which, why) = if roles.production.is_none() {
            ("production", "its apex leads to no known side")
        } else {
            ("hot standby", "its names do not lead to one side")
        };
        diagnostics::error(
            format!("{name} import: it is not clear who is {which}"),
            &Message::nothing_changed(
                format!("The roles come from DNS, and it is not clear who is {which} in `{name}`: {why}.{unread}"),
                format!("environment `{name}`"),
                "Put the records right, then import again.",
            ),
        )
    })?;
    let mut imported = schema.object([
        ("environment", name.as_str().into()),
        ("id", name.as_str().into()),
        ("production", arrangement.production.as_str().into()),
        ("hot_standby", arrangement.hot_standby.as_str().into()),
        ("mode", Mode::default().as_str().into()),
        ("on_failure", OnFailure::default().as_str().into()),
        (
            "on_external_swap",
            OnExternalSwap::default().as_str().into(),
        ),
    ]);
    state::arrange(&mut imported, &arrangement);
    if let Some(view) = roles.view(&ready.topology, environment, &observation) {
        state::show(&mut imported, &view);
    }
    Ok(ImportResponse::new(imported, private::write(&observation)))
}
