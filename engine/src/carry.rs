//! Carrying out a reviewed plan, the pure parts: what is left to do of it when the world is looked
//! at again, and how it ended, object by object.
//!
//! What is said at the end rests on the closing reading. Where that failed, it rests on what the
//! APIs said in their own words, and says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    changes::{Step, Target},
    executor::{Outcome, Report, STOPPED},
    fate::{self, Fate, NotSeen, ObjectEnd, Seen, shown},
    finding::Finding,
    intent::Mode,
    message::NOTHING_CHANGED,
    object::Object,
    observation::{NameObservation, Observation, ProjectError, environment_of},
    plan::{Owed, Plan},
    remedy::{self, Remedy},
    rules::unchanged_since_plan::{self, Moved},
    topology::Topology,
    verify::{Difference, verify_plan},
    view::{Status, View},
};

/// Begins a further line of a part of a message.
const PART: &str = "\n           ";
/// Begins an item of a part.
const ITEM: &str = "\n             ";

/// Rule `unchanged-since-plan`: what moved between the review and now. `further` is what the
/// caller alone can compare, such as values that a Terraform state shows.
pub fn moved(reviewed: &Plan, fresh: &Observation, further: Vec<Moved>) -> Option<Finding> {
    let pair = &reviewed.intent.arrangement;
    let sides = [&pair.production, &pair.hot_standby];
    let mut moved =
        unchanged_since_plan::moved(&reviewed.observation, fresh, &reviewed.desired, sides);
    for one in further {
        if !moved.iter().any(|known| known.object == one.object) {
            moved.push(one);
        }
    }
    unchanged_since_plan::finding(&moved, reviewed.intent.environment.as_str())
}

/// What is left to do of `reviewed`, where `now` is the same intent planned anew. What became
/// possible only after the review is left for the next plan.
pub fn left_of(reviewed: &Plan, now: Plan) -> Plan {
    let mut owed: BTreeMap<Object, Owed> = BTreeMap::new();
    for one in reviewed.owed.iter().cloned().chain(now.owed) {
        owed.entry(one.object.clone()).or_insert(one);
    }
    Plan {
        changes: now.changes.towards(&reviewed.desired),
        desired: reviewed.desired.clone(),
        owed: owed.into_values().collect(),
        intent: reviewed.intent.clone(),
        observation: now.observation,
        observed: now.observed,
        findings: now.findings,
        notices: now.notices,
    }
}

/// How the whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// There was nothing to write.
    NothingToWrite,
    /// The closing reading shows everything as planned.
    Done,
    /// A failover: production was read at the promoted side, and something is owed.
    Owing,
    /// Everything was accepted, and the closing reading shows something else.
    NotShown,
    /// Everything was accepted, and could not be read back.
    Unread,
    /// Something may still take effect, until this time in seconds since 1970 (UTC).
    Open(u64),
    /// Some of it is in force.
    Partly,
    /// What was written was undone.
    PutBack,
    /// Nothing was changed.
    NothingChanged,
}

/// How carrying out a plan ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The plan, as far as it was still to be carried out.
    pub plan: Plan,
    /// How the whole ended.
    pub whole: Whole,
    /// Every object of the change set, in the order of writing.
    pub objects: Vec<ObjectEnd>,
    /// Everything that the closing reading does not show as planned, written or not.
    pub differences: Vec<Difference>,
    /// What the intent asks for and is not done, each with its own reason.
    pub owed: Vec<Owed>,
    /// Why the run did not go as planned, as a clause.
    pub cause: Option<String>,
    /// What to do first.
    pub remedy: Remedy,
    /// Whether the closing reading shows the apex at the side that was to be production.
    pub holds_apex: bool,
    /// Whether it may be there: the closing reading shows it, or does not show the apex at all.
    pub may_hold_apex: bool,
    /// Whether the closing reading shows every object of the change set as before.
    pub as_before: bool,
    /// The word for the environment, as the closing reading shows it.
    pub status: Option<Status>,
    /// The closing reading, or why there is none. Where nothing was written, what was read before.
    pub after: Result<Observation, ProjectError>,
}

