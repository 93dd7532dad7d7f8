//! Resource `gigadb_role_assignment`.

use std::sync::Arc;

use tfplug::{
    ApplyRequest, ApplyResponse, Diagnostics, ImportRequest, ImportResponse, PlanRequest,
    PlanResponse, ReadRequest, ReadResponse, Resource, Schema, ValidateConfigRequest, async_trait,
};

use crate::{apply, import, plan, read, schema, session::Session, validate};

pub(crate) struct RoleAssignment(pub(crate) Arc<Session>);

#[async_trait]
impl Resource for RoleAssignment {
    fn type_name(&self) -> &'static str {
        "gigadb_role_assignment"
    }

    fn schema(&self) -> Schema {
        schema::role_assignment()
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        validate::role_assignment(&request.config)
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        read::read(&self.0, request).await
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan::plan(&self.0, request).await
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        Box::pin(apply::apply(&self.0, request)).await
    }

    async fn import(&self, request: ImportRequest) -> ImportResponse {
        import::import(&self.0, &self.schema(), request).await
    }
}
