//! GitLab's project variables: one list, and one write per row, always by key *and* scope.

mod deployments;
mod jobs;
mod lock;
mod notes;
mod pipelines;
mod standing;
mod state;
mod wire;

use std::collections::BTreeSet;

use gigadb_engine::{
    draft::{self, SurveyedVariable},
    name::{VariableKey, ZoneName},
    world::{CertificateRow, CiVariable},
};
use reqwest::{Method, header::AUTHORIZATION};
use serde::de::DeserializeSeed as _;
use serde_json::json;

pub(crate) use self::lock::{Locked, Unlocked};
pub(crate) use self::state::document;
use crate::{
    certificate,
    http::{
        Answer, Api, Budget, Call, CallError, Dialect, Repeat, Transport,
        list::{Ask, Walk, identity, said_by_headers},
    },
    settings::{Service, Setting},
};

/// The largest page that GitLab gives.
const ROWS_A_PAGE: u64 = 100;
/// The filter without which GitLab changes a row of another scope, if that is the only one.
const SCOPE_FILTER: &str = "filter[environment_scope]";

/// What is kept of a project's variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// Role variables.
    pub(crate) variables: BTreeSet<VariableKey>,
    /// The variable that holds the side's certificate: of it only what is parsed is kept.
    pub(crate) certificate: Option<VariableKey>,
}

impl Keys {
    /// One role variable alone.
    pub(crate) fn one(key: VariableKey) -> Self {
        Self {
            variables: BTreeSet::from([key]),
            certificate: None,
        }
    }
}

/// What was read of a project's variables.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) variables: Vec<CiVariable>,
    pub(crate) certificates: Vec<CertificateRow>,
}

/// The client.
#[derive(Debug, Clone)]
pub(crate) struct Gitlab {
    api: Api,
}

impl Gitlab {
    pub(crate) fn new(transport: Transport, service: Service) -> Self {
        Self {
            api: Api::new(
                transport,
                service,
                Dialect {
                    name: "GitLab",
                    token_setting: Setting::GitlabToken,
                    // Takes access tokens of every kind and OAuth's as well; `PRIVATE-TOKEN`
                    // takes only the former. <https://docs.gitlab.com/api/rest/authentication/>
                    token_header: AUTHORIZATION,
                    token_prefix: "Bearer ",
                    request_id: "x-request-id",
                    base_ends_in: "/api/v4",
                    own_words: wire::own_words,
                    refusals: &[],
                },
            ),
        }
    }

    /// The rows of `project` that `keys` names; all others are dropped as they are read.
    pub(crate) async fn list_variables(
        &self,
        project: &str,
        keys: &Keys,
        budget: Budget<'_>,
    ) -> Result<Rows, Box<CallError>> {
        let mut rows = Vec::new();
        let mut certificates = Vec::new();
        let each = |row: wire::Variable| {
            let is_certificate = keys
                .certificate
                .as_ref()
                .is_some_and(|key| row.key == key.as_str());
            if is_certificate {
                certificates.push(certificate_row(&row));
            }
            rows.extend(variable(row, &keys.variables));
        };
        self.each_variable(project, budget, each).await?;
        rows.sort();
        rows.dedup_by(|a, b| (&a.key, &a.scope) == (&b.key, &b.scope));
        Ok(Rows {
            variables: rows,
            certificates,
        })
    }

    /// The rows whose value is a host's name in one of `zones`, or a URL of one; all others are
    /// dropped as they are read, and so are masked ones with more than a host in them.
    pub(crate) async fn hosts_in_variables(
        &self,
        project: &str,
        zones: &[ZoneName],
        budget: Budget<'_>,
    ) -> Result<Vec<SurveyedVariable>, Box<CallError>> {
        let mut rows = Vec::new();
        let each = |row: wire::Variable| {
            let value = row.value.unwrap_or_default();
            let host = draft::host(&value);
            let masked = row.masked.unwrap_or_default();
            let host = host.filter(|host| !masked || value.ends_with(host.as_str()));
            if host.is_some_and(|host| zones.iter().any(|zone| host.is_in(zone))) {
                rows.push(SurveyedVariable {
                    key: row.key,
                    scope: row.environment_scope.unwrap_or_else(|| "*".to_owned()),
                    value,
                });
            }
        };
        self.each_variable(project, budget, each).await?;
        rows.sort();
        rows.dedup();
        Ok(rows)
    }

