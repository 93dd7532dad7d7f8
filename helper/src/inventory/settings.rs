//! What the inventory depends on in addition to the world.

use std::collections::BTreeMap;

use gigadb_engine::name::{EnvironmentName, InfrastructureName};

use super::{connection::Sockets, machine::AddressKind, outputs::Outputs};

/// What the inventory depends on in addition to the world.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The base URL of GitLab's API, without a trailing slash.
    pub(crate) gitlab_base: String,
    /// Which address Ansible connects to.
    pub(crate) address: AddressKind,
    /// How many seconds ago a side was read; sides that are not named were read now.
    pub(crate) ages: BTreeMap<InfrastructureName, u64>,
    /// The Terraform outputs that may be shown, or why they could not be read: a clause. Sides
    /// whose topology names no state are absent.
    pub(crate) outputs: BTreeMap<(InfrastructureName, EnvironmentName), Result<Outputs, String>>,
    /// The operator's own keys; they are used instead of the topology's.
    pub(crate) keys: BTreeMap<InfrastructureName, String>,
    /// Where Ansible keeps the sockets of shared connections.
    pub(crate) sockets: Sockets,
}
