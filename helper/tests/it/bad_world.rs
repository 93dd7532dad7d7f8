//! What an operator sees of an inventory when EC2, the records or the machine at hand are not as
//! they should be: answer, warnings and exit status together.

use std::fs;

use gigadb_simulator::{
    Api, Edit, Effect, Fault,
    world::{AccountRegion, InstanceState, REGION_UPSTREAM},
};
use insta::assert_snapshot;
use serde_json::Value;

use crate::stage::{Stage, no_secret};

/// One side of live, as it is now.
const ONE_SIDE: [&str; 6] = [
    "inventory",
    "--refresh",
    "--environment",
    "live",
    "--infrastructure",
    "gigadb-website",
];

/// What a run of [`ONE_SIDE`] says: a line a host with its address and role, then the rest.
fn hosts(stage: &Stage) -> String {
    let output = stage.output(&ONE_SIDE);
    no_secret(&output);
    let told = stage.told(&output);
    let Ok(list) = serde_json::from_slice::<Value>(&output.stdout) else {
        return told;
    };
    let mut lines = vec![told.lines().next().unwrap().to_owned()];
    for (name, variables) in list["_meta"]["hostvars"].as_object().unwrap() {
        let show = |key: &str| {
            variables
                .get(key)
                .map_or("none".to_owned(), Value::to_string)
        };
        let of = ["ansible_host", "gigadb_role", "gigadb_stale"].map(show);
        lines.push(format!("{name}: {}", of.join(" ")));
    }
    lines.extend(
        told.split_once("-- stderr\n")
            .map(|(_, rest)| rest.to_owned()),
    );
    lines.join("\n")
}

fn upstream(stage: &Stage, edit: impl Fn(&mut AccountRegion)) {
    stage
        .simulator
        .edit(|world| edit(world.aws.region_mut(REGION_UPSTREAM).unwrap()));
}

fn refuse(stage: &Stage) {
    let fault = Fault::new(Effect::Refuse).api(Api::Ec2).always();
    stage.simulator.fault(fault);
}

