//! `gigadb-roles revert`.

use std::collections::BTreeSet;

use clap::Args;
use gigadb_engine::rules::Rule;

use super::resume::{EarlierArgs, observe, review_and_carry_out};
use crate::{
    earlier_runs,
    exit::Exit,
    failure::Failure,
    global::Global,
    running::{Control, Job, Verb, view::RunView},
    session::{Session, Waiting},
    ui::Ui,
};

/// Put back what a run changed, in reverse, unless somebody changed it since.
///
/// What somebody changed after the run is named, and then nothing is written (exit code 4).
/// What the run created is set to what the restored roles require; nothing is deleted. As with a
/// saved plan, the id says what shall be done: a terminal is asked for production's hostname
/// unless --yes is given, and without one nobody is asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles history
  gigadb-roles revert 20261122T093000123Z-live-0a1b
  gigadb-roles revert --last --environment live")]
pub(crate) struct RevertArgs {
    #[command(flatten)]
    earlier: EarlierArgs,
}

/// Plans the way back from the present, asks, writes, reads back.
pub(super) async fn run(
    args: &RevertArgs,
    global: &Global,
    ui: &Ui,
    view: &dyn RunView,
    control: &Control,
) -> Result<Exit, Failure> {
    let args = &args.earlier;
    let session = Session::open(global, Waiting::Ordinary)?;
    let topology = &session.topology;
    let earlier = earlier_runs::read(&args.which.in_force(ui)?, topology, ui)?;
    let nothing_left = |earlier: &earlier_runs::Earlier| {
        Failure::refused(
            "The run left nothing in force, so there is nothing to put back.",
            format!("run `{}`", earlier.id),
            "Run `gigadb-roles status` to see where things stand.",
        )
    };
    if !earlier.left.sent_something() {
        return Err(nothing_left(&earlier));
    }
    let waived: BTreeSet<Rule> = args.overrides.iter().copied().collect();
    let reason = session.reason(args.reason.as_deref());
    let job = Job {
        session: &session,
        ui,
        view,
        control,
        verb: Verb::Revert(earlier.id.clone()),
        reason: reason.as_deref(),
        https: &args.https,
        completes: None,
    };
    // Nothing is put back while a request may still take effect.
    let cancel = &control.cancel;
    earlier.wait_until_closed(true, ui, cancel).await;
    job.go_on()?;
    let observation = observe(&job, &earlier).await?;
    if !earlier.left.left_something(&observation) {
        return Err(nothing_left(&earlier));
    }
    let evidence = session.apis.evidence(topology).await;
    let made = |present: &_| {
        let plan = earlier.left.revert(topology, present, &evidence, &waived);
        earlier.planned(plan)
    };
    let plan = made(&observation).map_err(|failure| earlier.unplanned(failure, true))?;
    if !plan.changes.is_empty() {
        earlier.is_the_last(true)?;
    }
    review_and_carry_out(&job, plan, args.yes, &made).await
}
