//! Plans: from what was asked for and what was observed to what would be written.

pub(crate) mod https;
pub(crate) mod json;
pub(crate) mod owed;
pub(crate) mod text;

use clap::Args;
use gigadb_clients::{Scope as Reads, Which};
use gigadb_engine::{
    advice::{self, Asked},
    evidence::Evidence,
    intent::{Arrangement, Intent, InvalidIntent, Mode, OnFailure, Trade, arrange, infrastructure},
    name::{EnvironmentName, InfrastructureName},
    observation::{Observation, ProjectError, environment_of},
    plan::{Incomputable, Plan, plan},
    rules::Rule,
    topology::{Environment, Topology},
    view,
    world::{Cause, Failure as WorldFailure, FailureKind, Reading, World},
};
use tokio_util::sync::CancellationToken;

use crate::{
    failure::Failure,
    session::{Observed, Session},
    ui::Ui,
};

/// What every command that plans understands.
#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    /// Waive this rule, by name; may be given more than once.
    #[arg(long = "override", value_name = "RULE", value_parser = waivable, add = clap_complete::engine::ArgValueCandidates::new(crate::candidates::rules))]
    overrides: Vec<Rule>,

    /// What to do when a step fails before the last DNS batch was sent: revert or stop.
    #[arg(long, value_name = "ACTION", default_value = "revert", add = clap_complete::engine::ArgValueCandidates::new(crate::candidates::on_failure))]
    on_failure: OnFailure,

    /// Why, in a line: kept in the plan and in the journal of the run. No secrets.
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    reason: Option<String>,

    #[command(flatten)]
    pub(crate) https: https::HttpsOptions,
}

impl PlanOptions {
    /// The options of a plan that belongs to a release.
    pub(crate) fn of_release(
        overrides: Vec<Rule>,
        reason: Option<String>,
        https: https::HttpsOptions,
    ) -> Self {
        Self {
            overrides,
            on_failure: OnFailure::Revert,
            reason,
            https,
        }
    }

    /// Why, in the operator's words.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// A rule that may be waived, by name.
pub(crate) fn waivable(text: &str) -> Result<Rule, String> {
    let rule: Rule = text
        .parse()
        .map_err(|error: gigadb_engine::rules::UnknownRule| error.to_string())?;
    if rule.is_waivable() {
        Ok(rule)
    } else {
        Err(format!("rule `{rule}` cannot be waived"))
    }
}

/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// A reason: one line of text.
pub(crate) fn one_line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("it is empty".to_owned())
    } else if text.chars().any(char::is_control) {
        Err("it must be one line, without control characters".to_owned())
    } else if text.chars().count() > LONGEST_REASON {
        Err(format!("it is longer than {LONGEST_REASON} characters"))
    } else {
        Ok(text.to_owned())
    }
}

/// What shall hold, as it was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal<'a> {
    /// Trade the two roles.
    Swap,
    /// This arrangement.
    Arrangement {
        production: &'a str,
        hot_standby: Option<&'a str>,
    },
}

/// Everything that an intent is made from.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) environment: &'a EnvironmentName,
    pub(crate) goal: Goal<'a>,
    pub(crate) mode: Mode,
    pub(crate) prepare: Option<&'a str>,
    pub(crate) options: &'a PlanOptions,
}

/// The environment that `text` names.
pub(crate) fn environment(topology: &Topology, text: &str) -> Result<EnvironmentName, Failure> {
    let cannot = |reason: String| {
        Failure::usage(
            format!("--environment cannot be used: {reason}."),
            format!("environment `{text}`"),
            "Name an environment of the topology.",
        )
    };
    let name: EnvironmentName = text
        .parse()
        .map_err(|error: gigadb_engine::name::InvalidName| cannot(error.to_string()))?;
    environment_of(topology, &name).map_err(|error| cannot(error.to_string()))?;
    Ok(name)
}

/// Reads everything that a plan for `environment` rests on. What cannot be read keeps what
/// `previous` knew of it.
pub(crate) async fn observe(
    session: &Session,
    environment: &EnvironmentName,
    previous: Option<&Observation>,
    cancel: &CancellationToken,
) -> Result<Observation, Failure> {
    let observed = session.observe(&reads(environment), cancel).await;
    projected(session, environment, observed, previous)
}

