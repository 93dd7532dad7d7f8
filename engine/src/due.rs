//! What is due after a swap: the things that no record and no variable does by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    changes::Target,
    name::{InfrastructureName, Role},
    observation::environment_of,
    plan::Plan,
    topology::Topology,
};

/// Minutes after midnight UTC at which the hot standby's bastion restores its database.
const DATABASE_RESET: u64 = 10 * 60 + 5;
/// What Cloudflare serves for a record whose TTL is automatic, in seconds.
const AUTOMATIC_TTL: u32 = 300;

/// What is due after `plan` has been carried out at `now` (seconds since the epoch, UTC): one
/// sentence or two an item, the most urgent first. Empty when the plan does not change who is
/// production.
pub fn due(topology: &Topology, plan: &Plan, now: u64) -> Vec<String> {
    let Ok(environment) = environment_of(topology, &plan.intent.environment) else {
        return Vec::new();
    };
    let moved = moved_endpoints(plan);
    if moved.is_empty() || !plan.intent.changes_production {
        return Vec::new();
    }
    let pair = &plan.intent.arrangement;
    let mut due = Vec::new();
    if environment.data_sync {
        due.push(format!(
            "Run the data_sync playbook on both bastions now: a databaseReset job still present on `{}` drops production's database at its next run, {}.",
            pair.production,
            next_run(now)
        ));
    }
    for (side, keys) in changed_variables(plan) {
        let project = topology
            .infrastructures
            .get(side)
            .map_or("", |i| i.gitlab_project.as_str());
        due.push(format!(
            "Rebuild and deploy `{project}`: {} take effect when its images are built.",
            keys.join(", ")
        ));
    }
    if moved.contains("files") {
        due.push(
            "Run the files playbook on both sides: `remote_fileserver_hostname` takes effect then."
                .to_owned(),
        );
    }
    if topology.certificate_variable.is_some() {
        due.push(
            "See to the stored certificates of both projects: they follow a hostname, not a side."
                .to_owned(),
        );
    }
    let keys: Vec<&str> = ["bastion", "files"]
        .into_iter()
        .filter(|e| moved.contains(e))
        .collect();
    if !keys.is_empty() {
        due.push(format!(
            "Tell users that the SSH host keys behind {} change.",
            keys.join(" and ")
        ));
    }
    due.push(format!(
        "Keep `{}` serving: resolvers may use the old addresses until {} UTC.",
        pair.hot_standby,
        clock(now + u64::from(highest_ttl(plan)))
    ));
    due.push("Update the status table (`gigadb-roles status --write`).".to_owned());
    due
}

fn moved_endpoints(plan: &Plan) -> BTreeSet<&str> {
    plan.changes
        .steps()
        .filter_map(|step| match &step.target {
            Target::Record { hostname, .. } => plan.desired.hostnames.get(hostname),
            Target::Variable { .. } => None,
        })
        .filter(|name| name.role == Role::Production)
        .map(|name| name.endpoint.as_str())
        .collect()
}

fn changed_variables(plan: &Plan) -> BTreeMap<&InfrastructureName, Vec<String>> {
    let mut changed: BTreeMap<&InfrastructureName, Vec<String>> = BTreeMap::new();
    for step in plan.changes.steps() {
        if let Target::Variable {
            infrastructure,
            key,
            ..
        } = &step.target
        {
            changed
                .entry(infrastructure)
                .or_default()
                .push(format!("`{key}`"));
        }
    }
    changed
}

fn highest_ttl(plan: &Plan) -> u32 {
    plan.changes
        .steps()
        .filter_map(|step| match &step.target {
            Target::Record { hostname, .. } => plan.observation.names.get(hostname)?.single_a(),
            Target::Variable { .. } => None,
        })
        .map(|record| {
            if record.ttl <= 1 {
                AUTOMATIC_TTL
            } else {
                record.ttl
            }
        })
        .max()
        .unwrap_or(AUTOMATIC_TTL)
}

fn next_run(now: u64) -> String {
    let minute = now / 60 % (24 * 60);
    let day = if minute < DATABASE_RESET {
        "today"
    } else {
        "tomorrow"
    };
    format!("{day} at {} UTC", clock(DATABASE_RESET * 60))
}

/// Hours and minutes of a time given in seconds, rounded up to the minute.
fn clock(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60) % (24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::{clock, next_run};

    #[test]
    fn the_next_reset_is_named_by_day_and_time() {
        assert_eq!(next_run(9 * 3600), "today at 10:05 UTC");
        assert_eq!(next_run(10 * 3600 + 5 * 60), "tomorrow at 10:05 UTC");
        assert_eq!(
            next_run(86_400 * 20_000 + 23 * 3600),
            "tomorrow at 10:05 UTC"
        );
    }

    #[test]
    fn times_are_rounded_up_to_the_minute() {
        assert_eq!(clock(23 * 3600 + 59 * 60 + 1), "00:00");
        assert_eq!(clock(3600), "01:00");
    }
}
