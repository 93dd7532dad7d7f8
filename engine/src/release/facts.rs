//! What is so now, as far as it could be read.

use std::collections::BTreeMap;

use crate::{intent::Arrangement, name::InfrastructureName};

/// Everything that a release is judged by, besides its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who has which role, by the records; else why that is not clear, as a clause.
    pub roles: Result<Arrangement, String>,
    /// Whether every record and variable is as the topology says.
    pub consistent: bool,
    /// Whether the hot standby's variables all hold production's values.
    pub prepared: bool,
    /// What GitLab says of each side; else why it could not be read, as a clause.
    pub sides: BTreeMap<InfrastructureName, Result<SideFacts, String>>,
    /// Production's dumps, where a command lists them; else why they are not known, as a clause.
    pub dumps: Result<Vec<Dump>, String>,
    /// Whether nobody else holds a step that was begun: its process is surely gone, or is this one.
    pub holder_is_gone: bool,
}

/// What GitLab says of one side in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SideFacts {
    /// Jobs of deployments that run or wait for a runner, of whichever pipeline.
    pub active: Vec<Active>,
    /// The newest pipeline of the release's ref.
    pub pipeline: Option<u64>,
    /// The commit of that pipeline, where GitLab tells it.
    pub commit: Option<String>,
    /// Its jobs: the newest of each name.
    pub jobs: Vec<JobFact>,
    /// The ref that was deployed last with success.
    pub deployed: Option<String>,
    /// The commit that it stood for then, where GitLab tells it.
    pub deployed_commit: Option<String>,
}

/// A deployment that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// The job's id.
    pub id: u64,
    /// What it is, in words.
    pub what: String,
}

/// One job of the release's pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFact {
    /// Its name.
    pub name: String,
    /// GitLab's id: a job that is retried gets another.
    pub id: u64,
    /// How far it is.
    pub status: JobStatus,
    /// The word that GitLab says.
    pub word: String,
    /// Its page.
    pub page: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobStatus {
    /// A person may start it.
    Manual,
    /// It waits for an earlier job.
    NotReady,
    /// It runs, or waits for a runner.
    Active,
    /// It ended well.
    Success,
    /// It failed or was cancelled.
    Failed,
    /// It was left out, because a job before it did not end well.
    Skipped,
}

impl JobStatus {
    /// The status that GitLab's word stands for.
    /// <https://docs.gitlab.com/api/jobs/#list-project-jobs>
    pub fn of(word: &str) -> Self {
        match word {
            "manual" => Self::Manual,
            "created" => Self::NotReady,
            "success" => Self::Success,
            "failed" | "canceled" => Self::Failed,
            "skipped" => Self::Skipped,
            // What is new or unknown has not ended, as far as anybody can say.
            _ => Self::Active,
        }
    }

    /// Whether it has ended.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Skipped)
    }
}

/// A dump of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// Its name.
    pub name: String,
    /// When it was made, in seconds since 1970, by the storage's clock.
    pub time: i64,
    /// Its size in bytes.
    pub size: u64,
}

impl Facts {
    /// What GitLab says of a side, where it could be read.
    pub fn side(&self, name: &InfrastructureName) -> Option<&SideFacts> {
        self.sides.get(name)?.as_ref().ok()
    }

    /// Why GitLab could not be read for a side, as a clause.
    pub fn unread(&self, name: &InfrastructureName) -> Option<String> {
        match self.sides.get(name) {
            Some(Ok(_)) => None,
            Some(Err(why)) => Some(why.clone()),
            None => Some("it was not asked".to_owned()),
        }
    }
}

impl SideFacts {
    /// The newest job of that name.
    pub fn job(&self, name: &str) -> Option<&JobFact> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// The job of its pipeline that one which is not ready, or was skipped, waits for, as far as
    /// the others show: one that runs before one that failed before one that a person may start.
    pub fn waits_for(&self, name: &str) -> Option<&JobFact> {
        let of = |status| {
            let mut others = self.jobs.iter().filter(|job| job.name != name);
            others.find(|job| job.status == status)
        };
        let order = [JobStatus::Active, JobStatus::Failed, JobStatus::Manual];
        order.into_iter().find_map(of)
    }
}
