//! Whether the world that was read again is the world that was desired.

use crate::{
    object::Object, observation::Observation, plan::Plan, topology::Environment, view::View,
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
        })
    });
    let variables = desired.variables.iter().filter_map(|(id, wanted)| {
        let value = present.variables.get(id).cloned().flatten();
        (value != *wanted).then(|| Difference {
            object: Object::Variable(id.0.clone(), id.1.clone()),
            desired: wanted.clone(),
            present: value,
        })
    });
    let mut differences: Vec<Difference> = names.chain(variables).collect();
    differences.sort();
    Verdict { differences }
}

/// Compares the world read again after a plan was carried out with what was planned. A variable
/// that could not be read when the plan was made was planned at its last known value, which is no
/// promise about what it holds.
pub fn verify_plan(environment: &Environment, plan: &Plan, after: &Observation) -> Verdict {
    let pair = &plan.intent.arrangement;
    let sides = [&pair.production, &pair.hot_standby];
    let mut present = View::observed(environment, sides, after);
    for (id, value) in &mut present.variables {
        let rows = plan.observation.variables.get(&id.0);
        let unread = rows.is_none_or(|rows| rows.read().is_none());
        let planned = plan.desired.variables.get(id);
        if unread && planned == plan.observed.variables.get(id) {
            *value = planned.cloned().flatten();
        }
    }
    verify(&plan.desired, &present)
}
