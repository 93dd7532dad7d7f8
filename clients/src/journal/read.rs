//! Reading journals back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    time::Duration,
};

use gigadb_engine::{
    changes::{ChangeSet, Transaction},
    earlier::Fate,
    executor::{Announcement, Outcome, TransactionId, TransactionStatus},
    late::Late,
    name::{EnvironmentName, RecordId},
    rules::one_swap_at_a_time::LeasePlace,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Entry, FORMAT_VERSION, Header, JournalError, JournalEvent, Leftover, RunId, io_error, trusted,
};
use crate::process::Liveness;

/// How long before its last request a run may have begun, at most, in seconds.
const LONGEST_RUN: i64 = 3600;

/// A run as its journal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What it was asked to do.
    pub header: Header,
    /// What it did, in order.
    pub entries: Vec<Entry>,
    /// Whether the last line was cut off, as a killed process leaves it.
    pub cut_off: bool,
}

/// Until when requests of a run may still take effect, in seconds since 1970: those that write what
/// it was to write, and those that write back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StillOpen {
    /// Beside these only a run with the same goal may write.
    pub forward: Option<u64>,
    /// Beside these only a run that puts the same back may write.
    pub back: Option<u64>,
}

impl Run {
    /// Reads the lines of a journal; an error says why it is none, as a clause.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut lines = bytes.split(|byte| *byte == b'\n').enumerate().peekable();
        let first = match lines.next() {
            Some((_, line)) if lines.peek().is_some() => line,
            Some((_, [])) | None => return Err("it is empty".to_owned()),
            Some(_) => {
                return Err(
                    "its first line is cut off; the run was ended before it wrote anything"
                        .to_owned(),
                );
            }
        };
        check_version(first)?;
        let header: Header = serde_json::from_slice(first).map_err(|e| fault(0, &e))?;
        let mut entries = Vec::new();
        let mut cut_off = false;
        while let Some((index, line)) = lines.next() {
            let last = lines.peek().is_none();
            match serde_json::from_slice(line) {
                // A line ends with a line break, so nothing follows the last one.
                _ if last && line.is_empty() => {}
                Ok(entry) => {
                    entries.push(entry);
                    cut_off = last;
                }
                Err(_) if last => cut_off = true,
                Err(error) => return Err(fault(index, &error)),
            }
        }
        Ok(Self {
            header,
            entries,
            cut_off,
        })
    }

    /// How it ended; `None` for a run that was killed, or is still under way.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.entries.iter().rev().find_map(|e| match &e.event {
            JournalEvent::Finished(outcome) => Some(outcome),
            _ => None,
        })
    }

    /// What it left, as its last reading showed.
    pub fn left(&self) -> Leftover {
        let left = self
            .entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.event {
                JournalEvent::Left(left) => Some(left.clone()),
                _ => None,
            });
        left.unwrap_or_default()
    }

    /// Whether its process may still be at it: it has not ended, and is not surely gone.
    pub fn may_be_under_way(&self) -> bool {
        self.outcome().is_none() && self.header.process.liveness() != Liveness::Gone
    }

    /// Whether it may have left its lease behind: it took one, did not note that it gave it back,
    /// and its process is surely gone.
    pub fn may_have_left_its_lease(&self) -> bool {
        let mut events = self.entries.iter().map(|entry| &entry.event);
        self.header.lease.is_some()
            && !events.any(|event| matches!(event, JournalEvent::Unleased))
            && self.header.process.liveness() == Liveness::Gone
    }

    /// The transactions that were announced, so that they may be in force.
    pub fn announced(&self) -> BTreeSet<TransactionId> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.event {
                JournalEvent::Announced(Announcement::Send(ids)) => Some(ids),
                _ => None,
            })
            .flatten()
            .copied()
            .collect()
    }

    /// The last that is known of each transaction; absent for one of which nothing was noted.
    pub fn statuses(&self) -> BTreeMap<TransactionId, &TransactionStatus> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.event {
                JournalEvent::Ended(report) => Some((report.transaction, &report.status)),
                _ => None,
            })
            .collect()
    }

    /// What is known of each transaction, in the order of writing.
    pub fn fates(&self) -> Vec<Fate> {
        let mut fates = vec![Fate::NotInForce; self.transactions().count()];
        let mut set = |id: TransactionId, fate| {
            if let Some(known) = fates.get_mut(id.0) {
                *known = fate;
            }
        };
        for entry in &self.entries {
            match &entry.event {
                JournalEvent::Announced(Announcement::Send(ids)) => {
                    for id in ids {
                        set(*id, Fate::Perhaps);
                    }
                }
                JournalEvent::Announced(Announcement::Undo(id, _)) => set(*id, Fate::Perhaps),
                JournalEvent::Ended(report) => set(report.transaction, fate(&report.status)),
                JournalEvent::Finished(outcome) => {
                    for report in &outcome.reports {
                        set(report.transaction, fate(&report.status));
                    }
                }
                JournalEvent::Created { .. } | JournalEvent::Left(_) | JournalEvent::Unleased => {}
            }
        }
        let left = self.left();
        for (fate, transaction) in fates.iter_mut().zip(self.transactions()) {
            let mut objects = transaction.steps.iter().map(|step| step.target.object());
            *fate = match *fate {
                Fate::Perhaps if objects.all(|one| left.in_force.contains(&one)) => Fate::InForce,
                Fate::InForce if objects.any(|one| left.not_shown.contains(&one)) => Fate::Perhaps,
                known => known,
            };
        }
        for id in self.announced() {
            if let Some(known @ Fate::NotInForce) = fates.get_mut(id.0) {
                *known = Fate::SaidNotInForce;
            }
        }
        fates
    }

    /// Whether anything of it is, or may be, in force, as the journal says.
    pub fn says_in_force(&self) -> bool {
        let left = |fate: &Fate| matches!(fate, Fate::InForce | Fate::Perhaps);
        self.fates().iter().any(left)
    }

    /// Until when something of it may still take effect, as far as the journal tells, where a
    /// request may do so for `open_for`.
    pub fn still_open(&self, open_for: Duration) -> StillOpen {
        let open = self.open_requests(open_for);
        let latest = |way: bool| {
            let of_this = open.values().filter(|(back, _)| *back == way);
            of_this.filter_map(|(_, until)| *until).max()
        };
        StillOpen {
            forward: latest(false),
            back: latest(true),
        }
    }

    /// Every value that may still take effect at `now`, in seconds since 1970. A journal from
    /// after `now` was written by a clock that was set back since: nothing of it is open for
    /// longer than `open_for` from now.
    pub(crate) fn late(&self, open_for: Duration, now: u64) -> Vec<Late> {
        let open = self.open_requests(open_for);
        let latest = now.saturating_add(open_for.as_secs()).saturating_add(1);
        let mut late = Vec::new();
        for (index, transaction) in self.transactions().enumerate() {
            let Some((back, Some(until))) = open.get(&TransactionId(index)) else {
                continue;
            };
            if *until <= now {
                continue;
            }
            late.extend(transaction.steps.iter().map(|step| Late {
                target: step.target.clone(),
                value: if *back { &step.undo } else { &step.to }.clone(),
                until: (*until).min(latest),
            }));
        }
        late
    }

    /// The requests that may take effect until a time: whether they put back, and until when. What
    /// was announced and of which nothing was noted since may have been sent at that moment.
    fn open_requests(&self, open_for: Duration) -> BTreeMap<TransactionId, (bool, Option<u64>)> {
        let mut open: BTreeMap<TransactionId, (bool, Option<u64>)> = BTreeMap::new();
        for Entry { at, event } in &self.entries {
            let sent = u64::try_from(at.as_second()).unwrap_or_default();
            // Rounded up: what is said to be over is over.
            let until = sent.saturating_add(open_for.as_secs()).saturating_add(1);
            let reports = match event {
                JournalEvent::Announced(Announcement::Send(ids)) => {
                    for id in ids {
                        let (_, known) = open.entry(*id).or_default();
                        *known = (*known).max(Some(until));
                    }
                    continue;
                }
                JournalEvent::Announced(Announcement::Undo(id, _)) => {
                    // Nothing is undone beside an open request, so it stands for all of it.
                    let (back, known) = open.entry(*id).or_default();
                    *known = if *back {
                        (*known).max(Some(until))
                    } else {
                        Some(until)
                    };
                    *back = true;
                    continue;
                }
                JournalEvent::Ended(report) => std::slice::from_ref(report),
                JournalEvent::Finished(outcome) => &outcome.reports,
                JournalEvent::Created { .. } | JournalEvent::Left(_) | JournalEvent::Unleased => {
                    continue;
                }
            };
            for report in reports {
                open.entry(report.transaction).or_default().1 = report.open_until;
            }
        }
        open
    }

    /// The records that it created, by transaction and index of the step.
    pub fn created(&self) -> BTreeMap<(TransactionId, usize), &RecordId> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.event {
                JournalEvent::Created {
                    transaction,
                    step,
                    record,
                } => Some(((*transaction, *step), record)),
                _ => None,
            })
            .collect()
    }

    /// Every transaction, in the order of writing: the index is the [`TransactionId`].
    pub fn transactions(&self) -> impl Iterator<Item = &Transaction> {
        self.header.stages.iter().flatten()
    }

    /// Every write that it was to do.
    pub fn changes(&self) -> ChangeSet {
        ChangeSet {
            stages: self.header.stages.clone(),
            blocked: Vec::new(),
        }
    }
}

