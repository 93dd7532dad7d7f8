//! One file a subcommand; each opens with its own help text.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod exec;
pub(crate) mod failover;
pub(crate) mod history;
pub(crate) mod inventory;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod release;
pub(crate) mod resume;
pub(crate) mod revert;
pub(crate) mod review;
mod scope;
pub(crate) mod status;
pub(crate) mod swap;
pub(crate) mod unlock;
mod wrapper;

use clap::CommandFactory as _;
use gigadb_engine::{message::Message, name::Role, nearest::nearest};
use tokio_util::sync::CancellationToken;

use self::inventory::InventoryArgs;
use crate::{
    cli::{Cli, Command},
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    running::{
        Control,
        view::{RunView, view},
    },
    ui::Ui,
};

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
        Some(Command::Plan(args)) => until_interrupted(plan::run(args, global, ui, &cancel)).await,
        Some(Command::Apply(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                apply::run(args, global, ui, view, control).await
            };
            writing("apply", global, ui, run).await
        }
        Some(Command::Review(args)) => {
            until_interrupted(Box::pin(review::run(args, global, ui, &cancel))).await
        }
        Some(Command::Swap(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                swap::run(args, global, ui, view, control).await
            };
            writing("swap", global, ui, run).await
        }
        Some(Command::Failover(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                failover::run(args, global, ui, view, control).await
            };
            writing("failover", global, ui, run).await
        }
        Some(Command::Release(args)) if args.writes() => {
            let run = async |view: &dyn RunView, control: &Control| {
                release::run(args, global, ui, view, control).await
            };
            writing("release", global, ui, run).await
        }
        Some(Command::Release(args)) => {
            until_interrupted(Box::pin(release::look(args, global, ui, &cancel))).await
        }
        Some(Command::History(args)) => history::run(args, global, ui),
        Some(Command::Unlock(args)) => until_interrupted(unlock::run(args, global, ui)).await,
        Some(Command::Resume(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                resume::run(args, global, ui, view, control).await
            };
            writing("resume", global, ui, run).await
        }
        Some(Command::Revert(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                revert::run(args, global, ui, view, control).await
            };
            writing("revert", global, ui, run).await
        }
        Some(Command::Exec(args)) => until_interrupted(exec::run(args, global, ui, &cancel)).await,
        Some(Command::Check(args)) => {
            until_interrupted(Box::pin(check::run(args, global, ui, &cancel))).await
        }
        Some(Command::Completions(args)) => completions::run(args, global, ui),
        Some(Command::Man(args)) => man::run(args, global, ui),
        None if cli.list || cli.host.is_some() => {
            let args = InventoryArgs::for_ansible(cli.host.clone());
            until_interrupted(inventory::run(&args, global, ui, &cancel)).await
        }
        None => Err(no_command(&cli.paths)),
    }
}

/// Refuses `--format` where there is nothing but text.
fn text_alone(what: &str, global: &Global) -> Result<(), Failure> {
    if global.format == Format::Text {
        return Ok(());
    }
    Err(Failure::usage(
        format!("There is one form of {what}."),
        "--format",
        "Leave it out.",
    ))
}

/// A role as an option or an environment variable spells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoleWord(Role);

impl std::str::FromStr for RoleWord {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .map(Self)
            .ok_or_else(|| match meant(text) {
                Some(role) => format!("`{text}` is no role; did you mean `{role}`?"),
                None => format!("`{text}` is none of `production`, `hot_standby`"),
            })
    }
}

/// The role that another spelling stands for.
fn meant(text: &str) -> Option<&'static str> {
    let plain = text.trim().to_lowercase().replace(['-', ' '], "_");
    let shorter = plain.trim_start_matches("hot_");
    match shorter {
        "" => None,
        "standby" | "hotstandby" | "hot" | "secondary" | "backup" | "passive" => {
            Some(Role::HotStandby.as_str())
        }
        "production" | "prod" | "primary" | "live" | "active" => Some(Role::Production.as_str()),
        _ => nearest(&plain, Role::ALL.map(Role::as_str)),
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

/// Runs a command that writes, and tells programs of a failure that the run did not tell of.
async fn writing(
    command: &str,
    global: &Global,
    ui: &Ui,
    run: impl AsyncFnOnce(&dyn RunView, &Control) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let view = view(global.format, ui)?;
    let control = Control::default();
    let run = Box::pin(run(&*view, &control));
    until_stopped(run, ui, &control)
        .await
        .inspect_err(|failure| view.failed(command, failure))
}

/// Runs a command that writes. The first Ctrl-C asks it to stop, and it then ends by itself; the
/// second ends it at once.
async fn until_stopped(
    mut command: impl Future<Output = Result<Exit, Failure>> + Unpin,
    ui: &Ui,
    control: &Control,
) -> Result<Exit, Failure> {
    tokio::select! {
        result = &mut command => return result,
        _ = tokio::signal::ctrl_c() => {}
    }
    control.cancel.cancel();
    if ui.is_asking() {
        ui.conversation("");
        return Err(Failure::interrupted());
    }
    if control.began.get().is_some() {
        ui.warning(
            "Stopping: what is in flight is finished first, and undone or completed as the policy \
             says. Press Ctrl-C again to end at once, with requests perhaps half done.",
        );
    }
    tokio::select! {
        result = &mut command => return result,
        _ = tokio::signal::ctrl_c() => {}
    }
    let Some(run) = control.began.get() else {
        return Err(Failure::interrupted());
    };
    let next = match run {
        Some(run) => format!(
            "Run `gigadb-roles resume {run}` to complete it, or `gigadb-roles revert {run}` to go \
             back."
        ),
        None => "Run `gigadb-roles status` to see where things stand.".to_owned(),
    };
    let message = Message {
        what: "Ended at once.".to_owned(),
        object: "this run".to_owned(),
        changed: "Requests were in flight: they may or may not have been carried out.".to_owned(),
        next,
    };
    Err(Failure {
        run: run.as_ref().map(|run| run.as_str().into()),
        ..Failure::with(Exit::PartlyApplied, message)
    })
}

fn no_command(words: &[String]) -> Failure {
    let Some(word) = words.first() else {
        return Failure::usage(
            "No command was given.",
            "the command line",
            "Run `gigadb-roles --help` to see the commands.",
        );
    };
    let program = Cli::command();
    let meant = nearest(word, program.get_subcommands().map(clap::Command::get_name))
        .map(|name| format!("Did you mean `{name}`? "))
        .unwrap_or_default();
    Failure::usage(
        format!("There is no command `{word}`."),
        "the command line",
        format!("{meant}Run `gigadb-roles --help` to see the commands."),
    )
}
