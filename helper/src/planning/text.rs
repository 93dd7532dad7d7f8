//! A plan for people: what moves, in the order of writing, and what there is to say about it.

use std::fmt::Write as _;

use gigadb_engine::{
    changes::{Blocked, Boundary, ChangeSet, Step, Target, Transaction},
    foreign::Foreign,
    plan::Plan,
    rules::{Finding, Severity},
};

use super::owed;

/// Renders a plan; the last line says what will happen.
pub(crate) fn render(plan: &Plan) -> String {
    let pair = &plan.intent.arrangement;
    let mut text = format!(
        "{}: production {}, hot standby {} ({})\n",
        plan.intent.environment, pair.production, pair.hot_standby, plan.intent.mode
    );
    for stage in &plan.changes.stages {
        text.push('\n');
        for transaction in stage {
            transaction_lines(&mut text, transaction);
        }
    }
    // Writing to a string cannot fail.
    for blocked in &plan.changes.blocked {
        let _ = match blocked {
            Blocked::Name(hostname) => writeln!(text, "  ! A {hostname} cannot be written"),
            Blocked::Variable(side, key) => {
                writeln!(text, "  ! {key} of {side} cannot be written")
            }
        };
    }
    for owed in owed::by_cause(plan.owed.iter().map(|owed| {
        let (wanted, reason) = (owed.wanted.as_deref(), owed.reason.as_str());
        (owed.object.to_string(), wanted, reason)
    })) {
        let _ = writeln!(text, "  owed: {owed}");
    }
    if !plan.findings.is_empty() {
        text.push('\n');
    }
    for one in &plan.findings {
        let _ = writeln!(text, "{}", finding(one));
    }
    for notice in &plan.notices {
        let _ = writeln!(text, "note: {}", notice.text);
    }
    let _ = write!(text, "\n{}", verdict(plan));
    text
}

/// One finding with its rule and its four parts.
pub(crate) fn finding(finding: &Finding) -> String {
    let weight = match (finding.severity, finding.waived) {
        (Severity::Error, true) => "waived",
        (Severity::Error, false) => "error",
        (Severity::Warning, _) => "warning",
    };
    format!("{weight}[{}]: {}", finding.rule, finding.message)
}

/// How many records and variables are written: "8 records and 8 variables".
pub(crate) fn count(changes: &ChangeSet) -> String {
    let records = changes
        .steps()
        .filter(|step| matches!(step.target, Target::Record { .. }))
        .count();
    counted(records, changes.steps().count() - records)
}

/// A number of records and variables in words.
pub(crate) fn counted(records: usize, variables: usize) -> String {
    let some = |count: usize, what: &str| {
        (count > 0).then(|| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
    };
    let parts = [some(records, "record"), some(variables, "variable")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join(" and ")
    }
}

fn verdict(plan: &Plan) -> String {
    let blocking = plan.blocking().count();
    if blocking > 0 {
        let s = if blocking == 1 { "" } else { "s" };
        format!("Refused: {blocking} finding{s} in the way. Nothing was changed.")
    } else if plan.is_empty() && plan.owed.is_empty() {
        "No changes: everything is as it should be.".to_owned()
    } else if plan.is_empty() {
        "No changes that can be made now: what is owed stays owed.".to_owned()
    } else {
        format!(
            "Would change {}. Nothing was changed yet.",
            count(&plan.changes)
        )
    }
}

fn transaction_lines(text: &mut String, transaction: &Transaction) {
    if let Boundary::ZoneBatch { zone, decisive } = &transaction.boundary {
        let decides = if *decisive {
            ", decides who is production"
        } else {
            ""
        };
        let _ = writeln!(text, "zone {} (one batch{decides})", zone.name);
    }
    for step in &transaction.steps {
        let _ = writeln!(text, "{}", step_line(step));
    }
}

fn step_line(step: &Step) -> String {
    let sign = if step.from.is_some() { '~' } else { '+' };
    let from = Foreign(step.from.as_deref().unwrap_or("(none)"));
    let to = &step.to;
    match &step.target {
        Target::Record { hostname, .. } => format!("  {sign} A {hostname}: {from} -> {to}"),
        Target::Variable {
            infrastructure,
            key,
            ..
        } => format!("  {sign} {infrastructure} {key}: {from} -> {to}"),
    }
}
