//! Why a hostname belongs to no zone whose records count.

use crate::name::{Hostname, ZoneName};

/// Why a hostname belongs to no zone whose records count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Homeless {
    /// No zone that the token can see holds it.
    NoZone,
    /// The zone that holds it is visible, and Cloudflare does not serve it.
    NotActive(ZoneName),
    /// Several active zones of one name are visible, in several accounts: only one is in use, and
    /// which one cannot be told.
    SeveralZones {
        /// Their name.
        name: ZoneName,
        /// Their ids.
        ids: Vec<String>,
    },
}

impl Homeless {
    /// The reason as a clause.
    pub fn clause(&self, hostname: &Hostname) -> String {
        match self {
            Self::NoZone => {
                format!("no zone that the Cloudflare token can see holds `{hostname}`")
            }
            Self::NotActive(zone) => format!(
                "no active zone is visible for `{hostname}`: zone `{zone}` is visible and not active"
            ),
            Self::SeveralZones { name, ids } => {
                let count = match ids.len() {
                    2 => "two".to_owned(),
                    count => count.to_string(),
                };
                format!(
                    "{count} active zones named `{name}` are visible (ids {})",
                    ids.join(", ")
                )
            }
        }
    }

    /// What to do about it, in full sentences.
    pub fn next(&self) -> &'static str {
        match self {
            Self::NoZone => {
                "Correct the hostname in the topology, or give the token Zone: Read and DNS: Edit on its zone."
            }
            Self::NotActive(_) => {
                "Point the domain's name servers to Cloudflare, or correct the hostnames in the topology."
            }
            Self::SeveralZones { .. } => {
                "Limit the token to the zone that is in use: the others belong to other accounts."
            }
        }
    }
}
