//! Every request of an apply fails, in every way, under every policy.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

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
const WORKERS: usize = 12;
/// When a late write is carried out, in milliseconds: after it was given up.
const LATE: u64 = 1600;

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
    /// A write that times out and is carried out after that.
    Late,
    /// A write that a gateway gives up at once, and that is carried out after that.
    LateBehindAGateway,
    /// A write that is carried out and never answered.
    DoneWithoutAnswer,
    /// A write that is carried out, and refused in the API's own words.
    DoneAndRefused,
    /// The same, and the next reading still shows the world before it.
    DoneAndRefusedThenOld,
    /// A write that is carried out, and answered with a page of HTML.
    DoneAndAPage,
    /// A write that goes well; this many readings after it still show the world before it.
    OldReadings(u64),
}

impl Failure {
    const ALL: [Self; 16] = [
        Self::Forbidden,
        Self::TooManyRequests,
        Self::ServerError,
        Self::BadGateway,
        Self::TimeOut,
        Self::ResetAfterCommit,
        Self::Refused,
        Self::Late,
        Self::LateBehindAGateway,
        Self::DoneWithoutAnswer,
        Self::DoneAndRefused,
        Self::DoneAndRefusedThenOld,
        Self::DoneAndAPage,
        Self::OldReadings(1),
        Self::OldReadings(3),
        Self::OldReadings(30),
    ];

    /// Whether it can happen to a request; the others happen to writes alone.
    fn concerns(self, place: &Place) -> bool {
        let any = [
            Self::Forbidden,
            Self::TooManyRequests,
            Self::ServerError,
            Self::BadGateway,
            Self::TimeOut,
            Self::ResetAfterCommit,
            Self::Refused,
        ];
        place.is_write || any.contains(&self)
    }

    /// What the request itself meets.
    fn effect(self) -> Option<Effect> {
        let refused = |status, html| Effect::RefuseAfterCommit { status, html };
        Some(match self {
            Self::Forbidden => Effect::Refuse,
            Self::TooManyRequests => Effect::RateLimited {
                retry_after: Some(3600),
            },
            Self::ServerError => Effect::ServerError,
            Self::BadGateway => Effect::BadGateway,
            Self::TimeOut => Effect::Hang,
            Self::ResetAfterCommit => Effect::ResetAfterCommit,
            Self::Late => Effect::CommitLate { ms: LATE },
            Self::LateBehindAGateway => Effect::GatewayTimeout { ms: LATE / 2 },
            Self::DoneWithoutAnswer => Effect::CommitThenHang,
            Self::DoneAndRefused | Self::DoneAndRefusedThenOld => refused(400, false),
            Self::DoneAndAPage => refused(403, true),
            Self::Refused | Self::OldReadings(_) => return None,
        })
    }

    /// How many readings after the request show the world before it.
    fn old_readings(self) -> u64 {
        match self {
            Self::OldReadings(times) => times,
            Self::DoneAndRefusedThenOld => 1,
            _ => 0,
        }
    }

    /// Whether an answer does not come, so that nobody should wait long for it.
    fn is_silent(self) -> bool {
        matches!(self, Self::TimeOut | Self::Late | Self::DoneWithoutAnswer)
    }

    /// Whether something may be carried out after the apply.
    fn is_late(self) -> bool {
        matches!(self, Self::Late | Self::LateBehindAGateway)
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
        if case.failure.is_silent() {
            stage.impatient();
        }
        if let Some(effect) = case.failure.effect() {
            // A read fails until it is given up, a write once.
            let times = if case.place.is_write { 1 } else { 2 };
            stage.simulator.fault(case.place.fault(effect).times(times));
        }
        let old = case.failure.old_readings();
        if let Some(readings) = case.place.readings().filter(|_| old > 0) {
            stage.simulator.fault(readings.times(old));
        }
        let mut gate = None;
        if case.failure == Failure::Refused {
            let open = Gate::open(stage.address(), case.place.before).await;
            stage.through(case.place.api, &open);
            gate = Some(open);
        }
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
                if !failure.concerns(place) {
                    continue;
                }
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
