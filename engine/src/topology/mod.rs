//! The topology file: which infrastructures there are, what each role is called in each
//! environment, and how every machine is found.
//!
//! [`Topology::parse`] is the only way in. It reports all faults at once, each with line and
//! column, and keeps what is merely suspicious as [`Warning`]s.

mod accept;
mod digest;
mod effect;
mod environments;
mod excerpt;
mod infrastructures;
mod known;
mod notify;
mod parse;
mod protocol;
mod reach;
mod reader;
mod release;
mod schema;
mod template;
mod warn;
mod yaml;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
};

use serde::{Deserialize, Serialize};

pub use effect::TakesEffect;
pub use notify::{Notify, NotifyEvent, NotifyFormat};
pub use protocol::Protocol;
pub use reach::Reach;
pub use release::{CommandName, Filling, Jobs, Release, SwapBy, record_state};
pub use schema::schema;
pub use warn::WarningName;

use crate::{
    name::{
        EndpointName, EnvironmentName, Hostname, InfrastructureName, Role, VariableKey, ZoneName,
    },
    object::Object,
};

/// A whole, valid topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The kinds of machine.
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
    /// The infrastructures: two or more.
    pub infrastructures: BTreeMap<InfrastructureName, Infrastructure>,
    /// The environments.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// Where the lease against concurrent swaps is kept, if anywhere.
    pub lock: Option<Lock>,
    /// The GitLab variable that holds each side's certificate chain, if any.
    pub certificate_variable: Option<VariableKey>,
    /// What may be created.
    pub policy: Policy,
    /// When variables take effect, where it is not when images are built.
    pub takes_effect: BTreeMap<VariableKey, TakesEffect>,
    /// Resolvers that are asked beside the zones' own servers, where a cutover is watched.
    pub resolvers: Vec<SocketAddr>,
    /// Who is told of what.
    pub notify: Vec<Notify>,
    /// How a release is carried out, where the file says.
    pub release: Option<Release>,
}

/// A kind of machine, and how its address and instance are found in EC2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Template of the Elastic IP's Name tag.
    pub eip: NameTemplate,
    /// Template of the instance's Name tag.
    pub instance: NameTemplate,
    /// Whether it answers HTTPS for its hostnames; `None` where the file does not say.
    pub https: Option<bool>,
    /// How Ansible gets to its machines; `None` where the file does not say.
    pub reach: Option<Reach>,
    /// What it answers by; `None` where the file does not say.
    pub protocols: Option<BTreeSet<Protocol>>,
}

/// A Name tag in which `{environment}` and `{owner}` are replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameTemplate(String);

impl NameTemplate {
    /// Takes the template as written; validated by the parser.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Fills the template. `{owner}` without an owner stays as it is; the parser refuses that.
    pub fn fill(&self, environment: &EnvironmentName, owner: Option<&str>) -> String {
        let fillings = [
            ("environment}", Some(environment.as_str())),
            ("owner}", owner),
        ];
        let mut filled = String::with_capacity(self.0.len() + environment.as_str().len());
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let mut fillings = fillings.iter();
            let found =
                fillings.find_map(|(name, text)| Some((after.strip_prefix(name)?, (*text)?)));
            let (after, text) = found.unwrap_or((after, "{"));
            filled.push_str(text);
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// One of the independent infrastructures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Infrastructure {
    /// The name of the operators' local checkout.
    pub checkout: Option<String>,
    /// Path or numeric id of the GitLab project, as written.
    pub gitlab_project: String,
    /// The AWS profile and region.
    pub aws: Aws,
    /// Fills `{owner}`.
    pub owner: Option<String>,
    /// Elastic IP names that differ from the endpoint's.
    pub eips: BTreeMap<EndpointName, NameTemplate>,
    /// Instance names that differ from the endpoint's.
    pub instances: BTreeMap<EndpointName, NameTemplate>,
    /// How its machines are reached.
    pub ssh: Option<Ssh>,
    /// Template of the name of this side's Terraform state in GitLab.
    pub terraform_state: Option<NameTemplate>,
}

/// Where an infrastructure lives in AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// The named profile with this side's own keys.
    pub profile: String,
    /// The region.
    pub region: String,
}

/// How an infrastructure's machines are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The login.
    pub user: String,
    /// Path of the private key, `~` not expanded.
    pub private_key: Option<String>,
    /// The login on the bastion; the parser fills in `user` where the file does not say.
    pub bastion_user: String,
}

