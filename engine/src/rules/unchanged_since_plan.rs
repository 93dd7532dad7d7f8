//! `unchanged-since-plan`: apply compares every managed object of the environment, moved or not,
//! and the Elastic IPs, with what the plan was computed from.

use std::collections::BTreeSet;

use crate::finding::{Finding, Rule, Severity};
use crate::{
    message::Message,
    name::{EndpointName, InfrastructureName, VariableKey},
    object::Object,
    observation::{NameObservation, Observation},
    view::View,
    world::CiVariable,
};

/// One object that moved between plan and apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// The object.
    pub object: Object,
    /// What the plan was computed from.
    pub planned_from: String,
    /// What is there now.
    pub present: String,
}

/// Every object of the two sides that is neither as it was planned from nor already as desired.
pub fn moved(
    planned_from: &Observation,
    present: &Observation,
    desired: &View,
    sides: [&InfrastructureName; 2],
) -> Vec<Moved> {
    let mut moved = BTreeSet::new();
    for (hostname, wanted) in &desired.hostnames {
        let (before, now) = (
            planned_from.names.get(hostname),
            present.names.get(hostname),
        );
        let settled = now.is_some_and(|n| n.address().is_some() && n.address() == wanted.address);
        let unread = [before, now].iter().flatten().any(|n| n.unread.is_some());
        if !settled && !unread && records(before) != records(now) {
            moved.insert(Moved {
                object: Object::Name(hostname.clone()),
                planned_from: records(before),
                present: records(now),
            });
        }
    }
    for ((side, key), wanted) in &desired.variables {
        let before = rows(planned_from, side, key);
        let now = rows(present, side, key);
        let unread = present
            .variables
            .get(side)
            .is_none_or(|r| r.read().is_none());
        let settled = wanted.is_some() && present.value(side, key) == wanted.as_deref();
        if !settled && !unread && before != now {
            moved.insert(Moved {
                object: Object::Variable(side.clone(), key.clone()),
                planned_from: before,
                present: now,
            });
        }
    }
    for side in sides {
        moved.extend(addresses_moved(planned_from, present, side));
    }
    moved.into_iter().collect()
}

/// The finding that stops an apply; `None` where nothing moved.
pub fn finding(moved: &[Moved], environment: &str) -> Option<Finding> {
    if moved.is_empty() {
        return None;
    }
    let list: Vec<String> = moved
        .iter()
        .map(|m| {
            format!(
                "{}: planned from {}, now {}",
                m.object, m.planned_from, m.present
            )
        })
        .collect();
    let s = if moved.len() == 1 { " has" } else { "s have" };
    Some(Finding {
        rule: Rule::UnchangedSincePlan,
        severity: Severity::Error,
        message: Message::nothing_changed(
            format!("{} object{s} changed since the plan was made.", moved.len()),
            format!("environment `{environment}`: {}", list.join("; ")),
            "Find out who changed it, then plan again and review the new plan.",
        ),
        waived: false,
    })
}

fn addresses_moved(
    planned_from: &Observation,
    present: &Observation,
    side: &InfrastructureName,
) -> Vec<Moved> {
    let reading = planned_from.sides.get(side);
    let was_read = reading.is_some_and(|side| side.read().is_some());
    let before = reading.and_then(|side| side.known());
    let Some(now) = present.sides.get(side).and_then(|s| s.read()) else {
        return Vec::new();
    };
    let Some(before) = before else {
        return Vec::new();
    };
    let endpoints: BTreeSet<&EndpointName> = before.keys().chain(now.keys()).collect();
    endpoints
        .into_iter()
        .filter(|endpoint| {
            // What EC2 had not said is learnt, not moved, unless another address was taken for it.
            let address =
                |side: &crate::observation::SideObservation| side.get(*endpoint)?.address();
            was_read || address(before).is_some_and(|before| address(now) != Some(before))
        })
        .filter_map(|endpoint| {
            let text = |side: &crate::observation::SideObservation| {
                let eips = side
                    .get(endpoint)
                    .map(|e| e.elastic_ips.as_slice())
                    .unwrap_or_default();
                let mut list: Vec<String> = eips
                    .iter()
                    .map(|e| format!("{} ({})", e.address, e.allocation_id))
                    .collect();
                list.extend(
                    side.get(endpoint)
                        .and_then(|e| e.assumed)
                        .map(|a| a.to_string()),
                );
                list.sort();
                or_nothing(&list.join(", "))
            };
            let (planned_from, present) = (text(before), text(now));
            (planned_from != present).then(|| Moved {
                object: Object::Address(side.clone(), endpoint.clone()),
                planned_from,
                present,
            })
        })
        .collect()
}

fn records(name: Option<&NameObservation>) -> String {
    or_nothing(&name.map(NameObservation::list).unwrap_or_default())
}

fn rows(observation: &Observation, side: &InfrastructureName, key: &VariableKey) -> String {
    let text = |row: &&CiVariable| match &row.value {
        Some(value) => format!("`{value}`"),
        None => "a hidden value".to_owned(),
    };
    let rows: Vec<String> = observation.exact_rows(side, key).iter().map(text).collect();
    or_nothing(&rows.join(", "))
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() {
        "nothing".to_owned()
    } else {
        text.to_owned()
    }
}
