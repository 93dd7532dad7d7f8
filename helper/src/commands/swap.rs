//! `gigadb-roles swap`.

use clap::Args;
use gigadb_engine::{intent::Mode, plan::Plan};

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    planning::{self, Goal, PlanOptions, Request},
    running::{Control, Job, Probes, Verb, confirm, view::RunView},
    session::{Session, Waiting},
    ui::Ui,
};

/// Trade the roles of production and hot standby in one environment.
///
/// Shows the plan, asks to type production's hostname, writes, reads back, and says what is due
/// afterwards. Without a terminal it needs --yes. When a step fails before the last DNS batch was
/// sent, what was written is undone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles swap --environment live
  gigadb-roles swap --environment staging --yes
  gigadb-roles swap --environment staging --yes --format json")]
pub(crate) struct SwapArgs {
    /// The environment whose roles are traded.
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: String,

    /// Do not ask.
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    options: PlanOptions,
}

/// Plans, asks, writes, reads back.
pub(super) async fn run(
    args: &SwapArgs,
    global: &Global,
    ui: &Ui,
    view: &dyn RunView,
    control: &Control,
) -> Result<Exit, Failure> {
    let session = Session::open(global, Waiting::Ordinary)?;
    let environment = planning::environment(&session.topology, &args.environment)?;
    if !args.yes {
        let instead = "Review `gigadb-roles plan --swap`, then run the swap with --yes.";
        confirm::needs_somebody(ui, environment.as_str(), instead)?;
    }
    let reason = session.reason(args.options.reason());
    let job = Job {
        session: &session,
        ui,
        view,
        control,
        verb: Verb::Swap,
        reason: reason.as_deref(),
        https: &args.options.https,
        completes: None,
    };
    let observation = planning::observe(&session, &environment, None, &control.cancel).await;
    job.go_on()?;
    let request = Request {
        environment: &environment,
        goal: Goal::Swap,
        mode: Mode::Switchover,
        prepare: None,
        options: &args.options,
    };
    let plan = planning::make(&session, &observation?, &request).await?;
    review_and_carry_out(&job, plan, args.yes).await
}

/// Shows the plan, asks, and carries it out.
pub(super) async fn review_and_carry_out(
    job: &Job<'_>,
    mut plan: Plan,
    yes: bool,
) -> Result<Exit, Failure> {
    let topology = &job.session.topology;
    planning::https::probe(topology, &mut plan, job.https, &job.control.cancel).await?;
    job.view.planned(&plan, job.reason);
    job.permitted(&plan)?;
    let probes = if yes || plan.changes.is_empty() {
        Probes::After
    } else {
        confirm::apex(job.ui, job.session, &job.verb, &plan).await?;
        Probes::BeforeAndAfter
    };
    let intent = plan.intent.clone();
    let anew = |present: &_| planning::again(topology, &intent, present);
    job.carry_out(plan, &anew, probes).await
}
