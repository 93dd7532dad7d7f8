//! `gigadb-roles status`.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use gigadb_clients::{Which, journal::RunId};
use gigadb_engine::{
    name::EnvironmentName, observation::Observation, rules::one_swap_at_a_time::LeasePlace,
    topology::Topology, view::Status,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::history;
use crate::{
    dumps,
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    last_known::Ages,
    named::OnlyEnvironment,
    paint, planning, reading,
    replace::replace,
    session::{Session, Waiting},
    status::{
        self, Report,
        prometheus::{Further, Lease},
        section,
    },
    surroundings,
    ui::Ui,
};

/// The environment that Markdown shows unless another is named.
const DOCUMENTED: &str = "live";

/// Show who holds which role, from the A records.
///
/// The status is `consistent` when every record and variable is as the topology says, `prepared`
/// when the hot standby carries production's variables already, `mixed` when something disagrees,
/// and `unknown` when a hostname leads to neither side or something could not be read. What disagrees is listed. The release is
/// what GitLab deployed last with success. In text, what GitLab or a region does not answer within
/// 1.5 s of what decides the roles is listed as not read; other formats and --require wait for 20 s.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles status
  gigadb-roles status --environment live --format json
  gigadb-roles status --environment live --require consistent
  gigadb-roles status --format markdown
  gigadb-roles status --format html > roles.html
  gigadb-roles status --format prometheus > gigadb.prom
  gigadb-roles status --environment live --write docs/DEPLOYING.md

Markers in the document, around the table:
  <!-- gigadb-roles status live -->
  <!-- /gigadb-roles status -->")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    environment: OnlyEnvironment,

    /// Write the Markdown table between the markers in this document; nothing else of it changes.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    write: Option<PathBuf>,

    /// Exit with 2 when the table between the markers in this document is another, and with 1 when
    /// what it shows could not be read.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    /// Exit with 1 unless every environment shown is so; the status is printed in any case.
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["write", "check"])]
    require: Option<Required>,
}

/// What a script may ask of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Required {
    /// Who has which role is clear, and every record and variable is as the topology says.
    Consistent,
    /// Who has which role is clear.
    Clear,
}

/// How long a person waits for what decides no role, once what does has answered.
const GRACE: Duration = Duration::from_millis(1_500);

/// How long a program or a document does, which needs the whole.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints the status, or compares or writes it in a document.
pub(super) async fn run(
    args: &StatusArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let document = args.write.as_ref().or(args.check.as_ref());
    let for_a_document = matches!(global.format, Format::Text | Format::Markdown);
    if document.is_some() && !for_a_document {
        return Err(Failure::usage(
            "A document holds the status only as Markdown.",
            "--format",
            "Leave it out.",
        ));
    }
    let session = Session::open_to_read(global, Waiting::Ordinary)?;
    let topology = &session.topology;
    let asked = args.environment.name();
    let asked = asked
        .map(|text| planning::environment(topology, &text))
        .transpose()?;
    let asked = if document.is_some() || global.format == Format::Markdown {
        asked.or_else(|| documented(topology))
    } else {
        asked
    };
    // A document that cannot be used is told before anything is read.
    if let (Some(file), Some(environment)) = (document, &asked) {
        with_table(file, environment, "")?;
    }
    let environments = asked.clone().map_or(Which::All, Which::one);
    let at_once = global.format == Format::Text && document.is_none() && args.require.is_none();
    let grace = if at_once { GRACE } else { PATIENCE };
    let (mut reports, ages) = reports(&session, &environments, grace, ui, cancel).await?;
    if let (Some(file), Some(environment)) = (document, &asked) {
        known(topology, &reports, file, args.check.is_some())?;
        let table = status::markdown::render(topology, &reports);
        let (present, wanted) = with_table(file, environment, &table)?;
        return if args.check.is_some() {
            compare(file, environment, &table, present == wanted, ui)
        } else {
            write(file, environment, &wanted, present == wanted, ui)
        };
    }
    if global.format == Format::Json {
        add_dumps(topology, &mut reports).await;
    }
    match global.format {
        Format::Text => {
            let text = status::text::render(topology, &reports, ui.width());
            ui.answer_painted(&text, paint::status)?;
            // Roles first: nobody waits for a list of dumps to see them.
            add_dumps(topology, &mut reports).await;
            let lines = status::text::dumps(&reports);
            if lines.is_empty() {
                Ok(())
            } else {
                ui.answer(&lines)
            }
        }
        Format::Json => ui.answer(&status::json::render(topology, &reports)),
        Format::Markdown => ui.answer(&status::markdown::render(topology, &reports)),
        Format::Html => {
            let environment = asked.as_ref().map(EnvironmentName::as_str);
            let (past, untold) = history::past(&session, environment).await;
            for why in &untold {
                ui.warning(why);
            }
            let (source, now) = (session.source(), surroundings::now());
            ui.answer(&status::html::render(
                topology,
                &reports,
                (&past, &untold),
                &source,
                now,
            ))
        }
        Format::Prometheus => {
            let further = Further {
                now: surroundings::now(),
                ages,
                leases: leases(&session, &environments, ui, cancel).await,
            };
            ui.answer(&status::prometheus::render(topology, &reports, &further))
        }
    }?;
    require(args.require, &reports)?;
    Ok(Exit::Success)
}

