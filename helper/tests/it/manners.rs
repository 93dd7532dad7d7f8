//! What people type by habit, and what scripts read when it is wrong.

use std::fs;

use serde_json::Value;

use crate::{
    runs::{SWAP, interrupted_run},
    stage::Stage,
};

/// A command's exit code and the text of both streams.
fn says(stage: &Stage, arguments: &[&str], parts: &[&str]) {
    let told = stage.run(arguments);
    for part in parts {
        assert!(
            told.contains(part),
            "{arguments:?}: {part:?} is missing: {told}"
        );
    }
}

#[test]
fn help_is_a_command() {
    let stage = Stage::sop();
    assert_eq!(stage.answer(&["help"]), stage.answer(&["--help"]));
    for command in ["swap", "history", "help"] {
        assert_eq!(
            stage.answer(&["help", command]),
            stage.answer(&[command, "--help"])
        );
    }
    says(
        &stage,
        &["help", "statsu"],
        &[
            "exit 64",
            "There is no command `statsu`.",
            "Did you mean `status`?",
        ],
    );
    assert_eq!(
        stage.answer(&["help", "release", "start"]),
        stage.answer(&["release", "start", "--help"])
    );
    says(
        &stage,
        &["help", "release", "strat"],
        &[
            "exit 64",
            "There is no command `strat`.",
            "Did you mean `start`? Run `gigadb-roles release --help`",
        ],
    );
    says(
        &stage,
        &["help", "status", "live"],
        &["exit 64", "There is no command `live`."],
    );
}

#[test]
fn an_environment_is_named_by_letter_or_by_variable() {
    let stage = Stage::sop();
    let named = stage.answer(&["status", "--environment", "live"]);
    assert_eq!(stage.answer(&["status", "-e", "live"]), named);
    for command in [
        &["plan", "--swap"][..],
        &["swap", "-y"],
        &["failover", "--production", "alt-gigadb-website"],
        &["exec", "--role", "production", "--", "true"],
    ] {
        says(
            &stage,
            command,
            &["exit 64", "No environment was named.", "GIGADB_ENVIRONMENT"],
        );
    }
    assert_eq!(stage.writes(), 0);

    let stage = stage.with("GIGADB_ENVIRONMENT", "live");
    assert_eq!(stage.answer(&["status"]), named);
    stage.answer_with(2, &["plan", "--swap"]);
    stage.answer(&["exec", "--role", "production", "--", "true"]);
    // The option is nearer than the variable.
    let staging = stage.answer(&["status", "-e", "staging"]);
    assert!(
        staging.contains("\nstaging ") && !staging.contains("\nlive "),
        "{staging}"
    );
    stage.answer(&["swap", "-y"]);
    assert!(stage.answer(&["history"]).contains("live"));
    says(
        &stage.with("GIGADB_ENVIRONMENT", " "),
        &["plan", "--swap"],
        &["exit 64", "No environment was named."],
    );
}

#[test]
fn the_topology_is_found_in_a_folder_above() {
    let stage = Stage::sop();
    let text = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let stage = stage.without("GIGADB_TOPOLOGY");
    let missing = stage.folder().join("topology.yaml");
    says(
        &stage,
        &["status"],
        &[
            "exit 1",
            "`topology.yaml` (looked for in `$HOME` and the folders above it)",
        ],
    );
    fs::write(missing, text).unwrap();
    let below = stage.folder().join("ansible/plays");
    fs::create_dir_all(&below).unwrap();
    let output = stage
        .command(&["status", "-e", "live"])
        .current_dir(&below)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stage.told(&output));
}

#[test]
fn a_tilde_is_home_and_a_relative_path_is_shown_resolved() {
    let stage = Stage::sop();
    let text = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    fs::create_dir(stage.folder().join("roles")).unwrap();
    stage.write("roles/t.yaml", &text);
    let stage = stage.with("GIGADB_TOPOLOGY", "~/roles/t.yaml");
    stage.answer(&["status", "-e", "live"]);
    stage.answer(&["status", "-e", "live", "--topology", "~/roles/t.yaml"]);
    says(
        &stage,
        &["status", "--topology", "./nope.yaml"],
        &["exit 1", "`./nope.yaml` (looked for at `$HOME/nope.yaml`)"],
    );
}

