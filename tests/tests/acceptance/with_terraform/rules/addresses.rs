//! The rules on records, addresses and keys.

use gigadb_simulator::{
    Edit,
    world::{
        ACCESS_KEY_ID_ALT, ACCESS_KEY_ID_UPSTREAM, InstanceState, SECRET_KEY_ALT,
        SECRET_KEY_UPSTREAM,
    },
};
use gigadb_tests::{Scene, procedure::Side};

use super::{Broken, STANDBY_REGION, Waiver, as_documented, broken, edit, judge};

const WEB: &str = "eip-gigadb-live-gigadb";

fn delete_files(scene: &Scene) {
    let gone = Edit::DeleteRecords {
        name: "files.gigadb.org".to_owned(),
        kind: "A".to_owned(),
    };
    edit(scene, |world| world.apply(&gone).unwrap());
}

const MISSPELLED: Broken = Broken {
    rule: "single-a-record",
    how: |scene| {
        delete_files(scene);
        edit(scene, |world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            zone.add("A", "file.gigadb.org", "198.51.100.12");
        });
    },
    what: "`files.gigadb.org` has no A record.",
    object: &["hostname `files.gigadb.org`, zone `gigadb.org`"],
    next: "Compare with `file.gigadb.org` (198.51.100.12), which holds an address expected of it: rename that record, or correct the hostname in the topology.",
    waiver: Waiver::Owes("A record of `files.gigadb.org`: should be `203.0.113.12`"),
};

#[test]
fn a_name_whose_record_is_misspelled() {
    judge(&MISSPELLED);
}

#[test]
fn a_name_without_a_record() {
    judge(&Broken {
        how: delete_files,
        next: "Create the A record, or set `policy.missing_records: create` in the topology, or correct the hostname there.",
        ..MISSPELLED
    });
}

#[test]
fn a_name_with_two_records() {
    judge(&Broken {
        rule: "single-a-record",
        how: |scene| {
            edit(scene, |world| {
                let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
                zone.add("A", "bastion.gigadb.org", "192.0.2.44");
            });
        },
        what: "`bastion.gigadb.org` has 2 records where exactly one A record must be.",
        object: &["A `192.0.2.44` (id ", "A `198.51.100.11` (id "],
        next: "Leave exactly one A record in the Cloudflare dashboard and remove the others, then plan again.",
        waiver: Waiver::Owes("A record of `bastion.gigadb.org`: should be `203.0.113.11`"),
    });
}

#[test]
fn a_name_with_another_type_beside_its_record() {
    judge(&Broken {
        rule: "single-a-record",
        how: |scene| {
            edit(scene, |world| {
                let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
                zone.add("AAAA", "portainer.gigadb.org", "2001:db8::1");
            });
        },
        what: "`portainer.gigadb.org` has 2 records where exactly one A record must be.",
        object: &["AAAA `2001:db8::1` (id ", "A `198.51.100.10` (id "],
        next: "Leave exactly one A record in the Cloudflare dashboard",
        waiver: Waiver::Owes("A record of `portainer.gigadb.org`: should be `203.0.113.10`"),
    });
}

const STOPPED: Broken = Broken {
    rule: "known-address",
    how: |scene| {
        let stop = Edit::SetInstanceState {
            region: STANDBY_REGION.to_owned(),
            name: "gigadb_webserver_live_gigadb".to_owned(),
            state: InstanceState::Stopped,
        };
        edit(scene, |world| world.apply(&stop).unwrap());
    },
    what: "The instance behind `eip-gigadb-live-gigadb` of `alt-gigadb-website` is stopped, not running.",
    object: &[
        "Elastic IP `eip-gigadb-live-gigadb` (203.0.113.10, eipalloc-",
        "infrastructure `alt-gigadb-website` (profile `UpstreamAlt`, region ap-southeast-2), instance i-",
    ],
    next: "Start the instance, then plan again.",
    waiver: Waiver::Passes,
};

#[test]
fn an_instance_that_is_stopped() {
    judge(&STOPPED);
}

#[test]
fn an_elastic_ip_without_an_instance() {
    judge(&Broken {
        how: |scene| {
            edit(scene, |world| {
                let region = world.aws.region_mut(STANDBY_REGION).unwrap();
                for address in &mut region.addresses {
                    if address.tags.get("Name").map(String::as_str) == Some(WEB) {
                        address.instance_id = None;
                    }
                }
            });
        },
        what: "The Elastic IP `eip-gigadb-live-gigadb` of `alt-gigadb-website` is associated with no instance.",
        object: &["(203.0.113.10, eipalloc-"],
        next: "Associate it with the running instance of this endpoint, then plan again.",
        ..STOPPED
    });
}

