//! Earlier runs, from their journals.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use gigadb_clients::{
    journal::{self, Follows, JournalError, Run, RunId, StillOpen},
    process::Liveness,
    settings,
};
use gigadb_engine::{
    earlier::{EarlierRun, Obstacle},
    executor::End,
    message::Message,
    plan::Plan,
    topology::Topology,
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{exit::Exit, failure::Failure, planning, surroundings, ui::Ui};

/// The folder of the journals.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    journal::folder(&surroundings::variable).ok_or_else(|| {
        Failure::refused(
            "There is no folder for journals.",
            "GIGADB_JOURNAL_DIR",
            "Set GIGADB_JOURNAL_DIR, XDG_STATE_HOME or HOME, and run the command again.",
        )
    })
}

/// A run whose journal was read.
pub(crate) struct Earlier {
    pub(crate) id: RunId,
    pub(crate) run: Run,
    /// What the engine needs of it.
    pub(crate) left: EarlierRun,
}

/// Reads the journal of the run that is named, to go on from it under `topology`.
pub(crate) fn read(text: &str, topology: &Topology, ui: &Ui) -> Result<Earlier, Failure> {
    let id: RunId = text.parse().map_err(|error: journal::NotARunId| {
        Failure::usage(
            format!("There is no such run: {error}."),
            format!("run `{text}`"),
            "Name a run that `gigadb-roles history` lists.",
        )
    })?;
    let object = || format!("run `{id}`");
    let folder = folder()?;
    let ids = journal::ids(&folder).map_err(|error| unreadable(&error))?;
    if !ids.contains(&id) {
        return Err(Failure::refused(
            format!("No such run has a journal in `{}`.", folder.display()),
            object(),
            "Name a run that `gigadb-roles history` lists; GIGADB_JOURNAL_DIR says where journals \
             are.",
        ));
    }
    let run = journal::read(&folder, &id).map_err(|error| unreadable(&error))?;
    if run.header.topology != topology.digest() {
        return Err(Failure::refused(
            "The run was planned from another topology, or the topology changed since.",
            object(),
            "Name the topology that it was planned from with --topology, or plan the arrangement \
             that shall hold: `gigadb-roles plan --production`.",
        ));
    }
    if run.outcome().is_none() {
        match run.header.process.liveness() {
            Liveness::Running => {
                return Err(Failure::refused(
                    format!(
                        "The run is still under way: process {} of `{}`.",
                        run.header.process.pid, run.header.process.host
                    ),
                    object(),
                    "Wait for its end.",
                ));
            }
            Liveness::Unknown => ui.warning(&format!(
                "It cannot be told from here whether process {} of `{}`, which began this run, \
                 has ended. Make sure that it has.",
                run.header.process.pid, run.header.process.host
            )),
            Liveness::Gone => {}
        }
    }
    let left = EarlierRun {
        intent: run.header.intent(),
        stages: run.header.stages.clone(),
        fates: run.fates(),
    };
    Ok(Earlier { id, run, left })
}

