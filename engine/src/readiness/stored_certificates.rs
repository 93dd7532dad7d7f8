//! `https-ready`, of what is stored: each side's certificate in GitLab covers the names that the
//! side will publish after the swap, and does not end soon. The next rebuild installs it.

use super::probes;
use crate::{
    finding::{Finding, Rule, Severity},
    intent::Mode,
    message::Message,
    name::{InfrastructureName, Role, VariableKey},
    observation::environment_of,
    plan::Plan,
    rules::https_ready::{HttpsCheck, HttpsMode},
    topology::Topology,
    world::StoredCertificate,
};

const SECONDS_A_DAY: i64 = 86_400;

/// Judges the stored certificates of both sides (in a failover, of the promoted one) for a plan
/// that moves production's names, at `now` (seconds since the epoch, UTC). Every finding is a
/// warning.
pub fn check(topology: &Topology, plan: &Plan, check: &HttpsCheck, now: i64) -> Vec<Finding> {
    let Some(key) = &topology.certificate_variable else {
        return Vec::new();
    };
    if check.mode == HttpsMode::Off || probes(topology, plan).is_empty() {
        return Vec::new();
    }
    let intent = &plan.intent;
    [Role::Production, Role::HotStandby]
        .into_iter()
        .filter(|role| intent.mode == Mode::Switchover || *role == Role::Production)
        .filter_map(|role| {
            let side = intent.arrangement.get(role);
            let stored = plan.observation.certificates.get(side)?;
            let names = names_after(topology, plan, role);
            let fault = fault(stored, &names, i64::from(check.min_days), now)?;
            Some(finding(topology, plan, key, side, &fault))
        })
        .collect()
}

/// The HTTPS names that the holder of `role` publishes after the swap.
fn names_after(topology: &Topology, plan: &Plan, role: Role) -> Vec<String> {
    let Ok(environment) = environment_of(topology, &plan.intent.environment) else {
        return Vec::new();
    };
    let https =
        topology.https_endpoints(&plan.intent.environment, plan.observation.apex(environment));
    plan.desired
        .hostnames
        .iter()
        .filter(|(_, name)| name.role == role && https.contains(&name.endpoint))
        .map(|(hostname, _)| hostname.to_string())
        .collect()
}

fn fault(stored: &StoredCertificate, after: &[String], min_days: i64, now: i64) -> Option<String> {
    let (names, not_after) = match stored {
        StoredCertificate::Parsed { names, not_after } => (names, *not_after),
        StoredCertificate::Unreadable(why) => return Some(format!("cannot be read: {why}")),
        StoredCertificate::Missing => return Some("is not there".to_owned()),
    };
    let uncovered: Vec<String> = after
        .iter()
        .filter(|name| !names.iter().any(|pattern| covers(pattern, name)))
        .map(|name| format!("`{name}`"))
        .collect();
    let days = (not_after - now).div_euclid(SECONDS_A_DAY);
    let mut faults = Vec::new();
    if !uncovered.is_empty() {
        let present = if names.is_empty() {
            "no name".to_owned()
        } else {
            names.join(", ")
        };
        faults.push(format!(
            "does not cover {} (it is for {present})",
            uncovered.join(", ")
        ));
    }
    if not_after <= now {
        faults.push("has expired".to_owned());
    } else if days < min_days {
        let s = if days == 1 { "" } else { "s" };
        faults.push(format!(
            "ends in {days} day{s}, and {min_days} are asked for"
        ));
    }
    (!faults.is_empty()).then(|| faults.join(" and "))
}

/// Whether a certificate's name covers a hostname: literally, or with `*.` for its first label.
fn covers(pattern: &str, hostname: &str) -> bool {
    if let Some(domain) = pattern.strip_prefix("*.") {
        return hostname
            .split_once('.')
            .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain));
    }
    pattern.eq_ignore_ascii_case(hostname)
}

fn finding(
    topology: &Topology,
    plan: &Plan,
    key: &VariableKey,
    side: &InfrastructureName,
    fault: &str,
) -> Finding {
    let environment = &plan.intent.environment;
    Finding {
        rule: Rule::HttpsReady,
        severity: Severity::Warning,
        message: Message::nothing_changed(
            format!("After the swap, the certificate stored for `{side}` {fault}."),
            topology.variable_place(side, key, environment),
            "Store a certificate for the names that this side will have, before its next rebuild.",
        ),
        waived: plan.intent.overrides.contains(&Rule::HttpsReady),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_certificate_is_judged_by_names_and_life_left() {
        const NOW: i64 = 1_800_000_000;
        let stored = |names: &[&str], days: i64| StoredCertificate::Parsed {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            not_after: NOW + days * SECONDS_A_DAY,
        };
        let after = ["gigadb.org".to_owned(), "portainer.gigadb.org".to_owned()];
        for (stored, said) in [
            (stored(&["gigadb.org", "*.gigadb.org"], 90), None),
            (stored(&["GigaDB.org", "portainer.gigadb.org"], 14), None),
            (
                stored(&["*.gigadb.org"], 90),
                Some("does not cover `gigadb.org` (it is for *.gigadb.org)"),
            ),
            (
                stored(&["gigadb.org", "*.org"], 90),
                Some("does not cover `portainer.gigadb.org` (it is for gigadb.org, *.org)"),
            ),
            (
                stored(&["gigadb.org", "*.gigadb.org"], 1),
                Some("ends in 1 day, and 14 are asked for"),
            ),
            (
                stored(&[], -2),
                Some(
                    "does not cover `gigadb.org`, `portainer.gigadb.org` (it is for no name) and has expired",
                ),
            ),
            (
                StoredCertificate::Unreadable("it is hidden".into()),
                Some("cannot be read: it is hidden"),
            ),
            (StoredCertificate::Missing, Some("is not there")),
        ] {
            assert_eq!(fault(&stored, &after, 14, NOW).as_deref(), said);
        }
    }
}
