//! GitLab's JSON, as far as it is needed. Unknown fields are tolerated; a null boolean is false.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, SeqAccess, Visitor},
};
use serde_json::Value;

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
    #[serde(default)]
    pub(super) sha: Option<String>,
}

/// A pipeline; its ref is null where the branch is gone.
#[derive(Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: u64,
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<String>,
    #[serde(default)]
    pub(super) sha: Option<String>,
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

/// A list that is handed on row by row: what nobody wants is dropped as it is read.
pub(super) struct EachRow<F>(pub(super) F);

impl<'de, F: FnMut(Variable)> DeserializeSeed<'de> for EachRow<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Variable)> Visitor<'de> for EachRow<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element::<Variable>()? {
            (self.0)(row);
        }
        Ok(())
    }
}

/// Whether a body is GitLab's own: JSON with a message or an error, or what a rate limit answers.
/// <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>
pub(super) fn own_words(body: &[u8]) -> bool {
    if body.trim_ascii() == b"Retry later" {
        return true;
    }
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    body.get("message").is_some() || body.get("error").is_some()
}
