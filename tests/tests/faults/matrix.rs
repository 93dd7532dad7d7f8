//! Every request of an apply fails, in every way, under every policy.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::Mutex,
    time::Instant,
};

use gigadb_simulator::Effect;
use gigadb_tests::places::{Place, places};

use crate::{
    gate::Gate,
    judge,
    stage::{Policy, Stage, Swap},
};

/// Side by side: most of the time is spent waiting for what does not answer.
const WORKERS: usize = 8;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Forbidden,
    /// With a `Retry-After` of an hour.
    TooManyRequests,
    ServerError,
    BadGateway,
    /// No answer, and nothing done.
    TimeOut,
    /// Done, then the connection is reset.
    ResetAfterCommit,
    /// From this request on, nobody listens.
    Refused,
}

impl Failure {
    const ALL: [Self; 7] = [
        Self::Forbidden,
        Self::TooManyRequests,
        Self::ServerError,
        Self::BadGateway,
        Self::TimeOut,
        Self::ResetAfterCommit,
        Self::Refused,
    ];

    fn effect(self) -> Option<Effect> {
        Some(match self {
            Self::Forbidden => Effect::Refuse,
            Self::TooManyRequests => Effect::RateLimited {
                retry_after: Some(3600),
            },
            Self::ServerError => Effect::ServerError,
            Self::BadGateway => Effect::BadGateway,
            Self::TimeOut => Effect::Hang,
            Self::ResetAfterCommit => Effect::ResetAfterCommit,
            Self::Refused => return None,
        })
    }
}

type Group = (&'static [&'static str], Policy);

/// One case of the matrix.
#[derive(Debug, Clone)]
struct Case {
    environments: &'static [&'static str],
    policy: Policy,
    failure: Failure,
    place: Place,
}

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
        stage.impatient();
        let gate = match case.failure.effect() {
            Some(effect) => {
                // A read fails until it is given up, a write once.
                let times = if case.place.is_write { 1 } else { 2 };
                stage.simulator.fault(case.place.fault(effect).times(times));
                None
            }
            None => {
                let gate = Gate::open(stage.address(), case.place.before).await;
                stage.through(case.place.api, &gate);
                Some(gate)
            }
        };
        let told = swap.apply().await;
        drop(gate);
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

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn cases(environments: &'static [&'static str]) -> VecDeque<Case> {
    let mut cases = VecDeque::new();
    let mut worker = runtime().block_on(Worker::new());
    for policy in Policy::ALL {
        let places = runtime().block_on(worker.discover((environments, policy)));
        println!("{environments:?} {policy:?}: {} requests", places.len());
        for place in places {
            for failure in Failure::ALL {
                cases.push_back(Case {
                    environments,
                    policy,
                    failure,
                    place: place.clone(),
                });
            }
        }
    }
    cases
}

/// Runs every case; prints how many there were and how they ended, and fails if one did not hold.
fn run_all(environments: &'static [&'static str]) {
    let started = Instant::now();
    let cases = cases(environments);
    let count = cases.len();
    let cases = Mutex::new(cases);
    let failures = Mutex::new(Vec::new());
    let ends: Mutex<BTreeMap<String, usize>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let runtime = runtime();
                let mut worker = runtime.block_on(Worker::new());
                loop {
                    let Some(case) = cases.lock().unwrap().pop_front() else {
                        return;
                    };
                    let run = || runtime.block_on(worker.run(&case));
                    match std::panic::catch_unwind(AssertUnwindSafe(run)) {
                        Ok(found) => {
                            for end in found {
                                let key = format!("{:?}: {end}", case.policy);
                                *ends.lock().unwrap().entry(key).or_default() += 1;
                            }
                        }
                        Err(panic) => {
                            let text = panic.downcast_ref::<String>().cloned();
                            let text = text
                                .or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
                            failures
                                .lock()
                                .unwrap()
                                .push((case, text.unwrap_or_default()));
                            worker = runtime.block_on(Worker::new());
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!("{environments:?}: {count} cases in {:?}", started.elapsed());
    for (end, number) in ends.into_inner().unwrap() {
        println!("  {end}: {number}");
    }
    for (case, text) in &failures {
        println!("FAILED {case:?}\n{text}\n");
    }
    assert!(count > 400, "only {count} cases");
    assert!(
        failures.is_empty(),
        "{} of {count} cases failed",
        failures.len()
    );
}

#[test]
fn whatever_fails_the_swap_of_live_ends_known() {
    run_all(&["live"]);
}
