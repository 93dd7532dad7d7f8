//! `gigadb-roles resume`.

use std::collections::BTreeSet;

use clap::Args;
use gigadb_engine::{plan::Plan, rules::Rule};

use crate::{
    earlier_runs,
    exit::Exit,
    failure::Failure,
    global::Global,
    last_run::WhichRun,
    planning::{self, https::HttpsOptions},
    running::{Anew, Control, Job, Probes, Verb, confirm, view::RunView},
    session::{Session, Waiting},
    ui::Ui,
};

/// Complete a run that was interrupted, was partly applied, or owes something.
///
/// Plans what that run was asked for from how things are now, and refuses where somebody changed
/// something since (exit code 4). In a terminal, asks you to type production's hostname unless --yes
/// is given. Outside a terminal it does not ask: naming the run is the confirmation.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles history
  gigadb-roles resume 20261122T093000123Z-live-0a1b")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(super) earlier: EarlierArgs,
}

/// What the commands understand that go on from an earlier run.
#[derive(Debug, Args)]
pub(crate) struct EarlierArgs {
    #[command(flatten)]
    pub(super) which: WhichRun,

    /// Do not ask.
    #[arg(short = 'y', long)]
    pub(super) yes: bool,

    /// Waive this rule, by name; may be given more than once.
    #[arg(long = "override", value_name = "RULE", value_parser = planning::waivable, add = clap_complete::engine::ArgValueCandidates::new(crate::candidates::rules))]
    pub(super) overrides: Vec<Rule>,

    /// Why, in a line: kept in the journal of the run. No secrets.
    #[arg(long, value_name = "TEXT", value_parser = planning::one_line)]
    pub(super) reason: Option<String>,

    #[command(flatten)]
    pub(super) https: HttpsOptions,
}

/// Plans from the present, asks, writes, reads back.
pub(super) async fn run(
    args: &ResumeArgs,
    global: &Global,
    ui: &Ui,
    view: &dyn RunView,
    control: &Control,
) -> Result<Exit, Failure> {
    let args = &args.earlier;
    let session = Session::open(global, Waiting::Ordinary)?;
    let topology = &session.topology;
    let mut earlier = earlier_runs::read(&args.which.incomplete(ui)?, topology, ui)?;
    let nothing_left = |earlier: &earlier_runs::Earlier| {
        Failure::refused(
            "The run left nothing in force, so there is nothing to complete.",
            format!("run `{}`", earlier.id),
            "Run the command that began it again.",
        )
    };
    if !earlier.left.sent_something() {
        return Err(nothing_left(&earlier));
    }
    let waived: BTreeSet<Rule> = args.overrides.iter().copied().collect();
    earlier.left.intent.overrides.extend(waived);
    let reason = session.reason(args.reason.as_deref());
    let job = Job {
        session: &session,
        ui,
        view,
        control,
        verb: Verb::Resume(earlier.id.clone()),
        reason: reason.as_deref(),
        https: &args.https,
        completes: Some(&earlier.left),
    };
    // Beside its own requests it may go forward: they write the same. What was being put back may
    // still be.
    let cancel = &control.cancel;
    earlier.wait_until_closed(false, ui, cancel).await;
    job.go_on()?;
    let observation = observe(&job, &earlier).await?;
    if !earlier.left.left_something(&observation) {
        return Err(nothing_left(&earlier));
    }
    let evidence = session.apis.evidence(topology).await;
    let made = |present: &_| earlier.planned(earlier.left.resume(topology, present, &evidence));
    let plan = made(&observation).map_err(|failure| earlier.unplanned(failure, false))?;
    if !plan.changes.is_empty() {
        earlier.is_the_last(false)?;
    }
    review_and_carry_out(&job, plan, args.yes, &made).await
}

/// Looks at the environment of the earlier run.
pub(super) async fn observe(
    job: &Job<'_>,
    earlier: &earlier_runs::Earlier,
) -> Result<gigadb_engine::observation::Observation, Failure> {
    let environment = earlier.environment();
    let cancel = &job.control.cancel;
    let observation = planning::observe(job.session, environment, None, cancel).await;
    job.go_on()?;
    observation
}

/// Shows the plan, asks where there is somebody to ask, and carries it out.
pub(super) async fn review_and_carry_out(
    job: &Job<'_>,
    plan: Plan,
    yes: bool,
    anew: &Anew<'_>,
) -> Result<Exit, Failure> {
    job.view.planned(&plan, job.reason);
    job.permitted(&plan)?;
    if !yes && job.ui.can_ask() && !plan.changes.is_empty() {
        confirm::apex(job.ui, job.session, &job.verb, &plan, None).await?;
    }
    // Neither the rest of a run nor its undoing waits for an answer over HTTPS.
    job.carry_out(plan, anew, Probes::After).await
}
