//! From an intent and an observation to the world that shall be.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use crate::{
    intent::{Intent, Mode},
    message::Message,
    name::{EndpointName, InfrastructureName, Role},
    observation::Observation,
    rules::{Finding, Rule, Severity, known_address},
    topology::{Environment, Topology},
    view::{NameView, View},
};

/// The world that shall be, in the shape in which it is observed.
pub(crate) fn resolve(
    topology: &Topology,
    environment: &Environment,
    intent: &Intent,
    observation: &Observation,
) -> Result<View, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut reported = BTreeSet::new();
    let mut hostnames = BTreeMap::new();
    for (hostname, (role, endpoint)) in environment.hostnames() {
        let side = intent.arrangement.get(role);
        let zone = observation.zone_of(hostname).cloned();
        if zone.is_none() {
            findings.push(no_zone(intent, observation, hostname.as_str()));
        }
        let (address, infrastructure) =
            match address(environment, intent, observation, role, side, endpoint) {
                Some(address) => (Some(address), Some(side.clone())),
                None if intent.mode == Mode::Failover && role == Role::HotStandby => {
                    let present = observation.names.get(hostname).and_then(|n| n.address());
                    let owner = present
                        .and_then(|a| observation.owner(a))
                        .filter(|o| intent.arrangement.role_of(o).is_some());
                    (present, owner.cloned())
                }
                None => {
                    if reported.insert((side, endpoint)) {
                        findings.extend(known_address::incomputable(
                            topology,
                            intent,
                            observation,
                            side,
                            endpoint,
                        ));
                    }
                    (None, None)
                }
            };
        hostnames.insert(
            hostname.clone(),
            NameView {
                role,
                endpoint: endpoint.clone(),
                zone,
                address,
                infrastructure,
            },
        );
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let variables = intent
        .arrangement
        .iter()
        .flat_map(|(role, side)| {
            let carries = if intent.prepare.as_ref() == Some(side) {
                Role::Production
            } else {
                role
            };
            environment
                .table(carries)
                .variables
                .iter()
                .map(move |(key, value)| ((side.clone(), key.clone()), Some(value.clone())))
        })
        .collect();
    let mut view = View {
        status: crate::view::Status::Unknown,
        hostnames,
        variables,
    };
    view.status = view.judge(environment, sides(intent), observation);
    Ok(view)
}

/// The two named sides, production first.
pub(crate) fn sides(intent: &Intent) -> [&InfrastructureName; 2] {
    [
        &intent.arrangement.production,
        &intent.arrangement.hot_standby,
    ]
}

/// The address of a side's endpoint: EC2's, now or last known. In a failover the lost side's is,
/// at worst, what production's names still hold, as long as they agree endpoint by endpoint.
fn address(
    environment: &Environment,
    intent: &Intent,
    observation: &Observation,
    role: Role,
    side: &InfrastructureName,
    endpoint: &EndpointName,
) -> Option<Ipv4Addr> {
    if let Some(known) = observation.sides.get(side).and_then(|s| s.known()) {
        return known.get(endpoint).and_then(|e| e.address());
    }
    if intent.mode != Mode::Failover || role != Role::HotStandby {
        return None;
    }
    let promoted = &intent.arrangement.production;
    let held: BTreeSet<Ipv4Addr> = environment
        .production
        .hostnames
        .iter()
        .filter(|(_, e)| *e == endpoint)
        .filter_map(|(h, _)| observation.names.get(h)?.address())
        .filter(|a| observation.owner(*a) != Some(promoted))
        .collect();
    match held.len() {
        1 => held.first().copied(),
        _ => None,
    }
}

fn no_zone(intent: &Intent, observation: &Observation, hostname: &str) -> Finding {
    let visible: Vec<String> = observation
        .zones
        .iter()
        .map(|z| {
            if z.active {
                format!("`{}`", z.name)
            } else {
                format!("`{}` (not active)", z.name)
            }
        })
        .collect();
    let visible = if visible.is_empty() {
        "none".to_owned()
    } else {
        visible.join(", ")
    };
    Finding {
        rule: Rule::SingleARecord,
        severity: Severity::Error,
        message: Message::nothing_changed(
            format!("No single active zone that the Cloudflare token can see holds `{hostname}`."),
            format!(
                "hostname `{hostname}` of environment `{}`; visible zones: {visible}",
                intent.environment
            ),
            "Correct the hostname in the topology, or give the token Zone Read and DNS Write on its zone.",
        ),
        waived: false,
    }
}
