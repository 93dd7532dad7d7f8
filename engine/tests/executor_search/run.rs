//! One run of the executor within a search: who runs, what is still to be answered, and what this
//! run has written.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::Arc,
};

use gigadb_engine::executor::{Announcement, Executor};

use crate::procedure::{Code, Planned, Way};

/// What is still to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Open {
    Announce(Announcement),
    Write(usize),
    Undo(usize, Vec<usize>),
    ReadBack(usize),
}

impl Open {
    /// The transaction that it concerns, unless it concerns several.
    pub(crate) fn transaction(&self) -> Option<usize> {
        match self {
            Self::Announce(Announcement::Send(_)) => None,
            Self::Announce(Announcement::Undo(id, _)) => Some(id.0),
            Self::Write(id) | Self::Undo(id, _) | Self::ReadBack(id) => Some(*id),
        }
    }

    fn kind(&self) -> (u8, &[usize]) {
        match self {
            Self::Announce(Announcement::Send(_)) => (0, &[]),
            Self::Announce(Announcement::Undo(_, steps)) => (1, steps),
            Self::Write(_) => (2, &[]),
            Self::Undo(_, steps) => (3, steps),
            Self::ReadBack(_) => (4, &[]),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    /// Has not begun yet.
    Waiting,
    Running,
    Finished,
    /// Its process is gone.
    Dead,
}

/// One operator's run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) way: Way,
    pub(crate) life: Life,
    /// Whether its calls may fail.
    pub(crate) faulty: bool,
    pub(crate) stop_left: bool,
    pub(crate) work: Option<Work>,
}

/// What a run that has begun is about.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) planned: Arc<Planned>,
    pub(crate) executor: Executor,
    pub(crate) open: Vec<Open>,
    /// For each transaction, how often it was sent, and whether it was carried out.
    pub(crate) sent: Vec<u8>,
    pub(crate) carried_out: Vec<bool>,
}

impl Run {
    pub(crate) fn new(way: Way, faulty: bool) -> Self {
        Self {
            way,
            life: Life::Waiting,
            faulty,
            stop_left: faulty,
            work: None,
        }
    }
}

impl Work {
    pub(crate) fn new(planned: Arc<Planned>, executor: Executor) -> Self {
        let transactions = planned.transactions.len();
        Self {
            planned,
            executor,
            open: Vec::new(),
            sent: vec![0; transactions],
            carried_out: vec![false; transactions],
        }
    }

    /// All that matters about one target: its transaction's condition, and what is open for it.
    fn local(&self, target: usize, conditions: &[u64], state: &mut DefaultHasher) {
        let Some(transaction) = self.planned.transaction_of[target] else {
            return;
        };
        let write = self.planned.transactions[transaction]
            .iter()
            .find(|write| write.target == target);
        let write = write.unwrap();
        (write.from, write.to, write.undo).hash(state);
        conditions[transaction].hash(state);
        // Whether it was sent is in its condition; whether it was carried out matters while that
        // is being found out.
        for open in &self.open {
            if open.transaction() == Some(transaction) {
                (open.kind(), self.carried_out[transaction]).hash(state);
            }
        }
    }
}

/// A request that was given up and is carried out later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Late {
    /// Which run sent it; none of those that there are, where that run is gone.
    pub(crate) run: Option<usize>,
    /// The forward request of this transaction, not its undo.
    pub(crate) forward: Option<usize>,
    pub(crate) writes: Vec<(usize, Code)>,
}

/// Who but a run that is watched has touched a target: what is said of it was true when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Touched {
    No,
    /// By a request that was carried out late.
    Late,
    ByHand,
}

/// One situation of everybody.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) values: Vec<Code>,
    /// Who wrote each target last: a run, or nobody that runs.
    pub(crate) writer: Vec<Option<usize>>,
    pub(crate) runs: Vec<Run>,
    pub(crate) late: Option<Late>,
    /// Whether a request may still be carried out late.
    pub(crate) late_left: bool,
    pub(crate) edit_left: bool,
    pub(crate) crash_left: bool,
    pub(crate) touched: Vec<Touched>,
}

impl Node {
    /// What tells the situation apart, target by target, and on the whole; targets of one group
    /// may change places.
    pub(crate) fn key(&self, groups: &[Option<u8>]) -> (u64, Vec<u64>) {
        let mut conditions = Vec::new();
        let mut whole = DefaultHasher::new();
        for run in &self.runs {
            (run.way, run.life, run.faulty, run.stop_left).hash(&mut whole);
            let mut of_run = Vec::new();
            // Of a run that has ended nothing matters but what it left.
            if let (Life::Running, Some(work)) = (run.life, &run.work) {
                let (common, each) = work.executor.situation();
                common.hash(&mut whole);
                work.open
                    .iter()
                    .filter(|o| o.transaction().is_none())
                    .count()
                    .hash(&mut whole);
                for condition in each {
                    let mut state = DefaultHasher::new();
                    condition.hash(&mut state);
                    of_run.push(state.finish());
                }
            }
            conditions.push(of_run);
        }
        (self.late_left, self.edit_left, self.crash_left).hash(&mut whole);
        if let Some(late) = &self.late {
            (late.run, late.forward.is_some()).hash(&mut whole);
        }
        let locals: Vec<u64> = (0..self.values.len())
            .map(|target| {
                let mut state = DefaultHasher::new();
                (self.values[target], self.touched[target]).hash(&mut state);
                let running = |run: &usize| self.runs[*run].life == Life::Running;
                self.writer[target].filter(running).hash(&mut state);
                groups[target].hash(&mut state);
                if let Some(late) = &self.late {
                    let written = late.writes.iter().find(|(t, _)| *t == target);
                    written.map(|(_, code)| code).hash(&mut state);
                }
                for (run, conditions) in self.runs.iter().zip(&conditions) {
                    if let (Life::Running, Some(work)) = (run.life, &run.work) {
                        work.local(target, conditions, &mut state);
                    }
                }
                state.finish()
            })
            .collect();
        let mut folded = locals.clone();
        // Those of a group stand side by side, and each says which group it is of.
        let mut places: Vec<usize> = (0..folded.len()).collect();
        places.sort_by_key(|p| {
            (
                groups[*p].is_some(),
                groups[*p],
                groups[*p].map_or(0, |_| locals[*p]),
            )
        });
        for (slot, place) in places.into_iter().enumerate() {
            folded[slot] = locals[place];
        }
        folded.hash(&mut whole);
        (whole.finish(), locals)
    }
}
