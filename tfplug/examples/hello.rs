//! A whole provider: it greets. The README shows it.

use std::sync::Arc;

use tfplug::{
    ApplyRequest, ApplyResponse, Attribute, ChangeKind, ConfigureRequest, Diagnostics, PlanRequest,
    PlanResponse, Provider, ReadRequest, ReadResponse, Resource, Schema, Type, async_trait,
};

pub(crate) struct Hello;

#[async_trait]
impl Provider for Hello {
    fn address(&self) -> &'static str {
        "example/hello"
    }
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
    fn schema(&self) -> Schema {
        Schema::new(0, [("language", Attribute::optional(Type::String))])
    }
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Greeting)]
    }
    async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
        Diagnostics::new()
    }
}

struct Greeting;

#[async_trait]
impl Resource for Greeting {
    fn type_name(&self) -> &'static str {
        "hello_greeting"
    }
    fn schema(&self) -> Schema {
        let name = Attribute::required(Type::String).describe("Who is greeted.");
        let text = Attribute::computed(Type::String).describe("The greeting.");
        Schema::new(0, [("name", name), ("text", text)])
    }
    async fn read(&self, request: ReadRequest) -> ReadResponse {
        ReadResponse::found(request.state, request.private)
    }
    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        if request.kind() == ChangeKind::Destroy {
            return PlanResponse::destroy();
        }
        let mut planned = request.proposed_new_state.clone();
        if let Some(name) = request.config.get("name").as_str() {
            planned.insert("text", format!("Hello, {name}."));
        }
        PlanResponse::new(planned, request.prior_private)
    }
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        if request.kind() == ChangeKind::Destroy {
            return ApplyResponse::destroyed();
        }
        let name = request.config.get("name").as_str().unwrap_or_default();
        let state = request.planned_state.clone();
        ApplyResponse::new(state.with("text", format!("Hello, {name}.")), [])
    }
}

fn main() -> std::process::ExitCode {
    tfplug::serve(Arc::new(Hello))
}
