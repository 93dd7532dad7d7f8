//! The executor: carries a change set out, as a state machine without I/O.
//!
//! [`Executor::start`] and [`Executor::handle`] return [`Command`]s; a thin driver carries them
//! out and reports back with [`Event`]s. So every order of failures can be explored by a program,
//! and the same machine serves Terraform and the helper.
//!
//! **What proves what.** Only the API's own "done", or a reading, proves that a write is in force.
//! A refusal in the API's own words is believed once four readings in a row agree with it, because
//! up to three may be older than the write. Any other answer proves nothing: the write is *open*,
//! and may take effect until a time that the driver knows and the machine only keeps.
//!
//! **Invariants.**
//! - Nothing is sent before its announcement is durable; each further sending has its own.
//! - A transaction without an answer is read before it is sent again, always with the same values,
//!   and a bounded number of times. A value of somebody else's ends that.
//! - Nothing is undone while a write of this run may still take effect.
//! - Undo touches only what this run sent, in reverse order, never a value that somebody else
//!   wrote since, and only until the last zone batch was applied or may have been.
//! - A switchover waits until what is open is open no more, unless it is asked to stop. A failover
//!   waits for nothing: later stages go on beside what is open, and nothing is undone.
//! - [`Command::Finish`] is the last command, and is given exactly once.

mod look;
mod machine;
mod outcome;
mod track;
mod transaction;

pub use machine::Executor;
pub use outcome::{End, Outcome, Report, STOPPED, TransactionStatus};

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
    /// Note how a transaction ended, or that it is waited for. Best effort: no answer is expected.
    Note(Report),
    /// Send the transaction. Answered by [`Event::Answered`], [`Event::Refused`],
    /// [`Event::NotSent`] or [`Event::NoAnswer`].
    Write(TransactionId),
    /// Write the undo values of these steps (indices into the transaction). Answered like
    /// [`Command::Write`].
    Undo(TransactionId, Vec<usize>),
    /// Read the present values of the transaction's targets, once. Answered by
    /// [`Event::ReadBack`].
    ReadBack(TransactionId),
    /// Wait a little. Answered by [`Event::Paused`].
    Pause(TransactionId, Pace),
    /// Wait until nothing of these transactions is open any more. Answered by [`Event::Closed`];
    /// where a stop is asked first, [`Event::StopAsked`] is answer enough.
    WaitUntilClosed(Vec<TransactionId>),
    /// The end: nothing is in flight any more.
    Finish(Outcome),
}

/// What a pause comes before, and the how-manieth of its kind that is, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Before reading again.
    Reading(u8),
    /// Before sending the same values again.
    Sending(u8),
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

/// What happened. A time is in seconds since 1970; the machine only keeps it, the latest for each
/// transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The announcement is durable.
    Announced(Announcement),
    /// The announcement could not be made durable: why, as a clause.
    AnnounceFailed(Announcement, String),
    /// The API said in its own words that the request was carried out.
    Answered(TransactionId),
    /// The API refused the request in its own words: why, as a clause, and until when the request
    /// may take effect all the same.
    Refused(TransactionId, String, u64),
    /// The request surely never left: why, as a clause.
    NotSent(TransactionId, String),
    /// The API did not answer, so that the request may have been carried out, or may be later:
    /// why, as a clause, and until when it may.
    NoAnswer(TransactionId, String, u64),
    /// The present values in the order of the steps (`None`: no value), or why they could not be
    /// read.
    ReadBack(TransactionId, Result<Vec<Option<String>>, String>),
    /// The pause is over.
    Paused(TransactionId),
    /// Nothing of these transactions is open any more.
    Closed(Vec<TransactionId>),
    /// The operator asked to stop.
    StopAsked,
}
