//! What is judged of a finished plan: whether the promoted side is ready for it.
//!
//! The rules of [`crate::rules`] judge while a plan is made; these need the plan itself.

pub mod stored_certificates;

use crate::{
    changes::Target, name::Role, observation::environment_of, plan::Plan,
    rules::https_ready::Probe, topology::Topology,
};

/// The probes that a plan calls for: production's hostnames of HTTPS endpoints that it moves.
pub fn probes(topology: &Topology, plan: &Plan) -> Vec<Probe> {
    let Ok(environment) = environment_of(topology, &plan.intent.environment) else {
        return Vec::new();
    };
    let https =
        topology.https_endpoints(&plan.intent.environment, plan.observation.apex(environment));
    let mut probes: Vec<Probe> = plan
        .changes
        .steps()
        .filter_map(|step| {
            let Target::Record { hostname, .. } = &step.target else {
                return None;
            };
            let wanted = plan.desired.hostnames.get(hostname)?;
            let asked = https.contains(&wanted.endpoint);
            (asked && wanted.role == Role::Production).then(|| {
                Some(Probe {
                    hostname: hostname.clone(),
                    infrastructure: wanted.infrastructure.clone()?,
                    address: step.address()?,
                })
            })?
        })
        .collect();
    probes.sort();
    probes
}
