//! The provider service: each call decodes, runs the handler in a task of its own, guards the answer and encodes it.
//!
//! Invariants: a call always answers with status OK and diagnostics, never with a gRPC error;
//! what a resource returns reaches the wire only through [`guard`].

mod calls;
mod guard;
mod redact;
mod stop;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::Instrument as _;

use crate::wire::tfplugin6 as wire;
use crate::{
    ClientCapabilities, Context, DataSource, Diagnostic, Diagnostics, Provider, Resource, Schema,
    Secrets, Type, Value,
};
use stop::StopSwitch;

/// One provider, ready to serve.
#[derive(Clone)]
pub(crate) struct Service {
    shared: Arc<Shared>,
}

struct Shared {
    provider: Arc<dyn Provider>,
    own: Entry<()>,
    resources: BTreeMap<String, Entry<Arc<dyn Resource>>>,
    data_sources: BTreeMap<String, Entry<Arc<dyn DataSource>>>,
    secrets: Secrets,
    stop: StopSwitch,
    requests: AtomicU64,
    in_flight: watch::Sender<usize>,
}

/// A type of the provider with its schema, asked for once.
struct Entry<H> {
    handler: H,
    schema: Schema,
    ty: Type,
}

impl<H> Entry<H> {
    fn new(handler: H, schema: Schema) -> Self {
        let ty = schema.ty();
        Self {
            handler,
            schema,
            ty,
        }
    }
}

/// One call in progress, for the log and for blame.
struct Call {
    rpc: &'static str,
    type_name: String,
    started: Instant,
    span: tracing::Span,
}

