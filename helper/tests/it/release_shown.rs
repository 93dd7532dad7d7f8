//! What a release shows of what it did: the pages of its jobs, and why a step failed.

use gigadb_simulator::{
    Api, Effect, Fault, World,
    world::{ALT_PROJECT, PROJECT},
};

use crate::{
    release::{confirm, document, next, release, stage, start, up_to_prepare},
    stage::Stage,
};

/// Every job runs for a few looks.
fn long_jobs(world: &mut World) {
    let jobs = world.gitlab.projects.iter_mut().flat_map(|p| &mut p.jobs);
    for run in jobs.filter_map(|job| job.run.as_mut()) {
        run.looks = 4;
    }
}

/// The page in each of the lines about a job.
fn pages<'a>(told: &'a str, job: &str) -> Vec<&'a str> {
    told.lines()
        .filter(|line| line.contains(&format!("ob `{job}` of ")))
        .filter_map(|line| line.split(": http").nth(1))
        .collect()
}

/// A job that is started once more is another one, with a page of its own.
#[test]
fn the_page_that_is_shown_is_that_of_the_job_that_is_followed() {
    let stage = stage();
    stage.simulator.edit(long_jobs);
    up_to_prepare(&stage);
    let told = next(&stage);
    let steps = document(&stage)["steps"].as_array().unwrap().clone();
    let rebuilt = steps.iter().find(|one| one["step"] == "rebuild").unwrap();
    let evidence = rebuilt["entry"]["evidence"].to_string();
    for job in ["build_live", "ld_gigadb"] {
        let shown = pages(&told, job);
        assert_eq!(shown.len(), 1, "{told}");
        assert!(evidence.contains(shown[0]), "{told}\n{evidence}");
        let again = format!("Starting job `{job}` of `alt-gigadb-website` once more.\n");
        assert!(told.contains(&again), "{told}");
    }
}

#[test]
fn the_page_of_a_job_that_somebody_else_started_is_shown_once() {
    let stage = stage();
    stage.simulator.edit(long_jobs);
    start(&stage, "simple");
    stage.simulator.edit(|world| {
        let jobs = &mut world.gitlab.project_mut(ALT_PROJECT).unwrap().jobs;
        let mut jobs = jobs.iter_mut();
        let job = jobs.find(|job| job.name == "build_live").unwrap();
        "pending".clone_into(&mut job.status);
    });
    let told = next(&stage);
    assert_eq!(pages(&told, "build_live").len(), 1, "{told}");
    assert_eq!(pages(&told, "ld_gigadb").len(), 1, "{told}");
}

/// The second operator reads the record alone: a failed step has a line below it that says why.
#[test]
fn what_shows_that_a_step_failed_is_kept() {
    let no_command = |stage: &Stage| {
        let topology = std::fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
        let line = "pause_sync: [/nonexistent/foo, x]\n    #";
        stage.write("topology.yaml", &topology.replacen("pause_sync:", line, 1));
        start(stage, "complex");
        confirm(stage, "embargo", "Ada");
    };
    let refused = |stage: &Stage| {
        start(stage, "simple");
        let refuse = Fault::new(Effect::Refuse).api(Api::Gitlab).method("POST");
        let refuse = refuse.template("/projects/{id}/jobs/{job_id}/play");
        stage.simulator.fault(refuse.always());
    };
    let no_job = |stage: &Stage| {
        start(stage, "simple");
        stage.simulator.edit(|world| {
            for project in &mut world.gitlab.projects {
                project.jobs.retain(|job| job.name != "build_live");
            }
        });
    };
    let failed = |stage: &Stage| {
        start(stage, "simple");
        stage.simulator.edit(|world| {
            let jobs = world.gitlab.projects.iter_mut().flat_map(|p| &mut p.jobs);
            for run in jobs.filter_map(|job| job.run.as_mut()) {
                run.ends = vec!["failed".to_owned()];
            }
        });
    };
    // It begins once the step is begun in the record.
    let blocked = |stage: &Stage| {
        start(stage, "simple");
        let by_hand = Fault::hook(|world| {
            let jobs = &mut world.gitlab.project_mut(PROJECT).unwrap().jobs;
            let mut jobs = jobs.iter_mut();
            let job = jobs.find(|job| job.name == "build_live").unwrap();
            "running".clone_into(&mut job.status);
            job.run.as_mut().unwrap().looks = 1_000_000;
        });
        let by_hand = by_hand.api(Api::Gitlab).method("POST");
        stage.simulator.fault(by_hand.path_contains("release-live"));
    };
    type Day<'a> = &'a dyn Fn(&Stage);
    let cases: [(Day, &str); 5] = [
        (&no_command, "`/nonexistent/foo` could not be started: "),
        (&refused, "Job `build_live` was not started: "),
        (&no_job, "The pipeline of `v4.4.0` has no job `build_live`"),
        (&failed, "Job `build_live` is failed: http"),
        (&blocked, "[one-deployment] A deployment runs or waits on "),
    ];
    for (day, why) in cases {
        let stage = stage();
        day(&stage);
        release(&stage, 1, &["next", "--yes", "--interval", "0.01"]);
        let status = release(&stage, 0, &["status"]);
        let mut lines = status.lines().skip_while(|l| !l.contains("  failed  "));
        assert!(lines.next().is_some(), "{status}");
        let below = lines.next().unwrap();
        assert!(
            below.starts_with(&format!("             {why}")),
            "{status}"
        );
    }
}
