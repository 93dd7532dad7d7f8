//! Who holds which role in an environment, and what disagrees with that.
//!
//! Pure. The engine judges; this puts its judgement into words.

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod prometheus;
pub(crate) mod section;
pub(crate) mod text;

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    changes::Blocked,
    evidence::Evidence,
    intent::{Arrangement, Intent, Mode, OnFailure, Trade},
    message::Message,
    name::{EnvironmentName, InfrastructureName, Role},
    observation::{Observation, Part, environment_of},
    plan::plan,
    roles::{self, Apparent},
    rules::{known_address, single_a_record, variables_visible},
    topology::{Environment, Topology},
    view::{Status, View},
    world::Reading,
};

use crate::dumps::Known;

/// What was last deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Release {
    /// This tag or branch.
    Deployed(String),
    /// Nothing yet.
    Never,
    /// GitLab did not say.
    Unknown,
}

impl Release {
    fn as_str(&self) -> &str {
        match self {
            Self::Deployed(reference) => reference,
            Self::Never => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// What there is to say about one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// The environment.
    pub(crate) environment: EnvironmentName,
    /// The word for the whole.
    pub(crate) status: Status,
    /// Who has which role, or why that is not clear: a clause.
    pub(crate) roles: Result<Arrangement, String>,
    /// What is doubtful about clear roles, one clause each.
    pub(crate) doubts: Vec<String>,
    /// Hostnames and variables as observed; `None` where it is not known which two sides they
    /// concern.
    pub(crate) view: Option<View>,
    /// What is not as the topology says.
    pub(crate) disagreements: Vec<Disagreement>,
    /// What was last deployed, by side; a side that is not named is unknown.
    pub(crate) releases: BTreeMap<InfrastructureName, Release>,
    /// What is as the topology says and yet in the way of a swap, or leads elsewhere as well; in the
    /// words of the rules, without a full stop.
    pub(crate) ambiguous: Vec<String>,
    /// What could not be read, one sentence a side and kind, without its full stop.
    pub(crate) unread: Vec<String>,
    /// Production's newest dump, or why it is not known; `None` where nobody was asked.
    pub(crate) newest_dump: Option<Known>,
}

/// One object that is not as the topology says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disagreement {
    /// The object: a record or a variable.
    pub(crate) object: String,
    /// What is wrong with it, as a clause, where no values tell.
    pub(crate) what: Option<String>,
    /// What it is, where that is one value.
    pub(crate) present: Option<String>,
    /// What it should be, where that is known.
    pub(crate) expected: Option<String>,
}

impl Report {
    /// The role that `infrastructure` holds; `None` where roles are unclear or it has none.
    pub(crate) fn role_of(&self, infrastructure: &InfrastructureName) -> Option<Role> {
        self.roles.as_ref().ok()?.role_of(infrastructure)
    }

    fn release_of(&self, infrastructure: &InfrastructureName) -> &Release {
        self.releases
            .get(infrastructure)
            .unwrap_or(&Release::Unknown)
    }

