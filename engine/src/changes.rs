//! The change set: every write that a plan stands for, complete, sorted, and grouped by the
//! transactions in which the APIs carry it out. Nothing is left to decide at execution time.

use std::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{
    name::{EnvironmentName, Hostname, InfrastructureName, RecordId, VariableKey},
    object::Object,
    view::View,
    world::Zone,
};

/// What a step writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The content of a hostname's A record.
    Record {
        /// The hostname.
        hostname: Hostname,
        /// The record; `None` where it is to be created.
        record_id: Option<RecordId>,
    },
    /// The value of a GitLab variable in exactly one environment scope.
    Variable {
        /// The side.
        infrastructure: InfrastructureName,
        /// Its project, as the topology writes it.
        project: String,
        /// The key.
        key: VariableKey,
        /// The environment scope.
        scope: EnvironmentName,
        /// Whether there is no row yet.
        create: bool,
    },
}

impl Target {
    /// The object that is written.
    pub fn object(&self) -> Object {
        match self {
            Self::Record { hostname, .. } => Object::Name(hostname.clone()),
            Self::Variable {
                infrastructure,
                key,
                ..
            } => Object::Variable(infrastructure.clone(), key.clone()),
        }
    }

    /// Whether a view shows this value of it.
    pub fn is_in(&self, view: &View, value: &str) -> bool {
        match self {
            Self::Record { hostname, .. } => {
                let name = view.hostnames.get(hostname);
                let address = name.and_then(|name| name.address);
                address.is_some() && address == value.parse().ok()
            }
            Self::Variable {
                infrastructure,
                key,
                ..
            } => {
                let id = (infrastructure.clone(), key.clone());
                view.variables.get(&id).and_then(Option::as_deref) == Some(value)
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object().fmt(f)
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is written. Unique in a change set, and the step's identity.
    pub target: Target,
    /// The value expected to be there; `None` where the object is to be created.
    pub from: Option<String>,
    /// The value written.
    pub to: String,
    /// The value that undoes the step: `from`, or for a creation what the arrangement before
    /// requires. Nothing is ever deleted.
    pub undo: String,
    /// One sentence: why.
    pub reason: String,
}

/// The unit that an API executes as one: all of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Which request it is.
    pub boundary: Boundary,
    /// Its steps, sorted by target; never empty.
    pub steps: Vec<Step>,
}

/// Which request carries a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// One batch request on one zone.
    ZoneBatch {
        /// The zone.
        zone: Zone,
        /// Whether the batch holds the environment's apex, so that it decides who is production.
        decisive: bool,
    },
    /// One variable of one project.
    Variable,
}

impl Transaction {
    /// Whether both are batches of one zone.
    pub(crate) fn is_of_the_zone_of(&self, other: &Self) -> bool {
        match (&self.boundary, &other.boundary) {
            (Boundary::ZoneBatch { zone, .. }, Boundary::ZoneBatch { zone: other, .. }) => {
                zone.id == other.id
            }
            _ => false,
        }
    }

    /// Takes in what another batch of the same zone writes.
    pub(crate) fn join(&mut self, other: Self) {
        if let (
            Boundary::ZoneBatch { decisive, .. },
            Boundary::ZoneBatch {
                decisive: other, ..
            },
        ) = (&mut self.boundary, &other.boundary)
        {
            *decisive |= other;
        }
        self.steps.extend(other.steps);
        self.steps.sort_by(|a, b| a.target.cmp(&b.target));
    }

    /// What the transaction is, for messages.
    pub fn describe(&self) -> String {
        match (&self.boundary, self.steps.first()) {
            (Boundary::ZoneBatch { zone, .. }, _) => {
                let count = self.steps.len();
                let s = if count == 1 { "" } else { "s" };
                format!("{count} record{s} of zone `{}`", zone.name)
            }
            (Boundary::Variable, Some(step)) => step.target.to_string(),
            (Boundary::Variable, None) => "nothing".to_owned(),
        }
    }
}

impl Transaction {
    fn towards(&self, planned: &View) -> Option<Self> {
        let mut kept = self.clone();
        kept.steps
            .retain(|step| step.target.is_in(planned, &step.to));
        (!kept.steps.is_empty()).then_some(kept)
    }
}

/// A difference that no step may repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// A hostname whose records are not exactly one A record.
    Name(Hostname),
    /// A variable without a writable row in the exact scope.
    Variable(InfrastructureName, VariableKey),
}

impl Blocked {
    /// The object that cannot be written.
    pub fn object(&self) -> Object {
        match self {
            Self::Name(hostname) => Object::Name(hostname.clone()),
            Self::Variable(side, key) => Object::Variable(side.clone(), key.clone()),
        }
    }
}

/// Every write of a plan, in stages: a stage begins when the one before has ended; the
/// transactions of a stage may run side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeSet {
    /// The stages in the order of writing; none is empty.
    pub stages: Vec<Vec<Transaction>>,
    /// Differences that no step may repair.
    pub blocked: Vec<Blocked>,
}

impl ChangeSet {
    /// Tells whether observed and desired world are equal.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty() && self.blocked.is_empty()
    }

    /// Every transaction in the order of writing.
    pub fn transactions(&self) -> impl Iterator<Item = &Transaction> {
        self.stages.iter().flatten()
    }

    /// The steps that lead to what was planned. What became possible only after the review, such
    /// as a variable that could not be read then, is left for the next plan.
    #[must_use]
    pub fn towards(&self, planned: &View) -> Self {
        let stages = self.stages.iter().map(|stage| {
            let kept = stage.iter().filter_map(|one| one.towards(planned));
            kept.collect::<Vec<_>>()
        });
        Self {
            stages: stages.filter(|stage| !stage.is_empty()).collect(),
            blocked: self.blocked.clone(),
        }
    }

    /// Every step in the order of writing.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.transactions().flat_map(|t| &t.steps)
    }
}

impl Step {
    /// The address that a record step writes.
    pub fn address(&self) -> Option<Ipv4Addr> {
        match self.target {
            Target::Record { .. } => self.to.parse().ok(),
            Target::Variable { .. } => None,
        }
    }
}
