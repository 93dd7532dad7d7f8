//! What pipelines left behind: read for people and playbooks, never decided on.

use gigadb_engine::{name::EnvironmentName, world::Failure};
use tokio_util::sync::CancellationToken;

use crate::{Apis, http::Budget};

impl Apis {
    /// The ref of the last successful deployment of a GitLab project to an environment; `None`
    /// where there never was one. Needs a token that may read the project as Developer.
    pub async fn last_deployment(
        &self,
        project: &str,
        environment: &EnvironmentName,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, Failure> {
        let budget = Budget::new(self.timing().call, Some(cancel));
        self.gitlab
            .last_deployment(project, environment.as_str(), budget)
            .await
            .map_err(|error| error.failure())
    }
}
