//! The plan: intent and observation in, everything that a reviewer and an executor need out.

use std::collections::BTreeSet;

use crate::{
    assumed,
    changes::{Blocked, ChangeSet, Target, Transaction},
    diff::diff,
    evidence::Evidence,
    intent::{Intent, Mode},
    name::{InfrastructureName, Role},
    object::Object,
    observation::{Observation, environment_of},
    resolve::{resolve, sides},
    rules::{self, Context, Finding, Rule},
    topology::{Environment, Topology},
    view::{Status, View},
};

/// What will be done, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What was asked for.
    pub intent: Intent,
    /// What the plan was computed from: the observation given, and in a failover what was assumed
    /// of the lost side. Projections after this plan take it as the previous observation.
    pub observation: Observation,
    /// The world as observed.
    pub observed: View,
    /// The world as it will be when the plan is carried out.
    pub desired: View,
    /// The writes.
    pub changes: ChangeSet,
    /// What the rules found, sorted by rule and object. Empty when the change set is, unless a
    /// side refuses to be read.
    pub findings: Vec<Finding>,
    /// What the intent asks for and this plan leaves undone, because it is out of reach (in a
    /// failover) or its rule is waived.
    pub owed: Vec<Owed>,
    /// What else the operator should know, one sentence or more each.
    pub notices: Vec<Notice>,
}

/// Something that the intent asks for and the plan leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owed {
    /// The hostname or variable.
    pub object: Object,
    /// What it should be, where that is known.
    pub wanted: Option<String>,
    /// Why it is left: a clause.
    pub reason: String,
}

/// The topic of the notice that a plan leaves other sides alone.
pub const OTHER_SIDES: &str = "other-sides";

/// Something worth knowing that no rule covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A short name for the subject.
    pub topic: &'static str,
    /// The text, in full sentences.
    pub text: String,
}

/// Why no plan can be made: the desired world cannot be computed. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomputable(pub Vec<Finding>);

impl Plan {
    /// The findings that stop the plan.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.blocks())
    }

    /// Tells whether there is nothing to do and nothing in the way.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether both sides could be read, and nothing of them is at fault.
    pub(crate) fn both_sides_are_well(&self) -> bool {
        both_sides_are_well(&self.observation, &self.findings)
    }
}

/// Makes the plan. The intent's environment and sides must be the topology's
/// (see [`crate::intent::arrange`]).
pub fn plan(
    topology: &Topology,
    intent: &Intent,
    observation: &Observation,
    evidence: &Evidence,
) -> Result<Plan, Incomputable> {
    let Ok(environment) = environment_of(topology, &intent.environment) else {
        return Err(Incomputable(vec![rules::unknown_environment(intent)]));
    };
    let mut known = observation.clone();
    if intent.mode == Mode::Failover {
        known.assume_addresses(environment, &intent.arrangement.hot_standby);
    }
    let observation = &known;
    let observed = View::observed(environment, sides(intent), observation);
    let mut desired = resolve(topology, environment, intent, observation).map_err(Incomputable)?;
    let full = diff(topology, environment, intent, observation, &desired);
    let findings = rules::check(&Context {
        topology,
        environment,
        intent,
        observation,
        evidence,
        changes: &full,
    });
    let (changes, owed) = leave_out_of_reach(
        environment,
        intent,
        observation,
        &observed,
        &mut desired,
        full,
    );
    let mut notices = notices(topology, intent, observation, &changes, &findings);
    if intent.mode == Mode::Failover && !changes.is_empty() {
        let lost = &intent.arrangement.hot_standby;
        let told = assumed::notice(environment, lost, observation);
        notices.extend(told.map(|text| Notice {
            topic: assumed::TOPIC,
            text,
        }));
    }
    Ok(Plan {
        intent: intent.clone(),
        observation: known,
        observed,
        desired,
        changes,
        findings,
        owed,
        notices,
    })
}