impl Service {
    /// Asks the provider for its names and schemas, once.
    pub(crate) fn new(provider: Arc<dyn Provider>, secrets: Secrets) -> Self {
        let resources = provider
            .resources()
            .into_iter()
            .map(|resource| (resource.type_name().to_owned(), resource.schema(), resource))
            .map(|(name, schema, handler)| (name, Entry::new(handler, schema)))
            .collect();
        let data_sources = provider
            .data_sources()
            .into_iter()
            .map(|source| (source.type_name().to_owned(), source.schema(), source))
            .map(|(name, schema, handler)| (name, Entry::new(handler, schema)))
            .collect();
        let own = Entry::new((), provider.schema());
        let shared = Shared {
            provider,
            own,
            resources,
            data_sources,
            secrets,
            stop: StopSwitch::default(),
            requests: AtomicU64::new(1),
            in_flight: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Cancels the calls in flight and waits until their handlers have returned, or for so long.
    pub(crate) async fn wind_up(&self, longest: Duration) {
        self.shared.stop.stop();
        let mut in_flight = self.shared.in_flight.subscribe();
        // Either way the process ends now.
        let _ = tokio::time::timeout(longest, in_flight.wait_for(|count| *count == 0)).await;
    }

    fn begin(&self, rpc: &'static str, type_name: &str) -> Call {
        let request = self.shared.requests.fetch_add(1, Ordering::Relaxed);
        // At error level the span is there, with its fields, however little is logged inside it.
        let span = tracing::error_span!(
            "rpc",
            tf_rpc = rpc,
            tf_req_id = %format_args!("{}-{request}", std::process::id()),
            tf_provider_addr = self.shared.provider.address(),
            tf_proto_version = "6",
            tf_resource_type = tracing::field::Empty,
            tf_data_source_type = tracing::field::Empty,
        );
        if self.shared.resources.contains_key(type_name) {
            span.record("tf_resource_type", type_name);
        } else if self.shared.data_sources.contains_key(type_name) {
            span.record("tf_data_source_type", type_name);
        }
        span.in_scope(|| tracing::trace!("received request"));
        Call {
            rpc,
            type_name: type_name.to_owned(),
            started: Instant::now(),
            span,
        }
    }

    /// Ends a call: hides secrets, logs the outcome, converts the diagnostics.
    fn finish(&self, call: &Call, diagnostics: Diagnostics) -> Vec<wire::Diagnostic> {
        let diagnostics = redact::diagnostics(&self.shared.secrets, diagnostics);
        let shown = diagnostics.iter().cloned();
        let diagnostics: Diagnostics = shown.map(|one| self.shared.provider.show(one)).collect();
        let milliseconds = u64::try_from(call.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        call.span.in_scope(|| {
            tracing::debug!(
                tf_req_duration_ms = milliseconds,
                diagnostic_error_count = diagnostics.errors().count(),
                diagnostic_warning_count = diagnostics.warnings().count(),
                "served request"
            );
        });
        crate::convert::diagnostics_to(&diagnostics)
    }

    fn context(&self, capabilities: Option<wire::ClientCapabilities>) -> Context {
        Context {
            cancel: self.shared.stop.token(),
            secrets: self.shared.secrets.clone(),
            client: capabilities
                .map(|client| crate::convert::capabilities_from(Some(client)))
                .unwrap_or_default(),
        }
    }

    /// Decodes a value that core sent, and takes note of the secrets in it.
    fn decode<H>(
        &self,
        entry: &Entry<H>,
        value: Option<&wire::DynamicValue>,
    ) -> Result<Value, Diagnostic> {
        let value = crate::convert::value_from(value, &entry.ty).map_err(|error| {
            Diagnostic::error(
                "a value that Terraform sent could not be decoded",
                format!(
                    "{error}. Nothing was changed. \
                     Check that Terraform and this provider belong together, and report it with the log under TF_LOG=TRACE."
                ),
            )
        })?;
        redact::register(&self.shared.secrets, &entry.schema, &value);
        Ok(value)
    }

    /// Runs a handler in a task of its own: a cancelled call does not abandon it, and a panic is a diagnostic.
    async fn run<T: Send + 'static>(
        &self,
        call: &Call,
        handler: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Diagnostic> {
        let running = Running::new(&self.shared);
        let handler = handler.instrument(call.span.clone());
        let task = tokio::spawn(async move {
            let _running = running;
            handler.await
        });
        task.await.map_err(|error| {
            let reason = match error.try_into_panic() {
                Ok(payload) => format!("It panicked: {}.", panic_text(payload.as_ref())),
                Err(_) => "Its task was cancelled.".to_owned(),
            };
            self.bug(call, &reason)
        })
    }

    /// Returns the diagnostic that says whose fault it is and what to attach.
    fn bug(&self, call: &Call, problem: &str) -> Diagnostic {
        let subject = if call.type_name.is_empty() {
            "provider"
        } else {
            &call.type_name
        };
        Diagnostic::error(
            format!("bug in the provider: {subject}: {}", call.rpc),
            format!(
                "{problem}\n\nThis is a bug in the provider {address} {version}, not in your configuration. \
                 Please report it to its developers, with the Terraform version and the log of the same command under TF_LOG=TRACE.",
                address = self.shared.provider.address(),
                version = self.shared.provider.version(),
            ),
        )
    }

    /// Returns one diagnostic for each broken rule, pointing at the attribute.
    fn bugs(&self, call: &Call, found: Vec<crate::contract::Violation>, kept: &str) -> Diagnostics {
        found
            .into_iter()
            .map(|violation| {
                let subject = if violation.path.is_root() {
                    "The object".to_owned()
                } else {
                    format!("Attribute `{}`", violation.path)
                };
                self.bug(call, &format!("{subject} {}. {kept}", violation.problem))
                    .at(violation.path)
            })
            .collect()
    }
}

/// A handler that is running.
struct Running(Arc<Shared>);

impl Running {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.in_flight.send_modify(|count| *count += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}

/// Returns what a panic said.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

impl ClientCapabilities {
    /// Returns what a present core says.
    pub(crate) fn to_wire(self) -> wire::ClientCapabilities {
        wire::ClientCapabilities {
            deferral_allowed: self.deferral_allowed,
            write_only_attributes_allowed: self.write_only_attributes_allowed,
            ..wire::ClientCapabilities::default()
        }
    }
}
