//! Terraform states that GitLab keeps: their outputs, and of these only the ones that are asked
//! for. Whatever else a state holds, passwords among it, is dropped as it is read.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Gitlab, wire};
use crate::http::{Budget, Call, CallError, Repeat};

/// The version of Terraform's state format that is understood.
const STATE_VERSION: u64 = 4;

impl Gitlab {
    /// The outputs in `keys` of the state `name` of `project`, without those that are marked as
    /// sensitive. A state that does not exist, or is empty, has none.
    pub(crate) async fn terraform_outputs(
        &self,
        project: &str,
        name: &str,
        keys: &[&str],
        budget: Budget<'_>,
    ) -> Result<BTreeMap<String, Value>, Box<CallError>> {
        let call = Call {
            method: Method::GET,
            template: "/projects/{id}/terraform/state/{name}",
            object: format!("Terraform state `{name}` of project `{project}`"),
            segments: &["projects", project, "terraform", "state", name],
            query: &[],
            body: None,
            repeat: Repeat::Always,
        };
        let answer = match self.api.send(&call, budget).await {
            Ok(answer) if answer.status == 204 => return Ok(BTreeMap::new()),
            Ok(answer) => answer,
            Err(error) if error.fault.status() == Some(404) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        let state: wire::State = self.open(&call, &answer)?;
        if state.version != STATE_VERSION {
            let why = format!("a state of version {}, not {STATE_VERSION}", state.version);
            return Err(self.api.garbage(&call, &answer, &why));
        }
        Ok(state
            .outputs
            .into_iter()
            .filter(|(key, output)| keys.contains(&key.as_str()) && !output.sensitive)
            .map(|(key, output)| (key, output.value))
            .filter(|(_, value)| !value.is_null())
            .collect())
    }
}

/// States that these programs write. Nothing of any other is kept.
impl Gitlab {
    /// The whole state `name`; `None` where there is no version of it.
    pub(crate) async fn whole_state(
        &self,
        project: &str,
        name: &str,
        budget: Budget<'_>,
    ) -> Result<Option<Value>, Box<CallError>> {
        let call = Call {
            method: Method::GET,
            template: "/projects/{id}/terraform/state/{name}",
            object: format!("Terraform state `{name}` of project `{project}`"),
            segments: &["projects", project, "terraform", "state", name],
            query: &[],
            body: None,
            repeat: Repeat::Always,
        };
        match self.api.send(&call, budget).await {
            Ok(answer) if answer.status == 204 => Ok(None),
            Ok(answer) => self.open(&call, &answer).map(Some),
            Err(error) if error.fault.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a version of a state under its lock; `false` where a version of this serial is there.
    /// <https://docs.gitlab.com/administration/terraform_state/>
    pub(crate) async fn put_state(
        &self,
        project: &str,
        name: &str,
        lock: &str,
        body: Value,
        budget: Budget<'_>,
    ) -> Result<bool, Box<CallError>> {
        let call = Call {
            method: Method::POST,
            template: "/projects/{id}/terraform/state/{name}",
            object: format!("Terraform state `{name}` of project `{project}`"),
            segments: &["projects", project, "terraform", "state", name],
            query: &[("ID", lock)],
            body: Some(body),
            repeat: Repeat::OnlyIfNotApplied,
        };
        let answer = self.api.send_or(&call, budget, &[422]).await?;
        Ok(answer.status != 422)
    }
}

/// A state of these programs: outputs alone, each a text.
/// <https://developer.hashicorp.com/terraform/internals/json-format>
pub(crate) fn document(serial: u64, lineage: &str, outputs: &[(&str, &str)]) -> Value {
    let outputs: serde_json::Map<_, _> = outputs
        .iter()
        .map(|(name, text)| {
            let output = json!({ "value": text, "type": "string" });
            ((*name).to_owned(), output)
        })
        .collect();
    json!({
        "version": STATE_VERSION,
        "terraform_version": "1.5.0",
        "serial": serial,
        "lineage": lineage,
        "outputs": outputs,
        "resources": [],
        "check_results": null,
    })
}