/// The same for a failover to `promoted`: where Cloudflare refuses to tell the records, says what to
/// set by hand meanwhile.
pub(crate) async fn observe_for_failover(
    session: &Session,
    environment: &EnvironmentName,
    promoted: &str,
    cancel: &CancellationToken,
) -> Result<Observation, Failure> {
    let observed = session.observe(&reads(environment), cancel).await;
    let world = observed.world.clone();
    projected(session, environment, observed, None).map_err(|mut failure| {
        let by_hand = by_hand(&session.topology, environment, promoted, &world);
        failure.message.next.extend(by_hand);
        failure
    })
}

/// Production's names with the addresses of `promoted`, as a sentence; only where Cloudflare itself
/// answers, so that its dashboard may do.
fn by_hand(
    topology: &Topology,
    environment: &EnvironmentName,
    promoted: &str,
    world: &World,
) -> Option<String> {
    let answers = |failure: &WorldFailure| failure.kind != FailureKind::Unreachable;
    let zones = world.zones.failure().into_iter();
    let mut failures = zones.chain(world.records.values().filter_map(Reading::failure));
    if !failures.all(answers) {
        return None;
    }
    let table = environment_of(topology, environment).ok()?;
    let machines = world.without_records();
    let machines = Observation::project(topology, environment, &machines, None).ok()?;
    let promoted = infrastructure(topology, "production", promoted).ok()?;
    let names = table.production.hostnames.iter();
    let names: Vec<String> = names
        .filter_map(|(hostname, endpoint)| {
            let address = machines.address(&promoted, endpoint)?;
            Some(format!("`{hostname}` {address}"))
        })
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            " If that takes too long, set these A records in Cloudflare's dashboard by hand: {}.",
            names.join(", ")
        )
    })
}

