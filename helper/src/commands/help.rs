//! `gigadb-roles help`.

use clap::{Args, Command};

use super::words::no_such_command;
use crate::{exit::Exit, failure::Failure};

/// Print the help of the program, or of a command.
///
/// The same as --help after the command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles help
  gigadb-roles help swap")]
pub(crate) struct HelpArgs {
    /// The command (default: the program itself).
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Prints it, in the same form as --help does.
pub(super) fn run(args: &HelpArgs, mut program: Command) -> Result<Exit, Failure> {
    let unknown = args
        .command
        .as_deref()
        .filter(|name| program.find_subcommand(name).is_none());
    if let Some(name) = unknown {
        return Err(no_such_command(name, &program));
    }
    // Gives each command its whole name: `gigadb-roles status`.
    program.build();
    let named = args
        .command
        .as_deref()
        .and_then(|name| program.find_subcommand(name).cloned());
    // A closed pipe is all that can go wrong, and then nobody reads any more.
    let _ = named.unwrap_or(program).print_long_help();
    Ok(Exit::Success)
}
