//! The journal: what a run is about to do and how it ended, in a file of its own.
//!
//! JSON Lines, mode 0600, one file a run: a [`Header`] with the whole change set, then one
//! [`Entry`] a line, each durable (`fsync`) before the run goes on. A run that was killed leaves
//! at worst a cut-off last line, which reading tolerates.
//!
//! It holds no secrets: values are those of role variables and records, which are public names,
//! and texts of errors have lost their tokens before they come here.

mod format;
mod read;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use gigadb_engine::{
    changes::ChangeSet,
    executor::{Announcement, Outcome, Report, TransactionId},
    intent::Intent,
    name::RecordId,
    topology::TopologyDigest,
};
use jiff::Timestamp;
use serde::Serialize;

pub(crate) use self::read::late_of;
pub use self::{
    format::{
        Entry, FORMAT_VERSION, Follows, Header, JournalEvent, LeaseRecord, Leftover, NotARunId,
        RunId,
    },
    read::{Run, StillOpen, ids, last_under_lease, read},
};
use crate::{process::Process, trust::writable_by_others};

/// Where a run writes down what it is about to do, and how that ended.
///
/// Both calls are short and may block: nothing is sent before an announcement is durable.
pub(crate) trait Journal: Send {
    /// Makes the announcement durable; an error says why not, as a clause.
    fn announce(&mut self, announcement: &Announcement) -> Result<(), String>;
    /// Notes the id of a record that a step of a transaction created, as well as it can.
    fn created(&mut self, transaction: TransactionId, step: usize, record: &RecordId);
    /// Notes how a transaction ended, or that it is open and waited for, as well as it can.
    fn note(&mut self, report: &Report);
    /// Hears that the run now waits until this time, in seconds since 1970, because these
    /// transactions may still take effect. A stop ends the wait.
    fn waits(&mut self, _transactions: &[TransactionId], _until: u64) {}
}

/// The journal of a run that keeps none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoJournal;

impl Journal for NoJournal {
    fn announce(&mut self, _: &Announcement) -> Result<(), String> {
        Ok(())
    }

    fn created(&mut self, _: TransactionId, _: usize, _: &RecordId) {}

    fn note(&mut self, _: &Report) {}
}

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system said no.
    #[error("{action} `{path}`: {source}")]
    Io {
        /// "could not write" and the like.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file is not a journal, or one of a newer version.
    #[error("`{path}` is not a journal that this version reads: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why, as a clause.
        why: String,
    },
    /// Others may have written it, and what a journal says is acted on.
    #[error("`{path}` is not trusted: {why}")]
    Untrusted {
        /// The file or folder.
        path: String,
        /// Why, as a clause.
        why: String,
    },
}

/// Why there is no journal where nothing says where to keep it.
pub(crate) const NO_FOLDER: &str = "there is no folder for it: neither `GIGADB_JOURNAL_DIR` nor `XDG_STATE_HOME` nor `HOME` is set";

