//! What is due afterwards: the things that no record and no variable does by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    changes::Target,
    intent::{Mode, Pair},
    name::Role,
    object::Object,
    observation::environment_of,
    plan::Plan,
    topology::Topology,
    world::{AUTOMATIC_TTL, Record},
};

/// Minutes after midnight UTC at which the hot standby's bastion restores its database.
const DATABASE_RESET: u64 = 10 * 60 + 5;
const DAY: u64 = 24 * 60 * 60;

/// What is known of a change of roles, for saying what it leaves to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swapped<'a> {
    /// Who has which role afterwards.
    pub sides: Pair<Side<'a>>,
    /// Whether production moves; else variables alone are written.
    pub moves: bool,
    /// A failover leaves the jobs of the hot standby as they were.
    pub mode: Mode,
    /// Whether the hot standby is lost, so that it can be set up only later.
    pub lost: bool,
    /// Whether data is synchronized from production to the hot standby.
    pub data_sync: bool,
    /// The variable that holds a side's certificate, where the topology names it.
    pub certificate_variable: Option<&'a str>,
    /// Production's hostnames that move, by endpoint.
    pub hostnames: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// The endpoints that answer SSH.
    pub ssh: BTreeSet<&'a str>,
    /// Keys of variables that take effect when a playbook runs.
    pub playbooks: BTreeSet<&'a str>,
    /// Seconds since the epoch (UTC) and the highest TTL in seconds; `None` where it is not known
    /// when the swap will be.
    pub at: Option<(u64, u32)>,
}

/// One side, and what changes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side<'a> {
    /// The infrastructure.
    pub name: &'a str,
    /// Its GitLab project.
    pub project: &'a str,
    /// Keys of its variables that change.
    pub variables: Vec<&'a str>,
    /// Keys of its variables that should and do not: they are owed.
    pub owed: BTreeSet<&'a str>,
}

/// What is due after `plan` has been carried out at `now` (seconds since the epoch, UTC): one
/// sentence or two an item, the most urgent first. Where production stays, that is to rebuild
/// what has other variables.
pub fn due(topology: &Topology, plan: &Plan, now: u64) -> Vec<String> {
    let Ok(environment) = environment_of(topology, &plan.intent.environment) else {
        return Vec::new();
    };
    let pair = &plan.intent.arrangement;
    let side = |role| {
        let name = pair.get(role);
        let project = topology.infrastructures.get(name);
        Side {
            name: name.as_str(),
            project: project.map_or("", |side| side.gitlab_project.as_str()),
            variables: changed_variables(plan, name.as_str()),
            owed: owed_variables(plan, name.as_str()),
        }
    };
    let hostnames = moved_hostnames(plan);
    Swapped {
        sides: Pair {
            production: side(Role::Production),
            hot_standby: side(Role::HotStandby),
        },
        moves: plan.intent.changes_production() && !hostnames.is_empty(),
        mode: plan.intent.mode,
        lost: plan.intent.mode == Mode::Failover && !plan.both_sides_are_well(),
        data_sync: environment.data_sync,
        certificate_variable: topology
            .certificate_variable
            .as_ref()
            .map(|key| key.as_str()),
        hostnames,
        ssh: topology
            .ssh_endpoints()
            .iter()
            .map(|e| e.as_str())
            .collect(),
        playbooks: topology
            .read_by_playbooks(&plan.intent.environment)
            .iter()
            .map(|key| key.as_str())
            .collect(),
        at: Some((now, highest_ttl(plan))),
    }
    .due()
}

