//! What was deployed: environments, deployments, pipelines, releases, freezes.

use serde_json::{Value, json};

use super::paging::page;
use super::params::missing;
use crate::http::{Reply, Request};
use crate::world::{Deployment, Environment, Project};

fn not_found(what: &str) -> Reply {
    super::message(404, &format!("404 {what} Not Found"))
}

/// Lists environments by exact `name`, or by `search` of three characters or more, and `states`.
pub(super) fn environments(project: &Project, request: &Request) -> Result<Reply, Reply> {
    let (name, search) = (request.query_value("name"), request.query_value("search"));
    if name.is_some() && search.is_some() {
        return Err(missing("name, search are mutually exclusive"));
    }
    if search.is_some_and(|text| text.chars().count() < 3) {
        return Err(super::message(
            400,
            "400 Bad request - Search query is less than 3 characters",
        ));
    }
    let states = request.query_value("states");
    let found = project.environments.iter().filter(|environment| {
        name.is_none_or(|name| environment.name == name)
            && search.is_none_or(|text| environment.name.contains(text))
            && states.is_none_or(|state| environment.state == state)
    });
    Ok(page(found.map(environment_view).collect(), request))
}

/// Answers one environment with its last successful deployment.
pub(super) fn environment(project: &Project, id: &str) -> Result<Reply, Reply> {
    let found = project
        .environments
        .iter()
        .find(|environment| environment.id.to_string() == id);
    let environment = found.ok_or_else(|| not_found("Environment"))?;
    let last = project
        .deployments
        .iter()
        .rev()
        .find(|one| one.environment == environment.name && one.status == "success");
    let mut view = environment_view(environment);
    view["last_deployment"] = json!(last.map(|one| deployment_view(project, one)));
    Ok(Reply::json(200, &view))
}

fn environment_view(environment: &Environment) -> Value {
    json!({
        "id": environment.id, "name": environment.name, "slug": environment.name,
        "external_url": environment.external_url, "state": environment.state,
        "tier": environment.tier, "auto_stop_at": null,
        "created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2026-08-01T00:00:00.000Z",
    })
}

/// Lists deployments, oldest first unless `sort=desc`.
pub(super) fn deployments(project: &Project, request: &Request) -> Result<Reply, Reply> {
    let query = |name: &str| request.query_value(name);
    let (status, order) = (query("status"), query("order_by").unwrap_or("id"));
    let finished = query("finished_after")
        .or(query("finished_before"))
        .is_some();
    let updated = query("updated_after").or(query("updated_before")).is_some();
    let refusal = if finished && updated {
        Some("Both `updated_at` and `finished_at` filters are specified")
    } else if finished && (order != "finished_at" || status != Some("success")) {
        Some("`finished_at` filter requires `finished_at` sort and `success` status")
    } else if order == "finished_at" && !finished {
        Some("`finished_at` filter and `finished_at` sorting must be paired")
    } else {
        None
    };
    if let Some(text) = refusal {
        return Err(super::message(400, &format!("400 Bad request - {text}")));
    }
    let between = |value: &str, after: Option<&str>, before: Option<&str>| {
        after.is_none_or(|after| value >= after) && before.is_none_or(|before| value <= before)
    };
    let mut found: Vec<&Deployment> = project
        .deployments
        .iter()
        .filter(|one| status.is_none_or(|status| one.status == status))
        .filter(|one| query("environment").is_none_or(|name| one.environment == name))
        .filter(|one| {
            between(
                &one.updated_at,
                query("updated_after"),
                query("updated_before"),
            ) && between(
                &one.updated_at,
                query("finished_after"),
                query("finished_before"),
            )
        })
        .collect();
    match order {
        "created_at" => found.sort_by(|a, b| a.created_at.cmp(&b.created_at)),
        "updated_at" | "finished_at" => found.sort_by(|a, b| a.updated_at.cmp(&b.updated_at)),
        "ref" => found.sort_by(|a, b| a.reference.cmp(&b.reference)),
        "id" | "iid" => found.sort_by_key(|one| one.id),
        _ => return Err(missing("order_by does not have a valid value")),
    }
    if query("sort") == Some("desc") {
        found.reverse();
    }
    let views = found.into_iter().map(|one| deployment_view(project, one));
    Ok(page(views.collect(), request))
}

/// Answers one deployment.
pub(super) fn deployment(project: &Project, id: &str) -> Result<Reply, Reply> {
    let found = project
        .deployments
        .iter()
        .find(|one| one.id.to_string() == id);
    let found = found.ok_or_else(|| not_found("Deployment"))?;
    Ok(Reply::json(200, &deployment_view(project, found)))
}

fn deployment_view(project: &Project, deployment: &Deployment) -> Value {
    let environment = project
        .environments
        .iter()
        .find(|environment| environment.name == deployment.environment);
    let deployable = deployment.deployable.as_ref().map(|job| {
        json!({
            "id": job.id, "name": job.name, "stage": "deploy", "status": deployment.status,
            "ref": deployment.reference, "tag": job.tag,
            "pipeline": { "id": job.pipeline, "sha": deployment.sha, "ref": deployment.reference,
                          "status": deployment.status },
        })
    });
    json!({
        "id": deployment.id, "iid": deployment.iid, "ref": deployment.reference,
        "sha": deployment.sha, "status": deployment.status,
        "created_at": deployment.created_at, "updated_at": deployment.updated_at,
        "environment": environment.map(environment_view), "deployable": deployable,
        "user": { "id": 3, "username": "deployer" },
    })
}

/// The states that a pipeline can be in and be listed by.
const PIPELINE_STATUSES: [&str; 13] = [
    "created",
    "waiting_for_resource",
    "preparing",
    "waiting_for_callback",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
];

/// Lists pipelines, newest first, by `ref`, `sha` and `status`.
pub(super) fn pipelines(project: &Project, request: &Request) -> Result<Reply, Reply> {
    if request
        .query_value("status")
        .is_some_and(|status| !PIPELINE_STATUSES.contains(&status))
    {
        return Err(missing("status does not have a valid value"));
    }
    let same = |name: &str, value: &str| {
        request
            .query_value(name)
            .is_none_or(|wanted| wanted == value)
    };
    let found = project.pipelines.iter().rev().filter(|one| {
        same("ref", &one.reference) && same("sha", &one.sha) && same("status", &one.status)
    });
    let views = found.map(|one| {
        json!({
            "id": one.id, "iid": 1, "project_id": project.id, "status": one.status,
            "ref": one.reference, "sha": one.sha, "source": "push",
            "created_at": one.updated_at, "updated_at": one.updated_at,
        })
    });
    Ok(page(views.collect(), request))
}

/// Lists releases, newest first.
pub(super) fn releases(project: &Project, request: &Request) -> Reply {
    let mut found: Vec<_> = project.releases.iter().collect();
    found.sort_by(|a, b| b.released_at.cmp(&a.released_at));
    page(found.into_iter().map(|one| json!(one)).collect(), request)
}

/// Answers the release of a tag.
pub(super) fn release(project: &Project, tag: &str) -> Result<Reply, Reply> {
    let found = project.releases.iter().find(|one| one.tag_name == tag);
    let found = found.ok_or_else(|| super::message(404, "404 Not Found"))?;
    Ok(Reply::json(200, &json!(found)))
}

/// Lists deploy freezes; whether one holds now is for the client to work out.
pub(super) fn freeze_periods(project: &Project, request: &Request) -> Reply {
    let views = project.freeze_periods.iter().map(|one| json!(one));
    page(views.collect(), request)
}
