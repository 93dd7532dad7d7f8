//! `permutation`: addresses and values are exchanged between the two sides; nothing foreign is
//! replaced unasked, and nothing outside the topology is ever written.

use super::context::{Context, side_of};
use crate::finding::{Finding, Rule, Severity};
use crate::{
    changes::{Step, Target},
    message::Message,
    name::Role,
};

pub(super) fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .changes
        .steps()
        .filter_map(|step| foreign(context, step))
        .collect()
}

fn foreign(context: &Context<'_>, step: &Step) -> Option<Finding> {
    let present = step.from.as_ref()?;
    let (is_foreign, side, allowed, other) = match &step.target {
        Target::Record { hostname, .. } => {
            let (role, endpoint) = context.environment.hostname(hostname)?;
            let owner = present
                .parse()
                .ok()
                .and_then(|a| context.observation.owner(a));
            let other = owner.filter(|o| context.intent.arrangement.role_of(o).is_none());
            let ours = owner.is_some() && other.is_none();
            let allowed = context
                .intent
                .arrangement
                .iter()
                .filter_map(|(_, s)| context.observation.address(s, endpoint))
                .map(|a| a.to_string())
                .collect::<Vec<_>>();
            // Where a side's address is not known, nobody can tell whether this one is foreign.
            let readable = context.intent.arrangement.iter().all(|(_, s)| {
                let reading = context.observation.sides.get(s);
                reading.is_some_and(|r| r.read().is_some())
                    || context.observation.address(s, endpoint).is_some()
            });
            (
                !ours && readable,
                side_of(context.intent, role),
                allowed,
                other,
            )
        }
        Target::Variable {
            infrastructure,
            key,
            ..
        } => {
            let allowed: Vec<String> = Role::ALL
                .into_iter()
                .filter_map(|r| context.environment.table(r).variables.get(key).cloned())
                .collect();
            (!allowed.contains(present), infrastructure, allowed, None)
        }
    };
    if !is_foreign {
        return None;
    }
    // Another side of the topology holds the name: nobody loses what cannot be restored, and
    // production does not change hands where the apex leads there already, or goes back on request.
    let settles = other.is_some()
        && (context.intent.trade.goes_back()
            || context.observation.apex_holder(context.environment)
                == Some(&context.intent.arrangement.production));
    let severity = if context.intent.changes_production() && !settles {
        context.severity(side)
    } else {
        Severity::Warning
    };
    let next = match (severity, other) {
        (Severity::Warning, Some(other)) => {
            format!("It will be set to `{}`, and leads to `{other}` no longer.", step.to)
        }
        (Severity::Error, _) => "Put one of the two expected values back, or waive the rule `permutation` to have the present one replaced.".to_owned(),
        (Severity::Warning, None) => format!("It will be set to `{}`; make sure that nobody needs the present value.", step.to),
    };
    Some(context.finding(
        Rule::Permutation,
        severity,
        Message::nothing_changed(
            match other {
                Some(other) => format!(
                    "The present value of the {} belongs to `{other}`, which has neither role in this plan: `{present}`.",
                    step.target
                ),
                None => format!(
                    "The present value of the {} belongs to neither side: `{present}`.",
                    step.target
                ),
            },
            format!("{}; expected one of {}", step.target, quoted(&allowed)),
            next,
        ),
    ))
}

fn quoted(values: &[String]) -> String {
    let mut values: Vec<String> = values.iter().map(|v| format!("`{v}`")).collect();
    values.dedup();
    values.join(", ")
}