impl Swapped<'_> {
    /// What is due, the most urgent first.
    pub fn due(&self) -> Vec<String> {
        let mut due = Vec::new();
        due.extend(self.jobs());
        due.extend(self.rebuilds());
        due.extend(self.playbooks());
        if !self.moves {
            return due;
        }
        due.push(match self.certificate_variable {
            Some(key) => format!(
                "Check the certificates stored in `{key}` of both projects: a certificate follows a hostname, not a side."
            ),
            None => "Check the certificates of both sides, and what GitLab stores of them: a certificate follows a hostname, not a side.".to_owned(),
        });
        due.extend(self.host_keys());
        due.push(self.resolvers());
        due.push("Update the status table (`gigadb-roles status --write`).".to_owned());
        due
    }

    fn jobs(&self) -> Option<String> {
        let Pair {
            production,
            hot_standby,
        } = &self.sides;
        let settles = self.mode == Mode::Failover && !hot_standby.variables.is_empty();
        if !self.data_sync || !(self.moves || settles) {
            return None;
        }
        if !self.moves {
            return Some(format!(
                "Run the data_sync playbook on the bastion of `{}`: its jobs are still those of production.",
                hot_standby.name
            ));
        }
        let run = self.at.map_or_else(
            || format!("at {} UTC", clock(DATABASE_RESET * 60)),
            |(now, _)| next_run(now),
        );
        let bastions = if self.lost {
            format!(
                "on the bastion of `{}` now (with `--limit`: a host that cannot be reached stops the play), and on that of `{}` as soon as it can be reached",
                production.name, hot_standby.name
            )
        } else {
            "on both bastions now".to_owned()
        };
        Some(format!(
            "Run the data_sync playbook {bastions}: a databaseReset job still present on `{}` drops production's database at its next run, {run}, and a sync_dropboxes under way there may write over production's files.",
            production.name
        ))
    }

    /// The promoted side first.
    fn rebuilds(&self) -> impl Iterator<Item = String> {
        self.sides.iter().filter_map(|(role, side)| {
            let late = self.lost && role == Role::HotStandby;
            let keys: Vec<String> = side
                .variables
                .iter()
                .filter(|key| !self.playbooks.contains(*key))
                .map(|key| format!("`{key}`"))
                .collect();
            if role == Role::Production && !side.owed.is_empty() {
                let playbook = match self.owed_playbooks(side).as_slice() {
                    [] => String::new(),
                    keys => format!(", and run what reads {} there", keys.join(", ")),
                };
                return Some(format!(
                    "When the variables of `{}` can be written again, write what is owed, then rebuild and deploy `{}`{playbook}.",
                    side.name, side.project
                ));
            }
            if keys.is_empty() {
                return (late && self.moves).then(|| {
                    format!(
                        "When `{}` can be reached again, write what is owed, then rebuild and deploy `{}`.",
                        side.name, side.project
                    )
                });
            }
            let begin = if late {
                format!("When `{}` can be reached again, rebuild", side.name)
            } else {
                "Rebuild".to_owned()
            };
            let take = if keys.len() == 1 { "takes" } else { "take" };
            Some(format!(
                "{begin} and deploy `{}`: {} {take} effect when its images are built.",
                side.project,
                keys.join(", ")
            ))
        })
    }

    /// The playbooks that read what changes. Where production moves, both sides' values change,
    /// whether or not they could be read.
    fn playbooks(&self) -> Option<String> {
        let read = |key: &&str| self.playbooks.contains(key);
        let changed = |side: &Side<'_>| side.variables.iter().any(read);
        let moved = self.moves && !self.playbooks.is_empty();
        let Pair {
            production,
            hot_standby,
        } = &self.sides;
        // What is owed is no new value yet.
        let owed = self
            .playbooks
            .iter()
            .all(|key| production.owed.contains(key));
        let here = format!("on `{}`", production.name);
        let there = format!("on `{}`", hot_standby.name);
        let which = match (
            (moved && !owed) || changed(production),
            moved || changed(hot_standby),
        ) {
            (false, false) => return None,
            (true, true) if self.lost => {
                format!("{here} now, and {there} as soon as it can be reached")
            }
            (true, true) => "on both sides".to_owned(),
            (true, false) => here,
            (false, true) if self.lost && self.moves => {
                format!("{there} as soon as it can be reached")
            }
            (false, true) => there,
        };
        let keys: Vec<String> = self.playbooks.iter().map(|k| format!("`{k}`")).collect();
        let (playbook, it) = match keys.len() {
            1 => ("playbook that reads", "its new value takes"),
            _ => ("playbooks that read", "their new values take"),
        };
        Some(format!(
            "Run the {playbook} {} {which}: {it} effect then.",
            keys.join(", ")
        ))
    }

    /// Those of a side's owed variables that playbooks read.
    fn owed_playbooks(&self, side: &Side<'_>) -> Vec<String> {
        let read = side.owed.iter().filter(|key| self.playbooks.contains(*key));
        read.map(|key| format!("`{key}`")).collect()
    }

    fn host_keys(&self) -> Option<String> {
        let names: Vec<String> = self
            .ssh
            .iter()
            .filter_map(|endpoint| self.hostnames.get(*endpoint))
            .flatten()
            .map(|name| format!("`{name}`"))
            .collect();
        match names.as_slice() {
            [] => None,
            [name] => Some(format!(
                "Tell users that the SSH host key of {name} changes."
            )),
            [first @ .., last] => Some(format!(
                "Tell users that the SSH host keys of {} and {last} change.",
                first.join(", ")
            )),
        }
    }

    fn resolvers(&self) -> String {
        let until = self.at.map_or_else(
            || "for as long as the records' TTL".to_owned(),
            |(now, ttl)| format!("until {}", moment(now, now + u64::from(ttl))),
        );
        let former = self.sides.hot_standby.name;
        if self.lost {
            format!(
                "Resolvers may use the old addresses {until}: some users are sent to `{former}`, which is lost, and see errors meanwhile."
            )
        } else {
            format!("Keep `{former}` serving: resolvers may use the old addresses {until}.")
        }
    }
}

