//! Lease and journal around a run: what the provider and the helper do alike whenever something
//! will be written.
//!
//! ```text
//! begin       take the lease; then the caller looks again, and stops if anything moved
//! carry_out   begin the journal, drive, note the end
//! end         leave a summary of the run, and give the lease back, after reading back
//! ```
//!
//! An apply without anything to write takes no lease; `Apis::settle_left_lease` gives back the
//! one that a killed run left.

use std::time::Duration;

use gigadb_engine::{
    changes::ChangeSet,
    executor::{Announcement, Outcome, Report, TransactionId},
    intent::{Intent, Mode},
    late::{self, Beside},
    message::{Message, NOTHING_CHANGED, clock},
    name::RecordId,
    plan::Plan,
    rules::{
        Rule,
        one_swap_at_a_time::{self as rule, Holder, LeasePlace, LeftBy},
    },
    topology::Topology,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    Apis, Journal, NoJournal, Patience,
    journal::{self, Beginning, FileJournal, Follows, LeaseRecord, Leftover, RunId},
    lease::{Lease, NotTaken, Released},
    secret::{self, Secret},
};

/// What is said where the subject is the journal.
const JOURNAL: &str = "journal";

/// What a run is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// What was asked for.
    pub intent: &'a Intent,
    /// Why, in the operator's words.
    pub reason: Option<&'a str>,
    /// The program and its version: `gigadb-roles 0.1.0`.
    pub program: &'a str,
    /// The run that this one takes further or takes back.
    pub follows: Option<&'a Follows>,
}

/// Something that is told about a run, in addition to how its writes ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `one-swap-at-a-time` or `journal`.
    pub topic: &'static str,
    /// What.
    pub message: Message,
}

impl Told {
    fn of_lease(message: Message) -> Self {
        Self {
            topic: Rule::OneSwapAtATime.as_str(),
            message,
        }
    }

    fn of_journal(message: Message) -> Self {
        Self {
            topic: JOURNAL,
            message,
        }
    }
}

/// Why a run did not begin. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotBegun {
    /// Something is in the way.
    Refused(Told),
    /// The operator asked to stop.
    Stopped,
}

/// Hears of a run while it writes.
pub trait Watch: Sync {
    /// Something is waited for before or after the writes: what, as a clause, and how long at most.
    fn waits(&self, what: &str, at_most: Duration);
    /// The first request of these changes is about to be sent. The id is that of the journal,
    /// where there is one.
    fn began(&self, journal: Option<&RunId>, changes: &ChangeSet);
    /// This is about to be sent, and the journal says so.
    fn announced(&self, announcement: &Announcement);
    /// A transaction ended, or its undo did.
    fn ended(&self, report: &Report);
}

/// Nobody hears of the run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Watch for Nobody {
    fn waits(&self, _: &str, _: Duration) {}
    fn began(&self, _: Option<&RunId>, _: &ChangeSet) {}
    fn announced(&self, _: &Announcement) {}
    fn ended(&self, _: &Report) {}
}

/// A journal of which somebody hears what is written.
struct Watched<'a> {
    journal: &'a mut dyn Journal,
    watch: &'a dyn Watch,
}

impl Journal for Watched<'_> {
    fn announce(&mut self, announcement: &Announcement) -> Result<(), String> {
        self.journal.announce(announcement)?;
        self.watch.announced(announcement);
        Ok(())
    }

    fn created(&mut self, transaction: TransactionId, step: usize, record: &RecordId) {
        self.journal.created(transaction, step, record);
    }

    fn note(&mut self, report: &Report) {
        self.journal.note(report);
        self.watch.ended(report);
    }
}

/// A run that has begun: it holds its lease until [`UnderWay::end`].
#[derive(Debug)]
#[must_use = "its lease is held until `end`"]
pub(crate) struct UnderWay<'a> {
    apis: &'a Apis,
    start: Start<'a>,
    started: Timestamp,
    /// The run's id, and its journal's.
    id: RunId,
    lease: Option<Lease>,
    /// Once something may have been written.
    journal: Option<FileJournal>,
    warnings: Vec<Told>,
}

