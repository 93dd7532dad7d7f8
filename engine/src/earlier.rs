//! An earlier run, as its journal tells it: whether it can be taken further or taken back.
//!
//! Either way the present world must be as that run left it. What somebody changed since is
//! named, and nothing is planned over it.

use std::collections::BTreeSet;

use crate::{
    changes::{ChangeSet, Step, Target, Transaction},
    evidence::Evidence,
    finding::{Finding, Rule, Severity},
    intent::{Intent, Mode, Trade},
    message::Message,
    name::Role,
    object::Object,
    observation::{Observation, environment_of},
    plan::{Incomputable, Plan, plan},
    resolve::sides,
    rules::{self, Context, unchanged_since_plan::Moved},
    topology::{Environment, Topology},
    view::View,
};

/// What is known of one transaction of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was never sent.
    NotInForce,
    /// It was sent, and the run said that it had no effect, or was undone. A request may take
    /// effect later than anybody waits for it: where the present world shows it, it is in force.
    SaidNotInForce,
    /// It was carried out.
    InForce,
    /// It may have been carried out.
    Perhaps,
}

/// An earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRun {
    /// What it was asked for.
    pub intent: Intent,
    /// Its transactions, in stages.
    pub stages: Vec<Vec<Transaction>>,
    /// One fate a transaction, in the order of writing. A missing one counts as
    /// [`Fate::NotInForce`].
    pub fates: Vec<Fate>,
}

/// Why an earlier run can be neither taken further nor taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// These objects are not as the run left them. Never empty.
    Changed(Vec<Moved>),
    /// The run names what no plan under this topology writes: why, one clause each. Never empty.
    Outside(Vec<String>),
    /// The desired world cannot be computed.
    Incomputable(Incomputable),
}

impl EarlierRun {
    /// The plan that completes the run from the present world: the same intent, planned anew.
    pub fn resume(
        &self,
        topology: &Topology,
        observation: &Observation,
        evidence: &Evidence,
    ) -> Result<Plan, Obstacle> {
        let environment = self.within(topology, observation)?;
        let mut moved: BTreeSet<Moved> = self
            .steps()
            .filter_map(|(step, fate)| {
                let present = present(observation, &step.target)?;
                let before = fate != Fate::InForce
                    && [Some(&step.undo), step.from.as_ref()].contains(&present.as_ref());
                let settled = before || present.as_ref() == Some(&step.to);
                let absent = present.is_none() && step.from.is_none() && fate != Fate::InForce;
                (!settled && !absent).then(|| changed(step, &step.to, present.as_ref()))
            })
            .collect();
        let arrangement = &self.intent.arrangement;
        let intent = Intent {
            trade: Trade::from_the_apex(environment, observation, arrangement),
            ..self.intent.clone()
        };
        let mut plan =
            plan(topology, &intent, observation, evidence).map_err(Obstacle::Incomputable)?;
        for step in plan.changes.steps() {
            let known = self
                .steps()
                .any(|(own, _)| own.target.object() == step.target.object());
            if !known && !self.may_be_owed(environment, observation, step) {
                moved.insert(changed(step, &step.to, step.from.as_ref()));
            }
        }
        if !moved.is_empty() {
            return Err(Obstacle::Changed(moved.into_iter().collect()));
        }
        if !intent.changes_production() {
            // The choice of the mode was made when production moved.
            plan.notices.retain(|notice| notice.topic != "mode");
        }
        Ok(plan)
    }

