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

/// What is known of a swap, for saying what it leaves to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swapped<'a> {
    /// The new production.
    pub production: &'a str,
    /// The new hot standby.
    pub hot_standby: &'a str,
    /// Whether data is synchronized from production to the hot standby.
    pub data_sync: bool,
    /// Whether the topology names the variable that holds a certificate.
    pub certificates: bool,
    /// Endpoints whose production hostnames move.
    pub endpoints: BTreeSet<&'a str>,
    /// Keys of the variables that change, by GitLab project.
    pub variables: BTreeMap<&'a str, Vec<&'a str>>,
    /// Seconds since the epoch (UTC) and the highest TTL in seconds; `None` where it is not known
    /// when the swap will be.
    pub at: Option<(u64, u32)>,
}

/// What is due after `plan` has been carried out at `now` (seconds since the epoch, UTC): one
/// sentence or two an item, the most urgent first. Empty when the plan does not change who is
/// production.
pub fn due(topology: &Topology, plan: &Plan, now: u64) -> Vec<String> {
    let Ok(environment) = environment_of(topology, &plan.intent.environment) else {
        return Vec::new();
    };
    let endpoints = moved_endpoints(plan);
    if endpoints.is_empty() || !plan.intent.changes_production {
        return Vec::new();
    }
    let pair = &plan.intent.arrangement;
    let variables = changed_variables(plan).into_iter().map(|(side, keys)| {
        let project = topology
            .infrastructures
            .get(side)
            .map_or("", |i| i.gitlab_project.as_str());
        (project, keys)
    });
    Swapped {
        production: pair.production.as_str(),
        hot_standby: pair.hot_standby.as_str(),
        data_sync: environment.data_sync,
        certificates: topology.certificate_variable.is_some(),
        endpoints,
        variables: variables.collect(),
        at: Some((now, highest_ttl(plan))),
    }
    .due()
}

impl Swapped<'_> {
    /// What is due, the most urgent first.
    pub fn due(&self) -> Vec<String> {
        let mut due = Vec::new();
        if self.data_sync {
            let run = self.at.map_or_else(
                || format!("at {} UTC", clock(DATABASE_RESET * 60)),
                |(now, _)| next_run(now),
            );
            due.push(format!(
                "Run the data_sync playbook on both bastions now: a databaseReset job still present on `{}` drops production's database at its next run, {run}.",
                self.production,
            ));
        }
        for (project, keys) in &self.variables {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            due.push(format!(
                "Rebuild and deploy `{project}`: {} take effect when its images are built.",
                keys.join(", ")
            ));
        }
        if self.endpoints.contains("files") {
            due.push(
                "Run the files playbook on both sides: `remote_fileserver_hostname` takes effect then."
                    .to_owned(),
            );
        }
        if self.certificates {
            due.push(
                "See to the stored certificates of both projects: they follow a hostname, not a side."
                    .to_owned(),
            );
        }
        let keys: Vec<&str> = ["bastion", "files"]
            .into_iter()
            .filter(|endpoint| self.endpoints.contains(endpoint))
            .collect();
        if !keys.is_empty() {
            due.push(format!(
                "Tell users that the SSH host keys behind {} change.",
                keys.join(" and ")
            ));
        }
        let until = self.at.map_or_else(
            || "for as long as the records' TTL".to_owned(),
            |(now, ttl)| format!("until {} UTC", clock(now + u64::from(ttl))),
        );
        due.push(format!(
            "Keep `{}` serving: resolvers may use the old addresses {until}.",
            self.hot_standby,
        ));
        due.push("Update the status table (`gigadb-roles status --write`).".to_owned());
        due
    }
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

fn changed_variables(plan: &Plan) -> BTreeMap<&InfrastructureName, Vec<&str>> {
    let mut changed: BTreeMap<&InfrastructureName, Vec<&str>> = BTreeMap::new();
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
                .push(key.as_str());
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
