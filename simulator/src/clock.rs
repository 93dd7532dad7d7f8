//! The simulator's own calendar: it moves one second with every committed write, so that two runs of
//! the same test write the same times.

/// Seconds from 1970 to the first moment of this world, 2026-09-01T00:00:00Z.
const EPOCH: u64 = 1_788_220_800;

/// Returns the time of the n-th commit as RFC 3339 with microseconds.
pub(crate) fn at(commit: u64) -> String {
    let seconds = EPOCH + commit;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        commit % 1_000_000,
    )
}

/// Returns year, month and day of a count of days since 1970-01-01.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn every_commit_is_one_second_after_the_last() {
        assert_eq!(at(0), "2026-09-01T00:00:00.000000Z");
        assert_eq!(at(61), "2026-09-01T00:01:01.000061Z");
        assert_eq!(at(86_400 * 30), "2026-10-01T00:00:00.592000Z");
    }
}