impl Earlier {
    /// Waits until nothing of the run is open that `back` must not overtake, or be overtaken by;
    /// says so, and ends the wait where a stop is asked.
    pub(crate) async fn wait_until_closed(&self, back: bool, ui: &Ui, cancel: &CancellationToken) {
        let open = self.open();
        let Some(until) = (if back { open.forward } else { open.back }) else {
            return;
        };
        let left = Duration::from_secs(until.saturating_sub(now()));
        if left.is_zero() {
            return;
        }
        ui.note(&format!(
            "What run {} sent may still take effect: waiting until {}, {} s from now. Ctrl-C ends \
             the wait, and then nothing is changed.",
            self.id,
            clock(until),
            left.as_secs()
        ));
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            () = cancel.cancelled() => {}
        }
    }

    /// Until when something of it may still take effect.
    fn open(&self) -> StillOpen {
        open(&self.run)
    }

    /// Refuses where a later run changed the same environment, unless it `continued` this one the
    /// same way. What a later run completed is taken back with that run, not piece by piece.
    pub(crate) fn is_the_last(&self, continued: &Follows, ui: &Ui) -> Result<(), Failure> {
        let folder = folder()?;
        let ids = journal::ids(&folder).map_err(|error| unreadable(&error))?;
        let mut taken_back = BTreeSet::new();
        for id in ids.into_iter().take_while(|id| *id > self.id) {
            let later = match journal::read(&folder, &id) {
                Ok(later) => later,
                Err(error) => {
                    ui.warning(&format!("A later journal was not considered: {error}."));
                    continue;
                }
            };
            let follows = later.header.follows.as_ref() == Some(continued);
            if let Some(Follows::Reverts(other)) = &later.header.follows
                && *other != self.id
                && later
                    .outcome()
                    .is_some_and(|outcome| outcome.end == End::Completed)
                && !taken_back.contains(&id)
            {
                // Neither is in force any more.
                taken_back.extend([id.clone(), other.clone()]);
            }
            if taken_back.contains(&id) {
                continue;
            }
            let here = later.header.environment == self.run.header.environment;
            if here && !follows && later.says_in_force() {
                return Err(Failure::with(
                    Exit::Stale,
                    Message::nothing_changed(
                        format!("A later run changed the same environment: {id}"),
                        format!("run `{}`", self.id),
                        "Take the later run back first, or plan the arrangement that shall hold: \
                         `gigadb-roles plan --production`.",
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The plan, or why there is none.
    pub(crate) fn planned(&self, made: Result<Plan, Obstacle>) -> Result<Plan, Failure> {
        made.map_err(|obstacle| match obstacle {
            Obstacle::Incomputable(why) => planning::no_plan(&self.run.header.environment, &why),
            Obstacle::Outside(faults) => Failure::refused(
                "The journal names what no plan under this topology writes, so it was edited, or \
                 written by another program.",
                format!("run `{}`: {}", self.id, faults.join("; ")),
                format!(
                    "Find out who changed the journal. To go on from how things are now, plan the \
                     arrangement that shall hold: `gigadb-roles plan --environment {} \
                     --production`.",
                    self.run.header.environment
                ),
            ),
            Obstacle::Changed(moved) => {
                let list: Vec<String> = moved
                    .iter()
                    .map(|one| {
                        format!(
                            "{}: `{}` after the run, now `{}`",
                            one.object, one.planned_from, one.present
                        )
                    })
                    .collect();
                let (s, was) = if list.len() == 1 {
                    ("", "was")
                } else {
                    ("s", "were")
                };
                Failure::with(
                    Exit::Stale,
                    Message::nothing_changed(
                        format!("{} object{s} {was} changed since this run.", list.len()),
                        format!("run `{}`: {}", self.id, list.join("; ")),
                        format!(
                            "Find out who changed it. To go on from how things are now, plan the \
                             arrangement that shall hold: `gigadb-roles plan --environment {} \
                             --production`.",
                            self.run.header.environment
                        ),
                    ),
                )
            }
        })
    }
}

/// Until when something of a run may still take effect.
pub(crate) fn open(run: &Run) -> StillOpen {
    // A number that cannot be used stops every command that writes.
    let open_for = settings::open_for(&surroundings::variable).unwrap_or_default();
    let open = run.still_open(open_for);
    let since = now();
    StillOpen {
        forward: open.forward.filter(|until| *until > since),
        back: open.back.filter(|until| *until > since),
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// A time of day in UTC.
fn clock(until: u64) -> String {
    let at = i64::try_from(until).map(Timestamp::from_second);
    match at {
        Ok(Ok(at)) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        _ => until.to_string(),
    }
}

pub(crate) fn unreadable(error: &JournalError) -> Failure {
    if let JournalError::Untrusted { path, why } = error {
        return Failure::refused(
            format!("The journal is not trusted: {why}. What a journal says is acted on."),
            format!("`{path}`"),
            format!(
                "Look through it, then make it yours alone: `chmod go-w '{path}'` (and `chown` \
                 where it belongs to somebody else), or name a folder of your own in \
                 GIGADB_JOURNAL_DIR."
            ),
        );
    }
    Failure::refused(
        format!("The journal cannot be read: {error}."),
        "the journal",
        "Name a run that `gigadb-roles history` lists; GIGADB_JOURNAL_DIR says where journals are.",
    )
}
