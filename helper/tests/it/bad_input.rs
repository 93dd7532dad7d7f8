//! Input that cannot be used: exit code, a message in four parts, and nothing lost.

use std::{io::Write as _, process::Stdio};

use serde_json::{Value, json};

use crate::{
    runs::SWAP,
    stage::{Stage, closed_pipe, no_secret},
    terminal::show,
};

/// Command lines that are wrong, each with what its message names.
const WRONG: [(&[&str], &str); 24] = [
    (&["--lsit"], "--lsit"),
    (&["status", "--al"], "--al"),
    (&["status", "live"], "live"),
    (&["--format", "yaml", "status"], "yaml"),
    (&["--color", "blue", "status"], "blue"),
    (&["plan", "--environment", "live"], "--swap"),
    (&["plan", "--swap"], "--environment"),
    (
        &[
            "plan",
            "--environment",
            "live",
            "--swap",
            "--production",
            "gigadb-website",
        ],
        "--production",
    ),
    (
        &[
            "plan",
            "--environment",
            "live",
            "--swap",
            "--hot-standby",
            "gigadb-website",
        ],
        "--production",
    ),
    (
        &["plan", "--environment", "live", "--swap", "--mode", "panic"],
        "panic",
    ),
    (
        &[
            "plan",
            "--environment",
            "live",
            "--swap",
            "--format",
            "markdown",
        ],
        "--format",
    ),
    (
        &[
            "plan",
            "--environment",
            "live",
            "--production",
            "gigadb-websit",
        ],
        "gigadb-website",
    ),
    (
        &[
            "swap",
            "--environment",
            "live",
            "--yes",
            "--override",
            "single-a-recrod",
        ],
        "single-a-record",
    ),
    (
        &[
            "swap",
            "--environment",
            "live",
            "--yes",
            "--override",
            "never-unresolvable",
        ],
        "cannot be waived",
    ),
    (
        &[
            "swap",
            "--environment",
            "live",
            "--yes",
            "--on-failure",
            "ignore",
        ],
        "ignore",
    ),
    (
        &[
            "swap",
            "--environment",
            "live",
            "--yes",
            "--reason",
            "one\ntwo",
        ],
        "one line",
    ),
    (
        &[
            "swap",
            "--environment",
            "live",
            "--yes",
            "--https-port",
            "443443",
        ],
        "443443",
    ),
    (
        &["failover", "--environment", "live", "--yes"],
        "--production",
    ),
    (&["apply"], "<FILE>"),
    (&["apply", "swap.json", "--format", "markdown"], "--format"),
    (&["resume"], "<ID>"),
    (&["revert", "--yes"], "<ID>"),
    (&["review"], "<PLAN.json>"),
    (
        &["review", "plan.json", "--https-check", "require"],
        "--live",
    ),
];

/// The end of what was said is a message in four parts.
#[track_caller]
pub(crate) fn four_parts(told: &str) {
    let parts = ["error: ", "\n  on:      ", "\n  changed: ", "\n  next:    "];
    let mut rest = told;
    for part in parts {
        let (_, after) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part:?} is missing: {told}"));
        assert!(!after.trim().is_empty(), "{told}");
        rest = after;
    }
}

#[test]
fn wrong_flags_are_named_and_nothing_is_asked_of_anybody() {
    let stage = Stage::sop();
    for (arguments, named) in WRONG {
        let told = stage.run(arguments);
        assert!(
            told.starts_with("exit 64\n-- stderr\n"),
            "{arguments:?}: {told}"
        );
        assert!(
            told.contains(named),
            "{arguments:?}: {named:?} is missing: {told}"
        );
        assert!(
            told.contains("Nothing was changed."),
            "{arguments:?}: {told}"
        );
        four_parts(&told);
    }
    let written = stage.simulator.requests();
    assert!(written.iter().all(|request| !request.is_write()));
    assert!(stage.runs().is_empty());
}

fn state(production: &str, hot_standby: &str, address: &str) -> Value {
    json!({
        "environment": "live", "production": production, "hot_standby": hot_standby,
        "mode": "switchover", "variables": {}, "hostnames": { "gigadb.org": {
            "role": "production", "endpoint": "web", "zone": "gigadb.org",
            "infrastructure": production, "address": address,
        } },
    })
}

/// A swap, as `terraform show -json` tells it.
fn plan_of_a_swap() -> String {
    let (upstream, alt) = ("gigadb-website", "alt-gigadb-website");
    json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": [{
        "address": "gigadb_role_assignment.live", "mode": "managed", "type": "gigadb_role_assignment",
        "change": {
            "actions": ["update"],
            "before": state(upstream, alt, "198.51.100.10"),
            "after": state(alt, upstream, "203.0.113.10"),
        },
    }] })
    .to_string()
}

