#![doc = include_str!("../README.md")]

mod codec;
mod context;
mod contract;
mod convert;
mod diagnostics;
mod path;
mod provider;
mod request;
mod schema;
mod secrets;
mod serve;
mod service;
pub mod testing;
mod value;
mod wire;

pub use async_trait::async_trait;
pub use context::{ClientCapabilities, Context};
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use path::{AttributePath, Step};
pub use provider::{DataSource, Provider, Resource};
pub use request::{
    ApplyRequest, ApplyResponse, ChangeKind, ConfigureRequest, ImportRequest, ImportResponse,
    PlanRequest, PlanResponse, ReadDataRequest, ReadDataResponse, ReadOutcome, ReadRequest,
    ReadResponse, UpgradeRequest, UpgradeResponse, ValidateConfigRequest,
};
pub use schema::{Attribute, AttributeType, Block, NestedType, Nesting, Presence, Schema};
pub use secrets::Secrets;
pub use serve::serve;
pub use tokio_util::sync::CancellationToken;
pub use value::{Dynamic, Number, NumberError, Type, TypeError, Value, ValueSet};
