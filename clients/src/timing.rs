//! How long to wait for what, and how often to try.

use std::time::Duration;

/// How long a write without an answer of the API's own may take effect after it was sent, where
/// `GIGADB_OPEN_FOR` says nothing else.
pub(crate) const OPEN_FOR: Duration = Duration::from_mins(2);

/// How long to wait for what, and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For one attempt.
    pub attempt: Duration,
    /// Attempts of one call.
    pub attempts: u32,
    /// For one call, attempts and pauses together.
    pub call: Duration,
    /// For what is read of one side of one API, over a whole walk.
    pub side_reads: Duration,
    /// In a failover: for whatever does not decide it, side by side, the lease included.
    pub failover_reads: Duration,
    /// For one write that concerns the lost side of a failover.
    pub lost_side_writes: Duration,
    /// The pause before the second attempt; doubles from then on, with jitter.
    pub backoff: Duration,
    /// Reads after a write, at most, until they show it.
    pub read_backs: u32,
    /// How long after it was sent a write without an answer may take effect.
    pub open_for: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(15),
            attempts: 3,
            call: Duration::from_mins(1),
            side_reads: Duration::from_secs(20),
            failover_reads: Duration::from_secs(2),
            lost_side_writes: Duration::from_secs(10),
            backoff: Duration::from_millis(500),
            read_backs: 4,
            open_for: OPEN_FOR,
        }
    }
}

impl Timing {
    /// The pause after this many reads that did not show a write: a read right after a write
    /// may come from before it.
    pub(crate) fn settle(&self, reads: u32) -> Duration {
        self.backoff * 2_u32.saturating_pow(reads.saturating_sub(1))
    }
}
