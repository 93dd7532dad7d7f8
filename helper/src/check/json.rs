//! The checks for programs.

use serde::Serialize;

use super::{Check, Verdict};

/// The version of this format. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    /// Whether nothing failed.
    ok: bool,
    checks: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    check: &'a str,
    object: &'a str,
    result: &'static str,
    found: &'a str,
    on: Option<&'a str>,
    next: Option<&'a str>,
}

/// Renders one document, `format_version` first.
pub(crate) fn render(checks: &[Check]) -> String {
    let document = Document {
        format_version: FORMAT_VERSION,
        ok: checks.iter().all(|check| check.verdict != Verdict::Failed),
        checks: checks.iter().map(row).collect(),
    };
    // Strings and numbers only: this cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn row(check: &Check) -> Row<'_> {
    Row {
        check: check.area,
        object: &check.object,
        result: match check.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
            Verdict::NotChecked => "not_checked",
        },
        found: &check.found,
        on: check.on.as_deref(),
        next: check.next.as_deref(),
    }
}
