//! Which sides of which environments an inventory is about.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName, Role},
    nearest::nearest,
    topology::Topology,
};

use super::facts::Facts;

/// A scope as it was asked for; `None` leaves nothing out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scope {
    /// Only this environment.
    pub(crate) environment: Option<EnvironmentName>,
    /// Only the side that holds this role.
    pub(crate) role: Option<Role>,
    /// Only this infrastructure.
    pub(crate) infrastructure: Option<InfrastructureName>,
}

/// Why a scope leaves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScopeError {
    /// The topology does not have what the scope names.
    #[error("the topology has no {kind} `{name}`{}", .nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// `environment` or `infrastructure`.
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// No environment in scope has a side that the scope leaves: one clause an environment.
    #[error("no side is in scope: {}", .0.join("; "))]
    Nothing(Vec<String>),
}

impl Scope {
    /// Fails where the topology does not have what this scope names.
    pub(crate) fn check(&self, topology: &Topology) -> Result<(), ScopeError> {
        let unknown = |kind, name: &str, known: Vec<&str>| ScopeError::Unknown {
            kind,
            name: name.to_owned(),
            nearest: nearest(name, known).map(str::to_owned),
        };
        if let Some(name) = &self.environment
            && !topology.environments.contains_key(name)
        {
            let known = topology.environments.keys().map(EnvironmentName::as_str);
            return Err(unknown("environment", name.as_str(), known.collect()));
        }
        if let Some(name) = &self.infrastructure
            && !topology.infrastructures.contains_key(name)
        {
            let known = topology
                .infrastructures
                .keys()
                .map(InfrastructureName::as_str);
            return Err(unknown("infrastructure", name.as_str(), known.collect()));
        }
        Ok(())
    }

    /// Tells whether a side may be in scope, whoever has which role.
    pub(crate) fn admits(
        &self,
        infrastructure: &InfrastructureName,
        environment: &EnvironmentName,
    ) -> bool {
        let side = self.infrastructure.as_ref();
        side.is_none_or(|asked| asked == infrastructure)
            && self.environment.as_ref().is_none_or(|e| e == environment)
    }

    /// The sides in scope by environment. An environment without one is absent; without any
    /// environment the scope is an error, because an empty inventory would look like success.
    pub(super) fn sides(
        &self,
        topology: &Topology,
        facts: &BTreeMap<EnvironmentName, Facts>,
    ) -> Result<BTreeMap<EnvironmentName, BTreeSet<InfrastructureName>>, ScopeError> {
        self.check(topology)?;
        let mut sides = BTreeMap::new();
        let mut reasons = Vec::new();
        for (environment, facts) in facts {
            if self.environment.as_ref().is_some_and(|e| e != environment) {
                continue;
            }
            match self.sides_of(topology, environment, facts) {
                Ok(found) => {
                    sides.insert(environment.clone(), found);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        if sides.is_empty() {
            return Err(ScopeError::Nothing(reasons));
        }
        Ok(sides)
    }

    fn sides_of(
        &self,
        topology: &Topology,
        environment: &EnvironmentName,
        facts: &Facts,
    ) -> Result<BTreeSet<InfrastructureName>, String> {
        let asked = |name: &InfrastructureName| {
            self.infrastructure
                .as_ref()
                .is_none_or(|asked| asked == name)
        };
        let Some(role) = self.role else {
            let all = topology.infrastructures.keys();
            return Ok(all.filter(|name| asked(name)).cloned().collect());
        };
        let holder = match &facts.roles {
            Ok(arrangement) => arrangement.get(role),
            Err(reason) => {
                return Err(format!(
                    "it is not clear who is {role} in `{environment}`: {reason}"
                ));
            }
        };
        if asked(holder) {
            Ok(BTreeSet::from([holder.clone()]))
        } else {
            Err(format!("`{holder}` is {role} in `{environment}`"))
        }
    }
}
