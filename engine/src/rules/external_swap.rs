//! `external-swap`: roles that were traded elsewhere are never silently traded back.

use super::context::Context;
use crate::finding::{Finding, Rule, Severity};
use crate::message::Message;

pub(super) fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.intent.changes_production() {
        return Vec::new();
    }
    let wanted = &context.intent.arrangement.production;
    let holder = context.observation.apex_holder(context.environment);
    let apex = context.observation.apex(context.environment);
    let (Some(holder), Some(apex)) = (holder, apex) else {
        return Vec::new();
    };
    if holder == wanted {
        return Vec::new();
    }
    let message = Message::nothing_changed(
        format!(
            "Roles were traded outside Terraform, or by an apply that failed: `{apex}` belongs to `{holder}`, while the configuration says `{wanted}`."
        ),
        format!(
            "apex `{apex}` of environment `{}`",
            context.intent.environment
        ),
        format!(
            "Set `production = \"{holder}\"` to accept the trade, or `on_external_swap = \"revert\"` to plan the way back, or `on_external_swap = \"keep\"` to leave this environment alone."
        ),
    );
    vec![context.finding(Rule::ExternalSwap, Severity::Error, message)]
}