    /// What the table of a document needs and could not be read, one clause each.
    pub(crate) fn not_in_the_table(&self, topology: &Topology) -> Vec<String> {
        let decides = self.status == Status::Unknown || self.roles.is_err();
        let unread = self.unread.iter().filter(|_| decides).cloned();
        let sides = topology.infrastructures.keys();
        let untold = sides.filter(|side| self.release_of(side) == &Release::Unknown);
        let untold = untold.map(|side| {
            format!(
                "GitLab did not tell the release of `{side}` in `{}`",
                self.environment
            )
        });
        unread.chain(untold).collect()
    }
}

/// Reports on the environment that was observed; `None` where the topology does not have it.
pub(crate) fn report(
    topology: &Topology,
    observation: &Observation,
    releases: BTreeMap<InfrastructureName, Release>,
) -> Option<Report> {
    let environment = environment_of(topology, &observation.environment).ok()?;
    let (roles, doubts) = match roles::clear(topology, environment, observation) {
        Ok(clear) => (Ok(clear.arrangement), clear.doubts),
        Err(unclear) => (Err(unclear.to_string()), Vec::new()),
    };
    // What a failover deduces of a lost region, the status does too.
    let mut completed = observation.clone();
    let deduced = roles::deduce(environment, &mut completed);
    let observation = &completed;
    let arrangement = match &roles {
        Ok(arrangement) => Some(arrangement.clone()),
        Err(_) => Apparent::told_by(topology, environment, observation).arrangement(),
    };
    let view = arrangement.as_ref().map(|arrangement| {
        let sides = [&arrangement.production, &arrangement.hot_standby];
        View::observed(environment, sides, observation)
    });
    let mut status = view.as_ref().map_or(Status::Unknown, |view| view.status);
    let disagreements = arrangement
        .map(|arrangement| disagreements(topology, observation, arrangement, status))
        .unwrap_or_default();
    let ambiguous = ambiguous(topology, environment, observation, view.as_ref());
    let unread = unread(environment, observation, deduced.as_ref());
    if status == Status::Mixed && disagreements.is_empty() && !unread.is_empty() {
        status = Status::Unknown;
    }
    Some(Report {
        environment: observation.environment.clone(),
        status,
        roles,
        doubts,
        view,
        disagreements,
        releases,
        ambiguous,
        unread,
        newest_dump: None,
    })
}

/// What the rules find of the environment beyond what disagrees with the topology.
fn ambiguous(
    topology: &Topology,
    environment: &Environment,
    observation: &Observation,
    view: Option<&View>,
) -> Vec<String> {
    let services = single_a_record::services(environment, observation).into_iter();
    let mut said: Vec<Message> = services.map(|(_, message)| message).collect();
    let concerns = |side: &InfrastructureName| {
        view.is_none_or(|view| view.variables.keys().any(|(one, _)| one == side))
    };
    let sides = topology.infrastructures.keys();
    for side in sides.filter(|side| concerns(side)) {
        let faults = known_address::faults(topology, environment, observation, side).into_iter();
        // Without its address nothing can be planned, which is a disagreement.
        let usable = faults.filter(|fault| fault.there == 1);
        said.extend(usable.map(|fault| fault.message));
        let rows = observation.variables.get(side).and_then(Reading::known);
        if let Some(rows) = rows {
            let name = &observation.environment;
            said.extend(variables_visible::unmaskable(topology, name, side, rows));
        }
    }
    let clause = |message: Message| message.what.trim_end_matches('.').to_owned();
    said.into_iter().map(clause).collect()
}

/// What a plan that keeps the arrangement would write: exactly what disagrees with it.
fn disagreements(
    topology: &Topology,
    observation: &Observation,
    arrangement: Arrangement,
    status: Status,
) -> Vec<Disagreement> {
    let intent = Intent {
        environment: observation.environment.clone(),
        mode: Mode::Switchover,
        prepare: (status == Status::Prepared).then(|| arrangement.hot_standby.clone()),
        arrangement,
        on_failure: OnFailure::default(),
        overrides: BTreeSet::default(),
        trade: Trade::none(),
    };
    let plan = match plan(topology, &intent, observation, &Evidence::none()) {
        Ok(plan) => plan,
        Err(incomputable) => {
            // What a region did not tell is listed as unread, and is nothing that is wrong.
            let all_read = observation.sides.values().all(|s| s.failure().is_none());
            let findings = incomputable.0.into_iter();
            return findings
                .filter(|_| all_read)
                .map(|finding| Disagreement {
                    object: finding.message.object,
                    what: Some(finding.message.what.trim_end_matches('.').to_owned()),
                    present: None,
                    expected: None,
                })
                .collect();
        }
    };
    let steps = plan.changes.steps().map(|step| Disagreement {
        object: step.target.to_string(),
        what: None,
        present: step.from.clone(),
        expected: Some(step.to.clone()),
    });
    let is_read = |blocked: &&Blocked| match blocked {
        Blocked::Name(hostname) => observation
            .names
            .get(hostname)
            .is_some_and(|name| name.unread.is_none()),
        Blocked::Variable(side, _) => observation
            .variables
            .get(side)
            .is_some_and(|rows| rows.known().is_some()),
    };
    let blocked = plan.changes.blocked.iter().filter(is_read);
    let blocked = blocked.map(|blocked| match blocked {
        Blocked::Name(hostname) => Disagreement {
            object: blocked.object().to_string(),
            what: observation.elsewhere(hostname),
            present: None,
            expected: plan
                .desired
                .hostnames
                .get(hostname)
                .and_then(|name| name.address)
                .map(|address| address.to_string()),
        },
        Blocked::Variable(side, key) => Disagreement {
            object: blocked.object().to_string(),
            what: None,
            present: None,
            expected: plan
                .desired
                .variables
                .get(&(side.clone(), key.clone()))
                .cloned()
                .flatten(),
        },
    });
    steps.chain(blocked).collect()
}

fn unread(
    environment: &Environment,
    observation: &Observation,
    deduced: Option<&InfrastructureName>,
) -> Vec<String> {
    let failures = observation.failures().into_iter();
    failures
        .filter_map(|(part, failure)| match part {
            Part::Zone(zone) => {
                let names = observation.names.keys();
                let names = names.filter(|name| observation.zone_of(name) == Some(&zone));
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                Some(format!(
                    "the records of zone `{zone}` could not be read: {failure}; it holds {}",
                    names.join(", ")
                ))
            }
            Part::Region(side) => {
                let known = observation.sides.get(&side).and_then(Reading::known);
                let instead = if deduced == Some(&side) {
                    "; its addresses are those of production's names"
                } else if known.is_some() {
                    "; its addresses are those that are last known"
                } else {
                    ""
                };
                Some(format!(
                    "EC2 of `{side}` could not be read: {failure}{instead}"
                ))
            }
            Part::Variables(side) => match environment.variable_keys().count() {
                0 => None,
                1 => Some(format!(
                    "1 variable of `{side}` could not be read: {failure}"
                )),
                several => Some(format!(
                    "{several} variables of `{side}` could not be read: {failure}"
                )),
            },
        })
        .collect()
}