fn moved_hostnames(plan: &Plan) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut moved: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for step in plan.changes.steps() {
        let Target::Record { hostname, .. } = &step.target else {
            continue;
        };
        let name = plan.desired.hostnames.get(hostname);
        if let Some(name) = name.filter(|name| name.role == Role::Production) {
            let names = moved.entry(name.endpoint.as_str()).or_default();
            names.insert(hostname.as_str());
        }
    }
    moved
}

fn changed_variables<'a>(plan: &'a Plan, side: &str) -> Vec<&'a str> {
    let keys = plan.changes.steps().filter_map(|step| match &step.target {
        Target::Variable {
            infrastructure,
            key,
            ..
        } if infrastructure.as_str() == side => Some(key.as_str()),
        Target::Variable { .. } | Target::Record { .. } => None,
    });
    keys.collect()
}

fn owed_variables<'a>(plan: &'a Plan, side: &str) -> BTreeSet<&'a str> {
    let keys = plan.owed.iter().filter_map(|owed| match &owed.object {
        Object::Variable(of, key) if of.as_str() == side => Some(key.as_str()),
        _ => None,
    });
    keys.collect()
}

fn highest_ttl(plan: &Plan) -> u32 {
    plan.changes
        .steps()
        .filter_map(|step| match &step.target {
            Target::Record { hostname, .. } => plan.observation.names.get(hostname)?.single_a(),
            Target::Variable { .. } => None,
        })
        .map(Record::served_ttl)
        .max()
        .unwrap_or(AUTOMATIC_TTL)
}

fn next_run(now: u64) -> String {
    let today = now / DAY * DAY + DATABASE_RESET * 60;
    if now < today {
        format!("today at {} UTC", clock(today))
    } else {
        format!("tomorrow at {} UTC", clock(today))
    }
}

/// A time, as it is said at the time `now`: rounded up to the minute.
fn moment(now: u64, then: u64) -> String {
    match (then.div_ceil(60) * 60 / DAY).saturating_sub(now / DAY) {
        0 => format!("{} UTC", clock(then)),
        1 => format!("{} UTC tomorrow", clock(then)),
        days => format!("{} UTC in {days} days", clock(then)),
    }
}

/// Hours and minutes of a time given in seconds, rounded up to the minute.
fn clock(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60) % (DAY / 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::{clock, moment, next_run};

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

    #[test]
    fn a_time_after_midnight_is_said_to_be_tomorrows() {
        let late = 23 * 3600 + 58 * 60;
        assert_eq!(moment(late, late + 60), "23:59 UTC");
        assert_eq!(moment(late, late + 61), "00:00 UTC tomorrow");
        assert_eq!(moment(late, late + 86_400), "23:58 UTC tomorrow");
        assert_eq!(moment(late, late + 2 * 86_400), "23:58 UTC in 2 days");
    }
}
