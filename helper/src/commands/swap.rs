//! `gigadb-roles swap`.

use clap::Args;
use gigadb_clients::{NoJournal, Scope as Reads, Which};
use gigadb_engine::{
    due::due,
    executor::{End, Outcome, TransactionStatus},
    intent::Mode,
    message::Message,
    observation::{Observation, environment_of},
    plan::Plan,
    rules::unchanged_since_plan::{finding, moved},
    verify::{Verdict, verify},
    view::View,
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Format, Global},
    exit::Exit,
    failure::Failure,
    planning::{self, Goal, PlanOptions, Request},
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
  gigadb-roles swap --environment staging --yes")]
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
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    if global.format != Format::Text {
        return Err(Failure::usage(
            "A swap reports as text alone.",
            "--format",
            "Leave it out; `gigadb-roles plan` and `status` have other formats.",
        ));
    }
    let session = Session::open(global, Waiting::Ordinary)?;
    let environment = planning::environment(&session.topology, &args.environment)?;
    if !args.yes && !ui.can_ask() {
        return Err(Failure::usage(
            "There is no terminal to ask for a confirmation.",
            format!("environment `{environment}`"),
            "Review `gigadb-roles plan --swap`, then run the swap with --yes.",
        ));
    }
    let observation = planning::observe(&session, &environment, cancel).await;
    if cancel.is_cancelled() {
        return Err(Failure::interrupted());
    }
    let observation = observation?;
    let request = Request {
        environment: &environment,
        goal: Goal::Swap,
        mode: Mode::Switchover,
        prepare: None,
        options: &args.options,
    };
    let plan = planning::make(&session.topology, &observation, &request)?;
    ui.conversation(&planning::text::render(&plan));
    if plan.blocking().next().is_some() {
        return Ok(Exit::Failed);
    }
    if !args.yes {
        confirm(ui, &session, &plan).await?;
        let present = planning::observe(&session, &environment, cancel).await?;
        unchanged(&plan, &present)?;
    }
    if cancel.is_cancelled() {
        return Err(Failure::interrupted());
    }
    let outcome = session
        .apis
        .drive(
            &plan.changes,
            &plan.intent,
            &session.topology.policy,
            &mut NoJournal,
            cancel,
        )
        .await;
    if outcome.end != End::Completed {
        return Err(not_completed(&plan, &outcome, cancel));
    }
    let verdict = read_back(&session, &plan).await;
    conclude(ui, &session, &plan, verdict)
}

/// Asks for the apex to be typed.
async fn confirm(ui: &Ui, session: &Session, plan: &Plan) -> Result<(), Failure> {
    let environment = &plan.intent.environment;
    let apex = environment_of(&session.topology, environment)
        .ok()
        .and_then(|table| plan.observation.apex(table))
        .map_or_else(|| environment.to_string(), ToString::to_string);
    let typed = ui.ask(&format!("Type `{apex}` to trade the roles: ")).await;
    if typed.as_deref() == Some(apex.as_str()) {
        Ok(())
    } else {
        Err(Failure::refused(
            format!("The swap was not confirmed: `{apex}` was not typed."),
            format!("environment `{environment}`"),
            "Run the command again when you are sure.",
        ))
    }
}

/// Refuses when something moved while the operator was reading.
fn unchanged(plan: &Plan, present: &Observation) -> Result<(), Failure> {
    let pair = &plan.intent.arrangement;
    let sides = [&pair.production, &pair.hot_standby];
    let moved = moved(&plan.observation, present, &plan.desired, sides);
    match finding(&moved, plan.intent.environment.as_str()) {
        None => Ok(()),
        Some(finding) => Err(Failure {
            exit: Exit::Stale,
            message: finding.message,
        }),
    }
}

/// Reads records and variables again; an error says why that was not possible.
async fn read_back(session: &Session, plan: &Plan) -> Result<Verdict, String> {
    let topology = &session.topology;
    let environment = &plan.intent.environment;
    let reads = Reads::written(Which::one(environment.clone()));
    // What was written is read back even when a stop was asked meanwhile.
    let world = session
        .apis
        .observe(topology, &reads, &CancellationToken::new())
        .await;
    let present = Observation::project(topology, environment, &world, Some(&plan.observation))
        .map_err(|error| error.to_string())?;
    let table = environment_of(topology, environment).map_err(|error| error.to_string())?;
    let pair = &plan.intent.arrangement;
    let view = View::observed(table, [&pair.production, &pair.hot_standby], &present);
    Ok(verify(&plan.desired, &view))
}

