//! From an intent and an observation to the world that shall be.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use crate::{
    intent::{Intent, Mode},
    message::{Message, sentence},
    name::{Hostname, InfrastructureName, Role},
    observation::{Homeless, Observation},
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
        let may_be_owed = intent.mode == Mode::Failover && role == Role::HotStandby;
        let zone = observation.zone_of(hostname).cloned();
        if zone.is_none() && !may_be_owed {
            findings.push(no_zone(intent, observation, hostname));
        }
        let known = observation
            .address(side, endpoint)
            .filter(|_| zone.is_some() || !may_be_owed);
        let (address, infrastructure) = match known {
            Some(address) => (Some(address), Some(side.clone())),
            None if may_be_owed => present(intent, observation, hostname),
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
        // A side that was not read is one finding, however many endpoints need it.
        let mut once: Vec<Finding> = Vec::new();
        for one in findings {
            if !once.contains(&one) {
                once.push(one);
            }
        }
        return Err(once);
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

/// Where a hostname leads now: its address, and which of the two sides that belongs to.
fn present(
    intent: &Intent,
    observation: &Observation,
    hostname: &Hostname,
) -> (Option<Ipv4Addr>, Option<InfrastructureName>) {
    let address = observation
        .names
        .get(hostname)
        .and_then(|n| n.known_address());
    let owner = address
        .and_then(|a| observation.owner(a))
        .filter(|owner| intent.arrangement.role_of(owner).is_some());
    (address, owner.cloned())
}

fn no_zone(intent: &Intent, observation: &Observation, hostname: &Hostname) -> Finding {
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
    let homeless = observation.homeless(hostname).unwrap_or(Homeless::NoZone);
    let sentence = sentence(&homeless.clause(hostname));
    Finding {
        rule: Rule::SingleARecord,
        severity: Severity::Error,
        message: Message::nothing_changed(
            sentence,
            format!(
                "hostname `{hostname}` of environment `{}`; visible zones: {visible}",
                intent.environment
            ),
            homeless.next(),
        ),
        waived: false,
    }
}
