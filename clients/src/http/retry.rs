//! When a call is sent again, and after which pause: a small value, without I/O.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::{
    Repeat,
    error::{Fault, TooLong},
    text,
};
use crate::timing::Timing;

/// The longest pause that is reckoned with: far more than any call has time for, and little enough
/// to be added to the present time.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

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
            Fault::Status { wait, .. } | Fault::Page { wait, .. } => *wait,
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
                Fault::NoConnection { .. }
                    | Fault::Status { status: 429, .. }
                    | Fault::Page { status: 429, .. }
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
    asked(headers, status, now).map(|wait| wait.min(LONGEST_WAIT))
}

fn asked(headers: &HeaderMap, status: u16, now: SystemTime) -> Option<Duration> {
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

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn status(status: u16, wait: Option<u64>) -> Fault {
        Fault::Status {
            status,
            faults: Vec::new(),
            wait: wait.map(Duration::from_secs),
        }
    }

    fn retry(repeat: Repeat) -> Retry {
        let timing = Timing {
            backoff: Duration::from_millis(100),
            ..Timing::default()
        };
        Retry::new(&timing, repeat, Instant::now() + Duration::from_secs(30))
    }

    #[test]
    fn what_vendors_ask_for_is_understood() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (code, headers, wait) in [
            (429, &[("retry-after", "7")][..], Some(7)),
            (503, &[("retry-after", "7")], Some(7)),
            (500, &[("retry-after", "7")], None),
            (
                429,
                &[("retry-after", "Sun, 09 Sep 2001 01:47:40 GMT")],
                Some(60),
            ),
            (
                429,
                &[("retry-after", "Sun, 09 Sep 2001 01:00:00 GMT")],
                Some(0),
            ),
            (429, &[("ratelimit-reset", "1000000030")], Some(30)),
            (
                429,
                &[("ratelimit-reset", "1000000030"), ("retry-after", "5")],
                Some(5),
            ),
            (503, &[("ratelimit-reset", "1000000030")], None),
            (429, &[("ratelimit", "\"default\";r=0;t=30")], Some(30)),
            (429, &[("ratelimit", "\"default\";r=50;t=30")], None),
            (429, &[("retry-after", "soon")], None),
            (
                429,
                &[("retry-after", "18446744073709551615")],
                Some(31_536_000),
            ),
            (429, &[("retry-after", "18446744073709551616")], None),
            (
                429,
                &[("ratelimit-reset", "9000000000000000")],
                Some(31_536_000),
            ),
            (429, &[], None),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                })
                .collect();
            let asked = asked_wait(&headers, code, now);
            assert_eq!(asked.map(|w| w.as_secs()), wait, "{code} {headers:?}");
        }
    }

    #[test]
    fn pauses_grow_with_jitter_and_end() {
        let mut retry = retry(Repeat::Always);
        let mut pause = || retry.after(&status(502, None), SystemTime::now());
        let first = pause().unwrap();
        assert!((50..=100).contains(&first.as_millis()), "{first:?}");
        let second = pause().unwrap();
        assert!((100..=200).contains(&second.as_millis()), "{second:?}");
        assert_eq!(pause(), Err(None));
    }

    #[test]
    fn a_pause_longer_than_the_time_left_ends_the_call() {
        let mut retry = retry(Repeat::OnlyIfNotApplied);
        let now = SystemTime::now();
        assert_eq!(
            retry.after(&status(429, Some(29)), now),
            Ok(Duration::from_secs(29))
        );
        let longest = Some(LONGEST_WAIT.as_secs());
        assert!(
            retry
                .after(&status(429, longest), now)
                .unwrap_err()
                .is_some()
        );
        let too_long = retry.after(&status(429, Some(31)), now).unwrap_err();
        assert_eq!(too_long.unwrap().wait, Duration::from_secs(31));
    }

    #[test]
    fn a_write_is_sent_again_only_where_it_surely_had_no_effect() {
        let no_connection = Fault::NoConnection {
            to: String::new(),
            cause: String::new(),
        };
        for (fault, read, write) in [
            (no_connection, true, true),
            (status(429, None), true, true),
            (Fault::NoAnswer(Duration::ZERO), true, false),
            (Fault::Broken(String::new()), true, false),
            (status(503, Some(1)), true, false),
            (status(500, None), true, false),
            (status(408, None), true, false),
            (status(404, None), false, false),
            (Fault::Garbage(String::new()), false, false),
            (Fault::Stopped, false, false),
        ] {
            for (repeat, again) in [(Repeat::Always, read), (Repeat::OnlyIfNotApplied, write)] {
                let pause = retry(repeat).after(&fault, SystemTime::now());
                assert_eq!(pause.is_ok(), again, "{fault:?} {repeat:?}");
            }
        }
    }
}
