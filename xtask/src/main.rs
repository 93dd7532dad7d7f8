//! The project's own automation: what a person and a runner type is the same command.
//!
//! `cargo xtask ci` is everything a change must pass; `.ci/run` calls it and nothing else.
//! Nothing has to be installed by hand: Rust, Python 3.11 or later and, for the acceptance tests,
//! Terraform or OpenTofu on `PATH` are all that is used.

#![expect(
    clippy::print_stdout,
    reason = "a command-line program whose output is its answer"
)]

mod bench;
mod ci;
mod demo;
mod dist;
mod docs;
mod release;
mod step;
mod terraform;
mod test;
mod totals;
mod venv;
mod workspace;

use clap::{Parser, Subcommand};

/// Automates building, testing and showing gigadb-roles.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a swap of production and hot standby against simulated APIs.
    Demo(demo::Arguments),
    /// Run every test: Rust, documentation, Python, and acceptance tests with real Terraform.
    Test(test::Arguments),
    /// Measure what a swap costs, with the release build, as a Markdown table.
    Bench,
    /// Package the programs for a release, with a mirror that Terraform installs from.
    Dist(dist::Arguments),
    /// Run what every change must pass: format, lints, documentation and all tests.
    Ci,
    /// Write the generated pages of the reference again, or compare them.
    Docs(docs::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench => bench::run(),
        Command::Dist(arguments) => dist::run(&arguments),
        Command::Ci => ci::run(),
        Command::Docs(arguments) => docs::run(&arguments),
    }
}