    /// The plan that takes back what the run changed and the present world still holds, in
    /// reverse. A creation is set to what the restored arrangement requires; nothing is deleted.
    pub fn revert(
        &self,
        topology: &Topology,
        observation: &Observation,
        evidence: &Evidence,
        overrides: &BTreeSet<Rule>,
    ) -> Result<Plan, Obstacle> {
        let environment = self.within(topology, observation)?;
        let mut moved: BTreeSet<Moved> = self
            .traded_since(environment, observation)
            .into_iter()
            .collect();
        let mut fates = self.fates.iter().copied();
        let mut stages: Vec<Vec<Transaction>> = Vec::new();
        for stage in &self.stages {
            let mut back = Vec::new();
            for transaction in stage {
                let fate = fates.next().unwrap_or(Fate::NotInForce);
                if fate == Fate::NotInForce {
                    continue;
                }
                let inverse = transaction
                    .steps
                    .iter()
                    .filter(|step| fate != Fate::SaidNotInForce || shows(observation, step));
                let steps: Vec<Step> = inverse
                    .filter_map(|step| inverse_of(step, observation, &mut moved))
                    .collect();
                if !steps.is_empty() {
                    back.push(Transaction {
                        boundary: transaction.boundary.clone(),
                        steps,
                    });
                }
            }
            if !back.is_empty() {
                stages.push(back);
            }
        }
        if !moved.is_empty() {
            return Err(Obstacle::Changed(moved.into_iter().collect()));
        }
        stages.reverse();
        let changes = ChangeSet {
            stages,
            blocked: Vec::new(),
        };
        let observed = View::observed(environment, sides(&self.intent), observation);
        let desired = self.after(environment, observation, &changes, &observed);
        let intent = self.intent_back(environment, observation, &desired, overrides);
        let context = Context {
            topology,
            environment,
            intent: &intent,
            observation,
            evidence,
            changes: &changes,
        };
        let mut findings = rules::check(&context);
        findings.extend(changes.steps().filter_map(|step| foreign(&context, step)));
        Ok(Plan {
            observation: observation.clone(),
            observed,
            desired,
            changes,
            findings,
            owed: Vec::new(),
            notices: Vec::new(),
            intent,
        })
    }

    /// `plan` as if it carried out the whole run, of which it writes only the rest: for whatever
    /// holds of a run once it is complete.
    pub fn as_a_whole(&self, plan: &Plan) -> Plan {
        let mut whole = Plan {
            intent: self.intent.clone(),
            ..plan.clone()
        };
        let stages = &mut whole.changes.stages;
        for transaction in stages.iter_mut().flatten() {
            let further = |step: &Step| {
                !self
                    .steps()
                    .any(|(own, _)| own.target.object() == step.target.object())
            };
            transaction.steps.retain(further);
        }
        stages.splice(..0, self.stages.iter().cloned());
        whole
    }

    /// Tells whether anything of it was sent.
    pub fn sent_something(&self) -> bool {
        self.fates.iter().any(|fate| *fate != Fate::NotInForce)
    }

    /// Tells whether anything of it is, or may be, in force: as the run said, or as the present
    /// world shows.
    pub fn left_something(&self, observation: &Observation) -> bool {
        self.steps().any(|(step, fate)| match fate {
            Fate::NotInForce => false,
            Fate::SaidNotInForce => shows(observation, step),
            Fate::InForce | Fate::Perhaps => true,
        })
    }

    /// The apex, where a run that left it in place finds it on another side: what that run wrote is
    /// right for roles that were traded since.
    fn traded_since(&self, environment: &Environment, observation: &Observation) -> Option<Moved> {
        let apex = observation.apex(environment)?;
        let moved = |(step, _): (&Step, Fate)| matches!(&step.target, Target::Record { hostname, .. } if hostname == apex);
        let holder = observation.apex_holder(environment)?;
        let meant = &self.intent.arrangement.production;
        if holder == meant || self.steps().any(moved) || self.intent.changes_production() {
            return None;
        }
        let present = observation.names.get(apex)?.address()?;
        Some(Moved {
            object: Object::Name(apex.clone()),
            planned_from: meant.to_string(),
            present: format!("{holder} ({present})"),
        })
    }

