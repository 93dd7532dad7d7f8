//! The machine itself: one state for each transaction, one phase for the whole.

use std::{hash::Hash, mem::discriminant, sync::Arc};

use super::{Announcement, Command, Event, Outcome, TransactionId, TransactionStatus};
use crate::{
    changes::{Boundary, ChangeSet, Transaction},
    intent::{Mode, OnFailure},
};

/// The state of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum State {
    Pending,
    /// Waits for its announcement to be durable.
    Announced,
    InFlight,
    /// No answer came (why); its targets are being read back.
    Checking(String),
    Applied,
    NotApplied(String),
    Unknown(String),
    /// Its targets are being read, to see what is still as this run left it.
    UndoChecking,
    UndoAnnounced(Vec<usize>, Option<String>),
    /// These steps are being undone; the text says what cannot be, as far as known.
    Undoing(Vec<usize>, Option<String>),
    /// No answer came to the undo (why); its targets are being read back.
    UndoVerifying(Vec<usize>, String),
    Undone,
    NotUndone(String),
}

impl State {
    fn is_settled(&self) -> bool {
        matches!(
            self,
            Self::Pending
                | Self::Applied
                | Self::NotApplied(_)
                | Self::Unknown(_)
                | Self::Undone
                | Self::NotUndone(_)
        )
    }

    /// All of it but the reasons.
    fn condition(&self) -> impl Hash + use<'_> {
        let (steps, is_partial): (&[usize], bool) = match self {
            Self::UndoAnnounced(steps, left) | Self::Undoing(steps, left) => {
                (steps, left.is_some())
            }
            Self::UndoVerifying(steps, _) => (steps, false),
            _ => (&[], false),
        };
        (discriminant(self), steps, is_partial)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// Sending the stage with this index.
    Forward(usize),
    /// Undoing the stage with this index.
    Backward(usize),
    Finished,
}

/// Carries one change set out; see the [module](super).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executor {
    transactions: Arc<[Transaction]>,
    /// For each stage, the indices of its transactions.
    stages: Arc<[Vec<usize>]>,
    mode: Mode,
    on_failure: OnFailure,
    states: Vec<State>,
    phase: Phase,
    stop_asked: bool,
    cause: Option<String>,
}

impl Executor {
    /// An executor for `changes`. Differences that no step may repair are not its business.
    pub fn new(changes: &ChangeSet, mode: Mode, on_failure: OnFailure) -> Self {
        let mut next = 0;
        let stages = changes
            .stages
            .iter()
            .map(|stage| {
                let indices = (next..next + stage.len()).collect();
                next += stage.len();
                indices
            })
            .collect();
        let transactions: Arc<[Transaction]> = changes.transactions().cloned().collect();
        let states = vec![State::Pending; transactions.len()];
        Self {
            transactions,
            stages,
            mode,
            on_failure,
            states,
            phase: Phase::Forward(0),
            stop_asked: false,
            cause: None,
        }
    }

    /// The transaction behind an id.
    pub fn transaction(&self, id: TransactionId) -> Option<&Transaction> {
        self.transactions.get(id.0)
    }

    /// What decides how it goes on: what holds for the whole, then the condition of each
    /// transaction, without reasons. Executors of one change set that agree in it answer every
    /// event alike, so that a search can tell what it has seen and fold what is symmetric.
    pub fn situation(&self) -> (impl Hash + use<'_>, impl Iterator<Item = impl Hash + '_>) {
        let whole = (self.phase, self.stop_asked, self.cause.is_some());
        (whole, self.states.iter().map(State::condition))
    }

    /// The first commands.
    pub fn start(&mut self) -> Vec<Command> {
        if self.stages.is_empty() {
            self.finish()
        } else {
            self.announce_stage(0)
        }
    }

    /// Takes in what happened and says what to do next. An event that does not fit the state
    /// (an answer to what was never asked) is ignored.
    pub fn handle(&mut self, event: Event) -> Vec<Command> {
        if self.phase == Phase::Finished {
            return Vec::new();
        }
        let mut commands = match event {
            Event::StopAsked => {
                self.stop_asked = true;
                Vec::new()
            }
            Event::Announced(what) => self.announced(&what),
            Event::AnnounceFailed(what, why) => self.announce_failed(&what, &why),
            Event::Answered(id) => self.answered(id),
            Event::Refused(id, why) => self.refused(id, why),
            Event::NoAnswer(id, why) => self.no_answer(id, why),
            Event::ReadBack(id, values) => self.read_back(id, values),
        };
        if commands.iter().all(|c| matches!(c, Command::Note(..))) {
            commands.extend(self.advance());
        }
        commands
    }

    fn announce_stage(&mut self, stage: usize) -> Vec<Command> {
        self.phase = Phase::Forward(stage);
        let ids: Vec<TransactionId> = self.stages[stage]
            .iter()
            .filter(|i| self.states[**i] == State::Pending)
            .map(|i| TransactionId(*i))
            .collect();
        for id in &ids {
            self.states[id.0] = State::Announced;
        }
        vec![Command::Announce(Announcement::Send(ids))]
    }

