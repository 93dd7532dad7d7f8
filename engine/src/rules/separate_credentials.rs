//! `separate-credentials`: the two sides' profiles rest on different AWS access keys, so that a
//! leaked key opens one side only.

use std::collections::BTreeSet;

use super::{Finding, Rule, Severity};
use crate::{
    intent::{Arrangement, Intent, Mode},
    message::Message,
    name::InfrastructureName,
    plan::Plan,
    topology::Topology,
};

/// Which infrastructures share an AWS access key. The keys themselves, even their ids, stay where
/// they were compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharedKeys(BTreeSet<(InfrastructureName, InfrastructureName)>);

impl SharedKeys {
    /// Compares the access key ids of infrastructures. One whose key is not known is left out:
    /// `known-address` says what is wrong with its profile.
    pub fn among<K: PartialEq>(keys: &[(InfrastructureName, K)]) -> Self {
        let pairs = keys.iter().enumerate().flat_map(|(index, (a, key))| {
            keys.iter()
                .skip(index + 1)
                .filter(move |(_, other)| key == other)
                .map(move |(b, _)| (a.clone(), b.clone()))
        });
        Self(pairs.collect())
    }

    fn hold(&self, a: &InfrastructureName, b: &InfrastructureName) -> bool {
        let pair = |a: &InfrastructureName, b: &InfrastructureName| (a.clone(), b.clone());
        self.0.contains(&pair(a, b)) || self.0.contains(&pair(b, a))
    }
}

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
        "Create a key of its own for each profile in the IAM console, and put it into `~/.aws/credentials`.",
    ))
}

impl Plan {
    /// Takes in what is known of the sides' access keys. Like every rule, this one says nothing
    /// where there is nothing to change.
    pub fn judge_keys(&mut self, topology: &Topology, shared: &SharedKeys) {
        if self.is_empty() {
            return;
        }
        self.findings.extend(check(topology, &self.intent, shared));
        self.findings
            .sort_by(|a, b| (a.rule, &a.message).cmp(&(b.rule, &b.message)));
    }
}

#[cfg(test)]
mod tests {
    use super::{InfrastructureName, SharedKeys};

    #[test]
    fn keys_are_compared_in_pairs() {
        let side = |name: &str| name.parse::<InfrastructureName>().unwrap();
        let (a, b, c) = (side("a"), side("b"), side("c"));
        let shared = SharedKeys::among(&[(a.clone(), 1), (b.clone(), 2), (c.clone(), 1)]);
        assert!(shared.hold(&a, &c) && shared.hold(&c, &a));
        assert!(!shared.hold(&a, &b) && !shared.hold(&b, &c));
    }
}
