//! `gigadb-roles swap`.

use clap::Args;
use gigadb_engine::intent::Mode;

use crate::{
    dumps,
    exit::Exit,
    failure::Failure,
    global::Global,
    named::OneEnvironment,
    planning::{self, Goal, PlanOptions, Request},
    running::{Control, Job, Probes, Verb, confirm, view::RunView},
    session::{Session, Waiting},
    surroundings,
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
    #[command(flatten)]
    environment: OneEnvironment,

    /// Do not ask.
    #[arg(short = 'y', long)]
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
    let environment = args.environment.name()?;
    let change = Change {
        verb: Verb::Swap,
        environment: &environment,
        goal: Goal::Swap,
        mode: Mode::Switchover,
        prepare: None,
        yes: args.yes,
        without_terminal: "Review `gigadb-roles plan --swap`, then run the swap with --yes.",
        options: &args.options,
    };
    change.run(global, ui, view, control).await
}

/// A change of roles that is planned and carried out by one command.
pub(super) struct Change<'a> {
    pub(super) verb: Verb,
    pub(super) environment: &'a str,
    pub(super) goal: Goal<'a>,
    pub(super) mode: Mode,
    /// The side that shall carry production's variables already.
    pub(super) prepare: Option<&'a str>,
    /// Whether nobody is asked.
    pub(super) yes: bool,
    /// What to do where there is nobody to ask.
    pub(super) without_terminal: &'a str,
    pub(super) options: &'a PlanOptions,
}

impl Change<'_> {
    /// Looks, plans, shows the plan, asks, and carries it out.
    pub(super) async fn run(
        self,
        global: &Global,
        ui: &Ui,
        view: &dyn RunView,
        control: &Control,
    ) -> Result<Exit, Failure> {
        let mut session = Session::open(global, Waiting::Ordinary)?;
        if let (Mode::Failover, Goal::Arrangement { production, .. }) = (self.mode, &self.goal)
            && let Ok(promoted) = production.parse()
        {
            session.apis = session.apis.for_failover(&promoted, None);
        }
        let session = session;
        let topology = &session.topology;
        let environment = planning::environment(topology, self.environment)?;
        if !self.yes {
            confirm::needs_somebody(ui, environment.as_str(), self.without_terminal)?;
        }
        let https = &self.options.https;
        let reason = session.reason(self.options.reason());
        let job = Job {
            session: &session,
            ui,
            view,
            control,
            verb: self.verb,
            reason: reason.as_deref(),
            https,
            completes: None,
        };
        let cancel = &control.cancel;
        let observation = match (self.mode, &self.goal) {
            (Mode::Failover, Goal::Arrangement { production, .. }) => {
                planning::observe_for_failover(&session, &environment, production, cancel).await
            }
            _ => planning::observe(&session, &environment, None, cancel).await,
        };
        job.go_on()?;
        let request = Request {
            environment: &environment,
            goal: self.goal,
            mode: self.mode,
            prepare: self.prepare,
            options: self.options,
        };
        let evidence = session.apis.evidence(topology).await;
        let mut plan = planning::make(&session, &observation?, &request, &evidence)?;
        // What would be lost is told at the question; it is asked for beside the probe.
        let lost = self.mode == Mode::Failover && !self.yes;
        let roles = plan.intent.arrangement.clone().swapped();
        let lost = async {
            let listed = if lost {
                dumps::list(topology, &environment, &roles, ("", "")).await
            } else {
                None
            };
            dumps::newest(listed.as_ref(), surroundings::now())
        };
        let probing = planning::https::probe(topology, &mut plan, https, &control.cancel);
        let (probed, newest) = tokio::join!(probing, lost);
        probed?;
        job.go_on()?;
        view.planned(&plan, job.reason);
        job.permitted(&plan)?;
        let probes = if self.yes || plan.changes.is_empty() {
            Probes::After
        } else {
            confirm::apex(ui, &session, &job.verb, &plan, newest.as_ref()).await?;
            Probes::BeforeAndAfter
        };
        let intent = plan.intent.clone();
        let anew = |present: &_| planning::again(topology, &intent, present, &evidence);
        job.carry_out(plan, &anew, probes).await
    }
}
