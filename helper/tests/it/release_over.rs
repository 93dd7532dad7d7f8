//! What happens to a release from outside: it is ended while a step of it runs, or what it releases
//! moves.

use std::{process::Stdio, thread};

use gigadb_simulator::{World, world::ALT_PROJECT};

use crate::{
    release::{document, release, start, started_jobs, up_to_prepare, up_to_the_probe},
    stage::{Stage, text},
};

/// Starts the deployment of a simple release, and returns what it says in the end, and its code, where
/// `meanwhile` is done after its first job was started.
fn while_it_deploys(stage: &Stage, meanwhile: impl Fn()) -> (Option<i32>, String) {
    let looks = |looks: u32| {
        stage.simulator.edit(|world: &mut World| {
            for project in &mut world.gitlab.projects {
                let mut jobs = project.jobs.iter_mut();
                let job = jobs.find(|job| job.name == "build_live").unwrap();
                job.run.as_mut().unwrap().looks = looks;
            }
        });
    };
    looks(1_000_000);
    let words = [
        "release",
        "next",
        "-e",
        "live",
        "--yes",
        "--interval",
        "0.05",
    ];
    let child = stage
        .command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while started_jobs(stage) == 0 {
        thread::yield_now();
    }
    meanwhile();
    looks(1);
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), told)
}

#[test]
fn no_further_job_is_started_for_a_release_that_was_abandoned() {
    let stage = crate::release::stage();
    start(&stage, "simple");
    let (code, told) = while_it_deploys(&stage, || {
        let told = release(&stage, 1, &["abandon", "--yes", "--reason", "enough"]);
        let who = "began step `deploy-standby` at 20";
        assert!(told.contains("warning: `") && told.contains(who), "{told}");
    });
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("Job `ld_gigadb` was not started: release `v4.4.0` was abandoned by "),
        "{told}"
    );
    assert!(told.contains("and that is not noted."), "{told}");
    assert_eq!(started_jobs(&stage), 1);
}

#[test]
fn the_end_of_a_step_is_not_noted_in_another_release() {
    let stage = crate::release::stage();
    start(&stage, "simple");
    let (code, told) = while_it_deploys(&stage, || {
        release(&stage, 1, &["abandon", "--yes", "--reason", "enough"]);
        start(&stage, "complex");
    });
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("Job `ld_gigadb` was not started: release `v4.4.0` was begun by "),
        "{told}"
    );
    assert_eq!(started_jobs(&stage), 1);
    let now = document(&stage);
    let steps = now["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["entry"].is_null()), "{now:#}");
}

/// Whoever gives a release up in the middle of somebody's step is told so, and has to mean it.
#[test]
fn a_release_is_given_up_in_the_middle_of_a_step_by_those_alone_who_mean_it() {
    let held = "began step `deploy-standby` at 20";
    let further = "Where that run goes on, it starts no further job";
    let stage = crate::release::stage();
    start(&stage, "simple");
    let (code, told) = while_it_deploys(&stage, || {
        let told = release(&stage, 1, &["abandon"]);
        for part in [
            "[step-held] `",
            held,
            "release abandon -e live` with --yes.",
        ] {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
        // On a terminal it is asked.
        for (typed, exit) in [("yes", 1), ("abandon", 1)] {
            let mut terminal = stage.on_terminal(160, &["release", "abandon", "-e", "live"]);
            terminal.wait_for("Type `abandon`");
            let is_under_way = document(&stage)["ended"].is_null();
            assert!(is_under_way);
            terminal.keys(&format!("{typed}\r"));
            let (code, told) = terminal.end();
            assert_eq!(code, exit, "{told}");
            assert!(told.contains(held) && told.contains(further), "{told}");
            let ended = !document(&stage)["ended"].is_null();
            assert_eq!(ended, typed == "abandon", "{told}");
        }
    });
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(started_jobs(&stage), 1);

    // With the word that it is over, nobody is asked; with none under way neither.
    let stage = crate::release::stage();
    start(&stage, "simple");
    while_it_deploys(&stage, || {
        let over = ["--override", "step-held", "--reason", "it hangs"];
        release(&stage, 1, &[&["abandon"], &over[..]].concat());
    });
    start(&stage, "simple");
    let told = release(&stage, 0, &["abandon"]);
    assert!(!told.contains("began step"), "{told}");
}

/// A branch or a tag can move after the validation: another commit is neither built nor swapped to.
#[test]
fn a_commit_that_nobody_validated_is_neither_built_nor_swapped_to() {
    let moved = "b".repeat(40);
    let stage = crate::release::stage();
    up_to_the_probe(&stage);
    stage.simulator.edit(|world: &mut World| {
        let project = world.gitlab.project_mut(ALT_PROJECT).unwrap();
        let mut last = project.deployments.last().unwrap().clone();
        (last.id, last.iid) = (last.id + 1, last.iid + 1);
        last.sha.clone_from(&moved);
        project.deployments.push(last);
    });
    let told = release(&stage, 1, &["next", "--yes"]);
    let why = "[validated-before-swap] `v4.4.0` of `alt-gigadb-website` is commit `bbbbbbbbbbbb` now, and `";
    assert!(told.contains(why), "{told}");

    let stage = crate::release::stage();
    up_to_prepare(&stage);
    stage.simulator.edit(|world: &mut World| {
        let project = world.gitlab.project_mut(ALT_PROJECT).unwrap();
        let mut last = project
            .pipelines
            .iter()
            .max_by_key(|one| one.id)
            .unwrap()
            .clone();
        last.id += 1;
        last.sha.clone_from(&moved);
        project.pipelines.push(last);
    });
    let before = started_jobs(&stage);
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(told.contains(why), "{told}");
    assert_eq!(started_jobs(&stage), before);
}
