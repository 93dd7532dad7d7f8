//! `gigadb-roles help`.

use clap::{Args, Command};
use clap_complete::engine::ArgValueCandidates;

use super::words::no_such_command;
use crate::{candidates, exit::Exit, failure::Failure};

/// Print the help of the program, or of a command.
///
/// The same as --help after the command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles help
  gigadb-roles help swap
  gigadb-roles help release start")]
pub(crate) struct HelpArgs {
    /// The command (default: the program itself).
    #[arg(value_name = "COMMAND", add = ArgValueCandidates::new(candidates::commands))]
    command: Vec<String>,
}

/// Prints it, in the same form as --help does.
pub(super) fn run(args: &HelpArgs, mut program: Command) -> Result<Exit, Failure> {
    // Gives each command its whole name: `gigadb-roles release start`.
    program.build();
    let mut named = &program;
    for word in &args.command {
        named = named
            .find_subcommand(word)
            .ok_or_else(|| no_such_command(word, named))?;
    }
    // A closed pipe is all that can go wrong, and then nobody reads any more.
    let _ = named.clone().print_long_help();
    Ok(Exit::Success)
}
