//! The record of a release in a Terraform state of GitLab: versions with a serial of their own,
//! of which GitLab keeps each once, and a lock.
//!
//! **Invariants.** A record is written under the lock and over the version that was read; whose
//! serial is there already lost the race. A request without an answer is read back, and sent again
//! only where nothing of it is there: the same bytes under the same serial.

use gigadb_engine::{
    rules::one_swap_at_a_time::{Holder, LeasePlace},
    world::{Cause, Failure, FailureKind},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    Apis, Patience,
    gitlab::document,
    http::Budget,
    journal::RunId,
    lease::{NotTaken, Released},
};

/// The output of the state that holds the record.
pub(crate) const OUTPUT: &str = "release";
/// The output that tells who wrote this version.
pub(crate) const WRITER: &str = "written_by";

/// A version of the record, as it was read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its serial.
    pub serial: u64,
    /// The state's lineage.
    pub lineage: String,
    /// The record, as text.
    pub record: String,
    /// Who wrote this version.
    pub writer: String,
}

/// Why a record was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritten {
    /// Somebody else wrote in between.
    Faster,
    /// Somebody else holds the lock.
    Held(Holder),
    /// GitLab refused, or could not be asked.
    Failed(Failure),
    /// GitLab did not answer, and what it holds could not be read.
    Unknown(Failure),
    /// The operator asked to stop.
    Stopped,
}

impl Apis {
    /// The newest version of the record at `place`; `None` where there is none.
    pub async fn read_record(
        &self,
        place: &LeasePlace,
        cancel: &CancellationToken,
    ) -> Result<Option<Stored>, Failure> {
        let budget = Budget::new(self.timing().call, Some(cancel));
        let LeasePlace { project, name } = place;
        let state = self.gitlab.whole_state(project, name, budget).await;
        let Some(state) = state.map_err(|error| error.failure())? else {
            return Ok(None);
        };
        stored(&state).map(Some).ok_or_else(|| {
            Failure::new(
                FailureKind::Refused,
                format!("Terraform state `{name}` of project `{project}` holds no release"),
            )
            .because(Cause::Nonsense)
        })
    }

    /// Writes `record` over the version `before`. `run` tells this write from all others.
    pub async fn write_record(
        &self,
        place: &LeasePlace,
        before: Option<&Stored>,
        record: &str,
        run: &RunId,
        cancel: &CancellationToken,
    ) -> Result<Stored, NotWritten> {
        let lease = self
            .take_lease(place, run, Some("release"), Patience::Ordinary, cancel)
            .await
            .map_err(|why| match why {
                NotTaken::Held(holder) => NotWritten::Held(holder),
                NotTaken::Failed(failure) => NotWritten::Failed(failure),
                NotTaken::Stopped => NotWritten::Stopped,
            })?;
        let new = Stored {
            serial: before.map_or(0, |before| before.serial) + 1,
            lineage: before.map_or_else(|| run.to_string(), |before| before.lineage.clone()),
            record: record.to_owned(),
            writer: run.to_string(),
        };
        let written = self.put_record(place, &new, lease.id()).await;
        if let Released::Failed(failure) = self.release_lease(lease).await {
            tracing::warn!(%place, %failure, "the lock of the record could not be given back");
        }
        written.map(|()| new)
    }

    async fn put_record(
        &self,
        place: &LeasePlace,
        new: &Stored,
        lock: &str,
    ) -> Result<(), NotWritten> {
        let LeasePlace { project, name } = place;
        let never = CancellationToken::new();
        let mut sent = 0;
        loop {
            let budget = Budget::new(self.timing().call, None);
            let outputs = [(OUTPUT, &*new.record), (WRITER, &*new.writer)];
            let body = document(new.serial, &new.lineage, &outputs);
            let answer = self
                .gitlab
                .put_state(project, name, lock, body, budget)
                .await;
            sent += 1;
            let failure = match answer {
                Ok(true) => return Ok(()),
                // The serial is there: by an earlier request of this write, or by somebody else.
                Ok(false) => None,
                Err(error) if error.fault.surely_not_applied() => {
                    return Err(NotWritten::Failed(error.failure()));
                }
                Err(error) => Some(error.failure()),
            };
            let found = match self.read_record(place, &never).await {
                Ok(found) => found,
                Err(unread) => return Err(NotWritten::Unknown(failure.unwrap_or(unread))),
            };
            match found {
                Some(found) if found == *new => return Ok(()),
                Some(found) if found.serial >= new.serial => return Err(NotWritten::Faster),
                _ if sent < self.timing().attempts => {
                    tokio::time::sleep(self.timing().settle(sent)).await;
                }
                _ => {
                    return Err(match failure {
                        Some(failure) => NotWritten::Unknown(failure),
                        None => NotWritten::Faster,
                    });
                }
            }
        }
    }
}

fn stored(state: &Value) -> Option<Stored> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let output = |name: &str| text(&state["outputs"][name]["value"]);
    Some(Stored {
        serial: state["serial"].as_u64()?,
        lineage: text(&state["lineage"])?,
        record: output(OUTPUT)?,
        writer: output(WRITER)?,
    })
}
