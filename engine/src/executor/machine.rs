//! The machine itself: one state for each transaction, one phase for the whole. What happens to
//! one transaction is in [`transaction`](super::transaction); here is what that means for all.

use std::{hash::Hash, sync::Arc};

use super::{
    Announcement, Command, Event, Outcome, Report, STOPPED, TransactionId,
    look::{After, Look},
    track::{Activity, State, Track},
};
use crate::{
    changes::{Boundary, ChangeSet, Transaction},
    intent::{Mode, OnFailure},
};

/// What is said where a stop keeps an undo from beginning.
const NOT_UNDONE: &str =
    "nothing was undone, because a request without an answer may still take effect";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// Sending the stage with this index.
    Forward(usize),
    /// Waiting until nothing is open, and reading what that came to, before anything is undone.
    Closing,
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
    pub(super) mode: Mode,
    on_failure: OnFailure,
    pub(super) tracks: Vec<Track>,
    phase: Phase,
    pub(super) stop_asked: bool,
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
        let tracks = vec![Track::new(); transactions.len()];
        Self {
            transactions,
            stages,
            mode,
            on_failure,
            tracks,
            phase: Phase::Forward(0),
            stop_asked: false,
            cause: None,
        }
    }

    /// The same beside requests of an earlier run with the same goal, which may take effect until
    /// `until`: as if each transaction had been sent once already, without an answer.
    #[must_use]
    pub fn beside(mut self, until: u64) -> Self {
        for track in &mut self.tracks {
            track.silent = 1;
            track.opened(until);
        }
        self
    }

    /// The transaction behind an id.
    pub fn transaction(&self, id: TransactionId) -> Option<&Transaction> {
        self.transactions.get(id.0)
    }

    /// What decides how it goes on: what holds for the whole, then the condition of each
    /// transaction, without reasons and times. Executors of one change set that agree in it answer
    /// every event alike, so that a search can tell what it has seen and fold what is symmetric.
    pub fn situation(&self) -> (impl Hash + use<'_>, impl Iterator<Item = impl Hash + '_>) {
        let whole = (self.phase, self.stop_asked, self.cause.is_some());
        (whole, self.tracks.iter().map(Track::condition))
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
            Event::StopAsked => self.stop(),
            Event::Announced(what) => self.announced(&what),
            Event::AnnounceFailed(what, why) => self.announce_failed(&what, &why),
            Event::Answered(id) => self.answered(id),
            Event::Refused(id, why, until) => self.refused(id, why, until),
            Event::NotSent(id, why) => self.not_sent(id, why),
            Event::NoAnswer(id, why, until) => self.no_answer(id, why, until),
            Event::ReadBack(id, values) => self.read_back(id, values),
            Event::Paused(id) => self.paused(id),
            Event::Closed(ids) => ids.into_iter().flat_map(|id| self.closed(id)).collect(),
        };
        commands.extend(self.advance());
        commands
    }

    fn announce_stage(&mut self, stage: usize) -> Vec<Command> {
        self.phase = Phase::Forward(stage);
        let ids: Vec<TransactionId> = self.stages[stage]
            .iter()
            .filter(|i| self.tracks[**i].state == State::Pending)
            .map(|i| TransactionId(*i))
            .collect();
        for id in &ids {
            self.tracks[id.0].state = State::Forward(Activity::Announced);
        }
        vec![Command::Announce(Announcement::Send(ids))]
    }

    pub(super) fn settle(&mut self, id: TransactionId, state: State) -> Vec<Command> {
        if let State::NotApplied(why) | State::Open(why) | State::Unknown(why) = &state {
            self.fail(why.clone());
        }
        self.tracks[id.0].state = state;
        vec![Command::Note(self.report(id))]
    }

    pub(super) fn fail(&mut self, why: String) {
        self.cause.get_or_insert(why);
    }

    pub(super) fn is_decisive(&self, id: TransactionId) -> bool {
        matches!(
            self.transactions[id.0].boundary,
            Boundary::ZoneBatch { decisive: true, .. }
        )
    }

    /// Goes on when nothing keeps the next stage waiting any more.
    fn advance(&mut self) -> Vec<Command> {
        let settled = self.tracks.iter().all(Track::is_settled);
        match (self.phase, self.mode) {
            (Phase::Forward(stage), Mode::Failover) => self.on_beside(stage, settled),
            (Phase::Forward(stage), Mode::Switchover) if settled => self.after_stage(stage),
            (Phase::Closing, _) if !self.open().is_empty() => {
                if self.stop_asked {
                    self.finish_beside_open()
                } else {
                    Vec::new()
                }
            }
            (Phase::Closing, _) if settled => self.after_closing(),
            (Phase::Backward(stage), _) if settled => self.undo_before(stage),
            _ => Vec::new(),
        }
    }

    fn after_stage(&mut self, stage: usize) -> Vec<Command> {
        let complete = self.is_complete(stage);
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
            self.fail(STOPPED.to_owned());
        }
        if self.may_undo() {
            self.back_from(stage + 1)
        } else {
            self.finish()
        }
    }

    /// In a failover: the next stage begins beside what is open. Only a first sending under way
    /// keeps it waiting, and the batch that decides until it is known whether it was refused.
    fn on_beside(&mut self, stage: usize, settled: bool) -> Vec<Command> {
        let ids = (0..self.tracks.len()).map(TransactionId);
        let holding = ids.filter(|id| self.holds_up(*id)).count();
        if holding > 0 {
            return Vec::new();
        }
        let last = stage + 1 == self.stages.len();
        if !last && !self.stop_asked && !self.decisive_batch_missing() {
            return self.announce_stage(stage + 1);
        }
        if !settled {
            return Vec::new();
        }
        if self.stop_asked && !last {
            self.fail(STOPPED.to_owned());
        }
        self.finish()
    }

    fn holds_up(&self, id: TransactionId) -> bool {
        let track = &self.tracks[id.0];
        match &track.state {
            State::Forward(Activity::Announced) => track.sendings == 0,
            State::Forward(Activity::InFlight) => track.sendings == 1,
            State::Forward(Activity::Looking(look)) => {
                look.after == After::Refused && track.silent == 0 && self.is_decisive(id)
            }
            _ => false,
        }
    }

    fn is_complete(&self, stage: usize) -> bool {
        let mut transactions = self.stages[stage].iter();
        transactions.all(|i| self.tracks[*i].state == State::Applied)
    }

    /// Whether the batch that decides was tried and is not in force.
    fn decisive_batch_missing(&self) -> bool {
        let mut ids = (0..self.tracks.len()).map(TransactionId);
        ids.any(|id| {
            let missing = matches!(
                self.tracks[id.0].state,
                State::NotApplied(_) | State::Unknown(_)
            );
            missing && self.is_decisive(id)
        })
    }

    /// Undo is for those who asked for it, and only until the last batch is, or may be, in force.
    fn may_undo(&self) -> bool {
        let last_batch = self
            .transactions
            .iter()
            .rposition(|t| matches!(t.boundary, Boundary::ZoneBatch { .. }));
        let passed = last_batch.is_some_and(|i| {
            matches!(
                self.tracks[i].state,
                State::Applied | State::Open(_) | State::Unknown(_)
            )
        });
        self.on_failure == OnFailure::Revert && !passed
    }

    /// What may still take effect.
    fn open(&self) -> Vec<TransactionId> {
        let open = |i: &usize| self.tracks[*i].open_until.is_some();
        (0..self.tracks.len())
            .filter(open)
            .map(TransactionId)
            .collect()
    }

    /// Turns back: at once where nothing is open, else once that is so.
    fn back_from(&mut self, stage: usize) -> Vec<Command> {
        let open = self.open();
        if open.is_empty() {
            return self.undo_before(stage);
        }
        let to_undo = |track: &Track| matches!(track.state, State::Applied | State::Unknown(_));
        if !self.tracks.iter().any(to_undo) {
            return self.finish();
        }
        if self.stop_asked {
            return self.finish_beside_open();
        }
        self.phase = Phase::Closing;
        vec![Command::WaitUntilClosed(open)]
    }

    /// What turned out to be in force counts, also what an earlier run sent.
    fn after_closing(&mut self) -> Vec<Command> {
        if self.may_undo() {
            self.undo_before(self.stages.len())
        } else {
            self.finish()
        }
    }

    /// Begins to undo the nearest stage before `stage` that has something to undo.
    fn undo_before(&mut self, stage: usize) -> Vec<Command> {
        let open = |track: &Track| matches!(track.state, State::Open(_));
        if self.tracks.iter().any(open) {
            return self.finish_beside_open();
        }
        for earlier in (0..stage).rev() {
            let to_undo =
                |i: &&usize| matches!(self.tracks[**i].state, State::Applied | State::Unknown(_));
            let ids: Vec<TransactionId> = self.stages[earlier]
                .iter()
                .filter(to_undo)
                .map(|i| TransactionId(*i))
                .collect();
            if !ids.is_empty() {
                self.phase = Phase::Backward(earlier);
                for id in &ids {
                    let patience = self.patience(*id);
                    let track = &mut self.tracks[id.0];
                    // Why it is not known whether it is in force; nothing where that was seen.
                    let why = match &track.state {
                        State::Unknown(why) => why.clone(),
                        _ => String::new(),
                    };
                    let look = Look::new(After::Closed, why, patience);
                    track.sendings = 0;
                    track.state = State::BeforeUndo(look);
                }
                return ids.into_iter().map(Command::ReadBack).collect();
            }
        }
        self.finish()
    }

    fn finish_beside_open(&mut self) -> Vec<Command> {
        let cause = self.cause.take();
        self.cause = Some(cause.map_or_else(
            || NOT_UNDONE.to_owned(),
            |cause| format!("{cause}; {NOT_UNDONE}"),
        ));
        self.finish()
    }

    fn finish(&mut self) -> Vec<Command> {
        self.phase = Phase::Finished;
        let ids = (0..self.tracks.len()).map(TransactionId);
        let reports = ids.map(|id| self.report(id)).collect();
        vec![Command::Finish(Outcome::new(reports, self.cause.clone()))]
    }

    pub(super) fn report(&self, id: TransactionId) -> Report {
        let track = &self.tracks[id.0];
        Report {
            transaction: id,
            status: track.status(),
            open_until: track.open_until,
            undo_sent: track.undo_sent,
        }
    }

    pub(super) fn steps(&self, id: TransactionId) -> &[crate::changes::Step] {
        &self.transactions[id.0].steps
    }

    pub(super) fn is_batch(&self, id: TransactionId) -> bool {
        matches!(self.transactions[id.0].boundary, Boundary::ZoneBatch { .. })
    }
}
