//! Making a state fit its schema, whatever a resource returned.

use std::collections::BTreeMap;

use super::Violation;
use crate::codec::encode;
use crate::{AttributePath, Type, Value};

/// Returns the state in the shape of an object type: what fits is kept, what does not is taken from `fallback`, else null.
///
/// A null state stays null. The result always encodes as `ty`.
pub(crate) fn conform(state: Value, ty: &Type, fallback: &Value) -> (Value, Vec<Violation>) {
    let root = AttributePath::root();
    if state.is_null() || encode(&state, ty).is_ok() {
        return (state, Vec::new());
    }
    let Type::Object(types) = ty else {
        return (
            Value::Null,
            vec![Violation::new(&root, format!("is not {ty}"))],
        );
    };
    let mut found = Vec::new();
    let Value::Object(mut attributes) = state else {
        let problem = format!(
            "is {}, but an object of the schema is required",
            state.kind()
        );
        return (
            substitute(fallback, ty),
            vec![Violation::new(&root, problem)],
        );
    };
    let mut shaped = BTreeMap::new();
    for (name, ty) in types {
        let path = root.clone().then(name);
        let value = match attributes.remove(name) {
            None => {
                found.push(Violation::new(
                    &path,
                    "is missing; it must at least be null",
                ));
                substitute(fallback.get(name), ty)
            }
            Some(value) => match encode(&value, ty) {
                Ok(_) => value,
                Err(error) => {
                    let path = error
                        .path
                        .steps()
                        .iter()
                        .cloned()
                        .fold(path, AttributePath::step);
                    found.push(Violation::new(
                        &path,
                        format!("does not fit the schema: {}", error.problem),
                    ));
                    substitute(fallback.get(name), ty)
                }
            },
        };
        shaped.insert(name.clone(), value);
    }
    for extra in attributes.keys() {
        found.push(Violation::new(
            &root.clone().then(extra),
            "is not in the schema",
        ));
    }
    (Value::Object(shaped), found)
}

fn substitute(fallback: &Value, ty: &Type) -> Value {
    if encode(fallback, ty).is_ok() {
        fallback.clone()
    } else {
        Value::Null
    }
}

/// Returns the state wholly known: what is unknown is taken from `fallback` where that has the attribute, else null.
pub(crate) fn settle(state: Value, fallback: &Value) -> (Value, Vec<Violation>) {
    let mut found = Vec::new();
    let settled = settled(state, fallback, &AttributePath::root(), &mut found);
    (settled, found)
}

fn settled(
    value: Value,
    fallback: &Value,
    path: &AttributePath,
    found: &mut Vec<Violation>,
) -> Value {
    match value {
        Value::Unknown => {
            found.push(Violation::new(
                path,
                "is unknown, but every value must be known by now",
            ));
            if fallback.is_wholly_known() {
                fallback.clone()
            } else {
                Value::Null
            }
        }
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(name, value)| {
                    let value =
                        settled(value, fallback.get(&name), &path.clone().then(&name), found);
                    (name, value)
                })
                .collect(),
        ),
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let value = settled(value, &Value::Null, &path.clone().key(&key), found);
                    (key, value)
                })
                .collect(),
        ),
        Value::List(elements) => Value::List(each(elements, path, found)),
        Value::Tuple(elements) => Value::Tuple(each(elements, path, found)),
        Value::Set(elements) => Value::set(
            elements
                .into_iter()
                .map(|value| settled(value, &Value::Null, path, found)),
        ),
        Value::Dynamic(mut dynamic) => {
            dynamic.value = settled(dynamic.value, &Value::Null, path, found);
            Value::Dynamic(dynamic)
        }
        known => known,
    }
}

fn each(elements: Vec<Value>, path: &AttributePath, found: &mut Vec<Violation>) -> Vec<Value> {
    elements
        .into_iter()
        .enumerate()
        .map(|(index, value)| settled(value, &Value::Null, &path.clone().index(index), found))
        .collect()
}
