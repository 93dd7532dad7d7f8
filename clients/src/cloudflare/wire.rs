//! Cloudflare's JSON, as far as it is needed. Unknown fields are tolerated.

use serde::{Deserialize, Serialize};

use crate::http::VendorFault;

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) success: bool,
    #[serde(default)]
    pub(super) errors: Option<Vec<Message>>,
    #[serde(default = "Option::default")]
    pub(super) result: Option<T>,
    #[serde(default)]
    pub(super) result_info: Option<ResultInfo>,
}

/// Where an answer with a fault is read without knowing its result.
#[derive(Debug, Deserialize)]
struct Faulty {
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    errors: Option<Vec<Message>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    code: Option<i64>,
    #[serde(default, rename = "message")]
    text: Option<String>,
    #[serde(default)]
    error_chain: Option<Vec<Message>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResultInfo {
    #[serde(default)]
    pub(super) total_pages: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) plan: Option<Plan>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    #[serde(default)]
    pub(super) legacy_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) ttl: Option<f64>,
    #[serde(default)]
    pub(super) proxied: Option<bool>,
}

/// What a batch answers with, as far as it is needed: the records that it created.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    pub(super) posts: Option<Vec<Record>>,
}

/// A batch without deletes: there is no way to spell one.
#[derive(Debug, Serialize)]
pub(super) struct Batch<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) patches: Vec<Patch<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) posts: Vec<Post<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Patch<'a> {
    pub(super) id: &'a str,
    pub(super) content: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Post<'a> {
    #[serde(rename = "type")]
    pub(super) record_type: String,
    pub(super) name: &'a str,
    pub(super) content: &'a str,
    pub(super) ttl: u32,
    pub(super) proxied: bool,
}

/// The errors that a body names; none where it is not Cloudflare's JSON, which says that it did not
/// succeed.
pub(super) fn faults(body: &[u8]) -> Vec<VendorFault> {
    serde_json::from_slice::<Faulty>(body)
        .ok()
        .filter(|faulty| faulty.success == Some(false))
        .and_then(|faulty| faulty.errors)
        .map(flatten)
        .unwrap_or_default()
}

/// Errors with the causes that older answers keep in a chain.
pub(super) fn flatten(messages: Vec<Message>) -> Vec<VendorFault> {
    messages
        .into_iter()
        .flat_map(|message| {
            let own = VendorFault {
                code: message.code,
                message: message.text.unwrap_or_default(),
            };
            std::iter::once(own).chain(flatten(message.error_chain.unwrap_or_default()))
        })
        .collect()
}
