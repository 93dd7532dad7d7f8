//! `more_jobs`: lists of jobs that are a step of their own behind every deployment.

use gigadb_simulator::world::{Job, JobRun};

use crate::{
    interlocks::{refused, started_next, until},
    release::{confirm, document, next, release, stage, start, started_jobs},
    stage::Stage,
};

/// A stage where the topology lists a job that warms a cache, and both pipelines have it.
pub(crate) fn warming() -> Stage {
    let stage = stage();
    let topology = std::fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    let deploys = "  deploy_jobs: { live: [build_live, ld_gigadb] }\n";
    assert!(topology.contains(deploys));
    let more = format!("{deploys}  more_jobs: {{ warm: {{ live: [warm_cache] }} }}\n");
    stage.write("topology.yaml", &topology.replace(deploys, &more));
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            let pipeline = project.jobs.last().unwrap().pipeline;
            project.jobs.push(Job {
                id: project.id * 1000 + 50,
                name: "warm_cache".to_owned(),
                status: "manual".to_owned(),
                pipeline,
                run: Some(JobRun::default()),
                ..Job::default()
            });
        }
    });
    stage
}

fn is_done(stage: &Stage, step: &str) {
    let told = next(stage);
    assert!(told.contains(&format!("Step `{step}` is done")), "{told}");
}

#[test]
fn further_jobs_are_played_behind_each_deployment_or_left_out_with_a_reason() {
    let stage = warming();
    start(&stage, "simple");
    is_done(&stage, "deploy-standby");
    let before = started_jobs(&stage);
    is_done(&stage, "deploy-standby/warm");
    assert_eq!(started_jobs(&stage), before + 1);
    confirm(&stage, "validate-technical", "Ada");
    is_done(&stage, "deploy-production");

    let before = started_jobs(&stage);
    release(&stage, 64, &["next", "--leave-out"]);
    let why = ["next", "--leave-out", "--reason", "the cache is warm"];
    let told = release(&stage, 0, &why);
    assert!(
        told.contains("Step `deploy-production/warm` is left out"),
        "{told}"
    );
    assert_eq!(
        started_jobs(&stage),
        before,
        "what is left out starts no job"
    );
    let steps = document(&stage)["steps"].to_string();
    assert!(
        steps.contains("the cache is warm") && steps.contains("\"left_out\""),
        "{steps}"
    );
    // No other step can be.
    let told = release(&stage, 1, &why);
    assert!(
        told.contains("Step `verify` cannot be left out: only lists of further jobs can."),
        "{told}"
    );
    is_done(&stage, "verify");
}

#[test]
fn a_list_that_fails_is_taken_up_again_or_left_out() {
    let stage = warming();
    start(&stage, "simple");
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            let run = project.jobs.last_mut().unwrap().run.as_mut().unwrap();
            run.ends = vec!["failed".to_owned()];
        }
    });
    is_done(&stage, "deploy-standby");
    let told = release(&stage, 1, &["next", "--yes", "--interval", "0.01"]);
    assert!(told.contains("Job `warm_cache` is failed"), "{told}");
    is_done(&stage, "deploy-standby/warm");
}

/// Somebody is at it: it cannot be called left out while its job may run.
#[test]
fn what_somebody_is_at_is_not_left_out() {
    let stage = warming();
    start(&stage, "simple");
    is_done(&stage, "deploy-standby");
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            let run = project.jobs.last_mut().unwrap().run.as_mut().unwrap();
            run.looks = 1_000_000;
        }
    });
    let mut first = started_next(&stage);
    until(|| started_jobs(&stage) == 3);
    let why = ["next", "--leave-out", "--reason", "it takes too long"];
    refused(&release(&stage, 1, &why), "step-held");
    let steps = document(&stage)["steps"].to_string();
    assert!(!steps.contains("left_out"), "{steps}");
    // A run that is gone holds nothing.
    first.kill().unwrap();
    first.wait().unwrap();
    let _ = release(&stage, 0, &why);
}
