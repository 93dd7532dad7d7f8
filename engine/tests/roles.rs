//! Who holds which role, and when that is clear.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's own fixtures"
)]

mod model;

use gigadb_engine::{
    evidence::Evidence,
    intent::{Arrangement, Trade},
    observation::{Observation, environment_of},
    plan::plan,
    roles::clear,
    rules::Rule,
    topology::Topology,
    world::{Failure, FailureKind, Reading, World},
};
use insta::assert_snapshot;
use model::{UPSTREAM, environment, side, topology, world};

const GIGADB: &str = "gigadb-website";
const ALT: &str = "alt-gigadb-website";

/// Sets the address of a hostname; none removes its records.
fn set(world: &mut World, hostname: &str, address: Option<&str>) {
    for reading in world.records.values_mut() {
        let Reading::Read(records) = reading else {
            continue;
        };
        match address {
            None => records.retain(|r| r.name.as_str() != hostname),
            Some(address) => {
                for record in records.iter_mut().filter(|r| r.name.as_str() == hostname) {
                    address.clone_into(&mut record.content);
                }
            }
        }
    }
}

fn three_sides() -> Topology {
    topology(&UPSTREAM.replace(
        "\nenvironments:",
        "  third:\n    gitlab_project: gigascience/third\n    aws: { profile: T, region: eu-west-1 }\n    owner: third\n\nenvironments:",
    ))
}

fn lose(world: &mut World, lost: &str) {
    let failure = Failure::new(FailureKind::Unreachable, "EC2 did not answer");
    world.sides.insert(side(lost), Reading::failed(failure));
}

/// Makes a zone's records unreadable.
fn hide(world: &mut World, zone: &str) {
    let Reading::Read(zones) = &world.zones else {
        panic!("the zones are read");
    };
    let zone = zones.iter().find(|one| one.name.as_str() == zone).unwrap();
    let failure = Failure::new(FailureKind::Refused, "Cloudflare refused it");
    world
        .records
        .insert(zone.id.clone(), Reading::failed(failure));
}

fn address(world: &World, hostname: &str) -> String {
    let records = world.records.values().filter_map(Reading::read).flatten();
    let mut found = records.filter(|r| r.name.as_str() == hostname);
    found.next().unwrap().content.clone()
}

/// What is told of live after a change of the world: the roles with their doubts, or why not.
fn told_in(topology: &Topology, edit: impl FnOnce(&mut World)) -> String {
    let mut world = world(topology, GIGADB);
    edit(&mut world);
    let live = environment("live");
    let observation = Observation::project(topology, &live, &world, None).unwrap();
    let table = environment_of(topology, &live).unwrap();
    match clear(topology, table, &observation) {
        Ok(clear) => {
            let mut lines = vec![format!(
                "production {}, hot standby {}",
                clear.arrangement.production, clear.arrangement.hot_standby
            )];
            lines.extend(clear.doubts.iter().map(|doubt| format!("? {doubt}")));
            lines.join("\n")
        }
        Err(unclear) => format!("unclear: {unclear}"),
    }
}

fn told(edit: impl FnOnce(&mut World)) -> String {
    told_in(&topology(UPSTREAM), edit)
}

