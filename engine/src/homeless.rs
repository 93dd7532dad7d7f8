//! Why a hostname belongs to no zone whose records count.

use crate::{
    name::{Hostname, ZoneName},
    world::Zone,
};

/// The active zone with the longest name that holds `hostname`; none where two such zones have
/// one name (the same zone in two accounts), because only one of them can be the one in use.
pub fn zone_for<'a>(hostname: &Hostname, zones: &'a [Zone]) -> Option<&'a Zone> {
    match holding(zones, hostname).as_slice() {
        [first, second, ..] if second.active && first.name == second.name => None,
        [first, ..] if first.active => Some(first),
        _ => None,
    }
}

/// The zones that hold `hostname`, active ones before others, the longest name first.
fn holding<'a>(zones: &'a [Zone], hostname: &Hostname) -> Vec<&'a Zone> {
    let mut holding: Vec<&Zone> = zones
        .iter()
        .filter(|zone| hostname.is_in(&zone.name))
        .collect();
    holding.sort_by_key(|zone| (!zone.active, std::cmp::Reverse(zone.name.as_str().len())));
    holding
}

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
        /// Each one's id, and its account where that is known.
        zones: Vec<(String, Option<String>)>,
    },
}

impl Homeless {
    /// Why none of `zones` is the one of `hostname`; `None` where one is.
    pub fn among(zones: &[Zone], hostname: &Hostname) -> Option<Self> {
        if zone_for(hostname, zones).is_some() {
            return None;
        }
        let holding = holding(zones, hostname);
        let Some(first) = holding.first() else {
            return Some(Self::NoZone);
        };
        if !first.active {
            return Some(Self::NotActive(first.name.clone()));
        }
        let same = holding
            .iter()
            .filter(|zone| zone.active && zone.name == first.name);
        Some(Self::SeveralZones {
            name: first.name.clone(),
            zones: same
                .map(|zone| (zone.id.to_string(), zone.account.clone()))
                .collect(),
        })
    }

    /// The reason as a clause.
    pub fn clause(&self, hostname: &Hostname) -> String {
        match self {
            Self::NoZone => {
                format!("no zone that the Cloudflare token can see holds `{hostname}`")
            }
            Self::NotActive(zone) => format!(
                "no active zone is visible for `{hostname}`: zone `{zone}` is visible and not active"
            ),
            Self::SeveralZones { name, zones } => {
                let count = match zones.len() {
                    2 => "two".to_owned(),
                    count => count.to_string(),
                };
                let each: Vec<String> = zones
                    .iter()
                    .map(|(id, account)| match account {
                        Some(account) => format!("id {id} in account `{account}`"),
                        None => format!("id {id}"),
                    })
                    .collect();
                format!(
                    "{count} active zones named `{name}` are visible ({})",
                    each.join(", ")
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
