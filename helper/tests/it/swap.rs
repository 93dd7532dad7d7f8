//! `plan` and `swap`.

use std::{process::Stdio, thread};

use gigadb_simulator::{Api, Edit, Effect, Fault, world::InstanceState};
use insta::assert_snapshot;
use serde_json::Value;

use crate::runs::interrupt;
use crate::stage::{Stage, no_secret};

#[test]
fn a_plan_shows_everything_and_writes_nothing() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&["plan", "--environment", "live", "--swap"]), @"
    exit 2
    -- stdout
    live: production alt-gigadb-website, hot standby gigadb-website (switchover)

      ~ alt-gigadb-website HOME_URL: http://alt-live.gigadb.host -> https://gigadb.org
      ~ alt-gigadb-website REMOTE_HOME_URL: http://alt-live.gigadb.host -> https://gigadb.org
      ~ alt-gigadb-website REMOTE_HOSTNAME: alt-live.gigadb.host -> gigadb.org
      ~ alt-gigadb-website remote_fileserver_hostname: files.alt-live.gigadb.host -> files.gigadb.org
      ~ gigadb-website HOME_URL: https://gigadb.org -> http://alt-live.gigadb.host
      ~ gigadb-website REMOTE_HOME_URL: https://gigadb.org -> http://alt-live.gigadb.host
      ~ gigadb-website REMOTE_HOSTNAME: gigadb.org -> alt-live.gigadb.host
      ~ gigadb-website remote_fileserver_hostname: files.gigadb.org -> files.alt-live.gigadb.host

    zone gigadb.host (one batch)
      ~ A alt-live.gigadb.host: 203.0.113.10 -> 198.51.100.10
      ~ A bastion.alt-live.gigadb.host: 203.0.113.11 -> 198.51.100.11
      ~ A portainer.alt-live.gigadb.host: 203.0.113.10 -> 198.51.100.10

    zone gigadb.org (one batch, decides who is production)
      ~ A bastion.gigadb.org: 198.51.100.11 -> 203.0.113.11
      ~ A files.alt-live.gigadb.org: 203.0.113.12 -> 198.51.100.12
      ~ A files.gigadb.org: 198.51.100.12 -> 203.0.113.12
      ~ A gigadb.org: 198.51.100.10 -> 203.0.113.10
      ~ A portainer.gigadb.org: 198.51.100.10 -> 203.0.113.10

    Would change 8 records and 8 variables. Nothing was changed yet.
    ");
    let json = stage.output(&[
        "plan",
        "--environment",
        "live",
        "--swap",
        "--format",
        "json",
    ]);
    assert_eq!(json.status.code(), Some(2));
    assert!(json.stdout.starts_with(b"{\n  \"format_version\": 1,"));
    let plan: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(plan["production"], "alt-gigadb-website");
    assert_eq!(stage.writes(), 0);
}

#[test]
fn a_plan_of_what_holds_already_is_empty() {
    let stage = Stage::sop();
    let plan = [
        "plan",
        "--environment",
        "live",
        "--production",
        "gigadb-website",
    ];
    assert_snapshot!(stage.run(&plan), @"
    exit 0
    -- stdout
    live: production gigadb-website, hot standby alt-gigadb-website (switchover)

    No changes: everything is as it should be.
    ");
}

#[test]
fn a_plan_in_the_way_of_a_rule_exits_with_1() {
    let stage = Stage::sop();
    let edit = Edit::SetInstanceState {
        region: "ap-southeast-2".to_owned(),
        name: "gigadb_webserver_live_gigadb".to_owned(),
        state: InstanceState::Stopped,
    };
    stage.simulator.edit(|world| world.apply(&edit)).unwrap();
    let output = stage.output(&["plan", "--environment", "live", "--swap"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stage.told(&output);
    assert!(told.contains("error[known-address]"), "{told}");
    let swap = stage.output(&["swap", "--environment", "live", "--yes"]);
    assert_eq!(swap.status.code(), Some(1));
    assert_eq!(stage.writes(), 0);
}

#[test]
fn a_swap_needs_somebody_to_ask_or_yes() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&["swap", "--environment", "live"]), @"
    exit 64
    -- stderr
    error: There is no terminal to ask for a confirmation.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Review `gigadb-roles plan --swap`, then run the swap with --yes.
    ");
    assert!(stage.simulator.requests().is_empty());
}

#[test]
fn a_swap_and_its_way_back_restore_the_world() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let swap = ["swap", "--environment", "live", "--yes"];
    let answer = stage.answer(&swap);
    assert_snapshot!(answer, @"Swapped live: production is alt-gigadb-website, hot standby is gigadb-website. Changed 8 records and 8 variables and read them back.");
    assert_eq!(stage.writes(), 10, "one batch a zone, one write a variable");
    let status = stage.answer(&["status", "--environment", "live"]);
    assert!(
        status.contains("consistent  production   alt-gigadb-website"),
        "{status}"
    );
    let traded = stage.simulator.world().normalized();
    assert_ne!(traded, before);
    stage.answer(&swap);
    assert_eq!(stage.simulator.world().normalized(), before);
}

