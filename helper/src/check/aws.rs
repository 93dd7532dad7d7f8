//! AWS: each side's profile, that the keys differ, and what EC2 shows with them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use gigadb_clients::AwsProfile;
use gigadb_engine::{
    advice::{self, Asked},
    evidence::SharedKeys,
    intent::Pair,
    message::capitalized,
    name::InfrastructureName,
    observation::Observation,
    rules::{known_address, separate_credentials},
    topology::{Infrastructure, NameTags, Topology},
    world::{Cause, Failure, Side, World},
};

use super::{Check, Verdict};
use crate::session::Session;

const PROFILE: &str = "aws profile";
const KEYS: &str = "aws keys";
const EC2: &str = "ec2";

/// What each side's profile resolves to, and the files that they are in, in words.
pub(super) struct Profiles {
    by_side: BTreeMap<InfrastructureName, Result<AwsProfile, Failure>>,
    /// With their settings, and with their keys.
    files: [String; 2],
}

/// Resolves the profile of every side.
pub(super) async fn profiles(session: &Session) -> Profiles {
    let sides = session.topology.infrastructures.iter();
    let resolved = sides.map(|(name, side)| async move {
        (name.clone(), session.apis.aws_profile(&side.aws).await)
    });
    Profiles {
        by_side: join_all(resolved).await.into_iter().collect(),
        files: session.apis.profile_files(),
    }
}

pub(super) fn checks(topology: &Topology, profiles: &Profiles, world: &World) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, side) in &topology.infrastructures {
        if let Some(profile) = profiles.by_side.get(name) {
            checks.push(region(side, profile, &profiles.files));
        }
    }
    checks.extend(separate(topology, profiles));
    for (name, side) in &topology.infrastructures {
        checks.push(match profiles.by_side.get(name) {
            Some(Err(_)) => Check::not_checked(
                (EC2, name.as_str()),
                "There is no key to ask EC2 with",
                "Fix the profile first, then check again.",
            ),
            _ => reads(topology, name, side, world),
        });
        checks.extend(unusable(topology, name, world));
    }
    checks
}

/// The Elastic IPs of a side that are there, and that no swap could use, by environment.
fn unusable(topology: &Topology, name: &InfrastructureName, world: &World) -> Vec<Check> {
    let mut checks = Vec::new();
    for (scope, environment) in &topology.environments {
        let Ok(observation) = Observation::project(topology, scope, world, None) else {
            continue;
        };
        let object = format!("{name} {scope}");
        let faults = known_address::faults(topology, environment, &observation, name);
        let faults = faults.into_iter().filter(|fault| fault.there > 0);
        checks.extend(
            faults.map(|fault| Check::said((EC2, &object), Verdict::Warning, fault.message)),
        );
    }
    checks
}

fn asked(side: &Infrastructure) -> Asked<'_> {
    Asked::Region {
        profile: &side.aws.profile,
        region: &side.aws.region,
    }
}

/// The profile is there, and AWS's own tools use it in the right region.
fn region(
    side: &Infrastructure,
    profile: &Result<AwsProfile, Failure>,
    [config, credentials]: &[String; 2],
) -> Check {
    let wanted = &side.aws.region;
    let name = &side.aws.profile;
    let about = (PROFILE, name.as_str());
    let write = format!("Write `region={wanted}` under `[profile {name}]` in {config}.");
    match profile {
        Err(failure) => Check::failed(
            about,
            capitalized(&failure.message),
            match failure.cause {
                Cause::Profile => format!(
                    "Write the side's own key under `[{name}]` in {credentials}, and \
                     `region={wanted}` under `[profile {name}]` in {config}, or as the \
                     message says."
                ),
                _ => advice::next(asked(side), failure),
            },
        ),
        Ok(profile) => match profile.region.as_deref() {
            Some(region) if region == wanted => Check::ok(PROFILE, name, format!("in {wanted}")),
            Some(region) => Check::failed(
                about,
                format!("Its region is {region}, the topology's is {wanted}"),
                write,
            ),
            None => Check::failed(about, "It has no region", write),
        },
    }
}

