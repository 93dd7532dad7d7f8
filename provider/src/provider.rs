//! The provider: one session, one resource, three data sources.

use std::sync::Arc;

use gigadb_clients::Timing;
use gigadb_engine::foreign::{Foreign, block};
use tfplug::{
    ConfigureRequest, DataSource, Diagnostic, Diagnostics, Provider, Resource, Schema,
    ValidateConfigRequest, async_trait,
};

use crate::{
    data_assignment::RoleAssignmentData, data_infrastructure::InfrastructureData,
    data_preflight::PreflightData, resource::RoleAssignment, schema, session::Session,
    settings::Environment,
};

/// The provider `gigascience/gigadb`.
pub struct Gigadb(Arc<Session>);

impl Gigadb {
    /// A provider that reads environment variables through `environment`.
    pub fn new(environment: Environment) -> Self {
        Self::with_timing(environment, Timing::default())
    }

    /// A provider that waits as `timing` says, for tests of what does not answer.
    pub fn with_timing(environment: Environment, timing: Timing) -> Self {
        Self(Arc::new(Session::new(environment, timing, false)))
    }

    /// A provider that also tells the warnings of the topology's linter when its block is
    /// validated. Core validates the block in `validate`, `plan` and `apply` alike, by the same
    /// calls: only whoever starts the program can know which of them it is.
    pub fn linting(environment: Environment) -> Self {
        Self(Arc::new(Session::new(environment, Timing::default(), true)))
    }
}

#[async_trait]
impl Provider for Gigadb {
    fn address(&self) -> &'static str {
        "gigascience/gigadb"
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn schema(&self) -> Schema {
        schema::provider()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(RoleAssignment(Arc::clone(&self.0)))]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![
            Arc::new(RoleAssignmentData(Arc::clone(&self.0))),
            Arc::new(InfrastructureData(Arc::clone(&self.0))),
            Arc::new(PreflightData(Arc::clone(&self.0))),
        ]
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        self.0.validate(&request.config)
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        self.0.configure(&request.config, &request.context.secrets)
    }

    /// What others wrote never reaches a diagnostic raw: control characters, marks that turn text
    /// around and the like are shown as visible characters.
    fn show(&self, diagnostic: Diagnostic) -> Diagnostic {
        Diagnostic {
            summary: Foreign(&diagnostic.summary).to_string(),
            detail: block(&diagnostic.detail),
            ..diagnostic
        }
    }
}