/// What each role is called in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Whether data is synchronized from production to the hot standby.
    pub data_sync: bool,
    /// Production's names and variables.
    pub production: RoleTable,
    /// The hot standby's names and variables.
    pub hot_standby: RoleTable,
}

/// The names and variables of one role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleTable {
    /// Which endpoint each hostname leads to.
    pub hostnames: BTreeMap<Hostname, EndpointName>,
    /// The value of each GitLab variable. Both roles have the same keys.
    pub variables: BTreeMap<VariableKey, String>,
}

/// Where the lease is kept: a GitLab Terraform state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Path or numeric id of the GitLab project.
    pub gitlab_project: String,
    /// Template of the state's name.
    pub name: NameTemplate,
}

/// What may be created, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// A managed hostname without a record.
    pub missing_records: Missing,
    /// A managed variable without a row.
    pub missing_variables: Missing,
    /// TTL in seconds of records that are created; `None` is automatic.
    pub record_ttl: Option<u32>,
    /// Whether records that are created are proxied.
    pub proxied: bool,
}

/// What to do about something that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Refuse.
    #[default]
    Error,
    /// Create it.
    Create,
}

/// What is suspicious in a topology, but not wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What kind of thing, as `accept` names it.
    pub name: WarningName,
    /// What it is about, as `accept` names it: an endpoint, an infrastructure, an environment, or
    /// a variable of one.
    pub at: String,
    /// What, and what to do about it, as sentences.
    pub message: String,
}

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// Where `hostname` stands first in the text of a topology, however it is spelled there.
    pub fn of(hostname: &Hostname, text: &str) -> Option<Self> {
        let is = |word: &str| word.parse::<Hostname>().is_ok_and(|one| one == *hostname);
        yaml::read(text, &mut Vec::new())?.first(&is)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A digest of everything a topology says, independent of layout and comments:
/// 64 hexadecimal digits of SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopologyDigest(pub String);

impl Environment {
    /// The table of `role`.
    pub fn table(&self, role: Role) -> &RoleTable {
        match role {
            Role::Production => &self.production,
            Role::HotStandby => &self.hot_standby,
        }
    }

    /// Every managed hostname with its role and endpoint, sorted by hostname.
    pub fn hostnames(&self) -> BTreeMap<&Hostname, (Role, &EndpointName)> {
        Role::ALL
            .into_iter()
            .flat_map(|role| {
                self.table(role)
                    .hostnames
                    .iter()
                    .map(move |(h, e)| (h, (role, e)))
            })
            .collect()
    }

    /// The role and the endpoint of a managed hostname; `None` for any other.
    pub fn hostname(&self, hostname: &Hostname) -> Option<(Role, &EndpointName)> {
        Role::ALL
            .into_iter()
            .find_map(|role| Some((role, self.table(role).hostnames.get(hostname)?)))
    }

    /// The keys of the role variables, the same for both roles.
    pub fn variable_keys(&self) -> impl Iterator<Item = &VariableKey> {
        self.production.variables.keys()
    }

    /// The apex, by the zones that `zone_of` knows. `None` where production publishes no hostname
    /// or no zone holds one.
    pub fn apex<'a>(
        &'a self,
        zone_of: impl Fn(&Hostname) -> Option<&'a ZoneName>,
    ) -> Option<&'a Hostname> {
        let names = self.production.hostnames.keys();
        apex(names.filter_map(|hostname| Some((hostname, zone_of(hostname)?))))
    }

    /// The endpoint of the apex. Where no zone is known, the shortest of production's hostnames
    /// stands for it.
    pub fn main_endpoint(&self, apex: Option<&Hostname>) -> Option<&EndpointName> {
        let hostnames = &self.production.hostnames;
        let shortest = || {
            let labels = |hostname: &&Hostname| hostname.as_str().split('.').count();
            let size = |hostname: &&Hostname| (labels(hostname), hostname.as_str().len());
            hostnames.keys().min_by_key(size)
        };
        hostnames.get(apex.or_else(shortest)?)
    }
}

/// The apex among production's hostnames, each with its zone: the one with the fewest labels below
/// its zone, then the shortest, then the first by name.
pub fn apex<'a>(
    names: impl IntoIterator<Item = (&'a Hostname, &'a ZoneName)>,
) -> Option<&'a Hostname> {
    names
        .into_iter()
        .filter_map(|(h, zone)| Some((h.labels_below(zone)?, h.as_str().len(), h)))
        .min()
        .map(|(_, _, h)| h)
}

