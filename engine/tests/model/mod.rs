//! A model of the world that plans are tried on: what the three APIs would say, and what they
//! would say after a step.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's own fixtures"
)]
#![allow(dead_code, reason = "each test file uses its own part of the model")]

pub(crate) mod by_hand;

use std::{collections::BTreeMap, net::Ipv4Addr};

use gigadb_engine::{
    changes::{ChangeSet, Step, Target},
    evidence::Evidence,
    intent::{Arrangement, Intent, Mode, OnFailure, Trade},
    name::{EnvironmentName, InfrastructureName, Role},
    observation::Observation,
    plan::{Incomputable, Plan, plan},
    topology::Topology,
    view::View,
    world::{CiVariable, ElasticIp, Instance, Reading, Record, RecordType, Side, World, Zone},
};

/// The procedure's own world: two sides, two zones, live and staging.
pub(crate) const UPSTREAM: &str =
    include_str!("../../../examples/terraform/upstream/topology.yaml");

pub(crate) fn topology(text: &str) -> Topology {
    Topology::parse(text)
        .expect("the fixture is valid")
        .topology
}

pub(crate) fn side(name: &str) -> InfrastructureName {
    name.parse().unwrap()
}

pub(crate) fn environment(name: &str) -> EnvironmentName {
    name.parse().unwrap()
}

/// The arrangement with `production` in a topology of two sides.
pub(crate) fn arrangement(topology: &Topology, production: &str) -> Arrangement {
    let production = side(production);
    let hot_standby = topology
        .infrastructures
        .keys()
        .find(|i| **i != production)
        .unwrap()
        .clone();
    Arrangement {
        production,
        hot_standby,
    }
}

pub(crate) fn intent(topology: &Topology, environment_name: &str, production: &str) -> Intent {
    Intent {
        environment: environment(environment_name),
        arrangement: arrangement(topology, production),
        mode: Mode::Switchover,
        prepare: None,
        on_failure: OnFailure::Revert,
        overrides: std::collections::BTreeSet::new(),
        trade: Trade::from(true),
    }
}

/// A world in which every environment holds `production`, with unrelated records and rows beside.
pub(crate) fn world(topology: &Topology, production: &str) -> World {
    let pair = arrangement(topology, production);
    let zones: Vec<Zone> = ["gigadb.org", "gigadb.host"]
        .iter()
        .enumerate()
        .map(|(i, name)| Zone {
            id: format!("zone{i}").parse().unwrap(),
            name: name.parse().unwrap(),
            active: true,
            batch_limit: 200,
            account: None,
        })
        .collect();
    let sides: BTreeMap<InfrastructureName, Side> = topology
        .infrastructures
        .keys()
        .enumerate()
        .map(|(i, name)| {
            (
                name.clone(),
                machines(topology, name, u8::try_from(i).unwrap()),
            )
        })
        .collect();
    let mut records: BTreeMap<_, Vec<Record>> = zones
        .iter()
        .map(|z| (z.id.clone(), vec![unrelated(&z.name.to_string())]))
        .collect();
    let mut variables: BTreeMap<InfrastructureName, Vec<CiVariable>> = BTreeMap::new();
    for (env, table) in &topology.environments {
        for (role, holder) in pair.iter() {
            for (hostname, endpoint) in &table.table(role).hostnames {
                let name = topology.eip_name(holder, env, endpoint).unwrap();
                let eip = sides[holder]
                    .elastic_ips
                    .iter()
                    .find(|e| e.name == name)
                    .unwrap();
                let zone = zones.iter().find(|z| hostname.is_in(&z.name)).unwrap();
                records.get_mut(&zone.id).unwrap().push(Record {
                    id: format!("rec-{hostname}").parse().unwrap(),
                    name: hostname.clone(),
                    record_type: RecordType::A,
                    content: eip.address.to_string(),
                    ttl: 1,
                    proxied: false,
                });
            }
            for (key, value) in &table.table(role).variables {
                let rows = variables.entry(holder.clone()).or_default();
                rows.push(row(key.as_str(), env.as_str(), value));
                rows.push(row(key.as_str(), "*", "elsewhere"));
            }
        }
    }
    for rows in variables.values_mut() {
        rows.sort();
        rows.dedup();
    }
    World {
        certificates: BTreeMap::new(),
        beside: BTreeMap::new(),
        zones: Reading::Read(zones),
        records: records
            .into_iter()
            .map(|(z, r)| (z, Reading::Read(r)))
            .collect(),
        variables: variables
            .into_iter()
            .map(|(i, r)| (i, Reading::Read(r)))
            .collect(),
        sides: sides
            .into_iter()
            .map(|(i, s)| (i, Reading::Read(s)))
            .collect(),
    }
}

