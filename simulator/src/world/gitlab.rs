//! GitLab's part of the world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tokens, projects and renamed paths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gitlab {
    /// Access tokens. A token that is not here is unknown to the API.
    pub tokens: Vec<GitlabToken>,
    /// Projects; all private.
    pub projects: Vec<Project>,
    /// Former path to present path: such a request answers 301.
    pub renamed: BTreeMap<String, String>,
}

/// One personal, project or group access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitlabToken {
    /// The secret that clients send as `PRIVATE-TOKEN` or `Authorization: Bearer`.
    pub value: String,
    /// Login of its user, shown as the holder of Terraform state locks.
    pub username: String,
    /// `api`, `read_api`, ...
    pub scopes: Vec<String>,
    /// Whether the token is in force.
    #[serde(default)]
    pub status: GitlabTokenStatus,
    /// Role by project path; a project that is not here is invisible.
    #[serde(default)]
    pub access: BTreeMap<String, AccessLevel>,
    /// The day on which it ends, as `2027-01-31`; shown, while `status` alone decides.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// Whether a token is in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GitlabTokenStatus {
    /// Works.
    #[default]
    Active,
    /// Past its end of life.
    Expired,
    /// Withdrawn.
    Revoked,
}

/// Role in a project, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// 10
    Guest,
    /// 20
    Reporter,
    /// 30
    Developer,
    /// 40, the lowest that may read CI/CD variables.
    Maintainer,
    /// 50
    Owner,
}

impl AccessLevel {
    /// Returns the API's number.
    pub fn number(self) -> u64 {
        match self {
            Self::Guest => 10,
            Self::Reporter => 20,
            Self::Developer => 30,
            Self::Maintainer => 40,
            Self::Owner => 50,
        }
    }
}

/// One project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Project {
    /// Numeric id.
    pub id: u64,
    /// Full path, with groups.
    pub path: String,
    /// Whether it is archived: it can be looked at, and its variables neither read nor changed.
    pub archived: bool,
    /// CI/CD variables, unique by key and scope.
    pub variables: Vec<Variable>,
    /// Environments by id.
    pub environments: Vec<Environment>,
    /// Deployments by id, oldest first.
    pub deployments: Vec<Deployment>,
    /// Pipelines by id, oldest first.
    pub pipelines: Vec<Pipeline>,
    /// Jobs by id; only those that a person starts matter here.
    pub jobs: Vec<Job>,
    /// Releases by tag.
    pub releases: Vec<Release>,
    /// Deploy freezes; the API only lists them.
    pub freeze_periods: Vec<FreezePeriod>,
    /// Merge requests by number.
    pub merge_requests: Vec<MergeRequest>,
    /// Terraform states by name.
    pub terraform_states: BTreeMap<String, TerraformState>,
}

impl Project {
    /// Returns the row of exactly that key and scope.
    pub fn variable(&self, key: &str, scope: &str) -> Option<&Variable> {
        self.variables
            .iter()
            .find(|row| row.key == key && row.environment_scope == scope)
    }

    /// Returns the row of exactly that key and scope, for changing.
    pub fn variable_mut(&mut self, key: &str, scope: &str) -> Option<&mut Variable> {
        self.variables
            .iter_mut()
            .find(|row| row.key == key && row.environment_scope == scope)
    }
}

/// One CI/CD variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the four independent flags of GitLab's row"
)]
pub struct Variable {
    /// Letters, digits and underscores.
    pub key: String,
    /// Any text.
    pub value: String,
    /// Environment variable or file.
    #[serde(default)]
    pub variable_type: VariableType,
    /// Given to pipelines on protected refs only.
    #[serde(default)]
    pub protected: bool,
    /// Masked in job logs.
    #[serde(default)]
    pub masked: bool,
    /// Never shown by the API again.
    #[serde(default)]
    pub hidden: bool,
    /// No expansion of `$NAME`.
    #[serde(default)]
    pub raw: bool,
    /// Literal name, pattern, or `*`.
    #[serde(default = "everywhere")]
    pub environment_scope: String,
    /// Free text.
    #[serde(default)]
    pub description: Option<String>,
}

fn everywhere() -> String {
    "*".to_owned()
}

