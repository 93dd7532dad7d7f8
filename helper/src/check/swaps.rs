//! What a swap relies on beside names: the sides' certificates, and the lease.

use std::collections::BTreeSet;

use futures::future::join_all;
use gigadb_clients::journal::RunId;
use gigadb_engine::{
    advice::{self, Asked},
    evidence::Evidence,
    intent::{Intent, Mode, OnFailure, Trade},
    message::capitalized,
    name::EnvironmentName,
    observation::Observation,
    plan::{self, Plan},
    readiness::stored_certificates,
    rules::{
        Finding,
        https_ready::HttpsCheck,
        one_swap_at_a_time::{Holder, LeasePlace},
    },
    topology::{Environment, Topology},
    view,
    world::{Failure, World},
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Check, Verdict};
use crate::session::Session;

const CERTIFICATE: &str = "certificate";
const LEASE: &str = "lease";

/// The certificates that the sides keep in GitLab, held against a swap of each environment.
pub(super) fn certificates(session: &Session, world: &World) -> Vec<Check> {
    let topology = &session.topology;
    if topology.certificate_variable.is_some() {
        let all = topology.environments.iter();
        return all
            .flat_map(|(name, table)| stored(topology, name, table, world))
            .collect();
    }
    let all = topology.infrastructures.keys();
    all.map(|name| {
        Check::not_checked(
            (CERTIFICATE, name.as_str()),
            "The topology does not say which variable holds the certificate",
            "Name it as `certificate_variable`, such as `tls_fullchain_pem`, or look at the \
             certificate yourself before a swap.",
        )
    })
    .collect()
}

/// What both sides' stored certificates would not cover after a swap of one environment.
fn stored(
    topology: &Topology,
    name: &EnvironmentName,
    table: &Environment,
    world: &World,
) -> Vec<Check> {
    let about = (CERTIFICATE, name.as_str());
    let plan = match swapped(topology, name, table, world) {
        Ok(plan) => plan,
        Err(why) => {
            return vec![Check::not_checked(
                about,
                format!("No swap can be planned: {why}"),
                "Fix what blocks it first: `gigadb-roles plan --swap` lists it.",
            )];
        }
    };
    let arrangement = &plan.intent.arrangement;
    let sides = [&arrangement.production, &arrangement.hot_standby];
    if let Some(side) = sides
        .into_iter()
        .find(|side| !plan.observation.certificates.contains_key(*side))
    {
        return vec![Check::not_checked(
            about,
            format!("The certificate stored for `{side}` could not be read"),
            "Fix the token and the project first.",
        )];
    }
    let now = Timestamp::now().as_second();
    let found = stored_certificates::check(topology, &plan, &HttpsCheck::default(), now);
    if found.is_empty() {
        return vec![Check::ok(CERTIFICATE, name, "both sides' cover a swap")];
    }
    let warning = |finding: Finding| Check::said(about, Verdict::Warning, finding.message);
    found.into_iter().map(warning).collect()
}

/// The plan of a swap of the roles as they are.
fn swapped(
    topology: &Topology,
    name: &EnvironmentName,
    table: &Environment,
    world: &World,
) -> Result<Plan, String> {
    let observation =
        Observation::project(topology, name, world, None).map_err(|error| error.to_string())?;
    let now = view::roles(topology, table, &observation).map_err(|error| error.to_string())?;
    let arrangement = now.swapped();
    let intent = Intent {
        environment: name.clone(),
        trade: Trade::from_the_apex(table, &observation, &arrangement),
        arrangement,
        mode: Mode::Switchover,
        prepare: None,
        on_failure: OnFailure::default(),
        overrides: BTreeSet::new(),
    };
    plan::plan(topology, &intent, &observation, &Evidence::none()).map_err(|incomputable| {
        let first = incomputable.0.into_iter().next();
        first.map_or_else(String::new, |finding| {
            finding.message.what.trim_end_matches('.').to_owned()
        })
    })
}

/// Whether somebody holds the lease of an environment.
///
/// GitLab has no call that only looks: the lease is asked for, and given back at once.
pub(super) async fn leases(session: &Session, cancel: &CancellationToken) -> Vec<Check> {
    let topology = &session.topology;
    let Some(lock) = &topology.lock else {
        return vec![Check::warning(
            (LEASE, "none"),
            "The topology has no `lock`: nothing keeps two operators from swapping at once but \
             the rule `unchanged-since-plan`",
            "Add `lock: { gitlab_project: …, name: \"gigadb-roles-{environment}\" }` to the \
             topology.",
        )];
    };
    let asked = topology.environments.keys().map(|environment| async move {
        let place = LeasePlace::under(lock, environment);
        let run = RunId::new(environment, Timestamp::now());
        let holder = session.apis.lease_holder(&place, &run, cancel).await;
        lease(environment, &place, holder)
    });
    join_all(asked).await
}

fn lease(
    environment: &EnvironmentName,
    place: &LeasePlace,
    holder: Result<Option<Holder>, Failure>,
) -> Check {
    let about = (LEASE, environment.as_str());
    match holder {
        Ok(None) => Check::ok(LEASE, environment, "free"),
        Ok(Some(holder)) => Check::failed(
            about,
            format!("It is held {holder}; a swap would be refused"),
            holder.advice(place),
        ),
        Err(failure) => Check::failed(
            about,
            capitalized(&failure.message),
            advice::next(Asked::Project(&place.project), &failure),
        ),
    }
}
