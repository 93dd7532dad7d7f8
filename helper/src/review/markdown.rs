//! A review for people: what GitLab shows in a merge request.

use super::{
    document::{Review, counted},
    escape::{cell, html, name},
    mermaid::diagram,
    parts::{Part, Table, parts},
};

/// Rows that a table keeps at first where not all fit.
const ROWS: usize = 4096;

/// Renders the review.
pub(crate) fn render(review: &Review) -> String {
    with_rows(review, usize::MAX)
}

/// The same in so many characters: where it is longer, tables are cut, and say by how much.
pub(crate) fn within(review: &Review, characters: usize) -> String {
    let mut rows = usize::MAX;
    loop {
        let text = with_rows(review, rows);
        if rows == 0 || text.chars().count() <= characters {
            return text;
        }
        rows = if rows == usize::MAX { ROWS } else { rows / 2 };
    }
}

fn with_rows(review: &Review, rows: usize) -> String {
    let weight = review.weight();
    let weight = weight.map_or_else(String::new, |weight| format!(": {weight}"));
    let first = format!("**{}**{weight}", review.verdict());
    let rest = parts(review).into_iter().filter_map(|part| {
        Some(match part {
            Part::Environment(environment) => format!("### {}", name(environment)),
            Part::Line(line) => line,
            Part::Refused(why) => format!("**Refused:** {why}"),
            Part::Facts(items) => {
                let items: Vec<String> = items.iter().map(|item| format!("- {item}")).collect();
                items.join("\n")
            }
            Part::Diagram(change) => diagram(review, change)?,
            Part::Table(whole) => table(&whole, rows),
            Part::Folded(count, environment, whole) => format!(
                "<details><summary>{count} in scope <code>{}</code></summary>\n\n{}\n\n</details>",
                html(environment),
                table(&whole, rows)
            ),
        })
    });
    let lines: Vec<String> = std::iter::once(first).chain(rest).collect();
    lines.join("\n\n")
}

fn table(table: &Table, rows: usize) -> String {
    let mut lines = vec![
        format!("| {} |", table.head.join(" | ")),
        format!("|{}", "---|".repeat(table.head.len())),
    ];
    lines.extend(table.rows.iter().take(rows).map(|cells| {
        let cells: Vec<String> = cells.iter().map(|markdown| cell(markdown)).collect();
        format!("| {} |", cells.join(" | "))
    }));
    let table = [
        table.intro.clone(),
        Some(lines.join("\n")),
        cut(table.rows.len().saturating_sub(rows)),
        table.after.clone(),
    ];
    let parts: Vec<String> = table.into_iter().flatten().collect();
    parts.join("\n\n")
}

/// What is said of rows that are left out.
fn cut(rows: usize) -> Option<String> {
    (rows > 0).then(|| {
        format!(
            "**{}** are in the job's log: not all fit here.",
            counted(rows, "more row")
        )
    })
}