impl Variable {
    /// Returns a plain environment variable.
    pub fn new(key: &str, scope: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            value: value.to_owned(),
            variable_type: VariableType::EnvVar,
            protected: false,
            masked: false,
            hidden: false,
            raw: false,
            environment_scope: scope.to_owned(),
            description: None,
        }
    }
}

/// How a job receives a variable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableType {
    /// As an environment variable.
    #[default]
    EnvVar,
    /// As the path of a file that holds the value.
    File,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Numeric id.
    pub id: u64,
    /// Such as `live`.
    pub name: String,
    /// `available`, `stopping` or `stopped`.
    pub state: String,
    /// `production`, `staging`, ...
    pub tier: String,
    /// Where it is served.
    #[serde(default)]
    pub external_url: Option<String>,
}

/// One deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Numeric id, rising.
    pub id: u64,
    /// Number within the project.
    pub iid: u64,
    /// Name of the environment.
    pub environment: String,
    /// `created`, `running`, `success`, `failed`, `canceled`, `blocked` or `skipped`.
    pub status: String,
    /// Branch or tag.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Commit.
    pub sha: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
    /// The job behind it; absent for deployments made by API.
    #[serde(default)]
    pub deployable: Option<Deployable>,
}

/// The job of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployable {
    /// Job id.
    pub id: u64,
    /// Job name.
    pub name: String,
    /// Whether the ref is a tag.
    pub tag: bool,
    /// Its pipeline.
    pub pipeline: u64,
}

/// One pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Numeric id, rising.
    pub id: u64,
    /// `running`, `success`, ...
    pub status: String,
    /// Branch or tag.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Commit.
    pub sha: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// One job of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Numeric id.
    pub id: u64,
    /// Such as `ld_gigadb`.
    pub name: String,
    /// `manual` until it is played, then `pending`.
    pub status: String,
    /// Its pipeline.
    pub pipeline: u64,
    /// Whether another job took its place.
    #[serde(default)]
    pub retried: bool,
    /// How it goes on once it was started; without this it stays pending.
    #[serde(default)]
    pub run: Option<JobRun>,
}

/// How a job goes on once it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobRun {
    /// Through how many looks at the project's jobs it runs.
    pub looks: u32,
    /// How many of them there were.
    pub seen: u32,
    /// How its runs end, the first first; `success` where nothing is left here.
    pub ends: Vec<String>,
    /// The environment that it deploys to.
    pub environment: Option<String>,
    /// The jobs of its pipeline that must succeed before it can be played.
    pub needs: Vec<String>,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Git tag.
    pub tag_name: String,
    /// Title.
    pub name: String,
    /// RFC 3339; newest first in the list.
    pub released_at: String,
}

/// One merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// Number within the project.
    pub iid: u64,
    /// What was said, oldest first.
    #[serde(default)]
    pub notes: Vec<Note>,
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Numeric id, rising.
    pub id: u64,
    /// Markdown.
    pub body: String,
    /// Login of its author.
    pub author: String,
    /// Whether GitLab itself wrote it, about an event.
    #[serde(default)]
    pub system: bool,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// One deploy freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezePeriod {
    /// Numeric id.
    pub id: u64,
    /// Cron, five fields.
    pub freeze_start: String,
    /// Cron, five fields.
    pub freeze_end: String,
    /// Zone of both.
    pub cron_timezone: String,
}

/// One Terraform state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TerraformState {
    /// Versions by serial; the newest is served.
    pub versions: BTreeMap<u64, String>,
    /// Who holds it now.
    pub lock: Option<StateLock>,
}

/// Who holds a Terraform state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateLock {
    /// The lock's own id, chosen by its taker.
    pub id: String,
    /// GitLab user.
    pub username: String,
    /// RFC 3339, as the server saw it.
    pub created: String,
}

impl Gitlab {
    /// Returns the project of that path.
    pub fn project(&self, path: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.path == path)
    }

    /// Returns the project of that path for changing.
    pub fn project_mut(&mut self, path: &str) -> Option<&mut Project> {
        self.projects
            .iter_mut()
            .find(|project| project.path == path)
    }
}