    fn announced(&mut self, what: &Announcement) -> Vec<Command> {
        match what {
            Announcement::Send(ids) if self.stop_asked => {
                self.withdraw(ids);
                self.fail("it was asked to stop".to_owned());
                Vec::new()
            }
            Announcement::Send(ids) => {
                let mut commands = Vec::new();
                for id in ids {
                    if let Some(state @ State::Announced) = self.states.get_mut(id.0) {
                        *state = State::InFlight;
                        commands.push(Command::Write(*id));
                    }
                }
                commands
            }
            Announcement::Undo(id, _) => match self.states.get(id.0).cloned() {
                Some(State::UndoAnnounced(steps, left)) => {
                    self.states[id.0] = State::Undoing(steps.clone(), left);
                    vec![Command::Undo(*id, steps)]
                }
                _ => Vec::new(),
            },
        }
    }

    /// A switchover does not go on without its journal; a failover, or an undo, does.
    fn announce_failed(&mut self, what: &Announcement, why: &str) -> Vec<Command> {
        match what {
            Announcement::Send(ids) if self.mode == Mode::Switchover => {
                self.withdraw(ids);
                self.fail(format!("the journal could not be written: {why}"));
                Vec::new()
            }
            _ => self.announced(what),
        }
    }

    fn withdraw(&mut self, ids: &[TransactionId]) {
        for id in ids {
            if let Some(state @ State::Announced) = self.states.get_mut(id.0) {
                *state = State::Pending;
            }
        }
    }

    fn answered(&mut self, id: TransactionId) -> Vec<Command> {
        match self.states.get(id.0).cloned() {
            Some(State::InFlight) => self.settle(id, State::Applied),
            Some(State::Undoing(_, left)) => {
                self.settle(id, left.map_or(State::Undone, State::NotUndone))
            }
            _ => Vec::new(),
        }
    }

    fn refused(&mut self, id: TransactionId, why: String) -> Vec<Command> {
        match self.states.get(id.0) {
            Some(State::InFlight) => {
                self.fail(why.clone());
                self.settle(id, State::NotApplied(why))
            }
            Some(State::Undoing(..)) => self.settle(id, State::NotUndone(why)),
            _ => Vec::new(),
        }
    }

    fn no_answer(&mut self, id: TransactionId, why: String) -> Vec<Command> {
        let next = match self.states.get(id.0) {
            Some(State::InFlight) => State::Checking(why),
            Some(State::Undoing(steps, _)) => State::UndoVerifying(steps.clone(), why),
            _ => return Vec::new(),
        };
        self.states[id.0] = next;
        vec![Command::ReadBack(id)]
    }

    fn read_back(
        &mut self,
        id: TransactionId,
        values: Result<Vec<Option<String>>, String>,
    ) -> Vec<Command> {
        match self.states.get(id.0).cloned() {
            Some(State::Checking(why)) => self.checked(id, &why, values),
            Some(State::UndoChecking) => self.undo_checked(id, values),
            Some(State::UndoVerifying(steps, why)) => {
                let done = values.as_ref().is_ok_and(|values| {
                    steps
                        .iter()
                        .all(|s| self.holds(id, *s, values, |step| Some(&step.undo)))
                });
                let state = if done {
                    State::Undone
                } else {
                    State::NotUndone(format!(
                        "the undo got no answer ({why}) and is not in force"
                    ))
                };
                self.settle(id, state)
            }
            _ => Vec::new(),
        }
    }

    fn checked(
        &mut self,
        id: TransactionId,
        why: &str,
        values: Result<Vec<Option<String>>, String>,
    ) -> Vec<Command> {
        let state = match values {
            Err(unread) => State::Unknown(format!("{why}; reading back failed: {unread}")),
            Ok(values) => {
                let steps = 0..self.transactions[id.0].steps.len();
                let all = |want: fn(&crate::changes::Step) -> Option<&String>| {
                    steps.clone().all(|s| self.holds(id, s, &values, want))
                };
                if all(|step| Some(&step.to)) {
                    State::Applied
                } else if all(|step| step.from.as_ref()) {
                    State::NotApplied(format!("{why}; read back: it was not carried out"))
                } else {
                    State::Unknown(format!(
                        "{why}; read back: neither as before nor as written"
                    ))
                }
            }
        };
        if let State::NotApplied(why) | State::Unknown(why) = &state {
            self.fail(why.clone());
        }
        self.settle(id, state)
    }

