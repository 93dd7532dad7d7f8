//! Where a machine stands in the topology, which is what its host is named by.

use gigadb_engine::name::{EndpointName, EnvironmentName, InfrastructureName};

/// One machine's place in the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<'a> {
    pub(super) infrastructure: &'a InfrastructureName,
    pub(super) environment: &'a EnvironmentName,
    pub(super) endpoint: &'a EndpointName,
}

impl Place<'_> {
    /// The name of its host.
    pub(super) fn host(&self) -> String {
        format!(
            "{}-{}-{}",
            self.infrastructure, self.environment, self.endpoint
        )
    }
}