fn fate(status: &TransactionStatus) -> Fate {
    match status {
        TransactionStatus::Applied => Fate::InForce,
        TransactionStatus::NotSent
        | TransactionStatus::NotApplied(_)
        | TransactionStatus::Undone => Fate::NotInForce,
        TransactionStatus::Open(_)
        | TransactionStatus::Unknown(_)
        | TransactionStatus::NotUndone(_) => Fate::Perhaps,
    }
}

/// Reads the journal of one run. One that others may have written is refused, as is a folder of
/// theirs: what it says is acted on.
pub fn read(folder: &Path, id: &RunId) -> Result<Run, JournalError> {
    let path = folder.join(id.file_name());
    trusted(folder)?;
    trusted(&path)?;
    let bytes = fs::read(&path).map_err(io_error("could not read", &path))?;
    Run::parse(&bytes).map_err(|why| JournalError::Unreadable {
        path: path.display().to_string(),
        why,
    })
}

/// The ids of all runs, newest first. An absent folder holds none.
pub fn ids(folder: &Path) -> Result<Vec<RunId>, JournalError> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("could not read", folder)(error)),
    };
    trusted(folder)?;
    let mut ids = Vec::new();
    for file in files {
        let file = file.map_err(io_error("could not read", folder))?;
        let name = file.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        ids.extend(id.and_then(|id| id.parse::<RunId>().ok()));
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    Ok(ids)
}