impl Topology {
    /// The Name tag of the Elastic IP of `endpoint`.
    pub fn eip_name(
        &self,
        infrastructure: &InfrastructureName,
        environment: &EnvironmentName,
        endpoint: &EndpointName,
    ) -> Option<String> {
        let side = self.infrastructures.get(infrastructure)?;
        let template = side
            .eips
            .get(endpoint)
            .or_else(|| self.endpoints.get(endpoint).map(|e| &e.eip))?;
        Some(template.fill(environment, side.owner.as_deref()))
    }

    /// The Name tag of the instance of `endpoint`.
    pub fn instance_name(
        &self,
        infrastructure: &InfrastructureName,
        environment: &EnvironmentName,
        endpoint: &EndpointName,
    ) -> Option<String> {
        let side = self.infrastructures.get(infrastructure)?;
        let template = side
            .instances
            .get(endpoint)
            .or_else(|| self.endpoints.get(endpoint).map(|e| &e.instance))?;
        Some(template.fill(environment, side.owner.as_deref()))
    }

    /// The endpoints that answer HTTPS for the hostnames of an environment with this `apex`: those
    /// that say so, and the apex's own unless it says otherwise.
    pub fn https_endpoints(
        &self,
        environment: &EnvironmentName,
        apex: Option<&Hostname>,
    ) -> BTreeSet<&EndpointName> {
        let environment = self.environments.get(environment);
        let apex_endpoint = apex.and_then(|apex| environment?.main_endpoint(Some(apex)));
        self.endpoints
            .iter()
            .filter(|(name, endpoint)| {
                let listed = endpoint.protocols.as_ref();
                let https = |one: &Protocol| matches!(one, Protocol::Https(_));
                let listed = listed.map(|protocols| protocols.iter().any(https));
                let said = endpoint.https.or(listed);
                said.unwrap_or(Some(*name) == apex_endpoint)
            })
            .map(|(name, _)| name)
            .collect()
    }

    /// Every Name tag to look for on one side, for the environments that `holds` names.
    pub fn name_tags(
        &self,
        infrastructure: &InfrastructureName,
        holds: impl Fn(&EnvironmentName) -> bool,
    ) -> NameTags {
        let mut tags = NameTags::default();
        for environment in self.environments.keys().filter(|name| holds(name)) {
            for endpoint in self.endpoints.keys() {
                tags.elastic_ips
                    .extend(self.eip_name(infrastructure, environment, endpoint));
                tags.instances
                    .extend(self.instance_name(infrastructure, environment, endpoint));
            }
        }
        tags
    }

    /// Where a variable of a side stands in GitLab, for a message: its project and its scope too.
    pub fn variable_place(
        &self,
        side: &InfrastructureName,
        key: &VariableKey,
        scope: &EnvironmentName,
    ) -> String {
        let variable = Object::Variable(side.clone(), key.clone());
        let project = self
            .infrastructures
            .get(side)
            .map_or("", |one| one.gitlab_project.as_str());
        format!("{variable}, GitLab project `{project}`, scope `{scope}`")
    }
}

/// The Name tags by which EC2 is asked for the machines of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameTags {
    /// Of Elastic IPs.
    pub elastic_ips: BTreeSet<String>,
    /// Of instances.
    pub instances: BTreeSet<String>,
}

/// A topology with what is suspicious in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The topology.
    pub topology: Topology,
    /// What is suspicious and not accepted, in the order of the file.
    pub warnings: Vec<Warning>,
}

/// One thing that is wrong in a topology file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong and what to write instead, as sentences.
    pub message: String,
}

/// Everything that is wrong in a topology file, in the order of the file. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the topology has {} fault{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// One `FILE:LINE:COLUMN: message` a line, each followed by that line of `source`, the text that was parsed, with
    /// a caret below the place.
    pub fn render(&self, file: &str, source: &str) -> String {
        let excerpts = excerpt::Excerpts::of(source);
        let told = self.0.iter().map(|fault| {
            let excerpt = excerpts.at(fault.place).map(|lines| format!("\n{lines}"));
            let excerpt = excerpt.unwrap_or_default();
            format!("{file}:{}: {}{excerpt}", fault.place, fault.message)
        });
        told.collect::<Vec<_>>().join("\n")
    }
}
