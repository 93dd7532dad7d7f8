//! Adds up what several test runners say at their end.

use std::{fmt, ops::AddAssign};

/// Tests by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

impl Totals {
    /// Reads a closing line of `cargo test`; `None` for any other line.
    pub(crate) fn of_cargo(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        Some(Self {
            passed: count(counts, "passed")?,
            failed: count(counts, "failed")?,
            skipped: count(counts, "ignored")? + count(counts, "filtered out")?,
        })
    }

    /// The same where tests were chosen by name: those that were left out are not skipped.
    pub(crate) fn of_cargo_chosen(line: &str) -> Option<Self> {
        let totals = Self::of_cargo(line)?;
        let left_out = count(line.split_once(". ")?.1, "filtered out")?;
        Some(Self {
            skipped: totals.skipped - left_out,
            ..totals
        })
    }

    /// Reads the closing line of pytest, with or without its frame; `None` for any other line.
    pub(crate) fn of_pytest(line: &str) -> Option<Self> {
        let line = line.trim_matches(['=', ' ']);
        let (counts, seconds) = line.rsplit_once(" in ")?;
        seconds.split('s').next()?.parse::<f64>().ok()?;
        let of = |word| count(counts, word).unwrap_or(0);
        let totals = Self {
            passed: of("passed") + of("xpassed"),
            failed: of("failed") + of("error") + of("errors"),
            skipped: of("skipped") + of("deselected") + of("xfailed"),
        };
        (totals != Self::default()).then_some(totals)
    }
}

/// Returns the number before a word in a list such as `3 passed; 1 failed`.
fn count(list: &str, word: &str) -> Option<u64> {
    list.split([';', ','])
        .filter_map(|entry| entry.trim().split_once(' '))
        .find(|(_, name)| *name == word)
        .and_then(|(number, _)| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::Totals;

    #[test]
    fn reads_the_closing_lines_of_both_runners() {
        let totals = |passed, failed, skipped| {
            Some(Totals {
                passed,
                failed,
                skipped,
            })
        };
        assert_eq!(
            Totals::of_cargo(
                "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.02s"
            ),
            totals(12, 1, 5)
        );
        assert_eq!(
            Totals::of_cargo_chosen(
                "test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.02s"
            ),
            totals(12, 0, 2)
        );
        assert_eq!(Totals::of_cargo("test swap::there_and_back ... ok"), None);
        assert_eq!(
            Totals::of_pytest("=== 1 failed, 21 passed, 2 skipped, 1 error in 3.21s ==="),
            totals(21, 2, 2)
        );
        assert_eq!(
            Totals::of_pytest("22 passed in 63.21s (0:01:03)"),
            totals(22, 0, 0)
        );
        assert_eq!(Totals::of_pytest("wrote 3 files in 2 folders"), None);
    }
}
