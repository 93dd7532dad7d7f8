//! The state as core stores it: JSON text, the schema's version, private data.

use serde_json::Value as Json;

use crate::Value;

/// One stored object.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) json: String,
    pub(super) version: i64,
    pub(super) private: Vec<u8>,
    pub(super) tainted: bool,
}

/// Renders a known value as the state file holds it. Numbers are written exactly.
pub(super) fn json(value: &Value) -> String {
    let quoted = |text: &str| Json::from(text).to_string();
    let list = |elements: &[Value]| elements.iter().map(json).collect::<Vec<_>>().join(",");
    match value {
        Value::Null | Value::Unknown => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::List(elements) | Value::Tuple(elements) => format!("[{}]", list(elements)),
        Value::Set(elements) => format!("[{}]", list(elements)),
        Value::Map(entries) | Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), json(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Dynamic(dynamic) => {
            format!(
                "{{\"value\": {}, \"type\": {}}}",
                json(&dynamic.value),
                dynamic.ty.to_json_value()
            )
        }
    }
}
