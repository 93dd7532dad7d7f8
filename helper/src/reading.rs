//! Reading for `status`: part by part, so that what hangs holds up nothing else.
//!
//! What decides who has which role is the records and one region: the other side's addresses are
//! then known from before, or follow from the records. Everything else gets a moment more, and
//! then counts as not read.

use std::{collections::BTreeMap, pin::Pin, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use gigadb_clients::{Scope as Reads, Which};
use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName},
    world::{Failure, FailureKind, Reading, World},
};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    session::{Observed, Session},
    status::Release,
};

/// What was read for a status.
#[derive(Debug)]
pub(crate) struct StatusRead {
    pub(crate) observed: Observed,
    pub(crate) releases: Releases,
    /// The places of releases that are not known, by the reason.
    pub(crate) untold: BTreeMap<String, Vec<String>>,
}

/// What each side runs in each environment.
pub(crate) type Releases = BTreeMap<EnvironmentName, BTreeMap<InfrastructureName, Release>>;

/// One part that was read.
#[derive(Debug)]
enum Part {
    Records(Observed),
    Side(InfrastructureName, Observed),
    Variables(Observed),
    Release(EnvironmentName, InfrastructureName, Release, Option<String>),
}

/// Reads everything about `environments`. Once what decides the roles has answered, the rest has
/// `grace` left.
pub(crate) async fn read(
    session: &Session,
    environments: &Which<EnvironmentName>,
    grace: Duration,
    cancel: &CancellationToken,
) -> StatusRead {
    let mut parts = parts(session, environments, cancel);
    let mut read: Vec<Part> = Vec::new();
    let mut until: Option<Instant> = None;
    loop {
        let next = async {
            match until {
                Some(until) => tokio::select! {
                    biased;
                    part = parts.next() => part,
                    () = sleep_until(until) => None,
                },
                None => parts.next().await,
            }
        };
        let Some(part) = next.await else {
            break;
        };
        read.push(part);
        let records = read.iter().any(|part| matches!(part, Part::Records(_)));
        let side = read.iter().any(
            |part| matches!(part, Part::Side(name, side) if side.world.sides.get(name).is_some_and(|s| s.read().is_some())),
        );
        if records && side && until.is_none() {
            until = Some(Instant::now() + grace);
        }
    }
    drop(parts);
    assemble(session, environments, grace, read)
}

type PartRead<'a> = Pin<Box<dyn Future<Output = Part> + 'a>>;

fn parts<'a>(
    session: &'a Session,
    environments: &'a Which<EnvironmentName>,
    cancel: &'a CancellationToken,
) -> FuturesUnordered<PartRead<'a>> {
    let topology = &session.topology;
    let nothing = Reads {
        environments: environments.clone(),
        records: false,
        variables: Which::none(),
        sides: Which::none(),
    };
    let parts: FuturesUnordered<PartRead<'a>> = FuturesUnordered::new();
    let records = Reads {
        records: true,
        ..nothing.clone()
    };
    parts.push(Box::pin(async move {
        Part::Records(session.observe(&records, cancel).await)
    }));
    for name in topology.infrastructures.keys() {
        let side = Reads {
            sides: Which::one(name.clone()),
            ..nothing.clone()
        };
        parts.push(Box::pin(async move {
            Part::Side(name.clone(), session.observe(&side, cancel).await)
        }));
        let variables = Reads {
            variables: Which::one(name.clone()),
            ..nothing.clone()
        };
        parts.push(Box::pin(async move {
            Part::Variables(session.observe(&variables, cancel).await)
        }));
    }
    let names = topology.environments.keys();
    for environment in names.filter(|name| environments.holds(name)) {
        for (name, side) in &topology.infrastructures {
            parts.push(Box::pin(async move {
                let deployed = session
                    .apis
                    .last_deployment(&side.gitlab_project, environment, cancel)
                    .await;
                let (release, failure) = match deployed {
                    Ok(Some(reference)) => (Release::Deployed(reference), None),
                    Ok(None) => (Release::Never, None),
                    Err(failure) => (Release::Unknown, Some(failure.to_string())),
                };
                Part::Release(environment.clone(), name.clone(), release, failure)
            }));
        }
    }
    parts
}

/// Puts the parts together; what is missing has not answered in time.
fn assemble(
    session: &Session,
    environments: &Which<EnvironmentName>,
    grace: Duration,
    read: Vec<Part>,
) -> StatusRead {
    let late = |who: &str| {
        Failure::new(
            FailureKind::Unreachable,
            format!(
                "{who} had not answered {} s after what decides the roles had",
                grace.as_secs_f32()
            ),
        )
    };
    let mut records = None;
    let mut world = World {
        zones: Reading::Read(Vec::new()),
        records: BTreeMap::new(),
        variables: BTreeMap::new(),
        sides: BTreeMap::new(),
        certificates: BTreeMap::new(),
        beside: BTreeMap::new(),
    };
    let mut ages = BTreeMap::new();
    let mut releases = Releases::new();
    let mut untold: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut told = |environment: EnvironmentName, side: InfrastructureName, release, why| {
        if let Some(why) = why {
            let places = untold.entry(why).or_default();
            places.push(format!("`{side}` in `{environment}`"));
        }
        let sides = releases.entry(environment).or_default();
        sides.insert(side, release);
    };
    let mut asked: Vec<_> = Vec::new();
    for part in read {
        match part {
            Part::Records(observed) => {
                world.zones = observed.world.zones;
                world.records = observed.world.records;
                world.beside = observed.world.beside;
                records = Some(observed.source);
            }
            Part::Side(_, observed) => {
                world.sides.extend(observed.world.sides);
                ages.extend(observed.ages);
            }
            Part::Variables(observed) => {
                world.variables.extend(observed.world.variables);
                world.certificates.extend(observed.world.certificates);
            }
            Part::Release(environment, side, release, why) => {
                asked.push((environment.clone(), side.clone()));
                told(environment, side, release, why);
            }
        }
    }
    for (name, side) in &session.topology.infrastructures {
        world
            .sides
            .entry(name.clone())
            .or_insert_with(|| Reading::failed(late(&format!("EC2 in {}", side.aws.region))));
        world
            .variables
            .entry(name.clone())
            .or_insert_with(|| Reading::failed(late("GitLab")));
        let names = session.topology.environments.keys();
        for environment in names.filter(|name| environments.holds(name)) {
            let place = (environment.clone(), name.clone());
            if !asked.contains(&place) {
                told(
                    place.0,
                    place.1,
                    Release::Unknown,
                    Some(late("GitLab").message),
                );
            }
        }
    }
    ages.extend(session.complete(&mut world));
    StatusRead {
        observed: Observed {
            world,
            ages,
            source: records.unwrap_or_default(),
        },
        releases,
        untold,
    }
}