    fn environment<'a>(&self, topology: &'a Topology) -> Result<&'a Environment, Obstacle> {
        environment_of(topology, &self.intent.environment).map_err(|_| {
            Obstacle::Incomputable(Incomputable(vec![rules::unknown_environment(&self.intent)]))
        })
    }

    /// The environment, where all that the run names is the topology's.
    fn within<'a>(
        &self,
        topology: &'a Topology,
        observation: &Observation,
    ) -> Result<&'a Environment, Obstacle> {
        let environment = self.environment(topology)?;
        match self.outside(topology, environment, observation) {
            faults if faults.is_empty() => Ok(environment),
            faults => Err(Obstacle::Outside(faults)),
        }
    }

    /// Every step with the fate of its transaction.
    fn steps(&self) -> impl Iterator<Item = (&Step, Fate)> {
        let transactions = self.stages.iter().flatten().enumerate();
        transactions.flat_map(|(index, transaction)| {
            let fate = self.fates.get(index).copied().unwrap_or(Fate::NotInForce);
            transaction.steps.iter().map(move |step| (step, fate))
        })
    }

    /// A failover leaves out what it cannot reach: that is no change of somebody else's, as long
    /// as the present value is one of the two sides'.
    fn may_be_owed(
        &self,
        environment: &Environment,
        observation: &Observation,
        step: &Step,
    ) -> bool {
        let ours = match (&step.target, &step.from) {
            (_, None) => true,
            (Target::Record { .. }, Some(address)) => {
                let owner = address.parse().ok().and_then(|a| observation.owner(a));
                owner.is_some_and(|side| self.intent.arrangement.role_of(side).is_some())
            }
            (Target::Variable { key, .. }, Some(value)) => Role::ALL
                .into_iter()
                .any(|role| environment.table(role).variables.get(key) == Some(value)),
        };
        self.intent.mode == Mode::Failover && ours
    }

    fn after(
        &self,
        environment: &Environment,
        observation: &Observation,
        changes: &ChangeSet,
        observed: &View,
    ) -> View {
        let mut desired = observed.clone();
        for step in changes.steps() {
            match &step.target {
                Target::Record { hostname, .. } => {
                    if let Some(name) = desired.hostnames.get_mut(hostname) {
                        name.address = step.address();
                        let owner = name.address.and_then(|a| observation.owner(a));
                        let pair = &self.intent.arrangement;
                        name.infrastructure =
                            owner.filter(|side| pair.role_of(side).is_some()).cloned();
                    }
                }
                Target::Variable {
                    infrastructure,
                    key,
                    ..
                } => {
                    let id = (infrastructure.clone(), key.clone());
                    desired.variables.insert(id, Some(step.to.clone()));
                }
            }
        }
        desired.status = desired.judge(environment, sides(&self.intent), observation);
        desired
    }

    /// Who has which role when the run is taken back, and how much must be well for that.
    fn intent_back(
        &self,
        environment: &Environment,
        observation: &Observation,
        desired: &View,
        overrides: &BTreeSet<Rule>,
    ) -> Intent {
        let pair = &self.intent.arrangement;
        let apex = observation.apex(environment);
        let after = apex.and_then(|apex| desired.hostnames.get(apex)?.infrastructure.as_ref());
        let role_after = after.and_then(|side| pair.role_of(side));
        let arrangement = match role_after {
            Some(Role::Production) => pair.clone(),
            Some(Role::HotStandby) => pair.clone().swapped(),
            None if self.intent.changes_production() => pair.clone().swapped(),
            None => pair.clone(),
        };
        Intent {
            trade: Trade::from_the_apex(environment, observation, &arrangement),
            arrangement,
            mode: Mode::Switchover,
            prepare: None,
            overrides: overrides.clone(),
            ..self.intent.clone()
        }
    }
}

