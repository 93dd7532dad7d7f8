//! `--format json` against the published schemas, judged by a validator nobody here wrote.

use std::{fs, process::Output};

use gigadb_simulator::{Api, Effect, Fault};
use serde_json::{Value, json};

use crate::{
    release,
    stage::{Stage, text},
};

const SWAP: [&str; 6] = ["swap", "--environment", "live", "--yes", "--format", "json"];

/// A published schema that also refuses what it does not name, so that it has to name everything.
fn schema(name: &str) -> jsonschema::Validator {
    let file = format!("{}/../docs/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema), "{name}");
    close(&mut schema);
    jsonschema::draft202012::new(&schema).unwrap()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            if map.get("properties").is_some_and(Value::is_object) {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

pub(crate) fn check(name: &str, document: &Value) {
    let schema = schema(name);
    let errors: Vec<String> = schema
        .iter_errors(document)
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{document:#}");
}

/// The events of a run; each line is one, and the last is the outcome, with this exit code.
fn events(output: &Output) -> Vec<Value> {
    let stdout = text(&output.stdout);
    let lines = stdout.lines();
    let events: Vec<Value> = lines
        .map(|line| {
            assert!(
                line.starts_with("{\"format_version\":1,\"event\":\""),
                "{line}"
            );
            let event = serde_json::from_str(line).unwrap();
            check("run", &event);
            event
        })
        .collect();
    let outcomes = events
        .iter()
        .filter(|event| event["event"] == "outcome")
        .count();
    assert_eq!(outcomes, 1, "{stdout}");
    let last = events.last().unwrap();
    assert_eq!(last["event"], "outcome", "{stdout}");
    assert_eq!(last["exit_code"], json!(output.status.code().unwrap()));
    events
}

fn outcome(output: &Output) -> String {
    events(output).last().unwrap()["outcome"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_run_is_told_event_by_event() {
    let stage = Stage::sop();
    let output = stage.output(&SWAP);
    let events = events(&output);
    let kinds: Vec<&str> = events
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..2], ["planned", "began"]);
    let count = |kind: &str| kinds.iter().filter(|one| **one == kind).count();
    assert_eq!((count("sending"), count("ended")), (10, 10));
    let last = events.last().unwrap();
    assert_eq!(last["outcome"], "completed");
    assert_eq!(last["production"], "alt-gigadb-website");
    assert_eq!(
        (&last["records"], &last["variables"]),
        (&json!(8), &json!(8))
    );
    assert_eq!(events[1]["run"], last["run"]);
    assert!(!last["due"].as_array().unwrap().is_empty());
    let stderr = text(&output.stderr);
    assert_eq!(stderr, "", "programs read stdout");
    let history: Value =
        serde_json::from_str(&stage.answer(&["history", "--format", "json"])).unwrap();
    check("history", &history);
    assert_eq!(history["runs"][0]["id"], last["run"]);
}

#[test]
fn every_ending_has_its_word_and_its_exit_code() {
    let refuse = || {
        Fault::new(Effect::Refuse)
            .api(Api::Cloudflare)
            .method("POST")
    };
    let stage = Stage::sop();
    stage.simulator.fault(refuse());
    assert_eq!(outcome(&stage.output(&SWAP)), "failed");
    stage.simulator.fault(refuse());
    let stop = [&SWAP[..], &["--on-failure", "stop"]].concat();
    let partly = stage.output(&stop);
    assert_eq!(outcome(&partly), "partly_applied");
    let id = events(&partly).pop().unwrap()["run"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        outcome(&stage.output(&["resume", &id, "--format", "json"])),
        "completed"
    );
    assert_eq!(
        outcome(&stage.output(&["resume", &id, "--format", "json"])),
        "no_changes"
    );
    stage.set_record("files.gigadb.org", "192.0.2.7");
    assert_eq!(
        outcome(&stage.output(&["revert", &id, "--format", "json"])),
        "stale"
    );
    let unconfirmed = ["swap", "--environment", "live", "--format", "json"];
    assert_eq!(outcome(&stage.output(&unconfirmed)), "usage");
    let absent = ["apply", "absent.json", "--format", "json"];
    assert_eq!(outcome(&stage.output(&absent)), "failed");
}

#[test]
fn a_failover_tells_what_it_owes() {
    let stage = Stage::sop();
    let gone = Fault::new(Effect::ResetBeforeCommit).always();
    stage
        .simulator
        .fault(gone.api(Api::Gitlab).path_contains("/gigadb-website"));
    let failover = [
        "failover",
        "--environment",
        "live",
        "--production",
        "alt-gigadb-website",
        "--yes",
        "--format",
        "json",
    ];
    let output = stage.output(&failover);
    let last = events(&output).pop().unwrap();
    assert_eq!(
        (last["outcome"].as_str(), last["exit_code"].as_u64()),
        (Some("owed"), Some(3))
    );
    assert_eq!(last["owed"].as_array().unwrap().len(), 4);
}

#[test]
fn a_plan_is_one_document() {
    let stage = Stage::sop();
    stage.set_record("files.gigadb.org", "192.0.2.7");
    let plan = [
        "plan",
        "--environment",
        "live",
        "--production",
        "alt-gigadb-website",
        "--override",
        "permutation",
        "--reason",
        "release 4.4",
        "--format",
        "json",
    ];
    let output = stage.output(&plan);
    assert_eq!(output.status.code(), Some(2), "{}", stage.told(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    check("plan", &document);
    assert_eq!(document["findings"][0]["waived"], true);
    assert_eq!(document["reason"], "release 4.4");
}

#[test]
fn who_has_which_role_and_what_was_checked_are_documents() {
    let stage = Stage::sop();
    let read = |name: &str, arguments: &[&str]| -> Value {
        let output = stage.output(&[arguments, &["--format", "json"]].concat());
        let document = serde_json::from_slice(&output.stdout).unwrap();
        check(name, &document);
        document
    };
    let clear = read("status", &["status"]);
    assert_eq!(
        clear["environments"]["live"]["production"],
        "gigadb-website"
    );
    assert_eq!(read("check", &["check"])["ok"], true);
    // Whatever is null where nothing is known.
    stage.set_record("files.gigadb.org", "192.0.2.7");
    let unclear = read("status", &["status"]);
    assert_eq!(unclear["environments"]["live"]["production"], Value::Null);
    stage
        .simulator
        .fault(Fault::new(Effect::Refuse).api(Api::Gitlab).always());
    let unread = read("status", &["status"]);
    assert_ne!(unread["environments"]["live"]["unread"], json!([]));
    assert_eq!(read("check", &["check"])["ok"], false);
    let mut wrong = clear;
    wrong["environments"]["live"]["status"] = json!("well");
    assert!(!schema("status").is_valid(&wrong));
}

#[test]
fn how_a_release_stands_is_a_document() {
    let stage = release::stage();
    let read = || {
        let document = release::document(&stage);
        check("release", &document);
        document
    };
    assert_eq!(read()["release"], Value::Null);
    release::up_to_the_swap(&stage);
    let swapped = read();
    assert_eq!(swapped["next"]["what"], "do");
    assert_eq!(swapped["roles"]["production"], "alt-gigadb-website");
    assert_eq!(swapped["newest_dump"]["size"], 100);
    // Blocked, and with nothing that can be read.
    stage.set_record("gigadb.org", "192.0.2.7");
    stage.write("dumps", "no list");
    let unclear = read();
    assert_eq!(unclear["next"]["blocks"][0]["interlock"], "roles-as-left");
    release::release(&stage, 1, &["abandon", "--reason", "enough"]);
    let ended = read();
    assert_eq!(ended["ended"]["how"], "abandoned");
    assert!(ended["newest_dump"]["unknown"].is_string());
    let mut wrong = ended;
    wrong["steps"][0]["entry"]["state"] = json!("well");
    assert!(!schema("release").is_valid(&wrong));
}

#[test]
fn a_closed_pipe_does_not_stop_a_run() {
    let stage = Stage::sop();
    let mut child = stage
        .command(&SWAP)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stage.told(&output));
    let status = stage.answer(&["status", "--environment", "live"]);
    assert!(
        status.contains("consistent  production   alt-gigadb-website"),
        "{status}"
    );
}
