//! Reading again and again until it is known what a request did.

/// Readings in a row that must agree before they prove something that an old reading would show
/// too: up to three of them may be older than the last write.
const AGREEING: u8 = 4;
/// Readings of one look, at most.
const MOST: u8 = 7;

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum After {
    /// The request got no answer.
    NoAnswer,
    /// The API refused the request in its own words.
    Refused,
    /// Whatever got no answer cannot take effect any more.
    Closed,
}

/// What one reading shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    /// Every value that the request writes.
    Goal,
    /// Every value from before the request.
    Start,
    /// Nothing that the request writes, and something else than before it.
    Nothing,
    /// Anything else.
    Other,
    Unread,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request is in force.
    Goal,
    /// It is not in force.
    Start,
    /// Nothing of it is in force: somebody else wrote.
    Nothing,
    /// Neither: somebody else wrote.
    Other,
    /// The readings contradict each other, and none of them shows what somebody else wrote.
    Unclear,
    Unread,
}

/// Some readings of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) after: After,
    /// Why it is looked, as a clause.
    pub(super) why: String,
    /// Whether the next reading waits for its pause.
    pub(super) resting: bool,
    /// How many readings may fail.
    patience: u8,
    reads: u8,
    failed: u8,
    last: Option<Seen>,
    in_a_row: u8,
}

impl Look {
    pub(super) fn new(after: After, why: String, patience: u8) -> Self {
        Self {
            after,
            why,
            resting: false,
            patience,
            reads: 0,
            failed: 0,
            last: None,
            in_a_row: 0,
        }
    }

    /// Takes in one reading; a verdict ends the look. `new` tells that the goal was never there
    /// before, so that no old reading can show it.
    pub(super) fn take(&mut self, seen: Seen, new: bool) -> Option<Verdict> {
        self.reads += 1;
        self.in_a_row = if self.last == Some(seen) {
            self.in_a_row + 1
        } else {
            1
        };
        self.last = Some(seen);
        let proved = self.in_a_row >= AGREEING;
        match seen {
            Seen::Other => Some(Verdict::Other),
            Seen::Goal if new || proved => Some(Verdict::Goal),
            Seen::Start if proved => Some(Verdict::Start),
            Seen::Nothing if proved => Some(Verdict::Nothing),
            Seen::Unread => {
                self.failed += 1;
                let enough = self.failed >= self.patience || self.reads >= MOST;
                enough.then_some(Verdict::Unread)
            }
            Seen::Nothing => (self.reads >= MOST).then_some(Verdict::Other),
            Seen::Goal | Seen::Start => (self.reads >= MOST).then_some(Verdict::Unclear),
        }
    }

    /// Readings so far.
    pub(super) fn reads(&self) -> u8 {
        self.reads
    }

    /// All of it but the reason.
    pub(super) fn condition(&self) -> impl std::hash::Hash + use<> {
        (
            self.after,
            self.resting,
            self.reads,
            self.failed,
            self.last,
            self.in_a_row,
        )
    }
}
