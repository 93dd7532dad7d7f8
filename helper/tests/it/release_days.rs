//! Bad days of a release: its record, GitLab, operators, terminals and clocks.

use std::io::{BufRead as _, BufReader, Read as _};

use gigadb_simulator::{
    Api, Effect, Fault, World,
    world::{ALT_PROJECT, JobRun, PROJECT, REGION_ALT, StateLock},
};
use serde_json::Value;

use crate::{
    interlocks::{deployed_by_hand, held_up, refused, started_next, until},
    release::{
        confirm, document, next, release, stage, start, started_jobs, trace, up_to_the_probe,
        up_to_the_swap,
    },
    runs::interrupt,
    stage::{Stage, closed_pipe, text},
};

const RECORD: &str = "release-live";

fn state(world: &mut World) -> &mut gigadb_simulator::world::TerraformState {
    let project = world.gitlab.project_mut(PROJECT).unwrap();
    project.terraform_states.get_mut(RECORD).unwrap()
}

/// Writes of the record's state.
fn record_writes() -> Fault {
    Fault::new(Effect::ResetAfterCommit)
        .api(Api::Gitlab)
        .method("POST")
        .template("/projects/{id}/terraform/state/{name}")
        .path_contains(RECORD)
}

#[test]
fn an_answer_to_the_records_write_that_is_lost_is_looked_for() {
    let stage = stage();
    stage.simulator.fault(record_writes().times(3));
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    next(&stage);
    assert_eq!(trace(&stage), "paused live\n");
    let steps = document(&stage)["steps"].to_string();
    assert_eq!(steps.matches("\"done\"").count(), 1, "{steps}");
}

#[test]
fn a_lock_that_somebody_holds_is_named_and_nothing_is_done() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    stage.simulator.edit(|world| {
        state(world).lock = Some(StateLock {
            id: "9db590f1".to_owned(),
            username: "grace".to_owned(),
            created: "2026-11-29T09:00:00.000Z".to_owned(),
        });
    });
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(
        told.contains("its lock is held by `grace` since 2026-11-29"),
        "{told}"
    );
    assert_eq!(trace(&stage), "");
}

#[test]
fn a_record_of_a_newer_program_is_left_alone() {
    let stage = stage();
    start(&stage, "complex");
    stage.simulator.edit(|world| {
        for text in state(world).versions.values_mut() {
            *text = text.replace("\\\"format_version\\\": 1", "\\\"format_version\\\": 2");
        }
    });
    let before = stage.simulator.world();
    for words in [
        &["status"][..],
        &["next", "--yes"],
        &["confirm", "embargo", "--by", "Ada"],
        &["abandon"],
        &["start", "--process", "simple", "--release", "v4.4.0"],
    ] {
        let told = release(&stage, 1, words);
        assert!(
            told.contains("it has version 2, and this program reads up to version 1"),
            "{told}"
        );
    }
    assert_eq!(stage.simulator.world(), before);
}

#[test]
fn what_was_done_while_gitlab_was_gone_is_told_by_facts_later() {
    let stage = stage();
    up_to_the_probe(&stage);
    // The begin is written; then the record cannot be.
    let gone = Fault::new(Effect::ResetBeforeCommit).api(Api::Gitlab);
    stage
        .simulator
        .fault(gone.path_contains(RECORD).skip(4).always());
    let told = release(&stage, 3, &["next", "--yes"]);
    assert!(
        told.contains("Step `swap` ended (done), and that is not noted."),
        "{told}"
    );
    stage.simulator.clear_faults();
    let told = next(&stage);
    assert!(
        told.contains("Step `swap` was done already, as facts show"),
        "{told}"
    );
}

#[test]
fn a_record_may_be_kept_in_a_file() {
    let stage = stage();
    let file = ["--record", "release.json"];
    let run = |code, words: &[&str]| release(&stage, code, &[words, &file].concat());
    stage.simulator.edit(|world| {
        world
            .gitlab
            .project_mut(PROJECT)
            .unwrap()
            .terraform_states
            .clear();
    });
    run(0, &["start", "--process", "simple", "--release", "v4.4.0"]);
    run(0, &["next", "--yes", "--interval", "0.01"]);
    run(0, &["confirm", "validate-technical", "--by", "Ada"]);
    let told = run(0, &["status"]);
    assert!(told.contains("deploy-production"), "{told}");
    let world = stage.simulator.world();
    assert!(
        world
            .gitlab
            .project(PROJECT)
            .unwrap()
            .terraform_states
            .is_empty()
    );
    let kept = std::fs::read_to_string(stage.folder().join("release.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["serial"], 4, "{kept}");
    stage.write("release.json", "{ half");
    let told = run(1, &["next", "--yes"]);
    assert!(told.contains("it holds no record"), "{told}");
}

/// Edits how the job that builds goes, in both projects.
fn builds(stage: &Stage, edit: impl Fn(&mut JobRun)) {
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            let mut jobs = project.jobs.iter_mut();
            let job = jobs.find(|job| job.name == "build_live").unwrap();
            edit(job.run.as_mut().unwrap());
        }
    });
}

