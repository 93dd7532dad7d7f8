//! The state that core proposes to a plan.

use std::collections::BTreeMap;

use crate::{Attribute, AttributeType, NestedType, Nesting, Schema, Value};

/// Merges prior state and configuration: the configuration where it is not null, else the prior value of computed attributes.
pub(super) fn proposed_new(schema: &Schema, prior: &Value, config: &Value) -> Value {
    object(&schema.block.attributes, prior, config)
}

fn object(attributes: &BTreeMap<String, Attribute>, prior: &Value, config: &Value) -> Value {
    Value::object(attributes.iter().map(|(name, schema)| {
        let (prior, config) = (prior.get(name), config.get(name));
        let value = match &schema.ty {
            _ if config.is_null() && schema.presence.is_computed() => prior.clone(),
            AttributeType::Nested(nested) if !config.is_null() && !config.is_unknown() => {
                self::nested(nested, prior, config)
            }
            _ => config.clone(),
        };
        (name.clone(), value)
    }))
}

fn nested(schema: &NestedType, prior: &Value, config: &Value) -> Value {
    let merge = |prior: &Value, config: &Value| match config {
        Value::Object(_) => object(&schema.attributes, prior, config),
        other => other.clone(),
    };
    match schema.nesting {
        Nesting::Single => merge(prior, config),
        Nesting::List => Value::list(
            config
                .as_elements()
                .unwrap_or_default()
                .iter()
                .enumerate()
                .map(|(index, config)| {
                    let prior = prior.as_elements().and_then(|prior| prior.get(index));
                    merge(prior.unwrap_or(&Value::Null), config)
                }),
        ),
        Nesting::Map => Value::map(
            config
                .as_entries()
                .into_iter()
                .flatten()
                .map(|(key, config)| (key.clone(), merge(prior.get(key), config))),
        ),
        Nesting::Set => Value::set(
            config
                .as_elements()
                .unwrap_or_default()
                .iter()
                .map(|config| {
                    let same = |prior: &&Value| as_configured(&schema.attributes, prior) == *config;
                    let prior = prior.as_elements().unwrap_or_default().iter().find(same);
                    merge(prior.unwrap_or(&Value::Null), config)
                }),
        ),
    }
}

/// Returns an element as its configuration would look if nothing computed had been set.
fn as_configured(attributes: &BTreeMap<String, Attribute>, element: &Value) -> Value {
    Value::object(attributes.iter().map(|(name, schema)| {
        let computed = schema.presence.is_computed();
        (
            name.clone(),
            if computed {
                Value::Null
            } else {
                element.get(name).clone()
            },
        )
    }))
}
