//! `inventory`, `--list` and `--host`.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::{Api, Effect, Fault, World, world};
use insta::assert_snapshot;
use serde_json::Value;

use crate::runs::interrupt;
use crate::stage::{Stage, no_secret};

const LIVE_PRODUCTION: [&str; 6] = [
    "inventory",
    "--graph",
    "--environment",
    "live",
    "--role",
    "production",
];

/// Lets a region refuse from now on.
fn refuse(stage: &Stage, region: &str) {
    let fault = Fault::new(Effect::Refuse).api(Api::Ec2);
    stage.simulator.fault(fault.region(region).always());
}

#[test]
fn a_scope_by_role_follows_the_swap() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&LIVE_PRODUCTION), @"
    exit 0
    -- stdout
    @all:
      |--@endpoint_bastion:
      |  |--gigadb-website-live-bastion
      |--@endpoint_files:
      |  |--gigadb-website-live-files
      |--@endpoint_web:
      |  |--gigadb-website-live-web
      |--@env_live:
      |  |--gigadb-website-live-bastion
      |  |--gigadb-website-live-files
      |  |--gigadb-website-live-web
      |--@environment_live:
      |  |--gigadb-website-live-bastion
      |  |--gigadb-website-live-files
      |  |--gigadb-website-live-web
      |--@infra_gigadb_website:
      |  |--gigadb-website-live-bastion
      |  |--gigadb-website-live-files
      |  |--gigadb-website-live-web
      |--@name_bastion_server_live_gigadb:
      |  |--gigadb-website-live-bastion
      |--@name_gigadb_filesserver_live_gigadb:
      |  |--gigadb-website-live-files
      |--@name_gigadb_webserver_live_gigadb:
      |  |--gigadb-website-live-web
      |--@owner_gigadb:
      |  |--gigadb-website-live-bastion
      |  |--gigadb-website-live-files
      |  |--gigadb-website-live-web
      |--@production_live_bastion:
      |  |--gigadb-website-live-bastion
      |--@production_live_files:
      |  |--gigadb-website-live-files
      |--@production_live_web:
      |  |--gigadb-website-live-web
      |--@region_ap_east_1:
      |  |--gigadb-website-live-bastion
      |  |--gigadb-website-live-files
      |  |--gigadb-website-live-web
      |--@role_production:
      |  |--gigadb-website-live-bastion
      |  |--gigadb-website-live-files
      |  |--gigadb-website-live-web
      |--@type_aws_instance:
      |  |--gigadb-website-live-bastion
      |  |--gigadb-website-live-files
      |  |--gigadb-website-live-web
    ");
    stage.trade_records();
    let after = stage.answer(&LIVE_PRODUCTION);
    assert!(after.contains(
        "|--@name_bastion_server_live_gigadb:\n  |  |--alt-gigadb-website-live-bastion\n"
    ));
    assert!(!after.contains("|--gigadb-website-live"), "{after}");
}

