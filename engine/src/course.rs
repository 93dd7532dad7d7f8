//! What an earlier run did with one object, and whether what is there now comes of it.

use std::collections::BTreeMap;

use crate::{
    changes::{Step, Target},
    object::Object,
    observation::Observation,
    rules::unchanged_since_plan::Moved,
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

/// What a run, and those that resumed it, did with one object, in order. Empty only where
/// [`Course::sent`] leaves nothing.
pub(crate) struct Course<'a>(pub(crate) Vec<(&'a Step, Fate)>);

/// What is to be written of one object.
pub(crate) enum Write<'a> {
    Nothing,
    Value(String),
    /// Somebody changed it since this step.
    Moved(&'a Step),
    /// It could not be read.
    Unread(&'a Step),
}

impl<'a> Course<'a> {
    /// The course of each object that `steps` write.
    pub(crate) fn all(steps: impl Iterator<Item = (&'a Step, Fate)>) -> impl Iterator<Item = Self> {
        let mut courses: BTreeMap<Object, Vec<(&Step, Fate)>> = BTreeMap::new();
        for (step, fate) in steps {
            let course = courses.entry(step.target.object()).or_default();
            course.push((step, fate));
        }
        courses.into_values().map(Self)
    }

    pub(crate) fn last(&self) -> &'a Step {
        self.0[self.0.len() - 1].0
    }

    /// Without the steps of which nothing is, or may be, in force.
    pub(crate) fn sent(&self, observation: &Observation) -> Self {
        let sent = self.0.iter().copied().filter(|(step, fate)| match fate {
            Fate::NotInForce => false,
            Fate::SaidNotInForce => shows(observation, step),
            Fate::InForce | Fate::Perhaps => true,
        });
        Self(sent.collect())
    }

    /// Whether the present value is one that this course may have left: what its last step in
    /// force wrote, or what a later one wrote, or found.
    pub(crate) fn allows(&self, present: Option<&String>) -> bool {
        let in_force = |(_, fate): &(&Step, Fate)| *fate == Fate::InForce;
        let since = self.0.iter().rposition(in_force).unwrap_or(0);
        self.0[since..].iter().any(|(step, fate)| {
            let found = || match present {
                Some(value) => step.undo == *value || step.from.as_ref() == Some(value),
                None => step.from.is_none(),
            };
            present == Some(&step.to) || (*fate != Fate::InForce && found())
        })
    }
}

/// The target as it is to be addressed now; none where it is not there to be written.
pub(crate) fn as_it_is(target: &Target, observation: &Observation) -> Option<Target> {
    Some(match target {
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
    })
}

/// Whether the present world shows what a step wrote.
fn shows(observation: &Observation, step: &Step) -> bool {
    present(observation, &step.target).is_some_and(|value| value.as_ref() == Some(&step.to))
}

/// The present value of a target (none: no value); none at all where it could not be read.
#[expect(clippy::option_option, reason = "not read, no value, this value")]
pub(crate) fn present(observation: &Observation, target: &Target) -> Option<Option<String>> {
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

pub(crate) fn changed(step: &Step, left: &str, present: Option<&String>) -> Moved {
    Moved {
        object: step.target.object(),
        planned_from: left.to_owned(),
        present: present.map_or_else(|| "nothing".to_owned(), Clone::clone),
    }
}
