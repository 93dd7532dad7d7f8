//! The inventory as text: Ansible's JSON, and a tree for people.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Host, Inventory, data::Inert, variables::HostVariables};

#[derive(Serialize)]
struct Listing<'a> {
    _meta: Meta<'a>,
    #[serde(flatten)]
    groups: BTreeMap<&'a str, Group<'a>>,
}

#[derive(Serialize)]
struct Meta<'a> {
    hostvars: AllVariables<'a>,
}

/// The variables of every host, written from where they are: there may be tens of thousands.
struct AllVariables<'a>(&'a BTreeMap<String, Host>);

impl Serialize for AllVariables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hosts = self.0.iter();
        serializer.collect_map(hosts.map(|(name, host)| (name, &host.variables)))
    }
}

impl Serialize for HostVariables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (name, Inert(value))))
    }
}

/// The variables of a group.
#[derive(Clone, Copy)]
struct InertVariables<'a>(&'a BTreeMap<String, Value>);

impl Serialize for InertVariables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Inert(value))))
    }
}

#[derive(Serialize, Default)]
struct Group<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hosts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    vars: Option<InertVariables<'a>>,
}

/// The answer to `--list`: one JSON object, `_meta` first, all else sorted.
///
/// `_meta.hostvars` is there even when empty: without it Ansible starts the program once more for
/// every host.
pub(crate) fn list(inventory: &Inventory) -> String {
    let groups = inventory.groups.iter();
    let mut groups: BTreeMap<&str, Group<'_>> = groups
        .map(|(name, hosts)| (name.as_str(), Group { hosts, vars: None }))
        .collect();
    if !inventory.all.is_empty() {
        groups.entry("all").or_default().vars = Some(InertVariables(&inventory.all));
    }
    json(&Listing {
        _meta: Meta {
            hostvars: AllVariables(&inventory.hosts),
        },
        groups,
    })
}

/// The answer to `--host`: the host's variables.
pub(crate) fn host(host: &Host) -> String {
    json(&host.variables)
}

/// The answer to `--graph`: groups with their hosts, as `ansible-inventory --graph` draws them.
pub(crate) fn graph(inventory: &Inventory) -> String {
    let mut text = "@all:\n".to_owned();
    for (group, hosts) in &inventory.groups {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  |--@{group}:");
        for host in hosts {
            let _ = writeln!(text, "  |  |--{host}");
        }
    }
    text
}

fn json(value: &impl Serialize) -> String {
    // Strings, numbers, booleans and string-keyed maps only: this cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