#[test]
fn an_elastic_ip_that_is_missing() {
    judge(&Broken {
        how: |scene| {
            let gone = Edit::ReleaseAddress {
                region: STANDBY_REGION.to_owned(),
                name: WEB.to_owned(),
            };
            edit(scene, |world| world.apply(&gone).unwrap());
        },
        what: "`alt-gigadb-website` has no Elastic IP with the Name tag `eip-gigadb-live-gigadb`.",
        object: &["Elastic IP `eip-gigadb-live-gigadb` of infrastructure `alt-gigadb-website`"],
        next: "Allocate and tag it, or correct `eip` (or this side's `eips`) in the topology.",
        waiver: Waiver::StillStops,
        ..STOPPED
    });
}

#[test]
fn an_elastic_ip_that_is_there_twice() {
    judge(&Broken {
        how: |scene| {
            edit(scene, |world| {
                let region = world.aws.region_mut(STANDBY_REGION).unwrap();
                let mut twin = region.addresses_named(WEB)[0].clone();
                "203.0.113.99".clone_into(&mut twin.public_ip);
                "eipalloc-0123456789abcdef0".clone_into(&mut twin.allocation_id);
                region.addresses.push(twin);
            });
        },
        what: "`alt-gigadb-website` has 2 Elastic IPs with the Name tag `eip-gigadb-live-gigadb`.",
        object: &[
            "203.0.113.10 (eipalloc-",
            "203.0.113.99 (eipalloc-0123456789abcdef0)",
        ],
        next: "Leave the Name tag on exactly one of them.",
        waiver: Waiver::StillStops,
        ..STOPPED
    });
}

const MAINTENANCE_PAGE: Broken = Broken {
    rule: "permutation",
    how: |scene| {
        let page = Edit::SetRecord {
            name: "portainer.gigadb.org".to_owned(),
            kind: "A".to_owned(),
            content: "192.0.2.44".to_owned(),
        };
        edit(scene, |world| world.apply(&page).unwrap());
    },
    what: "The present value of the A record of `portainer.gigadb.org` belongs to neither side: `192.0.2.44`.",
    object: &[
        "A record of `portainer.gigadb.org`; expected one of `203.0.113.10`, `198.51.100.10`",
    ],
    next: "Put one of the two expected values back, or waive the rule `permutation` to have the present one replaced.",
    waiver: Waiver::Passes,
};

#[test]
fn a_record_that_leads_to_neither_side() {
    judge(&MAINTENANCE_PAGE);
}

/// Both profiles on one key.
fn one_key(scene: &Scene) {
    let file = scene.root().join("../home/.aws/credentials");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text
        .replace(ACCESS_KEY_ID_ALT, ACCESS_KEY_ID_UPSTREAM)
        .replace(SECRET_KEY_ALT, SECRET_KEY_UPSTREAM);
    std::fs::write(&file, text).unwrap();
}

const ONE_KEY: Broken = Broken {
    rule: "separate-credentials",
    how: one_key,
    what: "Both sides use one AWS access key.",
    object: &[
        "infrastructures `alt-gigadb-website` (profile `UpstreamAlt`) and `gigadb-website` (profile `Upstream`)",
    ],
    next: "Create a key of its own for each profile in the IAM console, and put it into `~/.aws/credentials`.",
    waiver: Waiver::Passes,
};

#[test]
fn one_access_key_for_both_sides() {
    judge(&ONE_KEY);
}

/// More names in a zone of the Free plan than one batch may change.
fn too_many_names(scene: &Scene) {
    let names: Vec<String> = (0..200)
        .map(|n| format!("n{n}.alt-live.gigadb.host"))
        .collect();
    let more: Vec<String> = names
        .iter()
        .map(|name| format!("        {name}: web\n"))
        .collect();
    let first = "        alt-live.gigadb.host: web\n";
    scene.edit_topology(first, &format!("{first}{}", more.concat()));
    edit(scene, |world| {
        let zone = world.cloudflare.zone_mut("gigadb.host").unwrap();
        for name in &names {
            zone.add("A", name, "203.0.113.10");
        }
    });
}

const TOO_MANY: Broken = Broken {
    rule: "never-unresolvable",
    how: too_many_names,
    what: "203 records of zone `gigadb.host` must change at once, and a batch holds 200.",
    object: &["zone `gigadb.host`"],
    next: "Move the zone to a plan with a larger batch limit, or manage fewer hostnames of it in one environment.",
    waiver: Waiver::Refused,
};

#[test]
fn more_records_of_a_zone_than_one_batch_holds() {
    judge(&TOO_MANY);
}

#[test]
fn the_pages_show_what_terraform_shows() {
    for case in [
        &MISSPELLED,
        &STOPPED,
        &MAINTENANCE_PAGE,
        &ONE_KEY,
        &TOO_MANY,
    ] {
        let scene = broken(case);
        scene.configure_live(Side::Alt);
        as_documented(case.rule, &scene.plan(&[]).expect(1));
    }
}
