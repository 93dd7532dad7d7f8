//! What core demands of the state after an apply.

use std::collections::BTreeMap;
use std::mem::discriminant;

use super::Violation;
use crate::{AttributePath, Value};

/// Checks the state after an apply without errors against the plan ("Provider produced inconsistent result after apply").
pub(crate) fn check_applied(planned: &Value, actual: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    compatible(planned, actual, &AttributePath::root(), &mut found);
    found
}

/// Finds where `actual` is not what `planned` promised: equal, or anything where the promise was unknown.
pub(super) fn compatible(
    planned: &Value,
    actual: &Value,
    path: &AttributePath,
    found: &mut Vec<Violation>,
) {
    let (planned, actual) = (planned.plain(), actual.plain());
    if planned.is_unknown() || planned == actual {
        return;
    }
    match (planned, actual) {
        (Value::Null, _) => found.push(Violation::new(
            path,
            "was planned as null, but is now present",
        )),
        (_, Value::Null) => found.push(Violation::new(path, "was planned, but is now null")),
        (Value::Object(planned), Value::Object(actual)) => {
            entries(planned, actual, |name| path.clone().then(name), found);
        }
        (Value::Map(planned), Value::Map(actual)) => {
            entries(planned, actual, |key| path.clone().key(key), found);
        }
        (Value::List(planned), Value::List(actual))
        | (Value::Tuple(planned), Value::Tuple(actual)) => {
            if planned.len() != actual.len() {
                let problem = format!(
                    "was planned with {} elements, but has {}",
                    planned.len(),
                    actual.len()
                );
                found.push(Violation::new(path, problem));
                return;
            }
            for (index, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                compatible(planned, actual, &path.clone().index(index), found);
            }
        }
        (Value::Set(planned), Value::Set(actual)) => {
            let fits = |planned: &Value, actual: &Value| {
                let mut found = Vec::new();
                compatible(planned, actual, path, &mut found);
                found.is_empty()
            };
            let kept = planned
                .iter()
                .all(|planned| actual.iter().any(|actual| fits(planned, actual)));
            let promised = actual
                .iter()
                .all(|actual| planned.iter().any(|planned| fits(planned, actual)));
            if !kept || !promised || actual.len() > planned.len() {
                found.push(Violation::new(path, "has other elements than planned"));
            }
        }
        (planned, actual) if discriminant(planned) == discriminant(actual) => {
            found.push(Violation::new(path, "has another value than planned"));
        }
        (_, Value::Unknown) => found.push(Violation::new(
            path,
            "was planned with a known value, but is unknown",
        )),
        (planned, actual) => {
            let problem = format!(
                "was planned as {}, but is {}",
                planned.kind(),
                actual.kind()
            );
            found.push(Violation::new(path, problem));
        }
    }
}

fn entries(
    planned: &BTreeMap<String, Value>,
    actual: &BTreeMap<String, Value>,
    path: impl Fn(&str) -> AttributePath,
    found: &mut Vec<Violation>,
) {
    for (key, planned) in planned {
        match actual.get(key) {
            Some(actual) => compatible(planned, actual, &path(key), found),
            None => found.push(Violation::new(
                &path(key),
                "was planned, but is missing now",
            )),
        }
    }
    for key in actual.keys().filter(|key| !planned.contains_key(*key)) {
        found.push(Violation::new(&path(key), "is new and was not planned"));
    }
}
