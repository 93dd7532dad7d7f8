//! The helper's door: the program itself, on a stage's world, and what must hold after it.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use gigadb_simulator::World;
use gigadb_tests::{
    objects::{Objects, held, table},
    procedure::Side,
    programs,
};
use serde_json::Value;
use tokio::process::Command;

use crate::{
    judge,
    stage::{Policy, Stage},
};

/// What is said of each object: its key, and the word for how it ended.
pub(crate) type Said = BTreeMap<String, String>;

/// What a run of the program answered.
pub(crate) struct Run {
    exit: i64,
    /// The last line of its JSON Lines.
    outcome: Value,
    stderr: String,
}

impl Stage {
    /// Runs a command that writes, with `--format json`.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(programs::ours("gigadb-roles"));
        command
            .args(arguments)
            .args(["--format", "json"])
            .env_clear()
            .envs(self.environment())
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("GIGADB_OPEN_FOR", "30")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let last = stdout.lines().last();
        let last = last.unwrap_or_else(|| panic!("no answer: {stderr}"));
        let outcome: Value = serde_json::from_str(last).unwrap();
        assert_eq!(outcome["event"], "outcome", "{stdout}{stderr}");
        Run {
            exit: output.status.code().unwrap().into(),
            outcome,
            stderr,
        }
    }

    /// Saves the plan of a swap of `live` in a file.
    pub(crate) async fn save_plan(&self, policy: Policy, file: &Path) {
        let mut command = Command::new(programs::ours("gigadb-roles"));
        command
            .args(["plan", "--environment", "live", "--production"])
            .args([Side::Alt.name(), "--out", file.to_str().unwrap()])
            .args(options(policy))
            .env_clear()
            .envs(self.environment())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        let output = command.output().await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

/// What a policy is on the command line of `plan`.
fn options(policy: Policy) -> &'static [&'static str] {
    match policy {
        Policy::Revert => &["--on-failure", "revert"],
        Policy::Stop => &["--on-failure", "stop"],
        Policy::Failover => &["--mode", "failover"],
    }
}

/// The command that swaps `live` under a policy.
pub(crate) fn swap(policy: Policy) -> Vec<&'static str> {
    let (command, rest): (_, &[&str]) = match policy {
        Policy::Revert => ("swap", &["--on-failure", "revert"]),
        Policy::Stop => ("swap", &["--on-failure", "stop"]),
        Policy::Failover => ("failover", &["--production", "alt-gigadb-website"]),
    };
    [&[command, "--environment", "live", "--yes"], rest].concat()
}

impl Run {
    /// What it says of each object of the change set; empty where nothing was sent.
    pub(crate) fn said(&self) -> Said {
        let objects = self.outcome["objects"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        objects
            .map(|one| (text(&one["object"]), text(&one["ended"])))
            .collect()
    }

    /// Why each object ended as it did, where that is said; without times of day.
    pub(crate) fn causes(&self) -> BTreeMap<String, String> {
        let objects = self.outcome["objects"].as_array().unwrap().iter();
        // The word says all of these, and the provider's account says no more.
        let bare = |one: &&Value| one["ended"] == "put_back" || one["ended"] == "not_sent";
        let objects = objects.filter(|one| !bare(one));
        let told = objects.filter_map(|one| Some((one["object"].as_str()?, one["why"].as_str()?)));
        told.map(|(object, why)| (object.to_owned(), judge::without_times(why)))
            .collect()
    }

    /// What it says to be due.
    pub(crate) fn due(&self) -> Vec<String> {
        let due = self.outcome["due"].as_array().into_iter().flatten();
        due.map(|item| judge::without_times(item.as_str().unwrap()))
            .collect()
    }

    /// The run whose journal it left.
    pub(crate) fn id(&self) -> Option<&str> {
        self.outcome["run"].as_str()
    }

    /// Whether there is anything left to resume.
    pub(crate) fn leaves_something(&self) -> bool {
        ["owed", "partly_applied", "not_verified"].contains(&self.word())
    }

    fn word(&self) -> &str {
        self.outcome["outcome"].as_str().unwrap()
    }

    /// Everything that it says is so. Returns how it ended, in a word.
    #[track_caller]
    pub(crate) fn judge(&self, world: &World, policy: Policy, once: bool) -> &'static str {
        let (old, new) = (table("live", Side::Upstream), table("live", Side::Alt));
        let held = held("live", world);
        assert_eq!(self.outcome["exit_code"], self.exit, "{self}");
        for (object, word) in self.said() {
            let expected = match word.as_str() {
                "in_force" | "accepted" => &new,
                "put_back" | "not_in_force" | "not_sent" => &old,
                _ => continue,
            };
            assert_eq!(
                held.get(&object),
                expected.get(&object),
                "{object} {word}: {self}"
            );
        }
        self.accounted(&held, &old);
        let expected = match self.word() {
            "completed" => {
                assert_eq!(held, new, "not what was asked for: {self}");
                0
            }
            "owed" => {
                self.owed(&held, &new);
                3
            }
            "failed" => {
                assert_eq!(held, old, "something was changed: {self}");
                1
            }
            "partly_applied" => 3,
            "not_verified" => 5,
            other => panic!("{other}: {self}"),
        };
        assert_eq!(self.exit, expected, "{self}");
        if policy == Policy::Revert && once {
            assert!(
                held == old || held == new,
                "neither undone nor done: {self}"
            );
        }
        match (self.word(), held == new, held == old) {
            ("completed", ..) => "done",
            (_, true, _) => "done, with an error",
            (_, _, true) => "as before",
            _ => "partly done",
        }
    }

    /// A run that took up what another left, completely.
    #[track_caller]
    pub(crate) fn led_to(&self, side: Side, world: &World) {
        assert!(["completed", "no_changes"].contains(&self.word()), "{self}");
        assert_eq!(held("live", world), table("live", side), "{self}");
    }

    /// What the message says was changed.
    fn accounted(&self, held: &Objects, old: &Objects) {
        let message = &self.outcome["message"];
        let Some(changed) = message["changed"].as_str() else {
            assert!(message.is_null(), "{self}");
            return;
        };
        for part in ["what", "object", "next"] {
            assert!(message[part].is_string(), "{part}: {self}");
        }
        let claims = ["Nothing was changed", "everything reads as before"];
        if claims.iter().any(|claim| changed.contains(claim)) {
            assert_eq!(held, old, "something was changed: {self}");
        }
    }

    /// What is owed is listed once each, and everything else is as was asked for.
    fn owed(&self, held: &Objects, new: &Objects) {
        let owed = self.outcome["owed"].as_array().unwrap();
        let mut listed: Vec<&str> = owed
            .iter()
            .filter_map(|one| one["object"].as_str())
            .collect();
        listed.sort_unstable();
        let count = listed.len();
        listed.dedup();
        assert_eq!(listed.len(), count, "an object is owed twice: {self}");
        let differ = held
            .iter()
            .filter(|(object, value)| new[*object] != **value);
        assert!(differ.count() <= count, "more is owed: {self}");
        assert_eq!(held["gigadb.org"], new["gigadb.org"], "{self}");
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n{:#}\n{}", self.exit, self.outcome, self.stderr)
    }
}
