//! The change that an entry of a plan means, read from the values before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    change::{Change, Holder, Hostname, Kind, Place, Roles, Setting, Variable},
    holder,
    judge::judge,
    regions::Sides,
    shape::RESOURCE,
    source::{Resource, is_hidden},
};

/// Attributes whose change is named, beside roles, records and variables.
const SETTINGS: [&str; 6] = [
    "mode",
    "prepare",
    "on_failure",
    "on_external_swap",
    "overrides",
    "https_check",
];

/// The change that an entry of the plan means; `None` for another type of resource. `sides` is
/// what the topology knows, `drifted` what the refresh did to the same resource.
pub(super) fn change(
    resource: &Resource,
    drifted: Option<&Resource>,
    sides: &Sides,
) -> Option<Change> {
    if !resource.is_ours(RESOURCE) {
        return None;
    }
    let (before, after) = (&resource.before, &resource.after);
    let present = if after.is_null() { before } else { after };
    let environment = text(present, "environment").unwrap_or_default();
    let former = text(before, "environment");
    let replaces = former.filter(|former| !after.is_null() && *former != environment);
    // What another environment was like says nothing about this one.
    let before = if replaces.is_some() {
        &Value::Null
    } else {
        before
    };
    let mut names = names(before, present);
    holder::name_owners(&mut names, present);
    let (from, to) = (roles(before), roles(after));
    let opaque = !after.is_null() && is_opaque(after);
    let mut holder = Holder::of(&names, before.is_null());
    if !after.is_null() && hides(after, "hostnames") {
        holder.to = None;
        holder.stray_to = None;
    }
    let renamed = match (&from, &to) {
        (Some(from), Some(to)) => {
            let earlier = drifted.map_or(&Value::Null, |drifted| &drifted.before);
            holder::renamed(from, to, &names, &holder, sides, [before, earlier])
        }
        _ => BTreeMap::new(),
    };
    let mut change = Change {
        address: resource.address.clone(),
        environment,
        replaces,
        kind: Kind::None,
        imported: resource.imported,
        holder,
        mode: text(present, "mode").unwrap_or_default(),
        prepare: text(after, "prepare"),
        overrides: texts(after, "overrides"),
        reason: text(after, "reason"),
        uneven: text(after, "status")
            .filter(|status| !matches!(status.as_str(), "consistent" | "prepared")),
        settings: Vec::new(),
        names,
        variables: Vec::new(),
        held: Vec::new(),
        by_name: Vec::new(),
        opaque,
        from,
        to,
        after: None,
        renamed,
    };
    change.after = change.roles_after();
    if after.is_null() {
        change.names.clear();
    } else if !before.is_null() {
        let (written, all) = variables(before, after, &change.renamed);
        change.variables = written;
        change.held = all.into_iter().filter(|one| one.from_known).collect();
        change.by_name = variables(before, after, &BTreeMap::new()).0;
        change.settings = settings(before, after);
    }
    change.kind = judge(&change, resource);
    Some(change)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// Whether records or variables are hidden in an object.
fn is_opaque(after: &Value) -> bool {
    hides(after, "hostnames") || hides(after, "variables")
}

/// Whether an attribute is hidden or no map, or the value of one of its entries cannot be read.
fn hides(after: &Value, key: &str) -> bool {
    let unread = |value: &Value| match value {
        Value::String(text) => is_hidden(text),
        value => !value.is_null(),
    };
    let Some(Value::Object(entries)) = after.get(key) else {
        return true;
    };
    entries.values().any(|entry| match entry {
        Value::Object(entry) => entry.get("address").is_none_or(unread),
        entry => key == "hostnames" || unread(entry),
    })
}

fn texts(value: &Value, key: &str) -> BTreeSet<String> {
    match value.get(key) {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Value::String(masked)) => BTreeSet::from([masked.clone()]),
        _ => BTreeSet::new(),
    }
}

fn roles(value: &Value) -> Option<Roles> {
    Some(Roles {
        production: text(value, "production")?,
        hot_standby: text(value, "hot_standby").unwrap_or_default(),
    })
}

fn keys<'a>(before: &'a Value, after: &'a Value, key: &str) -> BTreeSet<&'a String> {
    let of = |value: &'a Value| {
        value
            .get(key)
            .and_then(Value::as_object)
            .map(|map| map.keys())
    };
    of(before)
        .into_iter()
        .flatten()
        .chain(of(after).into_iter().flatten())
        .collect()
}

fn names(before: &Value, after: &Value) -> Vec<Hostname> {
    let at = |value: &Value, hostname: &str| {
        value
            .get("hostnames")
            .and_then(|all| all.get(hostname))
            .cloned()
            .unwrap_or_default()
    };
    let place = |value: &Value| Place {
        address: text(value, "address"),
        infrastructure: text(value, "infrastructure"),
    };
    let name = |hostname: &String| {
        let (from, to) = (at(before, hostname), at(after, hostname));
        let said = |key: &str| {
            text(&to, key)
                .or_else(|| text(&from, key))
                .unwrap_or_default()
        };
        // A name that the topology no longer has is forgotten, not moved.
        let place_after = if to.is_null() {
            place(&from)
        } else {
            place(&to)
        };
        Hostname {
            hostname: hostname.clone(),
            role: said("role"),
            endpoint: said("endpoint"),
            zone: said("zone"),
            from: place(&from),
            to: place_after,
        }
    };
    let mut names: Vec<Hostname> = keys(before, after, "hostnames")
        .into_iter()
        .map(name)
        .collect();
    // Production's names first.
    names.sort_by(|a, b| (&b.role, &a.hostname).cmp(&(&a.role, &b.hostname)));
    names
}

/// Variables whose value changes, and all. A side that has another name keeps its values.
fn variables(
    before: &Value,
    after: &Value,
    renamed: &BTreeMap<String, String>,
) -> (Vec<Variable>, Vec<Variable>) {
    let all = |value: &Value| {
        let all = value.get("variables").and_then(Value::as_object).cloned();
        all.unwrap_or_default()
    };
    let (before, after) = (all(before), all(after));
    let known: BTreeSet<&str> = before.keys().map(|id| split(id).0).collect();
    let former = |side: &str| {
        let renamed = renamed.iter().find(|(_, now)| *now == side);
        renamed.map_or_else(|| side.to_owned(), |(former, _)| former.clone())
    };
    let change = |(id, to): (&String, &Value)| {
        let (side, key) = split(id);
        let former = former(side);
        let id = match key {
            "" => former.clone(),
            key => format!("{former}/{key}"),
        };
        let from = before.get(&id).and_then(Value::as_str).map(str::to_owned);
        Variable {
            infrastructure: side.to_owned(),
            variable: key.to_owned(),
            from,
            to: to.as_str().map(str::to_owned),
            from_known: known.contains(former.as_str()),
        }
    };
    let all: Vec<Variable> = after.iter().map(change).collect();
    let changes = |one: &&Variable| one.from != one.to || !one.from_known;
    (all.iter().filter(changes).cloned().collect(), all)
}

/// The two halves of `infrastructure/KEY`.
fn split(id: &str) -> (&str, &str) {
    id.split_once('/').unwrap_or((id, ""))
}

fn settings(before: &Value, after: &Value) -> Vec<Setting> {
    let shown = |value: Option<&Value>| match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    SETTINGS
        .into_iter()
        .filter(|name| before.get(name) != after.get(name))
        .map(|name| Setting {
            name,
            from: shown(before.get(name)),
            to: shown(after.get(name)),
        })
        .collect()
}
