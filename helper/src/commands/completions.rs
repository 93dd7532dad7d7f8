//! `gigadb-roles completions`.

use clap::{Args, Command};
use clap_complete::{Shell, env::Shells};

use crate::{exit::Exit, failure::Failure, ui::Ui};

/// Print the completions for a shell.
///
/// They know every command, option and fixed value, the topology's environments and
/// infrastructures, the rules, and the runs of this machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles completions bash > gigadb-roles.bash
  gigadb-roles completions zsh > _gigadb-roles
  gigadb-roles completions fish > gigadb-roles.fish

Bash reads them from ~/.local/share/bash-completion/completions/gigadb-roles, zsh from a folder of
its fpath, fish from ~/.config/fish/completions/gigadb-roles.fish.")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// The variable by which a shell's script asks this program what fits.
pub(crate) const ASKING: &str = "GIGADB_ROLES_COMPLETE";

/// Prints a script that asks the program itself, so that it knows this topology and these runs.
pub(super) fn run(args: &CompletionsArgs, command: &Command, ui: &Ui) -> Result<Exit, Failure> {
    let name = command.get_name();
    let mut script = Vec::new();
    let shells = Shells::builtins();
    if let Some(shell) = shells.completer(&args.shell.to_string()) {
        // Writing to memory cannot fail.
        let _ = shell.write_registration(ASKING, name, name, name, &mut script);
    }
    ui.answer(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
