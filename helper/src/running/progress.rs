//! What goes on while a run writes: a line for each finished step, and on a terminal a line that
//! says what is under way.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use gigadb_clients::{journal::RunId, run::Watch};
use gigadb_engine::{
    changes::{ChangeSet, Transaction},
    executor::{Announcement, Report},
    message::clock,
};
use tokio::time::Instant;

use super::{control::Control, view::RunView};

/// Shown on a terminal only after this time, so that what is quick does not flicker.
const QUIET: Duration = Duration::from_millis(250);
/// How often the passing line is drawn anew.
const FRAME: Duration = Duration::from_millis(100);
/// Without a terminal, how long nothing may end before a line says what is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of the run under way.
pub(super) struct Progress<'a> {
    view: &'a dyn RunView,
    control: &'a Control,
    state: Mutex<State>,
}

struct State {
    /// What is written, once that begins.
    transactions: Vec<Transaction>,
    /// What is waited for in addition to writes, and until when at most, as a time of day.
    waits: Option<(String, String)>,
    began: Instant,
    under_way: BTreeSet<usize>,
    ended: usize,
    last: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(view: &'a dyn RunView, control: &'a Control) -> Self {
        let now = Instant::now();
        Self {
            view,
            control,
            state: Mutex::new(State {
                transactions: Vec::new(),
                waits: None,
                began: now,
                under_way: BTreeSet::new(),
                ended: 0,
                last: now,
            }),
        }
    }

    /// Waits for `run`, and says meanwhile what it waits for.
    pub(super) async fn beside<T>(&self, run: impl Future<Output = T>) -> T {
        let mut frames = tokio::time::interval(FRAME);
        tokio::pin!(run);
        loop {
            tokio::select! {
                biased;
                result = &mut run => {
                    self.view.pass("");
                    return result;
                }
                _ = frames.tick() => self.frame(),
            }
        }
    }

    fn frame(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let seconds = (now - state.began).as_secs();
        let first = state.under_way.first();
        let writing = first.and_then(|first| state.transactions.get(*first));
        let (what, text) = match (writing, &state.waits) {
            (Some(writing), _) => {
                let what = writing.describe();
                let all = state.transactions.len();
                let text = format!("{}/{all}, {seconds} s: {what}", state.ended);
                (what, text)
            }
            (None, Some((what, until))) => (what.clone(), format!("{what}, until {until} at most")),
            (None, None) => return,
        };
        if self.view.can_pass() {
            if now - state.began >= QUIET {
                self.view.pass(&text);
            }
        } else if now - state.last >= PATIENCE {
            state.last = now;
            self.view.waiting(&what, seconds);
        }
    }
}

impl Watch for Progress<'_> {
    fn waits(&self, what: &str, at_most: Duration) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let until = now.unwrap_or_default() + at_most;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Instant::now();
        state.waits = Some((what.to_owned(), clock(until.as_secs())));
    }

    fn began(&self, journal: Option<&RunId>, changes: &ChangeSet) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.transactions = changes.transactions().cloned().collect();
        drop(state);
        // Set once: a command carries out one run.
        let _ = self.control.began.set(journal.cloned());
        self.view.began(journal.map(RunId::as_str));
    }

    fn announced(&self, announcement: &Announcement) {
        let ids = match announcement {
            Announcement::Send(ids) => ids.as_slice(),
            Announcement::Undo(id, _) => std::slice::from_ref(id),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Instant::now();
        state.under_way.extend(ids.iter().map(|id| id.0));
        drop(state);
        if matches!(announcement, Announcement::Send(_)) {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            for transaction in ids.iter().filter_map(|id| state.transactions.get(id.0)) {
                self.view.sending(transaction);
            }
        }
    }

    fn ended(&self, report: &Report) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Instant::now();
        state.under_way.remove(&report.transaction.0);
        state.ended += 1;
        let transaction = state.transactions.get(report.transaction.0).cloned();
        drop(state);
        if let Some(transaction) = transaction {
            self.view.ended(&transaction, &report.status);
        }
    }
}
