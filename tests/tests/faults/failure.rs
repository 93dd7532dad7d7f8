//! What goes wrong with a request, and the cases of the matrix.

use std::{collections::BTreeMap, fmt};

use gigadb_simulator::Effect;
use gigadb_tests::{places::Place, proof};

use crate::{
    gate::Gate,
    stage::{Policy, Stage},
};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
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
    pub(crate) const ALL: [Self; 16] = [
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
    pub(crate) fn concerns(self, place: &Place) -> bool {
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
    fn effect(self, late: u64) -> Option<Effect> {
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
            Self::Late => Effect::CommitLate { ms: late },
            Self::LateBehindAGateway => Effect::GatewayTimeout { ms: late / 2 },
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
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::TimeOut | Self::Late | Self::DoneWithoutAnswer)
    }

    /// Whether something may be carried out after the apply.
    pub(crate) fn is_late(self) -> bool {
        matches!(self, Self::Late | Self::LateBehindAGateway)
    }
}

/// One case of the matrix.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) environments: &'static [&'static str],
    pub(crate) policy: Policy,
    pub(crate) failure: Failure,
    pub(crate) place: Place,
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

impl Case {
    /// Scripts what goes wrong. A read fails in as many `attempts` as it has, a write once; a late
    /// write is carried out after `late` milliseconds. The gate is open as long as it is held.
    pub(crate) async fn meet(&self, stage: &Stage, attempts: u64, late: u64) -> Option<Gate> {
        let Self { failure, place, .. } = self;
        if let Some(effect) = failure.effect(late) {
            let times = if place.is_write { 1 } else { attempts };
            stage.simulator.fault(place.fault(effect).times(times));
        }
        let old = failure.old_readings();
        if let Some(readings) = place.readings().filter(|_| old > 0) {
            stage.simulator.fault(readings.times(old));
        }
        if *failure != Failure::Refused {
            return None;
        }
        let open = Gate::open(stage.address(), place.before).await;
        stage.through(place.api, &open);
        Some(open)
    }
}

/// How many cases there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// Every request with every failure under every policy.
    All,
    /// Every request with every failure; the policies take turns.
    PoliciesInTurn,
}

impl Take {
    /// All with `GIGADB_FAULTS=all`.
    pub(crate) fn wished() -> Self {
        let all = std::env::var_os("GIGADB_FAULTS").is_some_and(|wish| wish == "all");
        if all { Self::All } else { Self::PoliciesInTurn }
    }
}

/// The cases of an apply whose requests, when all goes well, are these under each policy.
pub(crate) fn cases(
    environments: &'static [&'static str],
    take: Take,
    mut requests: impl FnMut(Policy) -> Vec<Place>,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (turn, policy) in Policy::ALL.into_iter().enumerate() {
        for (row, place) in requests(policy).into_iter().enumerate() {
            for (column, failure) in Failure::ALL.into_iter().enumerate() {
                let is_its_turn = (row + column) % Policy::ALL.len() == turn;
                if !failure.concerns(&place) || (take == Take::PoliciesInTurn && !is_its_turn) {
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

/// How cases ended, counted by policy.
#[derive(Default)]
pub(crate) struct Counts(BTreeMap<(Policy, &'static str), usize>);

impl Counts {
    pub(crate) fn add(&mut self, case: &Case, end: &'static str) {
        *self.0.entry((case.policy, end)).or_default() += 1;
    }

    /// Tells them among the last lines of a test run.
    pub(crate) fn tell(&self, what: &str) {
        for ((policy, end), count) in &self.0 {
            proof(format_args!("{what}: under {policy:?} {end}: {count}"));
        }
    }
}