fn unrelated(zone: &str) -> Record {
    Record {
        id: format!("unrelated-{zone}").parse().unwrap(),
        name: format!("unrelated.{zone}").parse().unwrap(),
        record_type: RecordType::A,
        content: "192.0.2.200".to_owned(),
        ttl: 300,
        proxied: false,
    }
}

pub(crate) fn row(key: &str, scope: &str, value: &str) -> CiVariable {
    CiVariable {
        key: key.parse().unwrap(),
        scope: scope.to_owned(),
        value: Some(value.to_owned()),
        file: false,
        protected: false,
        masked: false,
        hidden: false,
        raw: false,
    }
}

/// One Elastic IP and one running instance for every environment and endpoint.
pub(crate) fn machines(topology: &Topology, name: &InfrastructureName, index: u8) -> Side {
    let mut side = Side::default();
    let mut host = 0_u8;
    for env in topology.environments.keys() {
        for endpoint in topology.endpoints.keys() {
            host += 1;
            let instance = topology.instance_name(name, env, endpoint).unwrap();
            let id = format!("i-{index}-{host}").parse().unwrap();
            side.elastic_ips.push(ElasticIp {
                allocation_id: format!("eipalloc-{index}-{host}").parse().unwrap(),
                name: topology.eip_name(name, env, endpoint).unwrap(),
                address: Ipv4Addr::new(198, 51, 100 + index, host),
                instance_id: Some(id),
                used_by: None,
            });
            side.instances.push(Instance {
                id: format!("i-{index}-{host}").parse().unwrap(),
                name: instance,
                state: "running".to_owned(),
                private_address: Some(Ipv4Addr::new(10, 99, 0, host)),
                public_address: None,
                tags: BTreeMap::new(),
            });
        }
    }
    side
}

pub(crate) fn observe(topology: &Topology, environment_name: &str, world: &World) -> Observation {
    Observation::project(topology, &environment(environment_name), world, None)
        .expect("the world can be projected")
}

pub(crate) fn planned(
    topology: &Topology,
    intent: &Intent,
    world: &World,
) -> Result<Plan, Incomputable> {
    plan(
        topology,
        intent,
        &observe(topology, intent.environment.as_str(), world),
        &Evidence::none(),
    )
}

pub(crate) fn view(topology: &Topology, intent: &Intent, world: &World) -> View {
    let observation = observe(topology, intent.environment.as_str(), world);
    let sides = [
        &intent.arrangement.production,
        &intent.arrangement.hot_standby,
    ];
    View::observed(
        &topology.environments[&intent.environment],
        sides,
        &observation,
    )
}

