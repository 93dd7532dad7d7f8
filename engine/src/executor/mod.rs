//! The executor: carries a change set out, as a state machine without I/O.
//!
//! [`Executor::start`] and [`Executor::handle`] return [`Command`]s; a thin driver carries them
//! out and reports back with [`Event`]s. So every order of failures can be explored by a program,
//! and the same machine serves Terraform and the helper.
//!
//! **Invariants.**
//! - A transaction is sent at most once; one whose outcome is unknown is read back before anything
//!   is decided.
//! - Nothing is sent before its announcement is durable.
//! - Undo touches only what this run changed and still finds as it left it, in reverse order, and
//!   only until the last zone batch was applied or may have been.
//! - In a failover nothing after the first stage undoes it, and a failed transaction never keeps a
//!   later one from being tried.
//! - [`Command::Finish`] is the last command, and is given exactly once.

mod machine;
mod outcome;

pub use machine::Executor;
pub use outcome::{End, Outcome, Report, TransactionStatus};

use serde::{Deserialize, Serialize};

/// A transaction of the change set, counted from 0 in the order of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransactionId(pub usize);

/// What the driver shall do. Commands of one list may be carried out side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make the announcement durable, then answer with [`Event::Announced`] or
    /// [`Event::AnnounceFailed`].
    Announce(Announcement),
    /// Note an ended transaction. Best effort: no answer is expected.
    Note(TransactionId, TransactionStatus),
    /// Send the transaction, once. Answered by [`Event::Answered`], [`Event::Refused`] or
    /// [`Event::NoAnswer`].
    Write(TransactionId),
    /// Write the undo values of these steps (indices into the transaction), once. Answered like
    /// [`Command::Write`].
    Undo(TransactionId, Vec<usize>),
    /// Read the present values of the transaction's targets. Answered by [`Event::ReadBack`].
    ReadBack(TransactionId),
    /// The end: nothing is in flight any more.
    Finish(Outcome),
}

/// What is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announcement {
    /// These transactions will be sent.
    Send(Vec<TransactionId>),
    /// These steps of a transaction will be undone.
    Undo(TransactionId, Vec<usize>),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The announcement is durable.
    Announced(Announcement),
    /// The announcement could not be made durable: why, as a clause.
    AnnounceFailed(Announcement, String),
    /// The API accepted the request.
    Answered(TransactionId),
    /// The API refused the request, or it was surely never sent: why, as a clause.
    Refused(TransactionId, String),
    /// No answer came, so that the request may have been carried out: why, as a clause.
    NoAnswer(TransactionId, String),
    /// The present values in the order of the steps (`None`: no value), or why they could not be
    /// read.
    ReadBack(TransactionId, Result<Vec<Option<String>>, String>),
    /// The operator asked to stop.
    StopAsked,
}
