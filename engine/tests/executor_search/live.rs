//! The procedure's live environment: eight variables, eight names in two zones.

use gigadb_engine::intent::{Mode, OnFailure};

use crate::{
    model,
    procedure::{Procedure, Way},
    run::Run,
    search::{Adversity, Bug, Search},
};

/// The topology without some of its keys: those left stand for the others, which differ from them
/// in nothing but their names.
pub(crate) fn without(keys: &[&str]) -> String {
    let named = |line: &&str| {
        keys.iter()
            .any(|key| line.trim_start().starts_with(&format!("{key}:")))
    };
    let kept: Vec<&str> = model::UPSTREAM
        .lines()
        .filter(|line| !named(line))
        .collect();
    kept.join("\n")
}

/// Two variables, one a side.
pub(crate) const ONE_KEY: [&str; 3] = [
    "REMOTE_HOME_URL",
    "REMOTE_HOSTNAME",
    "remote_fileserver_hostname",
];

fn search(keys: &[&str], policy: (Mode, OnFailure), adversity: Adversity, bug: Bug) -> Search {
    let procedure = Procedure::new(&without(keys), policy.0, policy.1);
    let mut search = Search::new(procedure, adversity, bug);
    search.explore(vec![Run::new(Way::Forward, true)]);
    let (mode, on_failure) = policy;
    crate::tell(format_args!(
        "live, {mode} {on_failure}: {} states, {} worlds, ends {:?}",
        search.states(),
        search.procedure.worlds(),
        search.ends
    ));
    search
}

/// One edit by hand at any moment, one request that comes late, and a process that ends at any
/// moment, after which the next run meets the same.
fn everything(procedure: &Procedure) -> Adversity {
    Adversity {
        edits: Search::edits_of(procedure),
        late: true,
        restart: true,
        ..Adversity::default()
    }
}

fn with_everything(policy: (Mode, OnFailure), bug: Bug) -> Search {
    let procedure = Procedure::new(&without(&ONE_KEY), policy.0, policy.1);
    search(&ONE_KEY, policy, everything(&procedure), bug)
}

const REVERT: (Mode, OnFailure) = (Mode::Switchover, OnFailure::Revert);
const STOP: (Mode, OnFailure) = (Mode::Switchover, OnFailure::Stop);
const FAILOVER: (Mode, OnFailure) = (Mode::Failover, OnFailure::Revert);

#[test]
fn a_switchover_of_six_variables_that_reverts_ends_known() {
    let adversity = Adversity::default();
    let search = search(&["REMOTE_HOME_URL"], REVERT, adversity, Bug::None);
    assert!(search.ends.contains_key("Reverted") && search.ends.contains_key("Completed"));
    assert!(search.states() > 10_000);
}

#[test]
fn a_switchover_that_reverts_ends_known_although_requests_come_late() {
    let adversity = Adversity {
        late: true,
        ..Adversity::default()
    };
    let search = search(&ONE_KEY[1..], REVERT, adversity, Bug::None);
    assert!(search.ends.contains_key("Reverted") && search.ends.contains_key("Completed"));
    assert!(search.states() > 10_000);
}

#[test]
fn a_switchover_that_reverts_ends_known_whatever_else_happens() {
    let search = with_everything(REVERT, Bug::None);
    assert!(search.ends.contains_key("Reverted") && search.ends.contains_key("Completed"));
    assert!(search.states() > 100_000);
}

#[test]
fn a_switchover_that_stops_ends_known() {
    let restart = Adversity {
        restart: true,
        ..Adversity::default()
    };
    let all = search(&[], STOP, restart, Bug::None);
    let every = with_everything(STOP, Bug::None);
    for search in [&all, &every] {
        assert!(!search.ends.contains_key("Reverted"));
        assert!(search.ends.contains_key("Completed"));
    }
    assert!(all.states() + every.states() > 10_000);
}

#[test]
fn a_failover_ends_known() {
    let all = search(&[], FAILOVER, Adversity::default(), Bug::None);
    let every = with_everything(FAILOVER, Bug::None);
    for search in [&all, &every] {
        assert!(!search.ends.contains_key("Reverted"));
        assert!(search.ends.contains_key("Completed"));
    }
    assert!(all.states() + every.states() > 50_000);
}

#[test]
fn a_seeded_bug_is_found() {
    for (bug, policy) in [
        (Bug::SilenceIsSuccess, REVERT),
        (Bug::SilenceIsFailure, REVERT),
        (Bug::SentAgain, STOP),
        (Bug::WritesBeside, STOP),
        (Bug::UndoDeletes, REVERT),
        (Bug::UndoTooMuch, REVERT),
        (Bug::RefusalIsReportedAsDone, FAILOVER),
        (Bug::RestartFromMemory, FAILOVER),
    ] {
        let found = std::panic::catch_unwind(|| with_everything(policy, bug));
        assert!(found.is_err(), "{bug:?} went unnoticed");
    }
}
