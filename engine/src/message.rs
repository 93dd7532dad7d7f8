//! Messages in four parts: what failed, on which object, what was and was not changed, and what
//! to do next.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::foreign::part;

/// A message to the operator. Each part is one or more full sentences, without a line break at
/// either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Message {
    /// What failed.
    pub what: String,
    /// The object: a hostname, a variable with its project and scope, an Elastic IP.
    pub object: String,
    /// What was and what was not changed.
    pub changed: String,
    /// What to do next.
    pub next: String,
}

/// What is said of changes where nothing was written.
pub const NOTHING_CHANGED: &str = "Nothing was changed.";

impl Message {
    /// A message about something that stopped before any write.
    pub fn nothing_changed(
        what: impl Into<String>,
        object: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            object: object.into(),
            changed: NOTHING_CHANGED.to_owned(),
            next: next.into(),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n  on:      {}\n  changed: {}\n  next:    {}",
            part(&self.what),
            part(&self.object),
            part(&self.changed),
            part(&self.next)
        )
    }
}

/// A clause with a capital first letter.
pub fn capitalized(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// The clause as a sentence: a capital first letter, and a full stop unless it ends already.
pub fn sentence(clause: &str) -> String {
    let mut sentence = capitalized(clause);
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}

/// A time of day in UTC, from seconds since 1970: `20:31:05 UTC`.
pub fn clock(seconds: u64) -> String {
    let of_day = seconds % (24 * 60 * 60);
    format!(
        "{:02}:{:02}:{:02} UTC",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}
