//! Groups: their names, and who is in them.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName, Role},
    topology::Topology,
};

use super::{facts::Facts, machine::Machine, place::Place};

/// A group with the text that its name was made from.
type Source = (String, String);

/// The groups that every host of one side in one environment is in.
pub(super) fn of_side(
    topology: &Topology,
    facts: &Facts,
    infrastructure: &InfrastructureName,
    environment: &EnvironmentName,
) -> Vec<Source> {
    let mut groups = vec![
        group("env", environment.as_str()),
        group("infra", infrastructure.as_str()),
        group("environment", environment.as_str()),
        ("type_aws_instance".to_owned(), String::new()),
    ];
    let side = topology.infrastructures.get(infrastructure);
    groups.extend(side.map(|side| group("region", &side.aws.region)));
    groups.extend(role(facts, infrastructure).map(|role| group("role", role.as_str())));
    groups
}

/// The further groups of one host.
///
/// `one_side` tells whether this is the only infrastructure in scope for the environment: only
/// then may it be in the groups that plays written for one side target.
pub(super) fn of(
    topology: &Topology,
    facts: &Facts,
    place: Place<'_>,
    machine: &Machine<'_>,
    one_side: bool,
) -> Vec<Source> {
    let Place {
        infrastructure,
        environment,
        endpoint,
    } = place;
    let side = topology.infrastructures.get(infrastructure);
    let tag = |key: &str| {
        machine
            .instance
            .tags
            .get(key)
            .filter(|value| !value.is_empty())
    };
    let mut groups = vec![group("endpoint", endpoint.as_str())];
    let owner = tag("Owner").or(side.and_then(|side| side.owner.as_ref()));
    // Whoever writes the tag by hand may write it in either case; it is one owner all the same.
    groups.extend(owner.map(|owner| group("owner", &owner.to_lowercase())));
    if one_side && !machine.name.is_empty() {
        groups.push(group("name", machine.name));
    }
    if let Some(role) = role(facts, infrastructure) {
        groups.push(group(role.as_str(), &format!("{environment} {endpoint}")));
    }
    groups
}

fn role(facts: &Facts, infrastructure: &InfrastructureName) -> Option<Role> {
    facts.roles.as_ref().ok()?.role_of(infrastructure)
}

fn group(kind: &str, source: &str) -> Source {
    let mut name = String::with_capacity(kind.len() + 1 + source.len());
    name.push_str(kind);
    name.push('_');
    name.push_str(source);
    (sanitized(&name), source.to_owned())
}

/// A group name that Ansible takes as it is: lower case, with `_` for every other character than
/// letters, digits and `_`.
fn sanitized(text: &str) -> String {
    let kept = |c: char| {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            c
        } else {
            '_'
        }
    };
    if text.is_ascii() {
        return text.chars().map(|c| kept(c.to_ascii_lowercase())).collect();
    }
    text.to_lowercase().chars().map(kept).collect()
}

/// Which hosts are in which groups, before it is known whether a name has one meaning.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    groups: BTreeMap<String, Members>,
}

#[derive(Debug)]
struct Members {
    source: String,
    /// What else the name was made from, if anything.
    others: BTreeSet<String>,
    hosts: Vec<String>,
}

impl Memberships {
    /// Makes `hosts` members of a group.
    pub(super) fn add(&mut self, (name, source): Source, hosts: &[String]) {
        let members = match self.groups.entry(name) {
            Entry::Occupied(members) => members.into_mut(),
            Entry::Vacant(new) => {
                new.insert(Members {
                    source,
                    others: BTreeSet::new(),
                    hosts: hosts.to_vec(),
                });
                return;
            }
        };
        if members.source != source {
            members.others.insert(source);
        }
        members.hosts.extend_from_slice(hosts);
    }

    /// The members of every group, sorted. A name that stands for two different things names no
    /// group, because a play on the one would reach the other: it becomes a warning instead.
    pub(super) fn resolve(self) -> (BTreeMap<String, Vec<String>>, Vec<String>) {
        let mut groups = BTreeMap::new();
        let mut warnings = Vec::new();
        for (name, members) in self.groups {
            let Members {
                source,
                mut others,
                mut hosts,
            } = members;
            if !others.is_empty() {
                others.insert(source);
                let sources: Vec<String> = others.iter().map(|s| format!("`{s}`")).collect();
                warnings.push(format!(
                    "There is no group `{name}`, because {} would share it.",
                    sources.join(" and ")
                ));
                continue;
            }
            hosts.sort_unstable();
            hosts.dedup();
            groups.insert(name, hosts);
        }
        (groups, warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_ansible_takes() {
        for (given, kept) in [
            (
                "name_gigadb_webserver_live_gigadb",
                "name_gigadb_webserver_live_gigadb",
            ),
            ("infra_alt-gigadb-website", "infra_alt_gigadb_website"),
            ("owner_Peter K. Ü", "owner_peter_k___"),
            ("region_ap-east-1", "region_ap_east_1"),
        ] {
            assert_eq!(sanitized(given), kept);
        }
    }

    #[test]
    fn a_name_with_two_meanings_names_nothing() {
        let mut memberships = Memberships::default();
        memberships.add(group("infra", "x-y"), &["a".to_owned()]);
        memberships.add(group("infra", "x_y"), &["b".to_owned()]);
        memberships.add(group("env", "live"), &["b".to_owned(), "a".to_owned()]);
        let (groups, warnings) = memberships.resolve();
        let live = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(groups, BTreeMap::from([("env_live".to_owned(), live)]));
        assert_eq!(
            warnings,
            ["There is no group `infra_x_y`, because `x-y` and `x_y` would share it."]
        );
    }
}
