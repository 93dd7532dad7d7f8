//! What a release shows of what it did: the pages of its jobs.

use gigadb_simulator::{World, world::ALT_PROJECT};

use crate::release::{document, next, stage, start, up_to_prepare};

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
