//! What a shell may offer for a value. Nothing is asked of any API, and what cannot be read is not offered.

use std::sync::OnceLock;

use clap_complete::CompletionCandidate;
use gigadb_clients::{TopologyFile, journal};
use gigadb_engine::{
    name::Role,
    release::{Interlock, Kind, Process},
    rules::Rule,
    topology::Topology,
};

use crate::surroundings;

/// How many runs are offered, the newest first.
const RUNS: usize = 20;

fn topology() -> Option<Topology> {
    let file = TopologyFile::here_or_above(None, &surroundings::variable);
    let text = std::fs::read_to_string(file.path()).ok()?;
    Some(Topology::parse(&text).ok()?.topology)
}

/// The program, once it was told of.
static PROGRAM: OnceLock<clap::Command> = OnceLock::new();

/// Tells of the program whose commands are offered.
pub(crate) fn of_program(program: clap::Command) {
    let _ = PROGRAM.set(program);
}

/// The program's commands.
pub(crate) fn commands() -> Vec<CompletionCandidate> {
    let commands = PROGRAM
        .get()
        .into_iter()
        .flat_map(clap::Command::get_subcommands);
    let shown = commands.filter(|command| !command.is_hide_set());
    let candidate = |command: &clap::Command| {
        CompletionCandidate::new(command.get_name()).help(command.get_about().cloned())
    };
    shown.map(candidate).collect()
}

/// The topology's environments.
pub(crate) fn environments() -> Vec<CompletionCandidate> {
    let topology = topology();
    let names = topology
        .iter()
        .flat_map(|topology| topology.environments.keys());
    names
        .map(|name| CompletionCandidate::new(name.as_str()))
        .collect()
}

/// The topology's infrastructures, with their regions.
pub(crate) fn infrastructures() -> Vec<CompletionCandidate> {
    let topology = topology();
    let sides = topology
        .iter()
        .flat_map(|topology| &topology.infrastructures);
    sides
        .map(|(name, side)| {
            CompletionCandidate::new(name.as_str()).help(Some(side.aws.region.clone().into()))
        })
        .collect()
}

/// The runs that this machine has journals of, the newest first.
pub(crate) fn runs() -> Vec<CompletionCandidate> {
    let Some(folder) = journal::folder(&surroundings::variable) else {
        return Vec::new();
    };
    let ids = journal::ids(&folder).unwrap_or_default();
    let runs = ids.into_iter().take(RUNS).enumerate();
    runs.filter_map(|(place, id)| {
        let header = journal::read(&folder, &id).ok()?.header;
        let what = format!(
            "{}: production {}",
            header.environment, header.arrangement.production
        );
        Some(
            CompletionCandidate::new(id.to_string())
                .help(Some(what.into()))
                .display_order(Some(place)),
        )
    })
    .collect()
}

/// The rules that may be waived.
pub(crate) fn rules() -> Vec<CompletionCandidate> {
    let rules = Rule::ALL.iter().filter(|rule| rule.is_waivable());
    rules
        .map(|rule| CompletionCandidate::new(rule.as_str()))
        .collect()
}

/// What a release may override: its interlocks, and the rules of its swap.
pub(crate) fn waivers() -> Vec<CompletionCandidate> {
    let interlocks = Interlock::ALL.iter();
    let interlocks = interlocks.map(|one| CompletionCandidate::new(one.as_str()));
    interlocks.chain(rules()).collect()
}

/// The processes of a release.
pub(crate) fn processes() -> Vec<CompletionCandidate> {
    words(&Process::ALL.map(Process::as_str))
}

/// The steps of a release.
pub(crate) fn steps() -> Vec<CompletionCandidate> {
    let steps = Kind::ALL.iter();
    steps
        .map(|kind| CompletionCandidate::new(kind.as_str()).help(Some(kind.title().into())))
        .collect()
}

/// The roles.
pub(crate) fn roles() -> Vec<CompletionCandidate> {
    let roles = Role::ALL.iter();
    roles
        .map(|role| CompletionCandidate::new(role.as_str()))
        .collect()
}

/// How much must be well.
pub(crate) fn modes() -> Vec<CompletionCandidate> {
    words(&["switchover", "failover"])
}

/// What to do when a step fails.
pub(crate) fn on_failure() -> Vec<CompletionCandidate> {
    words(&["revert", "stop"])
}

/// How to probe.
pub(crate) fn https_modes() -> Vec<CompletionCandidate> {
    words(&["require", "warn", "off"])
}

fn words(words: &[&'static str]) -> Vec<CompletionCandidate> {
    words.iter().map(CompletionCandidate::new).collect()
}
