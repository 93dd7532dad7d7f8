//! `gigadb-roles`: who has which role, the Ansible inventory by role, and the swap itself.
//!
//! ```text
//! cli       arguments                        -> Cli           parsed by clap
//! session   topology file, settings          -> Session       lazily made clients
//! commands  one file a subcommand            -> Exit          the only callers of the clients
//! inventory Topology, Observations, Scope    -> Inventory     pure, rendered as JSON or a tree
//! host_keys a file, machines               -> keys          asked for and compared by name
//! check     Topology, this machine, APIs     -> checks        rendered two ways
//! planning  Topology, Observation, a goal    -> Plan          the engine's, rendered two ways
//! saved_plan Plan                            -> a file        and back, computed again
//! earlier_runs a run's id                    -> EarlierRun    from its journal
//! running   Plan, a journal                  -> Exit          looks again, writes, reads back
//! releasing Record, facts                    -> Exit          a release, step by step
//! dumps     a command's list                 -> Newest        what would be lost
//! outbox    how a run ended                  -> webhooks      told when all is said
//! review    a plan of Terraform's, Topology  -> Review        pure, rendered three ways
//! status    Topology, Observation            -> Report        pure, rendered four ways
//! watching  how a cutover stands             -> lines, table  pure
//! usage     what the parser refused          -> Failure       pure
//! ui        text                             -> stdout, stderr; nothing else prints
//! ```
//!
//! **Invariants.** stdout is the answer, stderr the conversation. Every decision about roles is
//! the engine's. Read-only commands write nothing but the last known hosts, and
//! the files that `status --write` and `plan --out` name.

mod candidates;
mod check;
mod cli;
mod columns;
mod commands;
mod dumps;
mod earlier_runs;
mod endpoints;
mod exit;
mod failure;
mod global;
mod host_keys;
mod inventory;
mod last_known;
mod last_run;
mod merge_request;
mod named;
mod outbox;
mod page;
mod paint;
mod planning;
mod ports;
mod project;
mod quoting;
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
mod watching;
mod wrap;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use clap_complete::CompleteEnv;

use crate::{cli::Cli, exit::Exit, failure::Failure, global::Color, outbox::Outbox, ui::Ui};

fn main() -> ExitCode {
    // A shell that asks what fits is answered, and that is all.
    let program = || {
        let program = Cli::command();
        candidates::of_program(program.clone());
        commands::forms::offered(program)
    };
    CompleteEnv::with_factory(program)
        .var(commands::completions::ASKING)
        .complete();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return match usage::refused(&error) {
                Ok(failure) => {
                    let ui = Ui::new(Color::Auto);
                    usage::tell_programs(&failure, &ui);
                    ui.failure(&failure);
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
    run(&cli, &ui)
        .unwrap_or_else(|failure| {
            usage::tell_programs(&failure, &ui);
            ui.failure(&failure);
            failure.exit
        })
        .into()
}

/// Runs the command and says how it ended; then webhooks are told.
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
    let outbox = Outbox::default();
    let exit = match runtime.block_on(commands::run(cli, ui, &outbox)) {
        Ok(exit) => exit,
        Err(failure) => {
            usage::tell_programs(&failure, ui);
            ui.failure(&failure);
            failure.exit
        }
    };
    runtime.block_on(outbox.deliver(ui));
    // A name server that does not answer must not keep the program from ending.
    runtime.shutdown_background();
    Ok(exit)
}
