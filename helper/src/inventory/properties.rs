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
    let properties = parse(text);
    if let Some(given) = properties.get("gitlab_project") {
        let given = percent_decode_str(given).decode_utf8_lossy();
        let side = topology.infrastructures.get(infrastructure);
        let expected = side.map_or("", |side| side.gitlab_project.as_str());
        if given != expected {
            return Err(format!(
                "its `gitlab_project` is `{given}`, and that of `{infrastructure}`, which is in \
                 scope, is `{expected}`"
            ));
        }
    }
    if let Some(given) = properties.get("deployment_target")
        && let Some(other) = sides
            .keys()
            .find(|environment| environment.as_str() != *given)
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
    let properties = parse(text);
    let (Some(project), Some(target)) = (
        properties.get("gitlab_project"),
        properties.get("deployment_target"),
    ) else {
        return Ok(None);
    };
    let project = percent_decode_str(project).decode_utf8_lossy();
    let mut sides = topology.infrastructures.iter();
    let side = sides
        .find(|(_, side)| side.gitlab_project == project)
        .map(|(name, _)| name.clone())
        .ok_or_else(|| {
            format!("its `gitlab_project` is `{project}`, which is no side of the topology")
        })?;
    let environment = topology
        .environments
        .get_key_value(*target)
        .map(|(name, _)| name.clone())
        .ok_or_else(|| {
            format!(
                "its `deployment_target` is `{target}`, which is no environment of the topology"
            )
        })?;
    Ok(Some((side, environment)))
}

/// The operator's own key for the side that the file is about.
pub(crate) fn key(text: &str) -> Option<String> {
    let properties = parse(text);
    KEYS.iter()
        .find_map(|key| properties.get(key))
        .map(|path| (*path).to_owned())
}

/// `KEY=VALUE` lines; sections, comments and empty values are passed over, quotes are taken off.
fn parse(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', ';', '!', '[']))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), unquoted(value.trim())))
        // `ansible_init.sh` writes `null` for what GitLab does not have.
        .filter(|(_, value)| !value.is_empty() && *value != "null")
        .collect()
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}
