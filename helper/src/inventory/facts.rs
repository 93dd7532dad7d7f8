//! What the world says of each environment.

use std::collections::BTreeMap;

use gigadb_engine::{
    intent::Arrangement,
    name::EnvironmentName,
    observation::{Observation, ProjectError},
    roles,
    topology::Topology,
    world::World,
};

/// What is known of one environment.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// What was observed.
    pub(crate) observation: Observation,
    /// Who has which role, or why that is not clear: a clause.
    pub(crate) roles: Result<Arrangement, String>,
    /// What is doubtful about clear roles, one clause each.
    pub(crate) doubts: Vec<String>,
}

/// Every environment's observation and roles. Where records cannot be read, hosts are still
/// known, and who has which role is not.
pub(crate) fn facts(topology: &Topology, world: &World) -> BTreeMap<EnvironmentName, Facts> {
    let mut facts = BTreeMap::new();
    for (name, projected) in Observation::project_each(topology, world) {
        let known = match (projected, topology.environments.get(&name)) {
            (Ok(observation), Some(environment)) => {
                let (roles, doubts) = match roles::clear(topology, environment, &observation) {
                    Ok(clear) => (Ok(clear.arrangement), clear.doubts),
                    Err(unclear) => (Err(unclear.to_string()), Vec::new()),
                };
                Some(Facts {
                    observation,
                    roles,
                    doubts,
                })
            }
            (Err(error), _) => without_records(topology, &name, world, &error),
            (Ok(_), None) => None,
        };
        facts.extend(known.map(|known| (name, known)));
    }
    facts
}

fn without_records(
    topology: &Topology,
    environment: &EnvironmentName,
    world: &World,
    error: &ProjectError,
) -> Option<Facts> {
    let world = world.without_records();
    let observation = Observation::project(topology, environment, &world, None).ok()?;
    Some(Facts {
        observation,
        roles: Err(error.to_string()),
        doubts: Vec::new(),
    })
}