impl Apis {
    /// Begins a run that will write: takes the lease, where the topology names a lock.
    pub(crate) async fn begin<'a>(
        &'a self,
        start: Start<'a>,
        cancel: &CancellationToken,
    ) -> Result<UnderWay<'a>, NotBegun> {
        let Start {
            topology, intent, ..
        } = start;
        let started = Timestamp::now();
        let mut run = UnderWay {
            apis: self,
            start,
            started,
            id: RunId::new(&intent.environment, started),
            lease: None,
            journal: None,
            warnings: Vec::new(),
        };
        if cancel.is_cancelled() {
            return Err(NotBegun::Stopped);
        }
        let Some(place) = LeasePlace::of(topology, intent) else {
            return Ok(run);
        };
        let failover = intent.mode == Mode::Failover;
        let waived = intent.overrides.contains(&Rule::OneSwapAtATime);
        let patience = patience(intent);
        let reason = start.reason.map(|reason| self.redacted(reason));
        let taken = self
            .take_lease(&place, &run.id, reason.as_deref(), patience, cancel)
            .await;
        let warning = match taken {
            Ok(mut lease) => {
                let left_by = lease.left_by.take();
                run.lease = Some(lease);
                left_by.map(|holder| {
                    let left = self.how_it_ended(&holder);
                    rule::taken_over(intent, &place, &holder, left)
                })
            }
            Err(NotTaken::Stopped) => return Err(NotBegun::Stopped),
            Err(NotTaken::Held(holder)) if waived => Some(rule::passed(intent, &place, &holder)),
            Err(NotTaken::Held(holder)) => {
                let message = rule::held(intent, &place, &holder);
                return Err(NotBegun::Refused(Told::of_lease(message)));
            }
            Err(NotTaken::Failed(failure)) if waived || failover => {
                Some(rule::without(intent, &place, &failure.message))
            }
            Err(NotTaken::Failed(failure)) => {
                let message = rule::unavailable(intent, &place, &failure);
                return Err(NotBegun::Refused(Told::of_lease(message)));
            }
        };
        run.warnings.extend(warning.map(Told::of_lease));
        Ok(run)
    }

    /// For an apply that has nothing to write, and so takes no lease: gives back the one that the
    /// last run on this machine left when it was killed. GitLab is asked only where the journals
    /// tell of such a run.
    pub(crate) async fn settle_left_lease(
        &self,
        topology: &Topology,
        intent: &Intent,
    ) -> Option<Told> {
        let place = LeasePlace::of(topology, intent)?;
        let last = journal::last_under_lease(self.journal_folder.as_deref()?, &place)?;
        if !last.may_have_left_its_lease() {
            return None;
        }
        let asking = RunId::new(&intent.environment, Timestamp::now());
        let left = self.give_back_left_lease(&place, &asking, patience(intent));
        let message = match left.await {
            Ok(holder) => {
                let holder = holder?;
                rule::given_back(intent, &place, &holder, self.how_it_ended(&holder))
            }
            Err(failure) => rule::left(intent, &place, last.header.id.as_str(), &failure.message),
        };
        Some(Told::of_lease(message))
    }

    /// How the run of a holder ended, as the journals of this machine tell.
    fn how_it_ended(&self, holder: &Holder) -> LeftBy {
        let read = || {
            let id = holder.process.as_ref()?.run.parse().ok()?;
            journal::read(self.journal_folder.as_deref()?, &id).ok()
        };
        LeftBy::of(read().map(|run| run.outcome().map(|outcome| outcome.end)))
    }

    /// `text` without the tokens of these clients.
    pub fn redacted(&self, text: &str) -> String {
        secret::redacted(&self.secrets, text)
    }

    /// The tokens of these clients.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }
}

