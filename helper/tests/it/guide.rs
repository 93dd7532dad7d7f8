//! `docs/guides/without-terraform.md` does what it shows, in its order.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Output, Stdio},
};

use gigadb_simulator::{Api, Effect, Fault};

use crate::{
    lease,
    stage::{Stage, no_secret},
};

const PAGE: &str = include_str!("../../../docs/guides/without-terraform.md");

/// A text that each command block holds, and its exit code.
const BLOCKS: [(&str, i32); 9] = [
    ("gigadb-roles status", 0),
    ("plan --environment live --swap", 2),
    ("apply swap.json", 0),
    ("swap --environment live --yes", 0),
    ("gigadb-roles history", 0),
    ("revert \"$RUN\"", 0),
    ("failover --environment live", 3),
    ("resume \"$RUN\"", 0),
    ("unlock \"$LEASE\" --yes", 0),
];

fn typed(stage: &Stage, block: &str) -> Output {
    let run = stage.runs().pop().unwrap_or_default();
    let output = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", block])
        .env_clear()
        .envs(&stage.environment)
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", stage.folder().display()),
        )
        .env("RUN", run)
        .env("LEASE", lease::THEIRS)
        .current_dir(stage.folder())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    no_secret(&output);
    output
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    let stage = lease::locked();
    let program = env!("CARGO_BIN_EXE_gigadb-roles");
    symlink(program, stage.folder().join("gigadb-roles")).unwrap();
    let blocks = PAGE.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let (last, blocks) = blocks.split_last().unwrap();
    assert_eq!(blocks.len(), BLOCKS.len());
    for (block, (text, code)) in blocks.iter().zip(BLOCKS) {
        assert!(block.contains(text), "{block}");
        stage.simulator.clear_faults();
        if block.contains("failover") {
            let gone = || Fault::new(Effect::ResetBeforeCommit).always();
            stage
                .simulator
                .fault(gone().api(Api::Ec2).region("ap-southeast-2"));
            stage
                .simulator
                .fault(gone().api(Api::Gitlab).path_contains("/alt-gigadb-website"));
        }
        if block.contains("unlock") {
            lease::hold(&stage);
        }
        let output = typed(&stage, block);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{block}: {}",
            stage.told(&output)
        );
    }
    let output = typed(&stage, last);
    assert!(output.status.success(), "{last}: {}", stage.told(&output));
    let lines = fs::read_to_string(stage.folder().join("swap.jsonl")).unwrap();
    assert!(
        lines
            .lines()
            .last()
            .unwrap()
            .contains("\"outcome\":\"completed\""),
        "{lines}"
    );
    let status = stage.answer(&["status", "--environment", "live"]);
    assert!(
        status.contains("consistent  production   gigadb-website"),
        "{status}"
    );
}
