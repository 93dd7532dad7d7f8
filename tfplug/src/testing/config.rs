//! Configuration as tests write it, to configuration as core sends it.

use std::collections::BTreeMap;

use crate::{Attribute, AttributeType, Nesting, Schema, Type, Value};

/// Completes a configuration: attributes left out become null, collections take the kind that the schema asks for.
///
/// Panics at an attribute that the schema does not have, or that only the provider sets.
pub(super) fn complete(schema: &Schema, config: Value) -> Value {
    if config.is_null() {
        return schema.object::<String>([]);
    }
    object(&schema.block.attributes, config)
}

fn object(attributes: &BTreeMap<String, Attribute>, config: Value) -> Value {
    let mut given = match config {
        Value::Object(entries) | Value::Map(entries) => entries,
        null_or_unknown @ (Value::Null | Value::Unknown) => return null_or_unknown,
        other => panic!(
            "the test's configuration has {} where an object is required",
            other.kind()
        ),
    };
    let completed = attributes
        .iter()
        .map(|(name, schema)| {
            let value = given.remove(name).unwrap_or(Value::Null);
            (name.clone(), attribute(schema, value))
        })
        .collect();
    assert!(
        given.is_empty(),
        "the schema has no attributes {:?}",
        given.keys()
    );
    Value::Object(completed)
}

fn attribute(schema: &Attribute, value: Value) -> Value {
    match &schema.ty {
        AttributeType::Plain(ty) => converted(ty, value),
        AttributeType::Nested(nested) => {
            let each = |value| object(&nested.attributes, value);
            match (nested.nesting, value) {
                (_, Value::Null) => Value::Null,
                (_, Value::Unknown) => Value::Unknown,
                (Nesting::Single, value) => each(value),
                (Nesting::Map, Value::Object(entries) | Value::Map(entries)) => Value::Map(
                    entries
                        .into_iter()
                        .map(|(key, value)| (key, each(value)))
                        .collect(),
                ),
                (Nesting::List, value) => Value::list(elements(value).into_iter().map(each)),
                (Nesting::Set, value) => Value::set(elements(value).into_iter().map(each)),
                (Nesting::Map, other) => other,
            }
        }
    }
}

fn converted(ty: &Type, value: Value) -> Value {
    match (ty, value) {
        (_, Value::Null) => Value::Null,
        (_, Value::Unknown) => Value::Unknown,
        (Type::List(ty), value) => Value::list(
            elements(value)
                .into_iter()
                .map(|value| converted(ty, value)),
        ),
        (Type::Set(ty), value) => Value::set(
            elements(value)
                .into_iter()
                .map(|value| converted(ty, value)),
        ),
        (Type::Map(ty), Value::Object(entries) | Value::Map(entries)) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key, converted(ty, value)))
                .collect(),
        ),
        (Type::Object(types), Value::Object(mut entries) | Value::Map(mut entries)) => {
            Value::Object(
                types
                    .iter()
                    .map(|(name, ty)| {
                        (
                            name.clone(),
                            converted(ty, entries.remove(name).unwrap_or(Value::Null)),
                        )
                    })
                    .collect(),
            )
        }
        (_, value) => value,
    }
}

fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::List(elements) | Value::Tuple(elements) => elements,
        Value::Set(elements) => elements.into_iter().collect(),
        other => vec![other],
    }
}