/// How carrying out `plan` ended. `outcome` is none where there was nothing to write.
pub fn ended(
    topology: &Topology,
    reviewed: &Observation,
    plan: Plan,
    outcome: Option<&Outcome>,
    after: Result<Observation, ProjectError>,
) -> Ending {
    let ends = outcome
        .into_iter()
        .flat_map(|outcome| steps(&plan, outcome));
    let objects: Vec<ObjectEnd> = ends
        .map(|(step, report)| ObjectEnd {
            object: step.target.object(),
            wanted: step.to.clone(),
            fate: fate::fate(step, report, seen(after.as_ref(), &step.target)),
        })
        .collect();
    let as_before = plan
        .changes
        .steps()
        .all(|step| seen(after.as_ref(), &step.target).is_before(step));
    let table = environment_of(topology, &plan.intent.environment).ok();
    let read = after.as_ref().ok().zip(table);
    let differences = read.map_or_else(Vec::new, |(after, table)| {
        verify_plan(table, &plan, reviewed, after).differences
    });
    let holds_apex = read.is_some_and(|(after, table)| {
        after.apex_holder(table) == Some(&plan.intent.arrangement.production)
    });
    let may_hold_apex = holds_apex
        || read.is_none_or(|(after, table)| {
            let apex = after.apex(table).and_then(|apex| after.names.get(apex));
            apex.is_none_or(|apex| apex.unread.is_some())
        });
    let pair = &plan.intent.arrangement;
    let sides = [&pair.production, &pair.hot_standby];
    let status = read.map(|(after, table)| View::observed(table, sides, after).status);
    let whole = whole(&plan, &objects, &differences, holds_apex);
    let owed = owed(&plan, whole, &objects, &differences);
    Ending {
        whole,
        owed,
        remedy: match outcome {
            Some(Outcome {
                cause: Some(cause), ..
            }) if cause == STOPPED => Remedy::Nothing,
            Some(Outcome {
                remedy: Some(remedy),
                ..
            }) => Remedy::Advice(remedy.clone()),
            _ => remedy::of_reading(topology, &after).map_or(Remedy::TheCause, Remedy::Advice),
        },
        cause: outcome.and_then(|outcome| outcome.cause.clone()),
        plan,
        objects,
        differences,
        holds_apex,
        may_hold_apex,
        as_before,
        status,
        after,
    }
}

fn seen(after: Result<&Observation, &ProjectError>, target: &Target) -> Seen {
    let after = match after {
        Ok(after) => after,
        Err(error) => return Seen::Unread(error.to_string()),
    };
    match target {
        Target::Record { hostname, .. } => {
            let name = after.names.get(hostname);
            if let Some(why) = name.and_then(NameObservation::not_read) {
                return Seen::Unread(why);
            }
            Seen::Value(name.and_then(NameObservation::contents))
        }
        Target::Variable {
            infrastructure,
            key,
            ..
        } => match after
            .variables
            .get(infrastructure)
            .map(|r| (r, r.failure()))
        {
            Some((_, None)) => Seen::Value(after.value(infrastructure, key).map(str::to_owned)),
            Some((_, Some(failure))) => Seen::Unread(failure.to_string()),
            None => Seen::Unread("it was not read".to_owned()),
        },
    }
}

