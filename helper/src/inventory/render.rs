//! The inventory as text: Ansible's JSON, and a tree for people.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;
use serde_json::Value;

use super::{Host, Inventory, data::Inert};

#[derive(Serialize)]
struct Listing<'a> {
    _meta: Meta<'a>,
    #[serde(flatten)]
    groups: BTreeMap<&'a str, Group<'a>>,
}

#[derive(Serialize)]
struct Meta<'a> {
    hostvars: BTreeMap<&'a str, BTreeMap<&'a str, Inert<'a>>>,
}

#[derive(Serialize, Default)]
struct Group<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    vars: BTreeMap<&'a str, Inert<'a>>,
}

/// The answer to `--list`: one JSON object, `_meta` first, all else sorted.
///
/// `_meta.hostvars` is there even when empty: without it Ansible starts the program once more for
/// every host.
pub(crate) fn list(inventory: &Inventory) -> String {
    let hostvars = inventory.hosts.iter();
    let mut groups: BTreeMap<&str, Group<'_>> = groups(inventory)
        .into_iter()
        .map(|(name, hosts)| {
            let vars = BTreeMap::new();
            (name, Group { hosts, vars })
        })
        .collect();
    if !inventory.all.is_empty() {
        let vars = inert(&inventory.all);
        groups.entry("all").or_default().vars = vars;
    }
    json(&Listing {
        _meta: Meta {
            hostvars: hostvars
                .map(|(name, host)| (name.as_str(), inert(&host.variables)))
                .collect(),
        },
        groups,
    })
}

fn inert(variables: &BTreeMap<String, Value>) -> BTreeMap<&str, Inert<'_>> {
    let variables = variables.iter();
    variables
        .map(|(name, value)| (name.as_str(), Inert(value)))
        .collect()
}

/// The answer to `--host`: the host's variables.
pub(crate) fn host(host: &Host) -> String {
    json(&inert(&host.variables))
}

/// The answer to `--graph`: groups with their hosts, as `ansible-inventory --graph` draws them.
pub(crate) fn graph(inventory: &Inventory) -> String {
    let mut text = "@all:\n".to_owned();
    for (group, hosts) in groups(inventory) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  |--@{group}:");
        for host in hosts {
            let _ = writeln!(text, "  |  |--{host}");
        }
    }
    text
}

fn groups(inventory: &Inventory) -> BTreeMap<&str, Vec<&str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, host) in &inventory.hosts {
        for group in &host.groups {
            groups.entry(group).or_default().push(name);
        }
    }
    groups
}

fn json(value: &impl Serialize) -> String {
    // Strings, numbers, booleans and string-keyed maps only: this cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
