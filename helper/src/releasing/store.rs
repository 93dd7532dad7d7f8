//! Where the record of a release is kept: a Terraform state of GitLab, or a file.

use std::{
    fs::{self, OpenOptions},
    io::ErrorKind,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use gigadb_clients::{
    journal::RunId,
    record::{NotWritten, Stored},
};
use gigadb_engine::{
    message::Message,
    name::EnvironmentName,
    release::{self, Record, Step, UnreadableRecord},
    rules::one_swap_at_a_time::LeasePlace,
    topology::record_state,
    world::Cause,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    exit::Exit,
    failure::Failure,
    quoting,
    replace::{beside, replace},
    session::Session,
    ui::{self, Within},
};

/// How often the end of a step is written, and how long is waited for somebody who writes.
const END_ATTEMPTS: u32 = 5;
const A_MOMENT: Duration = Duration::from_secs(1);

/// What to do where a file is no record.
const NAME_ITS_FILE: &str = "Name the file that `release start --record` wrote, or put back a copy \
                             of it that is whole.";

/// The place of one environment's record.
pub(crate) struct Store<'a> {
    place: Place,
    environment: EnvironmentName,
    /// Set before something is sent: what to do where the second Ctrl-C ends it.
    at_work: Option<&'a OnceLock<String>>,
}

enum Place {
    Gitlab(LeasePlace),
    File(PathBuf),
}

/// A record with the version that it was read from.
pub(crate) struct Held {
    pub(crate) record: Record,
    version: Stored,
}

/// The record in a file: with a serial of its own as well.
#[derive(Serialize, Deserialize)]
struct InFile {
    serial: u64,
    record: serde_json::Value,
}

/// Why the end of a step was not noted.
pub(crate) enum Unwritten {
    /// The release is over: why, as a clause.
    Over(String),
    /// The record could not be written.
    Failed(Failure),
}

impl<'a> Store<'a> {
    pub(crate) fn new(
        session: &Session,
        environment: &EnvironmentName,
        file: Option<&Path>,
        at_work: Option<&'a OnceLock<String>>,
    ) -> Result<Self, Failure> {
        let at = |place| Self {
            place,
            environment: environment.clone(),
            at_work,
        };
        if let Some(file) = file {
            return Ok(at(Place::File(file.to_owned())));
        }
        let lock = session.topology.lock.as_ref().ok_or_else(|| {
            Failure::refused(
                "There is no place for the record of a release: the topology names no `lock`.",
                format!("`{}`", session.topology_file.display()),
                "Add `lock: { gitlab_project: …, name: \"gigadb-roles-{environment}\" }`, or keep \
                 the record in a file with --record FILE.",
            )
        })?;
        Ok(at(Place::Gitlab(LeasePlace {
            project: lock.gitlab_project.clone(),
            name: record_state(environment),
        })))
    }

    fn name(&self) -> String {
        match &self.place {
            Place::Gitlab(place) => format!(
                "Terraform state `{}` of GitLab project `{}`",
                place.name, place.project
            ),
            Place::File(file) => format!("`{}`", file.display()),
        }
    }

    /// The file that keeps the record, as a word of a command.
    pub(crate) fn kept_in(&self) -> Option<String> {
        match &self.place {
            Place::Gitlab(_) => None,
            Place::File(file) => Some(quoting::word(&file.display().to_string())),
        }
    }

    /// A command that goes on with this record, in backquotes.
    pub(crate) fn command(&self, words: &str) -> String {
        release::command(words, &self.environment, self.kept_in().as_deref())
    }

