//! `gigadb-roles apply`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    planning::{self, https::HttpsOptions},
    running::{Control, Job, Probes, Verb, view::RunView},
    saved_plan,
    session::{Session, Waiting},
    ui::Ui,
};

/// Carry out a plan that `plan --out` saved, without asking; refuse it when something moved.
///
/// Every record, variable and Elastic IP of the environment is compared with what the plan was
/// made from. If one moved, nothing is written, and the exit code is 4.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles plan --environment live --swap --out swap.json
  gigadb-roles apply swap.json
  gigadb-roles apply swap.json --format json")]
pub(crate) struct ApplyArgs {
    /// The saved plan.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    https: HttpsOptions,

    /// Accepted as everywhere: a saved plan is carried out without asking.
    #[arg(id = "yes", short = 'y', long = "yes")]
    _yes: bool,
}

/// Reads the plan, looks again, writes, reads back.
pub(super) async fn run(
    args: &ApplyArgs,
    global: &Global,
    ui: &Ui,
    view: &dyn RunView,
    control: &Control,
) -> Result<Exit, Failure> {
    let session = Session::open(global, Waiting::Ordinary)?;
    let evidence = session.apis.evidence(&session.topology).await;
    let saved = saved_plan::read(&args.file, &session.topology, &evidence)?;
    let job = Job {
        session: &session,
        ui,
        view,
        control,
        verb: Verb::Apply,
        reason: saved.reason.as_deref(),
        https: &args.https,
        completes: None,
    };
    view.planned(&saved.plan, job.reason);
    let intent = saved.plan.intent.clone();
    let topology = &session.topology;
    let anew = |present: &_| planning::again(topology, &intent, present, &evidence);
    job.carry_out(saved.plan, &anew, Probes::BeforeAndAfter)
        .await
}
