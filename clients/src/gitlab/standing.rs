//! What GitLab says of the token, and of its role in a project.

use reqwest::Method;
use serde::Deserialize;

use super::{Gitlab, object};
use crate::{
    http::{Budget, Call, CallError, Repeat},
    standing::{InProject, Token},
};

#[derive(Debug, Deserialize)]
struct Own {
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Project {
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    permissions: Option<Permissions>,
}

#[derive(Debug, Default, Deserialize)]
struct Permissions {
    #[serde(default)]
    project_access: Option<Access>,
    #[serde(default)]
    group_access: Option<Access>,
}

#[derive(Debug, Deserialize)]
struct Access {
    access_level: u32,
}

impl Gitlab {
    /// What the token may know about itself; any scope will do.
    /// <https://docs.gitlab.com/api/personal_access_tokens/>
    pub(crate) async fn own_token(&self, budget: Budget<'_>) -> Result<Token, Box<CallError>> {
        let call = Call {
            method: Method::GET,
            template: "/personal_access_tokens/self",
            object: "the token".to_owned(),
            segments: &["personal_access_tokens", "self"],
            query: &[],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = self.api.send(&call, budget).await?;
        let own: Own = self.open(&call, &answer)?;
        Ok(Token {
            active: own.active.unwrap_or(true),
            scopes: own.scopes,
            expires: own.expires_at,
        })
    }

    /// What the token is in a project: the higher of the roles that project and group give.
    /// <https://docs.gitlab.com/api/projects/#get-a-single-project>
    pub(crate) async fn in_project(
        &self,
        project: &str,
        budget: Budget<'_>,
    ) -> Result<InProject, Box<CallError>> {
        let call = Call {
            method: Method::GET,
            template: "/projects/{id}",
            object: object(project),
            segments: &["projects", project],
            query: &[],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = self.api.send(&call, budget).await?;
        let found: Project = self.open(&call, &answer)?;
        let permissions = found.permissions.unwrap_or_default();
        let both = [permissions.project_access, permissions.group_access];
        Ok(InProject {
            level: both.into_iter().flatten().map(|one| one.access_level).max(),
            archived: found.archived.unwrap_or_default(),
        })
    }
}
