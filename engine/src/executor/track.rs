//! The state of one transaction.

use std::{hash::Hash, mem::discriminant};

use super::{TransactionStatus, look::Look};

/// What a transaction is at while its requests are under way, forward or back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Activity {
    /// Waits for its announcement to be durable.
    Announced,
    InFlight,
    Looking(Look),
    /// No answer came (why); waits for the pause before the same values are sent again.
    Pacing(String),
    /// No answer came (why); waits until nothing of it is open any more.
    Waiting(String),
}

/// What is being undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undo {
    pub(super) steps: Vec<usize>,
    /// What cannot be undone, as far as known.
    pub(super) left: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Forward(Activity),
    Applied,
    NotApplied(String),
    Open(String),
    Unknown(String),
    /// Its targets are being read, to see what somebody else changed since.
    BeforeUndo(Look),
    Backward(Undo, Activity),
    Undone,
    NotUndone(String),
}

/// One transaction: where it stands, and what of it may still take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) state: State,
    /// How often these values were sent in this direction.
    pub(super) sendings: u8,
    /// How many of the sendings got no answer, and are not known to have taken effect.
    pub(super) silent: u8,
    /// Whether the last sending was refused in the API's own words, and that is not believed yet.
    pub(super) refused: bool,
    /// Until when they may take effect.
    pub(super) open_until: Option<u64>,
    /// Whether its undo was sent.
    pub(super) undo_sent: bool,
}

impl Track {
    pub(super) fn new() -> Self {
        Self {
            state: State::Pending,
            sendings: 0,
            silent: 0,
            refused: false,
            open_until: None,
            undo_sent: false,
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        matches!(
            self.state,
            State::Pending
                | State::Applied
                | State::NotApplied(_)
                | State::Open(_)
                | State::Unknown(_)
                | State::Undone
                | State::NotUndone(_)
        )
    }

    /// A request may take effect until `until`.
    pub(super) fn opened(&mut self, until: u64) {
        self.open_until = self.open_until.max(Some(until));
    }

    /// Nothing of it can take effect any more.
    pub(super) fn closed(&mut self) {
        self.silent = 0;
        self.refused = false;
        self.open_until = None;
    }

    /// A reading shows the values: one of the requests took effect, and only its twins are open.
    pub(super) fn arrived(&mut self) {
        let open = self.silent + u8::from(self.refused);
        if open <= 1 {
            self.closed();
        } else {
            self.silent = open - 1;
            self.refused = false;
        }
    }

    /// What `open` stands for in the state.
    pub(super) fn activity(&mut self) -> Option<&mut Activity> {
        match &mut self.state {
            State::Forward(activity) | State::Backward(_, activity) => Some(activity),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> TransactionStatus {
        match &self.state {
            State::Pending if self.open_until.is_some() => {
                TransactionStatus::Open("an earlier run sent it".to_owned())
            }
            State::Pending => TransactionStatus::NotSent,
            State::Applied => TransactionStatus::Applied,
            State::NotApplied(why) => TransactionStatus::NotApplied(why.clone()),
            State::Unknown(why) => TransactionStatus::Unknown(why.clone()),
            State::Open(why)
            | State::Forward(Activity::Pacing(why) | Activity::Waiting(why))
            | State::Backward(_, Activity::Pacing(why) | Activity::Waiting(why)) => {
                TransactionStatus::Open(why.clone())
            }
            State::Undone => TransactionStatus::Undone,
            State::NotUndone(why) => TransactionStatus::NotUndone(why.clone()),
            State::Forward(_) | State::BeforeUndo(_) | State::Backward(..) => {
                TransactionStatus::Open("it is under way".to_owned())
            }
        }
    }

    /// All of it but reasons and times.
    pub(super) fn condition(&self) -> impl Hash + use<'_> {
        let (undo, activity) = match &self.state {
            State::Forward(activity) => (None, Some(activity)),
            State::Backward(undo, activity) => (
                Some((undo.steps.as_slice(), undo.left.is_some())),
                Some(activity),
            ),
            _ => (None, None),
        };
        let look = match (&self.state, activity) {
            (State::BeforeUndo(look), _) | (_, Some(Activity::Looking(look))) => {
                Some(look.condition())
            }
            _ => None,
        };
        (
            discriminant(&self.state),
            undo,
            activity.map(discriminant),
            look,
            (self.sendings, self.silent, self.refused),
            (self.open_until.is_some(), self.undo_sent),
        )
    }
}
