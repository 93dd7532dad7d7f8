//! One note in a merge request, posted once and kept up to date.

use gigadb_engine::world::Failure;
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use crate::{Apis, http::Budget};

/// A merge request of GitLab's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// Path or number of the project.
    pub project: String,
    /// The number within the project.
    pub iid: u64,
}

/// What was done to say something in a merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// A note was posted.
    Posted,
    /// The note that was there holds the new text.
    Updated,
    /// The note that was there holds the text already.
    Same,
}

/// Why it is not sure that a merge request holds a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnoted {
    /// What failed.
    pub failure: Failure,
    /// Whether the text may be there all the same: the answer to a write is not known.
    pub perhaps: bool,
}

impl Apis {
    /// Makes `body` the text of the note by the token's user that begins with `marker`, which is
    /// posted where there is none. GitLab takes spaces and line breaks off the ends of a text.
    pub async fn note(
        &self,
        request: &MergeRequest,
        marker: &str,
        body: &str,
        cancel: &CancellationToken,
    ) -> Result<Noted, Unnoted> {
        let budget = || Budget::new(self.timing().call, Some(cancel));
        let gitlab = &self.gitlab;
        let done = async {
            let login = gitlab.login(budget()).await?;
            Ok(
                match gitlab.find_note(request, &login, marker, budget()).await? {
                    Some(note) if note.body.trim() == body.trim() => Noted::Same,
                    Some(note) => {
                        gitlab.update_note(request, note.id, body, budget()).await?;
                        Noted::Updated
                    }
                    None => {
                        gitlab.create_note(request, body, budget()).await?;
                        Noted::Posted
                    }
                },
            )
        };
        done.await
            .map_err(|error: Box<crate::http::CallError>| Unnoted {
                failure: error.failure(),
                perhaps: error.method != Method::GET && !error.fault.surely_not_applied(),
            })
    }
}