/// Refuses what others may have written.
fn trusted(path: &Path) -> Result<(), JournalError> {
    match writable_by_others(path).map_err(io_error("could not read", path))? {
        None => Ok(()),
        Some(why) => Err(JournalError::Untrusted {
            path: path.display().to_string(),
            why,
        }),
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.display().to_string();
    move |source| JournalError::Io {
        action,
        path,
        source,
    }
}

/// The folder for journals: `GIGADB_JOURNAL_DIR`, else `gigadb/journal` under `XDG_STATE_HOME`,
/// else under `~/.local/state`; `None` where none of the three is set.
pub fn folder(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| {
        env(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("GIGADB_JOURNAL_DIR")
        .or_else(|| set("XDG_STATE_HOME").map(|d| d.join("gigadb/journal")))
        .or_else(|| set("HOME").map(|d| d.join(".local/state/gigadb/journal")))
}

/// What the first line of a journal tells.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// The run's id.
    pub id: &'a RunId,
    /// The program and its version: `gigadb-roles 0.1.0`.
    pub program: &'a str,
    /// Who runs it: `ada@bastion`.
    pub by: &'a str,
    /// The run that this one takes further or takes back.
    pub follows: Option<&'a Follows>,
    /// What was asked for.
    pub intent: &'a Intent,
    /// Every write.
    pub changes: &'a ChangeSet,
    /// The topology that the run was planned from.
    pub topology: &'a TopologyDigest,
    /// Why, in the operator's words.
    pub reason: Option<&'a str>,
    /// The lease that the run holds.
    pub lease: Option<&'a LeaseRecord>,
    /// When it begins.
    pub started: Timestamp,
}

/// The journal of a run under way.
#[derive(Debug)]
pub struct FileJournal {
    file: File,
    path: PathBuf,
    failed: Option<String>,
}

impl FileJournal {
    /// Begins the journal of a run. Nothing may be written to the world before this has returned;
    /// an error leaves no file behind.
    pub fn begin(folder: &Path, beginning: &Beginning<'_>) -> Result<Self, JournalError> {
        create_private_folder(folder).map_err(io_error("could not create", folder))?;
        trusted(folder)?;
        let path = folder.join(beginning.id.file_name());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        private(&mut options);
        let file = options
            .open(&path)
            .map_err(io_error("could not create", &path))?;
        let mut journal = Self {
            file,
            path,
            failed: None,
        };
        let durable = journal
            .line(&Header::of(beginning))
            .and_then(|()| File::open(folder)?.sync_all());
        if let Err(error) = durable {
            let path = &journal.path;
            // Half a header helps nobody; where even this fails, reading says what the file is.
            let _ = fs::remove_file(path);
            return Err(io_error("could not write", path)(error));
        }
        Ok(journal)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first reason why something could not be noted, as a clause, if anything could not.
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Notes the end of the run.
    pub fn finish(&mut self, outcome: &Outcome) {
        self.note_event(JournalEvent::Finished(outcome.clone()));
        // What was removed takes every line, and nobody finds them.
        if self.is_gone() && self.failed.is_none() {
            self.failed = Some(format!("{}: it is no longer there", self.path.display()));
        }
    }

    /// Whether the path leads no longer to the file that is written.
    #[cfg(unix)]
    fn is_gone(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let place = |file: &Metadata| (file.dev(), file.ino());
        match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(written), Ok(found)) => place(&written) != place(&found),
            (_, found) => found.is_err(),
        }
    }

    #[cfg(not(unix))]
    fn is_gone(&self) -> bool {
        fs::metadata(&self.path).is_err()
    }

    /// Notes what the run left, as its last reading showed.
    pub fn left(&mut self, left: Leftover) {
        self.note_event(JournalEvent::Left(left));
    }

    /// Notes that the run does not hold its lease any more.
    pub fn unleased(&mut self) {
        self.note_event(JournalEvent::Unleased);
    }

    fn line(&mut self, content: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(content)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }

    /// Writes one event; an error is a clause.
    fn event(&mut self, event: JournalEvent) -> Result<(), String> {
        let at = format::milliseconds(Timestamp::now());
        self.line(&Entry { at, event }).map_err(|error| {
            let why = format!("{}: {error}", self.path.display());
            tracing::warn!(%why, "the journal could not be written");
            self.failed.get_or_insert_with(|| why.clone());
            why
        })
    }

    fn note_event(&mut self, event: JournalEvent) {
        // What could not be noted is kept in `failed`, for the end of the run.
        let _ = self.event(event);
    }
}

impl Journal for FileJournal {
    fn announce(&mut self, announcement: &Announcement) -> Result<(), String> {
        self.event(JournalEvent::Announced(announcement.clone()))
    }

    fn created(&mut self, transaction: TransactionId, step: usize, record: &RecordId) {
        self.note_event(JournalEvent::Created {
            transaction,
            step,
            record: record.clone(),
        });
    }

    fn note(&mut self, report: &Report) {
        self.note_event(JournalEvent::Ended(report.clone()));
    }
}

impl Header {
    fn of(beginning: &Beginning<'_>) -> Self {
        let intent = beginning.intent;
        Self {
            format_version: FORMAT_VERSION,
            id: beginning.id.clone(),
            started: format::milliseconds(beginning.started),
            program: beginning.program.to_owned(),
            process: Process::this(),
            by: Some(beginning.by.to_owned()),
            follows: beginning.follows.cloned(),
            environment: intent.environment.clone(),
            arrangement: intent.arrangement.clone(),
            mode: intent.mode,
            prepare: intent.prepare.clone(),
            on_failure: intent.on_failure,
            overrides: intent.overrides.clone(),
            changes_production: intent.trade,
            reason: beginning.reason.map(str::to_owned),
            topology: beginning.topology.clone(),
            lease: beginning.lease.cloned(),
            stages: beginning.changes.stages.clone(),
        }
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}