#[test]
fn mixed_roles_leave_the_hosts_without_a_role() {
    let stage = Stage::sop();
    stage.set_record("files.gigadb.org", "203.0.113.12");
    assert_snapshot!(hosts(&stage), @r#"
    exit 0
    gigadb-website-live-bastion: "198.51.100.11" none false
    gigadb-website-live-files: "10.99.0.12" none false
    gigadb-website-live-web: "10.99.0.10" none false
    warning: It is not clear who has which role in `live`: `files.gigadb.org` is a name of the production but leads to `alt-gigadb-website`, while `gigadb.org` leads to `gigadb-website`. No host of `live` is in a role group.
    "#);
    let by_role = ["inventory", "--environment", "live", "--role", "production"];
    assert_snapshot!(stage.run(&by_role), @"
    exit 1
    -- stderr
    error: There is no inventory: no side is in scope: it is not clear who is production in `live`: `files.gigadb.org` is a name of the production but leads to `alt-gigadb-website`, while `gigadb.org` leads to `gigadb-website`.
      on:      the scope of the inventory
      changed: Nothing was changed.
      next:    Run `gigadb-roles status` to see who has which role, then widen the scope or correct the records.
    ");
}

#[test]
fn two_instances_with_one_name() {
    let stage = Stage::sop();
    upstream(&stage, |region| {
        let named = |name: &str| {
            let mut all = region.instances.iter();
            all.find(|i| i.tags["Name"] == name).unwrap().clone()
        };
        let mut twin = named("gigadb_webserver_live_gigadb");
        twin.id = "i-0000000000000twin".to_owned();
        twin.private_ip = "10.99.0.99".to_owned();
        region.instances.insert(0, twin);
    });
    assert_snapshot!(hosts(&stage), @r#"
    exit 0
    gigadb-website-live-bastion: "198.51.100.11" "production" false
    gigadb-website-live-files: "10.99.0.12" "production" false
    gigadb-website-live-web: "10.99.0.10" "production" false
    warning: `gigadb-website-live-web`: 2 instances are named `gigadb_webserver_live_gigadb`; i-82ef7458ac07bc0d2 holds the Elastic IP and is used.
    "#);
    upstream(&stage, |region| {
        for address in &mut region.addresses {
            if address.tags["Name"] == "eip-gigadb-live-gigadb" {
                address.instance_id = None;
            }
        }
    });
    assert_snapshot!(hosts(&stage), @r#"
    exit 0
    gigadb-website-live-bastion: "198.51.100.11" "production" false
    gigadb-website-live-files: "10.99.0.12" "production" false
    warning: `gigadb-website-live-web` is not listed: 2 instances are named `gigadb_webserver_live_gigadb` (i-0000000000000twin, i-82ef7458ac07bc0d2), and none holds the Elastic IP.
    "#);
}

#[test]
fn an_elastic_ip_that_is_not_associated() {
    let stage = Stage::sop();
    upstream(&stage, |region| {
        for address in &mut region.addresses {
            if address.tags["Name"] == "eip-gigadb-bastion-live-gigadb" {
                address.instance_id = None;
            }
        }
        for instance in &mut region.instances {
            instance.public_ip = None;
        }
    });
    assert_snapshot!(hosts(&stage), @r#"
    exit 0
    gigadb-website-live-bastion: none "production" false
    gigadb-website-live-files: none "production" false
    gigadb-website-live-web: none "production" false
    warning: `gigadb-website-live-bastion` has no public address, so it has no `ansible_host` and cannot be reached.
    warning: `gigadb-website-live-bastion`: Elastic IP 198.51.100.11 is not associated with i-c5860b37b6fbfef86, the instance named `bastion_server_live_gigadb`.
    warning: `gigadb-website-live-files` is reached through the bastion of `gigadb-website`, which has no public address; it has no `ansible_host` and cannot be reached.
    warning: `gigadb-website-live-web` is reached through the bastion of `gigadb-website`, which has no public address; it has no `ansible_host` and cannot be reached.
    "#);
}

#[test]
fn a_stopped_instance_is_listed_with_a_warning_and_a_terminated_one_is_not() {
    let stage = Stage::sop();
    let set = |state: InstanceState| {
        let edit = Edit::SetInstanceState {
            region: REGION_UPSTREAM.to_owned(),
            name: "gigadb_filesserver_live_gigadb".to_owned(),
            state,
        };
        stage.simulator.edit(|world| world.apply(&edit)).unwrap();
    };
    set(InstanceState::Stopped);
    assert_snapshot!(hosts(&stage), @r#"
    exit 0
    gigadb-website-live-bastion: "198.51.100.11" "production" false
    gigadb-website-live-files: "10.99.0.12" "production" false
    gigadb-website-live-web: "10.99.0.10" "production" false
    warning: `gigadb-website-live-files`: i-78984a40bab051eaa is stopped.
    "#);
    set(InstanceState::Terminated);
    assert_snapshot!(hosts(&stage), @r#"
    exit 0
    gigadb-website-live-bastion: "198.51.100.11" "production" false
    gigadb-website-live-web: "10.99.0.10" "production" false
    warning: `gigadb-website-live-files` is not listed: there is no instance named `gigadb_filesserver_live_gigadb`.
    "#);
}

#[test]
fn both_regions_down_serve_what_is_last_known_and_strict_refuses() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    refuse(&stage);
    let told = stage.output(&["inventory", "--refresh", "--environment", "live"]);
    let list: Value = serde_json::from_slice(&told.stdout).unwrap();
    let variables = list["_meta"]["hostvars"].as_object().unwrap().values();
    assert!(variables.clone().all(|host| host["gigadb_stale"] == true));
    assert_eq!(variables.count(), 6);
    assert_eq!(
        list["production_live_web"]["hosts"],
        serde_json::json!(["gigadb-website-live-web"])
    );
    assert_snapshot!(String::from_utf8_lossy(&told.stderr), @r"
    warning: `alt-gigadb-website` could not be read: EC2 in ap-southeast-2 (profile `UpstreamAlt`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff). Its hosts are listed as they were last known; `gigadb_age_seconds` says how long ago.
    warning: `gigadb-website` could not be read: EC2 in ap-east-1 (profile `Upstream`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff). Its hosts are listed as they were last known; `gigadb_age_seconds` says how long ago.
    note: There are no `name_*` groups for `live`, because more than one infrastructure is in scope and a play written for one side must never reach both. Set GIGADB_ROLE or GIGADB_INFRASTRUCTURE, or use groups such as `production_live_bastion`.
    ");
    assert_snapshot!(stage.run(&["inventory", "--strict", "--refresh", "--environment", "live"]), @"
    exit 1
    -- stderr
    error: There is no inventory, because a side in scope could not be read: `alt-gigadb-website`: EC2 in ap-southeast-2 (profile `UpstreamAlt`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff); `gigadb-website`: EC2 in ap-east-1 (profile `Upstream`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff).
      on:      `alt-gigadb-website`, `gigadb-website`
      changed: Nothing was changed.
      next:    Correct that and run the command again, or leave --strict out to use what is last known.
    ");
}

#[test]
fn a_cache_of_another_version_is_neither_read_nor_in_the_way() {
    let stage = Stage::sop();
    let well = hosts(&stage);
    assert!(
        well.starts_with("exit 0") && !well.contains("warning"),
        "{well}"
    );
    stage.answer(&["--list"]);
    let folder = stage.folder().join(".cache/gigadb");
    let file = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let ours: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for (version, sides) in [
        (2, ours["sides"].clone()),
        (0, serde_json::json!({"gigadb-website": "hosts"})),
    ] {
        let other = serde_json::json!({"format_version": version, "sides": sides});
        fs::write(&file, other.to_string()).unwrap();
        refuse(&stage);
        assert_eq!(stage.output(&["--list"]).status.code(), Some(1));
        stage.simulator.clear_faults();
        assert_eq!(hosts(&stage), well);
        let now: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(now["format_version"], ours["format_version"]);
    }
}

#[test]
fn a_home_that_cannot_be_written_costs_the_cache_alone() {
    let stage = Stage::sop();
    // A file where a folder should be: the same refusal for everyone, the superuser too.
    stage.write(".cache", "");
    assert_snapshot!(hosts(&stage), @r#"
    exit 0
    gigadb-website-live-bastion: "198.51.100.11" "production" false
    gigadb-website-live-files: "10.99.0.12" "production" false
    gigadb-website-live-web: "10.99.0.10" "production" false
    "#);
    let before = stage.simulator.requests().len();
    stage.answer(&["--list"]);
    assert_eq!(stage.simulator.requests().len(), before + 4 + 3);
    refuse(&stage);
    assert_eq!(stage.output(&["--list"]).status.code(), Some(1));
    assert_eq!(fs::read(stage.folder().join(".cache")).unwrap(), b"");
}
