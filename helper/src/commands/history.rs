//! `gigadb-roles history`.

use std::{collections::BTreeSet, fmt::Write as _, path::Path, time::Duration};

use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use futures::future::join_all;
use gigadb_clients::{
    history::Summary,
    journal::{self, JournalError, Run, RunId},
    settings,
};
use gigadb_engine::{
    foreign::Foreign, intent::Mode, message::sentence, rules::one_swap_at_a_time::LeasePlace,
};
use serde::Serialize;

use crate::{
    earlier_runs::{folder, unreadable},
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    named::OnlyEnvironment,
    planning,
    session::{self, Session, Waiting},
    status::html::Past,
    surroundings,
    ui::{self, Ui, Within},
};

/// How long the runs of other machines are waited for.
const FOR_OTHERS: Duration = Duration::from_secs(3);

const NOT_LISTED: &str = "Runs of other machines are not listed";

/// The version of the document. New keys do not change it.
const FORMAT_VERSION: u32 = 1;
const HEADER: [&str; 8] = [
    "ID",
    "WHEN",
    "ENVIRONMENT",
    "WHAT",
    "ENDED",
    "PROGRAM",
    "REASON",
    "BY",
];

/// List the runs that this machine has journals of, and those of other machines, the newest first.
///
/// Shows when each began, what it was to do, and how it ended. Where the topology names a `lock`, runs
/// that held it left a summary there, for every machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles history
  gigadb-roles history --local
  gigadb-roles history --environment live --format json")]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    environment: OnlyEnvironment,
    /// Read the journals of this machine alone, and ask nobody.
    #[arg(long)]
    local: bool,
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
    #[serde(flatten)]
    run: Summary,
    /// Whether this machine has its journal, so that it can be resumed and taken back from here.
    journal: bool,
}

impl Entry {
    /// A run of this machine.
    fn of(run: &Run) -> Self {
        Self {
            run: summary(run),
            journal: true,
        }
    }

    /// Who ran it. Journals of earlier versions tell no more than that it was here.
    fn by(&self) -> String {
        match &self.run.by {
            Some(by) => Foreign(by).to_string(),
            None if self.journal => "this machine".to_owned(),
            None => String::new(),
        }
    }
}

#[derive(Serialize)]
struct Unreadable {
    id: RunId,
    why: String,
}

impl Unreadable {
    /// What is missing, and why, as a sentence.
    fn told(&self) -> String {
        format!("A run is not listed: {}.", self.why)
    }
}

