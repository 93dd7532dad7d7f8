//! One situation of everybody.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    rc::Rc,
};

use gigadb_engine::executor::{Announcement, Executor, Pace, Report};

use crate::table::{Code, Planned, Way};

/// What is still to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Open {
    Announce(Announcement),
    Write(usize),
    Undo(usize, Vec<usize>),
    ReadBack(usize),
    Pause(usize, Pace),
    Wait(Vec<usize>),
}

impl Open {
    fn rank(&self) -> (u8, usize, &[usize]) {
        match self {
            Self::Announce(Announcement::Send(ids)) => (0, ids.first().map_or(0, |id| id.0), &[]),
            Self::Announce(Announcement::Undo(id, steps)) => (1, id.0, steps),
            Self::Write(id) => (2, *id, &[]),
            Self::Undo(id, steps) => (3, *id, steps),
            Self::ReadBack(id) => (4, *id, &[]),
            Self::Pause(id, _) => (5, *id, &[]),
            Self::Wait(ids) => (6, 0, ids),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    /// Has not begun yet.
    Waiting,
    Running,
    Finished,
}

/// What the journal's last line about a transaction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Noted {
    Nothing,
    /// It may take effect from now on.
    Announced,
    Ended(Report),
}

/// One operator's run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) way: Way,
    pub(crate) life: Life,
    pub(crate) stop_left: bool,
    pub(crate) work: Option<Work>,
}

/// What a run that has begun is about.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) planned: Rc<Planned>,
    pub(crate) executor: Executor,
    pub(crate) open: Vec<Open>,
    pub(crate) tracks: Vec<Seen>,
    /// Whether the journal has missed something.
    pub(crate) journal_failed: bool,
}

/// What is known of one transaction of a run, beside what its executor knows.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// How often it was sent, forward and back.
    pub(crate) sent: [u8; 2],
    /// Whether it was read since it was sent.
    pub(crate) read: bool,
    /// Whether a reading showed what somebody else wrote.
    pub(crate) foreign: bool,
    /// Older worlds that a reading may still show, the oldest first.
    pub(crate) past: Vec<Vec<Code>>,
    pub(crate) stale_in_a_row: u8,
    pub(crate) noted: Noted,
}

impl Run {
    pub(crate) fn new(way: Way) -> Self {
        Self {
            way,
            life: Life::Waiting,
            stop_left: true,
            work: None,
        }
    }
}

/// A request that may still be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Flying {
    /// The run and transaction that sent it; none where that run is gone.
    pub(crate) by: Option<(usize, usize)>,
    pub(crate) undo: bool,
    pub(crate) writes: Vec<(usize, Code)>,
}

/// How much may still go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Troubles {
    /// Requests, readings and announcements that fail.
    pub(crate) faults: u8,
    /// Requests that are carried out later, or not.
    pub(crate) late: u8,
    /// Readings that show an older world.
    pub(crate) stale: u8,
    /// Edits by hand.
    pub(crate) edits: u8,
    /// Runs that take up what another left.
    pub(crate) restarts: u8,
}

/// One situation.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) values: Vec<Code>,
    pub(crate) runs: Vec<Run>,
    pub(crate) flying: Vec<Flying>,
    pub(crate) left: Troubles,
    /// What somebody edited by hand.
    pub(crate) touched: Vec<bool>,
    /// Whether this run takes up what another left.
    pub(crate) again: bool,
}

impl Node {
    pub(crate) fn land(&mut self, index: usize) {
        let flying = self.flying.remove(index);
        self.write(&flying.writes);
    }

    /// Changes values; every run may still read what was there before.
    pub(crate) fn write(&mut self, writes: &[(usize, Code)]) {
        let before = self.values.clone();
        for (target, code) in writes {
            self.values[*target] = *code;
        }
        if self.left.stale == 0 || before == self.values {
            return;
        }
        for work in self.runs.iter_mut().filter_map(|run| run.work.as_mut()) {
            let transactions = work.planned.transactions.iter();
            for (track, steps) in work.tracks.iter_mut().zip(transactions) {
                let old: Vec<Code> = steps.iter().map(|w| before[w.target]).collect();
                let new: Vec<Code> = steps.iter().map(|w| self.values[w.target]).collect();
                if old != new && !track.past.contains(&old) {
                    track.past.push(old);
                }
            }
        }
    }

    pub(crate) fn key(&self) -> u64 {
        let mut state = DefaultHasher::new();
        (&self.values, &self.left, &self.touched, self.again).hash(&mut state);
        let mut flying = self.flying.clone();
        flying.sort();
        flying.hash(&mut state);
        for run in &self.runs {
            (run.way, run.life, run.stop_left).hash(&mut state);
            let Some(work) = &run.work else { continue };
            if run.life == Life::Running {
                let (whole, each) = work.executor.situation();
                whole.hash(&mut state);
                for one in each {
                    one.hash(&mut state);
                }
                let mut open: Vec<_> = work.open.iter().map(Open::rank).collect();
                open.sort_unstable();
                open.hash(&mut state);
            }
            work.journal_failed.hash(&mut state);
            for (writes, track) in work.planned.transactions.iter().zip(&work.tracks) {
                for write in writes {
                    (write.target, write.from, write.to).hash(&mut state);
                }
                (track.sent, track.read, track.foreign).hash(&mut state);
                if self.left.stale > 0 && run.life == Life::Running {
                    (&track.past, track.stale_in_a_row).hash(&mut state);
                }
                match &track.noted {
                    Noted::Nothing => 0_u8.hash(&mut state),
                    Noted::Announced => 1_u8.hash(&mut state),
                    Noted::Ended(report) => {
                        std::mem::discriminant(&report.status).hash(&mut state);
                        report.open_until.is_some().hash(&mut state);
                    }
                }
            }
        }
        state.finish()
    }
}
