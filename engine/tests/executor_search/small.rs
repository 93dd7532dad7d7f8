//! A swap made by hand: two variables, one of which is created, and two zones, one of which gets a
//! new name.

use gigadb_engine::{
    changes::{Boundary, ChangeSet, Step, Target, Transaction},
    intent::{Mode, OnFailure},
    world::Zone,
};

use crate::{
    node::{Run, Troubles},
    search::Search,
    table::{Table, Way},
};

fn step(name: &str, from: Option<&str>, to: &str, undo: &str) -> Step {
    Step {
        target: Target::Record {
            hostname: name.parse().unwrap(),
            record_id: None,
        },
        from: from.map(str::to_owned),
        to: to.to_owned(),
        undo: undo.to_owned(),
        reason: String::new(),
    }
}

fn batch(zone: &str, decisive: bool, steps: Vec<Step>) -> Transaction {
    let zone = Zone {
        id: zone.parse().unwrap(),
        name: format!("{zone}.org").parse().unwrap(),
        active: true,
        batch_limit: 200,
    };
    Transaction {
        boundary: Boundary::ZoneBatch { zone, decisive },
        steps,
    }
}

fn swap(mode: Mode) -> ChangeSet {
    let variable = |name: &str, from| Transaction {
        boundary: Boundary::Variable,
        steps: vec![step(name, from, "b", "a")],
    };
    let variables = vec![variable("v1.x", Some("a")), variable("v2.x", None)];
    let other = vec![batch(
        "host",
        false,
        vec![step("alt.host", Some("2"), "1", "2")],
    )];
    let apex = vec![batch(
        "org",
        true,
        vec![
            step("gigadb.org", Some("1"), "2", "1"),
            step("new.gigadb.org", None, "2", "1"),
        ],
    )];
    let stages = match mode {
        Mode::Switchover => vec![variables, other, apex],
        Mode::Failover => vec![apex, other, variables],
    };
    ChangeSet {
        stages,
        blocked: Vec::new(),
    }
}

pub(crate) const POLICIES: [(Mode, OnFailure); 3] = [
    (Mode::Switchover, OnFailure::Revert),
    (Mode::Switchover, OnFailure::Stop),
    (Mode::Failover, OnFailure::Revert),
];

/// How many failures more a longer search is to hold: `GIGADB_SEARCH`, else none.
pub(crate) fn more() -> u8 {
    let more = std::env::var("GIGADB_SEARCH").ok();
    more.and_then(|more| more.parse().ok()).unwrap_or(0)
}

fn search(what: &str, troubles: Troubles) {
    for (mode, on_failure) in POLICIES {
        let mut search = Search::new(Table::new(swap(mode), mode, on_failure));
        search.explore(vec![Run::new(Way::Forward)], troubles);
        crate::tell(format_args!(
            "small, {what}, {mode} {on_failure}, {troubles:?}: {} states, ends {:?}, 0 violations",
            search.states(),
            search.ends
        ));
        assert!(search.ends.contains_key("Completed"));
        let reverts = mode == Mode::Switchover && on_failure == OnFailure::Revert;
        assert_eq!(search.ends.contains_key("Reverted"), reverts);
    }
}

const NONE: Troubles = Troubles {
    faults: 0,
    late: 0,
    stale: 0,
    edits: 0,
    restarts: 0,
};

#[test]
fn whatever_comes_late_or_old_every_word_is_true() {
    let troubles = Troubles {
        faults: 1 + more(),
        late: 1,
        stale: 3,
        ..NONE
    };
    search("late and old", troubles);
}

#[test]
fn whatever_fails_every_word_is_true() {
    let troubles = Troubles {
        faults: 2 + more(),
        late: 2,
        ..NONE
    };
    search("failing", troubles);
}

#[test]
fn what_somebody_edits_is_left_alone() {
    let troubles = Troubles {
        faults: 1 + more(),
        late: 1,
        edits: 1,
        ..NONE
    };
    search("edited", troubles);
}

#[test]
fn whatever_a_run_leaves_another_takes_up() {
    let troubles = Troubles {
        faults: 1 + more(),
        late: 1,
        restarts: 1,
        ..NONE
    };
    search("taken up", troubles);
}
