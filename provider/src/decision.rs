//! From configuration, state and observation to what a plan says: the same pure steps for the
//! plan walk, for the plan of the apply walk, and for the apply itself.

use gigadb_engine::{
    evidence::Evidence,
    intent::{Arrangement, Intent, InvalidIntent, OnExternalSwap, Trade, arrange},
    message::{Message, sentence},
    name::InfrastructureName,
    observation::{Observation, environment_of},
    plan::{Disagreement, Plan, adopt, left_standing, plan},
    rules::{Finding, Rule},
    topology::{Environment, Topology},
    view::Status,
};
use tfplug::{Diagnostic, Diagnostics};

use crate::{config::Assignment, diagnostics, validate};

/// What shall be done.
#[derive(Debug)]
pub(crate) enum Decision {
    /// The plan that leads to what is asked for; it may be empty.
    Change(Box<Plan>),
    /// Roles were traded elsewhere, and the configuration says to leave that alone.
    Keep(Arrangement),
}

/// A decision that may be carried out, with what there is to say about it.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    pub(crate) warnings: Diagnostics,
}

impl Decided {
    /// Who shall be what.
    pub(crate) fn arrangement(&self) -> &Arrangement {
        match &self.decision {
            Decision::Change(plan) => &plan.intent.arrangement,
            Decision::Keep(arrangement) => arrangement,
        }
    }
}

/// Decides for an environment whose roles are in the state already.
pub(crate) fn update(
    topology: &Topology,
    wanted: &Assignment,
    established: &str,
    observation: &Observation,
    evidence: &Evidence,
) -> Result<Decided, Diagnostics> {
    let environment = table(topology, wanted)?;
    let mut intent = intent(topology, wanted)?;
    let traded_to = traded_to(environment, &intent, established, observation);
    intent.trade = Trade::from_the_state(established, &intent.arrangement);
    if let Some(holder) = traded_to {
        match wanted.on_external_swap {
            OnExternalSwap::Keep => return Ok(keep(wanted, intent.arrangement, holder)),
            OnExternalSwap::Revert => intent.trade = Trade::back(),
            // The rule finds it in the plan.
            OnExternalSwap::Error => {}
        }
    }
    let plan = computed(topology, wanted, &intent, observation, evidence)?;
    unblocked(wanted, &plan)?;
    Ok(changing(wanted, plan))
}

/// Decides for an environment that is to be taken over as it is.
pub(crate) fn create(
    topology: &Topology,
    wanted: &Assignment,
    observation: &Observation,
    evidence: &Evidence,
) -> Result<Decided, Diagnostics> {
    table(topology, wanted)?;
    let intent = intent(topology, wanted)?;
    let plan = computed(topology, wanted, &intent, observation, evidence)?;
    let unread = !observation.failures().is_empty();
    if unread {
        unblocked(wanted, &plan)?;
    }
    if let Err(disagreement) = adopt(topology, &plan, observation) {
        let mut found = Diagnostics::from(disagreeing(wanted, &plan, &disagreement));
        let explaining = plan.blocking().filter(|finding| {
            matches!(
                finding.rule,
                Rule::SingleARecord | Rule::VariablesVisible | Rule::KnownAddress
            )
        });
        found.extend(diagnostics::findings(
            wanted.environment.as_str(),
            explaining,
        ));
        return Err(found);
    }
    unblocked(wanted, &plan)?;
    let created = created(wanted, &plan);
    let mut decided = changing(wanted, plan);
    decided.warnings.extend(created);
    Ok(decided)
}

/// What adopting adds, by the topology's policy: a create shows every attribute as new.
fn created(wanted: &Assignment, plan: &Plan) -> Option<Diagnostic> {
    let list: Vec<String> = plan
        .changes
        .steps()
        .map(|step| format!("  {}: `{}`", step.target.object(), step.to))
        .collect();
    let count = match list.len() {
        0 => return None,
        1 => "1 object is".to_owned(),
        several => format!("{several} objects are"),
    };
    Some(Diagnostic::warning(
        format!(
            "{} adopt: {count} missing and will be created",
            wanted.environment
        ),
        format!(
            "Creating this resource adopts what is there and changes no present value. The topology's `policy` lets it create what is missing:\n{}",
            list.join("\n")
        ),
    ))
}

fn table<'a>(topology: &'a Topology, wanted: &Assignment) -> Result<&'a Environment, Diagnostics> {
    environment_of(topology, &wanted.environment)
        .map_err(|error| diagnostics::unobservable(wanted.environment.as_str(), &error).into())
}

/// What is asked for, as the engine takes it; for an environment that is adopted as it is.
pub(crate) fn intent(topology: &Topology, wanted: &Assignment) -> Result<Intent, Diagnostics> {
    let (arrangement, prepare) = arrange(
        topology,
        &wanted.production,
        wanted.hot_standby.as_deref(),
        wanted.prepare.as_deref(),
    )
    .map_err(|error| misarranged(wanted, &error))?;
    Ok(Intent {
        environment: wanted.environment.clone(),
        arrangement,
        mode: wanted.mode,
        prepare,
        on_failure: wanted.on_failure,
        overrides: wanted.overrides.clone(),
        trade: Trade::none(),
    })
}

