//! `known-address`: every endpoint in use has, on each side, exactly one Elastic IP with the
//! expected Name tag, associated with a running instance. No rule looks at an address's range.

use std::collections::BTreeSet;

use super::context::Context;
use crate::finding::{Finding, Rule, Severity};
use crate::{
    advice::{self, Asked},
    intent::{Intent, Mode},
    message::Message,
    name::{EndpointName, InfrastructureName},
    observation::{EndpointObservation, Observation},
    topology::{Environment, Topology},
    world::{ElasticIp, FailureKind},
};

/// A region that could not be read: a refusal is an error always, silence only when something
/// would be written.
pub(super) fn unread(context: &Context<'_>) -> Vec<Finding> {
    context
        .intent
        .arrangement
        .iter()
        .filter_map(|(_, side)| {
            let failure = context.observation.sides.get(side)?.failure()?;
            let matters = failure.kind != FailureKind::Unreachable || !context.changes.is_empty();
            let severity = if matters {
                context.severity(side)
            } else {
                Severity::Warning
            };
            let message = Message::nothing_changed(
                format!("The Elastic IPs of `{side}` could not be read: {failure}."),
                region(context.topology, side),
                unread_next(context.topology, context.intent, context.observation, side),
            );
            Some(Finding {
                rule: Rule::KnownAddress,
                severity,
                message,
                waived: false,
            })
        })
        .collect()
}

/// What to do about a side that could not be read. A failover is named where production would move
/// away from it, and only where it may be lost.
fn unread_next(
    topology: &Topology,
    intent: &Intent,
    observation: &Observation,
    side: &InfrastructureName,
) -> String {
    let failure_of = |side: &InfrastructureName| observation.sides.get(side)?.failure();
    let (Some(failure), Some(infrastructure)) =
        (failure_of(side), topology.infrastructures.get(side))
    else {
        return "Plan again.".to_owned();
    };
    let asked = Asked::Region {
        profile: &infrastructure.aws.profile,
        region: &infrastructure.aws.region,
    };
    let next = advice::next(asked, failure);
    if let Some(first) = advice::alike(observation.sides.keys().map(failure_of)) {
        return format!("{first} {next} Then plan again.");
    }
    let others = observation.sides.keys().filter(|other| *other != side);
    let lost = intent.mode == Mode::Switchover
        && intent.changes_production()
        && *side == intent.arrangement.hot_standby
        && advice::may_be_lost(failure, others.map(failure_of));
    if lost {
        format!("{next} Then plan again; if that side is lost, use `mode = \"failover\"`.")
    } else {
        format!("{next} Then plan again.")
    }
}

fn region(topology: &Topology, side: &InfrastructureName) -> String {
    topology.infrastructures.get(side).map_or_else(
        || format!("infrastructure `{side}`"),
        |i| {
            format!(
                "infrastructure `{side}` (profile `{}`, region {})",
                i.aws.profile, i.aws.region
            )
        },
    )
}

/// An endpoint whose address cannot be told, so that no world can be planned.
pub(crate) fn incomputable(
    topology: &Topology,
    intent: &Intent,
    observation: &Observation,
    side: &InfrastructureName,
    endpoint: &EndpointName,
) -> Vec<Finding> {
    let error = |message| Finding {
        rule: Rule::KnownAddress,
        severity: Severity::Error,
        message,
        waived: false,
    };
    let Some(reading) = observation.sides.get(side) else {
        return Vec::new();
    };
    match (reading.known(), reading.failure()) {
        (Some(known), _) => {
            let name = topology
                .eip_name(side, &intent.environment, endpoint)
                .unwrap_or_default();
            let seen = known.get(endpoint).cloned().unwrap_or_default();
            elastic_ip_fault(&name, side, topology, &seen)
                .into_iter()
                .map(error)
                .collect()
        }
        (None, Some(failure)) => vec![error(Message::nothing_changed(
            format!("The addresses of `{side}` are not known: {failure}."),
            region(topology, side),
            unread_next(topology, intent, observation, side),
        ))],
        (None, None) => Vec::new(),
    }
}

