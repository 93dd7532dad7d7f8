//! The rules that keep a swap safe. Each has a name, which findings, overrides and docs use.

mod context;
pub(crate) mod external_swap;
pub mod https_ready;
pub mod known_address;
pub(crate) mod never_unresolvable;
pub mod one_swap_at_a_time;
pub(crate) mod permutation;
pub mod separate_credentials;
pub mod single_a_record;
pub mod unchanged_since_plan;
pub mod variables_visible;

pub(crate) use self::context::Context;
pub use crate::finding::{Finding, Rule, Severity, UnknownRule};
use crate::{intent::Intent, message::Message};

/// Judges a plan by every rule. With an empty change set only what refuses to be read is
/// reported, so that a stopped standby never blocks unrelated work.
pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = known_address::unread(context);
    findings.extend(single_a_record::unread(context));
    findings.extend(variables_visible::unread(context));
    if !context.changes.is_empty() {
        findings.extend(single_a_record::check(context));
        findings.extend(known_address::check(context));
        findings.extend(permutation::check(context));
        findings.extend(external_swap::check(context));
        findings.extend(never_unresolvable::check(context));
        findings.extend(variables_visible::check(context));
        findings.extend(separate_credentials::check(
            context.topology,
            context.intent,
            &context.evidence.keys,
        ));
    }
    findings.sort_by(|a, b| (a.rule, &a.message).cmp(&(b.rule, &b.message)));
    findings.dedup();
    findings
}

/// What is planned again, from a saved plan or a journal, names an environment that the topology
/// does not have, or has no more. A fresh plan is refused before it comes here.
pub(crate) fn unknown_environment(intent: &Intent) -> Finding {
    Finding {
        rule: Rule::UnchangedSincePlan,
        severity: Severity::Error,
        message: Message::nothing_changed(
            format!("The topology has no environment `{}`.", intent.environment),
            format!("environment `{}`", intent.environment),
            "Name an environment of the topology.",
        ),
        waived: false,
    }
}
