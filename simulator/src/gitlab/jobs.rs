//! Jobs: listed, played, retried, and on their way to their end.
//!
//! A job that was started moves on each time somebody looks at jobs or deployments, so that every
//! run of a test sees the same. Real jobs take their time; nobody can tell the difference who asks.
//!
//! Play answers 200, a second one 400; retry answers 201 with a new job, and the old one is no
//! longer listed: <https://docs.gitlab.com/api/jobs/#run-a-job>,
//! <https://docs.gitlab.com/api/jobs/#retry-a-job>,
//! <https://docs.gitlab.com/api/jobs/#list-all-jobs-for-a-pipeline> (`include_retried`).

use serde_json::{Value, json};

use super::paging::page;
use crate::http::{Reply, Request};
use crate::world::{Deployable, Deployment, Job, Project};

/// What may be asked for with `scope[]`.
const SCOPES: [&str; 13] = [
    "canceled",
    "canceling",
    "created",
    "failed",
    "manual",
    "pending",
    "preparing",
    "running",
    "scheduled",
    "skipped",
    "success",
    "waiting_for_callback",
    "waiting_for_resource",
];

fn place(project: &Project, id: &str) -> Result<usize, Reply> {
    let mut jobs = project.jobs.iter();
    jobs.position(|job| job.id.to_string() == id)
        .ok_or_else(|| super::message(404, "404 Not found"))
}

fn view(project: &Project, job: &Job) -> Value {
    let pipeline = project.pipelines.iter().find(|one| one.id == job.pipeline);
    json!({
        "id": job.id, "name": job.name, "status": job.status, "stage": "deploy",
        "ref": pipeline.map(|one| &one.reference), "tag": true,
        "pipeline": { "id": job.pipeline },
        "web_url": format!("https://gitlab.example.org/{}/-/jobs/{}", project.path, job.id),
    })
}

/// Answers one job.
pub(super) fn one(project: &Project, id: &str) -> Result<Reply, Reply> {
    let job = &project.jobs[place(project, id)?];
    Ok(Reply::json(200, &view(project, job)))
}

/// Lists the jobs of a project, newest first, or those of one pipeline, by `scope[]`.
pub(super) fn list(
    project: &Project,
    pipeline: Option<&str>,
    request: &Request,
) -> Result<Reply, Reply> {
    if let Some(id) = pipeline
        && !project.pipelines.iter().any(|one| one.id.to_string() == id)
    {
        return Err(super::message(404, "404 Not found"));
    }
    let named = request.query.iter().filter(|(name, _)| name == "scope[]");
    let scope: Vec<&str> = named.map(|(_, value)| value.as_str()).collect();
    if scope.iter().any(|word| !SCOPES.contains(word)) {
        return Err(super::params::missing("scope does not have a valid value"));
    }
    let with_retried = request.query_value("include_retried") == Some("true");
    let mut found: Vec<&Job> = project
        .jobs
        .iter()
        .filter(|job| pipeline.is_none_or(|id| job.pipeline.to_string() == id))
        .filter(|job| scope.is_empty() || scope.contains(&job.status.as_str()))
        .filter(|job| pipeline.is_none() || with_retried || !job.retried)
        .collect();
    found.sort_by_key(|job| std::cmp::Reverse(job.id));
    let views = found.into_iter().map(|job| view(project, job)).collect();
    Ok(page(views, request))
}

/// Starts a manual job; one that was started before cannot be played again.
pub(super) fn play(project: &mut Project, id: &str) -> Result<Reply, Reply> {
    let place = place(project, id)?;
    if project.jobs[place].status != "manual" {
        return Err(super::message(400, "400 Bad request - Unplayable Job"));
    }
    "pending".clone_into(&mut project.jobs[place].status);
    Ok(Reply::json(200, &view(project, &project.jobs[place])).written())
}

/// Starts a job that has ended once more: as another job of the same name.
pub(super) fn retry(project: &mut Project, id: &str) -> Result<Reply, Reply> {
    let place = place(project, id)?;
    let old = &mut project.jobs[place];
    if old.retried || !["success", "failed", "canceled"].contains(&old.status.as_str()) {
        return Err(super::message(403, "403 Forbidden - Job is not retryable"));
    }
    old.retried = true;
    let mut new = old.clone();
    new.id = project.jobs.iter().map(|job| job.id).max().unwrap_or(0) + 1;
    new.retried = false;
    "pending".clone_into(&mut new.status);
    let answer = Reply::json(201, &view(project, &new)).written();
    project.jobs.push(new);
    Ok(answer)
}

/// Moves what was started on by one: pending, then running for as many looks as the job takes,
/// then as it ends; what waited for it becomes playable.
pub(super) fn pass(project: &mut Project, now: &str) {
    for place in 0..project.jobs.len() {
        let Some(mut run) = project.jobs[place].run.clone() else {
            continue;
        };
        match project.jobs[place].status.as_str() {
            "pending" => {
                "running".clone_into(&mut project.jobs[place].status);
                deploy(project, place, "running", now);
            }
            "running" if run.seen < run.looks => {
                run.seen += 1;
                project.jobs[place].run = Some(run);
            }
            "running" => {
                let ends = run.ends.first().cloned();
                let ends = ends.unwrap_or_else(|| "success".to_owned());
                project.jobs[place].status.clone_from(&ends);
                if !run.ends.is_empty() {
                    run.ends.remove(0);
                }
                run.seen = 0;
                project.jobs[place].run = Some(run);
                deploy(project, place, &ends, now);
            }
            "created" => {
                let pipeline = project.jobs[place].pipeline;
                let ready = run.needs.iter().all(|name| {
                    let mut jobs = project.jobs.iter();
                    jobs.any(|job| {
                        job.pipeline == pipeline && job.name == *name && job.status == "success"
                    })
                });
                if ready {
                    "manual".clone_into(&mut project.jobs[place].status);
                }
            }
            _ => {}
        }
    }
}

/// Writes the deployment of a job that deploys.
fn deploy(project: &mut Project, place: usize, status: &str, now: &str) {
    let job = project.jobs[place].clone();
    let Some(environment) = job.run.and_then(|run| run.environment) else {
        return;
    };
    let of_job = |one: &&mut Deployment| one.deployable.as_ref().is_some_and(|d| d.id == job.id);
    if let Some(deployment) = project.deployments.iter_mut().find(of_job) {
        status.clone_into(&mut deployment.status);
        now.clone_into(&mut deployment.updated_at);
        return;
    }
    let pipeline = project.pipelines.iter().find(|one| one.id == job.pipeline);
    let Some(pipeline) = pipeline else {
        return;
    };
    let last = project.deployments.last();
    let (id, iid) = last.map_or((1, 1), |last| (last.id + 1, last.iid + 1));
    project.deployments.push(Deployment {
        id,
        iid,
        environment,
        status: status.to_owned(),
        reference: pipeline.reference.clone(),
        sha: pipeline.sha.clone(),
        created_at: now.to_owned(),
        updated_at: now.to_owned(),
        deployable: Some(Deployable {
            id: job.id,
            name: job.name,
            tag: true,
            pipeline: job.pipeline,
        }),
    });
}
