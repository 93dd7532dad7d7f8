//! The twelve calls.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Call, Entry, Service, guard};
use crate::convert::{schema_to, value_to};
use crate::wire::tfplugin6 as wire;
use crate::{
    ApplyRequest, ConfigureRequest, DataSource, Diagnostic, Diagnostics, ImportRequest,
    PlanRequest, ReadDataRequest, ReadRequest, Resource, UpgradeRequest, ValidateConfigRequest,
    Value,
};

type Answer<T> = Result<Response<T>, Status>;

/// Ends the call with one diagnostic where the result is an error.
macro_rules! or_answer {
    ($service:expr, $call:expr, $result:expr, $answer:expr) => {
        match $result {
            Ok(value) => value,
            Err(diagnostic) => {
                let mut answer = $answer;
                answer.diagnostics = $service.finish(&$call, Diagnostics::from(diagnostic));
                return Ok(Response::new(answer));
            }
        }
    };
}

impl Service {
    fn resource(&self, name: &str) -> Result<&Entry<Arc<dyn Resource>>, Diagnostic> {
        self.shared
            .resources
            .get(name)
            .ok_or_else(|| no_such("resource", name))
    }

    fn data_source(&self, name: &str) -> Result<&Entry<Arc<dyn DataSource>>, Diagnostic> {
        self.shared
            .data_sources
            .get(name)
            .ok_or_else(|| no_such("data source", name))
    }

    /// Encodes a guarded value. The guard has made it fit; should it not, null is what core can read.
    fn encode<H>(
        &self,
        call: &Call,
        entry: &Entry<H>,
        value: &Value,
        diagnostics: &mut Diagnostics,
    ) -> Option<wire::DynamicValue> {
        match value_to(value, &entry.ty) {
            Ok(value) => Some(value),
            Err(error) => {
                diagnostics
                    .push(self.bug(call, &format!("A value could not be encoded: {error}.")));
                value_to(&Value::Null, &entry.ty).ok()
            }
        }
    }
}

fn no_such(kind: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("this provider has no {kind} `{name}`"),
        "Nothing was changed. Check the name, and that the provider's version is the one you expect.".to_owned(),
    )
}

#[tonic::async_trait]
impl wire::provider_server::Provider for Service {
    async fn get_provider_schema(
        &self,
        _: Request<wire::get_provider_schema::Request>,
    ) -> Answer<wire::get_provider_schema::Response> {
        let call = self.begin("GetProviderSchema", "");
        let schema = |(name, schema): (&String, &crate::Schema)| (name.clone(), schema_to(schema));
        let shared = &self.shared;
        let answer = wire::get_provider_schema::Response {
            provider: Some(schema_to(&shared.own.schema)),
            resource_schemas: shared
                .resources
                .iter()
                .map(|(name, entry)| schema((name, &entry.schema)))
                .collect(),
            data_source_schemas: shared
                .data_sources
                .iter()
                .map(|(name, entry)| schema((name, &entry.schema)))
                .collect(),
            server_capabilities: Some(wire::ServerCapabilities {
                plan_destroy: true,
                get_provider_schema_optional: true,
                ..wire::ServerCapabilities::default()
            }),
            diagnostics: self.finish(&call, Diagnostics::new()),
            ..wire::get_provider_schema::Response::default()
        };
        Ok(Response::new(answer))
    }

