//! The variables of a host.

use std::collections::BTreeMap;

use gigadb_engine::{
    name::{InfrastructureName, Role},
    topology::{Infrastructure, Topology},
};
use serde_json::Value;

use super::{Facts, Place, Settings, connection, machine::Machine};
use crate::project;

/// The endpoint whose addresses Terraform's outputs call plainly `ec2_public_ip`.
const WEB: &str = "web";

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

/// The variables of the host at `place`, one of `machines` of its side. Where the host cannot be
/// reached, the variables lack `ansible_host`, and a warning says why.
pub(super) fn of(
    topology: &Topology,
    facts: &Facts,
    place: Place<'_>,
    machines: &BTreeMap<Place<'_>, Machine<'_>>,
    settings: &Settings,
) -> Result<Variables, (Variables, String)> {
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
    if let Some(apex) = topology
        .environments
        .get(environment)
        .and_then(|table| facts.observation.apex(table))
    {
        set(&mut variables, "gigadb_apex", apex.as_str());
    }
    set(&mut variables, "gigadb_age_seconds", age);
    let side = topology.infrastructures.get(infrastructure);
    if let Some(side) = side {
        set(&mut variables, "aws_profile", side.aws.profile.as_str());
        set(&mut variables, "aws_region", side.aws.region.as_str());
        set_project(&mut variables, side, &settings.gitlab_base);
    }
    addresses(&mut variables, machines);
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
    match connection::of(&mut variables, topology, place, machines, settings) {
        Ok(()) => Ok(variables),
        Err(warning) => Err((variables, warning)),
    }
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

/// The addresses of every machine of the side, on each of its hosts: plays look at more than one.
fn addresses(variables: &mut Variables, machines: &BTreeMap<Place<'_>, Machine<'_>>) {
    for (place, machine) in machines {
        let infix = match place.endpoint.as_str() {
            WEB => String::new(),
            other => format!("{}_", other.replace('-', "_")),
        };
        if let Some(address) = machine.public {
            set(
                variables,
                &format!("ec2_{infix}public_ip"),
                address.to_string(),
            );
        }
        if let Some(address) = machine.private {
            set(
                variables,
                &format!("ec2_{infix}private_ip"),
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
