//! The Ansible inventory: which hosts there are, in which groups, with which variables.
//!
//! Pure: what was observed goes in, an [`Inventory`] comes out, and the same inputs give the same
//! bytes. Who has which role is the engine's decision; here it only becomes groups and variables.
//!
//! **Invariants.** A host is named `<infrastructure>-<environment>-<endpoint>`, never by address,
//! because private addresses repeat between the sides. What derives from the role is a host
//! variable, because only those beat the variables of an INI file. Whatever
//! others wrote is data; see [`data`].

mod connection;
mod data;
mod facts;
mod groups;
mod machine;
pub(crate) mod outputs;
mod place;
pub(crate) mod properties;
pub(crate) mod render;
pub(crate) mod scope;
mod settings;
mod ssh;
mod variables;
pub(crate) mod wrapper;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    slice,
    sync::Arc,
};

use gigadb_engine::{
    name::{EndpointName, EnvironmentName, InfrastructureName},
    topology::Topology,
};
use serde_json::Value;

pub(crate) use self::{
    connection::Sockets,
    facts::{Facts, facts},
    machine::AddressKind,
    scope::ScopeError,
    settings::Settings,
    ssh::Way,
};
use self::{machine::Machine, place::Place, scope::Scope, variables::HostVariables};

/// How many environments a note names at most; of more it tells the number.
const NAMED: usize = 3;

/// A whole inventory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inventory {
    /// The hosts by name.
    pub(crate) hosts: BTreeMap<String, Host>,
    /// The members of every group, sorted.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    /// The variables of group `all`: what Terraform says of the only side in scope.
    pub(crate) all: BTreeMap<String, Value>,
    /// The sides in scope, by environment.
    pub(crate) sides: BTreeMap<EnvironmentName, BTreeSet<InfrastructureName>>,
    /// The sides in scope that could not be read now, and why: a clause.
    pub(crate) unread: BTreeMap<InfrastructureName, String>,
    /// What is missing or doubtful, one sentence or more each.
    pub(crate) warnings: Vec<String>,
    /// What is left out on purpose, one sentence or more each.
    pub(crate) notes: Vec<String>,
}

/// One host.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Host {
    /// Its variables.
    pub(crate) variables: HostVariables,
    /// How ssh reaches it, where the topology says so.
    pub(crate) way: Option<Way>,
}

/// Why there is no inventory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BuildError {
    /// The scope names nothing, or nothing clear.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Two machines would be one host.
    #[error("two machines would both be host `{0}`")]
    SameHost(String),
    /// Nothing is known of any side in scope: what failed, one clause a side.
    #[error("no side in scope could be read: {}", .0.join("; "))]
    NothingKnown(Vec<String>),
}

/// Builds the inventory of what `scope` leaves of the environments in `facts`.
pub(crate) fn build(
    topology: &Topology,
    facts: &BTreeMap<EnvironmentName, Facts>,
    scope: &Scope,
    settings: &Settings,
) -> Result<Inventory, BuildError> {
    let sides = scope.sides(topology, facts)?;
    let mut warnings = BTreeSet::new();
    for (environment, facts) in facts.iter().filter(|(e, _)| sides.contains_key(*e)) {
        if let Err(reason) = &facts.roles {
            warnings.insert(format!(
                "It is not clear who has which role in `{environment}`: {reason}. No host of \
                 `{environment}` is in a role group."
            ));
        }
    }
    for (environment, facts) in facts.iter().filter(|(e, _)| sides.contains_key(*e)) {
        warnings.extend(
            facts
                .doubts
                .iter()
                .map(|doubt| format!("The roles in `{environment}` are clear, but {doubt}.")),
        );
    }
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    let mut memberships = groups::Memberships::default();
    for (environment, infrastructures) in &sides {
        let Some(facts) = facts.get(environment) else {
            continue;
        };
        for infrastructure in infrastructures {
            let one_side = infrastructures.len() == 1;
            let key = (infrastructure.clone(), environment.clone());
            if let Some(Err(reason)) = settings.outputs.get(&key) {
                warnings.insert(format!(
                    "The Terraform outputs of `{infrastructure}` in `{environment}` could not be \
                     read: {reason}. Its hosts lack `pg_host` and whatever else only Terraform \
                     knows."
                ));
            }
            let endpoints = topology.endpoints.keys();
            let names: BTreeMap<EndpointName, String> = endpoints
                .filter_map(|endpoint| {
                    let name = topology.instance_name(infrastructure, environment, endpoint)?;
                    Some((endpoint.clone(), name))
                })
                .collect();
            let found = machines(facts, infrastructure, &names, &mut warnings);
            let place = (infrastructure, environment);
            let shared = variables::of_side(topology, facts, place, &found, settings);
            let shared = Arc::new(shared);
            let mut of_side = Vec::new();
            for (place, machine) in &found {
                let host = place.host();
                let mut own = variables::own(*place, machine);
                let way = connection::of(&mut own, topology, (&host, *place), &found, settings);
                let way = way.unwrap_or_else(|warning| {
                    warnings.insert(warning);
                    None
                });
                for group in groups::of(topology, facts, *place, machine, one_side) {
                    memberships.add(group, slice::from_ref(&host));
                }
                if hosts.contains_key(&host) {
                    return Err(BuildError::SameHost(host));
                }
                of_side.push(host.clone());
                let variables = HostVariables {
                    shared: Arc::clone(&shared),
                    own,
                };
                hosts.insert(host, Host { variables, way });
            }
            if !of_side.is_empty() {
                for group in groups::of_side(topology, facts, infrastructure, environment) {
                    memberships.add(group, &of_side);
                }
            }
        }
    }
    nothing_known(facts, &sides)?;
    let (groups, collisions) = memberships.resolve();
    warnings.extend(collisions);
    let notes = several_sides(&sides);
    let all = of_the_only_side(&sides, settings, &hosts);
    let failed = |facts: &Facts, side: &InfrastructureName| {
        let failure = facts.observation.sides.get(side)?.failure()?;
        Some((side.clone(), failure.to_string()))
    };
    let unread = sides
        .iter()
        .filter_map(|(environment, sides)| Some((facts.get(environment)?, sides)))
        .flat_map(|(facts, sides)| sides.iter().filter_map(move |side| failed(facts, side)))
        .collect();
    Ok(Inventory {
        hosts,
        groups,
        all,
        sides,
        unread,
        warnings: warnings.into_iter().collect(),
        notes,
    })
}