fn conclude(
    ui: &Ui,
    session: &Session,
    plan: &Plan,
    verdict: Result<Verdict, String>,
) -> Result<Exit, Failure> {
    let environment = &plan.intent.environment;
    let pair = &plan.intent.arrangement;
    let differs = match verdict {
        Ok(verdict) if verdict.holds() => None,
        Ok(verdict) => Some(
            verdict
                .differences
                .iter()
                .map(|one| {
                    let shown = |value: &Option<String>| value.clone().unwrap_or("nothing".into());
                    format!(
                        "{} is {}, not {}",
                        one.object,
                        shown(&one.present),
                        shown(&one.desired)
                    )
                })
                .collect::<Vec<_>>()
                .join("; "),
        ),
        Err(reason) => Some(reason),
    };
    if let Some(differs) = differs {
        return Err(Failure {
            exit: Exit::NotVerified,
            message: Message {
                what: format!(
                    "The swap was applied, but reading back does not show it: {differs}."
                ),
                object: format!("environment `{environment}`"),
                changed: format!("{} were written and accepted.", planning::text::count(plan)),
                next: format!(
                    "Run `gigadb-roles status --environment {environment}` until it is consistent."
                ),
            },
        });
    }
    ui.answer(&format!(
        "Swapped {environment}: production is {}, hot standby is {}. Changed {} and read them back.",
        pair.production,
        pair.hot_standby,
        planning::text::count(plan)
    ))?;
    ui.note(&format!(
        "In the Terraform configuration of `{environment}`, set production = \"{}\", so that the \
         next apply agrees.",
        pair.production
    ));
    for item in due(&session.topology, plan, surroundings::now()) {
        ui.note(&format!("Due: {item}"));
    }
    Ok(Exit::Success)
}

/// Says what was and what was not changed by a run that did not complete.
fn not_completed(plan: &Plan, outcome: &Outcome, cancel: &CancellationToken) -> Failure {
    let environment = &plan.intent.environment;
    let cause = outcome.cause.as_deref().unwrap_or("it did not complete");
    let transactions: Vec<_> = plan.changes.transactions().collect();
    let list = |wanted: fn(&TransactionStatus) -> bool| {
        let reports = outcome
            .reports
            .iter()
            .filter(|report| wanted(&report.status));
        let names: Vec<String> = reports
            .filter_map(|report| Some(transactions.get(report.transaction.0)?.describe()))
            .collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join("; ")
        }
    };
    let in_force = list(|status| matches!(status, TransactionStatus::Applied));
    let unclear = list(|status| {
        matches!(
            status,
            TransactionStatus::Unknown(_) | TransactionStatus::NotUndone(_)
        )
    });
    let not_changed = list(|status| !status.may_differ_from_before());
    let (exit, changed, next) = match outcome.end {
        End::Completed | End::PartlyApplied => (
            Exit::PartlyApplied,
            format!("In force: {in_force}. Not certain: {unclear}. Not changed: {not_changed}."),
            format!(
                "Run `gigadb-roles status --environment {environment}`, then `gigadb-roles plan` \
                 with the --production that you mean."
            ),
        ),
        End::Reverted => (
            Exit::Failed,
            "What had been written was undone; everything is as before.".to_owned(),
            "Settle the cause, then run the swap again.".to_owned(),
        ),
        End::NothingChanged => (
            Exit::Failed,
            "Nothing was changed.".to_owned(),
            "Settle the cause, then run the swap again.".to_owned(),
        ),
    };
    let stopped = cancel.is_cancelled() && exit == Exit::Failed;
    Failure {
        exit: if stopped { Exit::Interrupted } else { exit },
        message: Message {
            what: format!("The swap did not complete: {cause}."),
            object: format!("environment `{environment}`"),
            changed,
            next,
        },
    }
}
