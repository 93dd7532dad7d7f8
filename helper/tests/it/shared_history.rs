//! The history that is shared: what a run leaves in the state whose lock its lease was.

use std::time::{Duration, Instant};

use gigadb_simulator::{Api, Effect, Fault, world::PROJECT};
use serde_json::{Value, json};

use crate::lease::locked;
use crate::lines::check;
use crate::pages;
use crate::runs::SWAP;
use crate::stage::Stage;

const STATE: &str = "gigadb-roles-live";

/// A stage whose topology has a lock, where an operator is known by name.
fn of_ada() -> Stage {
    locked().with("USER", "ada")
}

/// The same world for somebody else, who has none of its journals.
fn elsewhere(stage: Stage) -> Stage {
    let folder = stage.folder().join("elsewhere");
    stage.with("GIGADB_JOURNAL_DIR", folder.to_str().unwrap())
}

/// Requests for the state itself, and not for its lock.
fn of_the_state(effect: Effect) -> Fault {
    Fault::new(effect)
        .api(Api::Gitlab)
        .template("/projects/{id}/terraform/state/{name}")
        .path_contains(STATE)
}

fn versions(stage: &Stage) -> Vec<String> {
    let world = stage.simulator.world();
    let states = &world.gitlab.project(PROJECT).unwrap().terraform_states;
    let state = states.get(STATE);
    state.map_or_else(Vec::new, |state| state.versions.values().cloned().collect())
}

fn put(stage: &Stage, document: &Value) {
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        let state = project.terraform_states.entry(STATE.to_owned());
        let versions = &mut state.or_default().versions;
        versions.insert(7, document.to_string());
    });
}

fn left(list: &Value) -> Value {
    json!({
        "version": 4, "terraform_version": "1.5.0", "serial": 7, "lineage": "a",
        "outputs": { "history": { "value": list.to_string(), "type": "string" } },
        "resources": [], "check_results": null,
    })
}

#[test]
fn runs_of_other_machines_are_listed_beside_ones_own() {
    let stage = of_ada();
    stage.answer(&[&SWAP[..], &["--reason", "release 4.4"]].concat());
    let own = stage.answer(&["history"]);
    assert!(own.contains("ada@"), "{own}");
    let first = stage.last_run();

    let stage = elsewhere(stage).with("USER", "grace");
    let local = stage.answer(&["history", "--local"]);
    assert!(local.contains("No runs have a journal in"), "{local}");
    let of_ada = stage.answer(&["history"]);
    for word in [
        "BY",
        "ada@",
        "completed",
        "production alt-gigadb-website",
        "release 4.4",
    ] {
        assert!(of_ada.contains(word), "{word}: {of_ada}");
    }
    stage.answer(&["swap", "-e", "live", "--yes"]);
    let both = stage.answer(&["history", "-e", "live"]);
    let rows: Vec<&str> = both.lines().collect();
    assert_eq!(rows.len(), 3, "{both}");
    assert!(rows[1].contains("production gigadb-website"), "{both}");
    assert!(rows[1].contains("grace@"), "{both}");
    assert!(rows[2].contains("ada@"), "{both}");
    let staging = stage.answer(&["history", "-e", "staging"]);
    assert!(staging.contains("No run of `staging`"), "{staging}");

    let document = stage.answer(&["history", "--format", "json"]);
    let document: Value = serde_json::from_str(&document).unwrap();
    check("history", &document);
    let journals = ["/runs/0/journal", "/runs/1/journal"].map(|at| document.pointer(at).cloned());
    assert_eq!(journals, [Some(true.into()), Some(false.into())]);
    assert_eq!(document["runs"][1]["id"], first.as_str());

    // Who, what, when and how; no address and no value.
    let text = versions(&stage).pop().unwrap();
    assert_eq!(text.matches("switchover").count(), 2, "{text}");
    for value in ["198.51.100.", "203.0.113.", "http", "live.gigadb"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    // What was done elsewhere is gone on from there.
    let resumed = stage.run(&["revert", &first]);
    assert!(resumed.contains("No such run has a journal"), "{resumed}");
}

#[test]
fn a_summary_that_cannot_be_left_changes_nothing_of_the_run() {
    let well = of_ada();
    let told = well.answer(&SWAP);
    for effect in [
        Effect::Refuse,
        Effect::ServerError,
        Effect::ResetBeforeCommit,
        Effect::ResetAfterCommit,
        Effect::Hang,
    ] {
        for method in ["GET", "POST"] {
            let stage = of_ada();
            let fault = of_the_state(effect.clone()).method(method);
            stage.simulator.fault(fault.always());
            let began = Instant::now();
            assert_eq!(stage.answer(&SWAP), told, "{effect:?} {method}");
            assert!(began.elapsed() < Duration::from_secs(8), "{effect:?}");
            let lock = |world: &gigadb_simulator::World| {
                let project = world.gitlab.project(PROJECT).unwrap();
                project.terraform_states[STATE].lock.clone()
            };
            assert_eq!(lock(&stage.simulator.world()), None, "{effect:?} {method}");
        }
    }
}

#[test]
fn what_is_no_history_is_left_alone() {
    let newer = left(&json!({ "format_version": 2, "runs": [] }));
    let theirs = json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 7, "lineage": "theirs",
        "outputs": {}, "resources": [{ "type": "null_resource" }], "check_results": null,
    });
    for (document, why) in [
        (newer, "has version 2 of the history of runs"),
        (theirs, "holds something else than a history of runs"),
    ] {
        let stage = of_ada();
        put(&stage, &document);
        stage.answer(&SWAP);
        assert_eq!(versions(&stage), [document.to_string()]);
        let told = stage.run(&["history"]);
        assert!(told.starts_with("exit 0\n"), "{told}");
        assert!(told.contains(why), "{told}");
        assert!(told.contains("production alt-gigadb-website"), "{told}");
    }
}

