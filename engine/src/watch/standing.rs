//! How a cutover stands at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    goal::NameGoal,
    heard::{Leads, Name, Watch},
};
use crate::{
    answer::{Answer, fault},
    message::clock,
    name::{Hostname, InfrastructureName},
    topology::Protocol,
};

/// How long after everything must have run out a fault is waited for to pass, in seconds.
const GRACE: u64 = 60;

/// How a cutover stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The names, in their order.
    pub names: Vec<NameStanding>,
    /// What the endpoints last answered.
    pub endpoints: Vec<EndpointStanding>,
    /// The whole.
    pub phase: Phase,
    /// What is wrong now: clauses.
    pub faults: Vec<String>,
}

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameStanding {
    /// The name.
    pub hostname: Hostname,
    /// What each of its zone's servers last said.
    pub servers: BTreeMap<String, Leads>,
    /// What each resolver last said.
    pub resolvers: BTreeMap<String, ResolverStanding>,
    /// When the last answer that leads elsewhere has run out; `None` while servers still give one.
    pub until: Option<u64>,
}

/// What a resolver last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverStanding {
    /// Where it leads.
    pub leads: Leads,
    /// Until when it may say so without asking again.
    pub until: u64,
}

/// What one side answered for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStanding {
    /// The name.
    pub hostname: Hostname,
    /// The side.
    pub side: InfrastructureName,
    /// Whether it is the side that names shall lead to.
    pub new: bool,
    /// By what it was asked.
    pub protocol: Protocol,
    /// What it answered.
    pub answer: Answer,
}

/// How far a cutover is. Times are seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Servers of the zones do not all lead to the new addresses.
    Moving,
    /// They do, and older answers run out.
    RunningOut {
        /// When the last of them has.
        until: u64,
    },
    /// Everything has run out, and something is wrong that may pass.
    Unwell {
        /// When it is given up.
        until: u64,
    },
    /// Nobody can be led to the old addresses.
    Over {
        /// Since when.
        since: u64,
    },
    /// It is given up: the faults say what is wrong.
    Wrong,
}

impl Watch {
    /// How the cutover stands at `now`.
    pub fn standing(&self, now: u64) -> Standing {
        let names: Vec<NameStanding> = self.names.iter().map(|(h, n)| n.standing(h)).collect();
        let until = names
            .iter()
            .map(|name| name.until)
            .try_fold(0, |latest, until| until.map(|until| until.max(latest)));
        let endpoints = self.endpoints();
        let faults = self.faults(now, until, &endpoints);
        // A resolver that was last asked before its answers ran out may still give one.
        let asked_since = |until: u64| {
            let mut resolvers = self.names.values().flat_map(|name| name.resolvers.values());
            resolvers.all(|heard| heard.at >= until || heard.what.0 == Leads::New)
        };
        let phase = match until {
            None if now >= self.ends => Phase::Wrong,
            None => Phase::Moving,
            Some(until) if now < until => Phase::RunningOut { until },
            Some(until) if faults.is_empty() && asked_since(until) => Phase::Over { since: until },
            Some(until) if now >= until + GRACE => Phase::Wrong,
            Some(until) => Phase::Unwell {
                until: until + GRACE,
            },
        };
        Standing {
            names,
            endpoints,
            phase,
            faults,
        }
    }

    fn endpoints(&self) -> Vec<EndpointStanding> {
        self.answers
            .iter()
            .map(|((hostname, side, protocol), heard)| EndpointStanding {
                hostname: hostname.clone(),
                side: side.clone(),
                new: *side == self.goal.production,
                protocol: *protocol,
                answer: heard.what.clone(),
            })
            .collect()
    }

    fn faults(&self, now: u64, until: Option<u64>, endpoints: &[EndpointStanding]) -> Vec<String> {
        let mut faults = Vec::new();
        for (hostname, name) in &self.names {
            let Some(goal) = self.goal.names.get(hostname) else {
                continue;
            };
            faults.extend(servers(hostname, goal, name, now >= self.ends));
            faults.extend(resolvers(hostname, goal, name, now));
        }
        let led_there = until.is_none_or(|until| now < until);
        for endpoint in endpoints {
            let Some(why) = fault(&endpoint.answer) else {
                continue;
            };
            let EndpointStanding {
                hostname,
                side,
                protocol,
                ..
            } = endpoint;
            if endpoint.new {
                faults.push(format!(
                    "`{side}`, where `{hostname}` shall lead, does not answer {protocol} as it should: {why}"
                ));
            } else if led_there {
                faults.push(format!(
                    "`{side}`, to which some may still be led, does not answer {protocol} for `{hostname}`: {why}"
                ));
            }
        }
        faults
    }
}

impl Name {
    fn standing(&self, hostname: &Hostname) -> NameStanding {
        let resolvers = self.resolvers.iter();
        NameStanding {
            hostname: hostname.clone(),
            servers: self.servers.clone(),
            resolvers: resolvers
                .map(|(resolver, heard)| {
                    let (leads, until) = heard.what.clone();
                    (resolver.clone(), ResolverStanding { leads, until })
                })
                .collect(),
            until: self.until(),
        }
    }
}

/// Servers that contradict the others, and at the end those that do not lead to the new address.
fn servers(hostname: &Hostname, goal: &NameGoal, name: &Name, at_the_end: bool) -> Vec<String> {
    let new = |leads: &Leads| *leads == Leads::New;
    if name.servers.is_empty() && at_the_end {
        return vec![format!(
            "no server of its zone was asked where `{hostname}` leads"
        )];
    }
    let some_moved = name.servers.values().any(new);
    let others = name.servers.iter().filter(|(_, leads)| !new(leads));
    others
        .filter(|_| some_moved || at_the_end)
        .map(|(server, leads)| {
            format!(
                "name server `{server}` {} for `{hostname}`",
                verb(goal, leads)
            )
        })
        .collect()
}

/// Resolvers that keep an answer for longer than its TTL allows.
fn resolvers(hostname: &Hostname, goal: &NameGoal, name: &Name, now: u64) -> Vec<String> {
    let Some(until) = name.until().filter(|until| now >= *until) else {
        return Vec::new();
    };
    let late = name.resolvers.iter().filter(|(_, heard)| {
        heard.at >= until && matches!(heard.what.0, Leads::Elsewhere(_) | Leads::Nowhere)
    });
    late.map(|(resolver, heard)| {
        format!(
            "resolver `{resolver}` {} for `{hostname}`, which it should have forgotten by {}",
            verb(goal, &heard.what.0),
            clock(until)
        )
    })
    .collect()
}

fn verb(goal: &NameGoal, leads: &Leads) -> String {
    match leads {
        Leads::New => format!("gives {}", goal.new),
        Leads::Elsewhere(addresses) => format!("gives {}", places(goal, addresses)),
        Leads::Nowhere => "gives no address".to_owned(),
        Leads::Unknown(why) => why.clone(),
    }
}

/// Addresses, each with the side that has it.
fn places(goal: &NameGoal, addresses: &BTreeSet<IpAddr>) -> String {
    let shown: Vec<String> = addresses
        .iter()
        .map(|address| {
            let owner = match address {
                IpAddr::V4(address) => goal.old.get(address),
                IpAddr::V6(_) => None,
            };
            match owner {
                Some(side) => format!("{address} (`{side}`)"),
                None => address.to_string(),
            }
        })
        .collect();
    shown.join(" and ")
}
