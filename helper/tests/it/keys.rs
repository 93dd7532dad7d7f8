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
