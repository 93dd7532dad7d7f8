//! Core's rules for plans and states, as pure functions over decoded values.
//!
//! The server applies them to what a resource returns, before core can; the test driver applies them to what the server
//! answers, as core would. No finding quotes a value: it may be sensitive.

mod apply;
mod plan;
mod state;

use crate::{AttributePath, Step, Value};

pub(crate) use apply::check_applied;
pub(crate) use plan::{check_plan, check_replan, path_exists};
pub(crate) use state::{conform, settle};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) path: AttributePath,
    /// What is wrong with it, as the rest of a sentence that begins with the attribute.
    pub(crate) problem: String,
}

impl Violation {
    fn new(path: &AttributePath, problem: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            problem: problem.into(),
        }
    }
}

/// Returns the value at a path, if the path leads anywhere.
pub(crate) fn value_at<'v>(value: &'v Value, path: &AttributePath) -> Option<&'v Value> {
    at_path(value, path.steps())
}

fn at_path<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps
        .iter()
        .try_fold(value, |value, step| match (step, value.plain()) {
            (Step::Attribute(name), Value::Object(entries)) => entries.get(name),
            (Step::Key(key), Value::Map(entries)) => entries.get(key),
            (Step::Index(index), Value::List(elements) | Value::Tuple(elements)) => {
                usize::try_from(*index)
                    .ok()
                    .and_then(|index| elements.get(index))
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests;
