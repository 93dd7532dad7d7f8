//! Rule `separate-credentials`: both sides on one AWS access key are not swapped.

use gigadb_simulator::world::{
    ACCESS_KEY_ID_ALT, ACCESS_KEY_ID_UPSTREAM, SECRET_KEY_ALT, SECRET_KEY_UPSTREAM,
};

use crate::stage::{Stage, text};

const FOUND: &str = "Both sides use one AWS access key.";

/// The procedure's stage with both profiles on one key.
fn stage() -> Stage {
    let stage = Stage::sop();
    let file = stage.folder().join("credentials");
    let credentials = std::fs::read_to_string(&file).unwrap();
    let credentials = credentials
        .replace(ACCESS_KEY_ID_ALT, ACCESS_KEY_ID_UPSTREAM)
        .replace(SECRET_KEY_ALT, SECRET_KEY_UPSTREAM);
    std::fs::write(&file, credentials).unwrap();
    stage
}

#[test]
fn one_key_for_both_sides_stops_plan_and_swap_until_it_is_waived() {
    let stage = stage();
    let swap = ["--environment", "live", "--swap"];
    let plan = stage.output(&[&["plan"], swap.as_slice()].concat());
    assert_eq!(plan.status.code(), Some(1));
    for part in [
        "separate-credentials",
        FOUND,
        "(profile `UpstreamAlt`)",
        "IAM console",
    ] {
        assert!(text(&plan.stdout).contains(part), "{}", stage.told(&plan));
    }
    let swapped = stage.output(&["swap", "--environment", "live", "--yes"]);
    assert_eq!(swapped.status.code(), Some(1), "{}", stage.told(&swapped));
    assert!(
        text(&swapped.stderr).contains(FOUND),
        "{}",
        stage.told(&swapped)
    );
    let writes = |stage: &Stage| {
        stage
            .simulator
            .requests()
            .iter()
            .filter(|one| one.is_write())
            .count()
    };
    assert_eq!(writes(&stage), 0);

    let waive = ["--override", "separate-credentials"];
    let plan = stage.output(&[&["plan"], swap.as_slice(), &waive].concat());
    assert_eq!(plan.status.code(), Some(2), "{}", stage.told(&plan));
    assert!(
        text(&plan.stdout).contains("waived"),
        "{}",
        stage.told(&plan)
    );
    let swapped = stage.output(
        &[
            &["swap", "--environment", "live", "--yes"],
            waive.as_slice(),
        ]
        .concat(),
    );
    assert_eq!(swapped.status.code(), Some(0), "{}", stage.told(&swapped));
    assert!(writes(&stage) > 0);
}

/// Keys are judged when a plan is carried out, not only when it was made: whoever put both
/// profiles on one key meanwhile is told by every command that writes.
#[test]
fn a_saved_plan_and_the_way_back_are_judged_by_the_keys_of_now() {
    let stage = Stage::sop();
    let file = stage.folder().join("credentials");
    let apart = std::fs::read_to_string(&file).unwrap();
    let one = apart
        .replace(ACCESS_KEY_ID_ALT, ACCESS_KEY_ID_UPSTREAM)
        .replace(SECRET_KEY_ALT, SECRET_KEY_UPSTREAM);
    let refused = |command: &[&str]| {
        std::fs::write(&file, &one).unwrap();
        stage.simulator.clear_requests();
        let output = stage.output(command);
        assert_eq!(output.status.code(), Some(1), "{}", stage.told(&output));
        assert!(
            text(&output.stderr).contains(FOUND),
            "{}",
            stage.told(&output)
        );
        let requests = stage.simulator.requests();
        assert!(!requests.iter().any(|one| one.is_write()));
        std::fs::write(&file, &apart).unwrap();
    };
    let plan = [
        "plan",
        "--environment",
        "live",
        "--swap",
        "--out",
        "swap.json",
    ];
    assert_eq!(stage.output(&plan).status.code(), Some(2));
    refused(&["apply", "swap.json"]);
    let applied = stage.output(&["apply", "swap.json"]);
    assert_eq!(applied.status.code(), Some(0), "{}", stage.told(&applied));
    let history = stage.output(&["history", "--format", "json"]);
    let history: serde_json::Value = serde_json::from_slice(&history.stdout).unwrap();
    let run = history["runs"][0]["id"].as_str().unwrap().to_owned();
    refused(&["revert", &run, "--yes"]);
}