impl UnderWay<'_> {
    /// The run's id, which is its journal's.
    #[cfg(test)]
    pub(crate) fn id(&self) -> &RunId {
        &self.id
    }

    /// The id of the journal, once something may have been written, where there is one that holds
    /// the whole run: nobody can go on from another.
    pub(crate) fn journal(&self) -> Option<RunId> {
        let journal = self.journal.as_ref()?;
        journal.failed().is_none().then(|| self.id.clone())
    }

    /// Notes what was left, where something was.
    pub(crate) fn left(&mut self, left: Leftover) {
        if let Some(journal) = self.journal.as_mut().filter(|_| !left.is_empty()) {
            journal.left(left);
        }
    }

    /// Carries out a plan's changes with a journal; see [`Apis::drive_beside`]. A switchover without a
    /// journal is refused before anything is written; a failover goes on without one.
    pub(crate) async fn write(
        &mut self,
        plan: &Plan,
        watch: &dyn Watch,
        cancel: &CancellationToken,
    ) -> Result<Outcome, Told> {
        let Start {
            topology, intent, ..
        } = self.start;
        let policy = &topology.policy;
        let changes = &plan.changes;
        let beside = self.beside(plan)?;
        let mut journal = match self.open_journal(changes) {
            Ok(journal) => journal,
            Err(why) if intent.mode == Mode::Failover => {
                self.warnings
                    .push(Told::of_journal(without_journal(intent, &why)));
                watch.began(None, changes);
                let mut none = Watched {
                    journal: &mut NoJournal,
                    watch,
                };
                let drive = self
                    .apis
                    .drive_beside(changes, intent, policy, &mut none, cancel, beside);
                return Ok(drive.await);
            }
            Err(why) => return Err(Told::of_journal(no_journal(intent, &why))),
        };
        watch.began(Some(&self.id), changes);
        let mut watched = Watched {
            journal: &mut journal,
            watch,
        };
        let drive = self
            .apis
            .drive_beside(changes, intent, policy, &mut watched, cancel, beside);
        let outcome = drive.await;
        journal.finish(&outcome);
        if let Some(why) = journal.failed()
            && !outcome.cause.as_ref().is_some_and(|c| c.contains(why))
        {
            self.warnings
                .push(Told::of_journal(incomplete_journal(intent, why)));
        }
        self.journal = Some(journal);
        Ok(outcome)
    }

    /// Until when requests of earlier runs of this machine may still write what this plan leads to,
    /// in seconds since 1970. A switchover is refused while one may still write anything else,
    /// unless the rule is waived; a failover waits for nothing.
    fn beside(&mut self, plan: &Plan) -> Result<Option<u64>, Told> {
        let intent = self.start.intent;
        let Some(folder) = self.apis.journal_folder.as_deref() else {
            return Ok(None);
        };
        let open_for = self.apis.timing().open_for;
        let mut agrees = None;
        for (run, late) in journal::late_of(folder, &intent.environment, open_for) {
            match late::beside(&late, plan) {
                Beside::Nothing => {}
                Beside::Agrees(until) => agrees = agrees.max(Some(until)),
                Beside::Against { objects, until } => {
                    let (run, until) = (run.as_str(), clock(until));
                    let waived = intent.overrides.contains(&Rule::OneSwapAtATime);
                    if !waived && intent.mode == Mode::Switchover {
                        let message = rule::run_is_open(intent, run, &objects, &until);
                        return Err(Told::of_lease(message));
                    }
                    let message = rule::beside_a_run(intent, run, &objects, &until);
                    self.warnings.push(Told::of_lease(message));
                }
            }
        }
        Ok(agrees)
    }

    fn open_journal(&self, changes: &ChangeSet) -> Result<FileJournal, String> {
        let Start {
            topology,
            intent,
            reason,
            program,
            follows,
        } = self.start;
        let folder = self.apis.journal_folder.as_deref();
        let folder = folder.ok_or(journal::NO_FOLDER)?;
        let lease = self.lease.as_ref().map(|lease| LeaseRecord {
            gitlab_project: lease.place().project.clone(),
            name: lease.place().name.clone(),
            id: lease.id().to_owned(),
        });
        let reason = reason.map(|reason| self.apis.redacted(reason));
        let beginning = Beginning {
            id: &self.id,
            program,
            by: &self.apis.operator,
            follows,
            intent,
            changes,
            topology: &topology.digest(),
            reason: reason.as_deref(),
            lease: lease.as_ref(),
            started: self.started,
        };
        FileJournal::begin(folder, &beginning).map_err(|error| error.to_string())
    }

    /// How long giving the lease back takes at most; `None` where there is none.
    pub(crate) fn gives_back_within(&self) -> Option<Duration> {
        let timing = self.apis.timing();
        let within = crate::history::AT_MOST + timing.lost_side_writes;
        self.lease.as_ref().map(|_| within)
    }

    /// Ends the run: leaves a summary of it for other machines, and gives the lease back, unless something
    /// of it may still take effect. Says whatever the operator should know beyond the outcome.
    pub(crate) async fn end(self, open_until: Option<u64>) -> Vec<Told> {
        let Self {
            apis,
            start: Start { intent, .. },
            id,
            lease,
            journal,
            mut warnings,
            ..
        } = self;
        if let (Some(lease), Some(_)) = (&lease, &journal) {
            apis.leave_summary(lease, &id).await;
        }
        if let (Some(lease), Some(until)) = (&lease, open_until) {
            // Nobody else may write while something of this run may still take effect.
            let kept = rule::kept(intent, lease.place(), lease.id(), &clock(until));
            warnings.push(Told::of_lease(kept));
        } else if let Some(lease) = lease {
            let (place, lock) = (lease.place().clone(), lease.id().to_owned());
            let released = apis.release_lease(lease).await;
            if let (Released::Free | Released::NotHeld, Some(mut journal)) = (&released, journal) {
                journal.unleased();
            }
            let warning = match released {
                Released::Free | Released::Shared => None,
                Released::NotHeld => Some(rule::lost(intent, &place)),
                Released::Failed(failure) => {
                    let why = &failure.message;
                    Some(rule::not_released(intent, &place, &lock, why))
                }
            };
            warnings.extend(warning.map(Told::of_lease));
        }
        warnings
    }
}

