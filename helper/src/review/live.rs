//! Findings as they are now, for a plan that holds none or an old one.

use std::collections::BTreeSet;

use gigadb_clients::{Scope, Which};
use gigadb_engine::{
    intent::{Intent, Mode, OnFailure, Trade, arrange},
    object::Object,
    observation::{Observation, environment_of},
    rules::Rule,
};
use tokio_util::sync::CancellationToken;

use super::{
    change::Change,
    findings::{Finding, Findings, sorted},
};
use crate::{
    failure::Failure,
    planning::{self, https::HttpsOptions},
    session::Session,
};

/// Judges a change by reading the world. What the plan would write from and finds no more is a
/// finding too.
pub(crate) async fn findings(
    session: &Session,
    change: &Change,
    https: &HttpsOptions,
    cancel: &CancellationToken,
) -> Result<Findings, Failure> {
    let topology = &session.topology;
    let environment =
        planning::environment(topology, &change.environment).map_err(|failure| Failure {
            exit: crate::exit::Exit::Failed,
            ..failure
        })?;
    let reads = Scope {
        environments: Which::one(environment.clone()),
        ..Scope::everything()
    };
    let world = session.observe(&reads, cancel).await.world;
    let observation = Observation::project(topology, &environment, &world, None)
        .map_err(|error| planning::unread(&environment, &error))?;
    let Some(to) = &change.after else {
        return Ok(Findings::Live(Vec::new()));
    };
    let (arrangement, prepare) = arrange(
        topology,
        &to.production,
        Some(&to.hot_standby),
        change.prepare.as_deref(),
    )
    .map_err(|error| {
        Failure::refused(
            format!("The plan's arrangement is not one of this topology: {error}."),
            format!("`{}`", change.address),
            "Review it with the topology that it was planned with.",
        )
    })?;
    let overrides: BTreeSet<Rule> = change
        .overrides
        .iter()
        .filter_map(|rule| rule.parse().ok())
        .collect();
    let table = environment_of(topology, &environment)
        .map_err(|error| planning::unread(&environment, &error))?;
    let intent = Intent {
        trade: Trade::from_the_apex(table, &observation, &arrangement),
        environment,
        arrangement,
        mode: change.mode.parse().unwrap_or(Mode::Switchover),
        prepare,
        on_failure: OnFailure::Revert,
        overrides,
    };
    let https = https.check()?;
    let remarks = session
        .apis
        .preflight(topology, &intent, &observation, &https, None, cancel)
        .await
        .map_err(|error| planning::https::impossible(&error))?;
    let mut findings: Vec<Finding> = remarks.iter().map(Finding::from).collect();
    findings.extend(moved(change, &observation));
    Ok(Findings::Live(sorted(findings)))
}

/// Records that no longer hold what the plan shows before the change.
fn moved(change: &Change, observation: &Observation) -> Vec<Finding> {
    let names = change.names.iter().filter_map(|name| {
        let (hostname, seen) = observation
            .names
            .iter()
            .find(|(hostname, _)| hostname.as_str() == name.hostname)?;
        let now = seen.address().map(|address| address.to_string());
        (change.from.is_some() && now != name.from.address).then(|| {
            let text =
                |address: &Option<String>| address.clone().unwrap_or_else(|| "nothing".to_owned());
            Finding {
                rule: Rule::UnchangedSincePlan.as_str().to_owned(),
                severity: "error".to_owned(),
                object: Object::Name(hostname.clone()).to_string(),
                message: format!(
                    "The plan was made when `{}` led to {}; now it leads to {}. Plan again.",
                    name.hostname,
                    text(&name.from.address),
                    text(&now)
                ),
                waived: false,
            }
        })
    });
    names.collect()
}