fn whole(
    plan: &Plan,
    objects: &[ObjectEnd],
    differences: &[Difference],
    holds_apex: bool,
) -> Whole {
    let all = |f: fn(&Fate) -> bool| objects.iter().all(|one| f(&one.fate));
    let any = |f: fn(&Fate) -> bool| objects.iter().any(|one| f(&one.fate));
    if objects.is_empty() {
        return Whole::NothingToWrite;
    }
    let in_force: fn(&Fate) -> bool = |fate| matches!(fate, Fate::InForce);
    if all(in_force) && differences.is_empty() {
        return Whole::Done;
    }
    let wrote = any(|fate| matches!(fate, Fate::InForce | Fate::Accepted(_)));
    if plan.intent.mode == Mode::Failover && holds_apex && wrote {
        return Whole::Owing;
    }
    if let Some(until) = latest_open(objects) {
        return Whole::Open(until);
    }
    if all(|fate| matches!(fate, Fate::InForce | Fate::Accepted(_))) {
        let unread = all(|fate| matches!(fate, Fate::InForce | Fate::Accepted(NotSeen::Unread(_))));
        return if unread && !all(in_force) {
            Whole::Unread
        } else {
            Whole::NotShown
        };
    }
    if any(|fate| {
        matches!(
            fate,
            Fate::InForce | Fate::Accepted(_) | Fate::Unknown(_) | Fate::NotPutBack(_)
        )
    }) {
        Whole::Partly
    } else if any(|fate| *fate == Fate::PutBack) {
        Whole::PutBack
    } else {
        Whole::NothingChanged
    }
}

fn latest_open(objects: &[ObjectEnd]) -> Option<u64> {
    let open = objects.iter().filter_map(|one| match one.fate {
        Fate::Open { until, .. } => Some(until),
        _ => None,
    });
    open.max()
}

/// Whether a reading agrees with what the executor says of every write, so that there is no need
/// to read again.
pub fn agrees(plan: &Plan, outcome: &Outcome, after: &Observation) -> bool {
    steps(plan, outcome)
        .all(|(step, report)| fate::agrees(step, report, &seen(Ok(after), &step.target)))
}

/// Every step of the plan, in the order of writing, with what the executor says of it.
fn steps<'a>(plan: &'a Plan, outcome: &'a Outcome) -> impl Iterator<Item = (&'a Step, &'a Report)> {
    let reports = plan.changes.transactions().zip(&outcome.reports);
    reports
        .flat_map(|(transaction, report)| transaction.steps.iter().map(move |step| (step, report)))
}

/// What is owed: what the plan leaves undone, and in a failover that moved production whatever the
/// closing reading does not show, each with its own reason.
fn owed(plan: &Plan, whole: Whole, objects: &[ObjectEnd], differences: &[Difference]) -> Vec<Owed> {
    let mut owed: BTreeMap<Object, Owed> = BTreeMap::new();
    let mut add = |one: Owed| {
        owed.entry(one.object.clone()).or_insert(one);
    };
    if whole == Whole::Owing {
        for one in objects {
            if let Some(reason) = one.fate.reason() {
                add(Owed {
                    object: one.object.clone(),
                    wanted: Some(one.wanted.clone()),
                    reason,
                });
            }
        }
        for one in differences {
            add(Owed {
                object: one.object.clone(),
                wanted: one.desired.clone(),
                reason: format!("read back, it is {}", shown(one.present.as_ref())),
            });
        }
    }
    plan.owed.iter().cloned().for_each(add);
    owed.into_values().collect()
}

/// Objects that ended alike, for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How they ended: "In force".
    pub heading: String,
    /// Why, as a clause, where there is a reason.
    pub reason: Option<String>,
    /// The objects, in the order of writing.
    pub objects: Vec<Object>,
}

impl Ending {
    /// What was and what was not changed, object by object. Empty where nothing was.
    pub fn account(&self) -> Vec<Group> {
        if matches!(self.whole, Whole::NothingToWrite | Whole::NothingChanged) {
            return Vec::new();
        }
        let mut sorted: Vec<&ObjectEnd> = self.objects.iter().collect();
        sorted.sort_by_key(|one| one.fate.rank());
        let mut groups: Vec<Group> = Vec::new();
        for one in sorted {
            let heading = one.fate.heading();
            let reason = match &one.fate {
                Fate::NeverSent | Fate::PutBack => None,
                Fate::Open { why, .. } => Some(why.clone()),
                fate => fate.reason(),
            };
            let known = groups
                .iter_mut()
                .find(|group| group.heading == heading && group.reason == reason);
            match known {
                Some(group) => group.objects.push(one.object.clone()),
                None => groups.push(Group {
                    heading,
                    reason,
                    objects: vec![one.object.clone()],
                }),
            }
        }
        groups
    }