/// Takes out of the change set what a failover cannot reach and what a waived rule lets stand,
/// and plans it at its present value.
fn leave_out_of_reach(
    environment: &Environment,
    intent: &Intent,
    observation: &Observation,
    observed: &View,
    desired: &mut View,
    mut changes: ChangeSet,
) -> (ChangeSet, Vec<Owed>) {
    let failover = intent.mode == Mode::Failover;
    let mut owed: BTreeSet<Owed> = BTreeSet::new();
    if failover {
        owed.extend(names_without_address(intent, observation, desired));
    }
    changes.blocked.retain(|blocked| match blocked {
        Blocked::Name(hostname) => {
            let lost = desired
                .hostnames
                .get(hostname)
                .is_some_and(|n| n.role == Role::HotStandby);
            // The other names must not move without the name that decides who is production.
            let decides = observation.apex(environment) == Some(hostname);
            let waived = intent.overrides.contains(&Rule::SingleARecord) && !decides;
            let leave = (failover && lost) || waived;
            if leave
                && let (Some(wanted), Some(present)) = (
                    desired.hostnames.get_mut(hostname),
                    observed.hostnames.get(hostname),
                )
            {
                owed.insert(Owed {
                    object: blocked.object(),
                    wanted: wanted.address.map(|a| a.to_string()),
                    reason: observation
                        .names
                        .get(hostname)
                        .map(|seen| seen.fault_in_full("it"))
                        .unwrap_or_default(),
                });
                wanted.address = present.address;
                wanted.infrastructure.clone_from(&present.infrastructure);
            }
            !leave
        }
        Blocked::Variable(side, key) => {
            let leave = failover || intent.overrides.contains(&Rule::VariablesVisible);
            let id = (side.clone(), key.clone());
            if leave && let Some(wanted) = desired.variables.get_mut(&id) {
                owed.insert(Owed {
                    object: blocked.object(),
                    wanted: wanted.clone(),
                    reason: unread_reason(observation, side)
                        .unwrap_or_else(|| "it has no readable row in this exact scope".to_owned()),
                });
                *wanted = observed.variables.get(&id).cloned().flatten();
            }
            !leave
        }
    });
    if failover {
        for stage in &mut changes.stages {
            stage.retain(|transaction| {
                !owe_unreachable(transaction, observation, observed, desired, &mut owed)
            });
        }
        changes.stages.retain(|stage| !stage.is_empty());
    }
    desired.status = desired.judge(environment, sides(intent), observation);
    (changes, owed.into_iter().collect())
}

fn names_without_address(intent: &Intent, observation: &Observation, desired: &View) -> Vec<Owed> {
    let names = desired.hostnames.iter();
    names
        .filter(|(_, name)| name.infrastructure.as_ref() != Some(intent.arrangement.get(name.role)))
        .map(|(hostname, name)| {
            let side = intent.arrangement.get(name.role);
            let address = observation.address(side, &name.endpoint);
            let zone = observation.homeless(hostname);
            let unknown = address.is_none().then(|| {
                format!(
                    "the address of the {} endpoint of `{side}` is not known",
                    name.endpoint
                )
            });
            let causes = zone.map(|why| why.clause(hostname)).into_iter();
            Owed {
                object: Object::Name(hostname.clone()),
                wanted: address.map(|a| a.to_string()),
                reason: causes.chain(unknown).collect::<Vec<_>>().join("; "),
            }
        })
        .collect()
}

/// Plans a variable of an unreachable project at its last known value. Tells whether it did.
fn owe_unreachable(
    transaction: &Transaction,
    observation: &Observation,
    observed: &View,
    desired: &mut View,
    owed: &mut BTreeSet<Owed>,
) -> bool {
    let Some(step) = transaction.steps.first() else {
        return false;
    };
    let Target::Variable {
        infrastructure,
        key,
        ..
    } = &step.target
    else {
        return false;
    };
    let Some(reason) = unread_reason(observation, infrastructure) else {
        return false;
    };
    let id = (infrastructure.clone(), key.clone());
    let last_known = observed.variables.get(&id).cloned().flatten();
    desired.variables.insert(id, last_known);
    owed.insert(Owed {
        object: step.target.object(),
        wanted: Some(step.to.clone()),
        reason,
    });
    true
}

fn unread_reason(observation: &Observation, side: &InfrastructureName) -> Option<String> {
    observation
        .variables
        .get(side)?
        .failure()
        .map(ToString::to_string)
}

