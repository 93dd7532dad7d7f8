//! When a call is sent again, and after which pause: a small value, without I/O.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::{
    Repeat,
    error::{Fault, TooLong},
    text,
};
use crate::settings::Timing;

/// The attempts of one call.
#[derive(Debug)]
pub(crate) struct Retry {
    made: u32,
    most: u32,
    backoff: Duration,
    repeat: Repeat,
    until: Instant,
}

impl Retry {
    pub(crate) fn new(timing: &Timing, repeat: Repeat, until: Instant) -> Self {
        Self {
            made: 0,
            most: timing.attempts.max(1),
            backoff: timing.backoff,
            repeat,
            until,
        }
    }

    /// Attempts made so far.
    pub(crate) fn attempts(&self) -> u32 {
        self.made
    }

    /// The pause before the next attempt after `fault`. `Err` means: no other attempt; with the
    /// pause that the vendor asked for where that is what there is no time for.
    pub(crate) fn after(
        &mut self,
        fault: &Fault,
        now: SystemTime,
    ) -> Result<Duration, Option<TooLong>> {
        self.made += 1;
        let asked = match fault {
            Fault::Status { wait, .. } => *wait,
            _ => None,
        };
        let left = self.until.saturating_duration_since(Instant::now());
        if let Some(wait) = asked
            && wait >= left
        {
            return Err(Some(TooLong {
                wait,
                at: httpdate::fmt_http_date(now + wait),
            }));
        }
        let allowed = match self.repeat {
            Repeat::Always => fault.may_pass(),
            Repeat::OnlyIfNotApplied => matches!(
                fault,
                Fault::NoConnection { .. } | Fault::Status { status: 429, .. }
            ),
        };
        if !allowed || self.made >= self.most {
            return Err(None);
        }
        let pause = asked.unwrap_or_else(|| {
            let full = self.backoff * 2_u32.saturating_pow(self.made - 1);
            full.mul_f64(0.5 + fastrand::f64() / 2.0)
        });
        if pause >= left { Err(None) } else { Ok(pause) }
    }
}

/// How long the vendor asks to wait: `Retry-After` in either spelling, then, for 429, GitLab's
/// `RateLimit-Reset` (Unix seconds), then Cloudflare's `Ratelimit` (`t` = seconds to reset,
/// counted only where `r`, what remains, is 0).
pub(crate) fn asked_wait(headers: &HeaderMap, status: u16, now: SystemTime) -> Option<Duration> {
    if !matches!(status, 429 | 503) {
        return None;
    }
    let until = |at: SystemTime| at.duration_since(now).unwrap_or_default();
    if let Some(after) = text(headers, "retry-after") {
        if let Ok(seconds) = after.parse() {
            return Some(Duration::from_secs(seconds));
        }
        if let Ok(at) = httpdate::parse_http_date(&after) {
            return Some(until(at));
        }
    }
    if status != 429 {
        return None;
    }
    if let Some(reset) = text(headers, "ratelimit-reset").and_then(|t| t.parse().ok()) {
        return UNIX_EPOCH
            .checked_add(Duration::from_secs(reset))
            .map(until);
    }
    let limit = text(headers, "ratelimit")?;
    let part = |name: &str| {
        limit
            .split(';')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .and_then(|value| value.parse::<u64>().ok())
    };
    (part("r")? == 0)
        .then(|| part("t"))
        .flatten()
        .map(Duration::from_secs)
}
