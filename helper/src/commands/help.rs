//! `gigadb-roles help`.

use clap::{Args, CommandFactory as _};

use super::{no_such_command, text_alone};
use crate::{cli::Cli, exit::Exit, failure::Failure, global::Global, ui::Ui};

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

/// Prints it.
pub(super) fn run(args: &HelpArgs, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    text_alone("help", global)?;
    let mut program = Cli::command();
    // Gives each command its whole name: `gigadb-roles status`.
    program.build();
    let command = match &args.command {
        None => &mut program,
        Some(name) => program
            .find_subcommand_mut(name)
            .ok_or_else(|| no_such_command(name))?,
    };
    ui.answer(&command.render_long_help().ansi().to_string())?;
    Ok(Exit::Success)
}
