//! Earlier runs, from their journals.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use gigadb_clients::{
    journal::{self, Follows, JournalError, Run, RunId, StillOpen},
    process::Liveness,
    settings,
};
use gigadb_engine::{
    earlier::{EarlierRun, Obstacle},
    executor::End,
    message::Message,
    name::EnvironmentName,
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

/// A run whose journal was read, with those that it resumed and that resumed it: together they are
/// one.
pub(crate) struct Earlier {
    /// The run that was named.
    pub(crate) id: RunId,
    /// The first one, and those that resumed it, in order. Never empty.
    runs: Vec<Run>,
    /// Whatever else began after the first one, the newest first.
    later: Vec<Run>,
    /// What the engine needs of it.
    pub(crate) left: EarlierRun,
}

/// The run that `run` resumed in the end: itself, where it resumed none. One that cannot be read is
/// told to `warn`.
pub(crate) fn first_of(run: Run, folder: &Path, warn: impl Fn(&str)) -> Run {
    let mut first = run;
    while let Some(Follows::Resumes(id)) = first.header.follows.clone()
        && id < first.header.id
    {
        match journal::read(folder, &id) {
            Ok(run) => first = run,
            Err(error) => {
                warn(&format!(
                    "Run {id}, which run {} resumed, was not considered: {error}.",
                    first.header.id
                ));
                break;
            }
        }
    }
    first
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
    let folder = folder()?;
    let ids = journal::ids(&folder).map_err(|error| unreadable(&error))?;
    if !ids.contains(&id) {
        return Err(Failure::refused(
            format!("No such run has a journal in `{}`.", folder.display()),
            format!("run `{id}`"),
            "Name a run that `gigadb-roles history` lists; GIGADB_JOURNAL_DIR says where journals \
             are.",
        ));
    }
    let named = journal::read(&folder, &id).map_err(|error| unreadable(&error))?;
    let first = first_of(named, &folder, |told| ui.warning(told));
    let since = first.header.id.clone();
    let mut runs = vec![first];
    let mut later = Vec::new();
    for other in ids.iter().rev().filter(|other| **other > since) {
        match journal::read(&folder, other) {
            Ok(run) => {
                let own = match &run.header.follows {
                    Some(Follows::Resumes(id)) => runs.iter().any(|run| run.header.id == *id),
                    _ => false,
                };
                if own { &mut runs } else { &mut later }.push(run);
            }
            Err(error) => ui.warning(&format!("A later journal was not considered: {error}.")),
        }
    }
    later.reverse();
    for run in &runs {
        usable(run, topology, ui)?;
    }
    if let [first, others @ ..] = &runs[..]
        && !others.is_empty()
    {
        let others: Vec<&str> = others.iter().map(|run| run.header.id.as_str()).collect();
        ui.note(&format!(
            "Run {} was resumed by run {}: they are taken as one.",
            first.header.id,
            others.join(", and by run ")
        ));
    }
    let takes_back = matches!(runs[0].header.follows, Some(Follows::Reverts(_)));
    let of = |run: &Run| EarlierRun {
        intent: run.header.intent(),
        takes_back,
        stages: run.header.stages.clone(),
        fates: run.fates(),
        resumed_by: None,
    };
    let left = runs[1..]
        .iter()
        .fold(of(&runs[0]), |left, run| left.then(of(run)));
    Ok(Earlier {
        id,
        runs,
        later,
        left,
    })
}

/// Refuses a run that is under way, or was planned from another topology.
fn usable(run: &Run, topology: &Topology, ui: &Ui) -> Result<(), Failure> {
    let object = format!("run `{}`", run.header.id);
    if run.header.topology != topology.digest() {
        return Err(Failure::refused(
            "The run was planned from another topology, or the topology changed since.",
            object,
            format!(
                "Name the topology that it was planned from with --topology, or plan the \
                 arrangement that shall hold: {}.",
                either_way(run)
            ),
        ));
    }
    if run.outcome().is_none() {
        let process = &run.header.process;
        match process.liveness() {
            Liveness::Running => {
                return Err(Failure::refused(
                    format!(
                        "The run is still under way: process {} of `{}`.",
                        process.pid, process.host
                    ),
                    object,
                    "Wait for its end.",
                ));
            }
            Liveness::Unknown => ui.warning(&format!(
                "It cannot be told from here whether process {} of `{}`, which began this run, \
                 has ended. Make sure that it has.",
                process.pid, process.host
            )),
            Liveness::Gone => {}
        }
    }
    Ok(())
}

/// The commands that plan one arrangement of the run's two sides, or the other.
fn either_way(run: &Run) -> String {
    let header = &run.header;
    format!(
        "`gigadb-roles plan --environment {} --production {}`, or `--production {}`",
        header.environment, header.arrangement.production, header.arrangement.hot_standby
    )
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
        self.runs
            .iter()
            .map(open)
            .fold(StillOpen::default(), |all, one| StillOpen {
                forward: all.forward.max(one.forward),
                back: all.back.max(one.back),
            })
    }

    /// The environment that it was of.
    pub(crate) fn environment(&self) -> &EnvironmentName {
        &self.runs[0].header.environment
    }

    /// Refuses where a later run changed the same environment, unless it took this one back, and
    /// that is what is to be done.
    pub(crate) fn is_the_last(&self, taking_back: bool) -> Result<(), Failure> {
        let own = |id: &RunId| self.runs.iter().any(|run| run.header.id == *id);
        // The first run of those that were resumed by one another.
        let first = |id: &RunId| {
            let mut first = id.clone();
            while let Some(Follows::Resumes(earlier)) = self
                .later
                .iter()
                .find(|run| run.header.id == first)
                .and_then(|run| run.header.follows.as_ref())
                && *earlier < first
            {
                first = earlier.clone();
            }
            first
        };
        let reverts = |id: &RunId| {
            let found = self.later.iter().find(|run| run.header.id == first(id));
            match found.and_then(|run| run.header.follows.as_ref()) {
                Some(Follows::Reverts(other)) => Some(other),
                _ => None,
            }
        };
        let began_later = |id: &RunId| self.later.iter().any(|run| run.header.id == *id);
        let mut taken_back = BTreeSet::new();
        for later in &self.later {
            let id = &later.header.id;
            let back = reverts(id);
            if let Some(other) = back
                && taken_back.contains(&first(other))
            {
                // A way back may have come in pieces: the last one completed it.
                taken_back.insert(first(id));
            }
            if let Some(other) = back
                && began_later(&first(other))
                && later
                    .outcome()
                    .is_some_and(|outcome| outcome.end == End::Completed)
                && !taken_back.contains(&first(id))
            {
                // Neither is in force any more.
                taken_back.extend([first(id), first(other)]);
            }
            let this_way = taking_back && back.is_some_and(&own);
            let here = later.header.environment == *self.environment();
            if here && !this_way && !taken_back.contains(&first(id)) && later.says_in_force() {
                return Err(Failure::with(
                    Exit::Stale,
                    Message::nothing_changed(
                        format!("A later run changed the same environment: {id}"),
                        format!("run `{}`", self.id),
                        format!(
                            "Take the later run back first, or plan the arrangement that shall \
                             hold: {}.",
                            either_way(&self.runs[0])
                        ),
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Why there is no plan: what a later run changed is no riddle.
    pub(crate) fn unplanned(&self, failure: Failure, taking_back: bool) -> Failure {
        match self.is_the_last(taking_back) {
            Err(later) if failure.exit == Exit::Stale => later,
            _ => failure,
        }
    }

    /// The plan, or why there is none.
    pub(crate) fn planned(&self, made: Result<Plan, Obstacle>) -> Result<Plan, Failure> {
        let instead = format!(
            "To go on from how things are now, plan the arrangement that shall hold: {}.",
            either_way(&self.runs[0])
        );
        made.map_err(|obstacle| match obstacle {
            Obstacle::Incomputable(why) => planning::no_plan(self.environment(), &why),
            Obstacle::Outside(faults) => Failure::refused(
                "The journal names what no plan under this topology writes, so it was edited, or \
                 written by another program.",
                format!("run `{}`: {}", self.id, faults.join("; ")),
                format!("Find out who changed the journal. {instead}"),
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
                let objects = match list.len() {
                    1 => "1 object was".to_owned(),
                    many => format!("{many} objects were"),
                };
                let ended = self.runs.iter().all(|run| run.outcome().is_some());
                let (what, next) = if ended {
                    (
                        format!("{objects} changed since this run."),
                        format!("Find out who changed it. {instead}"),
                    )
                } else {
                    (
                        format!(
                            "{objects} changed since, by the run itself or by somebody else: the \
                             journal lacks the run's end."
                        ),
                        instead.clone(),
                    )
                };
                let on = format!("run `{}`: {}", self.id, list.join("; "));
                Failure::with(Exit::Stale, Message::nothing_changed(what, on, next))
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
