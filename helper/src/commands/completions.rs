//! `gigadb-roles completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{cli::Cli, exit::Exit, failure::Failure, global::Global, ui::Ui};

/// Print the completions for a shell.
///
/// They know every command, option and fixed value.
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

/// Prints what clap knows of the commands and options.
pub(super) fn run(args: &CompletionsArgs, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    global.text_alone("completions")?;
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let script = String::from_utf8_lossy(&script);
    ui.answer(&match args.shell {
        Shell::Bash => with_one_spelling(&script),
        _ => script.into_owned(),
    })?;
    Ok(Exit::Success)
}

/// `clap_complete` 4.6 spells a program's dash one way where its bash script chooses a command, and
/// another where it completes it: without this, nothing is completed after a command's name. See
/// <https://github.com/clap-rs/clap/issues/6421>.
fn with_one_spelling(script: &str) -> String {
    script.replace("gigadb__subcmd__roles", "gigadb__roles")
}
