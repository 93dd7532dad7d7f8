//! What to do first after a run that did not go as planned, from what it failed at: the advice of
//! [`crate::advice`], where that says more than "again".

use crate::{
    advice::{self, Asked},
    message::capitalized,
    observation::{Observation, ProjectError},
    topology::Topology,
    world::{Cause, Failure},
};

/// What to do before going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing stands in the way: the run was stopped.
    Nothing,
    /// This, in full sentences.
    Advice(String),
    /// What the cause says itself.
    TheCause,
}

impl Remedy {
    /// "Remove the cause, then run the swap again.", where `what` is "run the swap again".
    pub fn then(&self, what: &str) -> String {
        match self {
            Self::Nothing => format!("{}.", capitalized(what)),
            Self::Advice(advice) => format!("{advice} Then {what}."),
            Self::TheCause => format!("Remove the cause, then {what}."),
        }
    }

    /// The advice alone, with a blank behind it, where there is one.
    pub fn before(&self) -> String {
        match self {
            Self::Advice(advice) => format!("{advice} "),
            Self::Nothing | Self::TheCause => String::new(),
        }
    }
}

/// What helps against a failed request, in full sentences; `None` where nothing is known that is
/// more than trying again.
pub fn of_request(asked: Asked<'_>, failure: &Failure) -> Option<String> {
    let again = matches!(
        failure.cause,
        Cause::Unknown | Cause::Request | Cause::Incomplete | Cause::Stopped
    );
    (!again).then(|| advice::next(asked, failure))
}

/// The same for the first part of a reading that failed.
pub(crate) fn of_reading(
    topology: &Topology,
    reading: &Result<Observation, ProjectError>,
) -> Option<String> {
    let observation = match reading {
        Ok(observation) => observation,
        Err(ProjectError::Records { failure, .. }) => return of_request(Asked::Records, failure),
        Err(ProjectError::UnknownEnvironment { .. }) => return None,
    };
    let names = observation.names.values();
    let records = names
        .filter_map(|name| name.unread.as_ref())
        .filter_map(|failure| of_request(Asked::Records, failure));
    let variables = observation.variables.iter().filter_map(|(side, reading)| {
        let project = &topology.infrastructures.get(side)?.gitlab_project;
        of_request(Asked::Project(project), reading.failure()?)
    });
    records.chain(variables).next()
}