#[test]
fn a_refused_batch_leaves_the_world_as_it_was() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let fault = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .method("POST")
        .skip(1);
    stage.simulator.fault(fault);
    let output = stage.output(&["swap", "--environment", "live", "--yes"]);
    let told = stage.told(&output);
    let end = told.split_once("Nothing was changed yet.\n").unwrap().1;
    assert_snapshot!(end, @"
    note: Writing; the journal of this run is RUN
    in force: variable `HOME_URL` of `alt-gigadb-website`
    in force: variable `HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `gigadb-website`
    in force: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    in force: variable `remote_fileserver_hostname` of `gigadb-website`
    in force: 3 records of zone `gigadb.host`
    not in force: 5 records of zone `gigadb.org` (Cloudflare refused POST /zones/{zone_id}/dns_records/batch with 403, code 10000: Authentication error; the token may not edit DNS: it needs DNS: Edit on this zone (zone id c0ad183b551fbd855cfb1a67042c1b3a))
    undone: 3 records of zone `gigadb.host`
    undone: variable `HOME_URL` of `alt-gigadb-website`
    undone: variable `HOME_URL` of `gigadb-website`
    undone: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    undone: variable `REMOTE_HOME_URL` of `gigadb-website`
    undone: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    undone: variable `REMOTE_HOSTNAME` of `gigadb-website`
    undone: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    undone: variable `remote_fileserver_hostname` of `gigadb-website`
    error: The swap did not complete: Cloudflare refused POST /zones/{zone_id}/dns_records/batch with 403, code 10000: Authentication error; the token may not edit DNS: it needs DNS: Edit on this zone (zone id c0ad183b551fbd855cfb1a67042c1b3a).
      on:      environment `live`
      changed: What this run had written was put back: everything reads as before.
               Not in force (5 of 16): Cloudflare refused POST /zones/{zone_id}/dns_records/batch with 403, code 10000: Authentication error; the token may not edit DNS: it needs DNS: Edit on this zone (zone id c0ad183b551fbd855cfb1a67042c1b3a)
                 bastion.gigadb.org, files.alt-live.gigadb.org, files.gigadb.org, gigadb.org, portainer.gigadb.org
               Put back (11 of 16)
                 alt-gigadb-website/HOME_URL, alt-gigadb-website/REMOTE_HOME_URL, alt-gigadb-website/REMOTE_HOSTNAME, alt-gigadb-website/remote_fileserver_hostname, gigadb-website/HOME_URL, gigadb-website/REMOTE_HOME_URL, gigadb-website/REMOTE_HOSTNAME, gigadb-website/remote_fileserver_hostname, alt-live.gigadb.host, bastion.alt-live.gigadb.host, portainer.alt-live.gigadb.host
      next:    Give the token Zone: Read and DNS: Edit on the zones of the topology's hostnames in Cloudflare's dashboard (My Profile, API Tokens). Then run the swap again.
    ");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stage.simulator.world().normalized(), before);
}

#[test]
fn stopping_half_way_under_stop_exits_with_3_and_says_what_is_in_force() {
    let stage = Stage::sop();
    let fault = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(fault);
    let swap = [
        "swap",
        "--environment",
        "live",
        "--yes",
        "--on-failure",
        "stop",
    ];
    let output = stage.output(&swap);
    assert_eq!(output.status.code(), Some(3));
    let told = stage.told(&output);
    let (_, account) = told.split_once("  changed: In force (8 of 16)").unwrap();
    let (in_force, rest) = account.split_once("Not in force (3 of 16): ").unwrap();
    let (refused, never_sent) = rest.split_once("Never sent (5 of 16)").unwrap();
    assert!(in_force.contains("gigadb-website/HOME_URL"), "{told}");
    assert!(refused.contains("bastion.alt-live.gigadb.host"), "{told}");
    assert!(never_sent.contains("files.gigadb.org"), "{told}");
}

#[test]
fn ctrl_c_before_the_last_batch_undoes_what_was_written() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let batch = Fault::new(Effect::Delay { ms: 500 })
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(batch);
    let child = stage
        .command(&["swap", "--environment", "live", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let sent = |stage: &Stage| {
        stage
            .simulator
            .requests()
            .iter()
            .any(|r| r.method == "POST" && r.is_write())
    };
    while !sent(&stage) {
        thread::yield_now();
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    no_secret(&output);
    let told = stage.told(&output);
    let end = told.split_once("Nothing was changed yet.\n").unwrap().1;
    assert_snapshot!(end, @"
    note: Writing; the journal of this run is RUN
    in force: variable `HOME_URL` of `alt-gigadb-website`
    in force: variable `HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `gigadb-website`
    in force: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    in force: variable `remote_fileserver_hostname` of `gigadb-website`
    warning: Stopping: what is in flight is finished first, and undone or completed as the policy says. Press Ctrl-C again to end at once, with requests perhaps half done.
    in force: 3 records of zone `gigadb.host`
    undone: 3 records of zone `gigadb.host`
    undone: variable `HOME_URL` of `alt-gigadb-website`
    undone: variable `HOME_URL` of `gigadb-website`
    undone: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    undone: variable `REMOTE_HOME_URL` of `gigadb-website`
    undone: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    undone: variable `REMOTE_HOSTNAME` of `gigadb-website`
    undone: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    undone: variable `remote_fileserver_hostname` of `gigadb-website`
    interrupted: The swap did not complete: it was asked to stop.
    What this run had written was put back: everything reads as before.
               Put back (11 of 16)
                 alt-gigadb-website/HOME_URL, alt-gigadb-website/REMOTE_HOME_URL, alt-gigadb-website/REMOTE_HOSTNAME, alt-gigadb-website/remote_fileserver_hostname, gigadb-website/HOME_URL, gigadb-website/REMOTE_HOME_URL, gigadb-website/REMOTE_HOSTNAME, gigadb-website/remote_fileserver_hostname, alt-live.gigadb.host, bastion.alt-live.gigadb.host, portainer.alt-live.gigadb.host
               Never sent (5 of 16)
                 bastion.gigadb.org, files.alt-live.gigadb.org, files.gigadb.org, gigadb.org, portainer.gigadb.org
    ");
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(stage.simulator.world().normalized(), before);
}

