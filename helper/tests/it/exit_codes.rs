//! Every documented exit code, as a script sees it.

use std::{
    collections::BTreeSet,
    process::{Output, Stdio},
    thread,
};

use gigadb_simulator::{Api, Edit, Effect, Fault, world};

use crate::runs::{SWAP, interrupt};
use crate::stage::{Stage, no_secret};

/// The code, what is tried, and the run.
type Case = (i32, &'static str, fn(&Stage) -> Output);

/// Runs of which each ends with its code, on a stage of its own.
const RUNS: [Case; 16] = [
    (0, "an answer", |stage| stage.output(&["status"])),
    (0, "a plan of what holds already", |stage| {
        stage.output(&["plan", "--environment", "live", "--production", HOLDER])
    }),
    (0, "a swap", |stage| stage.output(&SWAP)),
    (0, "a saved plan", |stage| {
        stage.output(&SAVED_PLAN);
        stage.output(&["apply", "swap.json"])
    }),
    (1, "no topology", |stage| {
        stage.output(&["status", "--topology", "missing.yaml"])
    }),
    (1, "a refused token", |stage| {
        let mut command = stage.command(&["plan", "--environment", "live", "--swap"]);
        command.env("CLOUDFLARE_API_TOKEN", world::CLOUDFLARE_REVOKED_TOKEN);
        command.output().unwrap()
    }),
    (1, "a check that fails", |stage| {
        stage.output(&["check", "--checkouts", "nowhere"])
    }),
    (1, "a swap that was undone", |stage| {
        let fault = Fault::new(Effect::Refuse).api(Api::Cloudflare);
        stage.simulator.fault(fault.method("POST"));
        stage.output(&SWAP)
    }),
    (1, "an earlier run that is none", |stage| {
        stage.output(&["resume", "live-20260101T000000Z-00000000", "--yes"])
    }),
    (2, "a plan with changes", |stage| {
        stage.output(&["plan", "--environment", "live", "--swap"])
    }),
    (2, "a document that shows another status", |stage| {
        stage.write(
            "sop.md",
            "<!-- gigadb-roles status live -->\n<!-- /gigadb-roles status -->\n",
        );
        stage.output(&["status", "--check", "sop.md"])
    }),
    (3, "a swap that stopped half-way", |stage| {
        let fault = Fault::new(Effect::Refuse).api(Api::Cloudflare);
        stage.simulator.fault(fault.method("POST"));
        stage.output(&[&SWAP[..], &["--on-failure", "stop"]].concat())
    }),
    (4, "a saved plan that is stale", |stage| {
        stage.output(&SAVED_PLAN);
        stage.set_record("files.gigadb.org", "192.0.2.1");
        stage.output(&["apply", "swap.json"])
    }),
    (5, "a swap that reading back does not show", |stage| {
        let edit = Edit::SetRecord {
            name: "files.gigadb.org".to_owned(),
            kind: "A".to_owned(),
            content: "198.51.100.12".to_owned(),
        };
        let fault = Fault::new(Effect::EditAfter(vec![edit])).api(Api::Cloudflare);
        stage.simulator.fault(fault.method("POST").skip(1));
        stage.output(&SWAP)
    }),
    (64, "a wrong option", |stage| {
        stage.output(&["status", "--al"])
    }),
    (130, "Ctrl-C while an API does not answer", interrupted),
];

const HOLDER: &str = "gigadb-website";
const SAVED_PLAN: [&str; 6] = [
    "plan",
    "--environment",
    "live",
    "--swap",
    "--out",
    "swap.json",
];

fn interrupted(stage: &Stage) -> Output {
    let fault = Fault::new(Effect::Hang).api(Api::Cloudflare);
    stage.simulator.fault(fault.always());
    let child = stage
        .command(&["status"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while stage.simulator.requests().is_empty() {
        thread::yield_now();
    }
    interrupt(&child);
    child.wait_with_output().unwrap()
}

#[test]
fn every_documented_code_is_what_a_run_ends_with() {
    for (code, what, run) in RUNS {
        let stage = Stage::sop();
        let output = run(&stage);
        no_secret(&output);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{what}: {}",
            stage.told(&output)
        );
        // What did not end well says so, and never without a word.
        let silent = output.stdout.is_empty() && output.stderr.is_empty();
        assert!(!silent, "{what}");
    }
}

#[test]
fn every_code_that_help_lists_is_tried_and_no_other() {
    let help = Stage::sop().answer(&["--help"]);
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let documented: BTreeSet<i32> = codes
        .split([',', '\n'])
        .filter_map(|entry| entry.split_whitespace().next()?.parse().ok())
        .collect();
    let tried: BTreeSet<i32> = RUNS.iter().map(|(code, ..)| *code).collect();
    assert_eq!(documented, tried);
}
