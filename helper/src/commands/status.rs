//! `gigadb-roles status`.

use clap::Args;
use gigadb_clients::{Scope as Reads, Which};
use gigadb_engine::{
    name::EnvironmentName,
    observation::{Observation, environment_of},
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Format, Global},
    exit::Exit,
    failure::Failure,
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
    let asked = args
        .environment
        .as_deref()
        .map(environment_name)
        .transpose()?;
    if let Some(name) = &asked {
        environment_of(topology, name).map_err(|error| unknown_environment(name, &error))?;
    }
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
    let world = session.apis.observe(topology, &reads, cancel).await;
    let mut reports: Vec<Report> = Vec::new();
    for name in topology
        .environments
        .keys()
        .filter(|name| environments.holds(name))
    {
        let observation = Observation::project(topology, name, &world, None)
            .map_err(|error| unread(name, &error.to_string()))?;
        reports.extend(status::report(topology, &observation));
    }
    ui.answer(&match global.format {
        Format::Text => status::text::render(topology, &reports, ui.width()),
        Format::Json => status::json::render(topology, &reports),
        Format::Markdown => status::markdown::render(topology, &reports),
    })?;
    Ok(Exit::Success)
}

/// An environment's name as an option gives it.
pub(super) fn environment_name(text: &str) -> Result<EnvironmentName, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(
            format!("--environment cannot be used: {error}."),
            "--environment",
            "Name an environment of the topology.",
        )
    })
}

/// An environment that the topology does not have.
pub(super) fn unknown_environment(
    name: &EnvironmentName,
    error: &impl std::fmt::Display,
) -> Failure {
    Failure::usage(
        format!("--environment cannot be used: {error}."),
        format!("environment `{name}`"),
        "Name an environment of the topology.",
    )
}

/// Records, on which every decision rests, that could not be read.
pub(super) fn unread(environment: &EnvironmentName, reason: &str) -> Failure {
    Failure::refused(
        format!("It is not known who has which role: {reason}."),
        format!("environment `{environment}`"),
        "Set CLOUDFLARE_API_TOKEN to a token that may read the zones of the topology's hostnames, \
         check that Cloudflare can be reached, and run the command again.",
    )
}
