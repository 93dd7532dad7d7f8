//! The lock of a Terraform state, which serves as a lease: taking it is a test-and-set, and who
//! is refused learns who holds it.
//!
//! <https://docs.gitlab.com/administration/terraform_state/> has the endpoint, Terraform's HTTP
//! backend the format: <https://developer.hashicorp.com/terraform/language/backend/http>.

use gigadb_engine::rules::one_swap_at_a_time::Holder;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Gitlab, wire};
use crate::http::{Answer, Budget, Call, CallError, Repeat};

/// What is answered to somebody who does not hold the lock: GitLab says 409, and 423 is the other
/// status that Terraform takes for a lock that is held.
const HELD: [u16; 2] = [409, 423];
const TEMPLATE: &str = "/projects/{id}/terraform/state/{name}/lock";

/// The answer to a request for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Locked {
    /// It is now held under the id that was sent.
    Taken,
    /// It was held already, perhaps under the id that was sent.
    Held(Holder),
}

/// The answer to giving a lock back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unlocked {
    /// It was held under the id that was sent, or by nobody, and is free.
    Free,
    /// It is not held under that id.
    NotHeld,
}

impl Gitlab {
    /// Asks once for the lock of the state `name`; a state that does not exist is created, empty.
    pub(crate) async fn lock(
        &self,
        project: &str,
        name: &str,
        id: &str,
        budget: Budget<'_>,
    ) -> Result<Locked, Box<CallError>> {
        let segments = ["projects", project, "terraform", "state", name, "lock"];
        // GitLab wants every key, and keeps the id alone, with the token's user and the time.
        let body = json!({
            "ID": id, "Operation": "swap", "Info": "", "Who": "", "Version": "", "Created": "",
            "Path": "",
        });
        let call = call(Method::POST, project, name, &segments, &[], Some(body));
        let answer = self.api.send_or(&call, budget, &HELD).await?;
        if !HELD.contains(&answer.status) {
            // GitLab shows the lock as it now is; anything else may be anybody's on the way.
            let holder = self.holder(&call, &answer).map_err(|_| {
                self.api
                    .garbage(&call, &answer, "it does not show the lock")
            })?;
            return Ok(if holder.id == id {
                Locked::Taken
            } else {
                Locked::Held(holder)
            });
        }
        // The status alone says that it is held, whatever the body is.
        Ok(Locked::Held(
            self.holder(&call, &answer).unwrap_or_default(),
        ))
    }

    /// Gives the lock back where it is held under `id`.
    pub(crate) async fn unlock(
        &self,
        project: &str,
        name: &str,
        id: &str,
        budget: Budget<'_>,
    ) -> Result<Unlocked, Box<CallError>> {
        let segments = ["projects", project, "terraform", "state", name, "lock"];
        let query = [("ID", id)];
        let call = call(Method::DELETE, project, name, &segments, &query, None);
        let answer = self.api.send_or(&call, budget, &HELD).await?;
        if HELD.contains(&answer.status) {
            return Ok(Unlocked::NotHeld);
        }
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if body.get("message").or_else(|| body.get("error")).is_some() {
            return Err(self.api.garbage(&call, &answer, "it tells an error"));
        }
        Ok(Unlocked::Free)
    }

    fn holder(&self, call: &Call<'_>, answer: &Answer) -> Result<Holder, Box<CallError>> {
        let info: wire::LockInfo = self.open(call, answer)?;
        let told = |text: Option<String>| {
            text.map(|text| self.api.tidy(&text))
                .filter(|text| !text.is_empty())
        };
        Ok(Holder {
            id: self.api.tidy(&info.id),
            who: told(info.who),
            since: told(info.created),
            process: None,
        })
    }
}

fn call<'a>(
    method: Method,
    project: &str,
    name: &str,
    segments: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<Value>,
) -> Call<'a> {
    Call {
        method,
        template: TEMPLATE,
        object: format!("lock `{name}` of project `{project}`"),
        segments,
        query,
        body,
        repeat: Repeat::OnlyIfNotApplied,
    }
}