/// Makes it run for so many looks.
fn looks(stage: &Stage, looks: u32) {
    builds(stage, |run| run.looks = looks);
}

#[test]
fn a_job_that_fails_or_is_cancelled_ends_the_step_and_is_taken_up_again() {
    let stage = stage();
    builds(&stage, |run| {
        run.ends = ["failed", "canceled"].map(str::to_owned).to_vec();
    });
    start(&stage, "simple");
    let again = ["next", "--yes", "--interval", "0.01"];
    for (nth, word) in [(1, "failed"), (2, "canceled")] {
        let told = release(&stage, 1, &again);
        assert!(
            told.contains(&format!("Job `build_live` is {word}: http")),
            "{told}"
        );
        assert!(
            told.contains("What the job did before it ended stands."),
            "{told}"
        );
        assert!(!told.contains("`deploy-standby` is done"), "{told}");
        assert_eq!(started_jobs(&stage), nth, "{told}");
        let steps = document(&stage)["steps"].to_string();
        assert!(steps.contains("\"failed\""), "{steps}");
    }
    let told = next(&stage);
    assert!(told.contains("Step `deploy-standby` is done"), "{told}");
}

#[test]
fn a_pipeline_without_the_job_is_told_as_that() {
    let stage = stage();
    start(&stage, "simple");
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            project.jobs.retain(|job| job.name != "build_live");
        }
    });
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(
        told.contains("The pipeline of `v4.4.0` has no job `build_live`."),
        "{told}"
    );
    assert_eq!(started_jobs(&stage), 0);
}

#[test]
fn a_job_that_the_token_may_not_start_was_not_started() {
    let stage = stage();
    start(&stage, "simple");
    let refuse = || {
        let refuse = Fault::new(Effect::Refuse).api(Api::Gitlab).method("POST");
        refuse.template("/projects/{id}/jobs/{job_id}/play")
    };
    stage.simulator.fault(refuse().always());
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(
        told.contains("Job `build_live` was not started: ") && told.contains("403"),
        "{told}"
    );
    assert!(told.contains("No job was started."), "{told}");
    // An answer that is lost is no refusal: the job is seen to run.
    stage.simulator.clear_faults();
    let lost = Fault::new(Effect::ResetAfterCommit).api(Api::Gitlab);
    let lost = lost.template("/projects/{id}/jobs/{job_id}/play");
    stage.simulator.fault(lost);
    let told = next(&stage);
    assert!(told.contains("Step `deploy-standby` is done"), "{told}");
}

#[test]
fn ctrl_c_leaves_a_job_that_is_followed_to_itself() {
    let stage = stage();
    looks(&stage, 1_000_000);
    start(&stage, "simple");
    let mut child = started_next(&stage);
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("is running") {
        assert!(lines.read_line(&mut told).unwrap() > 0, "{told}");
    }
    interrupt(&child);
    lines.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    assert!(
        told.contains("The deployment is no longer followed."),
        "{told}"
    );
    assert!(
        told.contains("A job that was started goes on in GitLab"),
        "{told}"
    );
    looks(&stage, 1);
    let told = next(&stage);
    assert!(told.contains("Step `deploy-standby` is done"), "{told}");
    assert_eq!(started_jobs(&stage), 2, "each of the two jobs once");
}

/// A release whose next step is a command that waits, counts what interrupts it, and ends by itself
/// in its own time.
fn at_a_careful_command() -> Stage {
    let stage = stage();
    held_up(&stage);
    let topology = std::fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let careful = "trap 'echo int >> trace' INT; echo begun";
    stage.write(
        "topology.yaml",
        &topology.replacen("echo begun", careful, 1),
    );
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    stage
}

