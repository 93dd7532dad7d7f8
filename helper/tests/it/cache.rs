//! `inventory --refresh` and `--max-age`.

use std::fs;

use gigadb_simulator::{Api, Effect, Fault};
use insta::assert_snapshot;
use serde_json::Value;

use crate::stage::Stage;

/// How often the run asked EC2 and Cloudflare.
fn asked(stage: &Stage, arguments: &[&str]) -> (usize, usize) {
    let before = stage.simulator.requests().len();
    stage.answer(arguments);
    let requests = stage.simulator.requests();
    let of = |api: &str| {
        let new = requests.iter().skip(before);
        new.filter(|request| request.api.to_string() == api).count()
    };
    (of("ec2"), of("cloudflare"))
}

/// Lets what is kept seem to have been read `seconds` earlier.
fn grow_old(stage: &Stage, seconds: u64) {
    let folder = stage.folder().join(".cache/gigadb");
    let file = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for (_, side) in kept["sides"].as_object_mut().unwrap() {
        let read_at = side["read_at"].as_u64().unwrap();
        side["read_at"] = (read_at - seconds).into();
    }
    fs::write(file, kept.to_string()).unwrap();
}

fn web(answer: &str) -> Value {
    let list: Value = serde_json::from_str(answer).unwrap();
    list["_meta"]["hostvars"]["gigadb-website-live-web"].clone()
}

#[test]
fn fresh_hosts_are_served_without_ec2_and_roles_are_read() {
    let stage = Stage::sop();
    assert_eq!(asked(&stage, &["--list"]), (4, 3));
    stage
        .simulator
        .fault(Fault::new(Effect::Refuse).api(Api::Ec2).always());
    assert_eq!(asked(&stage, &["--list"]), (0, 3));
    assert_eq!(asked(&stage, &["inventory", "--strict"]), (0, 3));
    stage.trade_records();
    let web = web(&stage.answer(&["--list"]));
    assert_eq!(web["gigadb_role"], "hot_standby");
    assert_eq!(web["gigadb_stale"], false);
    assert!(web["gigadb_age_seconds"].is_u64());
}

#[test]
fn hosts_are_read_again_when_they_are_too_old_or_it_is_asked_for() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    assert_eq!(asked(&stage, &["inventory", "--refresh"]).0, 4);
    assert_eq!(asked(&stage, &["inventory", "--max-age", "0"]).0, 4);
    let both = ["inventory", "--max-age", "600", "--refresh"];
    assert_eq!(asked(&stage, &both).0, 4);
    grow_old(&stage, 60);
    assert_eq!(asked(&stage, &["inventory", "--max-age", "600"]).0, 0);
    let age = web(&stage.answer(&["inventory", "--max-age", "600"]))["gigadb_age_seconds"].clone();
    assert!((60..600).contains(&age.as_u64().unwrap()), "{age}");
    assert_eq!(asked(&stage, &["--list"]).0, 4);
    assert_eq!(web(&stage.answer(&["--list"]))["gigadb_stale"], false);
}

#[test]
fn one_side_that_is_too_old_is_read_alone() {
    let stage = Stage::sop();
    let fault = Fault::new(Effect::Refuse).api(Api::Ec2);
    stage.simulator.fault(fault.region("ap-east-1").always());
    stage.answer(&["--list"]);
    stage.simulator.clear_faults();
    assert_eq!(asked(&stage, &["--list"]).0, 2);
    assert_eq!(asked(&stage, &["--list"]).0, 0);
}

#[test]
fn old_hosts_of_a_region_out_of_reach_are_stale_and_strict_fails() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    grow_old(&stage, 100);
    let fault = Fault::new(Effect::Refuse).api(Api::Ec2);
    stage.simulator.fault(fault.region("ap-east-1").always());
    assert_eq!(web(&stage.answer(&["--list"]))["gigadb_stale"], true);
    assert_eq!(
        stage.output(&["inventory", "--strict"]).status.code(),
        Some(1)
    );
}

#[test]
fn an_age_that_is_none_is_usage() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&["inventory", "--max-age", "soon"]), @r"
    exit 64
    -- stderr
    error: Invalid value 'soon' for '--max-age <SECONDS>': invalid digit found in string.
      on:      the command line
      changed: Nothing was changed.
      next:    Correct it, and run the command again; --help shows all that it takes.
    ");
    assert!(stage.simulator.requests().is_empty());
}
