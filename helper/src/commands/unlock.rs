//! `gigadb-roles unlock`.

use std::collections::BTreeMap;

use clap::Args;
use gigadb_clients::{journal::RunId, lease::Released};
use gigadb_engine::{
    message::Message,
    name::EnvironmentName,
    rules::one_swap_at_a_time::{Holder, LeasePlace},
    topology::Lock,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    session::{Session, Waiting},
    ui::{self, Ui, Within},
};

/// Delete a lease that a run left behind, after showing who holds it.
///
/// While a lease is held, nobody else can swap. Delete one only if you are sure that its run is no
/// longer running: it would write beside the next one. Without a terminal it needs --yes.
/// A lock whose id no program of ours made, such as Terraform's own, is never deleted.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles unlock gigadb-1:20261122T093000123Z-live-0a1b:bastion:4242:: --yes")]
pub(crate) struct UnlockArgs {
    /// The lease, as the refusal of a run names it.
    #[arg(value_name = "ID")]
    id: String,

    /// Do not ask.
    #[arg(short = 'y', long)]
    yes: bool,
}

/// Looks who holds it, asks, deletes it.
pub(super) async fn run(
    args: &UnlockArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let session = Session::open(global, Waiting::Ordinary)?;
    let Some(lock) = &session.topology.lock else {
        return Err(Failure::refused(
            "The topology names no `lock`, so there is no lease.",
            format!("`{}`", session.topology_file.display()),
            "Nothing has to be unlocked.",
        ));
    };
    let within = Within::Each(session.apis.call_within());
    let looked = held(&session, lock, args, cancel);
    let (place, holder) = ui::waiting("Asking GitLab who holds the lease", within, looked).await?;
    if holder.process.is_none() {
        return Err(Failure::refused(
            format!("The lock is held {holder}, and not by a program of ours."),
            place.to_string(),
            holder.advice(&place),
        ));
    }
    ui.note(&format!("The {place} is held {holder}."));
    if !args.yes {
        if !ui.can_ask() {
            return Err(Failure::usage(
                "There is no terminal to ask for a confirmation.",
                place.to_string(),
                "Make sure that the run is gone, then run the command with --yes.",
            ));
        }
        let answer = ui.ask("Type `unlock` to delete this lease: ").await;
        if answer.as_deref() != Some("unlock") {
            return Err(Failure::refused(
                "The lease was not deleted: `unlock` was not typed.",
                place.to_string(),
                "Run the command again when you are sure.",
            ));
        }
    }
    let within = Within::All(session.apis.call_within());
    let deleted = session.apis.delete_lease(&place, &holder.id);
    match ui::waiting("Deleting the lease", within, deleted).await {
        Released::Free | Released::Shared => {
            ui.answer(&format!("Deleted the {place}."))?;
            Ok(Exit::Success)
        }
        Released::NotHeld => Err(Failure::refused(
            "The lease is not held under this id any more.",
            place.to_string(),
            "Run the command that it was in the way of again.",
        )),
        Released::Failed(failure) => Err(Failure::with(
            Exit::Failed,
            Message {
                what: format!("The lease could not be deleted: {failure}."),
                object: place.to_string(),
                changed: "The lease may still be held; nothing else was changed.".to_owned(),
                next: "Check the connection to GitLab and its token, then unlock again.".to_owned(),
            },
        )),
    }
}

/// The place and holder of the lease that the arguments name.
async fn held(
    session: &Session,
    lock: &Lock,
    args: &UnlockArgs,
    cancel: &CancellationToken,
) -> Result<(LeasePlace, Holder), Failure> {
    let mut others = Vec::new();
    for (place, environment) in places(session, lock) {
        let run = RunId::new(environment, Timestamp::now());
        let holder = session.apis.lease_holder(&place, &run, cancel).await;
        let holder = holder.map_err(|failure| {
            Failure::refused(
                format!("It could not be seen who holds the lease: {failure}."),
                place.to_string(),
                "Check the connection to GitLab and its token, which needs the role Maintainer in \
                 that project, then unlock again.",
            )
        })?;
        match holder {
            Some(holder) if holder.id == args.id && !args.id.is_empty() => {
                return Ok((place, holder));
            }
            Some(holder) if holder.process.is_some() => {
                others.push(format!("{place}: held {holder}; its id is {}", holder.id));
            }
            Some(holder) => {
                others.push(format!("{place}: held {holder}, not by a program of ours"));
            }
            None => {}
        }
    }
    let object = if others.is_empty() {
        "no lease is held".to_owned()
    } else {
        others.join("\n           ")
    };
    Err(Failure::refused(
        format!("No lease is held under the id `{}`.", args.id),
        object,
        "Name the id of a lease that is held, exactly as it is written.",
    ))
}

/// Every place that the topology's environments keep a lease in.
fn places<'a>(session: &'a Session, lock: &Lock) -> BTreeMap<LeasePlace, &'a EnvironmentName> {
    let environments = session.topology.environments.keys();
    environments
        .map(|name| (LeasePlace::under(lock, name), name))
        .collect()
}
