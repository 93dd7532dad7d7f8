//! `variables-visible`: every role variable has one readable row in exactly the environment's
//! scope.

use super::context::Context;
use crate::finding::{Finding, Rule, Severity};
use crate::{
    advice::{self, Asked},
    message::Message,
    name::{EnvironmentName, InfrastructureName, VariableKey},
    observation::VariableRows,
    topology::{Missing, Topology},
    world::{CiVariable, FailureKind, Whose},
};

/// A project that could not be read: a refusal is an error always, silence only when something
/// would be written. A failover needs no GitLab.
pub(super) fn unread(context: &Context<'_>) -> Vec<Finding> {
    let failover = context.intent.mode == crate::intent::Mode::Failover;
    if context.environment.variable_keys().next().is_none() {
        return Vec::new();
    }
    context
        .intent
        .arrangement
        .iter()
        .filter_map(|(_, side)| {
            let failure = context.observation.variables.get(side)?.failure()?;
            let matters = failure.kind != FailureKind::Unreachable || !context.changes.is_empty();
            let severity = if matters && !failover {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = Message::nothing_changed(
                format!("The variables of `{side}` could not be read: {failure}."),
                format!("GitLab project `{}`", context.project(side)),
                format!(
                    "{} Then plan again{}.",
                    advice::next(Asked::Project(context.project(side)), failure),
                    match failure.whose() {
                        Whose::Vendor => "; a failover does without GitLab",
                        _ => "",
                    }
                ),
            );
            Some(Finding {
                rule: Rule::VariablesVisible,
                severity,
                message,
                waived: false,
            })
        })
        .collect()
}

pub(super) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, side) in context.intent.arrangement.iter() {
        let Some(rows) = context
            .observation
            .variables
            .get(side)
            .and_then(|r| r.known())
        else {
            continue;
        };
        for (key, all) in rows {
            let scope = &context.intent.environment;
            if let Some(message) = fault(context.topology, scope, side, key, all) {
                let severity = match context.intent.mode {
                    crate::intent::Mode::Switchover => Severity::Error,
                    crate::intent::Mode::Failover => Severity::Warning,
                };
                findings.push(context.finding(Rule::VariablesVisible, severity, message));
            }
        }
    }
    findings.extend(masked(context));
    findings.extend(protection_differs(context));
    findings
}

/// A masked row that GitLab would refuse a value of the topology for.
fn masked(context: &Context<'_>) -> Vec<Finding> {
    let sides = context.intent.arrangement.iter();
    let messages = sides.flat_map(|(_, side)| {
        let rows = context.observation.variables.get(side);
        let rows = rows.and_then(|rows| rows.known());
        let scope = &context.intent.environment;
        rows.map(|rows| unmaskable(context.topology, scope, side, rows))
            .unwrap_or_default()
    });
    let findings =
        messages.map(|message| context.finding(Rule::VariablesVisible, Severity::Warning, message));
    findings.collect()
}

/// Masked rows of one side that cannot hold every value that the topology has for them.
/// <https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable>
pub fn unmaskable(
    topology: &Topology,
    environment: &EnvironmentName,
    side: &InfrastructureName,
    rows: &VariableRows,
) -> Vec<Message> {
    let Some(table) = topology.environments.get(environment) else {
        return Vec::new();
    };
    let mut messages = Vec::new();
    for (key, all) in rows {
        let exact = all.iter().find(|row| row.scope == environment.as_str());
        let Some(row) = exact.filter(|row| row.masked) else {
            continue;
        };
        let values = [&table.production, &table.hot_standby];
        let values = values
            .into_iter()
            .filter_map(|table| table.variables.get(key));
        let mut unfit: Vec<String> = values
            .filter(|value| !can_be_masked(value, row.raw))
            .map(|value| format!("`{value}`"))
            .collect();
        unfit.dedup();
        if !unfit.is_empty() {
            messages.push(Message::nothing_changed(
                format!(
                    "`{key}` is masked, and GitLab does not mask {}: it refuses to store that.",
                    unfit.join(" and ")
                ),
                topology.variable_place(side, key, environment),
                "Take the mask off this row in GitLab: role variables are public names.",
            ));
        }
    }
    messages
}

