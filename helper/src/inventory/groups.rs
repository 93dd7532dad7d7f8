//! Groups: their names, and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::topology::Topology;

use super::{Facts, Place, machine::Machine};

/// A group with the text that its name was made from.
type Source = (String, String);

/// The groups of one host, as group name and source.
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
    let mut groups = vec![
        group("env", environment.as_str()),
        group("infra", infrastructure.as_str()),
        group("endpoint", endpoint.as_str()),
        group("environment", environment.as_str()),
        ("type_aws_instance".to_owned(), String::new()),
    ];
    groups.extend(side.map(|side| group("region", &side.aws.region)));
    let owner = tag("Owner").or(side.and_then(|side| side.owner.as_ref()));
    // Whoever writes the tag by hand may write it in either case; it is one owner all the same.
    groups.extend(owner.map(|owner| group("owner", &owner.to_lowercase())));
    if one_side && !machine.name.is_empty() {
        groups.push(group("name", machine.name));
    }
    if let Ok(arrangement) = &facts.roles
        && let Some(role) = arrangement.role_of(infrastructure)
    {
        let role = role.as_str();
        groups.push(group("role", role));
        groups.push(group(role, &format!("{environment} {endpoint}")));
    }
    groups
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
    groups: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Memberships {
    /// Makes `host` a member of `groups`.
    pub(super) fn add(&mut self, host: &str, groups: Vec<Source>) {
        for (name, source) in groups {
            let sources = self.groups.entry(name).or_default();
            sources.entry(source).or_default().insert(host.to_owned());
        }
    }

    /// The members of every group. A name that stands for two different things names no group,
    /// because a play on the one would reach the other: it becomes a warning instead.
    pub(super) fn resolve(self) -> (BTreeMap<String, BTreeSet<String>>, Vec<String>) {
        let mut groups = BTreeMap::new();
        let mut warnings = Vec::new();
        for (name, sources) in self.groups {
            if sources.len() > 1 {
                let sources: Vec<String> = sources.keys().map(|s| format!("`{s}`")).collect();
                warnings.push(format!(
                    "There is no group `{name}`, because {} would share it.",
                    sources.join(" and ")
                ));
                continue;
            }
            groups.insert(name, sources.into_values().flatten().collect());
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
        memberships.add("a", vec![group("infra", "x-y"), group("env", "live")]);
        memberships.add("b", vec![group("infra", "x_y"), group("env", "live")]);
        let (groups, warnings) = memberships.resolve();
        assert_eq!(groups.keys().collect::<Vec<_>>(), ["env_live"]);
        assert_eq!(
            warnings,
            ["There is no group `infra_x_y`, because `x-y` and `x_y` would share it."]
        );
    }
}
