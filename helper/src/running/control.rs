//! What a run and whoever may interrupt it share.

use std::sync::OnceLock;

use gigadb_clients::journal::RunId;
use tokio_util::sync::CancellationToken;

use crate::outbox::Outbox;

/// How a run hears of Ctrl-C, and what is known of it when the second one ends it.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// Triggered by the first Ctrl-C.
    pub(crate) cancel: CancellationToken,
    /// Set when the first request is about to be sent: the run's journal, where there is one.
    pub(crate) began: OnceLock<Option<RunId>>,
    /// Set when a step of a release is begun: what to do where the second Ctrl-C ends it.
    pub(crate) at_work: OnceLock<String>,
    /// What webhooks are told once the run has ended.
    pub(crate) outbox: Outbox,
}
