//! `single-a-record`: every managed hostname has exactly one A record and nothing beside it.
//!
//! A waiver leaves a name as it is, except the apex: it decides who is production.

use super::context::{Context, side_of};
use crate::finding::{Finding, Rule, Severity};
use crate::{
    advice::{self, Asked},
    intent::Mode,
    message::{Message, sentence},
    name::{Hostname, Role, ZoneName},
    observation::{NameObservation, Observation, Part},
    topology::{Environment, Missing, Topology},
    world::{BesideRecord, Does, FailureKind},
};

pub(super) fn check(context: &Context<'_>) -> Vec<Finding> {
    let apex = context.observation.apex(context.environment);
    let faults = faults(context.topology, context.environment, context.observation);
    let faults = faults.into_iter().map(|(hostname, role, message)| {
        let severity = context.severity(side_of(context.intent, role));
        if apex != Some(hostname) {
            return context.finding(Rule::SingleARecord, severity, message);
        }
        Finding {
            waived: false,
            ..context.finding(Rule::SingleARecord, severity, for_the_apex(message))
        }
    });
    let services = services(context.environment, context.observation).into_iter();
    let services = services
        .map(|(_, message)| context.finding(Rule::SingleARecord, Severity::Warning, message));
    faults.chain(services).collect()
}

/// The zones of the hot standby's names that could not be read, as [`super::variables_visible`] has
/// projects: a refusal is an error always, silence only when something would be written. A failover
/// owes these names.
pub(super) fn unread(context: &Context<'_>) -> Vec<Finding> {
    let failover = context.intent.mode == Mode::Failover;
    let failures = context.observation.failures().into_iter();
    failures
        .filter_map(|(part, failure)| {
            let Part::Zone(zone) = part else { return None };
            let matters = failure.kind != FailureKind::Unreachable || !context.changes.is_empty();
            let severity = if matters && !failover {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = Message::nothing_changed(
                format!("The records of zone `{zone}` could not be read: {failure}."),
                format!("names of the hot standby: {}", names_in(context, &zone)),
                format!("{} Then plan again.", advice::next(Asked::Records, failure)),
            );
            Some(Finding {
                rule: Rule::SingleARecord,
                severity,
                message,
                waived: false,
            })
        })
        .collect()
}

fn names_in(context: &Context<'_>, zone: &ZoneName) -> String {
    let names = context.observation.names.keys();
    let names = names.filter(|name| context.observation.zone_of(name) == Some(zone));
    names
        .map(|n| format!("`{n}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The managed hostnames that have not exactly one A record of their own, with their roles and what
/// there is to say. What could not be read is no fault of theirs.
pub fn faults<'a>(
    topology: &Topology,
    environment: &'a Environment,
    observation: &'a Observation,
) -> Vec<(&'a Hostname, Role, Message)> {
    let create = topology.policy.missing_records == Missing::Create;
    let managed = environment.hostnames();
    let faulty = observation
        .names
        .iter()
        .filter(|(_, seen)| {
            seen.zone.is_some() && seen.unread.is_none() && seen.single_a().is_none()
        })
        .filter(|(_, seen)| {
            let creatable = seen.records.is_empty() && seen.delegation().is_none();
            !(creatable && create)
        });
    faulty
        .filter_map(|(hostname, seen)| {
            let (role, _) = managed.get(hostname)?;
            Some((hostname, *role, message(hostname, seen)))
        })
        .collect()
}

/// Service records that lead to an Elastic IP of a side, or to a name that does not move with this
/// one: a swap does not change them, and clients use them in place of the A record.
pub fn services<'a>(
    environment: &Environment,
    observation: &'a Observation,
) -> Vec<(&'a Hostname, Message)> {
    let managed = environment.hostnames();
    let warning = |hostname: &Hostname, seen: &NameObservation, record: &BesideRecord| {
        let own = managed.get(hostname)?;
        let (what, next) = match &record.does {
            Does::Hints(kind, addresses) => {
                let (address, owner) = addresses
                    .iter()
                    .find_map(|address| Some((address, observation.owner(*address)?)))?;
                (
                    format!(
                        "`{hostname}` has an {kind} record that names {address}, an address of `{owner}`: {} may use it",
                        kind.followers()
                    ),
                    format!(
                        "Remove `ipv4hint` from this {kind} record in the Cloudflare dashboard."
                    ),
                )
            }
            Does::LeadsTo(kind, target) => {
                // A name of the same machine moves with this one.
                let other: Option<Hostname> = target.parse().ok();
                if other.is_some_and(|other| managed.get(&other) == Some(own)) {
                    return None;
                }
                (
                    format!(
                        "`{hostname}` has an {kind} record that leads to `{target}`: {} go there",
                        kind.followers()
                    ),
                    format!(
                        "Remove this {kind} record in the Cloudflare dashboard, or let it begin with `1 .`."
                    ),
                )
            }
            _ => return None,
        };
        Some(Message::nothing_changed(
            format!("{what} in place of the A record, and a swap does not change it."),
            format!("hostname `{hostname}`, zone `{}`: {record}", zone_of(seen)),
            next,
        ))
    };
    let mut found = Vec::new();
    for (hostname, seen) in &observation.names {
        let records = seen.beside.iter();
        let warnings = records.filter_map(|record| warning(hostname, seen, record));
        found.extend(warnings.map(|message| (hostname, message)));
    }
    found
}

/// The apex decides who is production: while it cannot be written, moving the other names would
/// split production.
fn for_the_apex(message: Message) -> Message {
    Message {
        next: format!(
            "{} No override passes this: the name decides who is production.",
            message.next
        ),
        ..message
    }
}

fn zone_of(seen: &NameObservation) -> String {
    let zone = seen.zone.as_ref().map(|zone| zone.name.to_string());
    zone.unwrap_or_default()
}

fn message(hostname: &Hostname, seen: &NameObservation) -> Message {
    let zone = zone_of(seen);
    let elsewhere = seen.elsewhere(&format!("`{hostname}`"));
    if let (Some(delegation), Some(clause)) = (seen.delegation(), &elsewhere) {
        return Message::nothing_changed(
            format!("{clause}. What Cloudflare's API shows of it is not what resolvers see."),
            format!("hostname `{hostname}`, zone `{zone}`: {delegation}"),
            "Remove the NS record in the Cloudflare dashboard, or correct the hostname in the topology.",
        );
    }
    let what = sentence(&seen.fault(&format!("`{hostname}`")));
    let object = if seen.records.is_empty() {
        format!("hostname `{hostname}`, zone `{zone}`")
    } else {
        format!("hostname `{hostname}`, zone `{zone}`: {}", seen.list())
    };
    let next = if seen.records.len() == 1 {
        "Put one A record in its place in the Cloudflare dashboard, then plan again.".to_owned()
    } else if !seen.records.is_empty() {
        "Leave exactly one A record in the Cloudflare dashboard and remove the others, then plan again.".to_owned()
    } else if seen.look_alikes.is_empty() {
        "Create the A record, or set `policy.missing_records: create` in the topology, or correct the hostname there.".to_owned()
    } else {
        let names: Vec<String> = seen
            .look_alikes
            .iter()
            .map(|r| format!("`{}` ({})", r.name, r.content))
            .collect();
        format!(
            "Compare with {}, which holds an address expected of it: rename that record, or correct the hostname in the topology.",
            names.join(", ")
        )
    };
    Message::nothing_changed(what, object, next)
}
