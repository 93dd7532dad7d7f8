//! Findings as they are now, for a plan that holds none or an old one.

use std::collections::BTreeSet;

use futures::future::join_all;
use gigadb_clients::{Scope, Which};
use gigadb_engine::{
    intent::{Intent, Mode, OnFailure, arrange},
    observation::Observation,
    plan::{Incomputable, plan},
    preflight::{Pipelines, Remark, preflight},
    rules::Rule,
    world::Reading,
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
    let table = topology.environments.get(&environment);
    let holder = table.and_then(|table| observation.apex_holder(table));
    let intent = Intent {
        changes_production: holder != Some(&arrangement.production),
        environment,
        arrangement,
        mode: change.mode.parse().unwrap_or(Mode::Switchover),
        prepare,
        on_failure: OnFailure::Revert,
        overrides,
    };
    let evidence = session.apis.evidence(topology).await;
    let remarks = match plan(topology, &intent, &observation, &evidence) {
        Ok(mut plan) => {
            planning::https::probe(topology, &mut plan, https, cancel).await?;
            let sides = plan.intent.arrangement.iter().filter_map(|(_, name)| {
                let project = &topology.infrastructures.get(name)?.gitlab_project;
                Some(async move {
                    let read = session.apis.active_pipelines(project, cancel).await;
                    (
                        name.clone(),
                        read.map_or_else(Reading::failed, Reading::Read),
                    )
                })
            });
            let pipelines: Pipelines = join_all(sides).await.into_iter().collect();
            preflight(topology, &plan, &pipelines)
        }
        Err(Incomputable(findings)) => findings.iter().map(Remark::from).collect(),
    };
    let mut findings: Vec<Finding> = remarks.iter().map(Finding::from).collect();
    findings.extend(moved(change, &observation));
    Ok(Findings::Live(sorted(findings)))
}

/// Records that no longer hold what the plan shows before the change.
fn moved(change: &Change, observation: &Observation) -> Vec<Finding> {
    let names = change.names.iter().filter_map(|name| {
        let (_, seen) = observation
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
                object: format!("A record of `{}`", name.hostname),
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