    /// Reads the record; `None` where there never was one.
    pub(crate) async fn read(
        &self,
        session: &Session,
        cancel: &CancellationToken,
    ) -> Result<Option<Held>, Failure> {
        let unread = |why: String, next: &str| {
            Failure::refused(
                format!("The record of the release could not be read: {why}."),
                self.name(),
                next,
            )
        };
        let stored = match &self.place {
            Place::Gitlab(place) => {
                let within = Within::All(session.apis.call_within());
                let read = session.apis.read_record(place, cancel);
                let read = ui::waiting("Reading the record of the release", within, read).await;
                if read.is_err() && cancel.is_cancelled() {
                    return Err(Failure::interrupted());
                }
                read.map_err(|failure| {
                    // GitLab has answered, and what it holds is none of ours.
                    let next = if failure.cause == Cause::Nonsense {
                        "Look at the state's versions in GitLab, under Operate, Terraform states: \
                         something else writes to it. Give that another name and remove the state \
                         if no release is on its way, or name a file with --record FILE."
                    } else {
                        "Run the command again once GitLab answers; --record FILE keeps a record \
                         without it."
                    };
                    unread(failure.to_string(), next)
                })?
            }
            Place::File(file) => from_file(file).map_err(|why| unread(why, NAME_ITS_FILE))?,
        };
        let Some(version) = stored else {
            return Ok(None);
        };
        let mut record = Record::parse(version.record.as_bytes()).map_err(|error| {
            let next = match (&error, &self.place) {
                (UnreadableRecord::Newer(_), _) => {
                    "Use the newest gigadb-roles that your team has."
                }
                (UnreadableRecord::NoRecord { .. }, Place::Gitlab(_)) => {
                    "Look at the state's versions in GitLab, under Operate, Terraform states: an \
                     earlier one may be whole. --record FILE keeps a record without it."
                }
                (UnreadableRecord::NoRecord { .. }, Place::File(_)) => NAME_ITS_FILE,
            };
            let error = match &self.place {
                Place::File(file) if matches!(error, UnreadableRecord::NoRecord { .. }) => {
                    place_in(file).unwrap_or(error)
                }
                _ => error,
            };
            unread(error.to_string(), next)
        })?;
        record.kept_in = self.kept_in();
        if record.environment != self.environment {
            return Err(unread(
                format!("it is about environment `{}`", record.environment),
                "Name that environment, or another record.",
            ));
        }
        Ok(Some(Held { record, version }))
    }

    /// Writes a record over the version that was read.
    pub(crate) async fn write(
        &self,
        session: &Session,
        before: Option<&Held>,
        record: &Record,
        cancel: &CancellationToken,
    ) -> Result<Held, Failure> {
        let text = serde_json::to_string_pretty(record).map_err(|error| {
            self.not_written(format!("{error}"), "Report this as a fault of the program.")
        })?;
        let text = session.apis.redacted(&text);
        let before = before.map(|held| &held.version);
        if let Some(at_work) = self.at_work {
            let status = self.command("status");
            let _ = at_work.set(format!(
                "Run {status}: it shows what is noted, and what is so."
            ));
        }
        let version = match &self.place {
            Place::Gitlab(place) => {
                let run = RunId::new(&self.environment, Timestamp::now());
                let apis = &session.apis;
                let written = apis.write_record(place, before, &text, &run, cancel);
                let within = Within::Each(apis.call_within());
                let written = ui::waiting("Writing the record of the release", within, written);
                written.await.map_err(|why| self.refused(why))?
            }
            Place::File(file) => self.to_file(file, before, text)?,
        };
        Ok(Held {
            record: Record {
                kept_in: self.kept_in(),
                ..record.clone()
            },
            version,
        })
    }

    /// Writes what `held` is now.
    pub(crate) async fn write_again(
        &self,
        session: &Session,
        held: &mut Held,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let record = held.record.clone();
        *held = self.write(session, Some(held), &record, cancel).await?;
        Ok(())
    }

    /// Writes what became of `step`, whatever was asked meanwhile: where somebody else wrote in
    /// between, into what they wrote, and where they are just writing, a moment later. Where the
    /// release is over, nothing is written: the record is another's, or was closed.
    pub(crate) async fn write_end(
        &self,
        session: &Session,
        held: &mut Held,
        step: &Step,
    ) -> Result<(), Unwritten> {
        let never = CancellationToken::new();
        let entry = held.record.steps.get(step).cloned();
        let mut attempts = 0;
        loop {
            let Err(failure) = self.write_again(session, held, &never).await else {
                return Ok(());
            };
            attempts += 1;
            let (Ok(Some(now)), Some(entry)) = (self.read(session, &never).await, &entry) else {
                return Err(Unwritten::Failed(failure));
            };
            if let Some(why) = held.record.over(&now.record) {
                return Err(Unwritten::Over(why));
            }
            if now.record.steps.get(step) == Some(entry) {
                *held = now;
                return Ok(());
            }
            if attempts == END_ATTEMPTS {
                return Err(Unwritten::Failed(failure));
            }
            if now.version.serial == held.version.serial {
                tokio::time::sleep(A_MOMENT).await;
            }
            *held = now;
            held.record.note(step, entry.clone());
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers make the text for it"
    )]
    fn not_written(&self, why: String, next: &str) -> Failure {
        Failure::refused(
            format!("The record of the release was not written: {why}."),
            self.name(),
            next,
        )
    }

