//! Which runs there were: each as its journal tells it, and as the summary tells that it leaves for everybody.
//!
//! A journal is one machine's. So a run that held the lease leaves a [`Summary`] in the state whose lock
//! the lease is: who, what, when and how it ended, and no values.
//!
//! **Invariants.** A summary is left under the lease, and only in a state that holds nothing else. It never
//! holds a run up for longer than two seconds, and never changes how it ends.

use std::time::Duration;

use gigadb_engine::{
    earlier::Fate,
    executor::End,
    intent::Mode,
    rules::one_swap_at_a_time::LeasePlace,
    world::{Failure, FailureKind},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Apis,
    gitlab::document,
    http::Budget,
    journal::{self, Follows, Run, RunId},
    lease::Lease,
    process::Liveness,
};

/// The version of the list. Newer ones are neither read nor written over.
const FORMAT_VERSION: u32 = 1;
/// The only output of the state.
const OUTPUT: &str = "history";
/// How many summaries a state keeps.
const KEPT: usize = 100;
/// How long a run waits, at its end, until its summary is written.
pub(crate) const AT_MOST: Duration = Duration::from_secs(2);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

/// One run, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: RunId,
    /// When it began, as `2026-11-29T09:00:00Z`.
    pub started: String,
    /// The environment.
    pub environment: String,
    /// Who was to be production.
    pub production: String,
    /// Who was to be hot standby.
    pub hot_standby: String,
    /// How the roles were to be traded.
    pub mode: Mode,
    /// The program and its version.
    pub program: String,
    /// The run that it completes.
    pub resumes: Option<RunId>,
    /// The run that it takes back.
    pub reverts: Option<RunId>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// How it ended, in a word: `completed`, `nothing_changed`, `put_back`, `open`, `partly_applied`,
    /// or, without an end, `under_way`, `interrupted` and `not_ended`.
    pub ended: String,
    /// Until when something of it may still take effect; `None` once nothing may.
    pub open_until: Option<String>,
    /// Why it did not complete. Left out of what others see: it may name values.
    #[serde(default)]
    pub cause: Option<String>,
    /// How many of its requests are in force.
    pub in_force: usize,
    /// How many may be.
    pub perhaps_in_force: usize,
    /// How many there were to be.
    pub requests: usize,
    /// How many objects it could not settle, and a later run has to.
    #[serde(default, skip_serializing_if = "is_none")]
    pub owed: usize,
    /// How many objects its last reading did not show as it had written them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub not_shown: usize,
    /// Who ran it, where that is known: `ada@bastion`.
    #[serde(default)]
    pub by: Option<String>,
}

impl Summary {
    /// A run as its journal tells it now, where a request may take effect for `open_for`.
    pub fn of(run: &Run, open_for: Duration) -> Self {
        let header = &run.header;
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        let open = run.still_open(open_for);
        let open_until = open.forward.max(open.back).filter(|until| *until > now);
        let fates = run.fates();
        let count = |fate| fates.iter().filter(|one| **one == fate).count();
        let (resumes, reverts) = match &header.follows {
            Some(Follows::Resumes(id)) => (Some(id.clone()), None),
            Some(Follows::Reverts(id)) => (None, Some(id.clone())),
            None => (None, None),
        };
        let ended = match run.outcome().map(|outcome| outcome.end) {
            Some(End::Completed) => "completed",
            Some(End::NothingChanged) => "nothing_changed",
            Some(End::Reverted) => "put_back",
            Some(End::Open) if open_until.is_some() => "open",
            Some(End::PartlyApplied | End::Open) => "partly_applied",
            None => match header.process.liveness() {
                Liveness::Running => "under_way",
                Liveness::Gone => "interrupted",
                Liveness::Unknown => "not_ended",
            },
        };
        Self {
            id: header.id.clone(),
            started: instant(header.started),
            environment: header.environment.to_string(),
            production: header.arrangement.production.to_string(),
            hot_standby: header.arrangement.hot_standby.to_string(),
            mode: header.mode,
            program: header.program.clone(),
            resumes,
            reverts,
            reason: header.reason.clone(),
            ended: ended.to_owned(),
            open_until: open_until
                .and_then(|until| Timestamp::from_second(until.try_into().ok()?).ok())
                .map(instant),
            cause: run.outcome().and_then(|outcome| outcome.cause.clone()),
            in_force: count(Fate::InForce),
            perhaps_in_force: count(Fate::Perhaps),
            requests: fates.len(),
            owed: run.left().owed.len(),
            not_shown: run.left().not_shown.len(),
            by: header.by.clone(),
        }
    }