fn notices(
    topology: &Topology,
    intent: &Intent,
    observation: &Observation,
    changes: &ChangeSet,
    findings: &[Finding],
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut add = |topic, text| notices.push(Notice { topic, text });
    let pair = &intent.arrangement;
    let others: Vec<String> = topology
        .infrastructures
        .keys()
        .filter(|i| pair.role_of(i).is_none())
        .map(|i| format!("`{i}`"))
        .collect();
    if !others.is_empty() && !changes.is_empty() {
        let keep = match others.len() {
            1 => "keeps what it has",
            _ => "keep what they have",
        };
        add(
            OTHER_SIDES,
            format!(
                "{} {keep}: this plan concerns `{}` and `{}` alone.",
                others.join(", "),
                pair.production,
                pair.hot_standby
            ),
        );
    }
    if intent.mode == Mode::Failover && !changes.is_empty() {
        let well = both_sides_are_well(observation, findings);
        let loss = if intent.changes_production() {
            format!(
                " What was written on `{0}` since the last synchronization to `{1}` (database, dropboxes, files) is not on `{1}`: a failover loses it.",
                pair.hot_standby, pair.production
            )
        } else {
            String::new()
        };
        if well {
            add(
                "mode",
                format!(
                    "Both sides are well: use switchover, which checks both sides and leaves nothing half done.{loss}"
                ),
            );
        } else if !loss.is_empty() {
            add("mode", format!("A failover may lose data.{loss}"));
        }
    }
    notices
}

/// Whether everything of both sides could be read, and nothing of them is at fault.
fn both_sides_are_well(observation: &Observation, findings: &[Finding]) -> bool {
    let of_a_side = |one: &Finding| matches!(one.rule, Rule::KnownAddress | Rule::VariablesVisible);
    observation.failures().is_empty() && !findings.iter().any(of_a_side)
}

/// What there is to say of settings that are kept in a configuration and do nothing for this plan:
/// the next one would go by them.
pub fn left_standing(plan: &Plan) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut add = |topic, text| notices.push(Notice { topic, text });
    let production = &plan.intent.arrangement.production;
    if plan.intent.prepare.as_ref() == Some(production) {
        add(
            "prepare",
            format!(
                "`prepare = \"{production}\"` has no effect any more, because that side is production. The line can go."
            ),
        );
    }
    if !plan.is_empty() {
        return notices;
    }
    if plan.intent.mode == Mode::Failover {
        add("mode", "`mode = \"failover\"` still stands in the configuration. Take it out, so that the next swap checks both sides.".to_owned());
    }
    if !plan.intent.overrides.is_empty() {
        let names: Vec<&str> = plan.intent.overrides.iter().map(|r| r.as_str()).collect();
        let names = names.join(", ");
        add(
            "overrides",
            format!(
                "Waived rules still stand in the configuration: {names}. Take them out, so that the next swap is checked in full."
            ),
        );
    }
    notices
}

/// Tells whether the observed status lets a world be adopted as it is; see [`adopt`].
fn disagreements(plan: &Plan) -> Vec<String> {
    let steps = plan.changes.steps().filter_map(|s| {
        let from = s.from.as_ref()?;
        Some(format!("{} is `{from}`, not `{}`", s.target, s.to))
    });
    let blocked = plan.changes.blocked.iter().map(|b| match b {
        Blocked::Name(hostname) => plan.observation.no_address(hostname),
        Blocked::Variable(side, key) => {
            format!(
                "variable `{key}` of `{side}` has no readable row in scope `{}`",
                plan.intent.environment
            )
        }
    });
    steps.chain(blocked).collect()
}

/// Why a present arrangement cannot be adopted as the intent states it: what disagrees, one
/// clause each, in the order of writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Who is production by the records, if that is clear.
    pub holder: Option<InfrastructureName>,
    /// What the world is, in a word.
    pub status: Status,
    /// What disagrees.
    pub objects: Vec<String>,
}

/// Judges whether creating a Terraform resource for this plan only takes over what is there.
/// Creation never changes a present value; policy may let it add what is missing.
pub fn adopt(
    topology: &Topology,
    plan: &Plan,
    observation: &Observation,
) -> Result<(), Disagreement> {
    let objects = disagreements(plan);
    if objects.is_empty() {
        return Ok(());
    }
    let holder = environment_of(topology, &plan.intent.environment)
        .ok()
        .and_then(|environment| observation.apex_holder(environment))
        .cloned();
    Err(Disagreement {
        holder,
        status: plan.observed.status,
        objects,
    })
}
