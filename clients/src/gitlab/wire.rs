//! GitLab's JSON, as far as it is needed. Unknown fields are tolerated; a null boolean is false.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::http::VendorFault;

#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default, rename = "variable_type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) protected: Option<bool>,
    #[serde(default)]
    pub(super) masked: Option<bool>,
    #[serde(default)]
    pub(super) hidden: Option<bool>,
    #[serde(default)]
    pub(super) raw: Option<bool>,
    #[serde(default)]
    pub(super) environment_scope: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Deployment {
    #[serde(rename = "ref")]
    pub(super) reference: String,
}

/// A pipeline; its ref is null where the branch is gone.
#[derive(Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: u64,
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) status: String,
}

/// A Terraform state; never shown, because it holds secrets.
#[derive(Deserialize)]
pub(super) struct State {
    pub(super) version: u64,
    #[serde(default)]
    pub(super) outputs: BTreeMap<String, Output>,
}

#[derive(Deserialize)]
pub(super) struct Output {
    #[serde(default)]
    pub(super) value: Value,
    #[serde(default)]
    pub(super) sensitive: bool,
}

/// Who holds a lock: `ID`, `Who` and `Created` are the holder's, all else is the asker's own.
#[derive(Debug, Deserialize)]
pub(super) struct LockInfo {
    #[serde(rename = "ID")]
    pub(super) id: String,
    #[serde(default, rename = "Who")]
    pub(super) who: Option<String>,
    #[serde(default, rename = "Created")]
    pub(super) created: Option<String>,
}

/// The errors that a body names: `message` as text, or as a map of field to texts, or `error`
/// with `error_description`. The one that is no JSON is what a rate limit answers:
/// <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>. None elsewhere.
pub(super) fn faults(body: &[u8]) -> Vec<VendorFault> {
    if body.trim_ascii() == b"Retry later" {
        let message = "Retry later".to_owned();
        return vec![VendorFault {
            code: None,
            message,
        }];
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let mut messages = Vec::new();
    match body.get("message") {
        Some(Value::String(message)) => messages.push(message.clone()),
        Some(Value::Object(fields)) => {
            for (field, texts) in fields {
                let texts: Vec<&str> = match texts {
                    Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
                    Value::String(text) => vec![text],
                    _ => Vec::new(),
                };
                messages.push(format!("{field} {}", texts.join(", ")));
            }
        }
        _ => {}
    }
    if let Some(error) = text("error") {
        messages.push(match text("error_description") {
            Some(description) => format!("{error}: {description}"),
            None => error.to_owned(),
        });
    }
    messages
        .into_iter()
        .map(|message| VendorFault {
            code: None,
            message,
        })
        .collect()
}