#[test]
fn ctrl_c_reaches_the_command_of_a_step_once_and_its_end_is_noted() {
    let stage = at_a_careful_command();
    let words = ["release", "next", "-e", "live", "--yes"];
    let mut terminal = stage.on_terminal(80, &words);
    until(|| trace(&stage).contains("begun"));
    terminal.keys("\u{3}");
    terminal.wait_for("Stopping: what is under way is written down first.");
    until(|| trace(&stage).contains("int"));
    stage.write("go", "");
    let (code, told) = terminal.end();
    assert_eq!(code, 0, "{told}");
    assert_eq!(trace(&stage), "begun\nint\npaused live\n", "{told}");
}

#[test]
fn a_deployment_by_hand_between_the_guard_and_the_job_stops_the_job() {
    let stage = stage();
    start(&stage, "simple");
    // It begins once the step is begun in the record.
    let by_hand = Fault::hook(|world| {
        let jobs = &mut world.gitlab.project_mut(PROJECT).unwrap().jobs;
        let job = jobs
            .iter_mut()
            .find(|job| job.name == "build_live")
            .unwrap();
        "running".clone_into(&mut job.status);
        job.run.as_mut().unwrap().looks = 1_000_000;
    });
    let by_hand = by_hand
        .api(Api::Gitlab)
        .method("POST")
        .path_contains(RECORD);
    stage.simulator.fault(by_hand);
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(told.contains("[one-deployment]"), "{told}");
    assert_eq!(started_jobs(&stage), 0);
}

#[test]
fn a_dump_that_is_half_of_one_is_no_backup() {
    let stage = stage();
    stage.write(
        "dumps",
        r#"[{"Name":"old.dump","ModTime":"2026-11-28T10:00:00Z","Size":1000}]"#,
    );
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    next(&stage);
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(
        told.contains("at least half as large as the largest of the others"),
        "{told}"
    );
    assert!(!trace(&stage).contains("restored"));
    // Who made one by hand says which: that one is restored, and it must be one that can be meant.
    stage.write(
        "dumps",
        r#"[{"Name":"db_1.dump","ModTime":"2026-11-28T09:30:00Z","Size":1000},
            {"Name":"db_2.dump","ModTime":"2999-11-28T09:30:00Z","Size":0},
            {"Name":"db_3.dump","ModTime":"2999-11-28T09:30:00Z","Size":10},
            {"Name":"hand_202611280930.dump","ModTime":"2999-11-28T09:30:00Z","Size":1000}]"#,
    );
    let usage = release(&stage, 64, &["confirm", "backup", "--by", "Ada"]);
    assert!(usage.contains("Name it with --key"), "{usage}");
    for (key, why) in [
        (
            "db_",
            "`db_` is in the names of `db_1.dump`, `db_2.dump`, `db_3.dump`.",
        ),
        (
            "db_1",
            "The dump `db_1.dump` is older than the pause of the synchronization.",
        ),
        ("db_2", "The dump `db_2.dump` is empty."),
        ("db_4", "No dump with the key `db_4` is listed."),
    ] {
        let told = release(
            &stage,
            1,
            &["confirm", "backup", "--by", "Ada", "--key", key],
        );
        assert!(told.contains(why), "{told}");
    }
    let status = release(&stage, 0, &["status"]);
    assert!(status.contains("failed     backup"), "{status}");
    release(
        &stage,
        0,
        &["confirm", "backup", "--by", "Ada", "--key", "202611280930"],
    );
    let status = release(&stage, 0, &["status"]);
    let seen = "key `202611280930`: the dump `hand_202611280930.dump`, 1000 bytes";
    assert!(status.contains(seen), "{status}");
    next(&stage);
    let trace = trace(&stage);
    assert!(
        trace.contains("restored alt-gigadb-website 202611280930"),
        "{trace}"
    );
}

#[test]
fn roles_are_not_traded_to_a_region_that_was_lost_in_the_middle() {
    let stage = stage();
    up_to_the_probe(&stage);
    let before = stage.simulator.world().cloudflare;
    let lost = Fault::new(Effect::ResetBeforeCommit).api(Api::Ec2);
    stage.simulator.fault(lost.region(REGION_ALT).always());
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(told.contains("EC2"), "{told}");
    assert_eq!(stage.simulator.world().cloudflare, before);
    let told = release(&stage, 1, &["abandon", "--reason", "Sydney is gone"]);
    assert!(
        told.contains("This release paused the synchronization of data"),
        "{told}"
    );
    assert!(told.contains("Step `swap` failed"), "{told}");
}