    /// Hands over every row of `project`, page by page.
    async fn each_variable(
        &self,
        project: &str,
        budget: Budget<'_>,
        mut each: impl FnMut(wire::Variable),
    ) -> Result<(), Box<CallError>> {
        let mut walk = Walk::new(ROWS_A_PAGE);
        let per_page = ROWS_A_PAGE.to_string();
        let mut query = first_page(&per_page);
        loop {
            let pairs: Vec<(&str, &str)> = borrowed(&query);
            let call = Call {
                method: Method::GET,
                template: "/projects/{id}/variables",
                object: object(project),
                segments: &["projects", project, "variables"],
                query: &pairs,
                body: None,
                repeat: Repeat::Always,
            };
            let answer = self.api.send(&call, budget.with_room(walk.room())).await?;
            let mut identities = Vec::new();
            let row = |row: wire::Variable| {
                identities.push(identity((&row.key, &row.environment_scope)));
                each(row);
            };
            let mut body = serde_json::Deserializer::from_slice(&answer.body);
            wire::EachRow(row)
                .deserialize(&mut body)
                .and_then(|()| body.end())
                .map_err(|error| self.not_json(&call, &answer, &error))?;
            let said = said_by_headers(&answer.headers);
            match walk.take(&said, &identities, answer.body.len()) {
                Ok(Some(Ask::Page(page))) => query = numbered(&per_page, page),
                Ok(Some(Ask::Query(next))) => query = next,
                Ok(None) => return Ok(()),
                Err(why) => return Err(self.api.incomplete(&call, &answer, &why)),
            }
        }
    }

    /// Sets the value of one row and nothing else of it.
    pub(crate) async fn write_variable(
        &self,
        project: &str,
        key: &VariableKey,
        scope: &str,
        value: &str,
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let call = Call {
            method: Method::PUT,
            template: "/projects/{id}/variables/{key}",
            object: row_object(project, key, scope),
            segments: &["projects", project, "variables", key.as_str()],
            query: &[(SCOPE_FILTER, scope)],
            body: Some(json!({ "value": value })),
            repeat: Repeat::OnlyIfNotApplied,
        };
        self.written(&call, key, scope, value, budget).await
    }

    /// Creates one row: an ordinary, visible, unprotected variable.
    pub(crate) async fn create_variable(
        &self,
        project: &str,
        key: &VariableKey,
        scope: &str,
        value: &str,
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let call = Call {
            method: Method::POST,
            template: "/projects/{id}/variables",
            object: row_object(project, key, scope),
            segments: &["projects", project, "variables"],
            query: &[],
            body: Some(json!({ "key": key, "value": value, "environment_scope": scope })),
            repeat: Repeat::OnlyIfNotApplied,
        };
        self.written(&call, key, scope, value, budget).await
    }

    /// Sends a write and checks that the answer shows the row that was meant.
    async fn written(
        &self,
        call: &Call<'_>,
        key: &VariableKey,
        scope: &str,
        value: &str,
        budget: Budget<'_>,
    ) -> Result<(), Box<CallError>> {
        let answer = self.api.send(call, budget).await?;
        let row: wire::Variable = self.open(call, &answer)?;
        let as_meant = row.key == key.as_str()
            && row.environment_scope.as_deref().unwrap_or("*") == scope
            && row.value.as_deref().is_none_or(|v| v == value);
        if as_meant {
            Ok(())
        } else {
            Err(self
                .api
                .garbage(call, &answer, "it shows another row than the one written"))
        }
    }

    fn open<T: serde::de::DeserializeOwned>(
        &self,
        call: &Call<'_>,
        answer: &Answer,
    ) -> Result<T, Box<CallError>> {
        serde_json::from_slice(&answer.body).map_err(|e| self.not_json(call, answer, &e))
    }

    fn not_json(
        &self,
        call: &Call<'_>,
        answer: &Answer,
        error: &serde_json::Error,
    ) -> Box<CallError> {
        let why = format!(
            "not the JSON that was expected (line {}, column {})",
            error.line(),
            error.column()
        );
        self.api.garbage(call, answer, &why)
    }
}

/// The query of a list's first page.
fn first_page(per_page: &str) -> Vec<(String, String)> {
    numbered(per_page, 1)
}

fn numbered(per_page: &str, page: u64) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    vec![
        pair("per_page", per_page.to_owned()),
        pair("page", page.to_string()),
    ]
}

fn borrowed(query: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = query.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn object(project: &str) -> String {
    format!("project `{project}`")
}

fn row_object(project: &str, key: &VariableKey, scope: &str) -> String {
    format!("`{key}` in project `{project}`, scope `{scope}`")
}

fn certificate_row(row: &wire::Variable) -> CertificateRow {
    CertificateRow {
        scope: row
            .environment_scope
            .clone()
            .unwrap_or_else(|| "*".to_owned()),
        certificate: certificate::stored(row.value.as_deref()),
    }
}

fn variable(row: wire::Variable, keys: &BTreeSet<VariableKey>) -> Option<CiVariable> {
    let key = keys.get(row.key.as_str()).cloned()?;
    Some(CiVariable {
        key,
        scope: row.environment_scope.unwrap_or_else(|| "*".to_owned()),
        value: row.value,
        file: row.kind.as_deref() == Some("file"),
        protected: row.protected.unwrap_or_default(),
        masked: row.masked.unwrap_or_default(),
        hidden: row.hidden.unwrap_or_default(),
        raw: row.raw.unwrap_or_default(),
    })
}
