//! `gigadb-roles`: who has which role, the Ansible inventory by role, and the swap itself.
//!
//! ```text
//! cli       arguments                        -> Cli           parsed by clap
//! session   topology file, settings          -> Session       lazily made clients
//! commands  one file a subcommand            -> Exit          the only callers of the clients
//! inventory Topology, Observations, Scope    -> Inventory     pure, rendered as JSON or a tree
//! check     Topology, this machine, APIs     -> checks        rendered two ways
//! planning  Topology, Observation, a goal    -> Plan          the engine's, rendered two ways
//! saved_plan Plan                            -> a file        and back, computed again
//! earlier_runs a run's id                    -> EarlierRun    from its journal
//! running   Plan, a journal                  -> Exit          looks again, writes, reads back
//! releasing Record, facts                    -> Exit          a release, step by step
//! review    a plan of Terraform's, Topology  -> Review        pure, rendered two ways
//! status    Topology, Observation            -> Report        pure, rendered three ways
//! usage     what the parser refused          -> Failure       pure
//! ui        text                             -> stdout, stderr; nothing else prints
//! ```
//!
//! **Invariants.** stdout is the answer, stderr the conversation. Every decision about roles is
//! the engine's. Read-only commands write nothing but the last known hosts, and
//! the files that `status --write` and `plan --out` name.

mod check;
mod cli;
mod commands;
mod earlier_runs;
mod exit;
mod failure;
mod global;
mod inventory;
mod last_known;
mod merge_request;
mod planning;
mod project;
mod reading;
mod releasing;
mod replace;
mod review;
mod running;
mod saved_plan;
mod session;
mod sockets;
mod status;
mod surroundings;
mod ui;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{cli::Cli, exit::Exit, failure::Failure, global::Color, ui::Ui};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return match usage::refused(&error) {
                Ok(failure) => {
                    Ui::new(Color::Auto).failure(&failure);
                    failure.exit.into()
                }
                Err(exit) => {
                    // A closed pipe is all that can go wrong, and then nobody reads any more.
                    let _ = error.print();
                    exit.into()
                }
            };
        }
    };
    surroundings::log_to_stderr();
    let ui = Ui::new(cli.global.color);
    match run(&cli, &ui) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            ui.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: &Cli, ui: &Ui) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::refused(
                format!("The program could not start: {error}."),
                "this process",
                "Free resources on this machine (open files, threads) and run it again.",
            )
        })?;
    let result = runtime.block_on(commands::run(cli, ui));
    // A name server that does not answer must not keep the program from ending.
    runtime.shutdown_background();
    result
}
