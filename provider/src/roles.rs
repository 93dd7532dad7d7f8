//! Who has which role as far as the records tell, also where they do not agree with each other.

use std::collections::BTreeSet;

use gigadb_engine::{
    intent::Arrangement,
    name::{InfrastructureName, Role},
    observation::Observation,
    topology::{Environment, Topology},
    view::View,
};

/// Production is the side that holds the apex, even in a mixed world. The hot standby is the other
/// one; with more than two infrastructures, the one that the standby's names lead to, if they agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) production: Option<InfrastructureName>,
    pub(crate) hot_standby: Option<InfrastructureName>,
}

impl Roles {
    pub(crate) fn told_by(
        topology: &Topology,
        environment: &Environment,
        observation: &Observation,
    ) -> Self {
        let production = observation.apex_holder(environment).cloned();
        let hot_standby = production
            .as_ref()
            .and_then(|production| standby(topology, environment, observation, production))
            .cloned();
        Self {
            production,
            hot_standby,
        }
    }

    /// Both roles, where both are clear.
    pub(crate) fn arrangement(&self) -> Option<Arrangement> {
        Some(Arrangement {
            production: self.production.clone()?,
            hot_standby: self.hot_standby.clone()?,
        })
    }

    /// The environment as seen by these roles; where one is not clear, by the topology's first sides.
    pub(crate) fn view(
        &self,
        topology: &Topology,
        environment: &Environment,
        observation: &Observation,
    ) -> Option<View> {
        let mut sides = topology.infrastructures.keys();
        let first = self.production.as_ref().or_else(|| sides.next())?;
        let second = self
            .hot_standby
            .as_ref()
            .or_else(|| topology.infrastructures.keys().find(|side| *side != first))?;
        Some(View::observed(environment, [first, second], observation))
    }
}

fn standby<'a>(
    topology: &'a Topology,
    environment: &Environment,
    observation: &'a Observation,
    production: &InfrastructureName,
) -> Option<&'a InfrastructureName> {
    let mut others = topology
        .infrastructures
        .keys()
        .filter(|side| *side != production);
    if let (Some(other), None) = (others.next(), others.next()) {
        return Some(other);
    }
    let holders: BTreeSet<&InfrastructureName> = environment
        .table(Role::HotStandby)
        .hostnames
        .keys()
        .filter_map(|hostname| observation.owner(observation.names.get(hostname)?.address()?))
        .filter(|side| *side != production)
        .collect();
    match holders.len() {
        1 => holders.first().copied(),
        _ => None,
    }
}
