//! GitLab's API below `/api/v4`: projects, CI/CD variables, deployments and neighbours, Terraform states.

mod auth;
mod history;
mod jobs;
mod notes;
mod paging;
mod params;
mod state;
mod variables;

use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::world::{AccessLevel, Gitlab};
use auth::Caller;
use params::Params;

/// Where the API lives on this server.
pub(crate) const PREFIX: &str = "/api/v4";

/// A path of the API with its parameters; the project's id or path comes first.
#[derive(Clone, Copy)]
enum Route<'a> {
    TokenSelf,
    User,
    Project(&'a str),
    Variables(&'a str),
    Variable(&'a str, &'a str),
    Environments(&'a str),
    Environment(&'a str, &'a str),
    Deployments(&'a str),
    Deployment(&'a str, &'a str),
    Pipelines(&'a str),
    Job(&'a str, &'a str),
    PlayJob(&'a str, &'a str),
    RetryJob(&'a str, &'a str),
    Jobs(&'a str),
    PipelineJobs(&'a str, &'a str),
    Releases(&'a str),
    Release(&'a str, &'a str),
    FreezePeriods(&'a str),
    Notes(&'a str, &'a str),
    Note(&'a str, &'a str, &'a str),
    State(&'a str, &'a str),
    StateLock(&'a str, &'a str),
    StateVersion(&'a str, &'a str, &'a str),
    Unknown,
}

fn route(segments: &[String]) -> (Route<'_>, &'static str) {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts[..] {
        ["personal_access_tokens", "self"] => (Route::TokenSelf, "/personal_access_tokens/self"),
        ["user"] => (Route::User, "/user"),
        ["projects", id] => (Route::Project(id), "/projects/{id}"),
        ["projects", id, "variables"] => (Route::Variables(id), "/projects/{id}/variables"),
        ["projects", id, "variables", key] => {
            (Route::Variable(id, key), "/projects/{id}/variables/{key}")
        }
        ["projects", id, "environments"] => {
            (Route::Environments(id), "/projects/{id}/environments")
        }
        ["projects", id, "environments", environment] => (
            Route::Environment(id, environment),
            "/projects/{id}/environments/{environment_id}",
        ),
        ["projects", id, "deployments"] => (Route::Deployments(id), "/projects/{id}/deployments"),
        ["projects", id, "deployments", deployment] => (
            Route::Deployment(id, deployment),
            "/projects/{id}/deployments/{deployment_id}",
        ),
        ["projects", id, "pipelines"] => (Route::Pipelines(id), "/projects/{id}/pipelines"),
        ["projects", id, "jobs", job] => (Route::Job(id, job), "/projects/{id}/jobs/{job_id}"),
        ["projects", id, "jobs", job, "play"] => {
            (Route::PlayJob(id, job), "/projects/{id}/jobs/{job_id}/play")
        }
        ["projects", id, "jobs", job, "retry"] => (
            Route::RetryJob(id, job),
            "/projects/{id}/jobs/{job_id}/retry",
        ),
        ["projects", id, "jobs"] => (Route::Jobs(id), "/projects/{id}/jobs"),
        ["projects", id, "pipelines", pipeline, "jobs"] => (
            Route::PipelineJobs(id, pipeline),
            "/projects/{id}/pipelines/{pipeline_id}/jobs",
        ),
        ["projects", id, "releases"] => (Route::Releases(id), "/projects/{id}/releases"),
        ["projects", id, "releases", tag] => (
            Route::Release(id, tag),
            "/projects/{id}/releases/{tag_name}",
        ),
        ["projects", id, "freeze_periods"] => {
            (Route::FreezePeriods(id), "/projects/{id}/freeze_periods")
        }
        ["projects", id, "merge_requests", iid, "notes"] => (
            Route::Notes(id, iid),
            "/projects/{id}/merge_requests/{merge_request_iid}/notes",
        ),
        ["projects", id, "merge_requests", iid, "notes", note] => (
            Route::Note(id, iid, note),
            "/projects/{id}/merge_requests/{merge_request_iid}/notes/{note_id}",
        ),
        ["projects", id, "terraform", "state", name] => (
            Route::State(id, name),
            "/projects/{id}/terraform/state/{name}",
        ),
        ["projects", id, "terraform", "state", name, "lock"] => (
            Route::StateLock(id, name),
            "/projects/{id}/terraform/state/{name}/lock",
        ),
        [
            "projects",
            id,
            "terraform",
            "state",
            name,
            "versions",
            serial,
        ] => (
            Route::StateVersion(id, name, serial),
            "/projects/{id}/terraform/state/{name}/versions/{serial}",
        ),
        _ => (Route::Unknown, "unknown"),
    }
}

/// Returns the path template of a request below [`PREFIX`].
pub(crate) fn template(segments: &[String]) -> &'static str {
    route(segments).1
}

/// Answers one request; `now` is the time a change would carry.
pub(crate) fn handle(
    world: &mut Gitlab,
    request: &Request,
    segments: &[String],
    now: &str,
) -> Reply {
    let id = crate::world::hex_id(&[&request.method, &request.path, &request.raw_query]);
    answer(world, request, segments, now)
        .unwrap_or_else(|refusal| refusal)
        .with("x-request-id", id)
        .with("ratelimit-name", "throttle_authenticated_api")
        .with("ratelimit-limit", "2000")
        .with("ratelimit-remaining", "1999")
        .with("ratelimit-observed", "1")
}

fn answer(
    world: &mut Gitlab,
    request: &Request,
    segments: &[String],
    now: &str,
) -> Result<Reply, Reply> {
    let (route, _) = route(segments);
    let method = request.method.as_str();
    if let Route::Unknown = route {
        return Err(Reply::json(404, &json!({ "error": "404 Not Found" })));
    }
    let on_state = matches!(
        route,
        Route::State(..) | Route::StateLock(..) | Route::StateVersion(..)
    );
    let caller = auth::authenticate(world, request, on_state)?;
    let params = Params::of(request);
    let level = |needed| (needed, &caller);
    match (method, route) {
        ("GET", Route::TokenSelf) => Ok(Reply::json(200, &auth::token_view(&caller))),
        ("GET", Route::User) => {
            let body = json!({ "id": 3, "username": caller.username, "state": "active" });
            Ok(Reply::json(200, &body))
        }
        ("GET", Route::Project(id)) => {
            let index = project(world, request, id, level(AccessLevel::Guest))?;
            let project = &world.projects[index];
            let access = caller.level(&project.path).map_or(0, AccessLevel::number);
            let name = project.path.rsplit('/').next().unwrap_or_default();
            let body = json!({
                "id": project.id, "path_with_namespace": project.path, "path": name, "name": name,
                "visibility": "private", "default_branch": "develop", "archived": project.archived,
                "permissions": { "project_access": { "access_level": access }, "group_access": null },
            });
            Ok(Reply::json(200, &body))
        }
        (_, Route::Variables(id)) => {
            let index = project(world, request, id, level(AccessLevel::Maintainer))?;
            let rows = &mut world.projects[index].variables;
            match method {
                "GET" => Ok(variables::list(rows, request)),
                "POST" => variables::create(rows, &params),
                _ => Err(not_allowed()),
            }
        }
        (_, Route::Variable(id, key)) => {
            let index = project(world, request, id, level(AccessLevel::Maintainer))?;
            let rows = &mut world.projects[index].variables;
            match method {
                "GET" => variables::get(rows, key, &params),
                "PUT" => variables::update(rows, key, &params),
                "DELETE" => variables::delete(rows, key, &params),
                _ => Err(not_allowed()),
            }
        }
        (_, Route::Notes(id, _) | Route::Note(id, _, _)) => {
            let index = project(world, request, id, level(AccessLevel::Reporter))?;
            let project = &mut world.projects[index];
            let author = notes::Author {
                username: &caller.username,
                level: caller.level(&project.path).unwrap_or(AccessLevel::Guest),
            };
            match (method, route) {
                ("GET", Route::Notes(_, iid)) => notes::list(project, iid, request),
                ("POST", Route::Notes(_, iid)) => {
                    notes::create(project, iid, &params, &author, now)
                }
                ("GET", Route::Note(_, iid, note)) => notes::get(project, iid, note),
                ("PUT", Route::Note(_, iid, note)) => {
                    notes::update(project, (iid, note), &params, &author, now)
                }
                _ => Err(not_allowed()),
            }
        }
        (_, Route::State(id, name)) => {
            let needed = if method == "GET" {
                AccessLevel::Developer
            } else {
                AccessLevel::Maintainer
            };
            let index = project(world, request, id, level(needed))?;
            let states = &mut world.projects[index].terraform_states;
            match method {
                "GET" => state::get(states, name),
                "POST" => state::post(states, name, request),
                "DELETE" => state::delete(states, name),
                _ => Err(not_allowed()),
            }
        }
        (_, Route::StateLock(id, name)) => {
            let index = project(world, request, id, level(AccessLevel::Maintainer))?;
            let states = &mut world.projects[index].terraform_states;
            match method {
                "POST" => state::lock(states, name, request, &caller.username, now),
                "DELETE" => state::unlock(states, name, &params),
                _ => Err(not_allowed()),
            }
        }
        ("POST", Route::PlayJob(id, job)) => {
            let index = project(world, request, id, level(AccessLevel::Developer))?;
            jobs::play(&mut world.projects[index], job)
        }
        ("POST", Route::RetryJob(id, job)) => {
            let index = project(world, request, id, level(AccessLevel::Developer))?;
            jobs::retry(&mut world.projects[index], job)
        }
        (
            "GET",
            Route::Jobs(id)
            | Route::PipelineJobs(id, _)
            | Route::Job(id, _)
            | Route::Deployments(id),
        ) => {
            let index = project(world, request, id, level(AccessLevel::Reporter))?;
            let project = &mut world.projects[index];
            if matches!(route, Route::Jobs(_)) {
                jobs::pass(project, now);
            }
            match route {
                Route::Jobs(_) => jobs::list(project, None, request),
                Route::PipelineJobs(_, pipeline) => jobs::list(project, Some(pipeline), request),
                Route::Job(_, job) => jobs::one(project, job),
                _ => history::deployments(project, request),
            }
        }
        ("GET", Route::StateVersion(id, name, serial)) => {
            let index = project(world, request, id, level(AccessLevel::Developer))?;
            state::version(&world.projects[index].terraform_states, name, serial)
        }
        ("GET", route) => {
            let (Route::Environments(id)
            | Route::Environment(id, _)
            | Route::Deployment(id, _)
            | Route::Pipelines(id)
            | Route::Releases(id)
            | Route::Release(id, _)
            | Route::FreezePeriods(id)) = route
            else {
                return Err(not_allowed());
            };
            let index = project(world, request, id, level(AccessLevel::Reporter))?;
            let project = &world.projects[index];
            match route {
                Route::Environments(_) => history::environments(project, request),
                Route::Environment(_, id) => history::environment(project, id),
                Route::Deployment(_, id) => history::deployment(project, id),
                Route::Pipelines(_) => history::pipelines(project, request),
                Route::Releases(_) => Ok(history::releases(project, request)),
                Route::Release(_, tag) => history::release(project, tag),
                _ => Ok(history::freeze_periods(project, request)),
            }
        }
        _ => Err(not_allowed()),
    }
}

/// Returns the place of a project named by id or path, if the caller has the role needed.
fn project(
    world: &Gitlab,
    request: &Request,
    id: &str,
    (needed, caller): (AccessLevel, &Caller),
) -> Result<usize, Reply> {
    if let Some(present) = world.renamed.get(id) {
        let target = request.path.replacen(
            &format!("/projects/{}", encoded(id)),
            &format!("/projects/{}", encoded(present)),
            1,
        );
        let mut location = format!("{}{target}", request.origin);
        if !request.raw_query.is_empty() {
            location = format!("{location}?{}", request.raw_query);
        }
        let body = format!("This resource has been moved permanently to {location}");
        return Err(Reply::text(301, &body).with("location", location));
    }
    let index = world.projects.iter().position(|project| {
        project.path == id || id.parse::<u64>().is_ok_and(|number| number == project.id)
    });
    let missing = || message(404, "404 Project Not Found");
    let index = index.ok_or_else(missing)?;
    let level = caller
        .level(&world.projects[index].path)
        .ok_or_else(missing)?;
    let archived = world.projects[index].archived && needed >= AccessLevel::Maintainer;
    if level < needed || archived {
        return Err(message(403, "403 Forbidden"));
    }
    Ok(index)
}

fn encoded(path: &str) -> String {
    path.replace('/', "%2F")
}

/// Returns a refusal whose `message` is a plain string.
pub(crate) fn message(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({ "message": text }))
}

fn not_allowed() -> Reply {
    Reply::json(405, &json!({ "error": "405 Not Allowed" }))
}

/// Returns a refusal of the model: field to list of texts.
fn invalid(field: &str, text: impl Into<Value>) -> Reply {
    Reply::json(400, &json!({ "message": { field: [text.into()] } }))
}