fn misarranged(wanted: &Assignment, error: &InvalidIntent) -> Diagnostic {
    let environment = &wanted.environment;
    let what = sentence(&error.to_string());
    let (attribute, summary, next) = match error {
        InvalidIntent::UnknownInfrastructure {
            setting,
            name,
            nearest,
        } => (
            *setting,
            format!("{environment}: no infrastructure `{name}` in the topology"),
            match nearest {
                Some(nearest) => format!(
                    "Write `{nearest}` if that is meant, or add the infrastructure to the topology."
                ),
                None => "Name an infrastructure of the topology.".to_owned(),
            },
        ),
        InvalidIntent::SameSide(side) => return validate::same_side_error(side.as_str()),
        InvalidIntent::HotStandbyNeeded(_) => (
            "hot_standby",
            format!("{environment}: `hot_standby` must be named"),
            "Say in `hot_standby` which infrastructure shall be the hot standby.".to_owned(),
        ),
        InvalidIntent::PrepareOutside(_) => (
            "prepare",
            format!("{environment}: `prepare` names neither side"),
            "Name the infrastructure that is, or shall be, the hot standby, or remove the line."
                .to_owned(),
        ),
    };
    diagnostics::error_at(
        attribute,
        summary,
        &Message::nothing_changed(
            what,
            format!("attribute `{attribute}` of environment `{environment}`"),
            next,
        ),
    )
}

/// The side that holds the apex although neither configuration nor state says so.
fn traded_to<'a>(
    environment: &Environment,
    intent: &Intent,
    established: &str,
    observation: &'a Observation,
) -> Option<&'a InfrastructureName> {
    let production = &intent.arrangement.production;
    let holder = observation.apex_holder(environment)?;
    (production.as_str() == established && holder != production).then_some(holder)
}

fn keep(wanted: &Assignment, arrangement: Arrangement, holder: &InfrastructureName) -> Decided {
    let environment = &wanted.environment;
    let warning = Diagnostic::warning(
        format!("{environment} {}: kept as it is", Rule::ExternalSwap),
        format!(
            "Roles were traded outside Terraform, or by an apply that failed: `{holder}` is production now, while configuration and state say `{}`. \
             `on_external_swap = \"keep\"` leaves this environment alone: nothing is planned for it. \
             Set `production = \"{holder}\"` to accept the trade.",
            arrangement.production
        ),
    )
    .at("production");
    Decided {
        decision: Decision::Keep(arrangement),
        warnings: warning.into(),
    }
}

fn computed(
    topology: &Topology,
    wanted: &Assignment,
    intent: &Intent,
    observation: &Observation,
    evidence: &Evidence,
) -> Result<Plan, Diagnostics> {
    let plan = plan(topology, intent, observation, evidence).map_err(|incomputable| {
        diagnostics::findings(wanted.environment.as_str(), &incomputable.0)
    })?;
    Ok(plan)
}

fn unblocked(wanted: &Assignment, plan: &Plan) -> Result<(), Diagnostics> {
    let blocking: Vec<&Finding> = plan.blocking().collect();
    if blocking.is_empty() {
        return Ok(());
    }
    Err(diagnostics::findings(wanted.environment.as_str(), blocking))
}

/// The plan with its warnings: what rules found and did not stop, what is owed, and what else there
/// is to know.
fn changing(wanted: &Assignment, plan: Plan) -> Decided {
    let name = wanted.environment.as_str();
    let mut warnings =
        diagnostics::findings(name, plan.findings.iter().filter(|found| !found.blocks()));
    warnings.extend(diagnostics::notices(name, &plan.notices));
    warnings.extend(diagnostics::notices(name, &left_standing(&plan)));
    warnings.extend(diagnostics::owed(name, &plan.owed));
    Decided {
        decision: Decision::Change(Box::new(plan)),
        warnings,
    }
}

fn disagreeing(wanted: &Assignment, plan: &Plan, disagreement: &Disagreement) -> Diagnostic {
    let environment = &wanted.environment;
    let Disagreement {
        holder,
        status,
        objects,
    } = disagreement;
    let production = &plan.intent.arrangement.production;
    let address = format!("gigadb_role_assignment.NAME {environment}");
    let import = format!(
        "or import what is there (`terraform import {address}`), whose plan shows every from and to"
    );
    let (what, next) = match holder {
        Some(holder) if holder != production => (
            format!(
                "`{holder}` is production of `{environment}` now, not `{production}`: creating this resource adopts what is there and changes nothing."
            ),
            format!(
                "Set `production = \"{holder}\"`, apply, then change it to `{production}`; {import}."
            ),
        ),
        _ if *status == Status::Prepared && wanted.prepare.is_none() => (
            format!(
                "`{environment}` is prepared for a swap: the hot standby carries production's variables already."
            ),
            format!(
                "Add `prepare = \"{}\"` and apply; {import}.",
                plan.intent.arrangement.hot_standby
            ),
        ),
        Some(_) if *status == Status::Consistent && wanted.prepare.is_some() => (
            format!(
                "`{environment}` is not prepared for a swap: creating this resource adopts what is there and changes nothing."
            ),
            format!("Take `prepare` out, apply, then put it in again; {import}."),
        ),
        Some(holder) => (
            format!(
                "`{environment}` is {status}: not everything is as the topology says, and creating this resource changes nothing that is there."
            ),
            format!(
                "Put these right, keep `production = \"{holder}\"`, apply, then change it; {import}."
            ),
        ),
        None => (
            format!(
                "`{environment}` is {status}: it is not clear who is production, and creating this resource changes nothing that is there."
            ),
            format!(
                "Put these right, set `production` to the holder of the apex, apply, then change it; {import}."
            ),
        ),
    };
    diagnostics::error_at(
        "production",
        format!("{environment} adopt: what is there is not what is configured"),
        &Message::nothing_changed(
            what,
            format!(
                "environment `{environment}`:\n    {}",
                objects.join("\n    ")
            ),
            next,
        ),
    )
}
