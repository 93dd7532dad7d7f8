//! What an earlier run sent and may still take effect, held against a plan.

use std::collections::BTreeSet;

use crate::{changes::Target, object::Object, plan::Plan};

/// A value that an earlier run sent, and that may still take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Where it goes.
    pub target: Target,
    /// The value.
    pub value: String,
    /// Until when it may, in seconds since 1970 (UTC).
    pub until: u64,
}

/// How a plan stands beside what may still take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// Nothing may.
    Nothing,
    /// All of it is what the plan leads to, so it changes nothing: until when it may take effect,
    /// in seconds since 1970 (UTC).
    Agrees(u64),
    /// Some of it is not.
    Against {
        /// The objects that it would change from what the plan leads to, sorted.
        objects: Vec<Object>,
        /// Until when, in seconds since 1970 (UTC).
        until: u64,
    },
}

/// Holds what may still take effect against what `plan` leads to, whether it writes it or finds it
/// there.
pub fn beside(late: &[Late], plan: &Plan) -> Beside {
    let against = || {
        late.iter()
            .filter(|late| !late.target.is_in(&plan.desired, &late.value))
    };
    let objects: BTreeSet<Object> = against().map(|late| late.target.object()).collect();
    if let Some(until) = against().map(|late| late.until).max() {
        return Beside::Against {
            objects: objects.into_iter().collect(),
            until,
        };
    }
    match late.iter().map(|late| late.until).max() {
        Some(until) => Beside::Agrees(until),
        None => Beside::Nothing,
    }
}
