//! The checks for people: one table, then what to do about whatever is not well.

use std::fmt::Write as _;

use comfy_table::{Table, presets::NOTHING};
use gigadb_engine::foreign::{Foreign, part};

use super::{Check, Verdict};

const HEADER: [&str; 4] = ["RESULT", "CHECK", "OBJECT", "FOUND"];

/// Renders the checks; `width` is the terminal's. Where the table is too wide, what was found goes
/// first; names are never folded, because they are copied.
pub(crate) fn render(checks: &[Check], width: Option<u16>) -> String {
    let fits = |text: &String| {
        let lines = text.lines().map(|line| line.chars().count());
        width.is_none_or(|width| lines.max().unwrap_or_default() <= usize::from(width))
    };
    let whole = table(checks, HEADER.len());
    let mut text = if fits(&whole) {
        whole
    } else {
        let text = table(checks, HEADER.len() - 1);
        let text = if fits(&text) { text } else { stacked(checks) };
        format!("{text}\n\nLeft out: what was found.")
    };
    for verdict in [Verdict::Failed, Verdict::Warning, Verdict::NotChecked] {
        let mut said = Vec::new();
        for check in checks.iter().filter(|check| check.verdict == verdict) {
            // Checks of one kind may ask for the same: it is said once.
            let says = (check.area, &check.found, &check.on, &check.next);
            if said.contains(&says) {
                continue;
            }
            said.push(says);
            let same = checks.iter().filter(|other| {
                let other_says = (other.area, &other.found, &other.on, &other.next);
                other.verdict == verdict && other_says == says
            });
            let objects: Vec<&str> = same.map(|other| other.object.as_str()).collect();
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n\n{}: {} {}\n  {}.",
                verdict.words(),
                check.area,
                Foreign(&objects.join(", ")),
                part(&check.found)
            );
            if let Some(on) = &check.on {
                let _ = write!(text, "\n  on:   {}", part(on));
            }
            if let Some(next) = &check.next {
                let _ = write!(text, "\n  next: {}", part(next));
            }
        }
    }
    let _ = write!(text, "\n\n{}", summary(checks));
    text
}

/// "27 checks: 24 ok, 1 failed, 2 not checked."
fn summary(checks: &[Check]) -> String {
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter_map(|verdict| {
            let count = checks.iter().filter(|check| check.verdict == verdict);
            match count.count() {
                0 => None,
                count => Some(format!("{count} {}", verdict.words())),
            }
        })
        .collect();
    format!("{} checks: {}.", checks.len(), counts.join(", "))
}

fn table(checks: &[Check], columns: usize) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(&HEADER[..columns]);
    for check in checks {
        // What was found otherwise is said below, with what to do.
        let found = match check.verdict {
            Verdict::Ok => check.found.as_str(),
            _ => "see below",
        };
        let (object, found) = (
            Foreign(&check.object).to_string(),
            Foreign(found).to_string(),
        );
        let row = [check.verdict.words(), check.area, &object, &found];
        table.add_row(&row[..columns]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

fn stacked(checks: &[Check]) -> String {
    let lines = checks.iter().map(|check| {
        format!(
            "{}: {}\n  {}",
            check.verdict.words(),
            check.area,
            check.object
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
