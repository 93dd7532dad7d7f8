//! The variables of a host.

use std::collections::BTreeMap;

use gigadb_engine::{
    name::{InfrastructureName, Role},
    topology::{Infrastructure, Topology},
};
use serde_json::Value;

use super::{Facts, Place, Settings, machine::Machine};
use crate::project;

/// The three cron jobs: the variable that holds the state, and the role on whose bastion it runs.
const CRON_JOBS: [(&str, Role); 3] = [
    (
        "upload_database_backup_to_S3_cronjob_state",
        Role::Production,
    ),
    ("reset_database_cronjob_state", Role::HotStandby),
    ("sync_dropboxes_cronjob_state", Role::HotStandby),
];

pub(super) type Variables = BTreeMap<String, Value>;

/// The variables of the host at `place`, one of `machines` of its side, but for how it is reached.
pub(super) fn of(
    topology: &Topology,
    facts: &Facts,
    place: Place<'_>,
    machines: &BTreeMap<Place<'_>, Machine<'_>>,
    addresses: &Variables,
    settings: &Settings,
) -> Variables {
    let mut variables = Variables::new();
    let Place {
        infrastructure,
        environment,
        endpoint,
    } = place;
    set(&mut variables, "gigadb_environment", environment.as_str());
    set(
        &mut variables,
        "gigadb_infrastructure",
        infrastructure.as_str(),
    );
    set(&mut variables, "gigadb_endpoint", endpoint.as_str());
    if let Some(machine) = machines.get(&place) {
        set(
            &mut variables,
            "gigadb_instance_id",
            machine.instance.id.as_str(),
        );
        set_addresses(&mut variables, "gigadb_", machine);
    }
    let stale = facts
        .observation
        .sides
        .get(infrastructure)
        .is_some_and(|s| s.failure().is_some());
    let age = settings
        .ages
        .get(infrastructure)
        .copied()
        .unwrap_or_default();
    set(&mut variables, "gigadb_stale", stale);
    let table = topology.environments.get(environment);
    let apex = table.and_then(|table| facts.observation.apex(table));
    if let Some(apex) = apex {
        set(&mut variables, "gigadb_apex", apex.as_str());
    }
    set(&mut variables, "gigadb_age_seconds", age);
    let side = topology.infrastructures.get(infrastructure);
    if let Some(side) = side {
        set(&mut variables, "aws_profile", side.aws.profile.as_str());
        set(&mut variables, "aws_region", side.aws.region.as_str());
        set_project(&mut variables, side, &settings.gitlab_base);
    }
    variables.extend(addresses.clone());
    let key = (infrastructure.clone(), environment.clone());
    if let Some(Ok(outputs)) = settings.outputs.get(&key) {
        for (name, value) in outputs {
            // What EC2 says now goes before what Terraform wrote down once.
            variables
                .entry(name.clone())
                .or_insert_with(|| value.clone());
        }
    }
    by_role(&mut variables, topology, facts, infrastructure);
    variables
}

pub(super) fn set(variables: &mut Variables, key: &str, value: impl Into<Value>) {
    variables.insert(key.to_owned(), value.into());
}

fn set_project(variables: &mut Variables, side: &Infrastructure, gitlab_base: &str) {
    let path = &side.gitlab_project;
    set(variables, "gitlab_project", path.as_str());
    set(variables, "gitlab_project_string", project::dashed(path));
    set(variables, "gitlab_url", project::url(gitlab_base, path));
}

/// The addresses of all `machines` of one side, which each of its hosts has: plays look at more than one.
/// Terraform's outputs name no endpoint where they mean that of the apex.
pub(super) fn addresses(
    topology: &Topology,
    facts: &Facts,
    machines: &BTreeMap<Place<'_>, Machine<'_>>,
) -> Variables {
    let table = topology.environments.get(&facts.observation.environment);
    let apex = table.and_then(|table| facts.observation.apex(table));
    let main = table.and_then(|table| table.main_endpoint(apex));
    let mut variables = Variables::new();
    for (place, machine) in machines {
        if main == Some(place.endpoint) {
            set_addresses(&mut variables, "ec2_", machine);
        } else {
            let endpoint = place.endpoint.as_str().replace('-', "_");
            set_addresses(&mut variables, &format!("ec2_{endpoint}_"), machine);
        }
    }
    variables
}

fn set_addresses(variables: &mut Variables, prefix: &str, machine: &Machine<'_>) {
    for (kind, address) in [("public", machine.public), ("private", machine.private)] {
        if let Some(address) = address {
            set(
                variables,
                &format!("{prefix}{kind}_ip"),
                address.to_string(),
            );
        }
    }
}

/// What follows the role. Without a clear role none of it is there, so that a guard fails instead
/// of passing.
fn by_role(
    variables: &mut Variables,
    topology: &Topology,
    facts: &Facts,
    infrastructure: &InfrastructureName,
) {
    let Ok(arrangement) = &facts.roles else {
        return;
    };
    if let Some(source) = topology.infrastructures.get(&arrangement.production) {
        set(
            variables,
            "backup_source_project_string",
            project::dashed(&source.gitlab_project),
        );
    }
    let Some(role) = arrangement.role_of(infrastructure) else {
        return;
    };
    set(variables, "gigadb_role", role.as_str());
    let synced = topology
        .environments
        .get(&facts.observation.environment)
        .is_some_and(|environment| environment.data_sync);
    for (job, runs_on) in CRON_JOBS {
        let state = if synced && role == runs_on {
            "present"
        } else {
            "absent"
        };
        set(variables, job, state);
    }
}
