//! What GitLab knows to have been deployed.

use reqwest::Method;

use super::{Gitlab, wire};
use crate::http::{Budget, Call, CallError, Repeat};

impl Gitlab {
    /// The ref of the newest successful deployment of `project` to `environment`, and the commit that
    /// it stood for where GitLab tells it; `None` where there never was one.
    pub(crate) async fn last_deployment(
        &self,
        project: &str,
        environment: &str,
        budget: Budget<'_>,
    ) -> Result<Option<(String, Option<String>)>, Box<CallError>> {
        let call = Call {
            method: Method::GET,
            template: "/projects/{id}/deployments",
            object: format!("environment `{environment}` of project `{project}`"),
            segments: &["projects", project, "deployments"],
            query: &[
                ("environment", environment),
                ("status", "success"),
                ("order_by", "id"),
                ("sort", "desc"),
                ("per_page", "1"),
            ],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = self.api.send(&call, budget).await?;
        let found: Vec<wire::Deployment> = self.open(&call, &answer)?;
        Ok(found.into_iter().next().map(|one| (one.reference, one.sha)))
    }
}