/// The machines of one side in one environment, by endpoint.
fn machines<'a>(
    facts: &'a Facts,
    infrastructure: &'a InfrastructureName,
    names: &'a BTreeMap<EndpointName, String>,
    warnings: &mut BTreeSet<String>,
) -> BTreeMap<Place<'a>, Machine<'a>> {
    let environment = &facts.observation.environment;
    let Some(side) = facts.observation.sides.get(infrastructure) else {
        return BTreeMap::new();
    };
    if let Some(failure) = side.failure() {
        warnings.insert(match side.known() {
            Some(_) => format!(
                "`{infrastructure}` could not be read: {failure}. Its hosts are listed as they \
                 were last known; `gigadb_age_seconds` says how long ago."
            ),
            None => format!(
                "`{infrastructure}` could not be read: {failure}. Its hosts are not listed."
            ),
        });
    }
    let mut machines = BTreeMap::new();
    for (endpoint, observed) in side.known().into_iter().flatten() {
        let place = Place {
            infrastructure,
            environment,
            endpoint,
        };
        let named = names.get(endpoint).map_or("", String::as_str);
        match machine::locate(observed, named) {
            Ok((machine, doubts)) => {
                let doubts = doubts.into_iter();
                warnings.extend(doubts.map(|doubt| format!("`{}`: {doubt}", place.host())));
                machines.insert(place, machine);
            }
            Err(reason) => {
                warnings.insert(format!("`{}` is not listed: {reason}", place.host()));
            }
        }
    }
    machines
}

/// What Terraform says, where one side of one environment is in scope: scripts written for
/// terraform-inventory read it from group `all`. What EC2 says of an address now is used instead.
fn of_the_only_side(
    sides: &BTreeMap<EnvironmentName, BTreeSet<InfrastructureName>>,
    settings: &Settings,
    hosts: &BTreeMap<String, Host>,
) -> BTreeMap<String, Value> {
    let mut places = sides
        .iter()
        .flat_map(|(environment, sides)| sides.iter().map(move |side| (environment, side)));
    let (Some((environment, side)), None) = (places.next(), places.next()) else {
        return BTreeMap::new();
    };
    let outputs = settings.outputs.get(&(side.clone(), environment.clone()));
    let Some(Ok(outputs)) = outputs else {
        return BTreeMap::new();
    };
    let host = hosts.values().next();
    outputs
        .iter()
        .filter(|(name, _)| outputs::ALLOWED.contains(&name.as_str()))
        .map(|(name, value)| {
            let now = host.and_then(|host| host.variables.get(name));
            (name.clone(), now.unwrap_or(value).clone())
        })
        .collect()
}

/// Fails where none of the sides in scope is known, not even from before.
fn nothing_known(
    facts: &BTreeMap<EnvironmentName, Facts>,
    sides: &BTreeMap<EnvironmentName, BTreeSet<InfrastructureName>>,
) -> Result<(), BuildError> {
    let mut failures = BTreeSet::new();
    for (environment, infrastructures) in sides {
        let Some(facts) = facts.get(environment) else {
            continue;
        };
        for infrastructure in infrastructures {
            match facts.observation.sides.get(infrastructure) {
                Some(side) if side.known().is_some() => return Ok(()),
                Some(side) => {
                    failures.extend(side.failure().map(|f| format!("`{infrastructure}`: {f}")));
                }
                None => {}
            }
        }
    }
    Err(BuildError::NothingKnown(failures.into_iter().collect()))
}

/// Why the groups that old plays target are left out, where they are.
fn several_sides(sides: &BTreeMap<EnvironmentName, BTreeSet<InfrastructureName>>) -> Vec<String> {
    let several: Vec<&EnvironmentName> = sides
        .iter()
        .filter(|(_, infrastructures)| infrastructures.len() > 1)
        .map(|(environment, _)| environment)
        .collect();
    let Some(first) = several.first() else {
        return Vec::new();
    };
    let mut named: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
    if named.len() > NAMED + 1 {
        named.truncate(NAMED);
        named.push(format!("{} more", several.len() - NAMED));
    }
    vec![format!(
        "There are no `name_*` groups for {}, because more than one infrastructure is in scope \
         and a play written for one side must never reach both. Set GIGADB_ROLE or \
         GIGADB_INFRASTRUCTURE, or use groups such as `production_{}_bastion`.",
        named.join(" and "),
        first.as_str().to_lowercase().replace('-', "_"),
    )]
}