    /// What was and what was not changed, as the third part of a message.
    pub fn changed(&self) -> String {
        let groups = self.account();
        if groups.is_empty() {
            return NOTHING_CHANGED.to_owned();
        }
        let all = self.objects.len();
        let mut parts = Vec::new();
        if self.whole == Whole::PutBack && self.as_before {
            parts.push(
                "What this run had written was put back: everything reads as before.".to_owned(),
            );
        }
        parts.extend(groups.into_iter().map(|group| {
            let keys: Vec<String> = group.objects.iter().map(Object::key).collect();
            let reason = group
                .reason
                .map(|why| format!(": {why}"))
                .unwrap_or_default();
            let heading = format!("{} ({} of {all}){reason}", group.heading, keys.len());
            format!("{heading}{ITEM}{}", keys.join(", "))
        }));
        if let Err(error) = &self.after {
            parts.push(format!(
                "It could not be read back: {error}. This is what the APIs answered."
            ));
        }
        parts.join(PART)
    }

    /// Everything that the closing reading does not show as planned, an item each; what could not
    /// be read for one reason is one item.
    pub fn not_as_planned(&self) -> Vec<String> {
        let mut items = Vec::new();
        let mut unread: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for one in &self.differences {
            match &one.unread {
                Some(why) => unread.entry(why).or_default().push(one.object.key()),
                None => items.push(one.to_string()),
            }
        }
        items.extend(
            unread
                .into_iter()
                .map(|(why, keys)| format!("could not be read back: {} ({why})", keys.join(", "))),
        );
        items
    }

    /// Why it is not as planned, as a clause.
    pub fn why(&self) -> String {
        if let Some(cause) = &self.cause {
            return cause.clone();
        }
        let unread = self.differences.iter().find_map(|one| one.unread.as_ref());
        match (&self.after, unread, self.whole) {
            (Err(error), ..) => format!("what was written could not be read back: {error}"),
            (_, Some(why), Whole::Unread | Whole::Owing) => {
                format!("what was written could not be read back: {why}")
            }
            _ => "what was read back is not what was planned".to_owned(),
        }
    }

    /// The plan with those writes alone that are in force: what is due rests on them.
    pub fn written(&self) -> Plan {
        let mut plan = self.plan.clone();
        let written = |step: &Step| {
            let object = step.target.object();
            self.objects
                .iter()
                .any(|one| one.object == object && one.fate.is_written())
        };
        for stage in &mut plan.changes.stages {
            for transaction in stage.iter_mut() {
                transaction.steps.retain(written);
            }
            stage.retain(|transaction| !transaction.steps.is_empty());
        }
        plan.changes.stages.retain(|stage| !stage.is_empty());
        plan
    }

    /// What could not be put back, and was read as this run wrote it.
    pub fn still_there(&self) -> BTreeSet<Object> {
        let stands = |step: &&Step| {
            let object = step.target.object();
            let kept = |one: &ObjectEnd| {
                one.object == object && matches!(one.fate, Fate::NotPutBack(_) | Fate::InForce)
            };
            seen(self.after.as_ref(), &step.target).is(&step.to) && self.objects.iter().any(kept)
        };
        let steps = self.plan.changes.steps().filter(stands);
        steps.map(|step| step.target.object()).collect()
    }

    /// Until when something of it may still take effect, in seconds since 1970 (UTC).
    pub fn open_until(&self) -> Option<u64> {
        latest_open(&self.objects)
    }

    /// How many records and variables the closing reading shows as written.
    pub fn counts(&self) -> (usize, usize) {
        let written = || self.objects.iter().filter(|one| one.fate == Fate::InForce);
        let records = written().filter(|one| matches!(one.object, Object::Name(_)));
        let records = records.count();
        (records, written().count() - records)
    }
}
