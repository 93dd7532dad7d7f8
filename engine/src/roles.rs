//! Who holds which role: the one place that decides it.
//!
//! Roles go by the A records, judged against the Elastic IPs of the sides. They are **clear** when
//! every name of production leads to the side that holds the apex, and no name leads to the wrong
//! side. A name of the hot standby that is missing, foreign or not readable is a doubt, which
//! leaves the roles clear: production serves all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use crate::{
    intent::Arrangement,
    name::{Hostname, InfrastructureName, Role},
    observation::Observation,
    topology::{Environment, Topology},
    world::Reading,
};

/// Why it is not clear who has which role. Roles go by records only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unclear(pub String);

/// Clear roles, and what is doubtful without making them unclear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clear {
    /// Who has which role.
    pub arrangement: Arrangement,
    /// What is doubtful, one clause each.
    pub doubts: Vec<String>,
}

/// Who has which role as far as the records tell, also where they contradict each other:
/// production is the side that holds the apex. The hot standby is the other one; with more than
/// two infrastructures, the one that the standby's names lead to, if they agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apparent {
    /// The side that holds the apex.
    pub production: Option<InfrastructureName>,
    /// The other one.
    pub hot_standby: Option<InfrastructureName>,
}

impl Apparent {
    /// Reads the records of `observation`.
    pub fn told_by(
        topology: &Topology,
        environment: &Environment,
        observation: &Observation,
    ) -> Self {
        let production = observation.apex_holder(environment).cloned();
        let hot_standby = production
            .as_ref()
            .and_then(|production| standby_beside(topology, environment, observation, production));
        Self {
            production,
            hot_standby,
        }
    }

    /// Both roles, where both are known.
    pub fn arrangement(&self) -> Option<Arrangement> {
        Some(Arrangement {
            production: self.production.clone()?,
            hot_standby: self.hot_standby.clone()?,
        })
    }
}

/// The only other side; with more than two, the one that the standby's names lead to.
fn standby_beside(
    topology: &Topology,
    environment: &Environment,
    observation: &Observation,
    production: &InfrastructureName,
) -> Option<InfrastructureName> {
    let mut others = topology
        .infrastructures
        .keys()
        .filter(|side| *side != production);
    if let (Some(other), None) = (others.next(), others.next()) {
        return Some(other.clone());
    }
    let names = environment.hot_standby.hostnames.keys();
    let holders: BTreeSet<&InfrastructureName> = names
        .filter_map(|hostname| observation.owner(observation.names.get(hostname)?.address()?))
        .filter(|side| *side != production)
        .collect();
    match holders.len() {
        1 => holders.first().map(|side| (*side).clone()),
        _ => None,
    }
}

/// Who has which role, where that is clear, else why it is not: a clause.
///
/// Where the region of one side cannot be read and nothing is known of it from before, its
/// addresses are deduced as [`deduce`] does; a doubt then says so.
///
/// # Errors
///
/// Where a name of production does not lead to the apex's holder, or a name leads to the wrong
/// side.
pub fn clear(
    topology: &Topology,
    environment: &Environment,
    observation: &Observation,
) -> Result<Clear, Unclear> {
    let mut completed = None;
    let deduced = if lost(observation).is_some() {
        let observation = completed.insert(observation.clone());
        deduce(environment, observation)
    } else {
        None
    };
    let observation = completed.as_ref().unwrap_or(observation);
    let mut clear = judge(topology, environment, observation)?;
    if let Some(side) = deduced {
        clear.doubts.insert(
            0,
            format!(
                "the addresses of `{side}` could not be read, and are taken from the names of \
                 production"
            ),
        );
    }
    Ok(clear)
}

