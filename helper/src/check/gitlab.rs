//! GitLab: the token, its role in each side's project, and the role variables.

use std::collections::BTreeMap;

use futures::future::join_all;
use gigadb_clients::{InProject, MAINTAINER, Token};
use gigadb_engine::{
    advice::{self, Asked},
    message::{Message, capitalized},
    name::{EnvironmentName, InfrastructureName},
    observation::VariableRows,
    rules::variables_visible,
    topology::{Environment, Topology},
    world::{Cause, CiVariable, Failure, World},
};
use tokio_util::sync::CancellationToken;

use super::{Check, Verdict, expiry, expiry::Expiry};
use crate::session::Session;

const TOKEN: &str = "gitlab token";
const PROJECT: &str = "gitlab project";
const VARIABLES: &str = "gitlab variables";
const WRITE: &str = "gitlab write";
/// What stands for the token, which has no name that could be shown.
const ITS_NAME: &str = "GITLAB_TOKEN";
/// The one scope of a token that writes.
const SCOPE: &str = "api";

/// What the token is in each side's project.
pub(super) type Levels = BTreeMap<InfrastructureName, Result<InProject, Failure>>;

/// Asks for the role in each side's project.
pub(super) async fn levels(session: &Session, cancel: &CancellationToken) -> Levels {
    let sides = session.topology.infrastructures.iter();
    let asked = sides.map(|(name, side)| async move {
        let project = &side.gitlab_project;
        let level = session.apis.gitlab_project(project, cancel).await;
        (name.clone(), level)
    });
    join_all(asked).await.into_iter().collect()
}

pub(super) fn checks(
    topology: &Topology,
    token: &Result<Token, Failure>,
    levels: &Levels,
    world: &World,
) -> Vec<Check> {
    let read = |name: &InfrastructureName| world.variables.get(name).and_then(|one| one.read());
    let any_read = topology
        .infrastructures
        .keys()
        .any(|name| read(name).is_some());
    let mut checks = vec![standing(token, any_read)];
    if let Err(failure) = token
        && !any_read
    {
        let (because, next) = match failure.cause {
            Cause::Token | Cause::Ended => (
                "The token was not accepted",
                "Fix the token first, then check again.",
            ),
            _ => (
                "GitLab could not be asked",
                "Correct what failed first, then check again.",
            ),
        };
        checks.extend(
            [PROJECT, VARIABLES, WRITE]
                .map(|check| Check::not_checked((check, "all"), because, next)),
        );
        return checks;
    }
    for (name, side) in &topology.infrastructures {
        let level = levels.get(name);
        checks.push(role(
            name,
            &side.gitlab_project,
            level,
            read(name).is_some(),
        ));
    }
    for (name, side) in &topology.infrastructures {
        for (scope, environment) in &topology.environments {
            let failure = world.variables.get(name).and_then(|one| one.failure());
            checks.extend(variables(
                topology,
                (name, scope),
                environment,
                read(name),
                failure.map(|failure| (failure, archived(levels.get(name)))),
            ));
        }
        checks.push(Check::not_checked(
            (WRITE, name.as_str()),
            "Only a write can prove that the token may write",
            format!(
                "See that the token has scope `{SCOPE}`, and the role Maintainer in `{}`.",
                side.gitlab_project
            ),
        ));
    }
    checks
}