/// How long to wait for GitLab where a lease is concerned.
fn patience(intent: &Intent) -> Patience {
    match intent.mode {
        Mode::Failover => Patience::Hurried,
        Mode::Switchover => Patience::Ordinary,
    }
}

fn no_journal(intent: &Intent, why: &str) -> Message {
    Message {
        what: format!("The journal could not be begun: {why}."),
        object: format!("environment `{}`", intent.environment),
        changed: NOTHING_CHANGED.to_owned(),
        next: "Make room, or name a folder that can be written in `GIGADB_JOURNAL_DIR`, then plan and apply again."
            .to_owned(),
    }
}

fn without_journal(intent: &Intent, why: &str) -> Message {
    Message {
        what: format!("The journal could not be begun: {why}."),
        object: format!("environment `{}`", intent.environment),
        changed: "The failover went on without a journal.".to_owned(),
        next: "`gigadb-roles history` does not know this run, and cannot revert it: plan again to see how things stand."
            .to_owned(),
    }
}

fn incomplete_journal(intent: &Intent, why: &str) -> Message {
    Message {
        what: format!("The journal is not complete: {why}."),
        object: format!("environment `{}`", intent.environment),
        changed: "What was written is not affected; this run cannot be resumed or reverted."
            .to_owned(),
        next: "Make room for a journal before the next run. Plan again to see how things stand."
            .to_owned(),
    }
}
