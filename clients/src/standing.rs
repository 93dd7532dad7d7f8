//! What the tokens and profiles of this machine are, and what they may do: read to tell an
//! operator, never to decide on. A swap asks none of this.

use gigadb_engine::{topology::Aws, world::Failure};
use tokio_util::sync::CancellationToken;

use crate::{Apis, Secret, http::Budget};

/// What an API says of the token that it was asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whether it is in force.
    pub active: bool,
    /// GitLab's scopes; empty for Cloudflare, which does not tell a token's permissions.
    pub scopes: Vec<String>,
    /// When it ends, as the API writes it: RFC 3339 (Cloudflare) or a date (GitLab); `None` where
    /// it has no end.
    pub expires: Option<String>,
}

/// What a token is in a GitLab project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InProject {
    /// Its role, as a number to compare with [`MAINTAINER`]; `None` where GitLab does not say.
    pub level: Option<u32>,
    /// Whether the project is archived, so that nothing of it can be changed.
    pub archived: bool,
}

/// What the shared files say of an AWS profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsProfile {
    /// Its region, which AWS's own tools use.
    pub region: Option<String>,
    /// The id of the key that it resolves to.
    pub access_key_id: Secret,
    /// Other profiles of the same files that have the same key, sorted.
    pub shares_key_with: Vec<String>,
}

/// The number by which GitLab knows the role Maintainer.
/// <https://docs.gitlab.com/api/access_requests/>
pub const MAINTAINER: u32 = 40;

impl Apis {
    /// What Cloudflare says of the token. A read that succeeds outranks a refusal here.
    pub async fn cloudflare_token(&self, cancel: &CancellationToken) -> Result<Token, Failure> {
        let budget = Budget::new(self.timing().call, Some(cancel));
        let verified = self.cloudflare.verify_token(budget).await;
        verified.map_err(|error| error.failure())
    }

    /// What GitLab says of the token. Tokens other than access tokens are refused here.
    pub async fn gitlab_token(&self, cancel: &CancellationToken) -> Result<Token, Failure> {
        let budget = Budget::new(self.timing().call, Some(cancel));
        let own = self.gitlab.own_token(budget).await;
        own.map_err(|error| error.failure())
    }

    /// What the token is in a GitLab project.
    pub async fn gitlab_project(
        &self,
        project: &str,
        cancel: &CancellationToken,
    ) -> Result<InProject, Failure> {
        let budget = Budget::new(self.timing().call, Some(cancel));
        let found = self.gitlab.in_project(project, budget).await;
        found.map_err(|error| error.failure())
    }

    /// Resolves an AWS profile as every call to EC2 does.
    pub async fn aws_profile(&self, aws: &Aws) -> Result<AwsProfile, Failure> {
        Box::pin(self.ec2.profile(aws)).await
    }
}
