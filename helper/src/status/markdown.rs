//! The status as the table of GigaDB's own procedure for deploying to production.

use std::fmt::Write as _;

use gigadb_engine::{name::Role, topology::Topology};

use super::Report;
use crate::{project, review::escape};

const HEADER: [&str; 7] = [
    "Gitlab project",
    "AWS profile",
    "Local checkout name",
    "AWS region",
    "current role",
    "current release",
    "status",
];

/// Renders one table a report. The words are the procedure's.
pub(crate) fn render(topology: &Topology, reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports {
        let mut rows = vec![HEADER.map(str::to_owned)];
        for (name, side) in &topology.infrastructures {
            let role = match (&report.roles, report.role_of(name)) {
                (Err(_), _) => "unclear",
                (Ok(_), Some(Role::Production)) => "current production",
                (Ok(_), Some(Role::HotStandby)) => "hot stand-by",
                (Ok(_), None) => "none",
            };
            rows.push([
                cell(project::name(&side.gitlab_project)),
                cell(&side.aws.profile),
                cell(side.checkout.as_deref().unwrap_or_default()),
                cell(&side.aws.region),
                role.to_owned(),
                cell(report.release_of(name).as_str()),
                report.status.to_string(),
            ]);
        }
        table(&mut text, &rows);
    }
    text
}

/// A table whose columns line up, so that it reads well and differs little.
fn table(text: &mut String, rows: &[[String; 7]]) {
    let mut widths = [0; 7];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
}

/// Text in which nothing is markup and nothing ends the cell.
fn cell(text: &str) -> String {
    match text {
        "" => String::new(),
        text => escape::cell(&escape::name(text)),
    }
}
