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
    /// It was sent and is not in force: why, as a clause.
    NotApplied(String),
    /// It may be in force: why that is not known, as a clause.
    Unknown(String),
    /// It was in force and was undone.
    Undone,
    /// It could not be undone, or not in full: why, as a clause.
    NotUndone(String),
}

impl TransactionStatus {
    /// Tells whether the world may differ, for this transaction, from what it was before.
    pub fn may_differ_from_before(&self) -> bool {
        matches!(self, Self::Applied | Self::Unknown(_) | Self::NotUndone(_))
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
}

impl Outcome {
    pub(super) fn new(statuses: Vec<TransactionStatus>, cause: Option<String>) -> Self {
        let all = |f: fn(&TransactionStatus) -> bool| statuses.iter().all(f);
        let end = if all(|s| *s == TransactionStatus::Applied) {
            End::Completed
        } else if statuses
            .iter()
            .any(TransactionStatus::may_differ_from_before)
        {
            End::PartlyApplied
        } else if statuses.contains(&TransactionStatus::Undone) {
            End::Reverted
        } else {
            End::NothingChanged
        };
        let reports = statuses
            .into_iter()
            .enumerate()
            .map(|(i, status)| Report {
                transaction: TransactionId(i),
                status,
            })
            .collect();
        Self {
            end,
            reports,
            cause,
        }
    }
}