#[test]
fn ansible_is_answered_without_a_command() {
    // Without a cache every answer is of age 0, so that answers can be compared.
    let stage = Stage::sop().with("XDG_CACHE_HOME", "/dev/null/cache");
    let list = stage.answer(&["--list"]);
    let document: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(document["_meta"]["hostvars"].as_object().unwrap().len(), 12);
    assert!(!list.contains("\"name_"), "both sides are in scope");
    assert_eq!(stage.answer(&["--list", "./"]), list);
    assert_eq!(stage.answer(&["inventory"]), list);
    assert_eq!(stage.answer(&["inventory", "--list", "./"]), list);
    let host = stage.answer(&["--host", "gigadb-website-live-web"]);
    let host: Value = serde_json::from_str(&host).unwrap();
    assert_eq!(
        host,
        document["_meta"]["hostvars"]["gigadb-website-live-web"]
    );
    assert_snapshot!(stage.run(&["--host", "gigadb-website-live-wbe"]), @"
    exit 1
    -- stderr
    note: There are no `name_*` groups for `live` and `staging`, because more than one infrastructure is in scope and a play written for one side must never reach both. Set GIGADB_ROLE or GIGADB_INFRASTRUCTURE, or use groups such as `production_live_bastion`.
    error: The inventory has no host `gigadb-website-live-wbe`.
      on:      `gigadb-website-live-wbe`
      changed: Nothing was changed.
      next:    Did you mean `gigadb-website-live-web`? Run `gigadb-roles inventory --graph` with the same scope to see its hosts.
    ");
}

#[test]
fn each_region_is_asked_twice_at_most_and_nothing_is_written() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    let mut requests: Vec<String> = stage
        .simulator
        .requests()
        .iter()
        .map(|r| {
            format!(
                "{} {} {}",
                r.api,
                r.template,
                r.region.as_deref().unwrap_or("-")
            )
        })
        .collect();
    requests.sort();
    assert_snapshot!(requests.join("\n"), @"
    cloudflare /zones -
    cloudflare /zones/{zone_id}/dns_records -
    cloudflare /zones/{zone_id}/dns_records -
    ec2 DescribeAddresses ap-east-1
    ec2 DescribeAddresses ap-southeast-2
    ec2 DescribeInstances ap-east-1
    ec2 DescribeInstances ap-southeast-2
    ");
}

#[test]
fn scope_comes_from_the_environment_and_empty_is_unset() {
    let stage = Stage::sop()
        .with("GIGADB_ENVIRONMENT", "live")
        .with("GIGADB_ROLE", "hot_standby")
        .with("GIGADB_INFRASTRUCTURE", "")
        .with("TF_KEY_NAME", "");
    let list: Value = serde_json::from_str(&stage.answer(&["--list"])).unwrap();
    let hosts: Vec<&String> = list["_meta"]["hostvars"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(
        hosts,
        [
            "alt-gigadb-website-live-bastion",
            "alt-gigadb-website-live-files",
            "alt-gigadb-website-live-web"
        ]
    );
    let stage = stage.with("GIGADB_ROLE", "standby");
    assert_eq!(stage.output(&["--list"]).status.code(), Some(64));
    assert!(
        stage
            .output(&["inventory", "--role", "production"])
            .status
            .success()
    );
}

#[test]
fn with_a_token_that_is_refused_nobody_is_in_a_role_group() {
    let stage = Stage::sop().with("CLOUDFLARE_API_TOKEN", world::CLOUDFLARE_REVOKED_TOKEN);
    let output = stage.output(&["inventory", "--environment", "live"]);
    assert!(output.status.success());
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.get("role_production"), None);
    assert_eq!(
        list["_meta"]["hostvars"]["gigadb-website-live-web"].get("gigadb_role"),
        None
    );
    assert_snapshot!(stage.run(&LIVE_PRODUCTION), @"
    exit 1
    -- stderr
    error: There is no inventory: no side is in scope: it is not clear who is production in `live`: the list of zones could not be read: Cloudflare refused GET /zones with 403, code 10000: Authentication error (request id a5237d6cb6aba451-SIM).
      on:      the scope of the inventory
      changed: Nothing was changed.
      next:    Run `gigadb-roles status` to see who has which role, then widen the scope or correct the records.
    ");
}

#[test]
fn each_side_may_have_an_owner_of_its_own() {
    let mut world = World::sop();
    let region = world.aws.region_mut(world::REGION_ALT).unwrap();
    let addresses = region.addresses.iter_mut().map(|one| &mut one.tags);
    let instances = region.instances.iter_mut().map(|one| &mut one.tags);
    for tag in addresses.chain(instances).flat_map(BTreeMap::values_mut) {
        if let Some(name) = tag.strip_suffix("gigadb") {
            *tag = format!("{name}gigadbalt");
        }
    }
    let stage = Stage::with_world(world);
    let text = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let text = text.replace("owner: gigadb # gigadbalt", "owner: gigadbalt #");
    let file = stage.write("topology.yaml", &text);
    let stage = stage.with("GIGADB_TOPOLOGY", file.to_str().unwrap());
    let listed = stage.answer(&["inventory", "--list", "--environment", "live"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["_meta"]["hostvars"].as_object().unwrap().len(), 6);
    let hosts = |group: &str| listed[group]["hosts"].as_array().unwrap().clone();
    assert_eq!(hosts("role_hot_standby"), hosts("owner_gigadbalt"));
    assert_eq!(hosts("role_production"), hosts("owner_gigadb"));
}

#[test]
fn a_region_that_refuses_loses_its_hosts_alone() {
    let stage = Stage::sop();
    refuse(&stage, "ap-east-1");
    assert_snapshot!(stage.run(&["inventory", "--environment", "live", "--graph"]), @"
    exit 0
    -- stdout
    @all:
      |--@endpoint_bastion:
      |  |--alt-gigadb-website-live-bastion
      |--@endpoint_files:
      |  |--alt-gigadb-website-live-files
      |--@endpoint_web:
      |  |--alt-gigadb-website-live-web
      |--@env_live:
      |  |--alt-gigadb-website-live-bastion
      |  |--alt-gigadb-website-live-files
      |  |--alt-gigadb-website-live-web
      |--@environment_live:
      |  |--alt-gigadb-website-live-bastion
      |  |--alt-gigadb-website-live-files
      |  |--alt-gigadb-website-live-web
      |--@hot_standby_live_bastion:
      |  |--alt-gigadb-website-live-bastion
      |--@hot_standby_live_files:
      |  |--alt-gigadb-website-live-files
      |--@hot_standby_live_web:
      |  |--alt-gigadb-website-live-web
      |--@infra_alt_gigadb_website:
      |  |--alt-gigadb-website-live-bastion
      |  |--alt-gigadb-website-live-files
      |  |--alt-gigadb-website-live-web
      |--@owner_gigadb:
      |  |--alt-gigadb-website-live-bastion
      |  |--alt-gigadb-website-live-files
      |  |--alt-gigadb-website-live-web
      |--@region_ap_southeast_2:
      |  |--alt-gigadb-website-live-bastion
      |  |--alt-gigadb-website-live-files
      |  |--alt-gigadb-website-live-web
      |--@role_hot_standby:
      |  |--alt-gigadb-website-live-bastion
      |  |--alt-gigadb-website-live-files
      |  |--alt-gigadb-website-live-web
      |--@type_aws_instance:
      |  |--alt-gigadb-website-live-bastion
      |  |--alt-gigadb-website-live-files
      |  |--alt-gigadb-website-live-web
    -- stderr
    warning: The roles in `live` are clear, but the addresses of `gigadb-website` could not be read, and are taken from the names of production.
    warning: `gigadb-website` could not be read: EC2 in ap-east-1 (profile `Upstream`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff). Its hosts are not listed.
    note: There are no `name_*` groups for `live`, because more than one infrastructure is in scope and a play written for one side must never reach both. Set GIGADB_ROLE or GIGADB_INFRASTRUCTURE, or use groups such as `production_live_bastion`.
    ");
}

#[test]
fn an_inventory_of_nothing_is_a_failure() {
    let stage = Stage::sop();
    refuse(&stage, "ap-east-1");
    refuse(&stage, "ap-southeast-2");
    assert_snapshot!(stage.run(&["inventory", "--environment", "live", "--graph"]), @"
    exit 1
    -- stderr
    error: There is no inventory: no side in scope could be read: `alt-gigadb-website`: EC2 in ap-southeast-2 (profile `UpstreamAlt`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff); `gigadb-website`: EC2 in ap-east-1 (profile `Upstream`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff).
      on:      the hosts in scope
      changed: Nothing was changed.
      next:    Check the AWS profiles and whether EC2 can be reached in the named regions, then run the command again.
    ");
}

#[test]
fn what_is_last_known_of_a_region_is_served_with_its_age_and_its_role() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    stage.trade_records();
    refuse(&stage, "ap-east-1");
    let output = stage.output(&["inventory", "--refresh"]);
    assert!(output.status.success());
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let web = &list["_meta"]["hostvars"]["gigadb-website-live-web"];
    assert_eq!(web["gigadb_stale"], true);
    assert!(web["gigadb_age_seconds"].is_u64());
    assert_eq!(
        web["gigadb_role"], "hot_standby",
        "roles are read on every call"
    );
    let told = stage.told(&output);
    assert!(
        told.contains("Its hosts are listed as they were last known"),
        "{told}"
    );
    let strict = stage.output(&["inventory", "--strict", "--refresh"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(strict.stdout.is_empty());
    let only_alt = [
        "inventory",
        "--strict",
        "--max-age",
        "0",
        "--infrastructure",
        "alt-gigadb-website",
    ];
    assert!(stage.output(&only_alt).status.success());
}

#[test]
fn what_is_kept_is_the_owners_alone_and_holds_no_secret() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    let folder = stage.folder().join(".cache/gigadb");
    let kept: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = kept.as_slice() else {
        panic!("not one file: {kept:?}");
    };
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(file).unwrap();
    for secret in gigadb_simulator::world::PLANTED {
        assert!(!text.contains(secret));
    }
    fs::write(file, "half a fi").unwrap();
    stage.answer(&["--list"]);
}

#[test]
fn a_cache_that_cannot_be_written_is_no_failure() {
    let stage = Stage::sop().with("XDG_CACHE_HOME", "/dev/null/cache");
    stage.answer(&["--list"]);
    let stage = Stage::sop().without("HOME");
    stage.answer(&["--list"]);
}

#[test]
fn a_region_that_does_not_answer_holds_the_inventory_up_for_ten_seconds() {
    let stage = Stage::sop();
    stage.simulator.fault(
        Fault::new(Effect::Hang)
            .api(Api::Ec2)
            .region("ap-east-1")
            .always(),
    );
    let started = Instant::now();
    let output = stage.output(&["--list"]);
    let took = started.elapsed();
    assert!(output.status.success());
    assert!(took < Duration::from_secs(12), "{took:?}");
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list["_meta"]["hostvars"].as_object().unwrap().len(), 6);
    assert_eq!(list.get("role_production"), None);
}

#[test]
fn a_foreign_properties_file_fails_the_inventory() {
    let stage = Stage::sop();
    let project = gigadb_simulator::world::ALT_PROJECT;
    stage.write(
        "ansible.properties",
        &format!("gitlab_project={project}\ndeployment_target=live\n"),
    );
    assert_snapshot!(stage.run(&["inventory", "--environment", "live"]), @"
    exit 1
    -- stderr
    error: The inventory was refused because of `ansible.properties`: it belongs to one side, and `alt-gigadb-website` and `gigadb-website` are in scope. It would lend one side's secrets to the other.
      on:      `ansible.properties` in the working directory
      changed: Nothing was changed.
      next:    Run Ansible in the folder of the side and environment that you mean, or set GIGADB_ENVIRONMENT and GIGADB_ROLE or GIGADB_INFRASTRUCTURE to those of this file.
    ");
    assert_snapshot!(stage.run(&LIVE_PRODUCTION), @"
    exit 1
    -- stderr
    error: The inventory was refused because of `ansible.properties`: its `gitlab_project` is `gigascience/upstream/alt-gigadb-website`, and that of `gigadb-website`, which is in scope, is `gigascience/upstream/gigadb-website`. It would lend one side's secrets to the other.
      on:      `ansible.properties` in the working directory
      changed: Nothing was changed.
      next:    Run Ansible in the folder of the side and environment that you mean, or set GIGADB_ENVIRONMENT and GIGADB_ROLE or GIGADB_INFRASTRUCTURE to those of this file.
    ");
    stage.trade_records();
    assert!(stage.output(&LIVE_PRODUCTION).status.success());
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let stage = Stage::sop();
    let mut child = stage
        .command(&["--list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn ctrl_c_ends_with_130() {
    let stage = Stage::sop();
    stage.simulator.fault(Fault::new(Effect::Hang).always());
    let child = stage
        .command(&["--list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while stage.simulator.requests().is_empty() {
        thread::yield_now();
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    no_secret(&output);
    assert_snapshot!(stage.told(&output), @"
    exit 130
    -- stderr
    interrupted: Nothing was changed.
    ");
}