    async fn validate_provider_config(
        &self,
        request: Request<wire::validate_provider_config::Request>,
    ) -> Answer<wire::validate_provider_config::Response> {
        let request = request.into_inner();
        let call = self.begin("ValidateProviderConfig", "");
        let mut answer = wire::validate_provider_config::Response::default();
        let config = or_answer!(
            self,
            call,
            self.decode(&self.shared.own, request.config.as_ref()),
            answer
        );
        let request = ValidateConfigRequest {
            config,
            context: self.context(None),
        };
        let provider = Arc::clone(&self.shared.provider);
        let run = self
            .run(
                &call,
                async move { provider.validate_config(request).await },
            )
            .await;
        answer.diagnostics = self.finish(&call, run.unwrap_or_else(Diagnostics::from));
        Ok(Response::new(answer))
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Answer<wire::configure_provider::Response> {
        let request = request.into_inner();
        let call = self.begin("ConfigureProvider", "");
        let mut answer = wire::configure_provider::Response::default();
        let config = or_answer!(
            self,
            call,
            self.decode(&self.shared.own, request.config.as_ref()),
            answer
        );
        let request = ConfigureRequest {
            config,
            terraform_version: request.terraform_version,
            context: self.context(request.client_capabilities),
        };
        let provider = Arc::clone(&self.shared.provider);
        let run = self
            .run(&call, async move { provider.configure(request).await })
            .await;
        answer.diagnostics = self.finish(&call, run.unwrap_or_else(Diagnostics::from));
        Ok(Response::new(answer))
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Answer<wire::validate_resource_config::Response> {
        let request = request.into_inner();
        let call = self.begin("ValidateResourceConfig", &request.type_name);
        let mut answer = wire::validate_resource_config::Response::default();
        let entry = or_answer!(self, call, self.resource(&request.type_name), answer);
        let config = or_answer!(
            self,
            call,
            self.decode(entry, request.config.as_ref()),
            answer
        );
        let request = ValidateConfigRequest {
            config,
            context: self.context(request.client_capabilities),
        };
        let resource = Arc::clone(&entry.handler);
        let run = self
            .run(
                &call,
                async move { resource.validate_config(request).await },
            )
            .await;
        answer.diagnostics = self.finish(&call, run.unwrap_or_else(Diagnostics::from));
        Ok(Response::new(answer))
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<wire::validate_data_resource_config::Request>,
    ) -> Answer<wire::validate_data_resource_config::Response> {
        let request = request.into_inner();
        let call = self.begin("ValidateDataResourceConfig", &request.type_name);
        let mut answer = wire::validate_data_resource_config::Response::default();
        let entry = or_answer!(self, call, self.data_source(&request.type_name), answer);
        let config = or_answer!(
            self,
            call,
            self.decode(entry, request.config.as_ref()),
            answer
        );
        let request = ValidateConfigRequest {
            config,
            context: self.context(None),
        };
        let source = Arc::clone(&entry.handler);
        let run = self
            .run(&call, async move { source.validate_config(request).await })
            .await;
        answer.diagnostics = self.finish(&call, run.unwrap_or_else(Diagnostics::from));
        Ok(Response::new(answer))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Answer<wire::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let call = self.begin("UpgradeResourceState", &request.type_name);
        let mut answer = wire::upgrade_resource_state::Response::default();
        let entry = or_answer!(self, call, self.resource(&request.type_name), answer);
        let json = request.raw_state.map(|raw| raw.json).unwrap_or_default();
        let (state, mut diagnostics) = if request.version == i64::from(entry.schema.version) {
            let decoded = crate::codec::decode_state(&json, &entry.ty).map_err(|error| {
                Diagnostic::error(
                    format!("{}: the stored state cannot be read", request.type_name),
                    format!(
                        "{error}. Nothing was changed. Restore the state from a backup, or import the object anew."
                    ),
                )
            });
            (or_answer!(self, call, decoded, answer), Diagnostics::new())
        } else {
            let upgrade = UpgradeRequest {
                version: request.version,
                json,
                context: self.context(None),
            };
            let resource = Arc::clone(&entry.handler);
            let run = self
                .run(&call, async move { resource.upgrade(upgrade).await })
                .await;
            let mut response = or_answer!(self, call, run, answer);
            let state = if response.diagnostics.has_errors() {
                Value::Null
            } else {
                guard::known(response.state, &entry.ty, &Value::Null).unwrap_or_else(|found| {
                    response.diagnostics.extend(self.bugs(
                        &call,
                        found,
                        "The stored state was not changed.",
                    ));
                    Value::Null
                })
            };
            (state, response.diagnostics)
        };
        super::redact::register(&self.shared.secrets, &entry.schema, &state);
        answer.upgraded_state = self.encode(&call, entry, &state, &mut diagnostics);
        answer.diagnostics = self.finish(&call, diagnostics);
        Ok(Response::new(answer))
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Answer<wire::read_resource::Response> {
        let request = request.into_inner();
        let call = self.begin("ReadResource", &request.type_name);
        let mut answer = wire::read_resource::Response {
            new_state: request.current_state.clone(),
            private: request.private.clone(),
            ..wire::read_resource::Response::default()
        };
        let entry = or_answer!(self, call, self.resource(&request.type_name), answer);
        let state = or_answer!(
            self,
            call,
            self.decode(entry, request.current_state.as_ref()),
            answer
        );
        let read = ReadRequest {
            state,
            private: request.private,
            context: self.context(request.client_capabilities),
        };
        let resource = Arc::clone(&entry.handler);
        let handed = read.clone();
        let run = self
            .run(&call, async move { resource.read(handed).await })
            .await;
        let response = or_answer!(self, call, run, answer);
        let mut diagnostics = response.diagnostics.clone();
        let guarded = guard::read(&entry.ty, &read, response);
        diagnostics.extend(self.bugs(&call, guarded.found, "The state was left as it was."));
        answer.new_state = self.encode(&call, entry, &guarded.state, &mut diagnostics);
        answer.private = self.shared.secrets.redact_bytes(&guarded.private);
        answer.diagnostics = self.finish(&call, diagnostics);
        Ok(Response::new(answer))
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Answer<wire::plan_resource_change::Response> {
        let request = request.into_inner();
        let call = self.begin("PlanResourceChange", &request.type_name);
        let mut answer = wire::plan_resource_change::Response {
            planned_state: request.proposed_new_state.clone(),
            planned_private: request.prior_private.clone(),
            ..wire::plan_resource_change::Response::default()
        };
        let entry = or_answer!(self, call, self.resource(&request.type_name), answer);
        let plan = PlanRequest {
            prior_state: or_answer!(
                self,
                call,
                self.decode(entry, request.prior_state.as_ref()),
                answer
            ),
            proposed_new_state: or_answer!(
                self,
                call,
                self.decode(entry, request.proposed_new_state.as_ref()),
                answer
            ),
            config: or_answer!(
                self,
                call,
                self.decode(entry, request.config.as_ref()),
                answer
            ),
            prior_private: request.prior_private,
            context: self.context(request.client_capabilities),
        };
        let resource = Arc::clone(&entry.handler);
        let handed = plan.clone();
        let run = self
            .run(&call, async move { resource.plan(handed).await })
            .await;
        let response = or_answer!(self, call, run, answer);
        let mut diagnostics = response.diagnostics.clone();
        let guarded = guard::plan(&entry.schema, &entry.ty, &plan, response);
        diagnostics.extend(self.bugs(&call, guarded.found, "Nothing was planned."));
        answer.planned_state = self.encode(&call, entry, &guarded.planned_state, &mut diagnostics);
        answer.requires_replace = guarded
            .requires_replace
            .iter()
            .map(crate::convert::path_to)
            .collect();
        answer.planned_private = self.shared.secrets.redact_bytes(&guarded.planned_private);
        answer.diagnostics = self.finish(&call, diagnostics);
        Ok(Response::new(answer))
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Answer<wire::apply_resource_change::Response> {
        let request = request.into_inner();
        let call = self.begin("ApplyResourceChange", &request.type_name);
        let mut answer = wire::apply_resource_change::Response {
            new_state: request.prior_state.clone(),
            private: request.planned_private.clone(),
            ..wire::apply_resource_change::Response::default()
        };
        let entry = or_answer!(self, call, self.resource(&request.type_name), answer);
        let apply = ApplyRequest {
            prior_state: or_answer!(
                self,
                call,
                self.decode(entry, request.prior_state.as_ref()),
                answer
            ),
            planned_state: or_answer!(
                self,
                call,
                self.decode(entry, request.planned_state.as_ref()),
                answer
            ),
            config: or_answer!(
                self,
                call,
                self.decode(entry, request.config.as_ref()),
                answer
            ),
            planned_private: request.planned_private,
            context: self.context(None),
        };
        let resource = Arc::clone(&entry.handler);
        let handed = apply.clone();
        let run = self
            .run(&call, async move { resource.apply(handed).await })
            .await;
        let (guarded, mut diagnostics) = match run {
            Ok(response) => {
                let diagnostics = response.diagnostics.clone();
                (guard::apply(&entry.ty, &apply, response), diagnostics)
            }
            Err(mut panicked) => {
                panicked.detail.push_str(
                    "\n\nThe state was left as it was before. \
                     Part of the change may have been made: refresh before you apply again.",
                );
                (
                    guard::unchanged(&apply, Vec::new()),
                    Diagnostics::from(panicked),
                )
            }
        };
        let kept = "What the provider said of the object was kept as far as it fits; the rest is as it was before.";
        diagnostics.extend(self.bugs(&call, guarded.found, kept));
        answer.new_state = self.encode(&call, entry, &guarded.state, &mut diagnostics);
        answer.private = self.shared.secrets.redact_bytes(&guarded.private);
        answer.diagnostics = self.finish(&call, diagnostics);
        Ok(Response::new(answer))
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Answer<wire::import_resource_state::Response> {
        let request = request.into_inner();
        let call = self.begin("ImportResourceState", &request.type_name);
        let mut answer = wire::import_resource_state::Response::default();
        let entry = or_answer!(self, call, self.resource(&request.type_name), answer);
        let import = ImportRequest {
            id: request.id,
            context: self.context(request.client_capabilities),
        };
        let resource = Arc::clone(&entry.handler);
        let run = self
            .run(&call, async move { resource.import(import).await })
            .await;
        let mut response = or_answer!(self, call, run, answer);
        if !response.diagnostics.has_errors() {
            match guard::known(response.state, &entry.ty, &Value::Null) {
                Ok(state) => {
                    let state = self.encode(&call, entry, &state, &mut response.diagnostics);
                    answer
                        .imported_resources
                        .push(wire::import_resource_state::ImportedResource {
                            type_name: request.type_name,
                            state,
                            private: self.shared.secrets.redact_bytes(&response.private),
                            ..wire::import_resource_state::ImportedResource::default()
                        });
                }
                Err(found) => {
                    response
                        .diagnostics
                        .extend(self.bugs(&call, found, "Nothing was imported."));
                }
            }
        }
        answer.diagnostics = self.finish(&call, response.diagnostics);
        Ok(Response::new(answer))
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Answer<wire::read_data_source::Response> {
        let request = request.into_inner();
        let call = self.begin("ReadDataSource", &request.type_name);
        let mut answer = wire::read_data_source::Response {
            state: request.config.clone(),
            ..wire::read_data_source::Response::default()
        };
        let entry = or_answer!(self, call, self.data_source(&request.type_name), answer);
        let config = or_answer!(
            self,
            call,
            self.decode(entry, request.config.as_ref()),
            answer
        );
        let read = ReadDataRequest {
            config: config.clone(),
            context: self.context(request.client_capabilities),
        };
        let source = Arc::clone(&entry.handler);
        let run = self
            .run(&call, async move { source.read(read).await })
            .await;
        let mut response = or_answer!(self, call, run, answer);
        if !response.diagnostics.has_errors() {
            match guard::known(response.state, &entry.ty, &config) {
                Ok(state) => {
                    answer.state = self.encode(&call, entry, &state, &mut response.diagnostics);
                }
                Err(found) => {
                    response
                        .diagnostics
                        .extend(self.bugs(&call, found, "Nothing was read."));
                }
            }
        }
        answer.diagnostics = self.finish(&call, response.diagnostics);
        Ok(Response::new(answer))
    }

    async fn stop_provider(
        &self,
        _: Request<wire::stop_provider::Request>,
    ) -> Answer<wire::stop_provider::Response> {
        let call = self.begin("StopProvider", "");
        self.shared.stop.stop();
        let provider = Arc::clone(&self.shared.provider);
        let run = self.run(&call, async move { provider.stop().await }).await;
        let error = run
            .err()
            .map(|diagnostic| self.shared.secrets.redact(&diagnostic.to_string()));
        self.finish(&call, Diagnostics::new());
        Ok(Response::new(wire::stop_provider::Response {
            error: error.unwrap_or_default(),
        }))
    }
}