/// Prints the list.
pub(super) async fn run(args: &HistoryArgs, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let folder = folder()?;
    let ids = journal::ids(&folder).map_err(|error| match error {
        JournalError::Untrusted { .. } => unreadable(&error),
        error => Failure::refused(
            format!("The journals cannot be listed: {error}."),
            format!("`{}`", folder.display()),
            "Name a folder that can be read in GIGADB_JOURNAL_DIR.",
        ),
    })?;
    let (mut runs, not_listed) = own(&folder, ids);
    if !args.local {
        let environment = args.environment.name();
        let asked = match Session::open_if_any(global, Waiting::AtMost(FOR_OTHERS)) {
            Ok(Some(session)) => {
                add_those_of_others(&mut runs, &session, environment.as_deref()).await
            }
            Ok(None) => Ok(()),
            Err(failure) => Err(format!("{NOT_LISTED}. {}", failure.message.what)),
        };
        if let Err(why) = asked {
            ui.warning(&why);
        }
    }
    if let Some(environment) = &args.environment.name() {
        runs.retain(|entry| entry.run.environment == *environment);
        if runs.is_empty() && not_listed.is_empty() {
            known(environment, global)?;
        }
    }
    for one in &not_listed {
        ui.warning(&one.told());
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

/// The runs of this machine and of others, the newest first, for a page; and why some are missing, as
/// sentences.
pub(super) async fn past(session: &Session, environment: Option<&str>) -> (Vec<Past>, Vec<String>) {
    let here = folder()
        .map_err(|failure| failure.message.what)
        .and_then(|folder| {
            let ids = journal::ids(&folder).map_err(|error| sentence(&error.to_string()))?;
            Ok(own(&folder, ids))
        });
    let (mut runs, mut untold) = match here {
        Ok((runs, not_listed)) => (runs, not_listed.iter().map(Unreadable::told).collect()),
        Err(why) => (
            Vec::new(),
            vec![format!("Runs of this machine are not listed. {why}")],
        ),
    };
    let asked = add_those_of_others(&mut runs, session, environment).await;
    untold.extend(asked.err());
    let past = runs.into_iter().map(|entry| Past {
        by: entry.by(),
        what: what(&entry.run),
        ended: how(&entry.run),
        environment: entry.run.environment,
        started: entry.run.started,
        reason: entry.run.reason.unwrap_or_default(),
    });
    (past.collect(), untold)
}

/// The runs of these ids, and those whose journals cannot be read.
fn own(folder: &Path, ids: Vec<RunId>) -> (Vec<Entry>, Vec<Unreadable>) {
    let mut runs = Vec::new();
    let mut not_listed = Vec::new();
    for id in ids {
        match journal::read(folder, &id) {
            Ok(run) => runs.push(Entry::of(&run)),
            Err(error) => not_listed.push(Unreadable {
                id,
                why: error.to_string(),
            }),
        }
    }
    (runs, not_listed)
}

/// Adds the runs that left a summary where the topology's lock is, the newest first. What cannot be read holds
/// nothing up: why is what to tell.
async fn add_those_of_others(
    runs: &mut Vec<Entry>,
    session: &Session,
    environment: Option<&str>,
) -> Result<(), String> {
    let Some(lock) = &session.topology.lock else {
        return Ok(());
    };
    let names = session.topology.environments.keys();
    let names = names.filter(|name| environment.is_none_or(|only| name.as_str() == only));
    // Environments may share one.
    let places: BTreeSet<LeasePlace> = names.map(|name| LeasePlace::under(lock, name)).collect();
    let asked = places
        .iter()
        .map(|place| session.apis.shared_history(place, FOR_OTHERS));
    let known: BTreeSet<RunId> = runs.iter().map(|entry| entry.run.id.clone()).collect();
    let mut untold = Vec::new();
    let what = "Asking GitLab for the runs of other machines";
    let found = ui::waiting(what, Within::All(FOR_OTHERS), join_all(asked)).await;
    for (place, found) in places.iter().zip(found) {
        match found {
            Ok(found) => {
                let new = found.into_iter().filter(|run| !known.contains(&run.id));
                runs.extend(new.map(|run| Entry {
                    run,
                    journal: false,
                }));
            }
            Err(failure) => untold.push(format!("the {place} cannot be read: {failure}")),
        }
    }
    runs.sort_by(|a, b| b.run.id.cmp(&a.run.id));
    if untold.is_empty() {
        Ok(())
    } else {
        Err(format!("{NOT_LISTED}: {}.", untold.join("; ")))
    }
}

fn summary(run: &Run) -> Summary {
    // A number that cannot be used stops every command that writes.
    let open_for = settings::open_for(&surroundings::variable).unwrap_or_default();
    Summary::of(run, open_for)
}

/// What a run was to do, in a word.
fn what(run: &Summary) -> String {
    let promoted = Foreign(&run.production);
    match (&run.resumes, &run.reverts) {
        (Some(id), _) => format!("resume of {id}"),
        (_, Some(id)) => format!("revert of {id}"),
        (None, None) => match run.mode {
            Mode::Switchover => format!("production {promoted}"),
            Mode::Failover => format!("failover to {promoted}"),
        },
    }
}

/// How it ended, in some words.
fn how(run: &Summary) -> String {
    let ended = Foreign(&run.ended).to_string();
    let mut word = ended.replace('_', " ");
    if let Some(until) = &run.open_until {
        let open = format!("open until {}", Foreign(until));
        word = match &*ended {
            "open" => open,
            _ => format!("{word}, {open}"),
        };
    }
    if matches!(&*ended, "completed" | "nothing_changed" | "put_back") {
        // Of those only what has gone through leaves anything.
        for (number, what) in [(run.owed, "owed"), (run.not_shown, "not shown")] {
            if number > 0 {
                word = format!("{word}, {number} {what}");
            }
        }
        return word;
    }
    let perhaps = match run.perhaps_in_force {
        0 => String::new(),
        some => format!(", {some} perhaps"),
    };
    format!(
        "{word}: {} of {} in force{perhaps}",
        run.in_force, run.requests
    )
}

fn text(runs: &[Entry], width: Option<u16>) -> String {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|entry| {
            let run = &entry.run;
            let of = |text: Option<&String>| Foreign(text.map_or("", |text| text)).to_string();
            let row = [
                run.id.to_string(),
                of(Some(&run.started)),
                of(Some(&run.environment)),
                what(run),
                how(run),
                of(Some(&run.program)),
                of(run.reason.as_ref()),
                entry.by(),
            ];
            row.into()
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
    let stacked = rows.iter().filter_map(|row| {
        let (id, facts) = row.split_first()?;
        let mut text = id.clone();
        for (heading, fact) in HEADER.iter().skip(1).zip(facts) {
            if !fact.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(text, "\n  {}: {fact}", heading.to_lowercase());
            }
        }
        Some(text)
    });
    stacked.collect::<Vec<_>>().join("\n")
}
