//! What is waited for.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use crate::{
    name::{EndpointName, EnvironmentName, Hostname, InfrastructureName},
    observation::Observation,
    topology::{Environment, Protocol, Topology},
};

/// Where the names of production shall lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// The environment.
    pub environment: EnvironmentName,
    /// The side that they shall lead to.
    pub production: InfrastructureName,
    /// The names.
    pub names: BTreeMap<Hostname, NameGoal>,
}

/// One name of production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameGoal {
    /// The kind of machine that it leads to.
    pub endpoint: EndpointName,
    /// The address that it shall lead to.
    pub new: Ipv4Addr,
    /// The other sides' addresses of that endpoint, as far as they are known.
    pub old: BTreeMap<Ipv4Addr, InfrastructureName>,
    /// For how many seconds resolvers may keep its record.
    pub ttl: u32,
    /// Whether Cloudflare answers with its own addresses, so that DNS does not show it.
    pub proxied: bool,
    /// What the endpoint answers by.
    pub protocols: BTreeSet<Protocol>,
}

impl Goal {
    /// The goal that `production` holds every name of production, with the names that have no
    /// address on that side.
    pub fn new(
        topology: &Topology,
        environment: &Environment,
        observation: &Observation,
        production: &InfrastructureName,
    ) -> (Self, Vec<Hostname>) {
        let name = &observation.environment;
        let apex = observation.apex(environment);
        let mut names = BTreeMap::new();
        let mut homeless = Vec::new();
        for (hostname, endpoint) in &environment.production.hostnames {
            let Some(new) = observation.address(production, endpoint) else {
                homeless.push(hostname.clone());
                continue;
            };
            let others = topology.infrastructures.keys().filter(|s| *s != production);
            let old = others
                .filter_map(|side| Some((observation.address(side, endpoint)?, side.clone())))
                .collect();
            let record = observation
                .names
                .get(hostname)
                .and_then(|name| name.single_a());
            names.insert(
                hostname.clone(),
                NameGoal {
                    endpoint: endpoint.clone(),
                    new,
                    old,
                    // Cloudflare's own addresses stay as they are, whatever the record says.
                    ttl: record.map_or(0, |r| if r.proxied { 0 } else { r.served_ttl() }),
                    proxied: record.is_some_and(|record| record.proxied),
                    protocols: topology.protocols(name, apex, endpoint),
                },
            );
        }
        let goal = Self {
            environment: name.clone(),
            production: production.clone(),
            names,
        };
        (goal, homeless)
    }
}