#[test]
fn ctrl_c_without_a_terminal_reaches_the_command_of_a_step() {
    let stage = at_a_careful_command();
    let child = started_next(&stage);
    until(|| trace(&stage).contains("begun"));
    interrupt(&child);
    until(|| trace(&stage).contains("int"));
    stage.write("go", "");
    let output = child.wait_with_output().unwrap();
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(trace(&stage), "begun\nint\npaused live\n", "{told}");
}

#[test]
fn a_clock_that_is_an_hour_off_decides_nothing() {
    let stage = stage();
    // The storage's clock: an hour ahead, then an hour behind.
    for off in ["1 hour", "1 hour ago"] {
        let script = format!(
            "now=$(date -u -d '{off}' +%Y-%m-%dT%H:%M:%SZ)\n\
             echo '[{{\"Name\":\"db_'$2'.dump\",\"ModTime\":\"'$now'\",\"Size\":100}}]' > dumps\n"
        );
        stage.write("backup.sh", &script);
        let _ = std::fs::remove_file(stage.folder().join("dumps"));
        start(&stage, "complex");
        confirm(&stage, "embargo", "Ada");
        next(&stage);
        let told = next(&stage);
        assert!(told.contains("Step `backup` is done"), "{told}");
        release(&stage, 1, &["abandon"]);
    }
}

#[test]
fn a_release_is_read_on_a_narrow_terminal_on_none_and_through_a_closed_pipe() {
    let stage = stage();
    start(&stage, "complex");
    let told = release(&stage, 2, &["next"]);
    assert!(
        told.contains("release confirm embargo -e live --by WHO"),
        "{told}"
    );
    confirm(&stage, "embargo", "Ada");
    let told = release(&stage, 64, &["next"]);
    assert!(
        told.contains("There is no terminal to ask for a confirmation."),
        "{told}"
    );
    assert_eq!(trace(&stage), "");

    let mut terminal = stage.on_terminal(40, &["release", "next", "-e", "live"]);
    terminal.wait_for("Type `pause-sync` to");
    terminal.keys("no\r");
    assert_eq!(terminal.end().0, 1);
    assert_eq!(trace(&stage), "");

    let words = ["release", "next", "-e", "live", "--yes"];
    let output = stage
        .command(&words)
        .stdout(closed_pipe())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(trace(&stage), "paused live\n");
}

#[test]
fn roles_traded_while_the_question_waits_stop_the_step() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    next(&stage);
    next(&stage);
    let mut terminal = stage.on_terminal(80, &["release", "next", "-e", "live"]);
    terminal.wait_for("Type `restore` to");
    stage.trade_records();
    terminal.keys("restore\r");
    let (code, told) = terminal.end();
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("[restore-off-production]"), "{told}");
    assert!(!trace(&stage).contains("restored"));
}

#[test]
fn a_rebuild_is_not_taken_for_done_where_gitlab_did_not_say_what_was_built_before() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    for _ in 0..4 {
        next(&stage);
    }
    confirm(&stage, "validate-business", "Ada");
    confirm(&stage, "validate-technical", "Grace");
    let jobs = Fault::new(Effect::Refuse)
        .api(Api::Gitlab)
        .path_contains("pipelines");
    stage
        .simulator
        .fault(jobs.path_contains(ALT_PROJECT).always());
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(
        told.contains("Run the command again once GitLab answers."),
        "{told}"
    );
    stage.simulator.clear_faults();
    next(&stage);
    let before = started_jobs(&stage);
    let told = next(&stage);
    assert!(told.contains("Step `rebuild` is done"), "{told}");
    assert_eq!(started_jobs(&stage), before + 2, "both jobs run again");
}

#[test]
fn a_swap_that_is_put_back_outside_does_not_become_a_release() {
    let stage = stage();
    up_to_the_swap(&stage);
    deployed_by_hand(&stage.simulator, PROJECT, "v4.3.4");
    stage.answer(&["swap", "-e", "live", "--yes"]);
    let told = release(&stage, 1, &["next", "--yes"]);
    refused(&told, "roles-as-left");
    let told = release(&stage, 0, &["back"]);
    assert!(told.contains("Next is `swap-back`"), "{told}");
    let told = next(&stage);
    assert!(
        told.contains("Step `swap-back` was done already, as facts show"),
        "{told}"
    );
}
