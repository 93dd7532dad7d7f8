//! From the difference of two worlds to the writes that remove it.

use std::collections::BTreeMap;

use crate::{
    changes::{Blocked, Boundary, ChangeSet, Step, Target, Transaction},
    intent::{Intent, Mode},
    name::{Hostname, InfrastructureName, Role, VariableKey, ZoneId},
    observation::{NameObservation, Observation},
    topology::{Environment, Missing, Topology},
    view::View,
    world::Zone,
};

/// The change set that turns `observed` into `desired`.
pub(crate) fn diff(
    topology: &Topology,
    environment: &Environment,
    intent: &Intent,
    observation: &Observation,
    desired: &View,
) -> ChangeSet {
    let mut blocked = Vec::new();
    let mut batches: BTreeMap<ZoneId, (Zone, Vec<Step>)> = BTreeMap::new();
    for (hostname, wanted) in &desired.hostnames {
        let Some(seen) = observation.names.get(hostname) else {
            continue;
        };
        let Some(address) = wanted.address else {
            continue;
        };
        if seen.known_address() == Some(address) {
            continue;
        }
        let undo_side = intent.arrangement.get(wanted.role.other());
        let Some(target) = writable(hostname, seen, topology) else {
            blocked.push(Blocked::Name(hostname.clone()));
            continue;
        };
        let from = seen.address().map(|a| a.to_string());
        let undo = from
            .clone()
            .or_else(|| {
                observation
                    .address(undo_side, &wanted.endpoint)
                    .map(|a| a.to_string())
            })
            .unwrap_or_else(|| address.to_string());
        let side = wanted
            .infrastructure
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let step = Step {
            target,
            from,
            to: address.to_string(),
            undo,
            reason: format!(
                "`{hostname}` is a name of the {} and leads to the {} endpoint of `{side}`.",
                wanted.role, wanted.endpoint
            ),
        };
        if let Some(zone) = &seen.zone {
            batches
                .entry(zone.id.clone())
                .or_insert_with(|| (zone.clone(), Vec::new()))
                .1
                .push(step);
        }
    }
    let mut variables = Vec::new();
    for ((side, key), wanted) in &desired.variables {
        let Some(wanted) = wanted else { continue };
        match variable_step(
            topology,
            environment,
            intent,
            observation,
            (side, key),
            wanted,
        ) {
            VariableDiff::Same => {}
            VariableDiff::Blocked => blocked.push(Blocked::Variable(side.clone(), key.clone())),
            VariableDiff::Step(step) => variables.push((
                side.clone(),
                Transaction {
                    boundary: Boundary::Variable,
                    steps: vec![step],
                },
            )),
        }
    }
    let batches = ordered(environment, observation, batches);
    let stages = match intent.mode {
        Mode::Switchover => switchover(batches, variables),
        Mode::Failover => failover(batches, variables, &intent.arrangement.production),
    };
    ChangeSet { stages, blocked }
}

/// The target of a record step: the record to patch, or one to create where policy says so.
fn writable(hostname: &Hostname, seen: &NameObservation, topology: &Topology) -> Option<Target> {
    let create = seen.unread.is_none()
        && seen.records.is_empty()
        && seen.delegation().is_none()
        && topology.policy.missing_records == Missing::Create;
    let record_id = seen.single_a().map(|record| record.id.clone());
    (record_id.is_some() || create).then(|| Target::Record {
        hostname: hostname.clone(),
        record_id,
    })
}

enum VariableDiff {
    Same,
    Blocked,
    Step(Step),
}

