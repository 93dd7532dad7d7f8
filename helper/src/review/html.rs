//! A review as a page that stands alone.

use super::{
    document::Review,
    parts::{Part, Table, parts},
};
use crate::page::{Html, Page, Tone};

/// Renders the review.
pub(crate) fn render(review: &Review) -> String {
    let mut page = Page::new(&review.verdict());
    if let Some(weight) = review.weight() {
        page.paragraph(&Html::line(&weight));
    }
    for part in parts(review) {
        match part {
            Part::Environment(environment) => page.heading(2, &Html::text(environment)),
            Part::Line(line) => page.paragraph(&Html::line(&line)),
            Part::Refused(why) => {
                page.paragraph(&Html::word(Tone::Bad, "Refused: ").then(&Html::line(why)));
            }
            Part::Facts(items) => page.list(items.iter().map(|item| Html::line(item))),
            // The table below it says the same in words.
            Part::Diagram(_) => {}
            Part::Table(rows) => table(&mut page, rows),
            Part::Folded(count, environment, rows) => {
                let summary = Html::text(&format!("{count} in scope "));
                page.fold(&summary.then(&Html::code(environment)), |page| {
                    table(page, rows);
                });
            }
        }
    }
    page.end(&Html::line(
        "Made by `gigadb-roles review`. This page does not change by itself.",
    ))
}

fn table(page: &mut Page, table: Table) {
    if let Some(intro) = table.intro {
        page.paragraph(&Html::line(&intro));
    }
    let rows = table.rows.into_iter();
    page.table(
        table.head,
        rows.map(|cells| cells.iter().map(|cell| Html::line(cell)).collect()),
    );
    if let Some(after) = table.after {
        page.paragraph(&Html::line(&after));
    }
}