    fn undo_checked(
        &mut self,
        id: TransactionId,
        values: Result<Vec<Option<String>>, String>,
    ) -> Vec<Command> {
        let values = match values {
            Ok(values) => values,
            Err(why) => {
                return self.settle(id, State::NotUndone(format!("it could not be read: {why}")));
            }
        };
        let transaction = &self.transactions[id.0];
        let mut undo = Vec::new();
        let mut left = Vec::new();
        for (index, step) in transaction.steps.iter().enumerate() {
            let present = values.get(index).and_then(Option::as_ref);
            if present == Some(&step.undo) || present == step.from.as_ref() {
                continue;
            }
            if present == Some(&step.to) {
                undo.push(index);
            } else {
                left.push(step.target.to_string());
            }
        }
        let left = (!left.is_empty())
            .then(|| format!("changed by somebody else since: {}", left.join(", ")));
        if undo.is_empty() {
            return self.settle(id, left.map_or(State::Undone, State::NotUndone));
        }
        self.states[id.0] = State::UndoAnnounced(undo.clone(), left);
        vec![Command::Announce(Announcement::Undo(id, undo))]
    }

    fn holds(
        &self,
        id: TransactionId,
        step: usize,
        values: &[Option<String>],
        want: impl Fn(&crate::changes::Step) -> Option<&String>,
    ) -> bool {
        let wanted = self.transactions[id.0].steps.get(step).and_then(want);
        values
            .get(step)
            .is_some_and(|present| present.as_ref() == wanted)
    }

    fn settle(&mut self, id: TransactionId, state: State) -> Vec<Command> {
        self.states[id.0] = state;
        vec![Command::Note(id, self.status(id.0))]
    }

    fn fail(&mut self, why: String) {
        self.cause.get_or_insert(why);
    }

    /// Goes on when nothing of the present stage is under way any more.
    fn advance(&mut self) -> Vec<Command> {
        if !self.states.iter().all(State::is_settled) {
            return Vec::new();
        }
        match self.phase {
            Phase::Forward(stage) => self.after_stage(stage),
            Phase::Backward(stage) => self.undo_before(stage),
            Phase::Finished => Vec::new(),
        }
    }

    fn after_stage(&mut self, stage: usize) -> Vec<Command> {
        let in_force = |i: &usize| self.states[*i] == State::Applied;
        let complete = self.stages[stage].iter().all(in_force);
        let last = stage + 1 == self.stages.len();
        let stopping = self.stop_asked && !last;
        if complete && !stopping {
            return if last {
                self.finish()
            } else {
                self.announce_stage(stage + 1)
            };
        }
        if stopping {
            self.fail("it was asked to stop".to_owned());
        }
        match self.mode {
            Mode::Failover if last || self.stop_asked || self.decisive_batch_missing(stage) => {
                self.finish()
            }
            Mode::Failover => self.announce_stage(stage + 1),
            Mode::Switchover if self.may_undo() => self.undo_before(stage + 1),
            Mode::Switchover => self.finish(),
        }
    }

    /// In a failover, whether this stage is the batch that decides, and is not in force.
    fn decisive_batch_missing(&self, stage: usize) -> bool {
        self.stages[stage].iter().any(|i| {
            let decisive = matches!(
                self.transactions[*i].boundary,
                Boundary::ZoneBatch { decisive: true, .. }
            );
            decisive && self.states[*i] != State::Applied
        })
    }

    /// Undo is for those who asked for it, and only until the last batch is, or may be, in force.
    fn may_undo(&self) -> bool {
        let last_batch = self
            .transactions
            .iter()
            .rposition(|t| matches!(t.boundary, Boundary::ZoneBatch { .. }));
        let passed = last_batch
            .is_some_and(|i| matches!(self.states[i], State::Applied | State::Unknown(_)));
        self.on_failure == OnFailure::Revert && !passed
    }

    /// Begins to undo the nearest stage before `stage` that has something to undo.
    fn undo_before(&mut self, stage: usize) -> Vec<Command> {
        for earlier in (0..stage).rev() {
            let ids: Vec<TransactionId> = self.stages[earlier]
                .iter()
                .filter(|i| matches!(self.states[**i], State::Applied | State::Unknown(_)))
                .map(|i| TransactionId(*i))
                .collect();
            if !ids.is_empty() {
                self.phase = Phase::Backward(earlier);
                for id in &ids {
                    self.states[id.0] = State::UndoChecking;
                }
                return ids.into_iter().map(Command::ReadBack).collect();
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> Vec<Command> {
        self.phase = Phase::Finished;
        let statuses = (0..self.states.len()).map(|i| self.status(i)).collect();
        vec![Command::Finish(Outcome::new(statuses, self.cause.clone()))]
    }

    fn status(&self, index: usize) -> TransactionStatus {
        match &self.states[index] {
            State::Pending | State::Announced => TransactionStatus::NotSent,
            State::Applied => TransactionStatus::Applied,
            State::NotApplied(why) => TransactionStatus::NotApplied(why.clone()),
            State::Undone => TransactionStatus::Undone,
            State::NotUndone(why) => TransactionStatus::NotUndone(why.clone()),
            State::Unknown(why) | State::Checking(why) => TransactionStatus::Unknown(why.clone()),
            State::InFlight
            | State::UndoChecking
            | State::UndoAnnounced(..)
            | State::Undoing(..)
            | State::UndoVerifying(..) => TransactionStatus::Unknown("it is under way".to_owned()),
        }
    }
}
