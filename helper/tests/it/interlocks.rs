//! The interlocks of a release: each is broken here, and what it guards is not done.

use std::{
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use gigadb_engine::release::{Interlock, Kind};
use gigadb_simulator::{
    Simulator,
    world::{ALT_PROJECT, Deployment, PROJECT},
};

use crate::{
    release::{
        confirm, document, next, release, stage, start, started_jobs, trace, up_to_the_probe,
        up_to_the_swap,
    },
    stage::Stage,
};

/// A step that was refused by that interlock: with its name, in four parts.
#[track_caller]
pub(crate) fn refused(told: &str, interlock: &str) {
    for part in [
        &format!("error: [{interlock}] "),
        "\n  on:      ",
        "\n  changed: Nothing was changed.",
        "\n  next:    ",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

/// Another branch was deployed to live of that project, by hand.
pub(crate) fn deployed_by_hand(simulator: &Simulator, project: &str, reference: &str) {
    simulator.edit(|world| {
        let project = world.gitlab.project_mut(project).unwrap();
        let id = project
            .deployments
            .iter()
            .map(|one| one.id)
            .max()
            .unwrap_or(0)
            + 1;
        project.deployments.push(Deployment {
            id,
            iid: id,
            environment: "live".to_owned(),
            status: "success".to_owned(),
            reference: reference.to_owned(),
            sha: "5f3c1d0e9b8a79685746352413029f8e7d6c5b4a".to_owned(),
            created_at: "2026-11-29T08:00:00.000Z".to_owned(),
            updated_at: "2026-11-29T08:00:00.000Z".to_owned(),
            deployable: None,
        });
    });
}

/// A call of `release next` that goes on while the test does.
pub(crate) fn started_next(stage: &Stage) -> Child {
    let words = [
        "release",
        "next",
        "-e",
        "live",
        "--yes",
        "--interval",
        "0.01",
    ];
    let mut command = stage.command(&words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for something that another process does.
#[track_caller]
pub(crate) fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < Duration::from_mins(1), "it did not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Lets the command `pause_sync` go on until the file `go` is there.
pub(crate) fn held_up(stage: &Stage) {
    let topology = std::fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let waiting = "echo begun >> trace; while ! test -e go; do sleep 0.05; done; echo paused";
    stage.write("topology.yaml", &topology.replace("echo paused", waiting));
}

#[test]
fn nothing_is_deployed_beside_a_deployment_by_hand() {
    let stage = stage();
    start(&stage, "simple");
    let hands = |status: &str, looks: u32| {
        let status = status.to_owned();
        stage.simulator.edit(move |world| {
            let mut jobs = world.gitlab.projects[0].jobs.iter_mut();
            let job = jobs.find(|job| job.name == "build_live").unwrap();
            job.run.as_mut().unwrap().looks = looks;
            job.status = status;
        });
    };
    for status in ["running", "scheduled"] {
        hands(status, 1_000);
        let told = release(&stage, 1, &["next", "--yes", "--interval", "0.01"]);
        refused(&told, "one-deployment");
        assert_eq!(started_jobs(&stage), 0);
    }
    hands("canceled", 1);
    next(&stage);
}

#[test]
fn production_is_not_deployed_before_the_hot_standby_carries_the_release() {
    let stage = stage();
    start(&stage, "simple");
    next(&stage);
    confirm(&stage, "validate-technical", "Ada");
    deployed_by_hand(&stage.simulator, ALT_PROJECT, "v4.3.9");
    let before = started_jobs(&stage);
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "standby-first");
    assert!(
        told.contains("`alt-gigadb-website` carries `v4.3.9`"),
        "{told}"
    );
    assert_eq!(started_jobs(&stage), before);
}

#[test]
fn nothing_is_restored_onto_production() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    next(&stage);
    next(&stage);
    stage.trade_records();
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "restore-off-production");
    // Not known is not well.
    stage.set_record("gigadb.org", "192.0.2.9");
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "restore-off-production");
    assert!(!trace(&stage).contains("restored"), "{}", trace(&stage));
}

#[test]
fn what_nobody_validated_is_not_swapped_to() {
    let stage = stage();
    up_to_the_probe(&stage);
    deployed_by_hand(&stage.simulator, ALT_PROJECT, "v4.4.1");
    let before = stage.simulator.world().cloudflare;
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "validated-before-swap");
    assert!(
        told.contains("carries `v4.4.1` now, which nobody validated"),
        "{told}"
    );
    assert_eq!(stage.simulator.world().cloudflare, before);
    // By its name, and once.
    let word = ["next", "--yes", "--override", "validated-before-swap"];
    let usage = release(&stage, 64, &word);
    assert!(usage.contains("--reason"), "{usage}");
    let told = release(
        &stage,
        0,
        &[&word[..], &["--reason", "one typo fixed"]].concat(),
    );
    assert!(told.contains("Step `swap` is done"), "{told}");
    assert!(document(&stage).to_string().contains("one typo fixed"));
}

#[test]
fn a_side_to_which_nothing_was_deployed_is_not_swapped_to() {
    let stage = stage();
    up_to_the_probe(&stage);
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(ALT_PROJECT).unwrap();
        project.deployments.clear();
    });
    let before = stage.simulator.world().cloudflare;
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "validated-before-swap");
    assert!(
        told.contains("GitLab knows of no deployment to `alt-gigadb-website` that succeeded."),
        "{told}"
    );
    assert_eq!(stage.simulator.world().cloudflare, before);
}

