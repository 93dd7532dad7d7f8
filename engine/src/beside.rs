//! What a zone holds beside the A, AAAA and CNAME records of a hostname that decides where clients
//! go all the same: wildcards, delegations, and service records (HTTPS, SVCB) that lead elsewhere.

use std::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{
    name::{Hostname, RecordId, ZoneName},
    record::RecordType,
};

/// One such record, with its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BesideRecord {
    /// Cloudflare's id.
    pub id: RecordId,
    /// Its name; of a wildcard without `*.`.
    pub name: Hostname,
    /// What it does.
    pub does: Does,
}

/// What a record beside does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// It hands its name and all below it to another name server (NS): what Cloudflare's API shows
    /// of these names is not what resolvers see.
    Delegates(String),
    /// It answers for every name below its own that has no records.
    Answers(RecordType, String),
    /// It tells clients addresses that they may use in place of the A record's (`ipv4hint`);
    /// <https://www.rfc-editor.org/rfc/rfc9460#section-7.3>.
    Hints(ServiceRecord, Vec<Ipv4Addr>),
    /// It sends clients to another name: in alias mode, or with another target name;
    /// <https://www.rfc-editor.org/rfc/rfc9460#section-2.4.2>.
    LeadsTo(ServiceRecord, String),
}

/// The type of a service record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceRecord {
    /// What browsers ask for.
    Https,
    /// What other clients may ask for.
    Svcb,
}

impl ServiceRecord {
    /// Who follows such a record.
    pub(crate) fn followers(self) -> &'static str {
        match self {
            Self::Https => "browsers",
            Self::Svcb => "clients that ask for it",
        }
    }
}

impl fmt::Display for ServiceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "HTTPS",
            Self::Svcb => "SVCB",
        })
    }
}

impl fmt::Display for BesideRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, does } = self;
        match does {
            Does::Delegates(server) => write!(f, "NS `{server}` at `{name}` (id {id})"),
            Does::Answers(kind, content) => write!(f, "`*.{name}` {kind} `{content}` (id {id})"),
            Does::Hints(kind, _) => write!(f, "{kind} of `{name}` (id {id})"),
            Does::LeadsTo(kind, target) => write!(f, "{kind} `{target}` of `{name}` (id {id})"),
        }
    }
}

/// Those of a zone's records beside that concern `hostname`: every delegation of it, its own services,
/// and, where it has no records, the nearest wildcard above it.
pub(crate) fn of_hostname(
    hostname: &Hostname,
    zone: &ZoneName,
    has_records: bool,
    all: &[BesideRecord],
) -> Vec<BesideRecord> {
    let at_or_above = |name: &Hostname| {
        let below = hostname.as_str().strip_suffix(name.as_str());
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    let wildcards = all.iter().filter(|one| {
        matches!(one.does, Does::Answers(..)) && one.name != *hostname && at_or_above(&one.name)
    });
    let nearest = wildcards.map(|one| one.name.as_str().len()).max();
    let concerns = |one: &&BesideRecord| match one.does {
        Does::Delegates(_) => one.name.as_str() != zone.as_str() && at_or_above(&one.name),
        Does::Hints(..) | Does::LeadsTo(..) => one.name == *hostname,
        Does::Answers(..) => {
            !has_records
                && one.name != *hostname
                && at_or_above(&one.name)
                && Some(one.name.as_str().len()) == nearest
        }
    };
    let mut found: Vec<BesideRecord> = all.iter().filter(concerns).cloned().collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(name: &str, does: Does) -> BesideRecord {
        BesideRecord {
            id: name.parse().unwrap(),
            name: name.parse().unwrap(),
            does,
        }
    }

    #[test]
    fn a_hostname_is_concerned_by_what_stands_at_or_above_it() {
        let ns = |name| beside(name, Does::Delegates("ns.example.net".to_owned()));
        let wildcard = |name| beside(name, Does::Answers(RecordType::A, "192.0.2.1".to_owned()));
        let hints = |name| beside(name, Does::Hints(ServiceRecord::Https, Vec::new()));
        let all = [
            ns("example.org"),
            ns("b.example.org"),
            ns("ab.example.org"),
            wildcard("example.org"),
            wildcard("b.example.org"),
            wildcard("a.b.example.org"),
            hints("a.b.example.org"),
            hints("b.example.org"),
        ];
        let (hostname, zone) = (
            "a.b.example.org".parse().unwrap(),
            "example.org".parse().unwrap(),
        );
        let mut expected = vec![
            ns("b.example.org"),
            wildcard("b.example.org"),
            hints("a.b.example.org"),
        ];
        expected.sort();
        assert_eq!(of_hostname(&hostname, &zone, false, &all), expected);
        expected.retain(|one| !matches!(one.does, Does::Answers(..)));
        assert_eq!(of_hostname(&hostname, &zone, true, &all), expected);
    }
}