fn documented(topology: &Topology) -> Option<EnvironmentName> {
    let mut names = topology.environments.keys();
    names
        .clone()
        .find(|name| name.as_str() == DOCUMENTED)
        .or_else(|| names.next())
        .cloned()
}

async fn reports(
    session: &Session,
    environments: &Which<EnvironmentName>,
    grace: Duration,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<(Vec<Report>, Ages), Failure> {
    let topology = &session.topology;
    let mut read = reading::read(session, environments, grace, cancel).await;
    read.observed.source.tell(ui);
    let world = &read.observed.world;
    let mut reports = Vec::new();
    let names = topology.environments.keys();
    let names = names.filter(|name| environments.holds(name));
    // Where one environment is told, the others are told as far as they were read.
    let projected: Vec<_> = names
        .map(|name| (name, Observation::project(topology, name, world, None)))
        .collect();
    let any = projected.iter().any(|(_, projected)| projected.is_ok());
    for (name, projected) in projected {
        let observation = projected
            .or_else(|error| {
                let as_far = Observation::project_as_far_as_read(topology, name, world, None);
                as_far.ok().filter(|_| any).ok_or(error)
            })
            .map_err(|error| planning::unread(name, &error))?;
        let releases = read.releases.remove(name).unwrap_or_default();
        reports.extend(status::report(topology, &observation, releases));
    }
    for (reason, places) in read.untold {
        let places = places.join(", ");
        ui.note(&format!("The release of {places} is unknown: {reason}."));
    }
    Ok((reports, read.observed.ages))
}

/// Adds production's newest dumps, where roles are clear and the topology says who lists them.
async fn add_dumps(topology: &Topology, reports: &mut [Report]) {
    let added = reports.iter_mut().map(async |report| {
        if let Ok(roles) = &report.roles {
            let listed = dumps::list(topology, &report.environment, roles, ("", "")).await;
            report.newest_dump = dumps::newest(listed.as_ref(), surroundings::now());
        }
    });
    futures::future::join_all(added).await;
}

/// Who holds the leases, where the topology names any. One that cannot be looked at is told.
async fn leases(
    session: &Session,
    environments: &Which<EnvironmentName>,
    ui: &Ui,
    cancel: &CancellationToken,
) -> BTreeMap<EnvironmentName, Lease> {
    let topology = &session.topology;
    let mut leases = BTreeMap::new();
    let Some(lock) = &topology.lock else {
        return leases;
    };
    for name in topology
        .environments
        .keys()
        .filter(|name| environments.holds(name))
    {
        let place = LeasePlace::under(lock, name);
        let run = RunId::new(name, Timestamp::now());
        // Not cut short: whoever looks at a free lease holds it for a moment.
        let lease = match session.apis.lease_holder(&place, &run, cancel).await {
            Ok(None) => Lease::Free,
            Ok(Some(holder)) => {
                let since = holder
                    .since
                    .and_then(|since| since.parse::<Timestamp>().ok());
                Lease::Held(since.map(Timestamp::as_second))
            }
            Err(failure) => {
                ui.note(&format!("Who holds the {place} is not known: {failure}."));
                continue;
            }
        };
        leases.insert(name.clone(), lease);
    }
    leases
}

/// Fails where an environment is not as `--require` asks.
fn require(required: Option<Required>, reports: &[Report]) -> Result<(), Failure> {
    let fits = |report: &Report| match required {
        None => true,
        Some(Required::Clear) => report.roles.is_ok(),
        Some(Required::Consistent) => report.roles.is_ok() && report.status == Status::Consistent,
    };
    let others: Vec<&Report> = reports.iter().filter(|report| !fits(report)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let found: Vec<String> = others
        .iter()
        .map(|report| match (&report.roles, required) {
            (Err(reason), _) => format!(
                "it is not clear who has which role in `{}`: {reason}",
                report.environment
            ),
            _ => format!(
                "`{}` is {}, and --require asks for `consistent`",
                report.environment, report.status
            ),
        })
        .collect();
    let names: Vec<String> = others
        .iter()
        .map(|report| format!("environment `{}`", report.environment))
        .collect();
    Err(Failure::refused(
        format!("The status is not as required: {}.", found.join("; ")),
        names.join(", "),
        "Correct what the status lists, or wait for what could not be read, then ask again.",
    )
    .answered())
}

/// Fails where the table would show as unknown what only could not be read.
fn known(topology: &Topology, reports: &[Report], file: &Path, check: bool) -> Result<(), Failure> {
    let unread: Vec<String> = reports
        .iter()
        .flat_map(|report| report.not_in_the_table(topology))
        .collect();
    if unread.is_empty() {
        return Ok(());
    }
    let what = if check { "compared" } else { "written" };
    Err(Failure::refused(
        format!("The table could not be {what}: {}.", unread.join("; ")),
        format!("`{}`", file.display()),
        "Run the command again when that can be read; `gigadb-roles check` shows what is in the \
         way.",
    ))
}

/// The document as it is, and as it would be with `table`.
fn with_table(
    file: &Path,
    environment: &EnvironmentName,
    table: &str,
) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let present = fs::read(file).map_err(|error| {
        Failure::refused(
            format!("The document could not be read: {error}."),
            format!("`{}`", file.display()),
            "Name a document that you may read.",
        )
    })?;
    let wanted = section::replaced(&present, environment, table).map_err(|error| {
        Failure::refused(
            format!("The document has no place for the table: {error}."),
            format!("`{}`", file.display()),
            format!(
                "Have one pair of lines, `<!-- gigadb-roles status {environment} -->` and \
                 `<!-- /gigadb-roles status -->`, where the table belongs."
            ),
        )
    })?;
    Ok((present, wanted))
}

fn compare(
    file: &Path,
    environment: &EnvironmentName,
    table: &str,
    same: bool,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let name = file.display();
    if same {
        ui.answer(&format!("`{name}` shows the status of `{environment}`."))?;
        return Ok(Exit::Success);
    }
    ui.answer(table)?;
    ui.note(&format!(
        "`{name}` shows another status of `{environment}` than this. Run `gigadb-roles status \
         --environment {environment} --write {name}`."
    ));
    Ok(Exit::ChangesPending)
}

fn write(
    file: &Path,
    environment: &EnvironmentName,
    wanted: &[u8],
    same: bool,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let name = file.display();
    if same {
        ui.answer(&format!(
            "`{name}` shows the status of `{environment}` already."
        ))?;
        return Ok(Exit::Success);
    }
    put(file, wanted).map_err(|error| {
        Failure::refused(
            format!("The document could not be written: {error}."),
            format!("`{name}`"),
            "Make the file and its folder writable, then run the command again.",
        )
    })?;
    ui.answer(&format!("Wrote the status of `{environment}` to `{name}`."))?;
    Ok(Exit::Success)
}

/// Replaces what the name leads to, which keeps its mode; a link stays a link.
fn put(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let mode = fs::metadata(&file)?.permissions().mode();
    replace(&file, bytes, mode & 0o7777)
}
