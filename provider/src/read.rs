//! Refresh: reads what is there and decides nothing, because it cannot see the configuration.

use gigadb_engine::{name::EnvironmentName, observation::environment_of};
use tfplug::{Diagnostic, ReadRequest, ReadResponse};

use crate::{diagnostics, private, session::Session, state, validate};

/// What is said of parts that could not be read.
const KEPT: &str = "Their last known values are kept. The next plan says whether that matters.";

/// Refreshes `status`, `hostnames` and `variables`. Fails only for the topology, and for Cloudflare.
pub(crate) async fn read(session: &Session, request: ReadRequest) -> ReadResponse {
    refreshed(session, &request)
        .await
        .unwrap_or_else(ReadResponse::failed)
}

async fn refreshed(session: &Session, request: &ReadRequest) -> Result<ReadResponse, Diagnostic> {
    let ready = session.ready()?;
    let name: EnvironmentName = request
        .state
        .get("environment")
        .as_str()
        .unwrap_or_default()
        .parse()
        .map_err(|error| validate::invalid_name("environment", &error))?;
    if environment_of(&ready.topology, &name).is_err() {
        // Whether that matters, the plan says: one that forgets the environment is fine.
        let kept = ReadResponse::found(request.state.clone(), request.private.clone());
        return Ok(kept.with([diagnostics::gone(name.as_str())]));
    }
    let previous = private::read(&request.private);
    let observation = ready
        .observe(&name, previous.as_ref(), &request.context.cancel)
        .await?;
    let environment = environment_of(&ready.topology, &name)
        .map_err(|error| diagnostics::unobservable(name.as_str(), &error))?;
    let mut fresh = request.state.clone();
    if let Some(sides) = state::arrangement(&request.state) {
        // A state of a former version does not have it.
        state::arrange(&mut fresh, &sides);
        let view = state::observed(environment, &sides, &observation, &request.state);
        state::show(&mut fresh, &view);
    }
    Ok(
        ReadResponse::found(fresh, private::write(&observation)).with(diagnostics::unread(
            &ready.topology,
            &observation,
            KEPT,
        )),
    )
}
