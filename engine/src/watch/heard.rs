//! What was heard so far.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::goal::{Goal, NameGoal};
use crate::{
    answer::Answer,
    name::{Hostname, InfrastructureName},
    topology::Protocol,
};

/// Who was asked of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A server of the name's zone, or what stands in its place.
    Server(String),
    /// A resolver.
    Resolver(String),
}

/// What somebody said of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Where it leads.
    pub addresses: BTreeSet<IpAddr>,
    /// For how many seconds more that may be kept.
    pub ttl: u32,
}

/// One thing that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody said where a name leads, or why it is not known: a clause.
    Said {
        /// The name.
        hostname: Hostname,
        /// Who.
        who: Who,
        /// What.
        said: Result<Said, String>,
    },
    /// A side was asked for a name by a protocol.
    Answered {
        /// The name.
        hostname: Hostname,
        /// The side.
        side: InfrastructureName,
        /// By what.
        protocol: Protocol,
        /// What it answered.
        answer: Answer,
    },
}

/// Where somebody leads those who ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// To the address that it shall be, and no other.
    New,
    /// Elsewhere: an address of another side, or of none.
    Elsewhere(BTreeSet<IpAddr>),
    /// Nowhere.
    Nowhere,
    /// It is not known: a clause.
    Unknown(String),
}

/// The latest of somebody, and when it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Latest<T> {
    pub(super) at: u64,
    pub(super) what: T,
}

/// What is known of one name.
#[derive(Debug, Clone, Default)]
pub(super) struct Name {
    /// What its zone's servers last said.
    pub(super) servers: BTreeMap<String, Leads>,
    /// Since when they agree on the new address.
    pub(super) agreed: Option<u64>,
    /// The longest that anybody may keep a record of it.
    pub(super) ttl: u32,
    /// What resolvers last said, and until when they may go on saying so.
    pub(super) resolvers: BTreeMap<String, Latest<(Leads, u64)>>,
    /// The latest end of all answers that led elsewhere.
    pub(super) kept_until: u64,
}

pub(super) type Asked = (Hostname, InfrastructureName, Protocol);

/// A cutover that is followed.
#[derive(Debug, Clone)]
pub struct Watch {
    pub(super) goal: Goal,
    pub(super) names: BTreeMap<Hostname, Name>,
    pub(super) answers: BTreeMap<Asked, Latest<Answer>>,
    /// When it is given up.
    pub(super) ends: u64,
}

impl Watch {
    /// Begins at `now` (seconds since the epoch) to follow a cutover, for `limit` seconds at most.
    pub fn new(goal: Goal, now: u64, limit: u64) -> Self {
        let names = goal.names.iter();
        let names = names.map(|(hostname, goal)| {
            let name = Name {
                ttl: goal.ttl,
                ..Name::default()
            };
            (hostname.clone(), name)
        });
        Self {
            names: names.collect(),
            goal,
            answers: BTreeMap::new(),
            ends: now.saturating_add(limit),
        }
    }

    /// What is waited for.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Takes in what was heard at `at`.
    pub fn hear(&mut self, at: u64, event: Event) {
        match event {
            Event::Said {
                hostname,
                who,
                said,
            } => {
                let goal = self.goal.names.get(&hostname);
                if let (Some(goal), Some(name)) = (goal, self.names.get_mut(&hostname)) {
                    name.hear(at, goal, who, said);
                }
            }
            Event::Answered {
                hostname,
                side,
                protocol,
                answer,
            } => {
                let asked = (hostname, side, protocol);
                self.answers.insert(asked, Latest { at, what: answer });
            }
        }
    }
}

impl Name {
    fn hear(&mut self, at: u64, goal: &NameGoal, who: Who, said: Result<Said, String>) {
        let ttl = said.as_ref().map_or(0, |said| said.ttl);
        let leads = leads(goal, said);
        let until = at + u64::from(ttl);
        match who {
            Who::Server(server) => {
                self.ttl = self.ttl.max(ttl);
                // A server that does not answer now has not taken back what it said.
                let silent = matches!(leads, Leads::Unknown(_));
                if !(silent && self.servers.contains_key(&server)) {
                    self.servers.insert(server, leads);
                }
                let agree = self.servers.values().all(|leads| *leads == Leads::New);
                self.agreed = agree.then(|| self.agreed.unwrap_or(at));
            }
            Who::Resolver(resolver) => self.kept(at, until, resolver, leads),
        }
    }

    /// A resolver's answer. Once the servers agree, one that it kept can only grow older: what it
    /// makes of that does not count.
    fn kept(&mut self, at: u64, until: u64, resolver: String, leads: Leads) {
        let mut until = until;
        let elsewhere = |leads: &Leads| matches!(leads, Leads::Elsewhere(_) | Leads::Nowhere);
        if elsewhere(&leads) {
            let before = self.resolvers.get(&resolver);
            if let (Some(agreed), Some(before)) = (self.agreed, before)
                && before.at >= agreed
                && elsewhere(&before.what.0)
            {
                until = until.min(before.what.1.max(agreed + u64::from(self.ttl)));
            }
            if self.until().is_none_or(|end| at < end) {
                self.kept_until = self.kept_until.max(until);
            }
        }
        let what = (leads, until);
        self.resolvers.insert(resolver, Latest { at, what });
    }

    /// When the last answer that led elsewhere has run out; `None` while servers still give one.
    pub(super) fn until(&self) -> Option<u64> {
        let agreed = self.agreed? + u64::from(self.ttl);
        Some(agreed.max(self.kept_until))
    }
}

fn leads(goal: &NameGoal, said: Result<Said, String>) -> Leads {
    match said {
        Err(why) => Leads::Unknown(why),
        Ok(said) if said.addresses.is_empty() => Leads::Nowhere,
        Ok(said)
            if said
                .addresses
                .iter()
                .all(|one| *one == IpAddr::V4(goal.new)) =>
        {
            Leads::New
        }
        Ok(said) => Leads::Elsewhere(said.addresses),
    }
}
