//! The note of a merge request that holds the newest review.

use gigadb_clients::{Apis, Explicit, MergeRequest, Noted, Settings};
use tokio_util::sync::CancellationToken;

use crate::{failure::Failure, surroundings};

/// By which a note is found again; GitLab does not show it.
const MARKER: &str = "<!-- gigadb-roles review -->";

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
        Err(failure) => {
            let text = failure.to_string();
            let mut failed = Failure::refused(
                format!(
                    "The review could not be posted: {}.",
                    text.trim_end_matches('.')
                ),
                object,
                "Give GITLAB_TOKEN a token with scope `api` that may comment there, then run the job again.",
            );
            "No record and no variable was changed. The note may or may not have been written."
                .clone_into(&mut failed.message.changed);
            Err(failed)
        }
    }
}
