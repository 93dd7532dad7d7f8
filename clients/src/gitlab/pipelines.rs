//! Which of GitLab's pipelines have not ended.

use gigadb_engine::world::Pipeline;
use reqwest::Method;

use super::{Gitlab, object, wire};
use crate::http::{Budget, Call, CallError, Repeat};

impl Gitlab {
    /// The newest pipelines of `project` with this status: one page of them.
    pub(crate) async fn pipelines(
        &self,
        project: &str,
        status: &str,
        budget: Budget<'_>,
    ) -> Result<Vec<Pipeline>, Box<CallError>> {
        let per_page = super::ROWS_A_PAGE.to_string();
        let call = Call {
            method: Method::GET,
            template: "/projects/{id}/pipelines",
            object: object(project),
            segments: &["projects", project, "pipelines"],
            query: &[("status", status), ("per_page", &per_page)],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = self.api.send(&call, budget).await?;
        let found: Vec<wire::Pipeline> = self.open(&call, &answer)?;
        let pipelines = found.into_iter().map(|one| Pipeline {
            id: one.id,
            reference: one.reference.unwrap_or_default(),
            status: one.status,
        });
        Ok(pipelines.collect())
    }
}
