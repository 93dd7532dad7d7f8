//! Faults of the name servers, scripted by tests.

use serde::Deserialize;

use super::{DnsQuery, Transport};

/// What goes wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DnsEffect {
    /// SERVFAIL.
    ServFail,
    /// REFUSED.
    Refuse,
    /// NXDOMAIN, whatever there is.
    NxDomain,
    /// No answer at all.
    Silence,
    /// An empty answer that says it was cut short; over TCP the whole answer.
    Truncate,
    /// NOERROR without records and without authority, as a server that does not know the zone answers.
    Lame,
    /// Bytes that are no message.
    Garbage,
    /// These A records instead of what there is.
    Addresses(Vec<std::net::Ipv4Addr>),
}

/// A fault, and the queries that it hits: all that follow, unless narrowed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsFault {
    /// What happens.
    pub effect: DnsEffect,
    /// Only this server: 1 or 2.
    #[serde(default)]
    pub server: Option<usize>,
    /// Only queries for this name, lower case, without the trailing dot.
    #[serde(default)]
    pub name: Option<String>,
    /// Only queries for this type, such as `A`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Only queries that came this way.
    #[serde(default)]
    pub transport: Option<Transport>,
}

impl DnsFault {
    /// Returns a fault that hits every query.
    pub fn new(effect: DnsEffect) -> Self {
        Self {
            effect,
            server: None,
            name: None,
            kind: None,
            transport: None,
        }
    }

    /// Hits only this server: 1 or 2.
    #[must_use]
    pub fn server(mut self, number: usize) -> Self {
        self.server = Some(number);
        self
    }

    /// Hits only queries for this name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Hits only queries for this type.
    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        self.kind = Some(kind.to_owned());
        self
    }

    /// Hits only queries that came this way.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    pub(super) fn hits(&self, query: &DnsQuery) -> bool {
        self.server.is_none_or(|number| number == query.server)
            && self.name.as_ref().is_none_or(|name| *name == query.name)
            && self.kind.as_ref().is_none_or(|kind| *kind == query.kind)
            && self.transport.is_none_or(|way| way == query.transport)
    }
}