fn elastic_ip_fault(
    name: &str,
    side: &InfrastructureName,
    topology: &Topology,
    seen: &EndpointObservation,
) -> Option<Message> {
    let place = region(topology, side);
    match seen.elastic_ips.as_slice() {
        [_] => None,
        [] => Some(Message::nothing_changed(
            format!("`{side}` has no Elastic IP with the Name tag `{name}`."),
            format!("Elastic IP `{name}` of {place}"),
            "Allocate and tag it, or correct `eip` (or this side's `eips`) in the topology.",
        )),
        several => Some(Message::nothing_changed(
            format!(
                "`{side}` has {} Elastic IPs with the Name tag `{name}`.",
                several.len()
            ),
            format!("Elastic IP `{name}` of {place}: {}", list(several)),
            "Leave the Name tag on exactly one of them.",
        )),
    }
}

fn list(eips: &[ElasticIp]) -> String {
    eips.iter()
        .map(|e| format!("{} ({})", e.address, e.allocation_id))
        .collect::<Vec<_>>()
        .join(", ")
}

pub(super) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, side) in context.intent.arrangement.iter() {
        let severity = context.severity(side);
        let faults = faults(
            context.topology,
            context.environment,
            context.observation,
            side,
        );
        let messages = faults.into_iter().map(|fault| fault.message);
        findings.extend(messages.map(|m| context.finding(Rule::KnownAddress, severity, m)));
    }
    findings
}

/// What is wrong with one Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How many Elastic IPs have the name.
    pub there: usize,
    /// What there is to say.
    pub message: Message,
}

/// What is wrong with the Elastic IPs of one side that an environment uses, as EC2 shows them now.
/// Where EC2 did not answer, nothing is said.
pub fn faults(
    topology: &Topology,
    environment: &Environment,
    observation: &Observation,
    side: &InfrastructureName,
) -> Vec<Fault> {
    let used: BTreeSet<&EndpointName> = environment
        .hostnames()
        .into_values()
        .map(|(_, endpoint)| endpoint)
        .collect();
    let Some(known) = observation.sides.get(side).and_then(|s| s.read()) else {
        return Vec::new();
    };
    let fault = |endpoint: &&EndpointName| {
        let name = topology.eip_name(side, &observation.environment, endpoint);
        let name = name.unwrap_or_default();
        let nothing = EndpointObservation::default();
        let seen = known.get(*endpoint).unwrap_or(&nothing);
        let message = elastic_ip_fault(&name, side, topology, seen)
            .or_else(|| instance_fault(&name, side, topology, seen))?;
        let there = seen.elastic_ips.len();
        Some(Fault { there, message })
    };
    used.iter().filter_map(fault).collect()
}

fn instance_fault(
    name: &str,
    side: &InfrastructureName,
    topology: &Topology,
    seen: &EndpointObservation,
) -> Option<Message> {
    let [eip] = seen.elastic_ips.as_slice() else {
        return None;
    };
    let object = format!(
        "Elastic IP `{name}` ({}, {}) of {}",
        eip.address,
        eip.allocation_id,
        region(topology, side)
    );
    if let (None, Some(used_by)) = (&eip.instance_id, &eip.used_by) {
        return Some(Message::nothing_changed(
            format!(
                "The Elastic IP `{name}` of `{side}` is associated with no instance but with {used_by}: something else uses it."
            ),
            object,
            "Find out what uses it. Associate the address with the running instance of this endpoint, or correct `eip` in the topology, then plan again.",
        ));
    }
    let Some(id) = &eip.instance_id else {
        return Some(Message::nothing_changed(
            format!("The Elastic IP `{name}` of `{side}` is associated with no instance."),
            object,
            "Associate it with the running instance of this endpoint, then plan again.",
        ));
    };
    match seen.instances.iter().find(|i| i.id == *id) {
        Some(instance) if instance.is_running() => None,
        Some(instance) => Some(Message::nothing_changed(
            format!(
                "The instance behind `{name}` of `{side}` is {}, not running.",
                instance.state
            ),
            format!("{object}, instance {id}"),
            "Start the instance, then plan again.",
        )),
        None => Some(Message::nothing_changed(
            format!(
                "The Elastic IP `{name}` of `{side}` is associated with an instance that EC2 does not show."
            ),
            format!("{object}, instance {id}"),
            "Associate it with the running instance of this endpoint, then plan again.",
        )),
    }
}
