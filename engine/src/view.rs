//! One environment as operators see it: which name leads where, what each variable holds, and
//! one word for the whole. The observed and the desired world have the same shape, so that a plan
//! is empty exactly when the two are equal.

use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{
    intent::Arrangement,
    name::{EndpointName, Hostname, InfrastructureName, Role, VariableKey, ZoneName},
    observation::{NameObservation, Observation},
    roles::{self, Unclear},
    topology::{Environment, Topology},
};

/// One word for a whole environment, judged with the apex's holder as production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every record and variable is as the topology's table says.
    Consistent,
    /// Every record is, and the hot standby's variables all hold production's values.
    Prepared,
    /// Something is not.
    Mixed,
    /// A managed hostname has not exactly one A record, or an address of neither side; or nothing
    /// that could be read is wrong, and variables could not be read.
    Unknown,
}

impl Status {
    /// The word, as in attributes and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Prepared => "prepared",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where one hostname leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameView {
    /// The role that publishes it; the topology's.
    pub role: Role,
    /// The endpoint that it leads to; the topology's.
    pub endpoint: EndpointName,
    /// The zone that it belongs to; `None` where no visible, active zone holds it.
    pub zone: Option<ZoneName>,
    /// The address, where there is exactly one A record and no AAAA or CNAME beside it; where the
    /// records could not be read, the one that was known before.
    pub address: Option<Ipv4Addr>,
    /// Which of the two sides the address belongs to, if either.
    pub infrastructure: Option<InfrastructureName>,
}

/// A variable of one side's project.
pub type VariableId = (InfrastructureName, VariableKey);

/// One environment, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The word for the whole.
    pub status: Status,
    /// Every managed hostname.
    pub hostnames: BTreeMap<Hostname, NameView>,
    /// Every role variable of the two sides in the environment's exact scope; `None` where there
    /// is no readable row.
    pub variables: BTreeMap<VariableId, Option<String>>,
}

impl View {
    /// The environment as it was observed, for the two named sides (in either order).
    pub fn observed(
        environment: &Environment,
        sides: [&InfrastructureName; 2],
        observation: &Observation,
    ) -> Self {
        let hostnames = environment
            .hostnames()
            .into_iter()
            .map(|(hostname, (role, endpoint))| {
                let seen = observation.names.get(hostname);
                let address = seen.and_then(NameObservation::known_address);
                let view = NameView {
                    role,
                    endpoint: endpoint.clone(),
                    zone: observation.zone_of(hostname).cloned(),
                    address,
                    infrastructure: address
                        .and_then(|a| observation.owner(a))
                        .filter(|owner| sides.contains(owner))
                        .cloned(),
                };
                (hostname.clone(), view)
            })
            .collect();
        let variables = sides
            .into_iter()
            .flat_map(|side| environment.variable_keys().map(move |key| (side, key)))
            .map(|(side, key)| {
                let value = observation.value(side, key).map(str::to_owned);
                ((side.clone(), key.clone()), value)
            })
            .collect();
        let mut view = Self {
            status: Status::Unknown,
            hostnames,
            variables,
        };
        view.status = view.judge(environment, sides, observation);
        view
    }

    /// The word for this view. Addresses of the sides are taken from `observation`.
    pub fn judge(
        &self,
        environment: &Environment,
        sides: [&InfrastructureName; 2],
        observation: &Observation,
    ) -> Status {
        let unclear = |name: &NameView| name.address.is_none() || name.infrastructure.is_none();
        let unread = observation.names.values().any(|name| name.unread.is_some());
        if unread || self.hostnames.values().any(unclear) {
            return Status::Unknown;
        }
        let holder = observation
            .apex(environment)
            .and_then(|apex| self.hostnames.get(apex)?.infrastructure.as_ref());
        let Some(production) = holder else {
            return Status::Unknown;
        };
        let hot_standby = if sides[0] == production {
            sides[1]
        } else {
            sides[0]
        };
        let holder_of = |role: Role| match role {
            Role::Production => production,
            Role::HotStandby => hot_standby,
        };
        let records_fit = self.hostnames.values().all(|name| {
            name.infrastructure.as_ref() == Some(holder_of(name.role))
                && observation
                    .address(holder_of(name.role), &name.endpoint)
                    .is_none_or(|expected| name.address == Some(expected))
        });
        // Whether a side's variables are a role's; none where those that could be read are, and
        // others could not be read.
        let holds = |side: &InfrastructureName, role: Role| {
            let unread = observation
                .variables
                .get(side)
                .is_none_or(|rows| rows.known().is_none());
            let mut all_known = true;
            for (key, value) in &environment.table(role).variables {
                let shown = self.variables.get(&(side.clone(), key.clone()));
                match shown.and_then(Option::as_ref) {
                    Some(shown) if shown == value => {}
                    None if unread => all_known = false,
                    _ => return Some(false),
                }
            }
            all_known.then_some(true)
        };
        let standby = [Role::HotStandby, Role::Production].map(|role| holds(hot_standby, role));
        match (holds(production, Role::Production), standby) {
            _ if !records_fit => Status::Mixed,
            (Some(false), _) | (_, [Some(false), Some(false)]) => Status::Mixed,
            (Some(true), [Some(true), _]) => Status::Consistent,
            (Some(true), [_, Some(true)]) => Status::Prepared,
            _ => Status::Unknown,
        }
    }
}

/// Who has which role in an environment, where that is clear; see [`roles::clear`].
///
/// # Errors
///
/// Where it is not.
pub fn roles(
    topology: &Topology,
    environment: &Environment,
    observation: &Observation,
) -> Result<Arrangement, Unclear> {
    roles::clear(topology, environment, observation).map(|clear| clear.arrangement)
}
