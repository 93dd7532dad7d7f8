//! Every request of an apply fails, in every way, under every policy.

use std::{collections::BTreeMap, fmt, time::Instant};

use gigadb_simulator::Effect;
use gigadb_tests::{
    places::{Place, places},
    proof, side_by_side_on,
};

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

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            environments,
            policy,
            failure,
            place,
        } = self;
        write!(f, "{environments:?} {policy:?} {failure:?} at {place}")
    }
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
        if case.failure == Failure::TimeOut {
            stage.impatient();
        }
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

/// How many cases there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Take {
    /// Every request with every failure under every policy.
    All,
    /// Every request with every failure; the policies take turns.
    PoliciesInTurn,
}

fn cases(environments: &'static [&'static str], take: Take) -> Vec<Case> {
    let mut cases = Vec::new();
    let runtime = runtime();
    let mut worker = runtime.block_on(Worker::new());
    for (turn, policy) in Policy::ALL.into_iter().enumerate() {
        let places = runtime.block_on(worker.discover((environments, policy)));
        for (row, place) in places.iter().enumerate() {
            for (column, failure) in Failure::ALL.into_iter().enumerate() {
                if take == Take::PoliciesInTurn && (row + column) % Policy::ALL.len() != turn {
                    continue;
                }
                cases.push(Case {
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

/// Runs every case; tells how many there were and how they ended, and fails if one did not hold.
fn run_all(environments: &'static [&'static str], take: Take) {
    let started = Instant::now();
    let cases = cases(environments, take);
    let set_up = || {
        let runtime = runtime();
        let worker = runtime.block_on(Worker::new());
        (runtime, worker)
    };
    let ends = side_by_side_on(&cases, WORKERS, set_up, |(runtime, worker), case| {
        runtime.block_on(worker.run(case))
    });
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for (case, ends) in cases.iter().zip(ends) {
        for end in ends {
            *counts.entry((case.policy, end)).or_default() += 1;
        }
    }
    let environments = environments.join(" and ");
    proof(format_args!(
        "faults of an apply of {environments}: {} cases in {:.0?}",
        cases.len(),
        started.elapsed()
    ));
    for ((policy, end), count) in counts {
        proof(format_args!(
            "faults of an apply of {environments}: under {policy:?} {end}: {count}"
        ));
    }
    assert!(cases.len() > 300, "only {} cases", cases.len());
}

#[test]
fn whatever_fails_the_swap_of_live_ends_known() {
    run_all(&["live"], Take::All);
}

/// Three times as many with `GIGADB_FAULTS=all`.
#[test]
fn whatever_fails_the_swap_of_live_and_staging_ends_known() {
    let all = std::env::var_os("GIGADB_FAULTS").is_some_and(|wish| wish == "all");
    let take = if all { Take::All } else { Take::PoliciesInTurn };
    run_all(&["live", "staging"], take);
}