#[test]
fn every_fixed_word_has_its_did_you_mean() {
    let stage = Stage::sop().with("GIGADB_ENVIRONMENT", "live");
    let exec = |role| ["exec", "--role", role, "--", "true"];
    for (role, meant) in [
        ("standby", "hot_standby"),
        ("hot-standby", "hot_standby"),
        ("Hot Standby", "hot_standby"),
        ("prod", "production"),
        ("prodution", "production"),
    ] {
        let meant = format!("did you mean `{meant}`?");
        says(&stage, &exec(role), &["exit 64", &meant]);
        says(&stage, &["inventory", "--role", role], &["exit 64", &meant]);
    }
    for (arguments, meant) in [
        (&["plan", "--swap", "--mode", "failovr"][..], "failover"),
        (&["plan", "--swap", "--on-failure", "revrt"], "revert"),
        (&["plan", "--swap", "--https-check", "of"], "off"),
        (
            &["plan", "--swap", "--override", "known-adress"],
            "known-address",
        ),
        (
            &["plan", "--production", "alt-gigadb-websit"],
            "alt-gigadb-website",
        ),
        (&["status", "--format", "jsno"], "json"),
        (&["status", "--color", "nevr"], "never"),
        (&["completions", "bsh"], "bash"),
        (&["status", "-e", "lve"], "live"),
        (&["status", "--require", "consitent"], "consistent"),
        (
            &["watch", "--production", "alt-gigadb-websit"],
            "alt-gigadb-website",
        ),
        (
            &["release", "start", "--process", "simpel", "--release", "v1"],
            "simple",
        ),
        (
            &["release", "confirm", "validate-busines", "--by", "Ada"],
            "validate-business",
        ),
        (
            &[
                "release",
                "next",
                "--reason",
                "r",
                "--override",
                "former-untuched",
            ],
            "former-untouched",
        ),
        (
            &[
                "release",
                "next",
                "--reason",
                "r",
                "--override",
                "known-adress",
            ],
            "known-address",
        ),
        (&["guide", "first-swp"], "first-swap"),
        (&["man", "statsu"], "status"),
        (&["help", "statsu"], "status"),
    ] {
        let told = stage.run(arguments);
        assert!(
            told.starts_with("exit 64") || told.starts_with("exit 1\n"),
            "{told}"
        );
        let told = told.to_lowercase();
        let said = [
            format!("did you mean `{meant}`"),
            format!("a similar value exists: '{meant}'"),
        ];
        assert!(
            said.iter().any(|said| told.contains(said)),
            "{meant}: {told}"
        );
    }
}

#[test]
fn the_history_of_an_environment_that_is_none_is_no_empty_history() {
    let stage = Stage::sop();
    says(
        &stage,
        &["history", "-e", "lvie"],
        &["exit 64", "no environment `lvie`", "did you mean `live`?"],
    );
    says(
        &stage,
        &["history", "-e", "live"],
        &["exit 0", "No run of `live` has a journal"],
    );
    // What a topology has no more, its runs still have.
    stage.answer(&SWAP);
    let text = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let renamed = stage.write("topology.yaml", &text.replace("  live:\n", "  gone:\n"));
    let stage = stage.with("GIGADB_TOPOLOGY", renamed.to_str().unwrap());
    says(&stage, &["history", "-e", "live"], &["exit 0", "completed"]);
}

