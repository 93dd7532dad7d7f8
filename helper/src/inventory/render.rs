//! The inventory as text: Ansible's JSON, and a tree for people.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;
use serde_json::Value;

use super::{Host, Inventory};

#[derive(Serialize)]
struct Listing<'a> {
    _meta: Meta<'a>,
    #[serde(flatten)]
    groups: BTreeMap<&'a str, Group<'a>>,
}

#[derive(Serialize)]
struct Meta<'a> {
    hostvars: BTreeMap<&'a str, &'a BTreeMap<String, Value>>,
}

#[derive(Serialize, Default)]
struct Group<'a> {
    hosts: Vec<&'a str>,
}

/// The answer to `--list`: one JSON object, `_meta` first, all else sorted.
///
/// `_meta.hostvars` is there even when empty: without it Ansible starts the program once more for
/// every host.
pub(crate) fn list(inventory: &Inventory) -> String {
    let hostvars = inventory.hosts.iter();
    json(&Listing {
        _meta: Meta {
            hostvars: hostvars
                .map(|(name, host)| (name.as_str(), &host.variables))
                .collect(),
        },
        groups: groups(inventory)
            .into_iter()
            .map(|(name, hosts)| (name, Group { hosts }))
            .collect(),
    })
}

/// The answer to `--host`: the host's variables.
pub(crate) fn host(host: &Host) -> String {
    json(&host.variables)
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
