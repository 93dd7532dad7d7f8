//! What a provider implements.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    ApplyRequest, ApplyResponse, ConfigureRequest, Diagnostic, Diagnostics, ImportRequest,
    ImportResponse, PlanRequest, PlanResponse, ReadDataRequest, ReadDataResponse, ReadRequest,
    ReadResponse, Schema, UpgradeRequest, UpgradeResponse, ValidateConfigRequest,
};

/// A provider: its configuration, its resources and its data sources.
///
/// Names, schemas and lists are asked for once, at start. Everything else may be called concurrently.
/// Resources share what `configure` sets up through an `Arc` of the provider's own;
/// in debug mode `configure` is called again for every walk, so keep it replaceable.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Returns the source address without a host, for example `gigascience/gigadb`.
    fn address(&self) -> &str;

    /// Returns the version, for `--version`.
    fn version(&self) -> &str;

    /// Returns the schema of the provider block.
    fn schema(&self) -> Schema;

    /// Returns the resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>>;

    /// Returns the data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }

    /// Checks the provider block. Anything may be unknown, and nothing unknown is an error.
    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Takes over the provider block. Settings may be unknown in a plan; the call that needs one says so.
    async fn configure(&self, request: ConfigureRequest) -> Diagnostics;

    /// Hears that the user asked to stop. Tokens are cancelled already; return at once.
    async fn stop(&self) {}

    /// Makes a diagnostic fit to be shown. Every diagnostic of every call comes through here, once
    /// secrets are out of it.
    fn show(&self, diagnostic: Diagnostic) -> Diagnostic {
        diagnostic
    }
}

/// A managed resource type.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// Returns the type's name, which begins with the provider's.
    fn type_name(&self) -> &str;

    /// Returns the schema.
    fn schema(&self) -> Schema;

    /// Checks a configuration before the provider is configured. Anything may be unknown, and nothing unknown is an error.
    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Brings a state of an older schema version up to date. A state of the present version never gets here.
    async fn upgrade(&self, request: UpgradeRequest) -> UpgradeResponse {
        let present = self.schema().version;
        UpgradeResponse::failed(Diagnostic::error(
            format!(
                "{}: cannot upgrade state version {}",
                self.type_name(),
                request.version
            ),
            format!(
                "This version of the provider reads states of version {present} only. Nothing was changed. \
                 Use a provider version that reads version {}, or import the object anew.",
                request.version
            ),
        ))
    }

    /// Reads the object, given what the state says. The configuration is not visible here.
    async fn read(&self, request: ReadRequest) -> ReadResponse;

    /// Plans a create, update or destroy: a pure function of the request, called again in the apply walk.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;

    /// Carries out what was planned and returns what is true afterwards, whether it succeeded or not.
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse;

    /// Finds an existing object by the text a user typed. Core reads it right afterwards.
    async fn import(&self, request: ImportRequest) -> ImportResponse {
        ImportResponse::failed(Diagnostic::error(
            format!("{} cannot be imported", self.type_name()),
            format!(
                "There is no import for this resource type; `{}` was not imported. Nothing was changed.",
                request.id
            ),
        ))
    }
}

/// A data source type.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// Returns the type's name, which begins with the provider's.
    fn type_name(&self) -> &str;

    /// Returns the schema.
    fn schema(&self) -> Schema;

    /// Checks a configuration before the provider is configured. Anything may be unknown, and nothing unknown is an error.
    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Reads the data. The configuration is wholly known.
    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse;
}
