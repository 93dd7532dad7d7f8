//! `terraform-provider-gigadb`: between Terraform's values and the engine's types.
//!
//! ```text
//! settings   provider block, environment     -> how to reach the APIs, which topology
//! session    settings                         -> topology, one shared observation a walk
//! config     resource configuration           -> what is asked for
//! decision   topology, configuration, state,
//!            observation                       -> the engine's plan, or "keep", or diagnostics
//! state      the engine's view                -> attributes
//! private    the engine's observation         <-> private data
//! ```
//!
//! **Invariants.** Nothing here decides anything about roles: the engine does. A plan of an
//! existing resource calls no API. Only `apply` writes. The process environment is read through
//! one function that the caller gives.
//!
//! What this crate deliberately does not do: speak HTTP, or know the plugin protocol.

mod apply;
mod command;
mod config;
mod data_assignment;
mod data_infrastructure;
mod data_preflight;
mod decision;
mod diagnostics;
pub mod docs;
mod import;
mod plan;
mod planned;
mod private;
mod probed;
mod probing;
mod provider;
mod read;
mod resource;
mod roles;
mod schema;
mod session;
mod settings;
mod state;
mod validate;

pub use command::is_validate;
pub use provider::Gigadb;
pub use settings::Environment;
