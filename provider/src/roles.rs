//! Who has which role as far as the records tell, also where they do not agree with each other.

use gigadb_engine::{
    intent::Arrangement,
    name::InfrastructureName,
    observation::Observation,
    roles::Apparent,
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
        let apparent = Apparent::told_by(topology, environment, observation);
        Self {
            production: apparent.production,
            hot_standby: apparent.hot_standby,
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
