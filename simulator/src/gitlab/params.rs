//! Parameters of a call, which may come as query, form or JSON body.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::{Reply, Request};

/// Parameters by name; nested ones are named as in a query: `filter[environment_scope]`.
pub(super) struct Params(BTreeMap<String, Value>);

impl Params {
    /// Gathers the query, then the body, which goes before it.
    pub(super) fn of(request: &Request) -> Self {
        let mut all = BTreeMap::new();
        let texts = request.query.iter().cloned().chain(request.form());
        for (name, value) in texts {
            all.insert(name, Value::String(value));
        }
        for (name, value) in request.object().unwrap_or_default() {
            if let Value::Object(inner) = value {
                for (key, value) in inner {
                    all.insert(format!("{name}[{key}]"), value);
                }
            } else {
                all.insert(name, value);
            }
        }
        Self(all)
    }

    /// Returns whether a parameter was sent, be it as `null`.
    pub(super) fn given(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns a text; `null` counts as not given.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Returns a flag, or the refusal of what is none.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Reply> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" || text == "1" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" || text == "0" => Ok(Some(false)),
            Some(_) => Err(missing(&format!("{name} is invalid"))),
        }
    }
}

/// Returns the refusal of parameters, which comes before the model's and under another key.
pub(super) fn missing(text: &str) -> Reply {
    Reply::json(400, &json!({ "error": text }))
}