/// The step that takes `step` back; none where it is not in force any more.
fn inverse_of(step: &Step, observation: &Observation, moved: &mut BTreeSet<Moved>) -> Option<Step> {
    let Some(present) = present(observation, &step.target) else {
        moved.insert(Moved {
            object: step.target.object(),
            planned_from: step.to.clone(),
            present: "a value that could not be read".to_owned(),
        });
        return None;
    };
    let back = [Some(&step.undo), step.from.as_ref()].contains(&present.as_ref());
    if back || (present.is_none() && step.from.is_none()) {
        return None;
    }
    if present.as_ref() != Some(&step.to) {
        moved.insert(changed(step, &step.to, present.as_ref()));
        return None;
    }
    let target = match &step.target {
        Target::Record { hostname, .. } => Target::Record {
            hostname: hostname.clone(),
            record_id: Some(observation.names.get(hostname)?.single_a()?.id.clone()),
        },
        Target::Variable {
            infrastructure,
            project,
            key,
            scope,
            ..
        } => Target::Variable {
            infrastructure: infrastructure.clone(),
            project: project.clone(),
            key: key.clone(),
            scope: scope.clone(),
            create: false,
        },
    };
    Some(Step {
        target,
        from: Some(step.to.clone()),
        to: step.undo.clone(),
        undo: step.to.clone(),
        reason: "The run that is taken back wrote the present value.".to_owned(),
    })
}

/// Whether the present world shows what a step wrote.
fn shows(observation: &Observation, step: &Step) -> bool {
    present(observation, &step.target).is_some_and(|value| value.as_ref() == Some(&step.to))
}

/// The present value of a target (none: no value); none at all where it could not be read.
#[expect(clippy::option_option, reason = "not read, no value, this value")]
fn present(observation: &Observation, target: &Target) -> Option<Option<String>> {
    match target {
        Target::Record { hostname, .. } => {
            let name = observation.names.get(hostname)?;
            if name.unread.is_some() {
                return None;
            }
            Some(name.contents())
        }
        Target::Variable {
            infrastructure,
            key,
            ..
        } => {
            observation.variables.get(infrastructure)?.read()?;
            Some(observation.value(infrastructure, key).map(str::to_owned))
        }
    }
}

fn changed(step: &Step, left: &str, present: Option<&String>) -> Moved {
    Moved {
        object: step.target.object(),
        planned_from: left.to_owned(),
        present: present.map_or_else(|| "nothing".to_owned(), Clone::clone),
    }
}

/// A value that would be put back and belongs to neither side, as rule `permutation` has it. No
/// waiver passes it: a waiver lets a foreign value be replaced, never be written.
fn foreign(context: &Context<'_>, step: &Step) -> Option<Finding> {
    let pair = &context.intent.arrangement;
    let owner = step
        .address()
        .and_then(|address| context.observation.owner(address));
    let ours = match &step.target {
        Target::Record { .. } => owner.is_some_and(|side| pair.role_of(side).is_some()),
        Target::Variable { key, .. } => Role::ALL
            .into_iter()
            .any(|role| context.environment.table(role).variables.get(key) == Some(&step.to)),
    };
    (!ours).then(|| Finding {
        rule: Rule::Permutation,
        severity: Severity::Error,
        message: Message::nothing_changed(
            match owner {
                Some(owner) => format!(
                    "The value to put back belongs to `{owner}`, which has neither role in that run: `{}`.",
                    step.to
                ),
                None => format!(
                    "The value to put back belongs to neither side: `{}`.",
                    step.to
                ),
            },
            step.target.to_string(),
            format!(
                "Plan the arrangement that shall hold instead: `gigadb-roles plan --environment {} {}`.",
                context.intent.environment,
                wanted(context, step, owner)
            ),
        ),
        waived: false,
    })
}

/// The arrangement that a plan can be made for instead, as options.
fn wanted(
    context: &Context<'_>,
    step: &Step,
    owner: Option<&crate::name::InfrastructureName>,
) -> String {
    let role = match &step.target {
        Target::Record { hostname, .. } => context.environment.hostname(hostname),
        Target::Variable { .. } => None,
    };
    let production = &context.intent.arrangement.production;
    match (role, owner) {
        (Some((Role::HotStandby, _)), Some(owner)) => {
            format!("--production {production} --hot-standby {owner}")
        }
        (Some((Role::Production, _)), Some(owner)) => {
            format!("--production {owner} --hot-standby {production}")
        }
        _ if context.topology.infrastructures.len() > 2 => {
            format!("--production {production} --hot-standby SIDE")
        }
        _ => format!("--production {production}"),
    }
}
