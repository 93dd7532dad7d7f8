//! One walk: one provider process as far as the provider can tell.

use std::sync::{Arc, Mutex, PoisonError};

use super::{DataRead, config};
use crate::convert::{diagnostics_from, path_from, value_from, value_to};
use crate::service::Service;
use crate::wire::tfplugin6 as wire;
use crate::wire::tfplugin6::provider_client::ProviderClient;
use crate::wire::tfplugin6::provider_server::ProviderServer;
use crate::{
    AttributePath, ClientCapabilities, Diagnostic, Diagnostics, Provider, Schema, Secrets, Type,
    Value,
};

/// The version the driver claims to be.
const TERRAFORM_VERSION: &str = "1.11.4";

/// One provider, configured once, for any number of calls.
#[derive(Clone)]
pub struct Walk {
    client: ProviderClient<ProviderServer<Service>>,
    provider: Arc<dyn Provider>,
    answers: Answers,
}

/// Every answer so far, encoded, one after the other.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<u8>>>);

impl Answers {
    fn keep(&self, answer: &[u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(answer);
    }

    pub(super) fn contain(&self, text: &str) -> bool {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .windows(text.len().max(1))
            .any(|window| window == text.as_bytes())
    }
}

/// What a plan call answered.
pub(super) struct PlanAnswer {
    pub(super) planned: Value,
    pub(super) requires_replace: Vec<AttributePath>,
    pub(super) private: Vec<u8>,
    pub(super) diagnostics: Diagnostics,
}

/// What a read or apply call answered.
pub(super) struct StateAnswer {
    pub(super) state: Value,
    pub(super) private: Vec<u8>,
    pub(super) diagnostics: Diagnostics,
}

impl Walk {
    pub(super) async fn unconfigured(provider: Arc<dyn Provider>, answers: Answers) -> Self {
        let service = Service::new(Arc::clone(&provider), Secrets::new());
        let client =
            ProviderClient::new(ProviderServer::new(service).max_decoding_message_size(usize::MAX))
                .max_decoding_message_size(usize::MAX);
        let walk = Self {
            client,
            provider,
            answers,
        };
        let schema = walk
            .client
            .clone()
            .get_provider_schema(wire::get_provider_schema::Request {})
            .await;
        let schema = schema
            .unwrap_or_else(|status| panic!("GetProviderSchema: {status}"))
            .into_inner();
        assert!(
            schema.provider.and_then(|schema| schema.block).is_some(),
            "the provider has no schema"
        );
        walk
    }

    pub(super) async fn start(
        provider: Arc<dyn Provider>,
        answers: Answers,
        config: &Value,
    ) -> Result<Self, Diagnostics> {
        let walk = Self::unconfigured(provider, answers).await;
        let mut diagnostics = walk.validate_provider(config).await;
        if !diagnostics.has_errors() {
            diagnostics.extend(walk.configure(config).await);
        }
        if diagnostics.has_errors() {
            Err(diagnostics)
        } else {
            Ok(walk)
        }
    }

    /// Validates a provider block.
    pub async fn validate_provider(&self, config: &Value) -> Diagnostics {
        let schema = self.provider.schema();
        let config = sent(&config::complete(&schema, config.clone()), &schema.ty());
        let request = wire::validate_provider_config::Request { config };
        let answer = self.client.clone().validate_provider_config(request).await;
        diagnostics_from(&self.answered(answer).diagnostics)
    }

    /// Hands a provider block over. In debug mode core does so more than once.
    pub async fn configure(&self, config: &Value) -> Diagnostics {
        let schema = self.provider.schema();
        let request = wire::configure_provider::Request {
            terraform_version: TERRAFORM_VERSION.to_owned(),
            config: sent(&config::complete(&schema, config.clone()), &schema.ty()),
            client_capabilities: capabilities(),
        };
        diagnostics_from(
            &self
                .answered(self.client.clone().configure_provider(request).await)
                .diagnostics,
        )
    }

    /// Asks the provider to stop, as core does at the first Ctrl-C. Calls in flight see their token cancelled.
    pub async fn stop(&self) {
        let answer = self
            .client
            .clone()
            .stop_provider(wire::stop_provider::Request {})
            .await;
        assert_eq!(self.answered(answer).error, "", "StopProvider failed");
    }

