//! The status for people: a table, then what disagrees.

use std::fmt::Write as _;

use gigadb_engine::{foreign::Foreign, topology::Topology, view::Status};

use super::{Disagreement, Report};
use crate::{columns, dumps};

const HEADER: [&str; 7] = [
    "ENVIRONMENT",
    "STATUS",
    "ROLE",
    "INFRASTRUCTURE",
    "REGION",
    "AWS PROFILE",
    "RELEASE",
];
/// The columns without which the table says nothing.
const NEEDED: usize = 4;
/// The rows of a terminal of 24, less the command's and the next prompt's.
const ON_SCREEN: usize = 22;

/// Renders the reports; `width` is the terminal's. Where the table is too wide, the last columns
/// go first; names are never folded, because they are copied.
pub(crate) fn render(topology: &Topology, reports: &[Report], width: Option<u16>) -> String {
    let rows = rows(topology, reports);
    let table = columns::fitted(HEADER, &rows, NEEDED..=HEADER.len(), width);
    let mut text = if table.fits {
        table.text
    } else {
        stacked(&rows)
    };
    if let Some(left_out) = columns::left_out(&HEADER[table.columns..]) {
        text = format!("{text}\n\n{left_out}");
    }
    for report in reports {
        details(&mut text, report);
    }
    if width.is_some() && text.lines().count() > ON_SCREEN {
        text.push('\n');
        for report in reports {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{}", in_a_line(report));
        }
    }
    text
}

/// What is last on the screen where the table has left it.
fn in_a_line(report: &Report) -> String {
    let who = match &report.roles {
        Ok(pair) => format!(
            "production {}, hot standby {}",
            pair.production, pair.hot_standby
        ),
        Err(_) => "it is not clear who has which role".to_owned(),
    };
    format!("{} is {}: {who}", report.environment, report.status)
}

/// What would be lost with production, an environment a line.
pub(crate) fn dumps(reports: &[Report]) -> String {
    let lines = reports.iter().filter_map(|report| {
        let known = report.newest_dump.as_ref()?;
        Some(format!(
            "{}: {}",
            report.environment,
            dumps::sentence(known)
        ))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn stacked(rows: &[[String; 7]]) -> String {
    let rows = rows.iter();
    rows.map(|[environment, status, role, name, ..]| {
        format!("{environment} {status} {role}\n  {name}")
    })
    .collect::<Vec<_>>()
    .join("\n")
}

fn rows(topology: &Topology, reports: &[Report]) -> Vec<[String; 7]> {
    let mut rows = Vec::new();
    for report in reports {
        let mut sides: Vec<_> = topology.infrastructures.iter().collect();
        sides.sort_by_key(|(name, _)| (report.role_of(name).is_none(), report.role_of(name)));
        for (name, side) in sides {
            let role = match (&report.roles, report.role_of(name)) {
                (Err(_), _) => "unclear".to_owned(),
                (Ok(_), None) => "none".to_owned(),
                (Ok(_), Some(role)) => role.to_string(),
            };
            rows.push([
                report.environment.to_string(),
                report.status.to_string(),
                role,
                name.to_string(),
                side.aws.region.clone(),
                side.aws.profile.clone(),
                Foreign(report.release_of(name).as_str()).to_string(),
            ]);
        }
    }
    rows
}

fn details(text: &mut String, report: &Report) {
    let mut lines = Vec::new();
    if let Err(reason) = &report.roles {
        lines.push(format!(
            "It is not clear who has which role: {}.",
            Foreign(reason)
        ));
    }
    lines.extend(report.disagreements.iter().map(sentence));
    lines.extend(
        report
            .ambiguous
            .iter()
            .chain(&report.unread)
            .map(|what| format!("{}.", Foreign(what))),
    );
    if lines.is_empty() {
        return;
    }
    // Writing to a string cannot fail.
    let but = match report.status {
        Status::Consistent | Status::Prepared => ", but",
        Status::Mixed | Status::Unknown => "",
    };
    let _ = write!(
        text,
        "\n\n{} is {}{but}:",
        report.environment, report.status
    );
    for line in lines {
        let _ = write!(text, "\n  - {line}");
    }
}

/// One disagreement as a clause.
pub(super) fn sentence(disagreement: &Disagreement) -> String {
    let Disagreement {
        object,
        what,
        present,
        expected,
    } = disagreement;
    if let Some(what) = what {
        return format!("{} ({object})", Foreign(what));
    }
    let present = present.as_deref().map(Foreign);
    match (&present, expected) {
        (Some(present), Some(expected)) => format!("{object} is {present}, expected {expected}"),
        (None, Some(expected)) => format!("{object} has no single value, expected {expected}"),
        (Some(present), None) => format!("{object} is {present}"),
        (None, None) => format!("{object} is in the way"),
    }
}
