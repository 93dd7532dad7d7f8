//! Data source `gigadb_preflight`: what the rules would say of an arrangement, for `check` blocks
//! and reviews. It reads as a plan does, and whatever the world is like is an answer, not an error.

use std::sync::Arc;

use gigadb_engine::{
    intent::Trade,
    message::{Message, sentence},
    observation::{Observation, ProjectError, environment_of},
    preflight::Remark,
    rules::{Rule, Severity},
};
use tfplug::{
    DataSource, Diagnostics, ReadDataRequest, ReadDataResponse, Schema, ValidateConfigRequest,
    Value, async_trait,
};

use crate::{
    config::Assignment, decision, diagnostics, probing, schema, session::Session, validate,
};

pub(crate) struct PreflightData(pub(crate) Arc<Session>);

#[async_trait]
impl DataSource for PreflightData {
    fn type_name(&self) -> &'static str {
        "gigadb_preflight"
    }

    fn schema(&self) -> Schema {
        schema::preflight_data()
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        validate::role_assignment(&request.config)
    }

    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse {
        match self.judged(&request).await {
            Ok(remarks) => ReadDataResponse::new(told(&request.config, &remarks)),
            Err(diagnostics) => ReadDataResponse::failed(diagnostics),
        }
    }
}

impl PreflightData {
    /// What there is to say; an error only where the configuration is wrong.
    async fn judged(&self, request: &ReadDataRequest) -> Result<Vec<Remark>, Diagnostics> {
        let wanted = Assignment::read(&request.config)?;
        let ready = self.0.ready()?;
        let environment = environment_of(&ready.topology, &wanted.environment)
            .map_err(|error| diagnostics::unobservable(wanted.environment.as_str(), &error))?;
        let mut intent = decision::intent(&ready.topology, &wanted)?;
        let cancel = &request.context.cancel;
        let world = ready.reach()?.world.get(cancel).await;
        let observation =
            match Observation::project(&ready.topology, &wanted.environment, &world, None) {
                Ok(observation) => observation,
                Err(error) => return Ok(unread(&wanted, &error).into_iter().collect()),
            };
        // There is no state to compare with.
        intent.trade = Trade::from_the_apex(environment, &observation, &intent.arrangement);
        let reach = ready.reach()?;
        let https = wanted.https_check(ready.https_mode);
        reach
            .apis
            .preflight(
                &ready.topology,
                &intent,
                &observation,
                &https,
                Some(&reach.world),
                cancel,
            )
            .await
            .map_err(|error| probing::impossible(&wanted, &error).into())
    }
}

/// The remark of records that could not be read: without them there is nothing to judge.
fn unread(wanted: &Assignment, error: &ProjectError) -> Option<Remark> {
    let ProjectError::Records { object, failure } = error else {
        return None;
    };
    Some(Remark {
        topic: Rule::SingleARecord.as_str(),
        severity: Severity::Error,
        message: Message::nothing_changed(
            sentence(&error.to_string()),
            format!("{object}, environment `{}`", wanted.environment),
            diagnostics::unread_next(failure),
        ),
        waived: false,
    })
}

fn told(config: &Value, remarks: &[Remark]) -> Value {
    let findings = remarks.iter().map(|remark| {
        let severity = match remark.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Value::object([
            ("rule", remark.topic.into()),
            ("severity", severity.into()),
            ("object", remark.message.object.clone().into()),
            ("message", remark.message.to_string().into()),
            ("waived", remark.waived.into()),
        ])
    });
    config
        .clone()
        .with("ok", !remarks.iter().any(Remark::blocks))
        .with("findings", Value::list(findings))
}