#[test]
fn a_swap_that_reading_back_does_not_show_exits_with_5() {
    let stage = Stage::sop();
    let edit = Edit::SetRecord {
        name: "files.gigadb.org".to_owned(),
        kind: "A".to_owned(),
        content: "198.51.100.12".to_owned(),
    };
    let fault = Fault::new(Effect::EditAfter(vec![edit]))
        .api(Api::Cloudflare)
        .method("POST")
        .skip(1);
    stage.simulator.fault(fault);
    let output = stage.output(&["swap", "--environment", "live", "--yes"]);
    assert_eq!(output.status.code(), Some(5));
    let told = stage.told(&output);
    let end = told.split_once("Nothing was changed yet.\n").unwrap().1;
    assert_snapshot!(end, @"
    note: Writing; the journal of this run is RUN
    in force: variable `HOME_URL` of `alt-gigadb-website`
    in force: variable `HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `gigadb-website`
    in force: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    in force: variable `remote_fileserver_hostname` of `gigadb-website`
    in force: 3 records of zone `gigadb.host`
    in force: 5 records of zone `gigadb.org`
    error: The swap was applied, but reading back does not show it: A record of `files.gigadb.org`: planned `203.0.113.12`, read back as `198.51.100.12`.
      on:      environment `live`
      changed: In force (15 of 16)
                 alt-gigadb-website/HOME_URL, alt-gigadb-website/REMOTE_HOME_URL, alt-gigadb-website/REMOTE_HOSTNAME, alt-gigadb-website/remote_fileserver_hostname, gigadb-website/HOME_URL, gigadb-website/REMOTE_HOME_URL, gigadb-website/REMOTE_HOSTNAME, gigadb-website/remote_fileserver_hostname, alt-live.gigadb.host, bastion.alt-live.gigadb.host, portainer.alt-live.gigadb.host, bastion.gigadb.org, files.alt-live.gigadb.org, gigadb.org, portainer.gigadb.org
               Accepted, and not seen when read back (1 of 16): read back, it is `198.51.100.12`
                 files.gigadb.org
      next:    Run `gigadb-roles status --environment live`: a reading may lag behind a write. If it stays so, find out who else writes it; `gigadb-roles resume RUN` writes it again, `gigadb-roles revert RUN` goes back.
    ");
}

#[test]
fn roles_that_are_unclear_are_not_traded() {
    let stage = Stage::sop();
    stage.set_record("files.gigadb.org", "203.0.113.12");
    assert_snapshot!(stage.run(&["swap", "--environment", "live", "--yes"]), @"
    exit 1
    -- stderr
    error: The roles cannot be traded, because it is not clear who has which: `files.gigadb.org` is a name of the production but leads to `alt-gigadb-website`, while `gigadb.org` leads to `gigadb-website`.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Run `gigadb-roles status`, then plan with --production and the name of the side that shall be production.
    ");
    assert_eq!(stage.writes(), 0);
}

#[test]
fn what_is_only_last_known_of_a_side_is_never_swapped() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    let fault = Fault::new(Effect::Refuse).api(Api::Ec2);
    stage.simulator.fault(fault.region("ap-east-1").always());
    let status = stage.output(&["status", "--environment", "live"]);
    let told = stage.told(&status);
    assert!(
        told.contains("consistent  production   gigadb-website"),
        "{told}"
    );
    assert!(
        told.contains("EC2 of `gigadb-website` could not be read"),
        "{told}"
    );
    let output = stage.output(&["swap", "--environment", "live", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stage.told(&output);
    assert!(told.contains("error[known-address]"), "{told}");
    assert_eq!(stage.writes(), 0);
}
