//! What core demands of a planned state.

use std::collections::BTreeMap;

use super::{Violation, at_path};
use crate::contract::apply::compatible;
use crate::{
    Attribute, AttributePath, AttributeType, NestedType, Nesting, Presence, Schema, Value,
};

static NULL: Value = Value::Null;

/// Checks a planned state against the configuration and the prior state ("Provider produced invalid plan").
pub(crate) fn check_plan(
    schema: &Schema,
    config: &Value,
    prior: &Value,
    planned: &Value,
) -> Vec<Violation> {
    let root = AttributePath::root();
    let mut found = Vec::new();
    match (config.is_null(), planned.is_null()) {
        (true, true) => {}
        (true, false) => found.push(Violation::new(
            &root,
            "is to be destroyed, but the plan is not null",
        )),
        (false, true) => found.push(Violation::new(&root, "is configured, but the plan is null")),
        (false, false) => {
            attributes(
                &schema.block.attributes,
                config,
                prior,
                planned,
                &root,
                &mut found,
            );
        }
    }
    found
}

/// Checks the plan of the apply walk against the reviewed one ("Provider produced inconsistent final plan").
pub(crate) fn check_replan(reviewed: &Value, again: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    compatible(reviewed, again, &AttributePath::root(), &mut found);
    found
}

/// Returns whether a path that is to force a replacement leads to a value.
pub(crate) fn path_exists(path: &AttributePath, prior: &Value, planned: &Value) -> bool {
    at_path(prior, path.steps())
        .or_else(|| at_path(planned, path.steps()))
        .is_some()
}

fn attributes(
    schema: &BTreeMap<String, Attribute>,
    config: &Value,
    prior: &Value,
    planned: &Value,
    path: &AttributePath,
    found: &mut Vec<Violation>,
) {
    for (name, one) in schema {
        let path = path.clone().then(name);
        attribute(
            one,
            config.get(name),
            prior.get(name),
            planned.get(name),
            &path,
            found,
        );
    }
}

fn attribute(
    schema: &Attribute,
    config: &Value,
    prior: &Value,
    planned: &Value,
    path: &AttributePath,
    found: &mut Vec<Violation>,
) {
    let as_configured = planned == config;
    // A provider may keep the prior spelling of an equivalent value.
    let as_before = planned == prior && !prior.is_null() && !config.is_null();
    let chosen = match schema.presence {
        Presence::Computed => true,
        Presence::OptionalComputed => config.is_null(),
        Presence::Required | Presence::Optional => false,
    };
    if as_configured || as_before || chosen {
        return;
    }
    match &schema.ty {
        AttributeType::Nested(nested) => self::nested(nested, config, prior, planned, path, found),
        AttributeType::Plain(_) if config.is_null() => {
            found.push(Violation::new(
                path,
                "is planned although it is neither configured nor computed",
            ));
        }
        AttributeType::Plain(_) if prior.is_null() => {
            found.push(Violation::new(
                path,
                "is planned with another value than the configuration's",
            ));
        }
        AttributeType::Plain(_) => {
            found.push(Violation::new(
                path,
                "is planned with a value that is neither the configuration's nor the prior one",
            ));
        }
    }
}

fn nested(
    schema: &NestedType,
    config: &Value,
    prior: &Value,
    planned: &Value,
    path: &AttributePath,
    found: &mut Vec<Violation>,
) {
    if config.is_null() || planned.is_null() {
        found.push(Violation::new(
            path,
            if planned.is_null() {
                "is configured, but planned as null"
            } else {
                "is not configured, but planned"
            },
        ));
        return;
    }
    if planned.is_unknown() || config.is_unknown() {
        found.push(Violation::new(
            path,
            if config.is_unknown() {
                "is unknown in the configuration and must stay unknown in the plan"
            } else {
                "is known in the configuration, but unknown in the plan"
            },
        ));
        return;
    }
    let mut object = |config: &Value, prior: &Value, planned: &Value, path: &AttributePath| {
        if config.is_null() == planned.is_null() && !planned.is_unknown() {
            attributes(&schema.attributes, config, prior, planned, path, found);
        } else if config != planned {
            found.push(Violation::new(path, "differs from the configuration"));
        }
    };
    let length_differs = "has another number of elements than the configuration";
    match schema.nesting {
        Nesting::Single => object(config, prior, planned, path),
        Nesting::List => {
            let (config, planned) = (elements(config), elements(planned));
            if config.len() != planned.len() {
                found.push(Violation::new(path, length_differs));
                return;
            }
            for (index, (config, planned)) in config.iter().zip(planned).enumerate() {
                let prior = elements(prior).get(index).unwrap_or(&NULL);
                object(config, prior, planned, &path.clone().index(index));
            }
        }
        Nesting::Map => {
            let (Some(config), Some(planned)) = (config.as_entries(), planned.as_entries()) else {
                return;
            };
            if !config.keys().eq(planned.keys()) {
                found.push(Violation::new(
                    path,
                    "has other keys than the configuration",
                ));
                return;
            }
            for (key, config) in config {
                let planned = planned.get(key).unwrap_or(&NULL);
                object(config, prior.get(key), planned, &path.clone().key(key));
            }
        }
        Nesting::Set => {
            if elements(config).len() != elements(planned).len() {
                found.push(Violation::new(path, length_differs));
            }
        }
    }
}

fn elements(value: &Value) -> &[Value] {
    value.as_elements().unwrap_or_default()
}
