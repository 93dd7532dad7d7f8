//! The note of a merge request that holds the newest review.

use gigadb_clients::{Apis, Explicit, MergeRequest, Noted, Settings};
use gigadb_engine::{
    advice::{self, Asked},
    world::{Cause, Failure as Unread, Origin},
};
use tokio_util::sync::CancellationToken;

use crate::{failure::Failure, surroundings};

/// By which a note is found again; GitLab does not show it.
const MARKER: &str = "<!-- gigadb-roles review -->";

/// The longest note that GitLab takes, in characters.
/// <https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics>
const LONGEST: usize = 1_000_000;

/// How long a review may be, in characters.
pub(crate) const ROOM: usize = LONGEST - MARKER.len() - 2;

/// Where a note goes.
#[derive(Debug)]
pub(crate) struct Note {
    apis: Apis,
    request: MergeRequest,
}

/// Reads what GitLab CI sets, and a token. Nothing is sent.
pub(crate) fn settings() -> Result<Note, Failure> {
    let variable = |name: &str| {
        surroundings::variable(name).ok_or_else(|| {
            Failure::usage(
                format!("--gitlab-note needs {name}, which is not set."),
                name,
                "Run it in a pipeline of a merge request (`rules: - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"`), or leave --gitlab-note out.",
            )
        })
    };
    let number = |name: &str| {
        let text = variable(name)?;
        text.trim().parse::<u64>().map_err(|_| {
            Failure::usage(
                format!("{name} is not a number."),
                name,
                "GitLab CI sets it; leave it as it is.",
            )
        })
    };
    let base_url = variable("CI_API_V4_URL")?;
    let project = variable("CI_PROJECT_ID")?;
    let iid = number("CI_MERGE_REQUEST_IID")?;
    let explicit = Explicit {
        gitlab_base_url: Some(base_url),
        ..Explicit::default()
    };
    let settings = Settings::resolve(explicit, &surroundings::variable).map_err(|error| {
        Failure::usage(
            format!("A setting cannot be used: {error}."),
            error.setting.to_string(),
            "Correct it, then run the command again.",
        )
    })?;
    if settings.gitlab.token.is_none() {
        return Err(Failure::usage(
            "--gitlab-note needs a token, and neither GITLAB_TOKEN nor GITLAB_PRIVATE_TOKEN is set.",
            "GITLAB_TOKEN",
            "Set it to a project access token with scope `api`, as a masked CI/CD variable: the job's own token cannot write notes.",
        ));
    }
    Ok(Note {
        apis: Apis::new(settings),
        request: MergeRequest { project, iid },
    })
}

/// Posts the review, or puts it into the note that holds the former one.
pub(crate) async fn post(
    note: &Note,
    text: &str,
    cancel: &CancellationToken,
) -> Result<String, Failure> {
    let body = format!("{MARKER}\n{text}\n");
    let request = &note.request;
    let object = format!(
        "merge request !{} of project `{}`",
        request.iid, request.project
    );
    let noted = note.apis.note(request, MARKER, &body, cancel).await;
    match noted {
        Ok(Noted::Posted) => Ok(format!("Posted the review to {object}.")),
        Ok(Noted::Updated) => Ok(format!("Updated the review in {object}.")),
        Ok(Noted::Same) => Ok(format!("The review in {object} is up to date.")),
        Err(unnoted) => {
            let failure = at_the_pipeline(unnoted.failure);
            let text = failure.to_string();
            let mut failed = Failure::refused(
                format!(
                    "The review could not be posted: {}.",
                    text.trim_end_matches('.')
                ),
                object,
                format!("{} Then run the job again.", next(&failure)),
            );
            let written = if unnoted.perhaps {
                "The note may or may not have been written."
            } else {
                "No note was written."
            };
            failed.message.changed = format!("No record and no variable was changed. {written}");
            Err(failed)
        }
    }
}

/// The address of GitLab is the pipeline's.
fn at_the_pipeline(failure: Unread) -> Unread {
    let origin = failure.origin.as_deref().cloned().unwrap_or_default();
    Unread {
        origin: Some(Box::new(Origin {
            address: Some("`CI_API_V4_URL`".to_owned()),
            ..origin
        })),
        ..failure
    }
}

/// What to do about it: the merge request, too, is the pipeline's.
fn next(failure: &Unread) -> String {
    let origin = failure.origin.as_deref();
    let token = origin.and_then(|origin| origin.credentials.as_deref());
    let token = token.unwrap_or("`GITLAB_TOKEN`");
    match failure.cause {
        Cause::Token | Cause::Ended | Cause::Permission => {
            format!("Give {token} a token with scope `api` that may comment there.")
        }
        Cause::NotThere | Cause::Route | Cause::Moved => format!(
            "See that `CI_PROJECT_ID` and `CI_MERGE_REQUEST_IID` are as GitLab CI sets them, and that the token in {token} may see the project: GitLab says the same of both."
        ),
        _ => advice::next(Asked::Gitlab, failure),
    }
}
