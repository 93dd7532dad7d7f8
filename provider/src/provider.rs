//! The provider: one session, one resource, three data sources.

use std::sync::Arc;

use gigadb_clients::Timing;
use tfplug::{
    ConfigureRequest, DataSource, Diagnostics, Provider, Resource, Schema, ValidateConfigRequest,
    async_trait,
};

use crate::{
    data_assignment::RoleAssignmentData,
    data_infrastructure::InfrastructureData,
    data_preflight::PreflightData,
    resource::RoleAssignment,
    schema,
    session::Session,
    shown::{Shown, shown},
};

/// The process environment, as the program's entry hands it in: the value of a variable by name.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The provider `gigascience/gigadb`.
pub struct Gigadb(Arc<Session>);

impl Gigadb {
    /// A provider that reads environment variables through `environment`.
    pub fn new(environment: Environment) -> Self {
        Self::with_timing(environment, Timing::default())
    }

    /// A provider that waits as `timing` says, for tests of what does not answer.
    pub fn with_timing(environment: Environment, timing: Timing) -> Self {
        Self(Arc::new(Session::new(environment, timing)))
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
        vec![Shown::resource(RoleAssignment(Arc::clone(&self.0)))]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![
            Shown::data_source(RoleAssignmentData(Arc::clone(&self.0))),
            Shown::data_source(InfrastructureData(Arc::clone(&self.0))),
            Shown::data_source(PreflightData(Arc::clone(&self.0))),
        ]
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        shown(&self.0.validate(&request.config))
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        shown(&self.0.configure(&request.config, &request.context.secrets))
    }
}