#[test]
fn revert_last_takes_back_what_was_done_last_and_only_once() {
    let stage = Stage::sop();
    says(
        &stage,
        &["revert", "--last", "-y"],
        &[
            "exit 1",
            "There is no run that this command can go on from.",
        ],
    );
    stage.answer(&SWAP);
    stage.answer(&["swap", "-e", "staging", "-y"]);
    says(
        &stage,
        &["revert", "--last", "-e", "live", "-y"],
        &["exit 0", "The last run is RUN: live"],
    );
    let status = stage.answer(&["status", "-e", "live"]);
    assert!(status.contains("production   gigadb-website"), "{status}");
    // Typed twice, it does not trade the roles once more.
    let writes = stage.writes();
    says(
        &stage,
        &["revert", "--last", "-e", "live", "-y"],
        &[
            "exit 1",
            "put back what run RUN had changed",
            "gigadb-roles revert RUN",
        ],
    );
    assert_eq!(stage.writes(), writes);
    says(&stage, &["revert", "--last", "-y"], &["exit 1"]);
    says(
        &stage,
        &["revert", "--last", "-e", "staging", "-y"],
        &["exit 0"],
    );
    says(&stage, &["revert"], &["exit 64", "<ID"]);
    says(&stage, &["revert", "x", "--last"], &["exit 64"]);
}

#[test]
fn resume_last_completes_what_did_not_end_well() {
    let stage = Stage::sop();
    interrupted_run(&stage);
    says(
        &stage,
        &["resume", "--last", "-y"],
        &["exit 0", "The last run is RUN: live"],
    );
    says(
        &stage,
        &["resume", "--last", "-y"],
        &[
            "exit 1",
            "There is no run that this command can go on from.",
        ],
    );
}

/// The document on stdout of a run that failed.
fn document(stage: &Stage, code: i32, arguments: &[&str]) -> Value {
    let answer = stage.answer_with(code, arguments);
    let mut lines = answer.trim().lines();
    // Runs tell so in their last line.
    let text = if answer.starts_with("{\n") {
        answer.clone()
    } else {
        lines.next_back().unwrap_or_default().to_owned()
    };
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {answer}"))
}

#[test]
fn programs_read_usage_and_topology_errors_as_json() {
    let stage = Stage::sop();
    let schema = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/error.schema.json"
    ));
    let schema = serde_json::from_str(&schema.unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let broken = stage.write("broken.yaml", "version: 7\n");
    let broken = broken.to_str().unwrap();
    for (code, arguments) in [
        (64, &["status", "--format", "json", "--nonsense"][..]),
        (64, &["--format=json", "statsu"]),
        (64, &["plan", "--swap", "--format", "json"]),
        (64, &["plan", "-e", "lve", "--swap", "--format", "json"]),
        (64, &["check", "--format", "json", "--colour"]),
        (64, &["history", "-e", "nope", "--format", "json"]),
        (
            1,
            &["status", "--format", "json", "--topology", "/no/such/file"],
        ),
        (
            1,
            &[
                "plan",
                "-e",
                "live",
                "--swap",
                "--format",
                "json",
                "--topology",
                broken,
            ],
        ),
        (1, &["inventory", "--format", "json", "--topology", broken]),
    ] {
        let document = document(&stage, code, arguments);
        assert!(schema.is_valid(&document), "{arguments:?}: {document:#}");
        assert_eq!(document["exit_code"], code, "{arguments:?}");
        assert_eq!(document["error"]["changed"], "Nothing was changed.");
    }
    for (code, arguments) in [
        (64, &["swap", "--format", "json", "--nonsense"][..]),
        (64, &["swap", "--format", "json", "-y"]),
        (64, &["revert", "--format", "json"]),
        (
            1,
            &[
                "swap",
                "-e",
                "live",
                "-y",
                "--format",
                "json",
                "--topology",
                broken,
            ],
        ),
    ] {
        let line = document(&stage, code, arguments);
        assert_eq!(line["event"], "outcome", "{arguments:?}: {line:#}");
        assert_eq!(line["exit_code"], code, "{arguments:?}");
        assert_eq!(line["command"], arguments[0]);
    }
    // Behind an answer there is no second document.
    stage.set_record("gigadb.org", "192.0.2.7");
    for what in ["consistent", "clear"] {
        let arguments = [
            "status",
            "-e",
            "live",
            "--require",
            what,
            "--format",
            "json",
        ];
        let answer = document(&stage, 1, &arguments);
        assert_eq!(
            answer["environments"]["live"]["status"], "unknown",
            "{answer:#}"
        );
    }
    // People read it on stderr alone.
    assert_eq!(stage.output(&["status", "--nonsense"]).stdout, b"");
}
