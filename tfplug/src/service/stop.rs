//! `StopProvider` as a cancellation token.

use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Cancels the calls in flight, and arms itself anew for those that begin later.
#[derive(Default)]
pub(super) struct StopSwitch(Mutex<CancellationToken>);

impl StopSwitch {
    /// Returns the token of the calls that begin now.
    pub(super) fn token(&self) -> CancellationToken {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Cancels every token given out so far.
    pub(super) fn stop(&self) {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).cancel();
    }
}
