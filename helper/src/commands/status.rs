//! `gigadb-roles status`.

use clap::Args;
use gigadb_clients::{Scope as Reads, Which};
use gigadb_engine::observation::Observation;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Format, Global},
    exit::Exit,
    failure::Failure,
    planning,
    session::{Session, Waiting},
    status::{self, Report},
    ui::Ui,
};

/// The environment that Markdown shows unless another is named.
const DOCUMENTED: &str = "live";

/// Show who holds which role, from the A records.
///
/// The status is `consistent` when every record and variable is as the topology says, `prepared`
/// when the hot standby carries production's variables already, `mixed` when something disagrees,
/// and `unknown` when a hostname leads to neither side. What disagrees is listed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles status
  gigadb-roles status --environment live --format json
  gigadb-roles status --format markdown")]
pub(crate) struct StatusArgs {
    /// Show this environment alone (Markdown shows `live` unless another is named).
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<String>,
}

/// Prints the status.
pub(super) async fn run(
    args: &StatusArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let session = Session::open(global, Waiting::Ordinary)?;
    let topology = &session.topology;
    let asked = args.environment.as_deref();
    let asked = asked
        .map(|text| planning::environment(topology, text))
        .transpose()?;
    let documented = || {
        let mut names = topology.environments.keys();
        names
            .clone()
            .find(|name| name.as_str() == DOCUMENTED)
            .or_else(|| names.next())
            .cloned()
    };
    let asked = match global.format {
        Format::Markdown => asked.or_else(documented),
        Format::Text | Format::Json => asked,
    };
    let environments = asked.map_or(Which::All, Which::one);
    let reads = Reads {
        environments: environments.clone(),
        ..Reads::everything()
    };
    let world = session.observe(&reads, cancel).await.world;
    let mut reports: Vec<Report> = Vec::new();
    for name in topology
        .environments
        .keys()
        .filter(|name| environments.holds(name))
    {
        let observation = Observation::project(topology, name, &world, None)
            .map_err(|error| planning::unread(name, &error.to_string()))?;
        reports.extend(status::report(topology, &observation));
    }
    ui.answer(&match global.format {
        Format::Text => status::text::render(topology, &reports, ui.width()),
        Format::Json => status::json::render(topology, &reports),
        Format::Markdown => status::markdown::render(topology, &reports),
    })?;
    Ok(Exit::Success)
}