#[test]
fn a_gitlab_that_does_not_answer_leaves_the_runs_of_this_machine() {
    let stage = of_ada();
    stage.answer(&SWAP);
    stage.simulator.fault(of_the_state(Effect::Hang).always());
    let began = Instant::now();
    let told = stage.run(&["history"]);
    assert!(began.elapsed() < Duration::from_secs(5), "{told}");
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(told.contains("completed"), "{told}");
    assert!(
        told.contains("Runs of other machines are not listed"),
        "{told}"
    );
    stage.simulator.clear_faults();
    let told = stage.without("GITLAB_TOKEN").run(&["history"]);
    assert!(told.contains("completed"), "{told}");
    assert!(told.contains("GITLAB_TOKEN"), "{told}");
}

#[test]
fn a_topology_that_cannot_be_read_leaves_the_runs_of_this_machine() {
    let stage = of_ada();
    stage.answer(&SWAP);
    let before = std::fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    stage.write(
        "topology.yaml",
        &before.replacen("version: 1", "version: 7", 1),
    );
    let told = stage.run(&["history"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(told.contains("completed"), "{told}");
    assert!(
        told.contains("Runs of other machines are not listed."),
        "{told}"
    );
    assert!(told.contains("topology.yaml:"), "{told}");
}

#[test]
fn what_was_open_when_it_was_written_is_not_open_for_ever() {
    let run = |id: &str, ended: &str, until: &str| {
        json!({
            "id": id, "started": "2026-11-29T09:00:00Z", "environment": "live",
            "production": "gigadb-website", "hot_standby": "alt-gigadb-website",
            "mode": "switchover", "program": "gigadb-roles 0.1.0", "resumes": null,
            "reverts": null, "reason": null, "ended": ended, "open_until": until, "in_force": 8,
            "perhaps_in_force": 1, "requests": 10, "by": "ada@bastion",
        })
    };
    let stage = of_ada();
    let over = run(
        "20201129T090000000Z-live-0a1b",
        "open",
        "2020-11-29T09:02:00Z",
    );
    let open = run(
        "20991129T090000000Z-live-0a1b",
        "open",
        "2099-11-29T09:02:00Z",
    );
    put(
        &stage,
        &left(&json!({ "format_version": 1, "runs": [over, open] })),
    );
    let told = stage.answer(&["history"]);
    let rows: Vec<&str> = told.lines().skip(1).collect();
    assert!(rows[0].contains("open until 2099"), "{told}");
    assert!(
        rows[1].contains("partly applied: 8 of 10 in force, 1 perhaps"),
        "{told}"
    );
}

#[test]
fn what_others_left_reaches_no_terminal_raw() {
    let run = |id: &str, text: &str| {
        json!({
            "id": id, "started": text, "environment": text, "production": text,
            "hot_standby": text, "mode": "failover", "program": text, "resumes": null,
            "reverts": null, "reason": text, "ended": text, "open_until": text, "in_force": 0,
            "perhaps_in_force": 1, "requests": 2, "by": text,
        })
    };
    let stage = of_ada();
    let hostile = run("20261129T090000000Z-live-0a1b", "a\u{1b}[31m\u{202e}b\nc");
    // What is no run of this version's is passed over.
    let runs = json!([{ "id": "../../etc" }, "run", hostile]);
    put(&stage, &left(&json!({ "format_version": 1, "runs": runs })));
    let told = stage.run(&["history"]);
    assert!(
        told.contains("20261129T090000000Z") || told.contains("RUN"),
        "{told}"
    );
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
    assert_eq!(told.lines().count(), 4, "{told}");
}

/// The page is for people who do not run the program, and tells what `history` tells.
#[test]
fn the_page_of_a_status_lists_runs_of_other_machines_too() {
    let stage = of_ada();
    stage.answer(&[&SWAP[..], &["--reason", "release 4.4"]].concat());
    let stage = elsewhere(stage);
    let page = stage.answer(&pages::STATUS);
    pages::stands_alone(&page);
    for part in [
        "Past runs",
        "production alt-gigadb-website",
        "release 4.4",
        "ada@",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("are not listed"), "{page}");

    let hostile = json!({
        "id": "20261129T090000000Z-live-0a1b", "started": "</td><script>", "environment": "live",
        "production": "<img src=x>", "hot_standby": "", "mode": "failover", "program": "",
        "resumes": null, "reverts": null, "reason": "\u{202e}\u{1b}[2J<b>", "ended": "&lt;",
        "open_until": null, "in_force": 0, "perhaps_in_force": 0, "requests": 1, "by": "<script>",
    });
    put(
        &stage,
        &left(&json!({ "format_version": 1, "runs": [hostile] })),
    );
    let page = stage.answer(&pages::STATUS);
    pages::stands_alone(&page);
    assert!(page.contains("failover to &lt;img src=x&gt;"), "{page}");

    stage.simulator.fault(of_the_state(Effect::Hang).always());
    let began = Instant::now();
    let page = stage.answer(&pages::STATUS);
    assert!(began.elapsed() < Duration::from_secs(8), "{page}");
    assert!(
        page.contains("Runs of other machines are not listed: the "),
        "{page}"
    );
}

#[test]
fn a_state_keeps_the_last_hundred() {
    let stage = of_ada();
    let one = json!({ "of": "a newer program" });
    let list = json!({ "format_version": 1, "runs": vec![one; 100] });
    put(&stage, &left(&list));
    stage.answer(&SWAP);
    let text = versions(&stage).pop().unwrap();
    assert_eq!(text.matches("a newer program").count(), 99);
    assert_eq!(text.matches("switchover").count(), 1);
}
