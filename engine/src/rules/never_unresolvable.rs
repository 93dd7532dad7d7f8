//! `never-unresolvable`: after every prefix of the transactions each hostname has exactly one
//! address, one of the two sides' (a foreign one only until its own step).
//!
//! Steps never delete, and a zone's records change in one batch; what is left to refuse is a
//! batch that would have to be split.

use super::context::Context;
use crate::finding::{Finding, Rule, Severity};
use crate::{changes::Boundary, message::Message};

pub(super) fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .changes
        .transactions()
        .filter_map(|transaction| {
            let Boundary::ZoneBatch { zone, .. } = &transaction.boundary else { return None };
            let count = transaction.steps.len();
            (count > zone.batch_limit).then(|| {
                context.finding(
                    Rule::NeverUnresolvable,
                    Severity::Error,
                    Message::nothing_changed(
                        format!(
                            "{count} records of zone `{}` must change at once, and a batch holds {}.",
                            zone.name, zone.batch_limit
                        ),
                        format!("zone `{}`", zone.name),
                        "Move the zone to a plan with a larger batch limit, or manage fewer hostnames of it in one environment.",
                    ),
                )
            })
        })
        .collect()
}