/// Each side has a key of its own, which no other profile has.
fn separate(topology: &Topology, profiles: &Profiles) -> Vec<Check> {
    let known: BTreeMap<InfrastructureName, String> = profiles
        .by_side
        .iter()
        .filter_map(|(name, profile)| {
            let id = profile.as_ref().ok()?.access_key_id.expose().to_owned();
            Some((name.clone(), id))
        })
        .collect();
    let mut checks = Vec::new();
    let names: Vec<&InfrastructureName> = topology.infrastructures.keys().collect();
    for (index, first) in names.iter().enumerate() {
        for second in &names[index + 1..] {
            checks.push(pair(topology, (first, second), &known, profiles));
        }
    }
    let ours: BTreeSet<&str> = topology
        .infrastructures
        .values()
        .map(|side| side.aws.profile.as_str())
        .collect();
    for (name, profile) in &profiles.by_side {
        let Ok(profile) = profile else { continue };
        let others: Vec<String> = profile
            .shares_key_with
            .iter()
            .filter(|other| !ours.contains(other.as_str()))
            .map(|other| format!("`{other}`"))
            .collect();
        if !others.is_empty() {
            checks.push(Check::warning(
                (KEYS, name.as_str()),
                format!("Its key is that of {} too", others.join(", ")),
                "Create a key of its own for this side in the IAM console: a key that leaks \
                 elsewhere must not open it.",
            ));
        }
    }
    checks
}

fn pair(
    topology: &Topology,
    (first, second): (&InfrastructureName, &InfrastructureName),
    known: &BTreeMap<InfrastructureName, String>,
    profiles: &Profiles,
) -> Check {
    let object = format!("{first}, {second}");
    let about = (KEYS, object.as_str());
    if !known.contains_key(first) || !known.contains_key(second) {
        return Check::not_checked(
            about,
            "Not both keys are known",
            "Fix the profile that failed, then check again.",
        );
    }
    let arrangement = Pair {
        production: first.clone(),
        hot_standby: second.clone(),
    };
    let keys: Vec<_> = known
        .iter()
        .map(|(name, key)| (name.clone(), key))
        .collect();
    let [_, credentials] = &profiles.files;
    let shared = SharedKeys::among(&keys).kept_in(credentials.clone());
    match separate_credentials::message(topology, &arrangement, &shared) {
        None => Check::ok(KEYS, &object, "they differ"),
        Some(message) => Check::said(about, Verdict::Failed, message),
    }
}

/// What EC2 shows of the side.
fn reads(
    topology: &Topology,
    name: &InfrastructureName,
    side: &Infrastructure,
    world: &World,
) -> Check {
    let about = (EC2, name.as_str());
    let reading = world.sides.get(name);
    if let Some(failure) = reading.and_then(|reading| reading.failure()) {
        return Check::failed(
            about,
            capitalized(&failure.message),
            format!("{} Then check again.", advice::next(asked(side), failure)),
        );
    }
    let Some(machines) = reading.and_then(|reading| reading.read()) else {
        return Check::not_checked(about, "EC2 was not asked", "Check again.");
    };
    let NameTags {
        elastic_ips: wanted,
        ..
    } = topology.name_tags(name, |_| true);
    let missing = missing(&wanted, machines);
    let seen = wanted.len() - missing.len();
    let count = format!("{seen} of {} Elastic IPs", wanted.len());
    if missing.is_empty() {
        return Check::ok(EC2, name, count);
    }
    let next = format!(
        "See that profile `{}` and {} are this side's, and that the names in the topology \
         are the Name tags in EC2.",
        side.aws.profile, side.aws.region
    );
    let found = format!("{count}: {} missing", missing.join(", "));
    // Some may be yet to be made. Where all are, the topology speaks of another account or owner.
    let judged = if seen == 0 {
        Check::failed
    } else {
        Check::warning
    };
    judged(about, found, next)
}

fn missing(wanted: &BTreeSet<String>, machines: &Side) -> Vec<String> {
    let there: BTreeSet<&str> = machines
        .elastic_ips
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    wanted
        .iter()
        .filter(|name| !there.contains(name.as_str()))
        .map(|name| format!("`{name}`"))
        .collect()
}