    /// What was open when it was written, and is not any more.
    fn at(mut self, now: Timestamp) -> Self {
        let until = |text: &String| text.parse::<Timestamp>().ok();
        if self
            .open_until
            .as_ref()
            .and_then(until)
            .is_some_and(|until| until <= now)
        {
            self.open_until = None;
            if self.ended == "open" {
                "partly_applied".clone_into(&mut self.ended);
            }
        }
        self
    }
}

fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The list, as the state's output has it.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    format_version: u32,
    /// The newest last. What a newer version wrote otherwise is passed over.
    runs: Vec<Value>,
}

/// A version of the state.
struct Version {
    serial: u64,
    lineage: String,
    list: List,
}

impl Apis {
    /// The runs that left a summary at `place`, the newest first; waits for them `at_most` so long.
    pub async fn shared_history(
        &self,
        place: &LeasePlace,
        at_most: Duration,
    ) -> Result<Vec<Summary>, Failure> {
        let budget = Budget::new(at_most.min(self.timing().call), None);
        let version = self.left_at(place, budget).await?;
        let runs = version.into_iter().flat_map(|version| version.list.runs);
        let runs = runs.filter_map(|run| serde_json::from_value::<Summary>(run).ok());
        let now = Timestamp::now();
        let mut runs: Vec<Summary> = runs.map(|run| run.at(now)).collect();
        runs.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(runs)
    }

    /// Leaves a summary of the run `id`, which has ended, in the state whose lock its lease is.
    pub(crate) async fn leave_summary(&self, lease: &Lease, id: &RunId) {
        let Some(folder) = self.journal_folder.as_deref() else {
            return;
        };
        let Ok(run) = journal::read(folder, id) else {
            return;
        };
        let summary = Summary {
            cause: None,
            ..Summary::of(&run, self.timing().open_for)
        };
        let place = lease.place();
        let left = tokio::time::timeout(AT_MOST, self.add(place, lease.id(), &summary));
        let why = match left.await {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "GitLab did not answer in time".to_owned(),
        };
        tracing::warn!(%place, %why, "this run may be missing from what other machines list");
    }

    async fn add(&self, place: &LeasePlace, lock: &str, summary: &Summary) -> Result<(), Failure> {
        // Runs of this process that share the lease write in turn.
        let slot = self.leases.at(place);
        let _alone = slot.lock().await;
        let budget = Budget::new(AT_MOST, None);
        let version = self.left_at(place, budget).await?;
        let Version {
            serial,
            lineage,
            list: List { mut runs, .. },
        } = version.unwrap_or_else(|| Version {
            serial: 0,
            lineage: summary.id.to_string(),
            list: List {
                format_version: FORMAT_VERSION,
                runs: Vec::new(),
            },
        });
        runs.push(serde_json::to_value(summary).map_err(|error| refused(error.to_string()))?);
        runs.drain(..runs.len().saturating_sub(KEPT));
        let list = List {
            format_version: FORMAT_VERSION,
            runs,
        };
        let text = serde_json::to_string(&list).map_err(|error| refused(error.to_string()))?;
        let text = self.redacted(&text);
        let body = document(serial + 1, &lineage, &[(OUTPUT, &text)]);
        let LeasePlace { project, name } = place;
        let put = self.gitlab.put_state(project, name, lock, body, budget);
        match put.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused("somebody else was faster".to_owned())),
            Err(error) => Err(error.failure()),
        }
    }

    /// What is in the state; `None` where there is no version of it. A state that holds anything
    /// else is refused.
    async fn left_at(
        &self,
        place: &LeasePlace,
        budget: Budget<'_>,
    ) -> Result<Option<Version>, Failure> {
        let LeasePlace { project, name } = place;
        let state = self.gitlab.whole_state(project, name, budget).await;
        let Some(state) = state.map_err(|error| error.failure())? else {
            return Ok(None);
        };
        let of = format!("Terraform state `{name}` of project `{project}`");
        let version = version(&state)
            .ok_or_else(|| refused(format!("{of} holds something else than a history of runs")))?;
        if version.list.format_version > FORMAT_VERSION {
            return Err(refused(format!(
                "{of} has version {} of the history of runs, and this program knows {FORMAT_VERSION} at most",
                version.list.format_version
            )));
        }
        Ok(Some(version))
    }
}

fn refused(why: String) -> Failure {
    Failure::new(FailureKind::Refused, why)
}

fn version(state: &Value) -> Option<Version> {
    let outputs = state["outputs"].as_object()?;
    if outputs.len() != 1 || !state["resources"].as_array()?.is_empty() {
        return None;
    }
    Some(Version {
        serial: state["serial"].as_u64()?,
        lineage: state["lineage"].as_str()?.to_owned(),
        list: serde_json::from_str(outputs.get(OUTPUT)?["value"].as_str()?).ok()?,
    })
}
