//! What is managed, as a value: findings, owed items, differences, moved objects and the steps of a
//! journal carry it, so that nothing is compared as text. Its texts are made here and nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{EndpointName, Hostname, InfrastructureName, VariableKey};

/// One managed object of an environment. Names sort before variables, variables before addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// Where a hostname leads.
    Name(Hostname),
    /// A GitLab variable of a side, in the environment's scope.
    Variable(InfrastructureName, VariableKey),
    /// The Elastic IP of an endpoint of a side.
    Address(InfrastructureName, EndpointName),
}

impl Object {
    /// The key under which the provider shows it: `gigadb.org`, `gigadb-website/HOME_URL`.
    pub fn key(&self) -> String {
        match self {
            Self::Name(hostname) => hostname.to_string(),
            Self::Variable(side, key) => format!("{side}/{key}"),
            Self::Address(side, endpoint) => format!("{side}/{endpoint}"),
        }
    }

    /// The side that it belongs to; a name belongs to none.
    pub fn side(&self) -> Option<&InfrastructureName> {
        match self {
            Self::Name(_) => None,
            Self::Variable(side, _) | Self::Address(side, _) => Some(side),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(hostname) => write!(f, "A record of `{hostname}`"),
            Self::Variable(side, key) => write!(f, "variable `{key}` of `{side}`"),
            Self::Address(side, endpoint) => {
                write!(f, "Elastic IP of the {endpoint} endpoint of `{side}`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Object;

    #[test]
    fn an_object_has_one_key_and_one_text() {
        let side = || "gigadb-website".parse().unwrap();
        for (object, key, text) in [
            (
                Object::Name("gigadb.org".parse().unwrap()),
                "gigadb.org",
                "A record of `gigadb.org`",
            ),
            (
                Object::Variable(side(), "HOME_URL".parse().unwrap()),
                "gigadb-website/HOME_URL",
                "variable `HOME_URL` of `gigadb-website`",
            ),
            (
                Object::Address(side(), "web".parse().unwrap()),
                "gigadb-website/web",
                "Elastic IP of the web endpoint of `gigadb-website`",
            ),
        ] {
            assert_eq!(object.key(), key);
            assert_eq!(object.to_string(), text);
        }
    }
}
