//! Cloudflare: the token, the zones that hold the topology's hostnames, and their records.

use std::collections::BTreeMap;

use gigadb_clients::{Token, TopologyFile};
use gigadb_engine::{
    advice::{self, Asked},
    message::capitalized,
    name::Hostname,
    observation::{Homeless, Observation, zone_for},
    rules::single_a_record,
    topology::{Place, Topology},
    world::{Failure, World, Zone},
};

use super::{Check, Verdict, expiry, expiry::Expiry};

const TOKEN: &str = "cloudflare token";
const ZONE: &str = "zone";
const RECORDS: &str = "dns records";
const WRITE: &str = "dns write";
/// What stands for the token, which has no name that could be shown.
const ITS_NAME: &str = "CLOUDFLARE_API_TOKEN";

pub(super) fn checks(
    (file, topology): (&TopologyFile, &Topology),
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
    let (held, homeless) = by_zone((file, topology), zones);
    for (zone, hostnames) in held.values() {
        let s = if hostnames.len() == 1 { "" } else { "s" };
        let found = format!("active, holds {} hostname{s}", hostnames.len());
        checks.push(Check::ok(ZONE, &zone.name, found));
    }
    checks.extend(homeless);
    for (zone, _) in held.values() {
        checks.push(records(zone, world));
        checks.extend(names(topology, zone, world));
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

/// The zone of each hostname, and what there is to say of the hostnames without one.
fn by_zone<'a>(
    (file, topology): (&TopologyFile, &'a Topology),
    zones: &'a [Zone],
) -> (Held<'a>, Vec<Check>) {
    let mut held = Held::new();
    let mut homeless = BTreeMap::new();
    for environment in topology.environments.values() {
        for hostname in environment.hostnames().into_keys() {
            if let Some(zone) = zone_for(hostname, zones) {
                let entry = held.entry(zone.id.as_str());
                entry.or_insert_with(|| (zone, Vec::new())).1.push(hostname);
            } else if let Some(why) = Homeless::among(zones, hostname) {
                let object = match &why {
                    Homeless::NoZone => hostname.to_string(),
                    Homeless::NotActive(name) | Homeless::SeveralZones { name, .. } => {
                        name.to_string()
                    }
                };
                homeless.entry(object).or_insert((why, hostname));
            }
        }
    }
    let text = std::fs::read_to_string(file.path()).unwrap_or_default();
    let homeless = homeless.iter().map(|(object, (why, hostname))| {
        let mut found = capitalized(&why.clause(hostname));
        if *why == Homeless::NoZone {
            let names: Vec<String> = zones.iter().map(|one| format!("`{}`", one.name)).collect();
            found.push_str(": it sees ");
            found.push_str(if names.is_empty() { "none at all" } else { "" });
            found.push_str(&names.join(", "));
        }
        let place = Place::of(hostname, &text).map(|place| {
            let file = file.path().display();
            format!(" It stands at `{file}:{place}`.")
        });
        let next = [why.next(), place.as_deref().unwrap_or_default()].concat();
        Check::failed((ZONE, object), found, next)
    });
    (held, homeless.collect())
}

/// The hostnames in a zone whose records no swap could use, or that lead elsewhere as well.
fn names(topology: &Topology, zone: &Zone, world: &World) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, environment) in &topology.environments {
        let Ok(observation) = Observation::project(topology, name, world, None) else {
            continue;
        };
        let faults = single_a_record::faults(topology, environment, &observation).into_iter();
        let faults = faults.map(|(hostname, _, message)| (hostname, Verdict::Failed, message));
        let services = single_a_record::services(environment, &observation).into_iter();
        let services = services.map(|(hostname, message)| (hostname, Verdict::Warning, message));
        let here = faults
            .chain(services)
            .filter(|(hostname, ..)| observation.zone_of(hostname) == Some(&zone.name));
        checks.extend(here.map(|(hostname, verdict, message)| {
            Check::said((RECORDS, hostname.as_str()), verdict, message)
        }));
    }
    checks
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
