//! `gigadb-roles history`.

use std::fmt::Write as _;

use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use gigadb_clients::{
    journal::{self, Follows, JournalError, Run, RunId},
    process::Liveness,
};
use gigadb_engine::{earlier::Fate, executor::End, foreign::Foreign, intent::Mode};
use serde::Serialize;

use crate::{
    earlier_runs::{clock, fates, folder, open, unreadable},
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    named::OnlyEnvironment,
    planning, session,
    status::html::Past,
    ui::Ui,
};

/// The version of the document. New keys do not change it.
const FORMAT_VERSION: u32 = 1;
const HEADER: [&str; 7] = [
    "ID",
    "WHEN",
    "ENVIRONMENT",
    "WHAT",
    "ENDED",
    "PROGRAM",
    "REASON",
];

/// List the runs that this machine has journals of, the newest first.
///
/// Shows when each began, what it was to do, and how it ended. Reads files alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles history
  gigadb-roles history --environment live --format json")]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    environment: OnlyEnvironment,
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    runs: &'a [Entry],
    unreadable: &'a [Unreadable],
}

/// One run.
#[derive(Serialize)]
struct Entry {
    id: RunId,
    started: String,
    environment: String,
    production: String,
    hot_standby: String,
    mode: Mode,
    program: String,
    resumes: Option<RunId>,
    reverts: Option<RunId>,
    reason: Option<String>,
    /// How it ended, in a word.
    ended: &'static str,
    /// Until when something of it may still take effect; null once nothing may.
    open_until: Option<String>,
    /// Why it did not complete.
    cause: Option<String>,
    /// How many of its requests are in force, or may be.
    in_force: usize,
    perhaps_in_force: usize,
    requests: usize,
}

#[derive(Serialize)]
struct Unreadable {
    id: RunId,
    why: String,
}

/// Prints the list.
pub(super) fn run(args: &HistoryArgs, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let folder = folder()?;
    let ids = journal::ids(&folder).map_err(|error| match error {
        JournalError::Untrusted { .. } => unreadable(&error),
        error => Failure::refused(
            format!("The journals cannot be listed: {error}."),
            format!("`{}`", folder.display()),
            "Name a folder that can be read in GIGADB_JOURNAL_DIR.",
        ),
    })?;
    let mut runs = Vec::new();
    let mut not_listed = Vec::new();
    for id in ids {
        match journal::read(&folder, &id) {
            Ok(run) => runs.push(entry(&run)),
            Err(error) => not_listed.push(Unreadable {
                id,
                why: error.to_string(),
            }),
        }
    }
    if let Some(environment) = &args.environment.name() {
        runs.retain(|run| run.environment == *environment);
        if runs.is_empty() && not_listed.is_empty() {
            known(environment, global)?;
        }
    }
    for one in &not_listed {
        ui.warning(&format!("A run is not listed: {}.", one.why));
    }
    ui.answer(&match global.format {
        Format::Json => {
            let document = Document {
                format_version: FORMAT_VERSION,
                runs: &runs,
                unreadable: &not_listed,
            };
            // Strings and numbers only: this cannot fail.
            serde_json::to_string_pretty(&document).unwrap_or_default()
        }
        _ if runs.is_empty() => match args.environment.name() {
            Some(environment) => format!(
                "No run of `{environment}` has a journal in `{}`.",
                folder.display()
            ),
            None => format!("No runs have a journal in `{}`.", folder.display()),
        },
        _ => text(&runs, ui.width()),
    })?;
    Ok(Exit::Success)
}

/// Fails where a topology is there and has no such environment: then it is a slip, and no empty history.
fn known(environment: &str, global: &Global) -> Result<(), Failure> {
    match session::topology_if_any(global)? {
        Some(topology) => planning::environment(&topology, environment).map(drop),
        None => Ok(()),
    }
}

/// The runs whose journals can be read here, the newest first, for a page.
pub(super) fn past() -> Vec<Past> {
    let Some(folder) = folder().ok() else {
        return Vec::new();
    };
    let ids = journal::ids(&folder).unwrap_or_default().into_iter();
    let runs = ids.filter_map(|id| journal::read(&folder, &id).ok());
    runs.map(|run| {
        let entry = entry(&run);
        Past {
            what: entry.what(),
            ended: entry.how(),
            environment: entry.environment,
            started: entry.started,
            reason: entry.reason.unwrap_or_default(),
        }
    })
    .collect()
}

fn entry(run: &Run) -> Entry {
    let header = &run.header;
    let fates = fates(run);
    let open = open(run);
    let open_until = open.forward.max(open.back);
    let count = |fate| fates.iter().filter(|one| **one == fate).count();
    let (resumes, reverts) = match &header.follows {
        Some(Follows::Resumes(id)) => (Some(id.clone()), None),
        Some(Follows::Reverts(id)) => (None, Some(id.clone())),
        None => (None, None),
    };
    Entry {
        id: header.id.clone(),
        started: header.started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        environment: header.environment.to_string(),
        production: header.arrangement.production.to_string(),
        hot_standby: header.arrangement.hot_standby.to_string(),
        mode: header.mode,
        program: header.program.clone(),
        resumes,
        reverts,
        reason: header.reason.clone(),
        ended: match run.outcome().map(|outcome| outcome.end) {
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
        },
        open_until: open_until.map(clock),
        cause: run.outcome().and_then(|outcome| outcome.cause.clone()),
        in_force: count(Fate::InForce),
        perhaps_in_force: count(Fate::Perhaps),
        requests: fates.len(),
    }
}

impl Entry {
    fn what(&self) -> String {
        let promoted = &self.production;
        match (&self.resumes, &self.reverts) {
            (Some(id), _) => format!("resume of {id}"),
            (_, Some(id)) => format!("revert of {id}"),
            (None, None) => match self.mode {
                Mode::Switchover => format!("production {promoted}"),
                Mode::Failover => format!("failover to {promoted}"),
            },
        }
    }

    fn how(&self) -> String {
        let mut word = self.ended.replace('_', " ");
        if let Some(until) = &self.open_until {
            let open = format!("open until {until}");
            word = match self.ended {
                "open" => open,
                _ => format!("{word}, {open}"),
            };
        }
        if matches!(self.ended, "completed" | "nothing_changed" | "put_back") {
            return word;
        }
        let perhaps = match self.perhaps_in_force {
            0 => String::new(),
            some => format!(", {some} perhaps"),
        };
        format!(
            "{word}: {} of {} in force{perhaps}",
            self.in_force, self.requests
        )
    }
}

fn text(runs: &[Entry], width: Option<u16>) -> String {
    let rows: Vec<[String; 7]> = runs
        .iter()
        .map(|run| {
            [
                run.id.to_string(),
                run.started.clone(),
                run.environment.clone(),
                run.what(),
                run.how(),
                Foreign(&run.program).to_string(),
                Foreign(run.reason.as_deref().unwrap_or_default()).to_string(),
            ]
        })
        .collect();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(HEADER);
    for row in &rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.trim_fmt();
    let widest = text.lines().map(|line| line.chars().count()).max();
    if width.is_none_or(|width| widest.unwrap_or_default() <= usize::from(width)) {
        return text;
    }
    // Ids are copied, so they are never folded: one fact a line instead.
    let stacked = rows.iter().map(|[id, facts @ ..]| {
        let mut text = id.clone();
        for (heading, fact) in HEADER.iter().skip(1).zip(facts) {
            if !fact.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(text, "\n  {}: {fact}", heading.to_lowercase());
            }
        }
        text
    });
    stacked.collect::<Vec<_>>().join("\n")
}
