//! One file a subcommand; each opens with its own help text.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod exec;
mod extra_vars;
pub(crate) mod failover;
pub(crate) mod forms;
pub(crate) mod guide;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod inventory;
pub(crate) mod known_hosts;
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
pub(crate) mod verify;
pub(crate) mod watch;
mod words;
mod wrapper;

use std::time::Duration;

use clap::CommandFactory as _;
use gigadb_engine::message::Message;
use tokio_util::sync::CancellationToken;

use self::{inventory::InventoryArgs, words::no_such_command};
use crate::{
    cli::{Cli, Command},
    exit::Exit,
    failure::{Failure, Left},
    global::{Format, Global},
    outbox::Outbox,
    running::{
        Control,
        view::{RunView, view},
    },
    ui::{self, Ui},
    usage,
};

/// Runs the command that the arguments name.
pub(crate) async fn run(cli: &Cli, ui: &Ui, outbox: &Outbox) -> Result<Exit, Failure> {
    let cancel = CancellationToken::new();
    let global = &cli.global;
    if let Some(command) = &cli.command {
        let name = forms::name(command);
        global.only(name, forms::of(name))?;
    }
    match &cli.command {
        Some(_) if cli.list || cli.host.is_some() => Err(Failure::usage(
            "--list and --host stand alone, or after `inventory`.",
            "the command line",
            "Write `gigadb-roles --list`, or `gigadb-roles inventory --list`.",
        )),
        Some(Command::Inventory(args)) => {
            until_interrupted(inventory::run(args, global, ui, &cancel)).await
        }
        Some(Command::Status(args)) if global.format == Format::Prometheus => {
            until_given_back(
                (ui, &cancel),
                Box::pin(status::run(args, global, ui, &cancel)),
            )
            .await
        }
        Some(Command::Status(args)) => {
            until_interrupted(Box::pin(status::run(args, global, ui, &cancel))).await
        }
        Some(Command::Plan(args)) => until_interrupted(plan::run(args, global, ui, &cancel)).await,
        Some(Command::Apply(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                apply::run(args, global, ui, view, control).await
            };
            writing("apply", (global, outbox), ui, run).await
        }
        Some(Command::Review(args)) => {
            until_interrupted(Box::pin(review::run(args, global, ui, &cancel))).await
        }
        Some(Command::Swap(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                swap::run(args, global, ui, view, control).await
            };
            writing("swap", (global, outbox), ui, run).await
        }
        Some(Command::Failover(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                failover::run(args, global, ui, view, control).await
            };
            writing("failover", (global, outbox), ui, run).await
        }
        Some(Command::Help(args)) => help::run(args, Cli::command()),
        Some(Command::Release(args)) if args.writes() => {
            let run = async |view: &dyn RunView, control: &Control| {
                Box::pin(release::run(args, global, ui, view, control)).await
            };
            writing("release", (global, outbox), ui, run).await
        }
        Some(Command::Release(args)) => {
            until_interrupted(Box::pin(release::look(args, global, ui, &cancel))).await
        }
        Some(Command::History(args)) => {
            until_interrupted(Box::pin(history::run(args, global, ui))).await
        }
        Some(Command::Unlock(args)) => {
            until_given_back(
                (ui, &cancel),
                Box::pin(unlock::run(args, global, ui, &cancel)),
            )
            .await
        }
        Some(Command::Resume(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                resume::run(args, global, ui, view, control).await
            };
            writing("resume", (global, outbox), ui, run).await
        }
        Some(Command::Revert(args)) => {
            let run = async |view: &dyn RunView, control: &Control| {
                revert::run(args, global, ui, view, control).await
            };
            writing("revert", (global, outbox), ui, run).await
        }
        Some(Command::Exec(args)) => until_interrupted(exec::run(args, global, ui, &cancel)).await,
        Some(Command::Check(args)) => {
            until_given_back(
                (ui, &cancel),
                Box::pin(check::run(args, global, ui, &cancel)),
            )
            .await
        }
        Some(Command::KnownHosts(args)) => {
            until_interrupted(known_hosts::run(args, global, ui, &cancel)).await
        }
        Some(Command::Verify(args)) => {
            until_interrupted(Box::pin(verify::run(args, global, ui, &cancel))).await
        }
        Some(Command::Watch(args)) => {
            until_interrupted(Box::pin(watch::run(args, global, ui, &cancel))).await
        }
        Some(Command::Guide(args)) => guide::run(args, ui),
        Some(Command::Init(args)) => {
            until_interrupted(Box::pin(init::run(args, ui, &cancel))).await
        }
        Some(Command::Completions(args)) => completions::run(args, &Cli::command(), ui),
        Some(Command::Man(args)) => man::run(args, &Cli::command(), ui),
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

/// How long a command that has written nothing may take after Ctrl-C before that is answered.
const A_MOMENT: Duration = Duration::from_millis(300);

/// How long a command may take after Ctrl-C to give a lease back.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// The same for a command that looks at leases: whoever looks at one holds it, and gives it back.
/// Ctrl-C is answered first.
async fn until_given_back(
    (ui, cancel): (&Ui, &CancellationToken),
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    tokio::pin!(command);
    tokio::select! {
        result = &mut command => return result,
        _ = tokio::signal::ctrl_c() => {}
    }
    let interrupted = Failure::interrupted();
    usage::tell_programs(&interrupted, ui);
    ui.failure(&interrupted);
    cancel.cancel();
    // What the command would say now is of no use to anybody.
    ui::hush();
    tokio::select! {
        _ = command => {}
        () = tokio::time::sleep(GIVING_BACK) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Exit::Interrupted)
}

/// Runs a command that writes, and tells programs of a failure that the run did not tell of.
async fn writing(
    command: &str,
    (global, outbox): (&Global, &Outbox),
    ui: &Ui,
    run: impl AsyncFnOnce(&dyn RunView, &Control) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let view = view(global.format, ui);
    let control = Control {
        outbox: outbox.clone(),
        ..Control::default()
    };
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
    } else if control.at_work.get().is_some() {
        ui.warning(
            "Stopping: what is under way is written down first. Press Ctrl-C again to end at once.",
        );
    } else {
        // Reads are dropped at once; what takes longer is told.
        tokio::select! {
            result = &mut command => return result,
            () = tokio::time::sleep(A_MOMENT) => {}
        }
        ui.warning("Stopping. Press Ctrl-C again to end at once.");
    }
    tokio::select! {
        result = &mut command => return result,
        _ = tokio::signal::ctrl_c() => {}
    }
    let run = control.began.get();
    let (changed, next) = match (run, control.at_work.get()) {
        (None, None) => return Err(Failure::interrupted()),
        (None, Some(next)) => (
            "What was sent may have been carried out, and what was begun may go on.",
            next.clone(),
        ),
        (Some(Some(run)), _) => (
            "Requests were in flight: they may or may not have been carried out.",
            format!(
                "Run `gigadb-roles resume {run}` to complete it, or `gigadb-roles revert {run}` to \
                 go back."
            ),
        ),
        (Some(None), _) => (
            "Requests were in flight: they may or may not have been carried out.",
            "Run `gigadb-roles status` to see where things stand.".to_owned(),
        ),
    };
    let message = Message {
        what: "Ended at once.".to_owned(),
        object: "this run".to_owned(),
        changed: changed.to_owned(),
        next,
    };
    Err(Failure::with(Exit::PartlyApplied, message).leaving(Left {
        run: run.and_then(Option::as_ref).map(ToString::to_string),
        objects: Vec::new(),
    }))
}

fn no_command(words: &[String]) -> Failure {
    let Some(word) = words.first() else {
        return Failure::usage(
            "No command was given.",
            "the command line",
            "Run `gigadb-roles --help` to see the commands.",
        );
    };
    no_such_command(word, &Cli::command())
}
