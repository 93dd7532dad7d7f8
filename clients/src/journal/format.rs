//! What the lines of a journal hold.
//!
//! The format is read by later versions, which tolerate what they do not know: a field may be
//! added with a default, and nothing may be renamed or change its meaning without a new
//! [`FORMAT_VERSION`] and a reader for the old one. A file of each version is among the tests.

use std::{collections::BTreeSet, fmt, str::FromStr};

use gigadb_engine::{
    carry::Ending,
    changes::Transaction,
    executor::{Announcement, End, Outcome, Report, TransactionId},
    intent::{Arrangement, Intent, Mode, OnFailure, Trade},
    name::{EnvironmentName, InfrastructureName, RecordId},
    object::Object,
    rules::Rule,
    topology::TopologyDigest,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::process::Process;

/// The format that this version writes. Older ones are read; newer ones are refused.
///
/// Version 2 adds the status `open`, the end `open` and a report's `open_until`, and a transaction
/// may be announced, and end, more than once. In version 1 nothing was ever open: what it calls not
/// applied or undone may be in force all the same. Version 3 adds who ran it, version 4 what it left.
pub const FORMAT_VERSION: u32 = 4;
/// How much of an environment's name an id shows.
const LONGEST_ENVIRONMENT: usize = 40;
/// The longest id, in bytes: a file's name has to hold it with its ending.
const LONGEST_ID: usize = 200;

/// The id of a run: its start in UTC to the millisecond, the environment, and four random digits.
/// Ids sort by start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The id of a run that begins now.
    pub fn new(environment: &EnvironmentName, started: Timestamp) -> Self {
        let started = started.strftime("%Y%m%dT%H%M%S%3fZ");
        let environment: String = environment
            .as_str()
            .chars()
            .take(LONGEST_ENVIRONMENT)
            .collect();
        let random = fastrand::u16(..);
        Self(format!("{started}-{environment}-{random:04x}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the run's file.
    pub(super) fn file_name(&self) -> String {
        format!("{}.jsonl", self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that cannot be the id of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a run: ids look like `20261122T093000123Z-live-0a1b`")]
pub struct NotARunId(pub String);

impl FromStr for RunId {
    type Err = NotARunId;
    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts && text.len() <= LONGEST_ID && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotARunId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = NotARunId;
    fn try_from(text: String) -> Result<Self, NotARunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

/// What a run was asked to do. The first line of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub format_version: u32,
    /// The run's id.
    pub id: RunId,
    /// When it began.
    #[serde(with = "instant")]
    pub started: Timestamp,
    /// The program that ran it, with its version.
    pub program: String,
    /// The process that ran it.
    pub process: Process,
    /// Who ran it: `ada@bastion`. Journals of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The run that it takes further or takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
    /// The environment.
    pub environment: EnvironmentName,
    /// Who was to be what.
    pub arrangement: Arrangement,
    /// How much had to be well.
    pub mode: Mode,
    /// The infrastructure that was to carry production's variables already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepare: Option<InfrastructureName>,
    /// What to do when a step failed.
    pub on_failure: OnFailure,
    /// Rules that were waived.
    pub overrides: BTreeSet<Rule>,
    /// Whether the operator meant to change who is production.
    pub changes_production: Trade,
    /// Why, in the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The topology that the run was planned from.
    pub topology: TopologyDigest,
    /// The lease that the run held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseRecord>,
    /// Every transaction, in stages.
    pub stages: Vec<Vec<Transaction>>,
}

impl Header {
    /// What was asked for.
    pub fn intent(&self) -> Intent {
        Intent {
            environment: self.environment.clone(),
            arrangement: self.arrangement.clone(),
            mode: self.mode,
            prepare: self.prepare.clone(),
            on_failure: self.on_failure,
            overrides: self.overrides.clone(),
            trade: self.changes_production,
        }
    }
}

/// How a run belongs to an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// It does what that run left undone.
    Resumes(RunId),
    /// It takes back what that run did.
    Reverts(RunId),
}

/// The lease that a run held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The GitLab project, as the topology writes it.
    pub gitlab_project: String,
    /// The name of the Terraform state whose lock it is.
    pub name: String,
    /// The lease's own id, as GitLab shows it.
    pub id: String,
}

/// A line after the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    #[serde(with = "instant")]
    pub at: Timestamp,
    /// What.
    pub event: JournalEvent,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalEvent {
    /// This is about to be sent.
    Announced(Announcement),
    /// A record was created.
    Created {
        /// The transaction.
        transaction: TransactionId,
        /// The index of its step.
        step: usize,
        /// The record's id.
        record: RecordId,
    },
    /// A transaction has ended, or is open and waited for. The last one counts.
    Ended(Report),
    /// The run has ended.
    Finished(Outcome),
    /// It has ended, and its last reading showed that something was left.
    Left(Leftover),
    /// It does not hold its lease any more: the last that is noted of a run that had one.
    Unleased,
}

/// What a run left that it was to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What it could not do now: a later run finishes it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub owed: BTreeSet<Object>,
    /// What it wrote, and its last reading did not show.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub not_shown: BTreeSet<Object>,
    /// What it could not say, or not put back, and its last reading showed as it had written it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub in_force: BTreeSet<Object>,
}

impl Leftover {
    /// What a run left that ended so.
    pub(crate) fn of(ending: &Ending, outcome: &Outcome) -> Self {
        if outcome.end != End::Completed {
            // How the rest ended, its reports tell.
            return Self {
                in_force: ending.still_there(),
                ..Self::default()
            };
        }
        let owed: BTreeSet<Object> = ending.owed.iter().map(|owed| owed.object.clone()).collect();
        let differences = ending.differences.iter().map(|one| one.object.clone());
        Self {
            not_shown: differences
                .filter(|object| !owed.contains(object))
                .collect(),
            owed,
            in_force: BTreeSet::new(),
        }
    }

    /// Whether nothing was left.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The instant to the millisecond, which is all that is written.
pub(super) fn milliseconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}

/// Instants as RFC 3339 in UTC.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        instant: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(instant)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
