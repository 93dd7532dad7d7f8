//! Every request of an apply fails, in every way, under every policy.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use gigadb_tests::{
    places::{Place, places},
    proof, side_by_side_on,
};

use crate::failure::Case;
use crate::{
    failure::{Counts, Failure, Take, cases},
    judge,
    stage::{Policy, Stage, Swap},
};

/// Side by side: most of the time is spent waiting for what does not answer.
const WORKERS: usize = 12;
/// When a late write is carried out, in milliseconds: after it was given up.
const LATE: u64 = 1600;

type Group = (&'static [&'static str], Policy);

/// The stage, and the swaps on it that are planned and wait to be applied.
struct Worker {
    stage: Stage,
    planned: BTreeMap<Group, Swap>,
}

impl Worker {
    async fn new() -> Self {
        Self {
            stage: Stage::sop().await,
            planned: BTreeMap::new(),
        }
    }

    async fn swap(&mut self, group: Group) -> Swap {
        self.stage.reset();
        if !self.planned.contains_key(&group) {
            let swap = self.stage.planned(group.0, group.1).await;
            self.planned.insert(group, swap);
        }
        self.stage.reset();
        self.planned[&group].clone()
    }

    /// The requests of an apply that goes well.
    async fn discover(&mut self, group: Group) -> Vec<Place> {
        let mut swap = self.swap(group).await;
        for told in swap.apply().await {
            judge::settled(&told, &self.stage.simulator.world());
        }
        places(&self.stage.requests())
    }

    async fn run(&mut self, case: &Case) -> Vec<&'static str> {
        let mut swap = self.swap((case.environments, case.policy)).await;
        let stage = &self.stage;
        if case.failure.is_silent() {
            stage.impatient();
        }
        let gate = case.meet(stage, 2, LATE).await;
        let told = swap.apply().await;
        drop(gate);
        if case.failure.is_late() {
            // Whatever was sent has been carried out, or never will be.
            tokio::time::sleep(Duration::from_millis(LATE)).await;
        }
        stage.directly();
        stage.simulator.clear_faults();

        for commit in stage.simulator.history() {
            judge::sound(&commit.world, case.environments);
        }
        let once = case.failure != Failure::Refused;
        let world = stage.simulator.world();
        let ends = told
            .iter()
            .map(|told| judge::applied(told, &world, case.policy, once));
        let ends = ends.collect();
        stage.simulator.edit(judge::forget_leases);

        let (planned, settled) = swap.once_more().await;
        for (told, planned) in told.iter().zip(&planned) {
            judge::next_plan(told.environment, planned, &world);
        }
        for told in settled {
            judge::settled(&told, &stage.simulator.world());
        }
        ends
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Runs every case; tells how many there were and how they ended, and fails if one did not hold.
fn run_all(environments: &'static [&'static str], take: Take) {
    // One after the other: each keeps every core busy, and what an answer may take is measured in it.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let started = Instant::now();
    let cases = {
        let runtime = runtime();
        let mut worker = runtime.block_on(Worker::new());
        cases(environments, take, |policy| {
            runtime.block_on(worker.discover((environments, policy)))
        })
    };
    let set_up = || {
        let runtime = runtime();
        let worker = runtime.block_on(Worker::new());
        (runtime, worker)
    };
    let ends = side_by_side_on(&cases, WORKERS, set_up, |(runtime, worker), case| {
        runtime.block_on(worker.run(case))
    });
    let mut counts = Counts::default();
    for (case, ends) in cases.iter().zip(ends) {
        for end in ends {
            counts.add(case, end);
        }
    }
    let what = format!("faults of an apply of {}", environments.join(" and "));
    proof(format_args!(
        "{what}: {} cases in {:.0?}",
        cases.len(),
        started.elapsed()
    ));
    counts.tell(&what);
    assert!(cases.len() > 300, "only {} cases", cases.len());
}

#[test]
fn whatever_fails_the_swap_of_live_ends_known() {
    run_all(&["live"], Take::All);
}

/// Three times as many with `GIGADB_FAULTS=all`.
#[test]
fn whatever_fails_the_swap_of_live_and_staging_ends_known() {
    run_all(&["live", "staging"], Take::wished());
}
