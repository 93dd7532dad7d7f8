//! An earlier run, as its journal tells it: whether it can be taken further or taken back.
//!
//! A run that was resumed is one with what completed it ([`EarlierRun::then`]): it is completed, and
//! taken back, as a whole. A run that takes another back writes its own steps and nothing else.
//!
//! Either way the present world must be as that run left it. What somebody changed since is
//! named, and nothing is planned over it.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

pub use crate::course::Fate;
use crate::{
    changes::{ChangeSet, Step, Target, Transaction},
    course::{Course, Write, as_it_is, changed, present},
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

/// An earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRun {
    /// What it was asked for.
    pub intent: Intent,
    /// Whether it takes another run back: then its own steps are all that there was to do.
    pub takes_back: bool,
    /// Its transactions, in stages.
    pub stages: Vec<Vec<Transaction>>,
    /// One fate a transaction, in the order of writing. A missing one counts as
    /// [`Fate::NotInForce`].
    pub fates: Vec<Fate>,
    /// The run that resumed it.
    pub resumed_by: Option<Box<EarlierRun>>,
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
    /// This run together with `later`, which resumed it.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        let overrides = later.intent.overrides.iter().copied();
        self.intent.overrides.extend(overrides);
        self.resumed_by = Some(Box::new(match self.resumed_by {
            Some(first) => first.then(later),
            None => later,
        }));
        self
    }

    /// This run and those that resumed it, in order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Self> {
        iter::successors(Some(self), |part| part.resumed_by.as_deref())
    }

    fn all_stages(&self) -> impl Iterator<Item = &Vec<Transaction>> {
        self.parts().flat_map(|part| &part.stages)
    }

    /// The plan that completes the run from the present world: the same intent, planned anew; of a
    /// run that takes another back, the rest of its steps.
    pub fn resume(
        &self,
        topology: &Topology,
        observation: &Observation,
        evidence: &Evidence,
    ) -> Result<Plan, Obstacle> {
        let environment = self.within(topology, observation)?;
        if self.takes_back {
            let changes = self.rest(environment, observation)?;
            let overrides = &self.intent.overrides;
            return Ok(self.planned(
                (topology, environment),
                observation,
                evidence,
                overrides,
                changes,
            ));
        }
        let mut moved: BTreeSet<Moved> = self
            .courses()
            .filter_map(|course| {
                let step = course.last();
                let present = present(observation, &step.target)?;
                (!course.allows(present.as_ref()))
                    .then(|| changed(step, &step.to, present.as_ref()))
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
        let mut changes = self.stepwise(environment, observation, |course, present| {
            let course = course.sent(observation);
            let (Some((first, _)), Some((last, _))) = (course.0.first(), course.0.last()) else {
                return Write::Nothing;
            };
            let Some(present) = present else {
                return Write::Unread(last);
            };
            let present = present.as_ref();
            let back = [Some(&first.undo), first.from.as_ref()].contains(&present);
            if back || (present.is_none() && first.from.is_none()) {
                Write::Nothing
            } else if course.0.iter().any(|(step, _)| present == Some(&step.to)) {
                Write::Value(first.undo.clone())
            } else {
                Write::Moved(last)
            }
        })?;
        changes.stages.reverse();
        Ok(self.planned(
            (topology, environment),
            observation,
            evidence,
            overrides,
            changes,
        ))
    }

    /// The steps of a run that takes another back that are still to be done.
    fn rest(
        &self,
        environment: &Environment,
        observation: &Observation,
    ) -> Result<ChangeSet, Obstacle> {
        self.stepwise(environment, observation, |course, present| {
            let last = course.last();
            match present {
                None => Write::Unread(last),
                Some(Some(present)) if present == last.to => Write::Nothing,
                Some(present) if course.allows(present.as_ref()) => Write::Value(last.to.clone()),
                Some(_) => Write::Moved(last),
            }
        })
    }

    /// The changes that `write` says of each object, where the run wrote it last.
    fn stepwise<'a>(
        &'a self,
        environment: &Environment,
        observation: &Observation,
        write: impl Fn(&Course<'a>, Option<Option<String>>) -> Write<'a>,
    ) -> Result<ChangeSet, Obstacle> {
        let mut moved: BTreeSet<Moved> = self
            .traded_since(environment, observation)
            .into_iter()
            .collect();
        let mut writes: BTreeMap<Object, Step> = BTreeMap::new();
        for course in self.courses() {
            let target = &course.last().target;
            let present = present(observation, target);
            match write(&course, present.clone()) {
                Write::Nothing => {}
                Write::Unread(step) => {
                    let unread = "a value that could not be read".to_owned();
                    moved.insert(changed(step, &step.to, Some(&unread)));
                }
                Write::Moved(step) => {
                    moved.insert(changed(step, &step.to, present.flatten().as_ref()));
                }
                Write::Value(to) => {
                    let from = present.flatten();
                    let written = as_it_is(target, observation).map(|target| Step {
                        target,
                        undo: from.clone().unwrap_or_else(|| to.clone()),
                        from,
                        to,
                        reason: "The run that is taken back wrote the present value.".to_owned(),
                    });
                    writes.extend(written.map(|step| (step.target.object(), step)));
                }
            }
        }
        if !moved.is_empty() {
            return Err(Obstacle::Changed(moved.into_iter().collect()));
        }
        // Each object is written where it was planned first, so that the order is that of one run,
        // and whatever a zone has goes in one batch.
        let mut stages: Vec<Vec<Transaction>> = Vec::new();
        for stage in self.all_stages() {
            stages.push(Vec::new());
            for transaction in stage {
                let own = transaction.steps.iter();
                let steps: Vec<Step> = own
                    .filter_map(|step| writes.remove(&step.target.object()))
                    .collect();
                if steps.is_empty() {
                    continue;
                }
                let written = Transaction {
                    boundary: transaction.boundary.clone(),
                    steps,
                };
                let mut known = stages.iter_mut().flatten();
                if let Some(batch) = known.find(|one| one.is_of_the_zone_of(&written)) {
                    batch.join(written);
                } else if let Some(last) = stages.last_mut() {
                    last.push(written);
                }
            }
        }
        stages.retain(|stage| !stage.is_empty());
        Ok(ChangeSet {
            stages,
            blocked: Vec::new(),
        })
    }

    /// The plan that writes `changes` and nothing else.
    fn planned(
        &self,
        (topology, environment): (&Topology, &Environment),
        observation: &Observation,
        evidence: &Evidence,
        overrides: &BTreeSet<Rule>,
        changes: ChangeSet,
    ) -> Plan {
        let observed = View::observed(environment, sides(&self.intent), observation);
        let desired = self.after(environment, observation, &changes, &observed);
        let intent = self.intent_then(environment, observation, &desired, overrides);
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
        Plan {
            observation: observation.clone(),
            observed,
            desired,
            changes,
            findings,
            owed: Vec::new(),
            notices: Vec::new(),
            intent,
        }
    }

    /// `plan` as if it carried out the whole run, of which it writes only the rest: for whatever
    /// holds of a run once it is complete.
    pub fn as_a_whole(&self, plan: &Plan) -> Plan {
        let mut whole = Plan {
            intent: self.intent.clone(),
            ..plan.clone()
        };
        let stages = &mut whole.changes.stages;
        stages.splice(..0, self.all_stages().cloned());
        let mut seen = BTreeSet::new();
        for transaction in stages.iter_mut().flatten() {
            transaction
                .steps
                .retain(|step| seen.insert(step.target.object()));
        }
        whole
    }

    /// Tells whether anything of it was sent.
    pub fn sent_something(&self) -> bool {
        self.steps().any(|(_, fate)| fate != Fate::NotInForce)
    }

    /// Tells whether anything of it is, or may be, in force: as the run said, or as the present
    /// world shows.
    pub fn left_something(&self, observation: &Observation) -> bool {
        let mut courses = self.courses();
        courses.any(|course| !course.sent(observation).0.is_empty())
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
        let parts = self.parts();
        let mut faults = Vec::new();
        for part in parts {
            if part.intent.environment != self.intent.environment {
                faults.push(format!(
                    "a run of environment `{}` is said to resume one of `{}`",
                    part.intent.environment, self.intent.environment
                ));
            }
            faults.extend(part.outside(topology, environment, observation));
        }
        match faults {
            faults if faults.is_empty() => Ok(environment),
            faults => Err(Obstacle::Outside(faults)),
        }
    }

    /// Every step with the fate of its transaction.
    fn steps(&self) -> impl Iterator<Item = (&Step, Fate)> {
        self.parts().flat_map(|part| {
            let fates = part.fates.iter().copied();
            let fates = fates.chain(iter::repeat(Fate::NotInForce));
            let transactions = part.stages.iter().flatten().zip(fates);
            transactions.flat_map(|(transaction, fate)| {
                transaction.steps.iter().map(move |step| (step, fate))
            })
        })
    }

    /// What the run did with each object.
    fn courses(&self) -> impl Iterator<Item = Course<'_>> {
        Course::all(self.steps())
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

    /// Who has which role when its steps are written, back or the rest of a way back, and how much
    /// must be well for that.
    fn intent_then(
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
            None if self.intent.changes_production() && !self.takes_back => pair.clone().swapped(),
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
