//! How an execution ended.

use serde::{Deserialize, Serialize};

use super::TransactionId;

/// How one transaction ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status", content = "why")]
pub enum TransactionStatus {
    /// It was never sent.
    NotSent,
    /// It is in force.
    Applied,
    /// It was sent, or was to be, and is not in force: why, as a clause.
    NotApplied(String),
    /// It is not known to be in force, and may still take effect until the report's time: why, as
    /// a clause.
    Open(String),
    /// It cannot take effect any more, and whether it is in force is not known: why, as a clause.
    Unknown(String),
    /// It was in force and was undone.
    Undone,
    /// It could not be undone, or not in full: why, as a clause.
    NotUndone(String),
}

impl TransactionStatus {
    /// Tells whether the world may differ, for this transaction, from what it was before.
    pub fn may_differ_from_before(&self) -> bool {
        matches!(
            self,
            Self::Applied | Self::Open(_) | Self::Unknown(_) | Self::NotUndone(_)
        )
    }
}

/// How one transaction ended, for the account that is given at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The transaction.
    pub transaction: TransactionId,
    /// How it ended.
    #[serde(flatten)]
    pub status: TransactionStatus,
    /// Until when a request of it that got no answer may take effect, in seconds since 1970. With
    /// [`TransactionStatus::Applied`] and [`TransactionStatus::Undone`] that is a twin of the
    /// same values: it changes nothing, unless the values are changed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<u64>,
    /// Whether its undo was sent: then a reading of what was written may be an old one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo_sent: bool,
}

/// How the whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Every transaction is in force.
    Completed,
    /// Nothing was changed.
    NothingChanged,
    /// What was changed was undone.
    Reverted,
    /// Some transactions are, or may be, in force, and some are not.
    PartlyApplied,
    /// Some transactions may still take effect.
    Open,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the whole ended.
    pub end: End,
    /// One report a transaction, in the order of writing.
    pub reports: Vec<Report>,
    /// Why it did not complete: a clause.
    pub cause: Option<String>,
    /// What helps against that, in full sentences, where it is known. Journals leave it out: it is
    /// for now.
    #[serde(skip)]
    pub remedy: Option<String>,
}

/// The cause of a run that was stopped.
pub const STOPPED: &str = "it was asked to stop";

impl Outcome {
    pub(super) fn new(reports: Vec<Report>, cause: Option<String>) -> Self {
        let all = |f: fn(&TransactionStatus) -> bool| reports.iter().all(|r| f(&r.status));
        let any = |f: fn(&TransactionStatus) -> bool| reports.iter().any(|r| f(&r.status));
        let end = if all(|s| *s == TransactionStatus::Applied) {
            End::Completed
        } else if any(|s| matches!(s, TransactionStatus::Open(_))) {
            End::Open
        } else if any(TransactionStatus::may_differ_from_before) {
            End::PartlyApplied
        } else if any(|s| *s == TransactionStatus::Undone) {
            End::Reverted
        } else {
            End::NothingChanged
        };
        Self {
            end,
            reports,
            cause,
            remedy: None,
        }
    }

    /// Until when something of it may still take effect, in seconds since 1970.
    pub fn open_until(&self) -> Option<u64> {
        self.reports.iter().filter_map(|r| r.open_until).max()
    }
}
