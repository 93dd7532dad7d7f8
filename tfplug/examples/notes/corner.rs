//! The resource `notes_corner`, which misbehaves on demand: the integration tests drive real Terraform into the corners.

use std::sync::PoisonError;
use std::time::Duration;

use tfplug::{
    ApplyRequest, ApplyResponse, Attribute, ChangeKind, Diagnostic, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Resource, Schema, Type, Value, async_trait,
};

use crate::provider::Folder;

/// The resource `notes_corner`.
pub(crate) struct Corner {
    folder: Folder,
}

impl Corner {
    /// Returns the resource of a provider with this folder.
    pub(crate) fn new(folder: Folder) -> Self {
        Self { folder }
    }

    /// Says that the call is under way, waits until it is told to stop, and says that it is done.
    async fn wait_for_stop(&self, request: &ApplyRequest) {
        let folder = self
            .folder
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let say = |word: &str| {
            if let Some(folder) = &folder {
                // Who waits for it will notice that it is missing.
                let _ = std::fs::write(folder.join(word), "");
            }
        };
        say("waiting");
        let _ =
            tokio::time::timeout(Duration::from_mins(1), request.context.cancel.cancelled()).await;
        say("finished");
    }
}

#[async_trait]
impl Resource for Corner {
    fn type_name(&self) -> &'static str {
        "notes_corner"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            0,
            [
                (
                    "fault",
                    Attribute::required(Type::String).describe("What to do wrong."),
                ),
                ("secret", Attribute::optional(Type::String).sensitive()),
                ("id", Attribute::computed(Type::String)),
            ],
        )
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        ReadResponse::found(request.state, request.private)
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        if request.kind() == ChangeKind::Destroy {
            return PlanResponse::destroy();
        }
        let mut planned = request.proposed_new_state.clone();
        if planned.get("id").is_null() {
            planned.insert("id", Value::Unknown);
        }
        match request.config.get("fault").as_str() {
            Some("plan another value") => planned.insert("fault", "none"),
            Some("plan nothing") => planned = Value::Null,
            Some("panic in plan") => panic!("the plan was asked to panic"),
            _ => {}
        }
        PlanResponse::new(planned, request.prior_private)
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        if request.kind() == ChangeKind::Destroy {
            return ApplyResponse::destroyed();
        }
        let state = request.planned_state.clone().with("id", "corner");
        let secret = request.config.get("secret").as_str().unwrap_or_default();
        match request.config.get("fault").as_str() {
            Some("panic") => panic!("the apply was asked to panic with {secret}"),
            Some("wait for stop") => {
                self.wait_for_stop(&request).await;
                ApplyResponse::new(state, [])
            }
            Some("tell the secret") => {
                ApplyResponse::new(state, secret).with([Diagnostic::warning(
                    format!("corner: {secret}"),
                    format!("The secret is {secret}."),
                )])
            }
            Some("leave unknown") => ApplyResponse::new(state.with("id", Value::Unknown), []),
            Some("forget") => ApplyResponse::new(Value::Null, []),
            Some("another value") => ApplyResponse::new(state.with("fault", "none"), []),
            Some("fail half-way") => ApplyResponse::new(state, []).with([Diagnostic::error(
                "corner: failed half-way",
                "The object exists, but is not complete. Apply again to replace it.",
            )]),
            _ => ApplyResponse::new(state, []),
        }
    }
}
