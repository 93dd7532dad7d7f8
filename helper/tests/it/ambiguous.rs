//! Worlds of which it cannot be told where a name leads or whether a swap works: plan, check and
//! status tell them alike, before anything is written.

use std::fs;

use gigadb_simulator::{
    World,
    world::{Address, Plan, REGION_ALT, Zone, ZoneStatus},
};

use crate::stage::Stage;

const PLAN: [&str; 4] = ["plan", "--environment", "live", "--swap"];
const CHECK: [&str; 1] = ["check"];
const STATUS: [&str; 3] = ["status", "--environment", "live"];
/// A value that GitLab does not mask.
const UNFIT: &str = "https://gigadb.org/?a=1&b";

type Case = (&'static str, fn(&mut World), &'static str);

/// What is done to the world, and what is said of it.
const CASES: [Case; 13] = [
    (
        "two active zones of one name",
        |world| {
            let twin = Zone::new("another account", "gigadb.org", Plan::Free);
            world.cloudflare.zones.push(twin);
        },
        "wo active zones named `gigadb.org` are visible (id ",
    ),
    (
        "a zone that is not served",
        |world| {
            world.cloudflare.zone_mut("gigadb.host").unwrap().status = ZoneStatus::Pending;
        },
        "zone `gigadb.host` is visible and not active",
    ),
    (
        "a zone that the token does not see",
        |world| {
            world
                .cloudflare
                .zones
                .retain(|zone| zone.name != "gigadb.host");
        },
        "o zone that the Cloudflare token can see holds `alt-live.gigadb.host`",
    ),
    (
        "a name that is delegated",
        |world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            zone.add("NS", "files.gigadb.org", "ns1.example.net");
        },
        "NS `ns1.example.net` at `files.gigadb.org` (id ",
    ),
    (
        "a name that a wildcard answers for",
        |world| {
            let zone = world.cloudflare.zone_mut("gigadb.host").unwrap();
            zone.records
                .retain(|record| record.name != "portainer.alt-live.gigadb.host");
            zone.add("A", "*.alt-live.gigadb.host", "203.0.113.10");
        },
        "`portainer.alt-live.gigadb.host` has no A record of its own: the wildcard \
         `*.alt-live.gigadb.host` A `203.0.113.10` (id ",
    ),
    (
        "an HTTPS record with an address of its own",
        |world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            let content = "1 . alpn=\"h3,h2\" ipv4hint=\"192.0.2.1,198.51.100.10\"";
            zone.add("HTTPS", "gigadb.org", content);
        },
        "`gigadb.org` has an HTTPS record that names 198.51.100.10, an address of `gigadb-website`",
    ),
    (
        "an HTTPS record in alias mode",
        |world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            zone.add("HTTPS", "gigadb.org", "0 pool.other.example.");
        },
        "`gigadb.org` has an HTTPS record that leads to `pool.other.example`: browsers go there",
    ),
    (
        "an SVCB record with another target",
        |world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            zone.add("SVCB", "gigadb.org", "1 Pool.other.example. alpn=\"h2\"");
        },
        "`gigadb.org` has an SVCB record that leads to `pool.other.example`: clients that ask",
    ),
    (
        "an SVCB record with an address of its own",
        |world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            let content = "1 gigadb.org. ipv4hint=\"192.0.2.1,198.51.100.10\"";
            zone.add("SVCB", "gigadb.org", content);
        },
        "`gigadb.org` has an SVCB record that names 198.51.100.10, an address of `gigadb-website`",
    ),
    (
        "a CNAME at a name",
        |world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            zone.records
                .retain(|record| record.name != "files.gigadb.org");
            zone.add("CNAME", "files.gigadb.org", "gigadb.org");
        },
        "CNAME `gigadb.org` (id ",
    ),
    (
        "two Elastic IPs of one name",
        |world| {
            let twin = Address {
                allocation_id: "eipalloc-0twin".to_owned(),
                public_ip: "203.0.113.99".to_owned(),
                ..web(world).clone()
            };
            addresses(world).push(twin);
        },
        "`alt-gigadb-website` has 2 Elastic IPs with the Name tag `eip-gigadb-live-gigadb`",
    ),
    (
        "an Elastic IP that something else uses",
        |world| {
            web(world).instance_id = None;
            web(world).other_association = true;
        },
        "he Elastic IP `eip-gigadb-live-gigadb` of `alt-gigadb-website` is associated with no \
         instance but with ",
    ),
    (
        "a masked row that a value does not fit",
        |world| {
            for project in &mut world.gitlab.projects {
                for row in &mut project.variables {
                    if row.environment_scope == "live" && row.value == "https://gigadb.org" {
                        UNFIT.clone_into(&mut row.value);
                        row.masked = row.key == "HOME_URL";
                    }
                }
            }
        },
        "`HOME_URL` is masked, and GitLab does not mask `https://gigadb.org/?a=1&b`",
    ),
];

fn addresses(world: &mut World) -> &mut Vec<Address> {
    &mut world.aws.region_mut(REGION_ALT).unwrap().addresses
}