    fn faster(&self) -> Failure {
        self.not_written(
            "somebody else was faster".to_owned(),
            &format!(
                "Run {} to see what they did, then go on from there.",
                self.command("status")
            ),
        )
    }

    fn refused(&self, why: NotWritten) -> Failure {
        match why {
            NotWritten::Faster => self.faster(),
            NotWritten::Stopped => Failure::interrupted(),
            NotWritten::Held(holder) => {
                let who = holder.who.unwrap_or_else(|| "somebody".to_owned());
                let since = holder
                    .since
                    .unwrap_or_else(|| "a time not known".to_owned());
                self.not_written(
                    format!("its lock is held by `{who}` since {since}"),
                    "Run the command again in a moment. A lock that stays is removed on the \
                     state's page in GitLab, under Operate, Terraform states.",
                )
            }
            NotWritten::Failed(failure) => self.not_written(
                failure.to_string(),
                "Remove the cause, then run the command again.",
            ),
            NotWritten::Unknown(failure) => Failure::with(
                Exit::PartlyApplied,
                Message {
                    what: format!("Whether the record was written is not known: {failure}."),
                    object: self.name(),
                    changed: "The record may or may not hold what this command did.".to_owned(),
                    next: format!("Run {} once GitLab answers.", self.command("status")),
                },
            ),
        }
    }

    fn to_file(
        &self,
        file: &Path,
        before: Option<&Stored>,
        text: String,
    ) -> Result<Stored, Failure> {
        let failed = |error: std::io::Error| {
            self.not_written(
                error.to_string(),
                "Make the file and its folder writable, then run the command again.",
            )
        };
        // Held until the end of this function: two operators of one machine write in turn.
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(beside(file, "lock"))
            .map_err(failed)?;
        lock.lock().map_err(failed)?;
        let present = from_file(file).map_err(|why| self.not_written(why, NAME_ITS_FILE))?;
        let serial = |stored: Option<&Stored>| stored.map_or(0, |stored| stored.serial);
        if serial(present.as_ref()) != serial(before) {
            return Err(self.faster());
        }
        let stored = Stored {
            serial: serial(before) + 1,
            lineage: String::new(),
            record: text,
            writer: String::new(),
        };
        let record = serde_json::from_str(&stored.record).unwrap_or_default();
        let whole = InFile {
            serial: stored.serial,
            record,
        };
        let bytes = serde_json::to_vec_pretty(&whole).unwrap_or_default();
        // A team may share the file: who may read it stays.
        let mode = fs::metadata(file).map_or(0o600, |there| there.permissions().mode() & 0o777);
        replace(file, &bytes, mode).map_err(failed)?;
        Ok(stored)
    }
}

/// Where in a file it is no record.
fn place_in(file: &Path) -> Option<UnreadableRecord> {
    #[derive(Deserialize)]
    struct Whole {
        #[serde(rename = "record")]
        _record: Record,
    }
    let error = serde_json::from_slice::<Whole>(&fs::read(file).ok()?).err()?;
    Some(UnreadableRecord::NoRecord {
        line: error.line(),
        column: error.column(),
    })
}

fn from_file(file: &Path) -> Result<Option<Stored>, String> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let whole: InFile = serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("it holds no record (line {line}, column {column})")
    })?;
    Ok(Some(Stored {
        serial: whole.serial,
        lineage: String::new(),
        record: whole.record.to_string(),
        writer: String::new(),
    }))
}
