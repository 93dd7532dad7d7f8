//! One file a subcommand; each opens with its own help text.

pub(crate) mod inventory;
pub(crate) mod status;

use gigadb_engine::nearest::nearest;
use tokio_util::sync::CancellationToken;

use self::inventory::InventoryArgs;
use crate::{
    cli::{Cli, Command},
    exit::Exit,
    failure::Failure,
    ui::Ui,
};

/// The names of the commands, for a word that is none.
const COMMANDS: [&str; 2] = ["inventory", "status"];

/// Runs the command that the arguments name.
pub(crate) async fn run(cli: &Cli, ui: &Ui) -> Result<Exit, Failure> {
    let cancel = CancellationToken::new();
    let global = &cli.global;
    match &cli.command {
        Some(_) if cli.list || cli.host.is_some() => Err(Failure::usage(
            "--list and --host stand alone, or after `inventory`.",
            "the command line",
            "Write `gigadb-roles --list`, or `gigadb-roles inventory --list`.",
        )),
        Some(Command::Inventory(args)) => {
            until_interrupted(inventory::run(args, global, ui, &cancel)).await
        }
        Some(Command::Status(args)) => {
            until_interrupted(status::run(args, global, ui, &cancel)).await
        }
        None if cli.list || cli.host.is_some() => {
            let args = InventoryArgs::for_ansible(cli.host.clone());
            until_interrupted(inventory::run(&args, global, ui, &cancel)).await
        }
        None => Err(no_command(&cli.paths)),
    }
}

/// Runs a command that changes nothing until it ends or Ctrl-C is pressed.
async fn until_interrupted(
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    tokio::select! {
        result = command => result,
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

fn no_command(words: &[String]) -> Failure {
    let Some(word) = words.first() else {
        return Failure::usage(
            "No command was given.",
            "the command line",
            "Run `gigadb-roles --help` to see the commands.",
        );
    };
    let meant = nearest(word, COMMANDS)
        .map(|name| format!("Did you mean `{name}`? "))
        .unwrap_or_default();
    Failure::usage(
        format!("There is no command `{word}`."),
        "the command line",
        format!("{meant}Run `gigadb-roles --help` to see the commands."),
    )
}