/// Carries one step out.
pub(crate) fn apply_step(world: &mut World, step: &Step) {
    match &step.target {
        Target::Record {
            hostname,
            record_id,
        } => {
            let Reading::Read(zones) = &world.zones else {
                panic!("zones")
            };
            let zone = zones
                .iter()
                .find(|z| hostname.is_in(&z.name))
                .unwrap()
                .id
                .clone();
            let Some(Reading::Read(records)) = world.records.get_mut(&zone) else {
                panic!("records")
            };
            match record_id {
                Some(id) => {
                    records
                        .iter_mut()
                        .find(|r| r.id == *id)
                        .unwrap()
                        .content
                        .clone_from(&step.to);
                }
                None => records.push(Record {
                    id: format!("new-{hostname}").parse().unwrap(),
                    name: hostname.clone(),
                    record_type: RecordType::A,
                    content: step.to.clone(),
                    ttl: 1,
                    proxied: false,
                }),
            }
        }
        Target::Variable {
            infrastructure,
            key,
            scope,
            create,
            ..
        } => {
            let Some(Reading::Read(rows)) = world.variables.get_mut(infrastructure) else {
                panic!("rows")
            };
            if *create {
                rows.push(row(key.as_str(), scope.as_str(), &step.to));
            } else {
                let found = rows
                    .iter_mut()
                    .find(|r| r.key == *key && r.scope == scope.as_str());
                found.unwrap().value = Some(step.to.clone());
            }
        }
    }
}

/// Carries every step out.
pub(crate) fn apply(world: &mut World, changes: &ChangeSet) {
    for step in changes.steps() {
        apply_step(world, step);
    }
}

pub(crate) fn records_mut<'a>(world: &'a mut World, hostname: &str) -> &'a mut Vec<Record> {
    let Reading::Read(zones) = &world.zones else {
        panic!("zones")
    };
    let hostname: gigadb_engine::name::Hostname = hostname.parse().unwrap();
    let zone = zones
        .iter()
        .find(|z| hostname.is_in(&z.name))
        .unwrap()
        .id
        .clone();
    match world.records.get_mut(&zone) {
        Some(Reading::Read(records)) => records,
        _ => panic!("records"),
    }
}

pub(crate) fn record_mut<'a>(world: &'a mut World, hostname: &str) -> &'a mut Record {
    records_mut(world, hostname)
        .iter_mut()
        .find(|r| r.name.as_str() == hostname)
        .unwrap()
}

pub(crate) fn rows_mut<'a>(world: &'a mut World, name: &str) -> &'a mut Vec<CiVariable> {
    match world.variables.get_mut(name) {
        Some(Reading::Read(rows)) => rows,
        _ => panic!("rows"),
    }
}

pub(crate) fn side_mut<'a>(world: &'a mut World, name: &str) -> &'a mut Side {
    match world.sides.get_mut(name) {
        Some(Reading::Read(side)) => side,
        _ => panic!("side"),
    }
}

/// The plan as a reviewer would sketch it: one line a step, in the order of writing.
pub(crate) fn sketch(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for (i, stage) in plan.changes.stages.iter().enumerate() {
        for transaction in stage {
            for step in &transaction.steps {
                let from = step.from.as_deref().unwrap_or("nothing");
                lines.push(format!("{} {}: {from} -> {}", i + 1, step.target, step.to));
            }
        }
    }
    for finding in &plan.findings {
        let waived = if finding.waived { " (waived)" } else { "" };
        lines.push(format!(
            "{:?} {}{waived}: {}",
            finding.severity, finding.rule, finding.message.what
        ));
    }
    for owed in &plan.owed {
        lines.push(format!("owed {}: {}", owed.object, owed.reason));
    }
    for notice in &plan.notices {
        lines.push(format!("notice {}: {}", notice.topic, notice.text));
    }
    lines.push(format!(
        "{} -> {}",
        plan.observed.status, plan.desired.status
    ));
    lines.join("\n")
}

/// Which role publishes which hostnames: for assertions about every prefix of the steps.
pub(crate) fn every_name_has_one_address_of_the_two_sides(
    topology: &Topology,
    intent: &Intent,
    world: &World,
) -> bool {
    let observation = observe(topology, intent.environment.as_str(), world);
    let table = &topology.environments[&intent.environment];
    Role::ALL
        .into_iter()
        .flat_map(|r| table.table(r).hostnames.keys())
        .all(|hostname| {
            observation.names[hostname]
                .address()
                .and_then(|a| observation.owner(a))
                .is_some_and(|owner| intent.arrangement.role_of(owner).is_some())
        })
}