#[test]
fn what_is_no_plan_to_review_is_refused_from_a_file_and_from_a_pipe() {
    let stage = Stage::sop();
    let whole = plan_of_a_swap();
    let half = &whole[..whole.len() / 2];
    for text in [
        "",
        half,
        "[]",
        "PK\u{3}\u{4}\u{14}",
        "{\"format_version\":\"2.0\"}",
    ] {
        stage.write("plan.json", text);
        let told = stage.run(&["review", "plan.json"]);
        assert!(told.starts_with("exit 1\n-- stderr\n"), "{told}");
        assert!(told.contains("on:      `plan.json`"), "{told}");
        four_parts(&told);
        let mut child = stage
            .command(&["review", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        no_secret(&output);
        assert_eq!(output.status.code(), Some(1));
        four_parts(&stage.told(&output));
    }
    let told = stage.run(&["review", "absent.json"]);
    assert!(told.starts_with("exit 1\n"), "{told}");
    four_parts(&told);
}

#[test]
fn a_plan_without_role_changes_says_so() {
    let stage = Stage::sop();
    let nothing = json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": [] });
    stage.write("plan.json", &nothing.to_string());
    let told = stage.run(&["review", "plan.json"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(
        told.contains("Changes no role: the plan holds no role assignment"),
        "{told}"
    );
    let other = json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": [{
        "address": "terraform_data.other", "mode": "managed", "type": "terraform_data",
        "change": { "actions": ["create"], "before": null, "after": {} },
    }] });
    stage.write("plan.json", &other.to_string());
    let told = stage.run(&["review", "plan.json"]);
    assert!(told.starts_with("exit 2\n"), "{told}");
    assert!(told.contains("`terraform_data.other`"), "{told}");
    let strict = stage.run(&["review", "plan.json", "--require-only-role-change"]);
    assert!(strict.starts_with("exit 1\n"), "{strict}");
    four_parts(&strict);
}

#[test]
fn a_closed_pipe_changes_neither_the_exit_code_nor_what_is_kept() {
    let stage = Stage::sop();
    stage.write("plan.json", &plan_of_a_swap());
    stage.answer(&SWAP);
    let kept = stage.runs();
    let save = [
        "plan",
        "--environment",
        "live",
        "--swap",
        "--out",
        "back.json",
    ];
    let commands: [(&[&str], i32); 7] = [
        (&["review", "plan.json"], 2),
        (&["review", "plan.json", "--format", "json"], 2),
        (&["review", "plan.json", "--forbid-failover"], 2),
        (&["history"], 0),
        (&["history", "--format", "json"], 0),
        (
            &[
                "plan",
                "--environment",
                "live",
                "--swap",
                "--format",
                "json",
            ],
            2,
        ),
        (&save, 2),
    ];
    for (arguments, code) in commands {
        for stderr in [closed_pipe as fn() -> Stdio, Stdio::piped] {
            let output = stage
                .command(arguments)
                .stdout(closed_pipe())
                .stderr(stderr())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(code), "{arguments:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(
                !said.contains("error") && !said.contains("panicked"),
                "{said}"
            );
        }
    }
    assert_eq!(stage.runs(), kept);
    // What was saved while nobody read is whole.
    let told = stage.run(&["apply", "back.json"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
}

#[test]
fn forty_columns_fold_no_name() {
    // Without colors, which take no room.
    let stage = Stage::sop().with("NO_COLOR", "1");
    stage.write("plan.json", &plan_of_a_swap());
    stage.answer(&SWAP);
    let id = stage.last_run();
    let shown = show(&stage, 40, &["history"]);
    assert_eq!(shown.code, 0, "{}", shown.text);
    assert!(shown.text.contains(&format!("{id}\n")), "{}", shown.text);
    // The name of a machine is as long as it is.
    let lines = shown.text.lines();
    for line in lines.filter(|line| !line.starts_with("  by: ")) {
        assert!(line.chars().count() <= 40, "{line}");
    }
    let shown = show(&stage, 40, &["plan", "--environment", "live", "--swap"]);
    assert_eq!(shown.code, 2, "{}", shown.text);
    assert!(
        shown
            .text
            .contains("A portainer.alt-live.gigadb.host: 198.51.100.10 -> 203.0.113.10"),
        "a value that is to be read is on its own line, however long: {}",
        shown.text
    );
    // A review is Markdown: it is for a page, whatever the terminal.
    let wide = stage.answer_with(2, &["review", "plan.json"]);
    let narrow = show(&stage, 40, &["review", "plan.json"]);
    assert_eq!(narrow.code, 2);
    assert_eq!(narrow.text.trim_end(), wide.trim_end());
    let checked = show(&stage, 40, &["check"]);
    for name in ["alt-gigadb-website", "gigadb-website"] {
        assert!(checked.text.contains(name), "{}", checked.text);
    }
}

/// A single backquote in a faulty line does not hide the faults below it.
#[test]
fn each_fault_of_a_topology_begins_a_line_whatever_the_lines_hold() {
    let text = "version: 1\nendpoints:\n  web: { eipp: \"owner`s\", instance: \"i\" }\n  \
                files: { eip: \"e\", instancee: \"i\" }\n  x: { eip: \"e\", instancee: \"i\" }\n\
                infrastructures: {}\nenvironments: {}\n";
    let stage = Stage::sop();
    let topology = stage.write("topology.yaml", text);
    let stage = stage.with("GIGADB_TOPOLOGY", topology.to_str().unwrap());
    let said = stage.run(&["status"]);
    for place in ["topology.yaml:3:", "topology.yaml:4:", "topology.yaml:5:"] {
        let told = said.lines().filter(|line| line.contains(place));
        assert!(told.clone().count() > 0, "{place}: {said}");
        for line in told {
            assert_eq!(line.matches("topology.yaml:").count(), 1, "{line}: {said}");
        }
    }
    assert!(!said.contains('⏎'), "{said}");
}
