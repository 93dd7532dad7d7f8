//! Cloudflare's JSON, as far as it is needed. Unknown fields are tolerated.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};
use serde_json::Value;

use crate::http::{
    VendorFault,
    list::{Next, Said, identity},
    vendor,
};

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) success: bool,
    #[serde(default)]
    pub(super) errors: Option<Value>,
    #[serde(default = "Option::default")]
    pub(super) result: Option<T>,
    #[serde(default)]
    pub(super) result_info: Option<Value>,
}

impl<T> Envelope<T> {
    /// The errors that it names.
    pub(super) fn faults(&self) -> Vec<VendorFault> {
        self.errors.as_ref().map(vendor::listed).unwrap_or_default()
    }

    /// What it says of the list that its page belongs to; what is no number says nothing.
    pub(super) fn said(&self) -> Said {
        let number = |key: &str| {
            let value = self.result_info.as_ref()?.get(key)?;
            match value {
                Value::String(text) => text.trim().parse().ok(),
                value => value.as_u64(),
            }
        };
        Said {
            page: number("page"),
            per_page: number("per_page"),
            count: number("count"),
            total: number("total_count"),
            pages: number("total_pages"),
            next: Next::NotSaid,
        }
    }
}

/// A row of a list.
pub(super) trait Row {
    /// What tells it from all others.
    fn id(&self) -> &str;
    /// Whether it is kept.
    fn is_wanted(&self) -> bool {
        true
    }
}

/// The rows of a page that are kept, and the identities of all: the others are dropped as they
/// are read.
#[derive(Debug)]
pub(super) struct Rows<T> {
    pub(super) kept: Vec<T>,
    pub(super) identities: Vec<u64>,
}

impl<'de, T: Row + Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowsVisitor(PhantomData))
    }
}

struct RowsVisitor<T>(PhantomData<T>);

impl<'de, T: Row + Deserialize<'de>> Visitor<'de> for RowsVisitor<T> {
    type Value = Rows<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Rows<T>, A::Error> {
        let mut rows = Rows {
            kept: Vec::new(),
            identities: Vec::new(),
        };
        while let Some(row) = all.next_element::<T>()? {
            rows.identities.push(identity(row.id()));
            if row.is_wanted() {
                rows.kept.push(row);
            }
        }
        Ok(rows)
    }
}

impl Row for Zone {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Row for Record {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_wanted(&self) -> bool {
        ["A", "AAAA", "CNAME", "NS", "HTTPS", "SVCB"]
            .iter()
            .any(|kind| self.kind.eq_ignore_ascii_case(kind))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) plan: Option<Plan>,
    #[serde(default)]
    pub(super) account: Option<Account>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
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

/// Whether a body is Cloudflare's JSON, which says that it did not succeed.
pub(super) fn own_words(body: &[u8]) -> bool {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    body.get("success") == Some(&Value::Bool(false))
}
