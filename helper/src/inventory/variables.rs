//! The variables of a host.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, iter, sync::Arc};

use gigadb_engine::{
    name::{EnvironmentName, Hostname, InfrastructureName, Role},
    topology::{Environment, Infrastructure, Topology},
};
use serde_json::Value;

use super::{facts::Facts, machine::Machine, place::Place, settings::Settings};
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

/// Variables by name; most names are this program's own.
pub(crate) type Variables = BTreeMap<Cow<'static, str>, Value>;

/// The variables of one host.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HostVariables {
    /// What it shares with the other hosts of its side.
    pub(super) shared: Arc<Variables>,
    /// Its own, which take precedence over the others.
    pub(super) own: Variables,
}

impl HostVariables {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.own.get(name).or_else(|| self.shared.get(name))
    }

    /// All of them, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Cow<'static, str>, &Value)> {
        let mut own = self.own.iter().peekable();
        let mut shared = self.shared.iter().peekable();
        iter::from_fn(move || {
            let order = match (own.peek(), shared.peek()) {
                (Some((one, _)), Some((other, _))) => one.cmp(other),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            if order == Ordering::Equal {
                shared.next();
            }
            if order == Ordering::Greater {
                shared.next()
            } else {
                own.next()
            }
        })
    }
}

/// The variables that all `machines` of one side in one environment share.
pub(super) fn of_side(
    topology: &Topology,
    facts: &Facts,
    (infrastructure, environment): (&InfrastructureName, &EnvironmentName),
    machines: &BTreeMap<Place<'_>, Machine<'_>>,
    settings: &Settings,
) -> Variables {
    let mut variables = Variables::new();
    set(&mut variables, "gigadb_environment", environment.as_str());
    set(
        &mut variables,
        "gigadb_infrastructure",
        infrastructure.as_str(),
    );
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
    set_all_addresses(&mut variables, table, apex, machines);
    let key = (infrastructure.clone(), environment.clone());
    if let Some(Ok(outputs)) = settings.outputs.get(&key) {
        for (name, value) in outputs {
            // What EC2 says now goes before what Terraform wrote down once.
            variables
                .entry(Cow::Owned(name.clone()))
                .or_insert_with(|| value.clone());
        }
    }
    by_role(&mut variables, topology, facts, infrastructure);
    variables
}

/// What the host at `place` does not share with others, but for how it is reached.
pub(super) fn own(place: Place<'_>, machine: &Machine<'_>) -> Variables {
    let mut variables = Variables::new();
    set(&mut variables, "gigadb_endpoint", place.endpoint.as_str());
    let id = machine.instance.id.as_str();
    set(&mut variables, "gigadb_instance_id", id);
    for (name, address) in [
        ("gigadb_public_ip", machine.public),
        ("gigadb_private_ip", machine.private),
    ] {
        if let Some(address) = address {
            set(&mut variables, name, address.to_string());
        }
    }
    variables
}

pub(super) fn set(
    variables: &mut Variables,
    key: impl Into<Cow<'static, str>>,
    value: impl Into<Value>,
) {
    variables.insert(key.into(), value.into());
}

fn set_project(variables: &mut Variables, side: &Infrastructure, gitlab_base: &str) {
    let path = &side.gitlab_project;
    set(variables, "gitlab_project", path.as_str());
    set(variables, "gitlab_project_string", project::dashed(path));
    set(variables, "gitlab_url", project::url(gitlab_base, path));
}

/// Sets the addresses of all `machines` of one side, which each of its hosts has: plays look at more than one.
/// Terraform's outputs name no endpoint where they mean that of the apex.
fn set_all_addresses(
    variables: &mut Variables,
    table: Option<&Environment>,
    apex: Option<&Hostname>,
    machines: &BTreeMap<Place<'_>, Machine<'_>>,
) {
    let main = table.and_then(|table| table.main_endpoint(apex));
    for (place, machine) in machines {
        if main == Some(place.endpoint) {
            set_addresses(variables, "ec2_", machine);
        } else {
            let endpoint = place.endpoint.as_str().replace('-', "_");
            set_addresses(variables, &format!("ec2_{endpoint}_"), machine);
        }
    }
}

fn set_addresses(variables: &mut Variables, prefix: &str, machine: &Machine<'_>) {
    for (kind, address) in [("public", machine.public), ("private", machine.private)] {
        if let Some(address) = address {
            set(variables, format!("{prefix}{kind}_ip"), address.to_string());
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
