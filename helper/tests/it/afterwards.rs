//! What an earlier run left, and what is said and done of it the morning after.

use gigadb_simulator::{Api, Effect, Fault};

use crate::{
    runs::{FAILOVER, SWAP},
    stage::{Stage, text},
};

/// The exit code and everything that was said.
fn told(stage: &Stage, arguments: &[&str]) -> (Option<i32>, String) {
    let output = stage.output(arguments);
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn what_a_failover_owes_is_listed_and_finished_by_the_last_run() {
    let stage = Stage::sop();
    let down = Fault::new(Effect::BadGateway).api(Api::Gitlab).always();
    stage.simulator.fault(down);
    let (code, said) = told(&stage, &FAILOVER);
    assert_eq!(code, Some(3), "{said}");
    stage.simulator.clear_faults();
    let history = stage.answer(&["history"]);
    assert!(history.contains("completed, 8 owed"), "{history}");
    let (code, said) = told(&stage, &["resume", "--last", "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Completed the run of live"), "{said}");
    stage.answer(&["status", "-e", "live", "--require", "consistent"]);
    // Nothing is left of it then.
    let (code, said) = told(&stage, &["resume", "--last", "--yes"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("There is no run"), "{said}");
}

/// A preparation, made by a saved plan.
fn prepared(stage: &Stage) {
    let plan = ["plan", "-e", "live", "--production", "gigadb-website"];
    let prepare = ["--prepare", "alt-gigadb-website", "--out", "prepare.json"];
    stage.answer_with(2, &[&plan[..], &prepare].concat());
    let (code, said) = told(stage, &["apply", "prepare.json"]);
    assert_eq!(code, Some(0), "{said}");
    let line = "set production = \"gigadb-website\" and prepare = \"alt-gigadb-website\", so that";
    assert!(said.contains(line), "{said}");
}

#[test]
fn a_preparation_is_taken_back_where_the_roles_are_as_it_found_them() {
    let stage = Stage::sop();
    prepared(&stage);
    let (code, said) = told(&stage, &["revert", "--last", "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    let line = "set production = \"gigadb-website\", so that";
    assert!(said.contains(line), "{said}");
    stage.answer(&["status", "-e", "live", "--require", "consistent"]);
}

/// What it wrote is right for the roles that somebody traded since, and stays.
#[test]
fn a_preparation_is_not_taken_back_from_what_is_production_since() {
    let stage = Stage::sop();
    prepared(&stage);
    let elsewhere = stage.folder().join("elsewhere").display().to_string();
    let stage = stage.with("GIGADB_JOURNAL_DIR", &elsewhere);
    stage.answer(&SWAP);
    stage.answer(&["status", "-e", "live", "--require", "consistent"]);
    let writes = stage.writes();
    let stage = stage.without("GIGADB_JOURNAL_DIR");
    let (code, said) = told(&stage, &["revert", "--last", "--yes"]);
    assert_eq!(code, Some(4), "{said}");
    let moved =
        "`gigadb.org`: `gigadb-website` after the run, now `alt-gigadb-website (203.0.113.10)`";
    assert!(said.contains(moved), "{said}");
    assert_eq!(stage.writes(), writes);
}
