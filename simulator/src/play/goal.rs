//! When the world is right again, and how long that took.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use gigadb_simulator::World;
use gigadb_simulator::world::{ALT_PROJECT, PROJECT, REGION_ALT, REGION_UPSTREAM, sop_address};

use super::drill::{Moment, Script};
use super::{Stage, say};

const ENVIRONMENT: &str = "live";
const ENDPOINTS: [&str; 3] = ["web", "bastion", "files"];
/// The variables that follow the role.
const KEYS: [&str; 4] = [
    "HOME_URL",
    "REMOTE_HOME_URL",
    "REMOTE_HOSTNAME",
    "remote_fileserver_hostname",
];

/// The world with the roles of live traded: the end of every drill.
fn traded(world: &World) -> World {
    let mut world = world.clone();
    let pairs: Vec<(String, String)> = ENDPOINTS
        .iter()
        .map(|endpoint| {
            let of = |region| on_loopback(&sop_address(region, ENVIRONMENT, endpoint));
            (of(REGION_UPSTREAM), of(REGION_ALT))
        })
        .collect();
    let zones = world.cloudflare.zones.iter_mut();
    for record in zones.flat_map(|zone| zone.records.iter_mut()) {
        for (one, other) in &pairs {
            if record.content == *one {
                record.content.clone_from(other);
                break;
            } else if record.content == *other {
                record.content.clone_from(one);
                break;
            }
        }
    }
    for key in KEYS {
        let of = |path: &str| {
            let project = world.gitlab.project(path)?;
            Some(project.variable(key, ENVIRONMENT)?.value.clone())
        };
        let (one, other) = (of(PROJECT), of(ALT_PROJECT));
        for (path, value) in [(PROJECT, other), (ALT_PROJECT, one)] {
            let project = world.gitlab.project_mut(path);
            let row = project.and_then(|project| project.variable_mut(key, ENVIRONMENT));
            if let (Some(row), Some(value)) = (row, value) {
                row.value = value;
            }
        }
    }
    world
}

fn on_loopback(address: &str) -> String {
    address
        .split_once('.')
        .map_or_else(String::new, |(_, rest)| format!("127.{rest}"))
}

/// What is not as it should be, in words.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    names: Vec<String>,
    variables: Vec<String>,
    held: Vec<String>,
}

fn wrong(world: &World, goal: &World) -> Wrong {
    let (now, then) = (world.cloudflare.a_records(), goal.cloudflare.a_records());
    let names = then
        .iter()
        .filter(|record| !now.contains(record))
        .map(|(name, address)| format!("{name} does not lead to {address}"))
        .collect();
    let mut variables = Vec::new();
    let mut held = Vec::new();
    for project in &world.gitlab.projects {
        for key in KEYS {
            let value = |world: &World| {
                let project = world.gitlab.project(&project.path)?;
                Some(project.variable(key, ENVIRONMENT)?.value.clone())
            };
            let (now, then) = (value(world), value(goal));
            if now != then {
                let then = then.unwrap_or_default();
                variables.push(format!("{key} of {} is not {then}", project.path));
            }
        }
        for (name, state) in &project.terraform_states {
            if let Some(lock) = &state.lock {
                held.push(format!("{name} is still held by {}", lock.username));
            }
        }
    }
    Wrong {
        names,
        variables,
        held,
    }
}

/// Measures from the moment the misfortune is there.
pub(super) struct Watch<'a> {
    goal: World,
    script: &'a Script,
    began: Instant,
    names: Option<Duration>,
    all: Option<Duration>,
    refused: Option<Instant>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(before: &World, script: &'a Script) -> Self {
        Self {
            goal: traded(before),
            script,
            began: Instant::now(),
            names: None,
            all: None,
            refused: None,
        }
    }

    pub(super) fn is_right(&self) -> bool {
        self.all.is_some()
    }

    /// Looks at the world, says what has become right, and lets happen what the script has for that moment.
    pub(super) fn look(&mut self, stage: &Stage, now: Instant) {
        let wrong = wrong(&stage.simulator.world(), &self.goal);
        let since = now.duration_since(self.began);
        if self.names.is_none() && wrong.names.is_empty() {
            self.names = Some(since);
            say(&format!(
                "\n[drill] Every name is right after {}.",
                span(since)
            ));
            self.script.happen(Moment::NamesRight, stage);
        }
        let right = wrong.names.is_empty() && wrong.variables.is_empty() && wrong.held.is_empty();
        if right && self.all.is_none() {
            self.all = Some(since);
            say(&format!(
                "\n[drill] The world is right again after {}. `exit` ends the drill.",
                span(since)
            ));
        } else if !right && self.all.take().is_some() {
            say("\n[drill] The world is not right any more.");
        }
        if self.script.waits_for_refusal && self.refused.is_none() {
            let refused = stage.simulator.requests().iter().any(|request| {
                request.path.contains("/terraform/state/") && request.status == Some(409)
            });
            self.refused = refused.then_some(now);
        }
        if self
            .refused
            .is_some_and(|at| now.duration_since(at) > super::drill::COLLEAGUE_TAKES)
        {
            self.script.happen(Moment::ColleagueEnds(&self.goal), stage);
        }
    }

    /// The closing account.
    pub(super) fn account(&self, stage: &Stage) -> String {
        let told = |time: Option<Duration>| time.map_or_else(|| "not yet".to_owned(), span);
        let writes = stage.simulator.requests();
        let writes = writes.iter().filter(|request| request.is_write()).count();
        let mut text = format!(
            "[drill] {}\n  every name right   {}\n  all right          {}\n  writes sent        {writes}",
            self.script.name,
            told(self.names),
            told(self.all),
        );
        if !self.is_right() {
            let wrong = wrong(&stage.simulator.world(), &self.goal);
            for line in [wrong.names, wrong.variables, wrong.held].concat() {
                let _ = write!(text, "\n  still wrong: {line}");
            }
        }
        text
    }

    /// The world that is right.
    #[cfg(test)]
    fn goal(&self) -> &World {
        &self.goal
    }
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::drill::Drill;

    #[test]
    fn the_goal_is_another_world_and_trading_twice_is_none() {
        let world = World::sop().on_loopback();
        let script = Drill::RegionDown.script();
        let watch = Watch::new(&world, &script);
        let missing = wrong(&world, watch.goal());
        assert_eq!((missing.names.len(), missing.variables.len()), (8, 8));
        assert_eq!(traded(watch.goal()), world);
        let none = wrong(watch.goal(), watch.goal());
        assert_eq!(none.names.len() + none.variables.len() + none.held.len(), 0);
    }
}
