//! What others wrote never reaches a diagnostic raw: control characters, marks that turn text
//! around and the like are shown as visible characters, whoever made the diagnostic.

use std::sync::Arc;

use gigadb_engine::foreign::{Foreign, block};
use tfplug::{
    ApplyRequest, ApplyResponse, DataSource, Diagnostic, Diagnostics, ImportRequest,
    ImportResponse, PlanRequest, PlanResponse, ReadDataRequest, ReadDataResponse, ReadRequest,
    ReadResponse, Resource, Schema, UpgradeRequest, UpgradeResponse, ValidateConfigRequest,
    async_trait,
};

/// A resource or data source whose diagnostics are fit to be shown.
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: Resource + 'static> Shown<T> {
    pub(crate) fn resource(inner: T) -> Arc<dyn Resource> {
        Arc::new(Self(inner))
    }
}

impl<T: DataSource + 'static> Shown<T> {
    pub(crate) fn data_source(inner: T) -> Arc<dyn DataSource> {
        Arc::new(Self(inner))
    }
}

/// The same diagnostics, fit to be shown.
pub(crate) fn shown(diagnostics: &Diagnostics) -> Diagnostics {
    let shown = diagnostics.iter().map(|one| Diagnostic {
        summary: Foreign(&one.summary).to_string(),
        detail: block(&one.detail),
        ..one.clone()
    });
    shown.collect()
}

#[async_trait]
impl<T: Resource> Resource for Shown<T> {
    fn type_name(&self) -> &str {
        self.0.type_name()
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        shown(&self.0.validate_config(request).await)
    }

    async fn upgrade(&self, request: UpgradeRequest) -> UpgradeResponse {
        let mut response = self.0.upgrade(request).await;
        response.diagnostics = shown(&response.diagnostics);
        response
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        let mut response = self.0.read(request).await;
        response.diagnostics = shown(&response.diagnostics);
        response
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        let mut response = self.0.plan(request).await;
        response.diagnostics = shown(&response.diagnostics);
        response
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let mut response = self.0.apply(request).await;
        response.diagnostics = shown(&response.diagnostics);
        response
    }

    async fn import(&self, request: ImportRequest) -> ImportResponse {
        let mut response = self.0.import(request).await;
        response.diagnostics = shown(&response.diagnostics);
        response
    }
}

#[async_trait]
impl<T: DataSource> DataSource for Shown<T> {
    fn type_name(&self) -> &str {
        self.0.type_name()
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        shown(&self.0.validate_config(request).await)
    }

    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse {
        let mut response = self.0.read(request).await;
        response.diagnostics = shown(&response.diagnostics);
        response
    }
}
