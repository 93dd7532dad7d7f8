//! What goes on while a run writes: a line for each finished step, and on a terminal a line that
//! says what is under way.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use gigadb_clients::{journal::RunId, run::Watch};
use gigadb_engine::{
    changes::{ChangeSet, Transaction},
    executor::{Announcement, TransactionId, TransactionStatus},
};
use tokio::time::Instant;

use super::{Control, view::RunView};

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
    transactions: Vec<&'a Transaction>,
    state: Mutex<State>,
}

struct State {
    began: Instant,
    under_way: BTreeSet<usize>,
    ended: usize,
    last: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(view: &'a dyn RunView, control: &'a Control, changes: &'a ChangeSet) -> Self {
        let now = Instant::now();
        Self {
            view,
            control,
            transactions: changes.transactions().collect(),
            state: Mutex::new(State {
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
        let Some(first) = state
            .under_way
            .first()
            .and_then(|i| self.transactions.get(*i))
        else {
            return;
        };
        let what = first.describe();
        let seconds = (now - state.began).as_secs();
        if self.view.can_pass() {
            if now - state.began >= QUIET {
                let all = self.transactions.len();
                let text = format!("{}/{all}, {seconds} s: {what}", state.ended);
                self.view.pass(&text);
            }
        } else if now - state.last >= PATIENCE {
            state.last = now;
            self.view.waiting(&what, seconds);
        }
    }
}

impl Watch for Progress<'_> {
    fn began(&self, journal: Option<&RunId>) {
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
            let sent = ids.iter().filter_map(|id| self.transactions.get(id.0));
            for transaction in sent {
                self.view.sending(transaction);
            }
        }
    }

    fn ended(&self, id: TransactionId, status: &TransactionStatus) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Instant::now();
        state.under_way.remove(&id.0);
        state.ended += 1;
        drop(state);
        if let Some(transaction) = self.transactions.get(id.0) {
            self.view.ended(transaction, status);
        }
    }
}
