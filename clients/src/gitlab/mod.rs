//! GitLab's project variables: one list, and one write per row, always by key *and* scope.

mod deployments;
mod lock;
mod notes;
mod pipelines;
mod standing;
mod state;
mod wire;

use std::collections::BTreeSet;

use gigadb_engine::{
    name::VariableKey,
    world::{CertificateRow, CiVariable},
};
use reqwest::{
    Method,
    header::{HeaderName, LINK},
};
use serde_json::json;

pub(crate) use self::lock::{Locked, Unlocked};
use crate::{
    certificate,
    http::{Answer, Api, Budget, Call, CallError, Dialect, Fault, Repeat, Transport, text},
    settings::{Service, Setting},
};

/// The largest page that GitLab gives.
const ROWS_A_PAGE: &str = "100";
/// More pages than 8,000 variables, GitLab's limit for a project, can fill.
const MOST_PAGES: usize = 1000;
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
                    token_header: HeaderName::from_static("private-token"),
                    token_prefix: "",
                    request_id: "x-request-id",
                    faults: wire::faults,
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
        let mut page = "1".to_owned();
        for _ in 0..MOST_PAGES {
            let call = Call {
                method: Method::GET,
                template: "/projects/{id}/variables",
                object: object(project),
                segments: &["projects", project, "variables"],
                query: &[("per_page", ROWS_A_PAGE), ("page", &page)],
                body: None,
                repeat: Repeat::Always,
            };
            let answer = self.api.send(&call, budget).await?;
            let found: Vec<wire::Variable> = self.open(&call, &answer)?;
            for row in found {
                if keys
                    .certificate
                    .as_ref()
                    .is_some_and(|key| row.key == key.as_str())
                {
                    certificates.push(certificate_row(&row));
                }
                rows.extend(variable(row, &keys.variables));
            }
            match next_page(&answer) {
                Some(next) if next != page => page = next,
                _ => {
                    rows.sort();
                    rows.dedup_by(|a, b| (&a.key, &a.scope) == (&b.key, &b.scope));
                    return Ok(Rows {
                        variables: rows,
                        certificates,
                    });
                }
            }
        }
        Err(self.api.error(
            &Call {
                method: Method::GET,
                template: "/projects/{id}/variables",
                object: object(project),
                segments: &[],
                query: &[],
                body: None,
                repeat: Repeat::Always,
            },
            Fault::Garbage(format!("more than {MOST_PAGES} pages")),
        ))
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
        serde_json::from_slice(&answer.body).map_err(|e| {
            let why = format!(
                "not the JSON that was expected (line {}, column {})",
                e.line(),
                e.column()
            );
            self.api.garbage(call, answer, &why)
        })
    }
}

fn object(project: &str) -> String {
    format!("project `{project}`")
}

fn row_object(project: &str, key: &VariableKey, scope: &str) -> String {
    format!("`{key}` in project `{project}`, scope `{scope}`")
}

/// The next page's number: from `x-next-page`, else from `Link`'s `rel="next"`, whose address is
/// not followed itself, so that the token goes nowhere else.
fn next_page(answer: &Answer) -> Option<String> {
    if let Some(next) = text(&answer.headers, "x-next-page") {
        return Some(next);
    }
    let links = text(&answer.headers, LINK.as_str())?;
    let next = links
        .split(',')
        .find(|link| link.contains("rel=\"next\""))?;
    let address = next.split('<').nth(1)?.split('>').next()?;
    let url = url::Url::parse(address).ok()?;
    url.query_pairs()
        .find_map(|(name, value)| (name == "page").then(|| value.into_owned()))
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
