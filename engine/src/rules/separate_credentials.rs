//! `separate-credentials`: the two sides' AWS access keys differ. A key shared by both would lose
//! both at once, and may mean that both profiles lead to one account.

use std::collections::BTreeMap;

use super::{Finding, Rule, Severity};
use crate::{
    intent::{Arrangement, Intent},
    message::Message,
    name::InfrastructureName,
};

/// Compares the access key ids that the two sides' profiles resolve to. A side whose key is not
/// known (its profile is broken) is judged by `known-address`, not here.
pub fn check(
    intent: &Intent,
    access_key_ids: &BTreeMap<InfrastructureName, String>,
) -> Option<Finding> {
    let message = shared(&intent.arrangement, access_key_ids)?;
    Some(Finding {
        rule: Rule::SeparateCredentials,
        severity: Severity::Error,
        message,
        waived: intent.overrides.contains(&Rule::SeparateCredentials),
    })
}

/// The message where both sides have one key, whoever holds which role.
pub fn shared(
    pair: &Arrangement,
    access_key_ids: &BTreeMap<InfrastructureName, String>,
) -> Option<Message> {
    let (a, b) = (
        access_key_ids.get(&pair.production)?,
        access_key_ids.get(&pair.hot_standby)?,
    );
    (a == b).then(|| {
        Message::nothing_changed(
            "Both sides use one AWS access key.",
            format!("infrastructures `{}` and `{}`", pair.production, pair.hot_standby),
            "Create a key of its own for each profile in the IAM console, and put it into `~/.aws/credentials`.",
        )
    })
}
