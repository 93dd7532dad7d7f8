//! A release is judged by what is so, and says what can be done: jobs that wait, jobs that were
//! perhaps started, dumps, and records in a file.

use std::{fs, os::unix::fs::PermissionsExt as _};

use gigadb_simulator::{Api, Effect, Fault, World, world::Job};

use crate::{
    interlocks::{started_next, until},
    release::{confirm, next, release, stage, start, started_jobs, trace},
    stage::{Stage, text},
};

/// Edits the job of this name, in both projects.
fn job(stage: &Stage, name: &str, edit: impl Fn(&mut Job)) {
    stage.simulator.edit(|world: &mut World| {
        for project in &mut world.gitlab.projects {
            project
                .jobs
                .iter_mut()
                .filter(|job| job.name == name)
                .for_each(&edit);
        }
    });
}

/// A job that runs in the pipelines of the release before those that deploy.
fn with_job(stage: &Stage, status: &str) {
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            let pipeline = project.jobs.last().unwrap().pipeline;
            project.jobs.push(Job {
                id: project.id * 1000 + 60,
                name: "unit_tests".to_owned(),
                status: status.to_owned(),
                pipeline,
                ..Job::default()
            });
        }
    });
}

/// It has that status, and needs the other job.
fn needs(status: &str) -> impl Fn(&mut Job) {
    move |job| {
        status.clone_into(&mut job.status);
        job.run.as_mut().unwrap().needs = vec!["unit_tests".to_owned()];
    }
}

fn is(status: &str) -> impl Fn(&mut Job) {
    move |job| status.clone_into(&mut job.status)
}

#[test]
fn a_job_that_waits_for_one_that_runs_is_waited_for() {
    let stage = stage();
    with_job(&stage, "running");
    job(&stage, "build_live", needs("created"));
    start(&stage, "simple");
    let mut child = started_next(&stage);
    // More looks than a job that nobody starts is given.
    until(|| {
        let requests = stage.simulator.requests();
        let looks = requests
            .iter()
            .filter(|one| one.path.contains("/pipelines/") && one.path.ends_with("/jobs"));
        looks.count() > 2 * 30
    });
    assert!(child.try_wait().unwrap().is_none());
    job(&stage, "unit_tests", is("success"));
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let waits = "is created, while `unit_tests` is running.";
    assert!(told.contains(waits), "{told}");
}

#[test]
fn a_job_that_waits_for_nothing_that_runs_is_given_up_with_what_it_waits_for() {
    for (other, status, said) in [
        (
            "failed",
            "created",
            "no job of its pipeline runs (`unit_tests` is failed",
        ),
        ("manual", "created", "no job of its pipeline runs"),
        (
            "failed",
            "skipped",
            "GitLab skipped job `build_live` (`unit_tests` is failed",
        ),
    ] {
        let stage = stage();
        with_job(&stage, other);
        job(&stage, "build_live", needs(status));
        start(&stage, "simple");
        let told = release(&stage, 1, &["next", "--yes", "--interval", "0.01"]);
        assert!(told.contains(said), "{told}");
        assert!(
            told.contains("changed: No further job was started."),
            "{told}"
        );
        assert!(!told.contains("Maintainer"), "{told}");
        assert_eq!(started_jobs(&stage), 0);
    }
}

/// A gateway gives the start up, and GitLab carries it out later.
#[test]
fn a_job_that_was_perhaps_started_is_looked_for() {
    let stage = stage().with("GIGADB_OPEN_FOR", "30");
    start(&stage, "simple");
    let late = Fault::new(Effect::GatewayTimeout { ms: 1500 }).api(Api::Gitlab);
    let play = "/projects/{id}/jobs/{job_id}/play";
    stage
        .simulator
        .fault(late.method("POST").template(play).times(1));
    let told = next(&stage);
    assert!(
        told.contains("Whether job `build_live` was started is not known"),
        "{told}"
    );
    assert!(told.contains("Step `deploy-standby` is done"), "{told}");
    assert_eq!(started_jobs(&stage), 2, "each of the two jobs once");
}

