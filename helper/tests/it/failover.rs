//! `failover`, with and without what is lost.

use std::{process::Stdio, thread, time::Duration};

use gigadb_simulator::{
    Api, Effect, Fault, LoggedRequest, World,
    world::{CLOUDFLARE_REVOKED_TOKEN, Plan, Zone, ZoneStatus},
};
use insta::assert_snapshot;

use crate::runs::{FAILOVER, interrupt, without_due};
use crate::stage::Stage;

/// The side that is lost: its region and its project do not answer.
fn lost(stage: &Stage) {
    let gone = || Fault::new(Effect::ResetBeforeCommit).always();
    stage
        .simulator
        .fault(gone().api(Api::Ec2).region("ap-east-1"));
    stage
        .simulator
        .fault(gone().api(Api::Gitlab).path_contains("/gigadb-website"));
}

/// Without what is due afterwards, and without what differs in a connection that breaks.
fn without_details(told: &str) -> String {
    let told = without_due(told);
    let short = told.lines().map(|line| {
        let broken = ["the connection to GitLab", "no connection to EC2"];
        let at = broken.iter().find_map(|text| line.find(text));
        at.map_or(line.to_owned(), |at| format!("{}...", &line[..at]))
    });
    short.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_failover_does_not_need_what_is_lost() {
    let stage = Stage::sop();
    lost(&stage);
    let told = stage.run(&FAILOVER);
    assert_snapshot!(without_details(&told), @r#"
    exit 3
    -- stdout
    Failed over live: production is alt-gigadb-website, hot standby is gigadb-website. Changed 8 records and 4 variables and read them back. 4 items are owed.
    -- stderr
    live: production alt-gigadb-website, hot standby gigadb-website (failover)

    zone gigadb.org (one batch, decides who is production)
      ~ A bastion.gigadb.org: 198.51.100.11 -> 203.0.113.11
      ~ A files.alt-live.gigadb.org: 203.0.113.12 -> 198.51.100.12
      ~ A files.gigadb.org: 198.51.100.12 -> 203.0.113.12
      ~ A gigadb.org: 198.51.100.10 -> 203.0.113.10
      ~ A portainer.gigadb.org: 198.51.100.10 -> 203.0.113.10

    zone gigadb.host (one batch)
      ~ A alt-live.gigadb.host: 203.0.113.10 -> 198.51.100.10
      ~ A bastion.alt-live.gigadb.host: 203.0.113.11 -> 198.51.100.11
      ~ A portainer.alt-live.gigadb.host: 203.0.113.10 -> 198.51.100.10

      ~ alt-gigadb-website HOME_URL: http://alt-live.gigadb.host -> https://gigadb.org
      ~ alt-gigadb-website REMOTE_HOME_URL: http://alt-live.gigadb.host -> https://gigadb.org
      ~ alt-gigadb-website REMOTE_HOSTNAME: alt-live.gigadb.host -> gigadb.org
      ~ alt-gigadb-website remote_fileserver_hostname: files.alt-live.gigadb.host -> files.gigadb.org
      owed: 4 items: ...
        variable `HOME_URL` of `gigadb-website` should be http://alt-live.gigadb.host
        variable `REMOTE_HOME_URL` of `gigadb-website` should be http://alt-live.gigadb.host
        variable `REMOTE_HOSTNAME` of `gigadb-website` should be alt-live.gigadb.host
        variable `remote_fileserver_hostname` of `gigadb-website` should be files.alt-live.gigadb.host

    warning[known-address]: The Elastic IPs of `gigadb-website` could not be read: ...
      on:      infrastructure `gigadb-website` (profile `Upstream`, region ap-east-1)
      changed: Nothing was changed.
      next:    Check this machine's connection to EC2 in ap-east-1, and see https://health.aws.amazon.com for trouble there. Then plan again.
    warning[variables-visible]: The variables of `gigadb-website` could not be read: ...
      on:      GitLab project `gigascience/upstream/gigadb-website`
      changed: Nothing was changed.
      next:    Check this machine's connection to GitLab, and see https://status.gitlab.com for trouble there. Then plan again; a failover does without GitLab.
    note: A failover may lose data. What was written on `gigadb-website` since the last synchronization to `alt-gigadb-website` (database, dropboxes, files) is not on `alt-gigadb-website`: a failover loses it.
    note: The addresses of `gigadb-website` do not come from EC2, which could not be read. They are: bastion `198.51.100.11`, read now from the record of `bastion.gigadb.org`; files `198.51.100.12`, read now from the record of `files.gigadb.org`; web `198.51.100.10`, read now from the records of `gigadb.org`, `portainer.gigadb.org`.

    Would change 8 records and 4 variables. Nothing was changed yet.
    note: Writing; the journal of this run is RUN
    in force: 5 records of zone `gigadb.org`
    in force: 3 records of zone `gigadb.host`
    in force: variable `HOME_URL` of `alt-gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    in force: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    warning: Owed: 4 items: ...
        variable `HOME_URL` of `gigadb-website` should be http://alt-live.gigadb.host
        variable `REMOTE_HOME_URL` of `gigadb-website` should be http://alt-live.gigadb.host
        variable `REMOTE_HOSTNAME` of `gigadb-website` should be alt-live.gigadb.host
        variable `remote_fileserver_hostname` of `gigadb-website` should be files.alt-live.gigadb.host
    note: Remove each cause, then finish what is owed: `gigadb-roles resume RUN`
    note: In the Terraform configuration of `live`, set production = "alt-gigadb-website", so that the next apply agrees.
    "#);
}

#[test]
fn a_failover_goes_on_without_gitlab() {
    let stage = Stage::sop();
    let gone = Fault::new(Effect::ResetBeforeCommit).always();
    stage.simulator.fault(gone.api(Api::Gitlab));
    let output = stage.output(&FAILOVER);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(" 8 items are owed."), "{told}");
    assert!(
        told.contains("in force: 5 records of zone `gigadb.org`"),
        "{told}"
    );
}

/// The region and the project of the lost side accept, and never answer.
fn hanging(stage: &Stage) {
    let hang = || Fault::new(Effect::Hang).always();
    stage
        .simulator
        .fault(hang().api(Api::Ec2).region("ap-east-1"));
    let project = hang().api(Api::Gitlab).path_contains("/gigadb-website");
    stage.simulator.fault(project);
}

#[test]
fn what_a_saved_plan_knows_to_hang_is_not_asked_before_the_first_batch() {
    let stage = Stage::sop();
    hanging(&stage);
    let arguments = ["--mode", "failover", "--out", "away.json"];
    let plan = [&["plan"], &FAILOVER[1..5], &arguments].concat();
    let output = stage.output(&plan);
    assert_eq!(output.status.code(), Some(2), "{}", stage.told(&output));
    stage.simulator.clear_requests();
    let output = stage.output(&["apply", "away.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", stage.told(&output));
    let requests = stage.simulator.requests();
    let first = requests.iter().position(|one| one.is_write()).unwrap();
    assert!(requests[first].path.ends_with("/batch"), "{requests:?}");
    let lost = |one: &&LoggedRequest| {
        one.region.as_deref() == Some("ap-east-1") || one.path.contains("%2Fgigadb-website")
    };
    let asked: Vec<&LoggedRequest> = requests[..first].iter().filter(lost).collect();
    assert!(asked.is_empty(), "{asked:?}");
    let waited = requests[first].started.saturating_sub(requests[0].started);
    assert!(waited < Duration::from_secs(5), "{waited:?}");
}

#[test]
fn what_hangs_on_the_lost_side_does_not_hold_a_failover_up_for_ever() {
    let stage = Stage::sop();
    hanging(&stage);
    let output = stage.output(&FAILOVER);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(" 4 items are owed."), "{told}");
}

#[test]
fn both_sides_well_means_use_switchover() {
    let stage = Stage::sop();
    let plan = [&["plan"], &FAILOVER[1..5], &["--mode", "failover"]].concat();
    let output = stage.output(&plan);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("note: Both sides are well: use switchover"),
        "{told}"
    );
}

#[test]
fn nothing_is_said_of_a_configuration_that_is_not_there() {
    let stage = Stage::sop();
    let done = ["failover", "-e", "live", "--production", "gigadb-website"];
    let waived = ["--yes", "--override", "known-address"];
    let told = stage.run(&[&done[..], &waived].concat());
    assert!(told.starts_with("exit 0"), "{told}");
    assert!(!told.contains("configuration"), "{told}");
    let plan = [
        "plan",
        "-e",
        "live",
        "--swap",
        "--prepare",
        "alt-gigadb-website",
    ];
    let told = stage.run(&plan);
    assert!(!told.contains("The line can go"), "{told}");
}

#[test]
fn where_the_token_has_ended_it_is_said_what_to_set_by_hand() {
    let stage = Stage::sop().with("CLOUDFLARE_API_TOKEN", CLOUDFLARE_REVOKED_TOKEN);
    let told = stage.run(&FAILOVER);
    assert!(told.starts_with("exit 1"), "{told}");
    for said in [
        "Make a token in Cloudflare's dashboard",
        "If that takes too long, set these A records in Cloudflare's dashboard by hand: \
         `bastion.gigadb.org` 203.0.113.11, `files.gigadb.org` 203.0.113.12, `gigadb.org` \
         203.0.113.10, `portainer.gigadb.org` 203.0.113.10.",
    ] {
        assert!(told.contains(said), "{told}");
    }
    // Where Cloudflare does not answer, its dashboard is no way out.
    let stage = Stage::sop();
    let silent = Fault::new(Effect::ResetBeforeCommit).api(Api::Cloudflare);
    stage.simulator.fault(silent.always());
    let told = stage.run(&FAILOVER);
    assert!(!told.contains("by hand"), "{told}");
}

#[test]
fn a_failover_needs_somebody_to_ask_or_yes_or_a_saved_plan() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&FAILOVER[..5]), @r"
    exit 64
    -- stderr
    error: There is no terminal to ask for a confirmation.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Run the failover with --yes, or save a plan with `gigadb-roles plan --mode failover --out FILE` and apply that.
    ");
    assert!(stage.simulator.requests().is_empty());
    lost(&stage);
    let plan = [
        &["plan"],
        &FAILOVER[1..5],
        &["--mode", "failover", "--out", "away.json"],
    ]
    .concat();
    let output = stage.output(&plan);
    assert_eq!(output.status.code(), Some(2), "{}", stage.told(&output));
    let output = stage.output(&["apply", "away.json"]);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(
        told.contains("Applied the plan of live: production is alt-gigadb-website"),
        "{told}"
    );
}

#[test]
fn what_fails_after_the_first_batch_is_owed() {
    let stage = Stage::sop();
    let refuse = Fault::new(Effect::Refuse)
        .api(Api::Gitlab)
        .method("PUT")
        .times(2);
    stage.simulator.fault(refuse);
    let output = stage.output(&FAILOVER);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(" 2 items are owed."), "{told}");
}

#[test]
fn a_failover_whose_first_batch_is_refused_changes_nothing() {
    let stage = Stage::sop();
    lost(&stage);
    let refuse = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(refuse.always());
    let output = stage.output(&FAILOVER);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let (_, end) = told.split_once("\nerror: ").unwrap();
    assert_snapshot!(end, @r"
    The failover did not complete: Cloudflare refused POST /zones/{zone_id}/dns_records/batch with 403, code 10000: Authentication error; the token may not edit DNS: it needs DNS: Edit on this zone (zone id c0ad183b551fbd855cfb1a67042c1b3a).
      on:      environment `live`
      changed: Nothing was changed.
      next:    Give the token Zone: Read and DNS: Edit on the zones of the topology's hostnames in Cloudflare's dashboard (My Profile, API Tokens). Then run the failover again.
    ");
}

#[test]
fn a_promoted_side_that_is_not_well_is_refused() {
    let stage = Stage::sop();
    let gone = Fault::new(Effect::ResetBeforeCommit).always();
    stage
        .simulator
        .fault(gone.api(Api::Ec2).region("ap-southeast-2"));
    let output = stage.output(&FAILOVER);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(stage.writes(), 0);
}

#[test]
fn where_records_disagree_nothing_that_was_kept_is_written() {
    for remembered in [true, false] {
        let stage = Stage::sop();
        if remembered {
            stage.answer(&["--list"]);
        }
        lost(&stage);
        // Production's own names contradict each other about the web machine.
        stage.set_record("portainer.gigadb.org", "198.51.100.99");
        let waived = [&FAILOVER[..], &["--override", "permutation"]].concat();
        let output = stage.output(&waived);
        let told = stage.told(&output);
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(
            told.contains(
                "A record of `alt-live.gigadb.host` should be set, to what is not known yet"
            ),
            "{told}"
        );
        let kept = "web not known (EC2 said ";
        assert_eq!(told.contains(kept), remembered, "{told}");
    }
}

#[test]
fn ctrl_c_after_the_first_batch_stops_a_failover_and_says_what_is_in_force() {
    let stage = Stage::sop();
    let slow = Fault::new(Effect::Delay { ms: 500 })
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(slow.skip(1));
    let child = stage
        .command(&FAILOVER)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let posts = || {
        let requests = stage.simulator.requests();
        requests
            .iter()
            .filter(|r| r.method == "POST" && r.is_write())
            .count()
    };
    while posts() < 2 {
        thread::yield_now();
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(
        told.contains("Failed over live: production is alt-gigadb-website"),
        "{told}"
    );
    assert!(told.contains(" 8 items are owed."), "{told}");
}

#[test]
fn a_standby_name_without_a_zone_is_owed_for_its_zone_and_its_address_is_told() {
    let pending = |world: &mut World| {
        world.cloudflare.zone_mut("gigadb.host").unwrap().status = ZoneStatus::Pending;
    };
    let invisible = |world: &mut World| {
        let zones = &mut world.cloudflare.zones;
        zones.retain(|zone| zone.name != "gigadb.host");
    };
    let doubled = |world: &mut World| {
        let twin = Zone::new("another account", "gigadb.host", Plan::Free);
        world.cloudflare.zones.push(twin);
    };
    type Edit = fn(&mut World);
    let cases: [(Edit, &str); 3] = [
        (
            pending,
            "no active zone is visible for `{name}`: zone `gigadb.host` is visible and not active",
        ),
        (
            invisible,
            "no zone that the Cloudflare token can see holds `{name}`",
        ),
        (
            doubled,
            "two active zones named `gigadb.host` are visible (id ",
        ),
    ];
    for (spoil, cause) in cases {
        let mut world = World::sop();
        spoil(&mut world);
        let stage = Stage::with_world(world);
        let told = stage.run(&FAILOVER);
        assert!(told.starts_with("exit 3\n"), "{told}");
        assert!(told.contains(" 3 items are owed."), "{told}");
        assert!(!told.contains("is not known"), "{told}");
        for (name, address) in [
            ("alt-live.gigadb.host", "198.51.100.10"),
            ("bastion.alt-live.gigadb.host", "198.51.100.11"),
            ("portainer.alt-live.gigadb.host", "198.51.100.10"),
        ] {
            let wanted = format!("A record of `{name}` should be {address}");
            let cause = cause.replace("{name}", name);
            assert!(told.contains(&wanted), "{wanted}: {told}");
            assert!(told.contains(&cause), "{cause}: {told}");
        }
    }
}
