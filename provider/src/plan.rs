//! Plans: a function of topology, configuration, state and private data alone. Only a create, or
//! private data without an observation, makes a plan look at the world itself.

use gigadb_engine::{
    message::Message,
    name::{Hostname, ZoneName},
    observation::{Observation, environment_of},
    rules::Rule,
    topology::{self, Topology},
};
use tfplug::{ChangeKind, Diagnostic, Diagnostics, PlanRequest, PlanResponse, Value};

use crate::{
    config::Assignment,
    decision::{self, Decided, Decision},
    diagnostics, private, probing,
    session::{Ready, Session},
    state,
};

/// Plans a create, an update or a destroy.
pub(crate) async fn plan(session: &Session, request: PlanRequest) -> PlanResponse {
    let planned = match request.kind() {
        ChangeKind::Destroy => {
            return PlanResponse::destroy().with([forgotten(&request.prior_state)]);
        }
        ChangeKind::Create => create(session, &request).await,
        ChangeKind::Update => update(session, &request).await,
    };
    planned.unwrap_or_else(PlanResponse::failed)
}

/// The warning about what a destroy leaves alone: the roles as they were last read, which may be
/// others than those of the state.
pub(crate) fn forgotten(state: &Value) -> Diagnostic {
    let text = |name: &str| state.get(name).as_str().unwrap_or("?").to_owned();
    let environment = text("environment");
    let [production, hot_standby] = [text("production"), text("hot_standby")];
    let left = match apex_as_read(state) {
        Some((apex, holder)) if holder != Some(production.as_str()) => {
            let leads = match holder {
                Some(holder) => format!("leads to `{holder}`"),
                None => "leads to neither side, as far as is known".to_owned(),
            };
            format!(
                "as last read, `{apex}` {leads}, while the state's production is `{production}` and its hot standby `{hot_standby}`."
            )
        }
        _ => {
            let mixed = match text("status").as_str() {
                "mixed" => {
                    " Not every record and variable agreed with that when they were last read (`status` is `mixed`)."
                }
                "unknown" => {
                    " Not everything could be read, or leads to one of the two sides (`status` is `unknown`)."
                }
                _ => "",
            };
            format!(
                "`{production}` stays production and `{hot_standby}` hot standby, as far as they are now.{mixed}"
            )
        }
    };
    Diagnostic::warning(
        format!("{environment} destroy: forgotten, and left as it is"),
        format!(
            "Terraform forgets the roles of `{environment}`. No DNS record and no GitLab variable is changed or deleted: {left}"
        ),
    )
}

/// The environment's apex, and whose it was when it was last read; none where the state holds none.
fn apex_as_read(state: &Value) -> Option<(Hostname, Option<&str>)> {
    let shown = state.get("hostnames").as_entries()?.iter();
    let production = shown.filter(|(_, name)| name.get("role").as_str() == Some("production"));
    let zoned: Vec<(Hostname, ZoneName)> = production
        .filter_map(|(hostname, name)| {
            let zone = name.get("zone").as_str()?;
            Some((hostname.parse().ok()?, zone.parse().ok()?))
        })
        .collect();
    let apex = topology::apex(zoned.iter().map(|(hostname, zone)| (hostname, zone)))?;
    let shown = state.get("hostnames").get(apex.as_str());
    Some((apex.clone(), shown.get("infrastructure").as_str()))
}

async fn create(session: &Session, request: &PlanRequest) -> Result<PlanResponse, Diagnostics> {
    let wanted = Assignment::read(&request.config)?;
    let ready = session.ready()?;
    ready.planned.create(&wanted.environment, &request.config)?;
    let observation = ready
        .observe(&wanted.environment, None, &request.context.cancel)
        .await?;
    let mut decided = decision::create(
        &ready.topology,
        &wanted,
        &observation,
        &ready.evidence().await,
    )?;
    probe(&ready, &wanted, request, &mut decided).await?;
    let planned = planned_state(&request.config, &wanted, &decided, &Value::Null);
    Ok(PlanResponse::new(planned, private::write(&observation)).with(decided.warnings))
}

