//! What the three APIs said, as plain values: the input of every decision.
//!
//! The clients fill a [`World`]; [`crate::observation`] projects it on one environment. Parts that
//! could not be read stay in it as [`Reading::Failed`], so that the engine, not the client,
//! decides what that means.

use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

pub use crate::beside::{BesideRecord, Does, ServiceRecord};
pub use crate::cause::{Cause, FailureKind, Whose};
use crate::name::{AllocationId, InfrastructureName, InstanceId, VariableKey, ZoneId, ZoneName};
pub use crate::record::{AUTOMATIC_TTL, Record, RecordType};

/// Why a part of the world could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is; decides what may go on without the part.
    pub kind: FailureKind,
    /// One lower-case clause without a full stop: method, path template, status, vendor codes.
    /// Never a token, never a body.
    pub message: String,
    /// What it comes from: what to do follows from it, see [`crate::advice`].
    #[serde(default)]
    pub cause: Cause,
    /// Where the settings come from with which it was asked, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Box<Origin>>,
}

/// Where the settings come from with which an API was asked, in words; none where advice names the
/// usual place anyway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// What holds the token, or names the files that hold the key: `` `GITLAB_PRIVATE_TOKEN` ``.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// What holds the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Failure {
    /// A failure of which no more is known than its kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: Cause::Unknown,
            origin: None,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    /// The same with where the settings come from.
    #[must_use]
    pub fn asked_with(self, origin: Origin) -> Self {
        Self {
            origin: Some(Box::new(origin)),
            ..self
        }
    }

    /// Who has to act.
    pub fn whose(&self) -> Whose {
        self.cause.whose(self.kind)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::foreign::Foreign(&self.message).fmt(f)
    }
}

/// A part of the world: read now, or not, with what was known before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// Read now.
    Read(T),
    /// Not read now.
    Failed {
        /// Why not.
        failure: Failure,
        /// What an earlier reading gave, if there was one.
        last_known: Option<T>,
    },
}

impl<T> Reading<T> {
    /// A failed reading without anything known from before.
    pub fn failed(failure: Failure) -> Self {
        Self::Failed {
            failure,
            last_known: None,
        }
    }

    /// What is known: read now, else last known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Failed { last_known, .. } => last_known.as_ref(),
        }
    }

    /// What was read now.
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Failed { .. } => None,
        }
    }

    /// Why it could not be read now.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Read(_) => None,
            Self::Failed { failure, .. } => Some(failure),
        }
    }

    /// Applies `f` to what is known, keeping whether it was read now.
    pub fn map<U>(&self, f: impl Fn(&T) -> U) -> Reading<U> {
        match self {
            Self::Read(value) => Reading::Read(f(value)),
            Self::Failed {
                failure,
                last_known,
            } => Reading::Failed {
                failure: failure.clone(),
                last_known: last_known.as_ref().map(f),
            },
        }
    }
}

/// Everything that was read for one topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The zones that the Cloudflare token can see.
    pub zones: Reading<Vec<Zone>>,
    /// Per zone that holds a managed hostname: its A, AAAA and CNAME records, all names.
    pub records: BTreeMap<ZoneId, Reading<Vec<Record>>>,
    /// Per zone whose records were read: what else in it decides where its names lead.
    pub beside: BTreeMap<ZoneId, Vec<BesideRecord>>,
    /// Per infrastructure: the rows of its GitLab project whose key the topology names.
    pub variables: BTreeMap<InfrastructureName, Reading<Vec<CiVariable>>>,
    /// Per infrastructure: its Elastic IPs and instances whose Name tag the topology names.
    pub sides: BTreeMap<InfrastructureName, Reading<Side>>,
    /// Per infrastructure whose variables were read: what its rows of the topology's
    /// `certificate_variable` hold.
    pub certificates: BTreeMap<InfrastructureName, Vec<CertificateRow>>,
}

impl World {
    /// The same without zones and records: what is known where these could not be read.
    #[must_use]
    pub fn without_records(&self) -> Self {
        Self {
            zones: Reading::Read(Vec::new()),
            records: BTreeMap::new(),
            beside: BTreeMap::new(),
            certificates: BTreeMap::new(),
            ..self.clone()
        }
    }
}

/// One row of the variable that holds a side's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRow {
    /// The environment scope, literally; `*` and other patterns are wildcards.
    pub scope: String,
    /// What was parsed of its value.
    pub certificate: StoredCertificate,
}

/// What was parsed of a stored certificate. The value itself is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredCertificate {
    /// A certificate.
    Parsed {
        /// The names that it covers; `*.` stands for one label.
        names: Vec<String>,
        /// When it ends, in seconds since the epoch, UTC.
        not_after: i64,
    },
    /// There is a value, and no certificate can be read from it: why, as a clause.
    Unreadable(String),
    /// No row applies to the environment.
    Missing,
}

/// A DNS zone at Cloudflare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Cloudflare's id.
    pub id: ZoneId,
    /// The zone's name.
    pub name: ZoneName,
    /// Whether Cloudflare serves it (`status: active`); only then may it be changed here.
    pub active: bool,
    /// How many records one batch request may hold: 200 on the Free plan, else 3,500.
    pub batch_limit: usize,
    /// Whose it is, where Cloudflare says so: the account's name, which may be a person's address and is kept
    /// nowhere, else its id.
    #[serde(skip)]
    pub account: Option<String>,
}

/// A GitLab pipeline that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pipeline {
    /// GitLab's id.
    pub id: u64,
    /// The branch or tag that it was made for.
    pub reference: String,
    /// `running` or `pending`.
    pub status: String,
}

/// One row of a GitLab project's CI/CD variables; identified by key and scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "GitLab's own attributes, one to one"
)]
pub struct CiVariable {
    /// The key.
    pub key: VariableKey,
    /// The environment scope, literally; `*` and other patterns are wildcards.
    pub scope: String,
    /// The value; `None` where GitLab never shows it (`hidden`).
    pub value: Option<String>,
    /// `variable_type: file`: jobs see a path, not the value.
    pub file: bool,
    /// Given only to pipelines on protected refs.
    pub protected: bool,
    /// Masked in job logs.
    pub masked: bool,
    /// Masked and hidden: the API never shows the value again.
    pub hidden: bool,
    /// No `$VAR` expansion.
    pub raw: bool,
}

/// What one region holds of an infrastructure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Side {
    /// Elastic IPs.
    pub elastic_ips: Vec<ElasticIp>,
    /// Instances that are not terminated.
    pub instances: Vec<Instance>,
}

/// An Elastic IP with a Name tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ElasticIp {
    /// EC2's id.
    pub allocation_id: AllocationId,
    /// The value of its `Name` tag.
    pub name: String,
    /// The address.
    pub address: Ipv4Addr,
    /// The instance that it is associated with.
    pub instance_id: Option<InstanceId>,
    /// What else than an instance it is associated with, in words: a network interface, a load
    /// balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
}

/// An EC2 instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instance {
    /// EC2's id.
    pub id: InstanceId,
    /// The value of its `Name` tag, empty without one.
    pub name: String,
    /// `pending`, `running`, `stopping`, `stopped`, `shutting-down`.
    pub state: String,
    /// The private address.
    pub private_address: Option<Ipv4Addr>,
    /// The public address.
    pub public_address: Option<Ipv4Addr>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    /// Tells whether the instance runs.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }
}
