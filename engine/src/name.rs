//! Identifiers. Each has one fallible constructor, so that two of them can never be swapped by
//! accident and none holds what its field does not allow.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidName {
    /// The text as it was given.
    pub text: String,
    /// What was expected, with its article: "a hostname (labels of letters, digits and hyphens)".
    pub expected: &'static str,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> Option<String> = $valid;
                valid(text)
                    .map(Self)
                    .ok_or_else(|| InvalidName { text: text.to_owned(), expected: $expected })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

fn key_like(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let first = chars.next()?;
    (first.is_ascii_alphanumeric()
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'))
    .then(|| text.to_owned())
}

/// A hostname in its one comparable spelling: Punycode, lower case, no trailing dot.
fn hostname(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let ascii = idna::domain_to_ascii(text).ok()?;
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (ascii.len() <= 253 && ascii.contains('.') && ascii.split('.').all(label)).then_some(ascii)
}

fn opaque(text: &str) -> Option<String> {
    (!text.is_empty() && !text.contains(char::is_whitespace)).then(|| text.to_owned())
}

identifier! {
    /// One of the independent infrastructures: a key of `infrastructures` in the topology.
    InfrastructureName, "a name (a letter or digit, then letters, digits, `_` or `-`)", key_like
}
identifier! {
    /// A key of `environments` in the topology, literally the GitLab environment scope.
    EnvironmentName, "a name (a letter or digit, then letters, digits, `_` or `-`)", key_like
}
identifier! {
    /// A kind of machine: a key of `endpoints` in the topology.
    EndpointName, "a name (a letter or digit, then letters, digits, `_` or `-`)", key_like
}
identifier! {
    /// A list of further jobs that a release plays: a key of `release.more_jobs` in the topology.
    JobListName, "a name (a letter or digit, then letters, digits, `_` or `-`)", key_like
}
identifier! {
    /// A fully qualified hostname: Punycode, lower case, no trailing dot.
    Hostname, "a fully qualified hostname (labels of letters, digits and hyphens, joined by dots)", hostname
}
identifier! {
    /// The name of a DNS zone, in the spelling of [`Hostname`].
    ZoneName, "a zone name (labels of letters, digits and hyphens, joined by dots)", hostname
}
identifier! {
    /// The key of a GitLab CI/CD variable: 1 to 255 letters, digits and `_`.
    VariableKey, "a GitLab CI/CD variable key (1 to 255 letters, digits or `_`)",
    |text| (!text.is_empty() && text.len() <= 255
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .then(|| text.to_owned())
}
identifier! {
    /// Cloudflare's id of a zone (32 hexadecimal digits today; treated as opaque).
    ZoneId, "a zone id", opaque
}
identifier! {
    /// Cloudflare's id of a DNS record (32 hexadecimal digits today; treated as opaque).
    RecordId, "a record id", opaque
}

impl RecordId {
    /// What an id begins with that stands for one: DNS tells records and no ids.
    pub const OF_DNS: &str = "dns:";
}

identifier! {
    /// EC2's id of an Elastic IP allocation (`eipalloc-…`).
    AllocationId, "an allocation id", opaque
}
identifier! {
    /// EC2's id of an instance (`i-…`).
    InstanceId, "an instance id", opaque
}

impl Hostname {
    /// Tells whether this hostname is `zone`'s apex or lies below it.
    pub fn is_in(&self, zone: &ZoneName) -> bool {
        self.labels_below(zone).is_some()
    }

    /// The number of labels below `zone`: 0 for the zone's own name, `None` outside the zone.
    pub fn labels_below(&self, zone: &ZoneName) -> Option<usize> {
        if self.0 == zone.0 {
            return Some(0);
        }
        let below = self.0.strip_suffix(zone.as_str())?.strip_suffix('.')?;
        Some(below.split('.').count())
    }
}

/// What an infrastructure is to the public in one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Serves the public names.
    Production,
    /// Stands ready under its own names.
    HotStandby,
}

impl Role {
    /// Both roles, production first.
    pub const ALL: [Self; 2] = [Self::Production, Self::HotStandby];

    /// The role's name in attributes, groups and files: `production` or `hot_standby`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::HotStandby => "hot_standby",
        }
    }

    /// The other role.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Production => Self::HotStandby,
            Self::HotStandby => Self::Production,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::HotStandby => "hot standby",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostnames_have_one_spelling() {
        for (given, kept) in [
            ("GigaDB.org.", Some("gigadb.org")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("a_b.example.org", Some("a_b.example.org")),
            ("localhost", None),
            ("-a.example", None),
            ("a..example", None),
            ("", None),
            ("a b.example", None),
        ] {
            let parsed = given.parse::<Hostname>().ok();
            assert_eq!(parsed.as_ref().map(Hostname::as_str), kept, "{given:?}");
        }
    }

    #[test]
    fn a_hostname_knows_its_depth_in_a_zone() {
        let zone: ZoneName = "gigadb.org".parse().unwrap();
        let depth = |name: &str| name.parse::<Hostname>().unwrap().labels_below(&zone);
        assert_eq!(depth("gigadb.org"), Some(0));
        assert_eq!(depth("files.staging.gigadb.org"), Some(2));
        assert_eq!(depth("notgigadb.org"), None);
        assert_eq!(depth("gigadb.host"), None);
    }

    #[test]
    fn keys_of_the_topology_are_narrow() {
        for (given, fine) in [
            ("gigadb-website", true),
            ("a", true),
            ("-a", false),
            ("a b", false),
            ("é", false),
            ("", false),
        ] {
            assert_eq!(
                given.parse::<InfrastructureName>().is_ok(),
                fine,
                "{given:?}"
            );
        }
    }
}
