//! Findings as they are now, for a plan that holds none or an old one.

use std::collections::BTreeSet;

use gigadb_clients::{Scope, Which};
use gigadb_engine::{
    evidence::Evidence,
    intent::{Intent, Mode, OnFailure, Trade, arrange},
    name::{EnvironmentName, InfrastructureName, VariableKey},
    object::Object,
    observation::{NameObservation, Observation, environment_of},
    plan::{Plan, adopt, plan},
    rules::Rule,
    topology::Topology,
    world::Record,
};
use tokio_util::sync::CancellationToken;

use super::{
    change::Change,
    escape::code,
    findings::{Finding, Findings, sorted},
    source::is_hidden,
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
    let elsewhere = |what: String| {
        Failure::refused(
            what,
            format!("`{}`", change.address),
            "Review it with the topology that it was planned with.",
        )
    };
    let named: Option<EnvironmentName> = change.environment.parse().ok();
    let known = named.filter(|name| topology.environments.contains_key(name));
    let environment = known.ok_or_else(|| {
        elsewhere(format!(
            "The plan's environment {} is not in this topology.",
            code(&change.environment)
        ))
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
        elsewhere(format!(
            "The plan's arrangement is not one of this topology: {error}."
        ))
    })?;
    let overrides: BTreeSet<Rule> = change
        .overrides
        .iter()
        .filter_map(|rule| rule.parse().ok())
        .collect();
    let table = environment_of(topology, &environment)
        .map_err(|error| planning::unread(&environment, &error))?;
    let intent = Intent {
        trade: if change.adopts() {
            Trade::none()
        } else {
            Trade::from_the_apex(table, &observation, &arrangement)
        },
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
    if change.adopts()
        && let Ok(plan) = plan(topology, &intent, &observation, &Evidence::none())
    {
        findings.extend(adopted(topology, &plan, &observation));
    }
    Ok(Findings::Live(sorted(findings)))
}

/// What adopting finds missing and creates, or why it is refused.
fn adopted(topology: &Topology, plan: &Plan, observation: &Observation) -> Vec<Finding> {
    let found = |severity: &str, object: String, message: String| Finding {
        rule: "adopt".to_owned(),
        severity: severity.to_owned(),
        object,
        message,
        waived: false,
    };
    match adopt(topology, plan, observation) {
        Ok(()) => plan
            .changes
            .steps()
            .map(|step| {
                let object = step.target.object();
                let message = format!("The {object} is missing, and is created: `{}`.", step.to);
                found("warning", object.to_string(), message)
            })
            .collect(),
        Err(disagreement) => disagreement
            .objects
            .into_iter()
            .map(|clause| {
                let environment = format!("environment `{}`", plan.intent.environment);
                let message = format!("The {clause}: creating changes nothing that is there.");
                found("error", environment, message)
            })
            .collect(),
    }
}

/// Records and variables that hold neither what the plan shows before the change nor what it leads
/// to, moved by the plan or not: an apply would be refused.
fn moved(change: &Change, observation: &Observation) -> Vec<Finding> {
    if change.from.is_none() {
        return Vec::new();
    }
    let stale = |object: Object, message: String| Finding {
        rule: Rule::UnchangedSincePlan.as_str().to_owned(),
        severity: "error".to_owned(),
        object: object.to_string(),
        message,
        waived: false,
    };
    let names = change.names.iter().filter_map(|name| {
        let (hostname, seen) = observation
            .names
            .iter()
            .find(|(hostname, _)| hostname.as_str() == name.hostname)?;
        // What could not be read is no sign of a change.
        if seen.unread.is_some() {
            return None;
        }
        let now = seen.address().map(|address| address.to_string());
        let settled = now.is_some() && now == name.to.address;
        let is_stale = now != name.from.address && !settled;
        let before = name.from.address.as_deref().unwrap_or("no single address");
        is_stale.then(|| {
            let message = format!(
                "The plan was made when `{}` led to {before}; now it leads to {}. Plan again.",
                name.hostname,
                led_to(seen)
            );
            stale(Object::Name(hostname.clone()), message)
        })
    });
    let variables = change.held.iter().filter_map(|one| {
        let side: InfrastructureName = one.infrastructure.parse().ok()?;
        let key: VariableKey = one.variable.parse().ok()?;
        // What could not be read is no sign of a change.
        observation.variables.get(&side)?.read()?;
        let now = observation.value(&side, &key).map(str::to_owned);
        let hidden = [&one.from, &one.to]
            .into_iter()
            .flatten()
            .any(|text| is_hidden(text));
        let is_stale = now != one.from && now != one.to && !hidden;
        is_stale.then(|| {
            let text = |value: &Option<String>| {
                let quoted = value.as_ref().map(|value| format!("`{value}`"));
                quoted.unwrap_or_else(|| "no value that can be read".to_owned())
            };
            let message = format!(
                "The plan was made when `{key}` of `{side}` held {}; now it holds {}. Plan again.",
                text(&one.from),
                text(&now)
            );
            stale(Object::Variable(side, key), message)
        })
    });
    names.chain(variables).collect()
}

/// Where a name leads, whatever its records are.
fn led_to(seen: &NameObservation) -> String {
    if let Some(address) = seen.address() {
        return address.to_string();
    }
    let text = |record: &Record| format!("{} `{}`", record.record_type, record.content);
    let records: Vec<String> = seen.records.iter().map(text).collect();
    if records.is_empty() {
        "nothing".to_owned()
    } else {
        records.join(" and ")
    }
}