#[test]
fn no_backup_is_turned_on_against_the_roles() {
    let stage = stage();
    up_to_the_swap(&stage);
    next(&stage);
    let traded_back = ["swap", "-e", "live", "--yes"];
    stage.answer(&traded_back);
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "sync-by-role");
    assert!(!trace(&stage).contains("backups on"), "{}", trace(&stage));
}

#[test]
fn a_step_that_somebody_is_at_is_not_taken_twice() {
    let stage = stage();
    held_up(&stage);
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    let mut first = started_next(&stage);
    until(|| trace(&stage).contains("begun"));
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "step-held");
    let back = release(&stage, 1, &["back"]);
    refused(&back, "step-held");
    // A run that is surely gone holds nothing.
    first.kill().unwrap();
    first.wait().unwrap();
    stage.write("go", "");
    let told = next(&stage);
    assert!(told.contains("Step `pause-sync` is done"), "{told}");
}

#[test]
fn of_two_who_take_a_step_at_once_one_does() {
    let stage = stage();
    held_up(&stage);
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    let two = [started_next(&stage), started_next(&stage)];
    until(|| trace(&stage).contains("begun"));
    // Both have asked by the time that one of them is told that it was too late.
    let ended = two.map(|one| thread::spawn(move || one.wait_with_output().unwrap()));
    until(|| ended.iter().any(thread::JoinHandle::is_finished));
    stage.write("go", "");
    let ended = ended.map(|one| one.join().unwrap());
    let mut codes = ended.each_ref().map(|output| output.status.code());
    codes.sort_unstable();
    let told: Vec<String> = ended.iter().map(|output| stage.told(output)).collect();
    assert_eq!(codes, [Some(0), Some(1)], "{told:?}");
    assert_eq!(trace(&stage).matches("begun").count(), 1, "{told:?}");
}

#[test]
fn the_way_back_is_closed_once_the_former_production_was_deployed() {
    let stage = stage();
    up_to_the_swap(&stage);
    for _ in 0..3 {
        next(&stage);
    }
    let told = release(&stage, 1, &["back"]);
    refused(&told, "former-untouched");
    let waived = [
        "back",
        "--override",
        "former-untouched",
        "--reason",
        "it is lost",
    ];
    let told = release(&stage, 0, &waived);
    assert!(told.contains("Next is `swap-back`"), "{told}");
    let back = &document(&stage)["back"];
    assert_eq!(back["reason"], "it is lost");
    assert_eq!(back["overrides"][0]["interlock"], "former-untouched");
    let status = release(&stage, 0, &["status"]);
    let kept = "`former-untouched` overridden: it is lost\n";
    assert!(status.contains(kept), "{status}");
    assert_eq!(
        stage
            .simulator
            .world()
            .gitlab
            .project(PROJECT)
            .unwrap()
            .deployments
            .last()
            .unwrap()
            .reference,
        "v4.4.0"
    );
}

#[test]
fn there_is_no_way_back_before_the_roles_are_traded() {
    let stage = stage();
    start(&stage, "complex");
    let told = release(&stage, 1, &["back"]);
    assert!(
        told.contains("No roles were traded: `gigadb-website` is production"),
        "{told}"
    );
    assert!(told.contains("release abandon"), "{told}");
    // Traded by hand, there is something to go back from.
    stage.trade_records();
    let told = release(&stage, 0, &["back"]);
    assert!(told.contains("Next is `swap-back`"), "{told}");
}

#[test]
fn roles_that_were_traded_outside_stop_a_release() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    stage.trade_records();
    let told = release(&stage, 1, &["next", "--yes", "--interval", "0.01"]);
    refused(&told, "roles-as-left");
    assert_eq!(trace(&stage), "");
    let told = release(&stage, 1, &["abandon", "--reason", "an incident"]);
    assert!(
        told.contains("The embargo on changes to production stands."),
        "{told}"
    );
    assert!(
        told.contains("`alt-gigadb-website` is production"),
        "{told}"
    );
    // A simple release has no way back, and none is advised.
    let stage = crate::release::stage();
    start(&stage, "simple");
    stage.trade_records();
    let told = release(&stage, 1, &["next", "--yes", "--interval", "0.01"]);
    assert!(told.contains("[roles-as-left]"), "{told}");
    assert!(!told.contains("release back"), "{told}");
}

#[test]
fn one_person_does_not_validate_for_both_teams() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    for _ in 0..4 {
        next(&stage);
    }
    confirm(&stage, "validate-business", "Ada Example");
    let same = ["confirm", "validate-technical", "--by", " ada  example"];
    let told = release(&stage, 1, &same);
    refused(&told, "two-people");
    let reason = ["--override", "two-people", "--reason", "she is both teams"];
    release(&stage, 0, &[&same[..], &reason].concat());
    assert!(document(&stage).to_string().contains("she is both teams"));
}

#[test]
fn the_page_names_every_step_and_interlock() {
    let page = include_str!("../../../docs/reference/release.md");
    let words = Kind::ALL.iter().map(|kind| kind.as_str());
    let words = words.chain(Interlock::ALL.iter().map(|one| one.as_str()));
    for word in words {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
    // Each interlock is broken by a test, which the page names.
    let tests = include_str!("interlocks.rs");
    for interlock in Interlock::ALL {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{interlock}`")));
        let test = row.unwrap().rsplit('`').nth(1).unwrap();
        let body = tests.split(&format!("fn {test}()")).nth(1).unwrap();
        let body = body.split("#[test]").next().unwrap();
        assert!(body.contains(interlock.as_str()), "{interlock}: {test}");
        let section = format!("\n### `{interlock}`\n");
        assert!(page.contains(&section), "{interlock} has no section");
    }
}