#[test]
fn a_standby_name_in_doubt_leaves_the_roles_clear() {
    assert_snapshot!(told(|_| {}), @"production gigadb-website, hot standby alt-gigadb-website");
    let missing = |world: &mut World| set(world, "portainer.alt-live.gigadb.host", None);
    assert_snapshot!(told(missing), @"
    production gigadb-website, hot standby alt-gigadb-website
    ? `portainer.alt-live.gigadb.host` has no A record
    ");
    let foreign = |world: &mut World| set(world, "files.alt-live.gigadb.org", Some("192.0.2.77"));
    assert_snapshot!(told(foreign), @"
    production gigadb-website, hot standby alt-gigadb-website
    ? `files.alt-live.gigadb.org` leads to 192.0.2.77, no Elastic IP of any known side
    ");
    assert_snapshot!(told(|world| hide(world, "gigadb.host")), @"
    production gigadb-website, hot standby alt-gigadb-website
    ? the records of zone `gigadb.host` could not be read: Cloudflare refused it
    ");
    assert!(told(|world| lose(world, ALT)).starts_with(
        "production gigadb-website, hot standby alt-gigadb-website\n? `alt-live.gigadb.host` leads to "
    ));
}

#[test]
fn a_production_name_in_doubt_does_not() {
    let missing = |world: &mut World| set(world, "files.gigadb.org", None);
    assert_snapshot!(told(missing), @"unclear: `files.gigadb.org` has no A record");
    let foreign = |world: &mut World| set(world, "files.gigadb.org", Some("192.0.2.77"));
    assert_snapshot!(told(foreign), @"unclear: `files.gigadb.org` leads to 192.0.2.77, no Elastic IP of any known side");
    let split = |world: &mut World| {
        let there = address(world, "files.alt-live.gigadb.org");
        set(world, "files.gigadb.org", Some(&there));
    };
    assert_snapshot!(told(split), @"unclear: `files.gigadb.org` is a name of the production but leads to `alt-gigadb-website`, while `gigadb.org` leads to `gigadb-website`");
}

#[test]
fn a_name_of_either_role_on_the_wrong_side_makes_them_unclear() {
    let wrong = |world: &mut World| {
        let there = address(world, "files.gigadb.org");
        set(world, "files.alt-live.gigadb.org", Some(&there));
    };
    assert_snapshot!(told(wrong), @"unclear: `files.alt-live.gigadb.org` is a name of the hot standby but leads to `gigadb-website`, while `gigadb.org` leads to `gigadb-website`");
}

/// What a failover deduces, everybody does: production's names hold the lost side's addresses.
#[test]
fn the_addresses_of_productions_lost_region_are_deduced() {
    assert_snapshot!(told(|world| lose(world, GIGADB)), @"
    production gigadb-website, hot standby alt-gigadb-website
    ? the addresses of `gigadb-website` could not be read, and are taken from the names of production
    ");
    // Two names of one endpoint that lead to two places tell nothing.
    let torn = |world: &mut World| {
        set(world, "portainer.gigadb.org", Some("192.0.2.77"));
        lose(world, GIGADB);
    };
    assert!(told(torn).starts_with("unclear: `gigadb.org` leads to "));
    // Nothing tells that the side which was read is the other one.
    let alone = |world: &mut World| {
        for name in [
            "alt-live.gigadb.host",
            "bastion.alt-live.gigadb.host",
            "files.alt-live.gigadb.org",
            "portainer.alt-live.gigadb.host",
        ] {
            set(world, name, None);
        }
        lose(world, GIGADB);
    };
    assert!(told(alone).contains(
        "it is not known whose that is: the Elastic IPs of `gigadb-website` could not be read"
    ));
    let both = |world: &mut World| {
        lose(world, GIGADB);
        lose(world, ALT);
    };
    assert!(told(both).starts_with("unclear: "));
}

#[test]
fn with_three_sides_the_standby_is_the_one_that_its_names_lead_to() {
    let three = three_sides();
    let told = |edit: fn(&mut World)| {
        let mut world = world(&three, GIGADB);
        let table = &three.environments["live"];
        let other = model::machines(&three, &side(ALT), 9);
        // The model names the first other side; the records of its standby names are replaced.
        for (hostname, endpoint) in &table.hot_standby.hostnames {
            let name = three.eip_name(&side(ALT), &environment("live"), endpoint);
            let eip = other
                .elastic_ips
                .iter()
                .find(|e| Some(&e.name) == name.as_ref());
            set(
                &mut world,
                hostname.as_str(),
                Some(&eip.unwrap().address.to_string()),
            );
        }
        world.sides.insert(side(ALT), Reading::Read(other));
        edit(&mut world);
        let live = environment("live");
        let observation = Observation::project(&three, &live, &world, None).unwrap();
        clear(&three, table, &observation).map(|clear| clear.arrangement.hot_standby.to_string())
    };
    assert_eq!(told(|_| {}), Ok(ALT.to_owned()));
    let missing = |world: &mut World| set(world, "files.alt-live.gigadb.org", None);
    assert_eq!(told(missing), Ok(ALT.to_owned()));
}

/// A world with three sides, in which the apex leads to the third.
fn taken_by_the_third() -> (Topology, Observation) {
    let three = three_sides();
    let live = environment("live");
    let mut world = world(&three, GIGADB);
    let machines = model::machines(&three, &side("third"), 9);
    let web = "web".parse().unwrap();
    let name = three.eip_name(&side("third"), &live, &web).unwrap();
    let taken = machines.elastic_ips.iter().find(|one| one.name == name);
    set(
        &mut world,
        "gigadb.org",
        Some(&taken.unwrap().address.to_string()),
    );
    world.sides.insert(side("third"), Reading::Read(machines));
    let observation = Observation::project(&three, &live, &world, None).unwrap();
    (three, observation)
}

#[test]
fn roles_that_a_third_side_took_are_not_silently_traded_back() {
    let (three, observation) = taken_by_the_third();
    let mut intent = model::intent(&three, "live", GIGADB);
    intent.trade = Trade::from_the_state(GIGADB, &intent.arrangement);
    let plan = plan(&three, &intent, &observation, &Evidence::none()).unwrap();
    let found: Vec<Rule> = plan.blocking().map(|one| one.rule).collect();
    assert!(found.contains(&Rule::ExternalSwap), "{found:?}");
}

/// Each way on that `external-swap` names, and a swap that nobody may make beside it.
#[test]
fn a_third_sides_address_is_said_to_be_its_own_and_stands_in_the_way_of_a_swap_alone() {
    let (three, observation) = taken_by_the_third();
    let pair = |production: &str, hot_standby: &str| Arrangement {
        production: side(production),
        hot_standby: side(hot_standby),
    };
    let cases = [
        ("reverted", pair(GIGADB, ALT), Trade::back(), "third", false),
        ("accepted", pair("third", ALT), true.into(), GIGADB, false),
        (
            "accepted, with the former production as standby",
            pair("third", GIGADB),
            true.into(),
            ALT,
            false,
        ),
        ("swapped", pair(ALT, GIGADB), true.into(), "third", true),
    ];
    for (what, arrangement, trade, owner, stops) in cases {
        let mut intent = model::intent(&three, "live", GIGADB);
        (intent.arrangement, intent.trade) = (arrangement, trade);
        let plan = plan(&three, &intent, &observation, &Evidence::none()).unwrap();
        let found = plan
            .findings
            .iter()
            .filter(|one| one.rule == Rule::Permutation);
        let found: Vec<_> = found.collect();
        assert!(!found.is_empty(), "{what}");
        for one in found {
            let said = format!("belongs to `{owner}`, which has neither role in this plan");
            assert!(one.message.what.contains(&said), "{what}: {}", one.message);
            assert_eq!(one.blocks(), stops, "{what}: {}", one.message);
        }
    }
}
