//! `cargo xtask bench`: what a swap costs, measured side by side in one run, as Markdown.
//! With the argument `swap`, `hanging`, `inventory` or `scale`, the program measures that alone.
//!
//! Nothing is asserted here: a benchmark reports, tests judge. Medians are given, because the
//! machine may be busy; the simulated APIs answer on loopback.

#![expect(
    clippy::print_stdout,
    reason = "a command-line program whose output is its answer"
)]

mod empty;
mod handshake;
mod hanging;
mod inventory;
mod measure;
mod processes;
mod requests;
mod scale;

use std::{process::ExitCode, time::Duration};

use gigadb_tests::{Scene, assignment, procedure::Side, programs};

use crate::measure::{Row, median, milliseconds, timed_in_turn};

/// What every API call takes in the runs that measure round trips.
const LATENCY: Duration = Duration::from_millis(50);
/// How often a run of Terraform is repeated.
fn terraform_runs() -> usize {
    if is_rehearsal() { 1 } else { 7 }
}

/// How often a short program is repeated.
fn short_runs() -> usize {
    if is_rehearsal() { 1 } else { 21 }
}

/// How often what waits for servers that hang is repeated.
fn hanging_runs() -> usize {
    if is_rehearsal() { 1 } else { 3 }
}

/// Whether everything runs once, to show that it runs.
fn is_rehearsal() -> bool {
    std::env::args().any(|argument| argument == "--once")
}

fn main() -> ExitCode {
    if let Some(ended) = empty::serve_if_asked() {
        return ended;
    }
    let only = std::env::args().skip(1).find(|part| !part.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut rows = Vec::new();
    if wanted("swap") {
        rows.extend(swap());
        rows.extend(added_to_plan());
        rows.extend(start());
    }
    if wanted("hanging") {
        rows.extend(hanging::rows());
    }
    if wanted("inventory") {
        rows.extend(inventory::of_12_hosts());
        rows.extend(inventory::of_600_hosts());
    }
    if wanted("scale") {
        rows.extend(scale::of_names());
        rows.extend(scale::of_sides());
    }
    println!("{}", measure::machine());
    println!("\n| What | Measured | Target |\n|---|---|---|");
    for row in rows {
        println!("| {} | {} | {} |", row.what, row.measured, row.target);
    }
    ExitCode::SUCCESS
}

/// One swap of live with 50 ms a call: requests, round trips, cutover window.
fn swap() -> Vec<Row> {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.simulator().set_latency(LATENCY);

    scene.simulator().clear_requests();
    let provider = programs::ours("terraform-provider-gigadb");
    let memory = processes::peak_memory_of(&provider, || {
        let _ = scene.plan(&["-out=swap.tfplan"]).expect(2);
    });
    let planned = scene.simulator().requests();

    scene.simulator().clear_requests();
    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    let applied = scene.simulator().requests();

    // Before the comparison, which writes worlds of its own.
    let worlds = requests::worlds_between(&scene, &applied);
    let one_by_one = requests::cutover_one_record_a_call(&scene, LATENCY);
    let depth = |log: &[_]| requests::round_trips(log).to_string();
    let span = |log: &[_]| {
        let wall = requests::span(log);
        let ideal = LATENCY * u32::try_from(requests::round_trips(log)).unwrap_or(u32::MAX);
        format!(
            "{} ({} of {} ms)",
            depth(log),
            milliseconds(wall),
            ideal.as_millis()
        )
    };
    vec![
        Row::new(
            "requests of a plan walk",
            requests::counted(&planned),
            "zones 1, records 1 a zone, variables 1 a project, EC2 2 a side",
        ),
        Row::new(
            "requests of an apply",
            requests::counted(&applied),
            "the same before, records and variables after, 1 batch a zone, 1 write a variable",
        ),
        Row::new(
            "sequential round trips of a plan, 50 ms a call",
            span(&planned),
            "<= 3",
        ),
        Row::new(
            "sequential round trips of an apply, 50 ms a call",
            span(&applied),
            "<= 7",
        ),
        Row::new(
            "cutover window, first to last DNS write",
            requests::cutover(&applied),
            "one round trip a zone",
        ),
        Row::new(
            "the same with one call a record, for comparison",
            one_by_one,
            "",
        ),
        Row::new(
            "worlds between, as the server sees them",
            worlds,
            "one fewer than zones written",
        ),
        Row::new(
            "peak resident memory of the provider in a plan",
            memory,
            "< 20 MiB",
        ),
    ]
}

/// What the provider adds to `terraform plan`, against Terraform's built-in `terraform_data`.
fn added_to_plan() -> Vec<Row> {
    let ours = Scene::new();
    ours.adopt_live();
    let floor = Scene::new();
    floor.write(
        "main.tf",
        "resource \"terraform_data\" \"floor\" {\n  input = \"x\"\n}\n",
    );
    let _ = floor.apply().expect(0);
    let (with, without) = timed_in_turn(
        terraform_runs(),
        || ours.plan(&[]).expect(0).took,
        || floor.plan(&[]).expect(0).took,
    );
    let both = {
        let scene = Scene::new();
        let body =
            assignment("live", Side::Upstream, "") + &assignment("staging", Side::Upstream, "");
        scene.configure(&body);
        let _ = scene.apply().expect(0);
        median((0..terraform_runs()).map(|_| scene.plan(&[]).expect(0).took))
    };
    let empty = empty::scene();
    let (beside_empty, of_empty) = timed_in_turn(
        terraform_runs(),
        || ours.plan(&[]).expect(0).took,
        || empty.plan(&[]).expect(0).took,
    );
    let added = |with: Duration| milliseconds(with.saturating_sub(without));
    vec![
        Row::new(
            "`terraform plan` of `terraform_data` (the floor)",
            milliseconds(without),
            "",
        ),
        Row::new(
            "what the provider adds, one environment, APIs on loopback",
            added(with),
            "< 80 ms",
        ),
        Row::new("what the provider adds, two environments", added(both), ""),
        Row::new(
            "`terraform plan` with an empty provider built on tfplug",
            milliseconds(of_empty),
            "",
        ),
        Row::new(
            "what the provider adds to that, one environment",
            milliseconds(beside_empty.saturating_sub(of_empty)),
            "< 30 ms",
        ),
    ]
}

fn start() -> Vec<Row> {
    let provider = programs::ours("terraform-provider-gigadb");
    let times = (0..short_runs()).map(|_| handshake::time_to_handshake(&provider));
    vec![Row::new(
        "provider start to handshake line, with TLS",
        milliseconds(median(times)),
        "< 5 ms",
    )]
}