fn judge(
    topology: &Topology,
    environment: &Environment,
    observation: &Observation,
) -> Result<Clear, Unclear> {
    let name = &observation.environment;
    let apex = observation.apex(environment).ok_or_else(|| {
        let hostnames = environment.production.hostnames.keys();
        let mut why =
            hostnames.filter_map(|hostname| Some(observation.homeless(hostname)?.clause(hostname)));
        Unclear(
            why.next()
                .unwrap_or_else(|| format!("`{name}` publishes no hostname of production")),
        )
    })?;
    let production = holder(observation, apex).map_err(Unclear)?.clone();
    for hostname in environment.production.hostnames.keys() {
        let side = holder(observation, hostname).map_err(Unclear)?;
        if *side != production {
            return Err(wrong(hostname, Role::Production, side, apex, &production));
        }
    }
    let mut standby: BTreeMap<&InfrastructureName, &Hostname> = BTreeMap::new();
    let mut doubts = Vec::new();
    for hostname in environment.hot_standby.hostnames.keys() {
        match holder(observation, hostname) {
            Ok(side) if *side == production => {
                return Err(wrong(hostname, Role::HotStandby, side, apex, &production));
            }
            Ok(side) => {
                standby.entry(side).or_insert(hostname);
            }
            Err(doubt) if !doubts.contains(&doubt) => doubts.push(doubt),
            Err(_) => {}
        }
    }
    let mut held = standby.into_iter();
    let hot_standby = match (held.next(), held.next()) {
        (Some((one, first)), Some((other, second))) => {
            return Err(Unclear(format!(
                "`{first}` and `{second}` are names of the hot standby, but lead to `{one}` and \
                 `{other}`"
            )));
        }
        (Some((side, _)), None) => side.clone(),
        (None, _) => only_other(topology, &production).ok_or_else(|| {
            let reason = doubts.first().map_or_else(
                || format!("`{name}` publishes no hostname of the hot standby"),
                Clone::clone,
            );
            Unclear(format!(
                "{reason}, and the topology has more than two infrastructures"
            ))
        })?,
    };
    Ok(Clear {
        arrangement: Arrangement {
            production,
            hot_standby,
        },
        doubts,
    })
}

fn wrong(
    hostname: &Hostname,
    role: Role,
    side: &InfrastructureName,
    apex: &Hostname,
    production: &InfrastructureName,
) -> Unclear {
    Unclear(format!(
        "`{hostname}` is a name of the {role} but leads to `{side}`, while `{apex}` leads to \
         `{production}`"
    ))
}

fn only_other(topology: &Topology, production: &InfrastructureName) -> Option<InfrastructureName> {
    let mut others = topology.infrastructures.keys().filter(|i| *i != production);
    match (others.next(), others.next()) {
        (Some(other), None) => Some(other.clone()),
        _ => None,
    }
}

/// The side that a hostname leads to, or a clause that says why none is known.
fn holder<'a>(
    observation: &'a Observation,
    hostname: &Hostname,
) -> Result<&'a InfrastructureName, String> {
    let seen = observation.names.get(hostname);
    let address = seen
        .and_then(|n| n.address())
        .ok_or_else(|| observation.no_address(hostname))?;
    observation.owner(address).ok_or_else(|| {
        let known = format!("`{hostname}` leads to {address}");
        let unread = unread(observation);
        if unread.is_empty() {
            format!("{known}, no Elastic IP of any known side")
        } else {
            format!(
                "{known}, and it is not known whose that is: the Elastic IPs of {} could not be \
                 read",
                unread.join(" and ")
            )
        }
    })
}

/// The sides whose Elastic IPs are not known, not even from before.
fn unread(observation: &Observation) -> Vec<String> {
    let sides = observation.sides.iter();
    sides
        .filter(|(_, side)| side.known().is_none())
        .map(|(name, _)| format!("`{name}`"))
        .collect()
}

/// The only side whose region could not be read and of which nothing is known from before.
fn lost(observation: &Observation) -> Option<&InfrastructureName> {
    let mut unread = observation.sides.iter().filter(|(_, side)| {
        matches!(
            side,
            Reading::Failed {
                last_known: None,
                ..
            }
        )
    });
    match (unread.next(), unread.next()) {
        (Some((name, _)), None) => Some(name),
        _ => None,
    }
}

/// Takes what production's names hold for the addresses of the one side that could not be read,
/// as a failover does, and returns that side. Only where that is what the records say: every name
/// of production leads to an address of no other side, one for each endpoint, and every name of
/// the hot standby that has an address, at least one, leads to a side that was read.
pub fn deduce(
    environment: &Environment,
    observation: &mut Observation,
) -> Option<InfrastructureName> {
    let lost = lost(observation)?.clone();
    let address = |hostname: &Hostname| -> Option<Ipv4Addr> {
        observation.names.get(hostname).and_then(|n| n.address())
    };
    let mut by_endpoint = BTreeMap::new();
    for (hostname, endpoint) in &environment.production.hostnames {
        let address = address(hostname).filter(|a| observation.owner(*a).is_none())?;
        if *by_endpoint.entry(endpoint).or_insert(address) != address {
            return None;
        }
    }
    let names = environment.hot_standby.hostnames.keys();
    let standby: Vec<Ipv4Addr> = names.filter_map(address).collect();
    if standby.is_empty() || standby.iter().any(|a| observation.owner(*a).is_none()) {
        return None;
    }
    observation.assume_addresses(environment, &lost);
    Some(lost)
}
