//! A stand-in for core that drives a provider in process, for tests.
//!
//! It speaks gRPC to the very service that [`crate::serve`] serves, only without a socket: values travel encoded both ways.
//! It does what core does around each call: a new provider and a `configure` for each walk, upgrade and refresh before a plan,
//! the proposed state, a second plan in the apply walk whose private data Apply receives, state kept as JSON text between,
//! and core's own checks of every plan and result, whose findings are errors in the diagnostics with core's summaries.
//!
//! ```no_run
//! # async fn example(new_provider: fn() -> std::sync::Arc<dyn tfplug::Provider>) {
//! use tfplug::{Value, testing::{Action, Driver}};
//! let driver = Driver::new(new_provider).configured_with(Value::object([("token", "t".into())]));
//! let mut thing = driver.resource("example_thing");
//! let planned = thing.plan(Value::object([("name", "a".into())])).await;
//! assert_eq!(planned.action, Action::Create, "{}", planned.diagnostics);
//! let applied = thing.apply().await;
//! assert_eq!(applied.state.get("name").as_str(), Some("a"), "{}", applied.diagnostics);
//! # }
//! ```
//!
//! Misuse of the driver itself (an attribute that no schema has, an apply without a plan) panics: it is a fault of the test.

mod bytes;
mod config;
mod proposed;
mod resource;
mod state_file;
mod steps;
mod walk;

use std::sync::Arc;

use crate::{Diagnostics, Provider, Value};
use walk::Answers;

pub use bytes::{decode_state, decode_value, encode_value};
pub use resource::{Action, Applied, Planned, Refreshed, ResourceDriver};
pub use walk::Walk;

/// Drives one provider configuration, as one root module would.
#[derive(Clone)]
pub struct Driver {
    new_provider: Arc<dyn Fn() -> Arc<dyn Provider> + Send + Sync>,
    config: Value,
    answers: Answers,
}

/// What reading a data source gave.
#[derive(Clone, Debug)]
pub struct DataRead {
    /// The data; null where the read failed, unknown where core would postpone it.
    pub state: Value,
    /// Errors and warnings of validation and read.
    pub diagnostics: Diagnostics,
}

impl Driver {
    /// Returns a driver that makes a provider for each walk, as core starts a process for each.
    pub fn new(new_provider: impl Fn() -> Arc<dyn Provider> + Send + Sync + 'static) -> Self {
        Self {
            new_provider: Arc::new(new_provider),
            config: Value::object::<String>([]),
            answers: Answers::default(),
        }
    }

    /// Returns the driver with a provider block. Attributes left out are null.
    #[must_use]
    pub fn configured_with(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// Returns one instance of a resource that is in no state yet.
    pub fn resource(&self, type_name: &str) -> ResourceDriver {
        ResourceDriver::new(self.clone(), type_name)
    }

    /// Starts a walk: a new provider, its schema fetched, its configuration validated and handed over.
    ///
    /// Several resources and data sources of one walk share it, see [`ResourceDriver::plan_in`].
    pub async fn walk(&self) -> Result<Walk, Diagnostics> {
        Walk::start((self.new_provider)(), self.answers.clone(), &self.config).await
    }

    /// Starts a walk whose provider is not configured: what `terraform validate` does.
    pub async fn unconfigured_walk(&self) -> Walk {
        Walk::unconfigured((self.new_provider)(), self.answers.clone()).await
    }

    /// Returns whether any answer that the provider gave to this driver so far, in whatever field, contains the text.
    ///
    /// Plant a recognizable token in the provider's configuration or environment, do everything, then ask for it.
    pub fn answers_contain(&self, text: &str) -> bool {
        self.answers.contain(text)
    }

    /// Validates the provider block and a resource's configuration, as `terraform validate` does.
    pub async fn validate(&self, type_name: &str, config: Value) -> Diagnostics {
        let walk = self.unconfigured_walk().await;
        let mut diagnostics = walk.validate_provider(&self.config).await;
        diagnostics.extend(walk.validate_resource(type_name, config).await);
        diagnostics
    }

    /// Reads a data source in a walk of its own.
    pub async fn read_data(&self, type_name: &str, config: Value) -> DataRead {
        match self.walk().await {
            Ok(walk) => walk.read_data(type_name, config).await,
            Err(diagnostics) => DataRead {
                state: Value::Null,
                diagnostics,
            },
        }
    }
}
