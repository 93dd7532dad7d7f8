//! `gigadb-roles status`.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use futures::future::join_all;
use gigadb_clients::{Scope as Reads, Which};
use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName},
    observation::Observation,
    topology::Topology,
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Format, Global},
    exit::Exit,
    failure::Failure,
    planning,
    replace::replace,
    session::{Session, Waiting},
    status::{self, Release, Report, section},
    ui::Ui,
};

/// The environment that Markdown shows unless another is named.
const DOCUMENTED: &str = "live";

/// Show who holds which role, from the A records.
///
/// The status is `consistent` when every record and variable is as the topology says, `prepared`
/// when the hot standby carries production's variables already, `mixed` when something disagrees,
/// and `unknown` when a hostname leads to neither side. What disagrees is listed. The release is
/// what GitLab deployed last with success.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles status
  gigadb-roles status --environment live --format json
  gigadb-roles status --format markdown
  gigadb-roles status --environment live --write docs/DEPLOYING.md

Markers in the document, around the table:
  <!-- gigadb-roles status live -->
  <!-- /gigadb-roles status -->")]
pub(crate) struct StatusArgs {
    /// Show this environment alone (Markdown shows `live` unless another is named).
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<String>,

    /// Write the Markdown table between the markers in this document; nothing else of it changes.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    write: Option<PathBuf>,

    /// Exit with 2 when the table between the markers in this document is another.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

/// Prints the status, or compares or writes it in a document.
pub(super) async fn run(
    args: &StatusArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let document = args.write.as_ref().or(args.check.as_ref());
    if document.is_some() && global.format == Format::Json {
        return Err(Failure::usage(
            "A document holds the status as Markdown alone.",
            "--format",
            "Leave it out.",
        ));
    }
    let session = Session::open_to_read(global, Waiting::Ordinary)?;
    let topology = &session.topology;
    let asked = args.environment.as_deref();
    let asked = asked
        .map(|text| planning::environment(topology, text))
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
    let reports = reports(&session, &environments, ui, cancel).await?;
    if let (Some(file), Some(environment)) = (document, &asked) {
        let table = status::markdown::render(topology, &reports);
        let (present, wanted) = with_table(file, environment, &table)?;
        return if args.check.is_some() {
            compare(file, environment, &table, present == wanted, ui)
        } else {
            write(file, environment, &wanted, present == wanted, ui)
        };
    }
    ui.answer(&match global.format {
        Format::Text => status::text::render(topology, &reports, ui.width()),
        Format::Json => status::json::render(topology, &reports),
        Format::Markdown => status::markdown::render(topology, &reports),
    })?;
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
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Vec<Report>, Failure> {
    let topology = &session.topology;
    let reads = Reads {
        environments: environments.clone(),
        ..Reads::everything()
    };
    let (observed, mut releases) = tokio::join!(
        session.observe(&reads, cancel),
        releases(session, environments, ui, cancel),
    );
    observed.source.tell(ui);
    let mut reports = Vec::new();
    for name in topology
        .environments
        .keys()
        .filter(|name| environments.holds(name))
    {
        let observation = Observation::project(topology, name, &observed.world, None)
            .map_err(|error| planning::unread(name, &error))?;
        let releases = releases.remove(name).unwrap_or_default();
        reports.extend(status::report(topology, &observation, releases));
    }
    Ok(reports)
}

/// What each side runs in each environment. What GitLab does not tell is a note, no failure.
async fn releases(
    session: &Session,
    environments: &Which<EnvironmentName>,
    ui: &Ui,
    cancel: &CancellationToken,
) -> BTreeMap<EnvironmentName, BTreeMap<InfrastructureName, Release>> {
    let topology = &session.topology;
    let names = topology.environments.keys();
    let places = names
        .filter(|name| environments.holds(name))
        .flat_map(|name| {
            topology
                .infrastructures
                .iter()
                .map(move |side| (name, side))
        });
    let reads = places.map(|(environment, (name, side))| async move {
        let deployed = session
            .apis
            .last_deployment(&side.gitlab_project, environment, cancel)
            .await;
        (environment, name, deployed)
    });
    let mut releases: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let mut unknown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (environment, name, deployed) in join_all(reads).await {
        let release = match deployed {
            Ok(Some(reference)) => Release::Deployed(reference),
            Ok(None) => Release::Never,
            Err(failure) => {
                let places = unknown.entry(failure.to_string()).or_default();
                places.push(format!("`{name}` in `{environment}`"));
                Release::Unknown
            }
        };
        let sides = releases.entry(environment.clone()).or_default();
        sides.insert(name.clone(), release);
    }
    for (reason, places) in unknown {
        let places = places.join(", ");
        ui.note(&format!("The release of {places} is unknown: {reason}."));
    }
    releases
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