/// The token as GitLab sees it; a read that succeeded with it outranks a refusal.
fn standing(token: &Result<Token, Failure>, any_read: bool) -> Check {
    let about = (TOKEN, ITS_NAME);
    let make = format!(
        "Set GITLAB_TOKEN to an access token with scope `{SCOPE}` of a Maintainer of both projects."
    );
    match token {
        Err(failure) if any_read => Check::warning(
            about,
            format!(
                "Variables can be read with it, but its scopes and its end are not told: {}",
                failure.message
            ),
            advice::next(Asked::Gitlab, failure),
        ),
        Err(failure) => Check::failed(
            about,
            capitalized(&failure.message),
            advice::next(Asked::Gitlab, failure),
        ),
        Ok(token) if !token.active => Check::failed(about, "It is not in force", make),
        Ok(token) if !token.scopes.iter().any(|scope| scope == SCOPE) => Check::failed(
            about,
            format!(
                "It has not scope `{SCOPE}` but {}",
                token
                    .scopes
                    .iter()
                    .map(|scope| format!("`{scope}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            make,
        ),
        Ok(token) => match expiry::of(token.expires.as_deref()) {
            Expiry::Later(until) => Check::ok(TOKEN, ITS_NAME, format!("scope `{SCOPE}`, {until}")),
            Expiry::Soon(end) => Check::warning(
                about,
                format!("It {end}"),
                "Make a new token in GitLab before that day: one that ends in the middle of a \
                 swap leaves it half done.",
            ),
        },
    }
}

fn role(
    name: &InfrastructureName,
    project: &str,
    found: Option<&Result<InProject, Failure>>,
    variables_read: bool,
) -> Check {
    let about = (PROJECT, name.as_str());
    let next = format!("Make the token's user Maintainer of `{project}`.");
    let level = found.map(|found| found.as_ref().map(|found| found.level));
    match level {
        Some(Err(failure)) => Check::failed(
            about,
            capitalized(&failure.message),
            advice::next(Asked::Project(project), failure),
        ),
        _ if archived(found) => Check::failed(
            about,
            format!("`{project}` is archived"),
            format!("Unarchive `{project}` in GitLab: nothing of it can be changed."),
        ),
        Some(Ok(Some(level))) if level >= MAINTAINER => {
            let word = if level > MAINTAINER {
                "Owner"
            } else {
                "Maintainer"
            };
            Check::ok(PROJECT, name, format!("{word} of `{project}`"))
        }
        // GitLab shows variables to Maintainers alone.
        _ if variables_read => Check::ok(
            PROJECT,
            name,
            format!("Maintainer of `{project}`, as its variables show"),
        ),
        Some(Ok(Some(level))) => Check::failed(
            about,
            format!("The token's role in `{project}` is {}", word(level)),
            next,
        ),
        _ => Check::not_checked(about, "GitLab does not tell the token's role", next),
    }
}

/// Whether the project is known to be archived.
fn archived(found: Option<&Result<InProject, Failure>>) -> bool {
    matches!(found, Some(Ok(InProject { archived: true, .. })))
}

/// A role below Maintainer.
fn word(level: u32) -> String {
    match level {
        30 => "Developer".to_owned(),
        20 => "Reporter".to_owned(),
        15 => "Planner".to_owned(),
        10 => "Guest".to_owned(),
        5 => "Minimal Access".to_owned(),
        0 => "none".to_owned(),
        other => format!("number {other}"),
    }
}

/// The role variables of one side in one scope; none where the environment has no variables.
fn variables(
    topology: &Topology,
    (name, scope): (&InfrastructureName, &EnvironmentName),
    environment: &Environment,
    rows: Option<&Vec<CiVariable>>,
    failure: Option<(&Failure, bool)>,
) -> Vec<Check> {
    let project = topology
        .infrastructures
        .get(name)
        .map_or("", |side| side.gitlab_project.as_str());
    let count = environment.variable_keys().count();
    if count == 0 {
        return Vec::new();
    }
    let object = format!("{name} {scope}");
    let about = (VARIABLES, object.as_str());
    let Some(rows) = rows else {
        return vec![match failure {
            Some((failure, archived)) => Check::failed(
                about,
                capitalized(&failure.message),
                if archived {
                    format!("Unarchive `{project}` in GitLab: nothing of it can be changed.")
                } else {
                    advice::next(Asked::Project(project), failure)
                },
            ),
            None => Check::not_checked(about, "GitLab was not asked", "Check again."),
        }];
    };
    let by_key: VariableRows = environment
        .variable_keys()
        .map(|key| {
            let of_key = rows.iter().filter(|row| row.key == *key);
            (key.clone(), of_key.cloned().collect())
        })
        .collect();
    let faults = variables_visible::faults(topology, scope, name, &by_key);
    let unmaskable = variables_visible::unmaskable(topology, scope, name, &by_key);
    if faults.is_empty() && !unmaskable.is_empty() {
        let warning = |message: Message| Check::said(about, Verdict::Warning, message);
        return unmaskable.into_iter().map(warning).collect();
    }
    if faults.is_empty() {
        return vec![Check::ok(
            VARIABLES,
            &object,
            format!("{count} can be read"),
        )];
    }
    let failed = |message: Message| Check::said(about, Verdict::Failed, message);
    faults.into_iter().map(failed).collect()
}