fn variable_step(
    topology: &Topology,
    environment: &Environment,
    intent: &Intent,
    observation: &Observation,
    (side, key): (&InfrastructureName, &VariableKey),
    wanted: &str,
) -> VariableDiff {
    let rows = observation.exact_rows(side, key);
    let project = topology
        .infrastructures
        .get(side)
        .map(|i| i.gitlab_project.clone())
        .unwrap_or_default();
    let role_before = match intent.arrangement.role_of(side) {
        Some(role) if intent.changes_production() => role.other(),
        Some(role) => role,
        None => Role::HotStandby,
    };
    let read_now = observation
        .variables
        .get(side)
        .is_some_and(|r| r.read().is_some());
    let (from, create) = match rows.as_slice() {
        [row] => match &row.value {
            Some(value) if value == wanted && !row.file => return VariableDiff::Same,
            Some(value) if !row.file && !row.hidden => (Some(value.clone()), false),
            _ => return VariableDiff::Blocked,
        },
        [] if read_now && topology.policy.missing_variables == Missing::Create => (None, true),
        _ => return VariableDiff::Blocked,
    };
    let undo = from.clone().unwrap_or_else(|| {
        environment
            .table(role_before)
            .variables
            .get(key)
            .cloned()
            .unwrap_or_else(|| wanted.to_owned())
    });
    let carried = intent
        .arrangement
        .role_of(side)
        .map_or("named side", |role| match role {
            Role::Production => "production",
            Role::HotStandby if intent.prepare.as_ref() == Some(side) => {
                "hot standby, being prepared"
            }
            Role::HotStandby => "hot standby",
        });
    VariableDiff::Step(Step {
        target: Target::Variable {
            infrastructure: side.clone(),
            project,
            key: key.clone(),
            scope: intent.environment.clone(),
            create,
        },
        from,
        to: wanted.to_owned(),
        undo,
        reason: format!("`{side}` is the {carried} of `{}`.", intent.environment),
    })
}

type Batches = BTreeMap<ZoneId, (Zone, Vec<Step>)>;
type Variables = Vec<(InfrastructureName, Transaction)>;

/// Variables side by side, then the zone with the fewest production hostnames, then the apex's.
fn switchover(batches: Vec<Transaction>, variables: Variables) -> Vec<Vec<Transaction>> {
    let variables: Vec<Transaction> = variables.into_iter().map(|(_, t)| t).collect();
    std::iter::once(variables)
        .chain(batches.into_iter().map(|t| vec![t]))
        .filter(|stage| !stage.is_empty())
        .collect()
}

/// The apex's zone first, other zones next, the promoted side's variables, the lost side's last.
fn failover(
    batches: Vec<Transaction>,
    variables: Variables,
    promoted: &InfrastructureName,
) -> Vec<Vec<Transaction>> {
    let (first, last): (Vec<_>, Vec<_>) = variables.into_iter().partition(|(s, _)| s == promoted);
    batches
        .into_iter()
        .rev()
        .map(|t| vec![t])
        .chain([first, last].map(|v| v.into_iter().map(|(_, t)| t).collect()))
        .filter(|stage: &Vec<Transaction>| !stage.is_empty())
        .collect()
}

/// One batch a zone: the zone with the fewest production hostnames first, the apex's last.
fn ordered(
    environment: &Environment,
    observation: &Observation,
    batches: Batches,
) -> Vec<Transaction> {
    let zone_id = |hostname: &Hostname| Some(&observation.names.get(hostname)?.zone.as_ref()?.id);
    let apex = observation.apex(environment);
    let mut zones: Vec<(bool, usize, Zone, Vec<Step>)> = batches
        .into_values()
        .map(|(zone, mut steps)| {
            steps.sort_by(|a, b| a.target.cmp(&b.target));
            let in_zone = |hostname: &Hostname| zone_id(hostname) == Some(&zone.id);
            let public = environment
                .production
                .hostnames
                .keys()
                .filter(|h| in_zone(h))
                .count();
            (apex.is_some_and(in_zone), public, zone, steps)
        })
        .collect();
    zones.sort_by(|a, b| (a.0, a.1, &a.2.name).cmp(&(b.0, b.1, &b.2.name)));
    zones
        .into_iter()
        .map(|(decisive, _, zone, steps)| Transaction {
            boundary: Boundary::ZoneBatch { zone, decisive },
            steps,
        })
        .collect()
}
