//! Notes of a merge request. <https://docs.gitlab.com/api/notes/#merge-requests>

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Gitlab, ROWS_A_PAGE, borrowed, first_page, numbered};
use crate::{
    http::{
        Answer, Budget, Call, CallError, Repeat,
        list::{Ask, Walk, identity, said_by_headers},
    },
    notes::MergeRequest,
};

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
        let segments = [
            "projects",
            &request.project,
            "merge_requests",
            &iid,
            "notes",
        ];
        let mut walk = Walk::new(ROWS_A_PAGE);
        let per_page = ROWS_A_PAGE.to_string();
        let mut query = first_page(&per_page);
        loop {
            let mut pairs = vec![("order_by", "created_at"), ("sort", "asc")];
            pairs.extend(
                borrowed(&query)
                    .into_iter()
                    .filter(|(name, _)| !matches!(*name, "order_by" | "sort")),
            );
            let call = Call {
                method: Method::GET,
                template: NOTES,
                object: object(request),
                segments: &segments,
                query: &pairs,
                body: None,
                repeat: Repeat::Always,
            };
            let answer = self.api.send(&call, budget.with_room(walk.room())).await?;
            let notes: Vec<Note> = self.open(&call, &answer)?;
            let identities: Vec<u64> = notes.iter().map(|note| identity(note.id)).collect();
            let ours = notes.into_iter().find(|note| {
                !note.system && note.author.username == login && note.body.starts_with(marker)
            });
            if ours.is_some() {
                return Ok(ours);
            }
            let said = said_by_headers(&answer.headers);
            match walk.take(&said, &identities, answer.body.len()) {
                Ok(Some(Ask::Page(page))) => query = numbered(&per_page, page),
                Ok(Some(Ask::Query(next))) => query = next,
                Ok(None) => return Ok(None),
                Err(why) => return Err(self.api.incomplete(&call, &answer, &why)),
            }
        }
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
