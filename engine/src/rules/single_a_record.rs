//! `single-a-record`: every managed hostname has exactly one A record and nothing beside it.
//!
//! A waiver leaves a name as it is, except the apex: it decides who is production.

use super::context::{Context, side_of};
use crate::finding::{Finding, Rule};
use crate::{
    message::Message, name::Hostname, observation::NameObservation, topology::Missing,
    world::Record,
};

pub(super) fn check(context: &Context<'_>) -> Vec<Finding> {
    let managed = context.environment.hostnames();
    let apex = context.observation.apex(context.environment);
    context
        .observation
        .names
        .iter()
        .filter(|(_, seen)| seen.single_a().is_none())
        .filter(|(_, seen)| {
            !(seen.records.is_empty() && context.topology.policy.missing_records == Missing::Create)
        })
        .filter_map(|(hostname, seen)| {
            let (role, _) = managed.get(hostname)?;
            let severity = context.severity(side_of(context.intent, *role));
            let message = message(hostname, seen);
            if apex != Some(hostname) {
                return Some(context.finding(Rule::SingleARecord, severity, message));
            }
            Some(Finding {
                waived: false,
                ..context.finding(Rule::SingleARecord, severity, for_the_apex(message))
            })
        })
        .collect()
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

fn message(hostname: &Hostname, seen: &NameObservation) -> Message {
    let zone = seen
        .zone
        .as_ref()
        .map(|z| z.name.to_string())
        .unwrap_or_default();
    let what = match seen.records.len() {
        0 => format!("`{hostname}` has no A record."),
        1 => format!("The only record of `{hostname}` is not an A record."),
        n => format!("`{hostname}` has {n} records where exactly one A record must be."),
    };
    let object = if seen.records.is_empty() {
        format!("hostname `{hostname}`, zone `{zone}`")
    } else {
        format!(
            "hostname `{hostname}`, zone `{zone}`: {}",
            list(&seen.records)
        )
    };
    let next = if !seen.records.is_empty() {
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

fn list(records: &[Record]) -> String {
    records
        .iter()
        .map(|r| format!("{} `{}` (id {})", r.record_type, r.content, r.id))
        .collect::<Vec<_>>()
        .join(", ")
}