async fn update(session: &Session, request: &PlanRequest) -> Result<PlanResponse, Diagnostics> {
    let wanted = Assignment::read(&request.config)?;
    let prior = &request.prior_state;
    if prior.get("environment") != request.config.get("environment") {
        return Ok(replacement(request));
    }
    let ready = session.ready()?;
    let environment = wanted.environment.as_str();
    if environment_of(&ready.topology, &wanted.environment).is_err() {
        return Err(diagnostics::gone_and_kept(environment).into());
    }
    ready.planned.update(&wanted.environment, &request.config)?;
    let (observation, private) = match private::read(&request.prior_private) {
        Some(known) => (known, request.prior_private.clone()),
        None => {
            let observed = ready
                .observe(&wanted.environment, None, &request.context.cancel)
                .await?;
            let private = private::write(&observed);
            (observed, private)
        }
    };
    same_topology(&ready, &wanted, &observation)?;
    let established = prior.get("production").as_str().unwrap_or_default();
    let mut decided = decision::update(
        &ready.topology,
        &wanted,
        established,
        &observation,
        &ready.evidence().await,
    )?;
    probe(&ready, &wanted, request, &mut decided).await?;
    let planned = planned_state(&request.config, &wanted, &decided, prior);
    Ok(PlanResponse::new(planned, private).with(decided.warnings))
}

async fn probe(
    ready: &Ready,
    wanted: &Assignment,
    request: &PlanRequest,
    decided: &mut Decided,
) -> Result<(), Diagnostics> {
    if let Decision::Change(plan) = &decided.decision {
        let probed = probing::plan(ready, wanted, plan, &request.context.cancel).await?;
        let environment = wanted.environment.as_str();
        if !plan.changes.stages.is_empty() {
            let why = ready.reach().ok().and_then(|reach| reach.apis.no_journal());
            let told = why.map(|why| diagnostics::no_journal(environment, &why));
            decided.warnings.extend(told);
        }
        decided.warnings.extend(probed);
    }
    Ok(())
}

/// The first half of a replacement: what the new environment will be is the second half's to say.
fn replacement(request: &PlanRequest) -> PlanResponse {
    let mut planned = request.proposed_new_state.clone();
    for computed in ["id", "arrangement", "status", "hostnames", "variables"] {
        planned.insert(computed, Value::Unknown);
    }
    PlanResponse::new(planned, request.prior_private.clone()).replace("environment")
}

/// Refuses to plan from what was observed under another topology.
pub(crate) fn same_topology(
    ready: &Ready,
    wanted: &Assignment,
    observation: &Observation,
) -> Result<(), Diagnostic> {
    if observed_under(&ready.topology, observation) {
        return Ok(());
    }
    Err(diagnostics::error(
        format!(
            "{} {}: the topology changed since the last refresh",
            wanted.environment,
            Rule::UnchangedSincePlan
        ),
        &Message::nothing_changed(
            "The topology changed since the last refresh; plan again, with refresh.",
            format!("topology of environment `{}`", wanted.environment),
            "Run `terraform plan` without `-refresh=false` (or `terraform apply -refresh-only`), and review the new plan.",
        ),
    ))
}

fn observed_under(topology: &Topology, observation: &Observation) -> bool {
    observation.topology == topology.digest()
}

/// The configuration with defaults in place, and the world as it will be.
fn planned_state(config: &Value, wanted: &Assignment, decided: &Decided, prior: &Value) -> Value {
    let mut planned = defaulted(config, wanted, decided);
    state::arrange(&mut planned, decided.arrangement());
    match &decided.decision {
        Decision::Change(plan) => state::show(&mut planned, &plan.desired),
        Decision::Keep(_) => {
            for name in ["status", "hostnames", "variables"] {
                planned.insert(name, prior.get(name).clone());
            }
        }
    }
    // A state of a former version lacks it until it is refreshed: that is no change of its own.
    if !prior.is_null() && prior.get("arrangement").is_null() {
        let line = planned.get("arrangement").clone();
        planned.insert("arrangement", Value::Null);
        if planned != *prior {
            planned.insert("arrangement", line);
        }
    }
    planned
}

fn defaulted(config: &Value, wanted: &Assignment, decided: &Decided) -> Value {
    let mut planned = config.clone();
    let hot_standby = decided.arrangement().hot_standby.as_str();
    for (name, default) in [
        ("hot_standby", hot_standby),
        ("mode", wanted.mode.as_str()),
        ("on_failure", wanted.on_failure.as_str()),
        ("on_external_swap", wanted.on_external_swap.as_str()),
        ("id", wanted.environment.as_str()),
    ] {
        if planned.get(name).is_null() {
            planned.insert(name, default);
        }
    }
    planned
}
