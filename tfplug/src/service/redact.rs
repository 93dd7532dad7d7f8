//! Keeping configured secrets out of what leaves the provider.

use std::collections::BTreeMap;

use crate::{Attribute, AttributeType, Diagnostic, Diagnostics, Schema, Secrets, Value};

/// Takes note of every string under a sensitive attribute.
pub(super) fn register(secrets: &Secrets, schema: &Schema, value: &Value) {
    object(secrets, &schema.block.attributes, value);
}

fn object(secrets: &Secrets, attributes: &BTreeMap<String, Attribute>, value: &Value) {
    for (name, attribute) in attributes {
        let value = value.get(name);
        if attribute.sensitive {
            strings(secrets, value);
        } else if let AttributeType::Nested(nested) = &attribute.ty {
            match value {
                Value::Map(entries) => {
                    for value in entries.values() {
                        object(secrets, &nested.attributes, value);
                    }
                }
                Value::List(_) | Value::Set(_) => {
                    for value in value.as_elements().unwrap_or_default() {
                        object(secrets, &nested.attributes, value);
                    }
                }
                one => object(secrets, &nested.attributes, one),
            }
        }
    }
}

fn strings(secrets: &Secrets, value: &Value) {
    match value.plain() {
        Value::String(text) => secrets.register(text),
        Value::Map(entries) | Value::Object(entries) => {
            for value in entries.values() {
                strings(secrets, value);
            }
        }
        collection => {
            for value in collection.as_elements().unwrap_or_default() {
                strings(secrets, value);
            }
        }
    }
}

/// Returns the diagnostics without secrets.
pub(super) fn diagnostics(secrets: &Secrets, diagnostics: Diagnostics) -> Diagnostics {
    diagnostics
        .into_iter()
        .map(|diagnostic| Diagnostic {
            summary: secrets.redact(&diagnostic.summary),
            detail: secrets.redact(&diagnostic.detail),
            ..diagnostic
        })
        .collect()
}
