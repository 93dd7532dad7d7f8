//! Whether the world that was read again is the world that was desired.

use std::fmt;

use crate::{
    object::Object,
    observation::{NameObservation, Observation},
    plan::Plan,
    topology::Environment,
    view::View,
    world::Reading,
};

/// One object that is not as desired.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The hostname or variable.
    pub object: Object,
    /// What was desired.
    pub desired: Option<String>,
    /// What is there.
    pub present: Option<String>,
    /// Why that could not be read, as a clause, where it could not.
    pub unread: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"))
        };
        write!(f, "{}: planned {}, ", self.object, text(&self.desired))?;
        match &self.unread {
            Some(why) => write!(f, "could not be read back ({why})"),
            None => write!(f, "read back as {}", text(&self.present)),
        }
    }
}

/// What reading again showed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Everything that is not as desired, sorted.
    pub differences: Vec<Difference>,
}

impl Verdict {
    /// Tells whether the world is as desired.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares the world read again with the desired one.
pub fn verify(desired: &View, present: &View) -> Verdict {
    let names = desired.hostnames.iter().filter_map(|(hostname, wanted)| {
        let address = present.hostnames.get(hostname).and_then(|n| n.address);
        (address != wanted.address).then(|| Difference {
            object: Object::Name(hostname.clone()),
            desired: wanted.address.map(|a| a.to_string()),
            present: address.map(|a| a.to_string()),
            unread: None,
        })
    });
    let variables = desired.variables.iter().filter_map(|(id, wanted)| {
        let value = present.variables.get(id).cloned().flatten();
        (value != *wanted).then(|| Difference {
            object: Object::Variable(id.0.clone(), id.1.clone()),
            desired: wanted.clone(),
            present: value,
            unread: None,
        })
    });
    let mut differences: Vec<Difference> = names.chain(variables).collect();
    differences.sort();
    Verdict { differences }
}

/// Compares the world read again after a plan was carried out with what was planned. A variable
/// that could not be read when the plan was `reviewed` was planned at its last known value, which is no
/// promise about what it holds.
pub fn verify_plan(
    environment: &Environment,
    plan: &Plan,
    reviewed: &Observation,
    after: &Observation,
) -> Verdict {
    let pair = &plan.intent.arrangement;
    let sides = [&pair.production, &pair.hot_standby];
    let mut present = View::observed(environment, sides, after);
    for (id, value) in &mut present.variables {
        let rows = reviewed.variables.get(&id.0);
        let unread = rows.is_none_or(|rows| rows.read().is_none());
        let planned = plan.desired.variables.get(id);
        if unread && planned == plan.observed.variables.get(id) {
            *value = planned.cloned().flatten();
        }
    }
    let mut verdict = verify(&plan.desired, &present);
    for difference in &mut verdict.differences {
        difference.unread = match &difference.object {
            Object::Variable(side, _) => {
                let failure = after.variables.get(side).and_then(Reading::failure);
                failure.map(ToString::to_string)
            }
            Object::Name(hostname) => {
                let name = after.names.get(hostname);
                difference.present = name.and_then(NameObservation::contents);
                name.and_then(NameObservation::not_read)
            }
            Object::Address(..) => None,
        };
    }
    verdict
}