    /// Validates a resource's configuration.
    pub async fn validate_resource(&self, type_name: &str, config: Value) -> Diagnostics {
        let schema = self.resource_schema(type_name);
        let request = wire::validate_resource_config::Request {
            type_name: type_name.to_owned(),
            config: sent(&config::complete(&schema, config), &schema.ty()),
            client_capabilities: capabilities(),
        };
        diagnostics_from(
            &self
                .answered(self.client.clone().validate_resource_config(request).await)
                .diagnostics,
        )
    }

    /// Validates and reads a data source. Core postpones a read whose configuration holds unknowns, and so does this.
    pub async fn read_data(&self, type_name: &str, config: Value) -> DataRead {
        let source = self
            .provider
            .data_sources()
            .into_iter()
            .find(|source| source.type_name() == type_name);
        let schema = source
            .unwrap_or_else(|| panic!("no data source `{type_name}`"))
            .schema();
        let ty = schema.ty();
        let config = config::complete(&schema, config);
        let request = wire::validate_data_resource_config::Request {
            type_name: type_name.to_owned(),
            config: sent(&config, &ty),
        };
        let answer = self
            .client
            .clone()
            .validate_data_resource_config(request)
            .await;
        let mut diagnostics = diagnostics_from(&self.answered(answer).diagnostics);
        if diagnostics.has_errors() {
            return DataRead {
                state: Value::Null,
                diagnostics,
            };
        }
        if !config.is_wholly_known() {
            return DataRead {
                state: Value::Unknown,
                diagnostics,
            };
        }
        let request = wire::read_data_source::Request {
            type_name: type_name.to_owned(),
            config: sent(&config, &ty),
            provider_meta: None,
            client_capabilities: capabilities(),
        };
        let answer = self.answered(self.client.clone().read_data_source(request).await);
        diagnostics.extend(diagnostics_from(&answer.diagnostics));
        let state = received(answer.state.as_ref(), &ty, &mut diagnostics);
        if diagnostics.has_errors() {
            return DataRead {
                state: Value::Null,
                diagnostics,
            };
        }
        if state.is_null() || !state.is_wholly_known() {
            diagnostics.push(broken(
                "Provider produced invalid object",
                "the data is null or not wholly known",
            ));
        }
        DataRead { state, diagnostics }
    }

    /// Unwraps an answer, and keeps it for those who search answers for secrets.
    fn answered<T: prost::Message>(&self, answer: Result<tonic::Response<T>, tonic::Status>) -> T {
        let answer = answer
            .unwrap_or_else(|status| panic!("the provider answered with a gRPC error: {status}"))
            .into_inner();
        self.answers.keep(&answer.encode_to_vec());
        answer
    }

    pub(super) fn resource_schema(&self, type_name: &str) -> Schema {
        let resource = self
            .provider
            .resources()
            .into_iter()
            .find(|resource| resource.type_name() == type_name);
        resource
            .unwrap_or_else(|| panic!("no resource `{type_name}`"))
            .schema()
    }

    pub(super) async fn upgrade(
        &self,
        type_name: &str,
        version: i64,
        json: &str,
    ) -> (Value, Diagnostics) {
        let request = wire::upgrade_resource_state::Request {
            type_name: type_name.to_owned(),
            version,
            raw_state: Some(wire::RawState {
                json: json.as_bytes().to_vec(),
                ..wire::RawState::default()
            }),
        };
        let answer = self.answered(self.client.clone().upgrade_resource_state(request).await);
        let mut diagnostics = diagnostics_from(&answer.diagnostics);
        let ty = self.resource_schema(type_name).ty();
        (
            received(answer.upgraded_state.as_ref(), &ty, &mut diagnostics),
            diagnostics,
        )
    }

    pub(super) async fn read(&self, type_name: &str, state: &Value, private: &[u8]) -> StateAnswer {
        let ty = self.resource_schema(type_name).ty();
        let request = wire::read_resource::Request {
            type_name: type_name.to_owned(),
            current_state: sent(state, &ty),
            private: private.to_vec(),
            client_capabilities: capabilities(),
            ..wire::read_resource::Request::default()
        };
        let answer = self.answered(self.client.clone().read_resource(request).await);
        let mut diagnostics = diagnostics_from(&answer.diagnostics);
        let state = received(answer.new_state.as_ref(), &ty, &mut diagnostics);
        StateAnswer {
            state,
            private: answer.private,
            diagnostics,
        }
    }

