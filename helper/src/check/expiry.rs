//! How long a token is still good for.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::surroundings;

/// A token that ends within so many days wants to be replaced.
const SOON: i64 = 14;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// What the end of a token means today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expiry {
    /// It has none, or one that is far enough.
    Later(String),
    /// It ends within days.
    Soon(String),
}

/// Judges the end of a token, as the API writes it.
pub(super) fn of(end: Option<&str>) -> Expiry {
    let Some(end) = end else {
        return Expiry::Later("without an end".to_owned());
    };
    let until = instant(end);
    let day = end.split('T').next().unwrap_or(end);
    let now = i64::try_from(surroundings::now()).unwrap_or(i64::MAX);
    match until.map(|until| (until.as_second() - now).div_euclid(SECONDS_A_DAY)) {
        Some(days) if days < SOON => Expiry::Soon(format!("ends on {day}")),
        Some(_) => Expiry::Later(format!("until {day}")),
        None => Expiry::Later(format!("until {end}")),
    }
}

/// RFC 3339, or a day, which ends a token at its beginning (UTC).
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let day: Date = text.parse().ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}
