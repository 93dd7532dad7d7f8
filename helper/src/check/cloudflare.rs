//! Cloudflare: the token, the zones that hold the topology's hostnames, and their records.

use std::collections::BTreeMap;

use gigadb_clients::Token;
use gigadb_engine::{
    advice::{self, Asked},
    name::Hostname,
    observation::Homeless,
    topology::Topology,
    world::{Failure, World, Zone},
};

use super::{Check, aws::capitalized, expiry, expiry::Expiry};

const TOKEN: &str = "cloudflare token";
const ZONE: &str = "zone";
const RECORDS: &str = "dns records";
const WRITE: &str = "dns write";
/// What stands for the token, which has no name that could be shown.
const ITS_NAME: &str = "CLOUDFLARE_API_TOKEN";

pub(super) fn checks(
    topology: &Topology,
    token: &Result<Token, Failure>,
    world: &World,
) -> Vec<Check> {
    let zones = match (world.zones.read(), world.zones.failure()) {
        (Some(zones), _) => zones,
        (None, failure) => {
            return unread(failure);
        }
    };
    let mut checks = vec![standing(token)];
    let (held, homeless) = by_zone(topology, zones);
    for (zone, hostnames) in held.values() {
        checks.push(several(zone, zones).unwrap_or_else(|| visible(zone, hostnames.len())));
    }
    checks.extend(homeless.iter().map(|hostname| nowhere(hostname, zones)));
    let clear = |zone: &&Zone| zone.active && several(zone, zones).is_none();
    for (zone, _) in held.values().filter(|(zone, _)| clear(zone)) {
        checks.push(records(zone, world));
        checks.push(Check::not_checked(
            (WRITE, zone.name.as_str()),
            "Only a write can prove that the token may write",
            "See in Cloudflare's dashboard that the token has DNS: Edit on this zone.",
        ));
    }
    checks
}

/// What is said where not even the zones could be read.
fn unread(failure: Option<&Failure>) -> Vec<Check> {
    let because = "The zones could not be read";
    let (why, next) = match failure {
        Some(failure) => (
            capitalized(&failure.message),
            advice::next(Asked::Records, failure),
        ),
        None => (
            "Cloudflare was not asked".to_owned(),
            "Check again.".to_owned(),
        ),
    };
    let checked = Check::failed((TOKEN, ITS_NAME), why, next);
    let next = "Correct what failed first, then check again.";
    vec![
        checked,
        Check::not_checked((ZONE, "all"), because, next),
        Check::not_checked((RECORDS, "all"), because, next),
        Check::not_checked((WRITE, "all"), because, next),
    ]
}

/// The token as Cloudflare sees it. The zones have been read with it, which outranks a refusal.
fn standing(token: &Result<Token, Failure>) -> Check {
    let about = (TOKEN, ITS_NAME);
    match token {
        Ok(token) => match expiry::of(token.expires.as_deref()) {
            Expiry::Later(until) => Check::ok(TOKEN, ITS_NAME, format!("accepted, {until}")),
            Expiry::Soon(end) => Check::warning(
                about,
                format!("It {end}"),
                "Make a new token in Cloudflare's dashboard before that day.",
            ),
        },
        Err(failure) => Check::warning(
            about,
            format!(
                "The zones can be read with it, but when it ends is not told: {}",
                failure.message
            ),
            "Look up in Cloudflare's dashboard when it ends.",
        ),
    }
}

type Held<'a> = BTreeMap<&'a str, (&'a Zone, Vec<&'a Hostname>)>;

/// The longest zone of each hostname, active ones before others, and the hostnames without one.
fn by_zone<'a>(topology: &'a Topology, zones: &'a [Zone]) -> (Held<'a>, Vec<&'a Hostname>) {
    let mut held = Held::new();
    let mut homeless = Vec::new();
    for environment in topology.environments.values() {
        for hostname in environment.hostnames().into_keys() {
            let zone = zones
                .iter()
                .filter(|zone| hostname.labels_below(&zone.name).is_some())
                .max_by_key(|zone| (zone.active, zone.name.as_str().len()));
            match zone {
                Some(zone) => {
                    let entry = held.entry(zone.id.as_str());
                    entry.or_insert_with(|| (zone, Vec::new())).1.push(hostname);
                }
                None => homeless.push(hostname),
            }
        }
    }
    homeless.sort();
    homeless.dedup();
    (held, homeless)
}

/// Several active zones of one name: which one is in use cannot be told.
fn several(zone: &Zone, zones: &[Zone]) -> Option<Check> {
    let same = zones
        .iter()
        .filter(|one| one.active && one.name == zone.name);
    let ids: Vec<String> = same.map(|one| one.id.to_string()).collect();
    let several = Homeless::SeveralZones {
        name: zone.name.clone(),
        ids,
    };
    let Homeless::SeveralZones { ids, .. } = &several else {
        return None;
    };
    (zone.active && ids.len() > 1).then(|| {
        let any = zone.name.as_str().parse();
        let clause = any.map_or_else(|_| String::new(), |name| several.clause(&name));
        Check::failed(
            (ZONE, zone.name.as_str()),
            capitalized(&clause),
            several.next(),
        )
    })
}

fn visible(zone: &Zone, hostnames: usize) -> Check {
    if zone.active {
        let s = if hostnames == 1 { "" } else { "s" };
        return Check::ok(
            ZONE,
            &zone.name,
            format!("active, holds {hostnames} hostname{s}"),
        );
    }
    Check::failed(
        (ZONE, zone.name.as_str()),
        "Cloudflare does not serve it: its status is not active",
        "Point the domain's name servers to Cloudflare, or correct the hostnames in the topology.",
    )
}

fn nowhere(hostname: &Hostname, zones: &[Zone]) -> Check {
    let names: Vec<String> = zones
        .iter()
        .map(|zone| format!("`{}`", zone.name))
        .collect();
    let seen = if names.is_empty() {
        "sees no zone at all".to_owned()
    } else {
        format!("sees {}", names.join(", "))
    };
    Check::failed(
        (ZONE, hostname.as_str()),
        format!("No zone holds this hostname: the token {seen}"),
        "Give the token Zone: Read on the hostname's zone, or correct the hostname.",
    )
}

fn records(zone: &Zone, world: &World) -> Check {
    let about = (RECORDS, zone.name.as_str());
    let reading = world.records.get(&zone.id);
    match reading.map(|reading| (reading.read(), reading.failure())) {
        Some((Some(records), _)) => Check::ok(
            RECORDS,
            &zone.name,
            format!("{} records can be read", records.len()),
        ),
        Some((None, Some(failure))) => Check::failed(
            about,
            capitalized(&failure.message),
            advice::next(Asked::Records, failure),
        ),
        _ => Check::not_checked(about, "Its records were not asked for", "Check again."),
    }
}