    pub(super) async fn plan(
        &self,
        type_name: &str,
        prior: &Value,
        proposed: &Value,
        config: &Value,
        private: &[u8],
    ) -> PlanAnswer {
        let ty = self.resource_schema(type_name).ty();
        let request = wire::plan_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: sent(prior, &ty),
            proposed_new_state: sent(proposed, &ty),
            config: sent(config, &ty),
            prior_private: private.to_vec(),
            client_capabilities: capabilities(),
            ..wire::plan_resource_change::Request::default()
        };
        let answer = self.answered(self.client.clone().plan_resource_change(request).await);
        let mut diagnostics = diagnostics_from(&answer.diagnostics);
        PlanAnswer {
            planned: received(answer.planned_state.as_ref(), &ty, &mut diagnostics),
            requires_replace: answer.requires_replace.iter().map(path_from).collect(),
            private: answer.planned_private,
            diagnostics,
        }
    }

    pub(super) async fn apply(
        &self,
        type_name: &str,
        prior: &Value,
        planned: &Value,
        config: &Value,
        private: &[u8],
    ) -> StateAnswer {
        let ty = self.resource_schema(type_name).ty();
        let request = wire::apply_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: sent(prior, &ty),
            planned_state: sent(planned, &ty),
            config: sent(config, &ty),
            planned_private: private.to_vec(),
            ..wire::apply_resource_change::Request::default()
        };
        let answer = self.answered(self.client.clone().apply_resource_change(request).await);
        let mut diagnostics = diagnostics_from(&answer.diagnostics);
        let state = received(answer.new_state.as_ref(), &ty, &mut diagnostics);
        StateAnswer {
            state,
            private: answer.private,
            diagnostics,
        }
    }

    pub(super) async fn import(&self, type_name: &str, id: &str) -> StateAnswer {
        let request = wire::import_resource_state::Request {
            type_name: type_name.to_owned(),
            id: id.to_owned(),
            client_capabilities: capabilities(),
            ..wire::import_resource_state::Request::default()
        };
        let answer = self.answered(self.client.clone().import_resource_state(request).await);
        let mut diagnostics = diagnostics_from(&answer.diagnostics);
        let ty = self.resource_schema(type_name).ty();
        let Some(imported) = answer.imported_resources.first() else {
            if !diagnostics.has_errors() {
                diagnostics.push(broken(
                    "Import returned no resource",
                    "core would report success with nothing imported",
                ));
            }
            return StateAnswer {
                state: Value::Null,
                private: Vec::new(),
                diagnostics,
            };
        };
        let state = received(imported.state.as_ref(), &ty, &mut diagnostics);
        StateAnswer {
            state,
            private: imported.private.clone(),
            diagnostics,
        }
    }
}

/// Returns the diagnostic for a rule of core's that an answer broke.
pub(super) fn broken(summary: &str, problem: &str) -> Diagnostic {
    Diagnostic::error(summary, problem)
}

#[expect(clippy::unnecessary_wraps, reason = "the wire's field is optional")]
fn capabilities() -> Option<wire::ClientCapabilities> {
    Some(
        ClientCapabilities {
            deferral_allowed: false,
            write_only_attributes_allowed: true,
        }
        .to_wire(),
    )
}

#[expect(clippy::unnecessary_wraps, reason = "the wire's field is optional")]
fn sent(value: &Value, ty: &Type) -> Option<wire::DynamicValue> {
    Some(
        value_to(value, ty)
            .unwrap_or_else(|error| panic!("the test's value does not fit the schema: {error}")),
    )
}

fn received(value: Option<&wire::DynamicValue>, ty: &Type, diagnostics: &mut Diagnostics) -> Value {
    value_from(value, ty).unwrap_or_else(|error| {
        diagnostics.push(broken(
            "Provider produced an object that does not conform to the schema",
            &error.to_string(),
        ));
        Value::Null
    })
}
