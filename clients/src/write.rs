//! The three writes that there are, and what is known after one that failed.

use gigadb_engine::{
    name::{RecordId, VariableKey, ZoneId},
    world::{Failure, FailureKind},
};
use thiserror::Error;
use tokio::time::Instant;

use crate::{
    Apis,
    cloudflare::{NewRecord, Patch},
    http::{Budget, CallError, Effect},
};

/// A write that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{failure}")]
pub(crate) struct WriteFailure {
    /// What is known about its effect.
    pub outcome: Outcome,
    /// When it was sent, for the last time.
    pub sent: Instant,
    /// Why.
    pub failure: Failure,
}

/// What is known about the effect of a write that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It surely had none: it never left.
    NotSent,
    /// The API refused it in its own words: believed once reading back agrees.
    Refused,
    /// It may have been carried out, or may be later.
    Unknown,
}

impl From<Box<CallError>> for WriteFailure {
    fn from(error: Box<CallError>) -> Self {
        Self {
            outcome: match error.fault.effect() {
                Effect::NotSent => Outcome::NotSent,
                Effect::Refused => Outcome::Refused,
                Effect::Unknown => Outcome::Unknown,
            },
            sent: error.sent.unwrap_or_else(Instant::now),
            failure: error.failure(),
        }
    }
}

/// How long a write may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Patience {
    /// As long as any call.
    #[default]
    Ordinary,
    /// As long as what concerns the lost side of a failover may hold it up.
    LostSide,
    /// As long as the lease of a failover may hold it up.
    Hurried,
}

/// Writes are never cancelled: what is in flight is finished, so that its outcome is known.
impl Apis {
    /// Writes one batch in one zone: the contents of existing records, and new records. One
    /// request, one transaction. Returns the ids of the new records, in the order of `posts`, as
    /// far as the answer tells them.
    pub(crate) async fn write_zone_batch(
        &self,
        zone: &ZoneId,
        patches: &[Patch],
        posts: &[NewRecord],
        patience: Patience,
    ) -> Result<Vec<Option<RecordId>>, WriteFailure> {
        let budget = self.budget(patience);
        Ok(self
            .cloudflare
            .write_batch(zone, patches, posts, budget)
            .await?)
    }

    /// Sets the value of one existing row, found by key and exact scope, and nothing else of it.
    pub(crate) async fn write_variable(
        &self,
        project: &str,
        key: &VariableKey,
        scope: &str,
        value: &str,
        patience: Patience,
    ) -> Result<(), WriteFailure> {
        let budget = self.budget(patience);
        Ok(self
            .gitlab
            .write_variable(project, key, scope, value, budget)
            .await?)
    }

    /// Creates one row: visible, neither masked nor protected.
    pub(crate) async fn create_variable(
        &self,
        project: &str,
        key: &VariableKey,
        scope: &str,
        value: &str,
        patience: Patience,
    ) -> Result<(), WriteFailure> {
        let budget = self.budget(patience);
        Ok(self
            .gitlab
            .create_variable(project, key, scope, value, budget)
            .await?)
    }

    /// The time for one call that is not cancelled.
    pub(crate) fn budget(&self, patience: Patience) -> Budget<'static> {
        let timing = self.timing();
        let limit = match patience {
            Patience::Ordinary => timing.call,
            Patience::LostSide => timing.lost_side_writes.min(timing.call),
            Patience::Hurried => timing.failover_reads.min(timing.call),
        };
        Budget::new(limit, None)
    }
}

/// The failure of a write that was never sent because the change set makes no sense.
pub(crate) fn bug(what: &str) -> WriteFailure {
    WriteFailure {
        outcome: Outcome::NotSent,
        sent: Instant::now(),
        failure: Failure::new(
            FailureKind::Misconfigured,
            format!("the change set holds {what}, which is a bug; nothing was sent for it"),
        ),
    }
}