#[test]
fn what_is_not_known_of_a_job_is_said_where_nobody_waits_for_it() {
    let stage = stage();
    start(&stage, "simple");
    let gateway = Fault::new(Effect::GatewayTimeout { ms: 3_600_000 }).api(Api::Gitlab);
    let play = "/projects/{id}/jobs/{job_id}/play";
    stage
        .simulator
        .fault(gateway.method("POST").template(play).always());
    let words = [
        "release",
        "next",
        "-e",
        "live",
        "--yes",
        "--interval",
        "0.01",
    ];
    let mut terminal = stage.on_terminal(200, &words);
    terminal.wait_for("Whether job `build_live` was started is not known, and is looked for until");
    terminal.keys("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("\nIt may be started until "), "{shown}");
    assert!(!shown.contains("No job was started"), "{shown}");
}

/// A step's dumps: what is listed before, what the backup leaves, and whether that is one.
#[test]
fn a_dump_is_judged_beside_the_others_and_by_its_age() {
    let now = "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'";
    let old = r#"{"Name":"old.dump","ModTime":"2026-11-28T10:00:00Z","Size":1000}"#;
    let folder = r#"{"Name":"202611","ModTime":"2026-11-29T10:00:00Z","Size":-1,"IsDir":true}"#;
    let dump = |size: u32, time: &str| {
        format!(r#"{{"Name":"db_'$2'.dump","ModTime":"{time}","Size":{size}}}"#)
    };
    for (before, after, code, said) in [
        (old, dump(900, now), 0, "Step `backup` is done"),
        (
            old,
            dump(100, now),
            1,
            "half as large as the largest of the others",
        ),
        (folder, dump(1, now), 0, "Step `backup` is done"),
        (
            old,
            dump(900, "2020-01-01T00:00:00Z"),
            1,
            "younger than the pause",
        ),
    ] {
        let stage = stage();
        stage.write("dumps", &format!("[{before}]"));
        stage.write("backup.sh", &format!("echo '[{before},{after}]' > dumps\n"));
        start(&stage, "complex");
        confirm(&stage, "embargo", "Ada");
        next(&stage);
        let told = release(&stage, code, &["next", "--yes"]);
        assert!(told.contains(said), "{before} {after}: {told}");
    }
}

#[test]
fn a_backup_is_not_begun_where_the_dumps_before_it_are_not_known() {
    let stage = stage();
    let topology = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    let topology = topology.replace("cat dumps 2>/dev/null || echo '[]'", "cat dumps");
    stage.write("topology.yaml", &topology);
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    next(&stage);
    let told = release(&stage, 1, &["next", "--yes"]);
    assert!(
        told.contains("Step `backup` was not begun: `sh` ended with exit status 1."),
        "{told}"
    );
    assert!(!trace(&stage).contains("dumped"), "{}", trace(&stage));
    let by_hand = "`gigadb-roles release confirm backup -e live --by WHO --key KEY`";
    assert!(told.contains(by_hand), "{told}");
    stage.write(
        "dumps",
        r#"[{"Name":"a.dump","ModTime":"2026-11-28T10:00:00Z","Size":5}]"#,
    );
    let told = release(
        &stage,
        1,
        &["confirm", "backup", "--by", "Ada", "--key", "2026"],
    );
    assert!(
        told.contains("No dump with the key `2026` is listed."),
        "{told}"
    );
    // Where the list is not known, there is a way on: a person's word, and that is said.
    fs::remove_file(stage.folder().join("dumps")).unwrap();
    let words = ["confirm", "backup", "--by", "Ada", "--key", "2026"];
    let told = release(&stage, 0, &words);
    assert!(
        told.contains("Whether there is a dump with the key `2026` is not known"),
        "{told}"
    );
    assert!(told.contains("It is taken on your word."), "{told}");
}

/// Whatever is advised goes on with the record that is kept there, as it is typed.
#[test]
fn advice_names_the_file_that_keeps_the_record() {
    let stage = stage();
    let kept = ["--record", "a record.json"];
    let run = |code, words: &[&str]| release(&stage, code, &[words, &kept].concat());
    let told = [
        run(0, &["start", "--process", "simple", "--release", "v4.4.0"]),
        run(1, &["start", "--process", "simple", "--release", "v4.4.0"]),
        run(0, &["status"]),
        run(1, &["confirm", "table", "--by", "Ada"]),
        run(1, &["finish"]),
        run(64, &["next"]),
        run(0, &["next", "--yes", "--interval", "0.01"]),
        run(2, &["next", "--yes"]),
        run(1, &["back"]),
        run(0, &["status", "--format", "json"]),
    ];
    let mut commands = 0;
    for told in &told {
        for advised in told.split("`gigadb-roles release ").skip(1) {
            let (command, _) = advised.split_once('`').unwrap();
            assert!(
                command.contains(" -e live --record 'a record.json'"),
                "{told}"
            );
            commands += 1;
        }
    }
    assert!(commands > 9, "{told:?}");
}

#[test]
fn a_link_to_a_record_stays_one_and_so_does_who_may_read_it() {
    let stage = stage();
    let run = |code, words: &[&str], file: &str| {
        release(&stage, code, &[words, &["--record", file]].concat())
    };
    run(
        0,
        &["start", "--process", "simple", "--release", "v4.4.0"],
        "kept.lock",
    );
    let file = stage.folder().join("kept.lock");
    let link = stage.folder().join("link");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
    std::os::unix::fs::symlink("kept.lock", &link).unwrap();
    run(0, &["next", "--yes", "--interval", "0.01"], "link");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o664);
    let told = run(0, &["status"], "kept.lock");
    assert!(told.contains("done       deploy-standby"), "{told}");
    // A slip of somebody's editor is named with its place in that file.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"simple\"", "\"simpel\"")).unwrap();
    let line = 1 + text
        .lines()
        .position(|line| line.contains("\"simple\""))
        .unwrap();
    let told = run(1, &["status"], "link");
    assert!(told.contains(&format!("(line {line}, column ")), "{told}");
    assert!(!told.contains("newest gigadb-roles"), "{told}");
}

#[test]
fn the_next_call_after_a_command_whose_end_was_not_noted_is_told_to_run_it_again() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    // The begin is written; then the record cannot be.
    let gone = Fault::new(Effect::ResetBeforeCommit).api(Api::Gitlab);
    let gone = gone.path_contains("release-live").skip(4).always();
    stage.simulator.fault(gone);
    let told = release(&stage, 3, &["next", "--yes"]);
    for part in [
        "Step `pause-sync` ended (done), and that is not noted.",
        "changed: What the step did stands.",
        "note it with `gigadb-roles release confirm pause-sync -e live --by WHO`",
        "would run the command again",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert!(!told.contains("Next is"), "{told}");
    assert!(!told.contains("Nothing was changed"), "{told}");
}
