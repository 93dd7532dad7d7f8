//! When and by what a plan was made.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::{escape::code, source::Source};
use crate::surroundings;

/// An age that is worth saying, in seconds: younger plans are as good as new.
const OLD: i64 = 60 * 60;

/// Who made a plan, when, and from which commit, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Made {
    /// RFC 3339, as the plan says it.
    pub(crate) at: Option<String>,
    pub(crate) age_seconds: Option<i64>,
    /// The version of Terraform or OpenTofu.
    pub(crate) version: Option<String>,
    /// The commit, where the review runs in a pipeline.
    pub(crate) commit: Option<String>,
    /// Whether the plan leaves out parts of the configuration.
    pub(crate) partial: bool,
}

impl Made {
    /// What the plan says of itself.
    pub(super) fn of(source: &Source) -> Self {
        let at = source.made_at.as_deref();
        let instant = at.and_then(|text| text.parse::<Timestamp>().ok());
        let now = i64::try_from(surroundings::now()).unwrap_or(i64::MAX);
        Self {
            at: instant.map(|at| at.to_string()),
            age_seconds: instant.map(|at| now.saturating_sub(at.as_second())),
            version: source.made_by.clone(),
            commit: surroundings::variable("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
                .or_else(|| surroundings::variable("CI_COMMIT_SHA")),
            partial: source.partial,
        }
    }

    /// The same as one line of Markdown; `None` where nothing is known.
    pub(super) fn line(&self) -> Option<String> {
        let instant = self.at.as_deref()?.parse::<Timestamp>().ok()?;
        let mut line = format!("Planned on {}", instant.strftime("%-d %B %Y at %H:%M UTC"));
        if let Some(age) = self.age_seconds.filter(|age| *age >= OLD) {
            let told = match age / OLD {
                1 => " (1 hour ago)".to_owned(),
                hours @ 2..48 => format!(" ({hours} hours ago)"),
                hours => format!(" ({} days ago)", hours / 24),
            };
            line.push_str(&told);
        }
        if let Some(version) = &self.version {
            let _ = write!(line, " by Terraform or OpenTofu {}", code(version));
        }
        if let Some(commit) = &self.commit {
            let short: String = commit.chars().take(12).collect();
            let _ = write!(line, ", for commit {}", code(&short));
        }
        if self.partial {
            line.push_str("; it leaves out parts of the configuration (`-target`, or deferred)");
        }
        line.push('.');
        Some(line)
    }
}
