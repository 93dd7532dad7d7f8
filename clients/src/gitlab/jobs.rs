//! Pipelines of a ref and their jobs: listed, played, started once more.
//! <https://docs.gitlab.com/api/jobs/>

use reqwest::Method;
use serde::Deserialize;

use super::{Gitlab, ROWS_A_PAGE, borrowed, first_page, numbered, object, wire};
use crate::http::{
    Budget, Call, CallError, Repeat,
    list::{Ask, Walk, identity, said_by_headers},
};

/// The states of a job that has been started, or will be without anybody's doing, and has not
/// ended. `created` is none: such a job waits for an earlier one, which may never be played.
const UNDER_WAY: [&str; 7] = [
    "scheduled",
    "preparing",
    "pending",
    "running",
    "waiting_for_resource",
    "waiting_for_callback",
    "canceling",
];

/// A job, as far as it is needed.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) web_url: Option<String>,
}

/// A deployment that runs, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Running {
    #[serde(rename = "ref")]
    pub(crate) reference: String,
    #[serde(default)]
    pub(crate) deployable: Option<Deployable>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deployable {
    pub(crate) id: u64,
    pub(crate) name: String,
}

impl Gitlab {
    /// The id of the newest pipeline of that branch or tag.
    pub(crate) async fn newest_pipeline(
        &self,
        project: &str,
        reference: &str,
        budget: Budget<'_>,
    ) -> Result<Option<(u64, Option<String>)>, Box<CallError>> {
        let call = Call {
            method: Method::GET,
            template: "/projects/{id}/pipelines",
            object: object(project),
            segments: &["projects", project, "pipelines"],
            query: &[
                ("ref", reference),
                ("order_by", "id"),
                ("sort", "desc"),
                ("per_page", "1"),
            ],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = self.api.send(&call, budget).await?;
        let found: Vec<wire::Pipeline> = self.open(&call, &answer)?;
        Ok(found.into_iter().map(|one| (one.id, one.sha)).next())
    }

    /// The jobs of a pipeline, without those that were started once more.
    pub(crate) async fn pipeline_jobs(
        &self,
        project: &str,
        pipeline: u64,
        budget: Budget<'_>,
    ) -> Result<Vec<Job>, Box<CallError>> {
        let pipeline = pipeline.to_string();
        let segments = ["projects", project, "pipelines", &pipeline, "jobs"];
        let template = "/projects/{id}/pipelines/{pipeline_id}/jobs";
        self.jobs(project, template, &segments, &[], budget).await
    }

    /// The jobs of a project that have been started and have not ended.
    pub(crate) async fn jobs_under_way(
        &self,
        project: &str,
        budget: Budget<'_>,
    ) -> Result<Vec<Job>, Box<CallError>> {
        let scope = UNDER_WAY.map(|status| ("scope[]", status));
        let segments = ["projects", project, "jobs"];
        self.jobs(project, "/projects/{id}/jobs", &segments, &scope, budget)
            .await
    }

    async fn jobs(
        &self,
        project: &str,
        template: &'static str,
        segments: &[&str],
        scope: &[(&str, &str)],
        budget: Budget<'_>,
    ) -> Result<Vec<Job>, Box<CallError>> {
        let mut jobs = Vec::new();
        let mut walk = Walk::new(ROWS_A_PAGE);
        let per_page = ROWS_A_PAGE.to_string();
        let mut query = first_page(&per_page);
        loop {
            let mut pairs = scope.to_vec();
            pairs.extend(
                borrowed(&query)
                    .into_iter()
                    .filter(|(name, _)| *name != "scope[]"),
            );
            let call = Call {
                method: Method::GET,
                template,
                object: object(project),
                segments,
                query: &pairs,
                body: None,
                repeat: Repeat::Always,
            };
            let answer = self.api.send(&call, budget.with_room(walk.room())).await?;
            let page: Vec<Job> = self.open(&call, &answer)?;
            let identities: Vec<_> = page.iter().map(|job| identity((job.id, ""))).collect();
            jobs.extend(page);
            let said = said_by_headers(&answer.headers);
            match walk.take(&said, &identities, answer.body.len()) {
                Ok(Some(Ask::Page(page))) => query = numbered(&per_page, page),
                Ok(Some(Ask::Query(next))) => query = next,
                Ok(None) => return Ok(jobs),
                Err(why) => return Err(self.api.incomplete(&call, &answer, &why)),
            }
        }
    }

    /// The deployments of `project` to `environment` that run: one page of them, newest first.
    pub(crate) async fn running_deployments(
        &self,
        project: &str,
        environment: &str,
        budget: Budget<'_>,
    ) -> Result<Vec<Running>, Box<CallError>> {
        let per_page = ROWS_A_PAGE.to_string();
        let call = Call {
            method: Method::GET,
            template: "/projects/{id}/deployments",
            object: format!("environment `{environment}` of project `{project}`"),
            segments: &["projects", project, "deployments"],
            query: &[
                ("environment", environment),
                ("status", "running"),
                ("order_by", "id"),
                ("sort", "desc"),
                ("per_page", &per_page),
            ],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = self.api.send(&call, budget).await?;
        self.open(&call, &answer)
    }

    /// Starts a manual job. Sent once: what became of it, the list of jobs tells.
    pub(crate) async fn play_job(
        &self,
        project: &str,
        job: u64,
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let template = "/projects/{id}/jobs/{job_id}/play";
        self.start(project, job, ("play", template), budget).await
    }

    /// Starts a job that has ended once more; GitLab makes another job of it.
    pub(crate) async fn retry_job(
        &self,
        project: &str,
        job: u64,
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let template = "/projects/{id}/jobs/{job_id}/retry";
        self.start(project, job, ("retry", template), budget).await
    }

    async fn start(
        &self,
        project: &str,
        job: u64,
        (verb, template): (&str, &'static str),
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let id = job.to_string();
        let call = Call {
            method: Method::POST,
            template,
            object: format!("job {id} of project `{project}`"),
            segments: &["projects", project, "jobs", &id, verb],
            query: &[],
            body: None,
            repeat: Repeat::OnlyIfNotApplied,
        };
        self.api.send(&call, budget).await.map(|_| ())
    }
}
