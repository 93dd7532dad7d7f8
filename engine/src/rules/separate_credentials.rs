//! `separate-credentials`: the two sides' profiles rest on different AWS access keys, so that a
//! leaked key opens one side only.

use crate::{
    evidence::SharedKeys,
    finding::{Finding, Rule, Severity},
    intent::{Intent, Mode},
    message::Message,
    name::InfrastructureName,
    pair::Arrangement,
    topology::Topology,
};

/// Judges the two sides of an intent. A shared key never holds a failover up.
pub fn check(topology: &Topology, intent: &Intent, shared: &SharedKeys) -> Option<Finding> {
    Some(Finding {
        rule: Rule::SeparateCredentials,
        severity: match intent.mode {
            Mode::Switchover => Severity::Error,
            Mode::Failover => Severity::Warning,
        },
        message: message(topology, &intent.arrangement, shared)?,
        waived: intent.overrides.contains(&Rule::SeparateCredentials),
    })
}

/// The message where both sides have one key, whoever holds which role.
pub fn message(topology: &Topology, pair: &Arrangement, shared: &SharedKeys) -> Option<Message> {
    if !shared.hold(&pair.production, &pair.hot_standby) {
        return None;
    }
    let profile = |side: &InfrastructureName| {
        let known = topology.infrastructures.get(side);
        known.map_or_else(String::new, |side| side.aws.profile.clone())
    };
    Some(Message::nothing_changed(
        "Both sides use one AWS access key.",
        format!(
            "infrastructures `{}` (profile `{}`) and `{}` (profile `{}`)",
            pair.production,
            profile(&pair.production),
            pair.hot_standby,
            profile(&pair.hot_standby)
        ),
        format!(
            "Create a key of its own for each profile in the IAM console, and put it into {}.",
            shared.files()
        ),
    ))
}
