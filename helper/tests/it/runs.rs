//! Runs that write: how they are begun and interrupted, and what they leave behind.

use std::{
    path::PathBuf,
    process::{Child, Command},
};

use gigadb_simulator::{Api, Effect, Fault};
use serde_json::Value;

use crate::stage::Stage;

/// The swap of `live`, without a question.
pub(crate) const SWAP: [&str; 4] = ["swap", "--environment", "live", "--yes"];
/// The failover of `live` to the hot standby, without a question.
pub(crate) const FAILOVER: [&str; 6] = [
    "failover",
    "--environment",
    "live",
    "--production",
    "alt-gigadb-website",
    "--yes",
];

impl Stage {
    /// How many requests have written.
    pub(crate) fn writes(&self) -> usize {
        let requests = self.simulator.requests();
        requests.iter().filter(|request| request.is_write()).count()
    }

    /// The folder of the journals.
    pub(crate) fn journals(&self) -> PathBuf {
        self.folder().join(".local/state/gigadb/journal")
    }

    /// The ids of all runs, the oldest first.
    pub(crate) fn runs(&self) -> Vec<String> {
        let answer = self.answer(&["history", "--format", "json"]);
        let document: Value = serde_json::from_str(&answer).unwrap();
        let runs = document["runs"].as_array().unwrap().iter();
        let mut ids: Vec<String> = runs
            .map(|run| run["id"].as_str().unwrap().to_owned())
            .collect();
        ids.reverse();
        ids
    }

    /// The id of the newest run.
    pub(crate) fn last_run(&self) -> String {
        self.runs().pop().unwrap()
    }
}

/// What Ctrl-C does to a program under way.
pub(crate) fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let kill = Command::new("kill").args(["-INT", &id]).status();
    assert!(kill.unwrap().success());
}

/// What is told of a run, without what is due afterwards, which has the clock's time in it.
pub(crate) fn without_due(told: &str) -> String {
    let lines = told.lines().filter(|line| !line.starts_with("note: Due:"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Leaves a swap of live half done: the second zone's batch is refused, and the policy says stop.
pub(crate) fn interrupted_run(stage: &Stage) {
    let refused = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .template("/zones/{zone_id}/dns_records/batch")
        .skip(1);
    stage.simulator.fault(refused);
    let arguments = [&SWAP[..], &["--on-failure", "stop"]].concat();
    assert_eq!(stage.output(&arguments).status.code(), Some(3));
    stage.simulator.clear_faults();
}
