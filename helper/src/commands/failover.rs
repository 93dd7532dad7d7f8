//! `gigadb-roles failover`.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use gigadb_engine::intent::Mode;

use super::swap::Change;
use crate::{
    candidates,
    exit::Exit,
    failure::Failure,
    global::Global,
    named::OneEnvironment,
    planning::{Goal, PlanOptions},
    running::{Control, Verb, view::RunView},
    ui::Ui,
};

/// Make one side production although the other is lost.
///
/// Needs Cloudflare and the region of the promoted side, nothing else. What cannot be written is
/// owed: it is listed at the end, the exit code is then 3, and `resume` writes it. Shows the
/// plan and asks to type production's hostname; without a terminal it needs --yes. While both
/// sides are well, use `swap`: what was written on the lost side since the last synchronization
/// is not on the promoted one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles failover --environment live --production alt-gigadb-website
  gigadb-roles failover --environment staging --production alt-gigadb-website --yes")]
pub(crate) struct FailoverArgs {
    #[command(flatten)]
    environment: OneEnvironment,

    /// The infrastructure that shall be production.
    #[arg(long, value_name = "INFRASTRUCTURE", add = ArgValueCandidates::new(candidates::infrastructures))]
    production: String,

    /// The infrastructure that is lost (default: the other one).
    #[arg(long, value_name = "INFRASTRUCTURE", add = ArgValueCandidates::new(candidates::infrastructures))]
    hot_standby: Option<String>,

    /// Do not ask.
    #[arg(short = 'y', long)]
    yes: bool,

    #[command(flatten)]
    options: PlanOptions,
}

/// Plans, asks, writes, reads back.
pub(super) async fn run(
    args: &FailoverArgs,
    global: &Global,
    ui: &Ui,
    view: &dyn RunView,
    control: &Control,
) -> Result<Exit, Failure> {
    let environment = args.environment.name()?;
    let change = Change {
        verb: Verb::Failover,
        environment: &environment,
        goal: Goal::Arrangement {
            production: &args.production,
            hot_standby: args.hot_standby.as_deref(),
        },
        mode: Mode::Failover,
        prepare: None,
        yes: args.yes,
        without_terminal: "Run the failover with --yes, or save a plan with `gigadb-roles plan \
                           --mode failover --out FILE` and apply that.",
        options: &args.options,
    };
    change.run(global, ui, view, control).await
}
