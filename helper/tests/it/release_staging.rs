//! A release of staging, whose jobs are others than live's.

use std::fs;

use gigadb_simulator::{
    World,
    world::{ALT_PROJECT, Job, JobRun, PROJECT},
};
use serde_json::Value;

use crate::{
    interlocks::refused,
    release::{stage, start, trace},
    stage::{Stage, text},
};

const STAGING: [&str; 2] = ["-e", "staging"];
const START: [&str; 5] = ["start", "--process", "simple", "--release", "v4.4.0"];
const NEXT: [&str; 4] = ["next", "--yes", "--interval", "0.01"];

/// The stage of a release with jobs of staging in the same pipelines.
fn both() -> Stage {
    let stage = stage();
    let file = stage.folder().join("topology.yaml");
    let topology = fs::read_to_string(&file).unwrap();
    let live = "deploy_jobs: { live: [build_live, ld_gigadb] }";
    let lists =
        "deploy_jobs: { live: [build_live, ld_gigadb], staging: [build_staging, sd_gigadb] }";
    assert!(topology.contains(live));
    fs::write(&file, topology.replace(live, lists)).unwrap();
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            let pipeline = project.pipelines.last().unwrap().id;
            let job = |number, name: &str, status: &str, run| Job {
                id: project.id * 1000 + number,
                name: name.to_owned(),
                status: status.to_owned(),
                pipeline,
                run: Some(run),
                ..Job::default()
            };
            let build = JobRun {
                looks: 2,
                ..JobRun::default()
            };
            let deploy = JobRun {
                looks: 1,
                environment: Some("staging".to_owned()),
                needs: vec!["build_staging".to_owned()],
                ..JobRun::default()
            };
            let jobs = [
                job(50, "build_staging", "manual", build),
                job(51, "sd_gigadb", "created", deploy),
            ];
            project.jobs.extend(jobs);
        }
    });
    stage
}

fn of_staging(stage: &Stage, code: i32, words: &[&str]) -> String {
    let output = stage.output(&[&["release"], words, &STAGING].concat());
    assert_eq!(
        output.status.code(),
        Some(code),
        "{words:?}: {}",
        stage.told(&output)
    );
    text(&output.stdout) + &text(&output.stderr)
}

fn is_done(stage: &Stage, step: &str) {
    let told = of_staging(stage, 0, &NEXT);
    assert!(told.contains(&format!("Step `{step}` is done")), "{told}");
}

/// The jobs that succeeded, by project.
fn succeeded(world: &World, project: &str) -> Vec<String> {
    let jobs = world.gitlab.project(project).unwrap().jobs.iter();
    let ended = jobs.filter(|job| job.status == "success");
    ended.map(|job| job.name.clone()).collect()
}

/// The refs that were deployed with success, the last last.
fn deployed(world: &World, project: &str, environment: &str) -> Vec<String> {
    let deployments = world.gitlab.project(project).unwrap().deployments.iter();
    let there = deployments.filter(|one| one.environment == environment && one.status == "success");
    there.map(|one| one.reference.clone()).collect()
}

#[test]
fn a_simple_release_of_staging_plays_stagings_jobs() {
    let stage = both();
    let before = stage.simulator.world();
    of_staging(&stage, 0, &START);
    is_done(&stage, "deploy-standby");
    let world = stage.simulator.world();
    assert_eq!(
        succeeded(&world, ALT_PROJECT),
        ["build_staging", "sd_gigadb"]
    );
    assert_eq!(succeeded(&world, PROJECT), Vec::<String>::new());
    let early = of_staging(&stage, 2, &NEXT);
    assert!(
        early.contains("release confirm validate-technical -e staging --by WHO"),
        "{early}"
    );
    of_staging(&stage, 0, &["confirm", "validate-technical", "--by", "Ada"]);
    is_done(&stage, "deploy-production");
    let world = stage.simulator.world();
    assert_eq!(succeeded(&world, PROJECT), ["build_staging", "sd_gigadb"]);
    is_done(&stage, "verify");
    of_staging(&stage, 0, &["confirm", "table", "--by", "Ada"]);
    let told = of_staging(&stage, 0, &["finish"]);
    assert!(
        told.contains("is finished. Nothing of it is open."),
        "{told}"
    );

    // Staging carries it on both sides, and of live nothing moved.
    let world = stage.simulator.world();
    for project in [PROJECT, ALT_PROJECT] {
        assert_eq!(
            deployed(&world, project, "staging").last().unwrap(),
            "v4.4.0"
        );
        assert_eq!(
            deployed(&world, project, "live"),
            deployed(&before, project, "live")
        );
    }
    assert_eq!(world.cloudflare, before.cloudflare);
    assert_eq!(trace(&stage), "");
    let states = &world.gitlab.project(PROJECT).unwrap().terraform_states;
    assert!(states.contains_key("release-staging"), "{states:?}");
    assert!(!states.contains_key("release-live"), "{states:?}");
}

#[test]
fn releases_of_two_environments_are_two() {
    let stage = both();
    of_staging(&stage, 0, &START);
    let told = stage.run(&["release", "finish", "-e", "live"]);
    assert!(
        told.contains("No release is under way in `live`. Under way is `v4.4.0` in `staging`."),
        "{told}"
    );
    start(&stage, "complex");
    // A job of live's is no deployment to staging, and the other way round.
    let by_hand = |name: &str, status: &str| {
        stage.simulator.edit(|world| {
            let jobs = &mut world.gitlab.project_mut(ALT_PROJECT).unwrap().jobs;
            let job = jobs.iter_mut().find(|job| job.name == name).unwrap();
            status.clone_into(&mut job.status);
            job.run.as_mut().unwrap().looks = 1_000_000;
        });
    };
    by_hand("build_live", "running");
    is_done(&stage, "deploy-standby");
    by_hand("build_live", "canceled");
    of_staging(&stage, 0, &["confirm", "validate-technical", "--by", "Ada"]);
    by_hand("sd_gigadb", "running");
    let told = of_staging(&stage, 1, &NEXT);
    refused(&told, "one-deployment");
    assert!(told.contains("job `sd_gigadb` ("), "{told}");
    let status = |environment: &str| -> Value {
        let words = ["release", "status", "-e", environment, "--format", "json"];
        serde_json::from_str(&stage.answer(&words)).unwrap()
    };
    let (live, staging) = (status("live"), status("staging"));
    assert_eq!(live["process"], "complex");
    assert_eq!(live["next"]["step"], "embargo");
    assert_eq!(staging["next"]["step"], "deploy-production");
    let told = of_staging(&stage, 1, &["abandon"]);
    for part in [
        "`gigadb-website` carries `v4.3.4`, `alt-gigadb-website` carries `v4.4.0`.",
        "A deployment runs or waits on `alt-gigadb-website`: job `sd_gigadb`",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert_eq!(status("live")["ended"], Value::Null);
}

#[test]
fn a_pipeline_of_the_other_environment_begins_nothing() {
    let stage = both();
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            project.jobs.retain(|job| job.name != "build_staging");
        }
    });
    let told = of_staging(&stage, 1, &START);
    assert!(told.contains("has no job `build_staging`."), "{told}");
    start(&stage, "simple");
}
