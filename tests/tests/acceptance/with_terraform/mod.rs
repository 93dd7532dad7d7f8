//! What needs Terraform or OpenTofu.

mod adopt;
mod bad_input;
mod bad_world;
mod data_sources;
mod destroy;
mod drift;
mod examples;
mod external_swap;
mod failing_writes;
mod import;
mod inventory;
mod packaging;
mod refresh;
mod requests;
mod secrets;
mod stale;
mod swap;

/// The address of live's assignment.
const LIVE: &str = "gigadb_role_assignment.live";
