//! What pipelines left behind: read for people and playbooks, never decided on.

use std::collections::BTreeMap;

use gigadb_engine::{
    name::EnvironmentName,
    world::{Failure, Pipeline, Reading},
};
use serde_json::Value;
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
            .map(|found| found.map(|(reference, _)| reference))
            .map_err(|error| error.failure())
    }

    /// The pipelines of a GitLab project that run or wait for a runner, newest first. Needs a token
    /// that may read the project as Reporter.
    pub(crate) async fn active_pipelines(
        &self,
        project: &str,
        cancel: &CancellationToken,
    ) -> Reading<Vec<Pipeline>> {
        let read = |status| {
            let budget = Budget::new(self.timing().call, Some(cancel));
            self.gitlab.pipelines(project, status, budget)
        };
        let read = futures::future::try_join(read("running"), read("pending"));
        let (running, pending) = match read.await {
            Ok(read) => read,
            Err(error) => return Reading::failed(error.failure()),
        };
        let mut active = [running, pending].concat();
        // One that began between the two readings is in both.
        active.sort_by(|a, b| (b.id, &b.status).cmp(&(a.id, &a.status)));
        active.dedup_by_key(|one| one.id);
        Reading::Read(active)
    }

    /// The Terraform outputs in `keys` of one state of a GitLab project, without those that are
    /// marked as sensitive; empty where there is no state. Needs a token that may read the project
    /// as Developer. Nothing else of the state is kept.
    pub async fn terraform_outputs(
        &self,
        project: &str,
        state: &str,
        keys: &[&str],
        cancel: &CancellationToken,
    ) -> Result<BTreeMap<String, Value>, Failure> {
        let budget = Budget::new(self.timing().call, Some(cancel));
        self.gitlab
            .terraform_outputs(project, state, keys, budget)
            .await
            .map_err(|error| error.failure())
    }
}
