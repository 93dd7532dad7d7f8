//! How it ended for one object, from what the executor says and what the closing reading shows.
//!
//! A reading that shows what was written proves that it is in force, unless this run wrote
//! something else after that. A reading that shows the value of before proves nothing: it may be
//! old. `tests/executor_search/` holds every word of it against every world.

use std::fmt;

use crate::{
    changes::Step,
    executor::{Report, TransactionStatus},
    message::clock,
    object::Object,
};

/// Why a closing reading does not show what was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSeen {
    /// It could not be read back: why, as a clause.
    Unread(String),
    /// It shows something else: what, or nothing.
    Shows(Option<String>),
}

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(why) => write!(f, "it could not be read back: {why}"),
            Self::Shows(value) => write!(f, "read back, it is {}", shown(value.as_ref())),
        }
    }
}

/// How it ended for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The closing reading shows the written value.
    InForce,
    /// The API accepted the write, and the closing reading does not show it.
    Accepted(NotSeen),
    /// It was written and then undone.
    PutBack,
    /// It was written and could not be undone: why, as a clause.
    NotPutBack(String),
    /// It was refused or had no effect: why, as a clause.
    NotInForce(String),
    /// It may still take effect.
    Open {
        /// Why that is not known, as a clause.
        why: String,
        /// Until when it may, in seconds since 1970 (UTC).
        until: u64,
    },
    /// Whether it is in force is not known: why, as a clause.
    Unknown(String),
    /// It was never sent.
    NeverSent,
}

/// How it ended for one object of the change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEnd {
    /// The object.
    pub object: Object,
    /// The value that was to be written.
    pub wanted: String,
    /// How it ended.
    pub fate: Fate,
}

/// What a reading shows of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Its value, or nothing.
    Value(Option<String>),
    /// It could not be read: why, as a clause.
    Unread(String),
}

impl Seen {
    pub(crate) fn is(&self, value: &str) -> bool {
        matches!(self, Self::Value(Some(seen)) if seen == value)
    }

    /// Whether it shows exactly what was there before.
    pub(crate) fn is_before(&self, step: &Step) -> bool {
        matches!(self, Self::Value(seen) if *seen == step.from)
    }
}

/// Whether a reading agrees with what the executor says of a step, so that there is no need to
/// read again.
pub fn agrees(step: &Step, report: &Report, seen: &Seen) -> bool {
    match &report.status {
        TransactionStatus::Applied => seen.is(&step.to),
        TransactionStatus::Undone => is_before(step, seen),
        TransactionStatus::NotApplied(_) | TransactionStatus::NotSent => seen.is_before(step),
        TransactionStatus::Open(_) => !matches!(seen, Seen::Unread(_)),
        TransactionStatus::Unknown(_) | TransactionStatus::NotUndone(_) => {
            !matches!(seen, Seen::Unread(_)) && !is_before(step, seen)
        }
    }
}

/// How it ended for the object of a step.
pub fn fate(step: &Step, report: &Report, seen: Seen) -> Fate {
    use TransactionStatus as Status;
    let open = |why: &String| Fate::Open {
        why: why.clone(),
        until: report.open_until.unwrap_or_default(),
    };
    if seen.is(&step.to) && !report.undo_sent {
        return Fate::InForce;
    }
    let before = is_before(step, &seen);
    match (&report.status, seen) {
        (Status::NotSent, _) => Fate::NeverSent,
        (Status::Open(why), _) => open(why),
        (Status::NotApplied(why), seen) if before || matches!(seen, Seen::Unread(_)) => {
            Fate::NotInForce(why.clone())
        }
        (Status::NotApplied(why), Seen::Value(value)) => {
            Fate::NotInForce(format!("{why}; read back, it is {}", shown(value.as_ref())))
        }
        (Status::Undone, seen) if before || matches!(seen, Seen::Unread(_)) => Fate::PutBack,
        (Status::NotUndone(_), _) if before => Fate::PutBack,
        (Status::Unknown(why), _) if before => Fate::NotInForce(why.clone()),
        (Status::NotUndone(why), _) => Fate::NotPutBack(why.clone()),
        (Status::Unknown(why), Seen::Unread(_)) => Fate::Unknown(why.clone()),
        (Status::Applied, Seen::Unread(why)) => Fate::Accepted(NotSeen::Unread(why)),
        (Status::Applied, Seen::Value(value)) => Fate::Accepted(NotSeen::Shows(value)),
        (Status::Undone, Seen::Value(Some(value))) if value == step.to => Fate::Unknown(format!(
            "it was put back, and read back it is still {}",
            shown(Some(&value))
        )),
        (_, Seen::Value(value)) => Fate::Unknown(format!(
            "read back, it is {}, which this run did not write",
            shown(value.as_ref())
        )),
        (_, Seen::Unread(why)) => Fate::Unknown(format!("it could not be read back: {why}")),
    }
}

/// Whether a reading shows what was there before, or what the undo writes in its place.
fn is_before(step: &Step, seen: &Seen) -> bool {
    seen.is_before(step) || seen.is(&step.undo)
}

/// A value, or nothing, as messages show it.
pub(crate) fn shown(value: Option<&String>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"))
}

impl Fate {
    /// The heading of its group in an account.
    pub(crate) fn heading(&self) -> String {
        match self {
            Self::InForce => "In force".to_owned(),
            Self::Accepted(NotSeen::Unread(_)) => "Accepted, and not read back".to_owned(),
            Self::Accepted(NotSeen::Shows(_)) => "Accepted, and not seen when read back".to_owned(),
            Self::PutBack => "Put back".to_owned(),
            Self::NotPutBack(_) => "Not put back".to_owned(),
            Self::NotInForce(_) => "Not in force".to_owned(),
            Self::Open { until, .. } => format!("Open until {}", clock(*until)),
            Self::Unknown(_) => "Not certain".to_owned(),
            Self::NeverSent => "Never sent".to_owned(),
        }
    }

    /// Why it is not in force, as a clause; none where it is.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::InForce => None,
            Self::Accepted(why) => Some(why.to_string()),
            Self::NotInForce(why) | Self::NotPutBack(why) | Self::Unknown(why) => Some(why.clone()),
            Self::Open { why, until } => Some(format!(
                "{why}; it may still take effect until {}",
                clock(*until)
            )),
            Self::PutBack => Some("it was put back".to_owned()),
            Self::NeverSent => Some("it was never sent".to_owned()),
        }
    }

    /// The word for it, as documents have it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Accepted(_) => "accepted",
            Self::PutBack => "put_back",
            Self::NotPutBack(_) => "not_put_back",
            Self::NotInForce(_) => "not_in_force",
            Self::Open { .. } => "open",
            Self::Unknown(_) => "perhaps_in_force",
            Self::NeverSent => "not_sent",
        }
    }

    /// Whether the API or the closing reading says that it is in force.
    pub fn is_written(&self) -> bool {
        matches!(self, Self::InForce | Self::Accepted(_))
    }

    /// In which order groups are told.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::InForce => 0,
            Self::Accepted(_) => 1,
            Self::Open { .. } => 2,
            Self::Unknown(_) | Self::NotPutBack(_) => 3,
            Self::NotInForce(_) => 4,
            Self::PutBack => 5,
            Self::NeverSent => 6,
        }
    }
}
