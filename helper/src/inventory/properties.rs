//! The guard against another side's `ansible.properties`.
//!
//! GigaDB's playbooks read secrets and paths from that file in the working directory. Beside an
//! inventory of another side or environment it would lend one side's secrets to the other.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName},
    topology::Topology,
};
use percent_encoding::percent_decode_str;

/// The name of the file.
pub(crate) const FILE: &str = "ansible.properties";

/// What the path of the operator's own SSH key is called in it.
const KEYS: [&str; 2] = ["ssh_private_key_file", "ansible_ssh_private_key_file"];

/// Fails, with a clause that says why, unless the file is about the one side in scope.
pub(crate) fn check(
    text: &str,
    topology: &Topology,
    sides: &BTreeMap<EnvironmentName, BTreeSet<InfrastructureName>>,
) -> Result<(), String> {
    let infrastructures: BTreeSet<&InfrastructureName> = sides.values().flatten().collect();
    let infrastructure = match infrastructures.iter().next() {
        Some(one) if infrastructures.len() == 1 => *one,
        _ => {
            let names: Vec<String> = infrastructures.iter().map(|i| format!("`{i}`")).collect();
            return Err(format!(
                "it belongs to one side, and {} are in scope",
                names.join(" and ")
            ));
        }
    };
    if let Some(given) = project(text)? {
        let side = topology.infrastructures.get(infrastructure);
        let expected = side.map_or("", |side| side.gitlab_project.as_str());
        if given != expected {
            comparable(&given, infrastructure, expected)?;
            return Err(format!(
                "its `gitlab_project` is `{given}`, and that of `{infrastructure}`, which is in \
                 scope, is `{expected}`"
            ));
        }
    }
    if let Some(given) = value(text, "deployment_target")?
        && let Some(other) = sides
            .keys()
            .find(|environment| environment.as_str() != given)
    {
        return Err(format!(
            "its `deployment_target` is `{given}`, and `{other}` is in scope"
        ));
    }
    Ok(())
}

/// The side and environment that the file is about, where it names both; a clause where it names
/// what the topology does not have.
pub(crate) fn named(
    text: &str,
    topology: &Topology,
) -> Result<Option<(InfrastructureName, EnvironmentName)>, String> {
    let (Some(project), Some(target)) = (project(text)?, value(text, "deployment_target")?) else {
        return Ok(None);
    };
    let mut sides = topology.infrastructures.iter();
    let Some((side, _)) = sides.find(|(_, side)| side.gitlab_project == project) else {
        for (name, side) in &topology.infrastructures {
            comparable(&project, name, &side.gitlab_project)?;
        }
        return Err(format!(
            "its `gitlab_project` is `{project}`, which is no side of the topology"
        ));
    };
    let environment = topology
        .environments
        .get_key_value(target)
        .map(|(name, _)| name.clone())
        .ok_or_else(|| {
            format!(
                "its `deployment_target` is `{target}`, which is no environment of the topology"
            )
        })?;
    Ok(Some((side.clone(), environment)))
}

/// The operator's own key for the side that the file is about.
pub(crate) fn key(text: &str) -> Option<String> {
    let found = KEYS.iter().find_map(|key| values(text, key).last());
    found.map(str::to_owned)
}

/// The GitLab project that the file names.
fn project(text: &str) -> Result<Option<String>, String> {
    let given = value(text, "gitlab_project")?;
    Ok(given.map(|given| percent_decode_str(given).decode_utf8_lossy().into_owned()))
}

/// Fails where the topology has a number for the project and the file has a path: nobody can tell
/// here whether they are the same.
fn comparable(
    given: &str,
    infrastructure: &InfrastructureName,
    expected: &str,
) -> Result<(), String> {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(given) || !is_number(expected) {
        return Ok(());
    }
    Err(format!(
        "its `gitlab_project` is `{given}`, and the topology has the number `{expected}` for \
         `{infrastructure}`, so the two cannot be compared (write the project's path in the \
         topology)"
    ))
}

/// The value of a key; a clause where there are several, which Ansible refuses too.
fn value<'a>(text: &'a str, key: &str) -> Result<Option<&'a str>, String> {
    let mut given: Vec<&str> = values(text, key).collect();
    given.dedup();
    match given.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [one, other, ..] => Err(format!(
            "it has two values of `{key}`, `{one}` and `{other}`"
        )),
    }
}

/// All values of a key, as Ansible's reader finds them: behind the first `=` or `:`, whatever the
/// key's case. Sections, comments and empty values are passed over, quotes are taken off.
fn values<'a>(text: &'a str, wanted: &str) -> impl Iterator<Item = &'a str> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', ';', '!', '[']))
        .filter_map(|line| line.split_once(['=', ':']))
        .filter(move |(key, _)| key.trim().to_lowercase() == wanted)
        .map(|(_, value)| unquoted(value.trim()))
        // `ansible_init.sh` writes `null` for what GitLab does not have.
        .filter(|value| !value.is_empty() && *value != "null")
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::TOPOLOGY;

    #[test]
    fn a_path_is_not_compared_with_a_number() {
        let text = TOPOLOGY.replace("group/blue-site", "4101");
        let topology = Topology::parse(&text).unwrap().topology;
        let sides = [("live".parse().unwrap(), ["blue".parse().unwrap()].into())].into();
        let said = "its `gitlab_project` is `group/blue-site`, and the topology has the number \
                    `4101` for `blue`, so the two cannot be compared (write the project's path in \
                    the topology)";
        for (project, expected) in [("group/blue-site", Err(said.to_owned())), ("4101", Ok(()))] {
            let file = format!("gitlab_project={project}\ndeployment_target=live\n");
            assert_eq!(check(&file, &topology, &sides), expected);
            assert_eq!(named(&file, &topology).map(|_| ()), expected);
        }
    }
}
