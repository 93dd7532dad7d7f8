//! What was found, and what a draft is made of.

use std::{collections::BTreeMap, net::Ipv4Addr};

use crate::{
    name::{Hostname, ZoneName},
    world::{Record, Side},
};

/// What was found. Whatever could not be read is empty.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// AWS profiles with what their region has.
    pub sides: Vec<SideSurvey>,
    /// The zones that the token sees.
    pub zones: Vec<ZoneName>,
    /// Their records.
    pub records: Vec<Record>,
    /// The variables of each GitLab project whose values name a host of those zones.
    pub projects: BTreeMap<String, Vec<SurveyedVariable>>,
    /// Whether the records of every zone that the token sees were read.
    pub has_all_records: bool,
    /// What could not be read: sentences.
    pub unread: Vec<String>,
}

/// One AWS profile.
#[derive(Debug, Clone)]
pub struct SideSurvey {
    /// The profile.
    pub profile: String,
    /// Its region.
    pub region: String,
    /// Its Elastic IPs and instances.
    pub found: Side,
}

/// A variable whose value is a host's name or a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SurveyedVariable {
    /// The key.
    pub key: String,
    /// The scope.
    pub scope: String,
    /// The value.
    pub value: String,
}

/// A first topology.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Templates of the Elastic IP's and the instance's name, by endpoint; without the latter where
    /// no instance has such an address.
    pub endpoints: BTreeMap<String, (String, Option<String>)>,
    /// Whether the endpoints only stand for those that were not found.
    pub has_no_endpoints: bool,
    /// The sides.
    pub sides: Vec<DraftSide>,
    /// The environments, by name.
    pub environments: BTreeMap<String, DraftEnvironment>,
    /// What could not be read: sentences.
    pub unread: Vec<String>,
    /// What has to be filled in by hand: sentences.
    pub missing: Vec<String>,
}

/// One side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftSide {
    /// What it is called.
    pub name: String,
    /// The GitLab project.
    pub project: String,
    /// What speaks for it.
    pub ground: Ground,
    /// The AWS profile.
    pub profile: String,
    /// Its region.
    pub region: String,
}

/// What speaks for a side's project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ground {
    /// Its variables name hosts of this side, more than any other's do.
    Variables,
    /// Every other project belongs to another side.
    Left,
    /// Nothing.
    #[default]
    None,
}

/// One environment, by role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftEnvironment {
    /// The index of the side that holds production's names.
    pub production: usize,
    /// The name that leads there and makes it likely; none where nothing does.
    pub told_by: Option<Hostname>,
    /// The index of the hot standby's side.
    pub standby: Option<usize>,
    /// Names that lead to a third side.
    pub left_out: Vec<Hostname>,
    /// Hostnames with their endpoints: production's, the hot standby's.
    pub hostnames: [BTreeMap<Hostname, String>; 2],
    /// Variables: production's, the hot standby's.
    pub variables: [BTreeMap<String, String>; 2],
}

/// Each address with its side, endpoint and environment.
pub(super) type Owners = BTreeMap<Ipv4Addr, (usize, String, String)>;

/// The names that lead to one address, each by one A record.
pub(super) type Leading<'a> = BTreeMap<&'a Hostname, Ipv4Addr>;

/// The variables of a side's project in one environment; none where they were not read.
pub(super) fn rows<'a>(
    survey: &'a Survey,
    environment: &str,
    side: Option<usize>,
    sides: &[DraftSide],
) -> Option<BTreeMap<&'a str, &'a str>> {
    let rows = survey.projects.get(&sides.get(side?)?.project)?.iter();
    let rows = rows.filter(|row| row.scope == environment);
    Some(
        rows.map(|row| (row.key.as_str(), row.value.as_str()))
            .collect(),
    )
}

/// The host that a value names: of a URL without a login, or the value itself.
pub fn host(value: &str) -> Option<Hostname> {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next()?;
    (!rest.contains('@')).then(|| host.parse().ok())?
}