/// Whether GitLab takes a value for a masked row.
fn can_be_masked(value: &str, raw: bool) -> bool {
    let fits = |c: char| {
        if raw {
            !c.is_whitespace()
        } else {
            c.is_ascii_alphanumeric() || "_+=/@:.~-".contains(c)
        }
    };
    value.chars().count() >= 8 && value.chars().all(fits)
}

/// What keeps role variables of one side from being seen and written, whatever is planned.
pub fn faults(
    topology: &Topology,
    environment: &EnvironmentName,
    side: &InfrastructureName,
    rows: &VariableRows,
) -> Vec<Message> {
    rows.iter()
        .filter_map(|(key, all)| fault(topology, environment, side, key, all))
        .collect()
}

fn fault(
    topology: &Topology,
    scope: &EnvironmentName,
    side: &InfrastructureName,
    key: &VariableKey,
    all: &[CiVariable],
) -> Option<Message> {
    let object = topology.variable_place(side, key, scope);
    let exact: Vec<&CiVariable> = all.iter().filter(|r| r.scope == scope.as_str()).collect();
    let (what, next) = match exact.as_slice() {
        [row] if row.hidden || row.value.is_none() => (
            format!(
                "`{key}` is hidden, so that its present value can be neither reviewed nor restored."
            ),
            "Delete the variable in GitLab and create it again as visible, with the same value.",
        ),
        [row] if row.file => (
            format!("`{key}` is of type file."),
            "Change its type to a plain variable in GitLab.",
        ),
        [row] if row.value.as_ref().is_some_and(|v| v.contains('\n')) => (
            format!("`{key}` has more than one line."),
            "Correct the value in GitLab: a role variable is one line.",
        ),
        [_] => return None,
        [] if topology.policy.missing_variables == Missing::Create => return None,
        [] => {
            let wildcards: Vec<String> = all
                .iter()
                .filter(|r| r.scope.contains('*'))
                .map(|r| format!("`{}`", r.scope))
                .collect();
            let what = if wildcards.is_empty() {
                format!("`{key}` has no row in scope `{scope}`.")
            } else {
                format!(
                    "`{key}` is stored only under the wildcard scope {}.",
                    wildcards.join(", ")
                )
            };
            (
                what,
                "Create the row in this exact scope, or set `policy.missing_variables: create` in the topology. A value may be inherited from the group; it is left alone.",
            )
        }
        several => (
            format!("`{key}` has {} rows in scope `{scope}`.", several.len()),
            "Leave exactly one row in this scope.",
        ),
    };
    Some(Message::nothing_changed(what, object, next))
}

fn protection_differs(context: &Context<'_>) -> Vec<Finding> {
    let pair = &context.intent.arrangement;
    let row = |side, key| match context.observation.exact_rows(side, key).as_slice() {
        [row] => Some(row.protected),
        _ => None,
    };
    context
        .environment
        .variable_keys()
        .filter_map(|key| {
            let (a, b) = (row(&pair.production, key)?, row(&pair.hot_standby, key)?);
            (a != b).then(|| {
                let (on, off) = if a { (&pair.production, &pair.hot_standby) } else { (&pair.hot_standby, &pair.production) };
                context.finding(
                    Rule::VariablesVisible,
                    Severity::Warning,
                    Message::nothing_changed(
                        format!("`{key}` is protected on `{on}` and not on `{off}`."),
                        context.topology.variable_place(on, key, &context.intent.environment),
                        "Give both the same flag, so that pipelines of both sides see the variable alike.",
                    ),
                )
            })
        })
        .collect()
}
