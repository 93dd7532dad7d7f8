//! A review for people: what GitLab shows in a merge request.

use super::{
    document::Review,
    escape::{cell, html, name},
    mermaid::diagram,
    parts::{Part, Table, parts},
};

/// Renders the review.
pub(crate) fn render(review: &Review) -> String {
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
            Part::Table(rows) => table(&rows),
            Part::Folded(count, environment, rows) => format!(
                "<details><summary>{count} in scope <code>{}</code></summary>\n\n{}\n\n</details>",
                html(environment),
                table(&rows)
            ),
        })
    });
    let lines: Vec<String> = std::iter::once(first).chain(rest).collect();
    lines.join("\n\n")
}

fn table(table: &Table) -> String {
    let mut lines = vec![
        format!("| {} |", table.head.join(" | ")),
        format!("|{}", "---|".repeat(table.head.len())),
    ];
    lines.extend(table.rows.iter().map(|cells| {
        let cells: Vec<String> = cells.iter().map(|markdown| cell(markdown)).collect();
        format!("| {} |", cells.join(" | "))
    }));
    let table = [
        table.intro.clone(),
        Some(lines.join("\n")),
        table.after.clone(),
    ];
    let parts: Vec<String> = table.into_iter().flatten().collect();
    parts.join("\n\n")
}
