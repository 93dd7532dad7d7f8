//! Notes of a merge request. <https://docs.gitlab.com/api/notes/#merge-requests>

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Gitlab, ROWS_A_PAGE, next_page};
use crate::{
    http::{Answer, Budget, Call, CallError, Fault, Repeat},
    notes::MergeRequest,
};

/// More pages of notes than a merge request has that people can still read.
const MOST_PAGES: usize = 200;
const NOTES: &str = "/projects/{id}/merge_requests/{merge_request_iid}/notes";

#[derive(Debug, Deserialize)]
struct User {
    username: String,
}

/// A note, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) body: String,
    #[serde(default)]
    system: bool,
    author: User,
}

fn object(request: &MergeRequest) -> String {
    format!(
        "merge request !{} of project `{}`",
        request.iid, request.project
    )
}

impl Gitlab {
    /// The login of the token's user.
    pub(crate) async fn login(&self, budget: Budget<'_>) -> Result<String, Box<CallError>> {
        let call = Call {
            method: Method::GET,
            template: "/user",
            object: "the token's user".to_owned(),
            segments: &["user"],
            query: &[],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = self.api.send(&call, budget).await?;
        let user: User = self.open(&call, &answer)?;
        Ok(user.username)
    }

    /// The oldest note by `login` that begins with `marker`.
    pub(crate) async fn find_note(
        &self,
        request: &MergeRequest,
        login: &str,
        marker: &str,
        budget: Budget<'_>,
    ) -> Result<Option<Note>, Box<CallError>> {
        let iid = request.iid.to_string();
        let call = |page| Call {
            method: Method::GET,
            template: NOTES,
            object: object(request),
            segments: page,
            query: &[],
            body: None,
            repeat: Repeat::Always,
        };
        let segments = [
            "projects",
            &request.project,
            "merge_requests",
            &iid,
            "notes",
        ];
        let mut page = "1".to_owned();
        for _ in 0..MOST_PAGES {
            let query = [
                ("order_by", "created_at"),
                ("sort", "asc"),
                ("per_page", ROWS_A_PAGE),
                ("page", &page),
            ];
            let call = Call {
                query: &query,
                ..call(&segments)
            };
            let answer = self.api.send(&call, budget).await?;
            let notes: Vec<Note> = self.open(&call, &answer)?;
            let ours = notes.into_iter().find(|note| {
                !note.system && note.author.username == login && note.body.starts_with(marker)
            });
            if ours.is_some() {
                return Ok(ours);
            }
            match next_page(&answer) {
                Some(next) if next != page => page = next,
                _ => return Ok(None),
            }
        }
        let fault = Fault::Garbage(format!("more than {MOST_PAGES} pages"));
        Err(self.api.error(&call(&segments), fault))
    }

    /// Posts a note.
    pub(crate) async fn create_note(
        &self,
        request: &MergeRequest,
        body: &str,
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let iid = request.iid.to_string();
        let call = Call {
            method: Method::POST,
            template: NOTES,
            object: object(request),
            segments: &[
                "projects",
                &request.project,
                "merge_requests",
                &iid,
                "notes",
            ],
            query: &[],
            body: Some(json!({ "body": body })),
            repeat: Repeat::OnlyIfNotApplied,
        };
        let answer = self.api.send(&call, budget).await?;
        self.noted(&call, &answer)
    }

    /// Replaces the text of a note.
    pub(crate) async fn update_note(
        &self,
        request: &MergeRequest,
        note: u64,
        body: &str,
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let (iid, note) = (request.iid.to_string(), note.to_string());
        let call = Call {
            method: Method::PUT,
            template: "/projects/{id}/merge_requests/{merge_request_iid}/notes/{note_id}",
            object: object(request),
            segments: &[
                "projects",
                &request.project,
                "merge_requests",
                &iid,
                "notes",
                &note,
            ],
            query: &[],
            body: Some(json!({ "body": body })),
            repeat: Repeat::OnlyIfNotApplied,
        };
        let answer = self.api.send(&call, budget).await?;
        self.noted(&call, &answer)
    }

    /// Checks that an answer shows a note at all.
    fn noted(&self, call: &Call<'_>, answer: &Answer) -> Result<(), Box<CallError>> {
        self.open::<Note>(call, answer).map(drop)
    }
}
