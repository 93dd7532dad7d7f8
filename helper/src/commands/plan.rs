//! `gigadb-roles plan`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use gigadb_engine::intent::Mode;
use tokio_util::sync::CancellationToken;

use crate::{
    candidates,
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    named::OneEnvironment,
    paint,
    planning::{self, Goal, PlanOptions, Request},
    saved_plan,
    session::{Session, Waiting},
    ui::Ui,
};

/// Show every record and variable that a change of roles would write; write nothing.
///
/// Exits with 0 when there is nothing to change, with 2 when there is, and with 1 when a rule
/// stands in the way. --out saves the plan for `apply`.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("goal").required(true).args(["production", "swap"]),
    after_help = "\
Examples:
  gigadb-roles plan --environment live --swap
  gigadb-roles plan --environment live --swap --out swap.json --reason \"release 4.4\"
  gigadb-roles plan --environment live --production alt-gigadb-website --format json"
)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    environment: OneEnvironment,

    /// The infrastructure that shall be production.
    #[arg(long, value_name = "INFRASTRUCTURE", add = ArgValueCandidates::new(candidates::infrastructures))]
    production: Option<String>,

    /// The infrastructure that shall be hot standby (default: the other one).
    // With a group, clap asks for nothing that `requires` names beside `--swap`.
    #[arg(
        long,
        value_name = "INFRASTRUCTURE",
        add = ArgValueCandidates::new(candidates::infrastructures),
        requires = "production",
        conflicts_with = "swap"
    )]
    hot_standby: Option<String>,

    /// Trade the roles as they are now.
    #[arg(long)]
    swap: bool,

    /// How much must be well: switchover (both sides) or failover (the promoted side).
    #[arg(long, value_name = "MODE", default_value = "switchover", add = ArgValueCandidates::new(candidates::modes))]
    mode: Mode,

    /// The infrastructure that shall carry production's variables already.
    #[arg(long, value_name = "INFRASTRUCTURE", add = ArgValueCandidates::new(candidates::infrastructures))]
    prepare: Option<String>,

    /// Save the plan to this file, for `gigadb-roles apply FILE`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    #[command(flatten)]
    options: PlanOptions,
}

/// Prints the plan.
pub(super) async fn run(
    args: &PlanArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    // A plan that is kept to be carried out needs what only Cloudflare's API tells: record ids.
    let session = match args.out {
        Some(_) => Session::open(global, Waiting::Ordinary)?,
        None => Session::open_to_read(global, Waiting::Ordinary)?,
    };
    let environment = planning::environment(&session.topology, &args.environment.name()?)?;
    let observation = planning::observe_and_tell(&session, &environment, ui, cancel).await?;
    let request = Request {
        environment: &environment,
        goal: match &args.production {
            Some(production) => Goal::Arrangement {
                production,
                hot_standby: args.hot_standby.as_deref(),
            },
            None => Goal::Swap,
        },
        mode: args.mode,
        prepare: args.prepare.as_deref(),
        options: &args.options,
    };
    let evidence = session.apis.evidence(&session.topology).await;
    let mut plan = planning::make(&session, &observation, &request, &evidence)?;
    planning::https::probe(&session.topology, &mut plan, &args.options.https, cancel).await?;
    let reason = session.reason(args.options.reason());
    let refused = plan.blocking().next().is_some();
    if let Some(file) = &args.out
        && !refused
    {
        saved_plan::write(file, &session.topology, &plan, reason.as_deref())?;
    }
    if global.format == Format::Json {
        ui.answer(&planning::json::render(&plan, reason.as_deref()))?;
    } else {
        ui.answer_painted(&planning::text::render(&plan), paint::plan)?;
    }
    if !plan.changes.is_empty()
        && let Some(why) = session.apis.no_journal()
    {
        ui.warning(&format!(
            "On this machine a run could keep no journal: {why}. A switchover would be refused \
             before its first write. Name a folder that you may write in GIGADB_JOURNAL_DIR."
        ));
    }
    if let Some(file) = &args.out {
        let file = file.display();
        ui.note(&if refused {
            format!("The plan was not saved to `{file}`, because it is refused.")
        } else {
            format!("Saved. To carry it out: `gigadb-roles apply {file}`")
        });
    }
    Ok(if refused {
        Exit::Failed
    } else if plan.is_empty() {
        Exit::Success
    } else {
        Exit::ChangesPending
    })
}
