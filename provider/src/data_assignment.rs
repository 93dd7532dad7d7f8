//! Data source `gigadb_role_assignment`: who is what, as the records are now.

use std::sync::Arc;

use gigadb_engine::{name::EnvironmentName, observation::environment_of, roles};
use tfplug::{
    DataSource, Diagnostics, ReadDataRequest, ReadDataResponse, Schema, ValidateConfigRequest,
    Value, async_trait,
};

use crate::{diagnostics, roles::Roles, schema, session::Session, state, validate};

/// What is said of parts that could not be read.
const NULL: &str = "What could not be read is null here.";

pub(crate) struct RoleAssignmentData(pub(crate) Arc<Session>);

#[async_trait]
impl DataSource for RoleAssignmentData {
    fn type_name(&self) -> &'static str {
        "gigadb_role_assignment"
    }

    fn schema(&self) -> Schema {
        schema::role_assignment_data()
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        validate::role_assignment_data(&request.config)
    }

    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse {
        self.told(&request)
            .await
            .unwrap_or_else(ReadDataResponse::failed)
    }
}

impl RoleAssignmentData {
    async fn told(&self, request: &ReadDataRequest) -> Result<ReadDataResponse, Diagnostics> {
        let unset = validate::given(&request.config, &["environment"]);
        if unset.has_errors() {
            return Err(unset);
        }
        let ready = self.0.ready()?;
        let name: EnvironmentName = request
            .config
            .get("environment")
            .as_str()
            .unwrap_or_default()
            .parse()
            .map_err(|error| validate::invalid_name("environment", &error))?;
        let mut observation = ready.observe(&name, None, &request.context.cancel).await?;
        let environment = environment_of(&ready.topology, &name)
            .map_err(|error| diagnostics::unobservable(name.as_str(), &error))?;
        // As `gigadb-roles status` and the other data source take it.
        let deduced = roles::deduce(environment, &mut observation);
        let roles = Roles::told_by(&ready.topology, environment, &observation);
        let mut data = request.config.clone();
        data.insert(
            "production",
            Value::from(roles.production.as_ref().map(ToString::to_string)),
        );
        data.insert(
            "hot_standby",
            Value::from(roles.hot_standby.as_ref().map(ToString::to_string)),
        );
        if let Some(view) = roles.view(&ready.topology, environment, &observation) {
            state::show(&mut data, &view);
        }
        Ok(ReadDataResponse::new(data).with(diagnostics::unread(
            &ready.topology,
            &observation,
            &deduced.map_or_else(
                || NULL.to_owned(),
                |side| {
                    format!(
                        "The addresses of `{side}` are taken from the names of production. What else could not be read is null here."
                    )
                },
            ),
        )))
    }
}