/// What the runs of an environment, the newest first, sent and may still take effect, where a
/// request may do so for `open_for`. Journals that cannot be read are passed over: whoever begins
/// one is told why not.
pub(crate) fn late_of(
    folder: &Path,
    environment: &EnvironmentName,
    open_for: Duration,
) -> Vec<(RunId, Vec<Late>)> {
    let now = Timestamp::now();
    // A run begins to write long before this.
    let oldest = now.as_second() - open_for.as_secs().cast_signed().saturating_add(LONGEST_RUN);
    let now = u64::try_from(now.as_second()).unwrap_or_default();
    let ids = ids(folder).unwrap_or_default();
    ids.into_iter()
        .filter_map(|id| Some((read(folder, &id).ok()?, id)))
        .take_while(|(run, _)| run.header.started.as_second() > oldest)
        .filter(|(run, _)| run.header.environment == *environment)
        .map(|(run, id)| (id, run.late(open_for, now)))
        .filter(|(_, late)| !late.is_empty())
        .collect()
}

/// The last run that began under the lease that is kept there. Journals that cannot be read are
/// passed over: they say nothing of a lease.
pub fn last_under_lease(folder: &Path, place: &LeasePlace) -> Option<Run> {
    let ids = ids(folder).ok()?;
    let mut runs = ids.iter().filter_map(|id| read(folder, id).ok());
    runs.find(|run| {
        let lease = run.header.lease.as_ref();
        lease.is_some_and(|lease| lease.gitlab_project == place.project && lease.name == place.name)
    })
}

fn check_version(first: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    match serde_json::from_slice::<Version>(first) {
        Ok(Version { format_version }) if format_version > FORMAT_VERSION => Err(format!(
            "it has format version {format_version}, and this version knows {FORMAT_VERSION} at most; use the version that wrote it, or a newer one"
        )),
        Ok(_) => Ok(()),
        Err(error) => Err(fault(0, &error)),
    }
}

/// What is wrong with the line of this index, with its place in the file.
fn fault(index: usize, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("line {}, column {}: {what}", index + 1, error.column())
}
