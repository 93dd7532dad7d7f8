//! What accompanies every request.

use tokio_util::sync::CancellationToken;

use crate::Secrets;

/// What accompanies every request to a provider, resource or data source.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Cancelled when core asks the provider to stop (the user pressed Ctrl-C).
    ///
    /// Wind up: finish the request that is in flight, start no other, and return what is true.
    /// Calls that begin after the stop get a fresh token.
    pub cancel: CancellationToken,
    /// Where to register secrets that did not come from the configuration.
    pub secrets: Secrets,
    /// What core said it can do.
    pub client: ClientCapabilities,
}

/// What core said it can do with the answer to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCapabilities {
    /// A deferral is allowed. Terraform also says so in apply walks, where one is an error: nothing here ever defers.
    pub deferral_allowed: bool,
    /// Write-only attributes are understood.
    pub write_only_attributes_allowed: bool,
}