/// The Elastic IP of the hot standby's web server.
fn web(world: &mut World) -> &mut Address {
    let mut addresses = addresses(world).iter_mut();
    addresses
        .find(|one| one.public_ip == "203.0.113.10")
        .unwrap()
}

#[test]
fn plan_check_and_status_tell_them_alike() {
    for (case, edit, told) in CASES {
        let mut world = World::sop();
        edit(&mut world);
        let mut stage = Stage::with_world(world);
        if told.contains(UNFIT) {
            let text = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
            let now = "HOME_URL: https://gigadb.org\n";
            let text = text.replace(now, &format!("HOME_URL: {UNFIT}\n"));
            let topology = stage.write("topology.yaml", &text);
            stage = stage.with("GIGADB_TOPOLOGY", topology.to_str().unwrap());
        }
        for arguments in [&PLAN[..], &CHECK, &STATUS] {
            let said = stage.run(arguments);
            assert!(said.contains(told), "{case}: {arguments:?}: {said}");
            let accounts = case.starts_with("two active zones");
            assert_eq!(
                said.contains(" in account `another account`"),
                accounts,
                "{said}"
            );
        }
        // Under a heading that does not call it well.
        let said = stage.run(&STATUS);
        let headed = ["consistent, but:", "prepared, but:", "mixed:", "unknown:"];
        let headed = headed.iter().filter(|word| {
            let heading = format!("live is {word}");
            said.lines().any(|line| line.trim() == heading)
        });
        assert_eq!(headed.count(), 1, "{case}: {said}");
        assert!(stage.simulator.requests().iter().all(|one| !one.is_write()));
    }
}

#[test]
fn two_active_zones_of_one_name_stop_a_plan_that_names_the_production() {
    let mut world = World::sop();
    let twin = Zone::new("another account", "gigadb.org", Plan::Free);
    world.cloudflare.zones.push(twin);
    let stage = Stage::with_world(world);
    for production in ["gigadb-website", "alt-gigadb-website"] {
        let said = stage.run(&[&PLAN[..3], &["--production", production]].concat());
        assert!(said.starts_with("exit 1\n"), "{said}");
        for part in [
            "Two active zones named `gigadb.org` are visible (id ",
            " in account `another account`",
            "Limit the token to the zone that is in use",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn an_untouched_world_is_told_without_any_of_it() {
    let stage = Stage::sop();
    let status = stage.answer(&STATUS);
    assert!(!status.contains("but:"), "{status}");
    let check = stage.run(&CHECK);
    for (case, _, told) in CASES {
        assert!(!check.contains(told), "{case}: {check}");
    }
}

#[test]
fn a_name_that_is_delegated_may_be_left_as_it_is() {
    let delegated = |name: &'static str| {
        let mut world = World::sop();
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.add("NS", name, "ns1.example.net");
        // The zone's own name servers are no delegation.
        zone.add("NS", "gigadb.org", "ann.ns.cloudflare.com");
        Stage::with_world(world)
    };
    let waived = [
        "swap",
        "--environment",
        "live",
        "--yes",
        "--override",
        "single-a-record",
    ];
    let stage = delegated("files.alt-live.gigadb.org");
    let said = stage.run(&waived[..4]);
    assert!(said.starts_with("exit 1"), "{said}");
    let said = stage.run(&waived);
    assert!(said.starts_with("exit 3"), "{said}");
    assert!(
        said.contains("it is delegated to another name server: NS `ns1.example.net`"),
        "{said}"
    );
    let left = stage.simulator.world();
    let left = left.cloudflare.records("files.alt-live.gigadb.org");
    let a = left.iter().find(|record| record.kind == "A").unwrap();
    assert_eq!(a.content, "203.0.113.12");

    let mut world = World::sop();
    let zone = world.cloudflare.zone_mut("gigadb.host").unwrap();
    zone.add("NS", "alt-live.gigadb.host", "ns1.example.net");
    let stage = Stage::with_world(world);
    let roles = stage.answer(&["status", "--environment", "live", "--require", "clear"]);
    assert!(roles.contains("production   gigadb-website"), "{roles}");
}

#[test]
fn without_a_token_a_wildcard_is_named() {
    let mut world = World::sop();
    let zone = world.cloudflare.zone_mut("gigadb.host").unwrap();
    zone.records
        .retain(|record| record.name != "portainer.alt-live.gigadb.host");
    zone.add("A", "*.alt-live.gigadb.host", "203.0.113.10");
    let stage = Stage::with_world(world).without("CLOUDFLARE_API_TOKEN");
    let said = stage.run(&STATUS);
    assert!(
        said.contains(
            "warning: `portainer.alt-live.gigadb.host` leads where the wildcard \
             `*.alt-live.gigadb.host` does: whether it has a record of its own, only \
             Cloudflare's API tells"
        ),
        "{said}"
    );
    let said = Stage::sop().without("CLOUDFLARE_API_TOKEN").run(&STATUS);
    assert!(!said.contains("wildcard"), "{said}");
}
