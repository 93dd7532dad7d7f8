//! `gigadb-roles check`.

use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::{
    check::{self, Check, Checkouts, Verdict},
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    paint,
    session::{self, Session, Waiting},
    surroundings,
    ui::{self, Ui, Within},
};

/// Check the topology, the tokens, the AWS profiles and the checkouts of this machine.
///
/// Lints the topology, then looks at everything that a swap needs of this machine: profiles with
/// keys of their own, tokens that may do what is needed, zones, projects, variables, checkouts.
/// Changes nothing, except that it briefly takes a free lease: GitLab offers no other way to see who
/// holds it. Permissions that only a write can prove are reported as `not checked`. Exits with 0
/// when nothing failed, warnings allowed, and with 1 otherwise.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles check
  gigadb-roles check --checkouts ~
  gigadb-roles check --format json")]
pub(crate) struct CheckArgs {
    /// Look for the checkouts that the topology names in this folder (default: beside the working
    /// directory).
    #[arg(long, value_name = "FOLDER")]
    checkouts: Option<PathBuf>,

    /// Check only this checkout of GigaDB's repository: what is in the way of the guide for
    /// Ansible, with file, line and the smallest change. Needs no topology, token or network.
    #[arg(long, value_name = "PATH", conflicts_with = "checkouts")]
    repository: Option<PathBuf>,
}

/// Prints the checks.
pub(super) async fn run(
    args: &CheckArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    if let Some(folder) = &args.repository {
        let configuration = surroundings::variable("ANSIBLE_CONFIG").map(PathBuf::from);
        let checks = check::repository::checks(folder, configuration.as_deref());
        return answer(&checks, global, ui);
    }
    let file = session::topology_file(global);
    let mut checks = check::topology::checks(&file);
    let usable = checks.iter().all(|check| check.verdict != Verdict::Failed);
    match usable.then(|| Session::open(global, Waiting::Ordinary)) {
        None => checks.push(Check::not_checked(
            ("everything else", "all"),
            "It needs a topology",
            "Correct the topology first, then check again.",
        )),
        Some(Err(failure)) => {
            checks.push(Check::failed(
                ("settings", &failure.message.object),
                failure.message.what.trim_end_matches('.'),
                failure.message.next,
            ));
            checks.push(Check::not_checked(
                ("everything else", "all"),
                "It needs settings that can be used",
                "Correct the setting first, then check again.",
            ));
        }
        Some(Ok(session)) => {
            let checkouts = Checkouts {
                folder: args.checkouts.clone().unwrap_or_else(|| "..".into()),
                named: args.checkouts.is_some(),
            };
            let made = check::run(&file, &session, &checkouts, cancel);
            let within = Within::Each(session.apis.call_within());
            let what = "Asking Cloudflare, GitLab and AWS";
            checks.extend(ui::waiting(what, within, Box::pin(made)).await);
        }
    }
    answer(&checks, global, ui)
}

fn answer(checks: &[Check], global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    if global.format == Format::Json {
        ui.answer(&check::json::render(checks))?;
    } else {
        ui.answer_painted(&check::text::render(checks, ui.width()), paint::check)?;
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Failed);
    Ok(if failed { Exit::Failed } else { Exit::Success })
}
