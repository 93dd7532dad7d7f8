//! The DNS records that decide where a hostname leads.

use std::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::name::{Hostname, RecordId};

/// The record types that decide where a hostname leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// An alias.
    Cname,
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
        })
    }
}

/// One DNS record, with its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// Cloudflare's id; stable over changes of content.
    pub id: RecordId,
    /// The full name.
    pub name: Hostname,
    /// The type.
    #[serde(rename = "type")]
    pub record_type: RecordType,
    /// Address or target, as text.
    pub content: String,
    /// Time to live in seconds; 1 is Cloudflare's spelling of "automatic" (served as 300).
    pub ttl: u32,
    /// Whether Cloudflare answers with its own addresses instead of the content.
    pub proxied: bool,
}

/// What Cloudflare serves for a record whose TTL is automatic, in seconds.
pub const AUTOMATIC_TTL: u32 = 300;

impl Record {
    /// For how many seconds resolvers may keep it.
    pub fn served_ttl(&self) -> u32 {
        if self.ttl <= 1 {
            AUTOMATIC_TTL
        } else {
            self.ttl
        }
    }

    /// The IPv4 address that an A record holds.
    pub fn address(&self) -> Option<Ipv4Addr> {
        (self.record_type == RecordType::A)
            .then(|| self.content.parse().ok())
            .flatten()
    }
}
