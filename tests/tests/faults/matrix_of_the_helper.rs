//! The same matrix at the helper's door: the program applies a saved plan of `live`, then takes up
//! what it left.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use gigadb_tests::{
    places::{Place, places},
    procedure::Side,
    proof, side_by_side_on,
};

use crate::{
    failure::{Case, Counts, Failure, Take, cases},
    judge,
    matrix::runtime,
    stage::{Policy, Stage},
};

/// The program has its own patience, so that nearly all of the time is waiting.
const WORKERS: usize = 24;
/// Attempts of a read, and when a late write is carried out, in milliseconds: the program gives an
/// attempt 15 s.
const ATTEMPTS: u64 = 3;
const LATE: u64 = 15_500;

struct Worker {
    stage: Stage,
}

impl Worker {
    async fn new() -> Self {
        let stage = Stage::sop().await;
        for policy in Policy::ALL {
            stage.save_plan(policy, &plan(&stage, policy)).await;
        }
        Self { stage }
    }

    /// The requests of an apply that goes well.
    async fn discover(&self, policy: Policy) -> Vec<Place> {
        self.stage.reset();
        let plan = plan(&self.stage, policy);
        let run = self.stage.run(&["apply", plan.to_str().unwrap()]).await;
        run.judge(&self.stage.simulator.world(), policy, true);
        places(&self.stage.requests())
    }

    /// `resumes`: what is left is completed, else taken back.
    async fn run(&self, case: &Case, resumes: bool) -> &'static str {
        let stage = &self.stage;
        stage.reset();
        let gate = case.meet(stage, ATTEMPTS, LATE).await;
        let file = plan(stage, case.policy);
        let run = stage.run(&["apply", file.to_str().unwrap()]).await;
        drop(gate);
        if case.failure.is_late() {
            tokio::time::sleep(Duration::from_millis(LATE)).await;
        }
        stage.directly();
        stage.simulator.clear_faults();
        for commit in stage.simulator.history() {
            judge::sound(&commit.world, case.environments);
        }
        let once = case.failure != Failure::Refused;
        let end = run.judge(&stage.simulator.world(), case.policy, once);
        stage.simulator.edit(judge::forget_leases);
        if let (Some(id), true) = (run.id(), run.leaves_something()) {
            let (command, side) = if resumes {
                ("resume", Side::Alt)
            } else {
                ("revert", Side::Upstream)
            };
            let further = stage.run(&[command, id, "--yes"]).await;
            further.led_to(side, &stage.simulator.world());
        }
        end
    }
}

fn plan(stage: &Stage, policy: Policy) -> PathBuf {
    PathBuf::from(&stage.environment()["HOME"]).join(format!("{policy:?}.json"))
}

/// Three times as many with `GIGADB_FAULTS=all`.
#[test]
fn whatever_fails_the_helper_says_what_is() {
    let started = Instant::now();
    let cases = {
        let runtime = runtime();
        let worker = runtime.block_on(Worker::new());
        cases(&["live"], Take::wished(), |policy| {
            runtime.block_on(worker.discover(policy))
        })
    };
    let set_up = || {
        let runtime = runtime();
        let worker = runtime.block_on(Worker::new());
        (runtime, worker)
    };
    let numbered: Vec<_> = cases.iter().enumerate().map(Numbered).collect();
    let ends = side_by_side_on(&numbered, WORKERS, set_up, |(runtime, worker), one| {
        let (number, case) = one.0;
        runtime.block_on(worker.run(case, number % 2 == 0))
    });
    let mut counts = Counts::default();
    for (case, end) in cases.iter().zip(ends) {
        counts.add(case, end);
    }
    let what = "faults of the helper's apply of live";
    proof(format_args!(
        "{what}: {} cases in {:.0?}",
        cases.len(),
        started.elapsed()
    ));
    counts.tell(what);
    assert!(cases.len() > 250, "only {} cases", cases.len());
}

struct Numbered<'a>((usize, &'a Case));

impl std::fmt::Display for Numbered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.1.fmt(f)
    }
}