/// The same for a command that only reads: says where the records come from, when not from
/// Cloudflare's API.
pub(crate) async fn observe_and_tell(
    session: &Session,
    environment: &EnvironmentName,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Observation, Failure> {
    let observed = session.observe(&reads(environment), cancel).await;
    observed.source.tell(ui);
    projected(session, environment, observed, None)
}

fn projected(
    session: &Session,
    environment: &EnvironmentName,
    observed: Observed,
    previous: Option<&Observation>,
) -> Result<Observation, Failure> {
    let topology = &session.topology;
    let projected = Observation::project(topology, environment, &observed.world, previous);
    let mut observation = projected.map_err(|error| unread(environment, &error))?;
    observation.ages = observed.ages;
    Ok(observation)
}

fn reads(environment: &EnvironmentName) -> Reads {
    Reads {
        environments: Which::one(environment.clone()),
        ..Reads::everything()
    }
}

/// Records, on which every decision rests, could not be read.
pub(crate) fn unread(environment: &EnvironmentName, error: &ProjectError) -> Failure {
    let next = match error {
        ProjectError::Records { failure, .. }
            if !matches!(failure.cause, Cause::Unknown | Cause::Setting) =>
        {
            format!(
                "{} Then run the command again.",
                advice::next(Asked::Records, failure)
            )
        }
        _ => "Set CLOUDFLARE_API_TOKEN to a token that may read the zones of the topology's \
              hostnames, and check that Cloudflare can be reached. Commands that only read ask DNS \
              where there is no token; GIGADB_DNS_SERVER=ADDRESS:PORT names the server to ask."
            .to_owned(),
    };
    Failure::refused(
        format!("It is not known who has which role: {error}."),
        format!("environment `{environment}`"),
        next,
    )
}

/// Makes the plan. A plan that the engine cannot compute is an error with its findings.
pub(crate) fn make(
    session: &Session,
    observation: &Observation,
    request: &Request<'_>,
    evidence: &Evidence,
) -> Result<Plan, Failure> {
    let topology = &session.topology;
    let intent = intent(topology, observation, request)?;
    again(topology, &intent, observation, evidence)
}

/// Makes the plan of an intent from what is observed.
pub(crate) fn again(
    topology: &Topology,
    intent: &Intent,
    observation: &Observation,
    evidence: &Evidence,
) -> Result<Plan, Failure> {
    plan(topology, intent, observation, evidence)
        .map_err(|incomputable| no_plan(&intent.environment, &incomputable))
}

/// The desired world cannot be computed.
pub(crate) fn no_plan(environment: &EnvironmentName, why: &Incomputable) -> Failure {
    let findings = why.0.iter().map(text::finding);
    Failure::refused(
        format!(
            "No plan can be made.\n{}",
            findings.collect::<Vec<_>>().join("\n")
        ),
        format!("environment `{environment}`"),
        "Fix what is listed, then plan again.",
    )
}

/// What kept sides from being read, if any could not be; and what to do about it. A failover is
/// named only where production may be on a side that may be lost.
fn unread_sides(
    topology: &Topology,
    table: &Environment,
    observation: &Observation,
) -> Option<(String, String)> {
    let sides = &observation.sides;
    let failed: Vec<_> = sides
        .iter()
        .filter_map(|(name, side)| Some((name, side.failure()?)))
        .collect();
    let what: Vec<String> = failed
        .iter()
        .map(|(_, failure)| failure.to_string())
        .collect();
    let alike = advice::alike(sides.values().map(Reading::failure));
    let mut next: Vec<String> = alike.map(str::to_owned).into_iter().collect();
    for (name, failure) in &failed {
        let Some(side) = topology.infrastructures.get(*name) else {
            continue;
        };
        let asked = Asked::Region {
            profile: &side.aws.profile,
            region: &side.aws.region,
        };
        let advice = advice::next(asked, failure);
        if !next.contains(&advice) {
            next.push(advice);
        }
    }
    let others = |name: &InfrastructureName| {
        let others = sides.iter().filter(|(other, _)| **other != *name);
        others.map(|(_, side)| side.failure()).collect::<Vec<_>>()
    };
    // Where a side that was read holds the apex, production is not lost.
    let lost = observation.apex_holder(table).is_none()
        && failed
            .iter()
            .any(|(name, failure)| advice::may_be_lost(failure, others(name)));
    let then = if lost {
        "Then plan again; if production's side is lost, `gigadb-roles failover` does without it."
    } else {
        "Then plan again."
    };
    next.push(then.to_owned());
    (!failed.is_empty()).then(|| (what.join("; "), next.join(" ")))
}

fn intent(
    topology: &Topology,
    observation: &Observation,
    request: &Request<'_>,
) -> Result<Intent, Failure> {
    let table = environment_of(topology, request.environment)
        .map_err(|error| unread(request.environment, &error))?;
    let invalid = |error: InvalidIntent| {
        let next = match error {
            InvalidIntent::HotStandbyNeeded(_) => {
                "Name the other side with --hot-standby: the one that is production now, where the \
                 roles are traded or it is lost. `gigadb-roles status` shows who has which role."
            }
            _ => "Name infrastructures of the topology.",
        };
        Failure::usage(
            format!("The arrangement cannot be planned: {error}."),
            "the command line",
            next,
        )
    };
    let (arrangement, prepare) = match request.goal {
        Goal::Arrangement {
            production,
            hot_standby,
        } => arrange(topology, production, hot_standby, request.prepare),
        Goal::Swap => {
            let now = view::roles(topology, table, observation).map_err(|unclear| {
                let what = "The roles cannot be traded, because it is not clear who has which";
                let on = format!("environment `{}`", request.environment);
                match unread_sides(topology, table, observation) {
                    None => Failure::refused(
                        format!("{what}: {unclear}."),
                        on,
                        "Run `gigadb-roles status`, then plan with --production and the name of \
                         the side that shall be production.",
                    ),
                    Some((why, next)) => {
                        Failure::refused(format!("{what}: {unclear}: {why}."), on, next)
                    }
                }
            })?;
            let then: Arrangement = now.swapped();
            let (production, hot_standby) = (then.production.as_str(), then.hot_standby.as_str());
            arrange(topology, production, Some(hot_standby), request.prepare)
        }
    }
    .map_err(invalid)?;
    Ok(Intent {
        environment: request.environment.clone(),
        mode: request.mode,
        prepare,
        on_failure: request.options.on_failure,
        overrides: request.options.overrides.iter().copied().collect(),
        trade: Trade::from_the_apex(table, observation, &arrangement),
        arrangement,
    })
}
