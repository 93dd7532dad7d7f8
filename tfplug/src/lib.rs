//! A Terraform plugin SDK for protocol 6.
//!
//! A provider implements [`Provider`], [`Resource`] and [`DataSource`], hands itself to [`serve`], and is done:
//! the handshake, mutual TLS, gRPC, the value encoding, cancellation, logging and shutdown are in here.
//! Tests drive the same provider in process with [`testing::Driver`], over the same encoded messages.
//!
//! Three promises hold whatever a resource returns:
//!
//! - core never receives a plan or a state that contradicts its own rules; such a return becomes an error diagnostic
//!   that says "bug in the provider" and names the attribute, beside a state that is true;
//! - a panic in a handler becomes a diagnostic, and apply keeps the prior state;
//! - no diagnostic, private data or log line carries a configured sensitive value: it reads `[redacted]`.
//!
//! Deliberately absent: nested blocks (nested attributes serve new designs better), write-only attributes,
//! resource identity, functions, ephemeral resources, actions and state stores.
//! Their RPCs answer `Unimplemented`, which core tolerates.

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
