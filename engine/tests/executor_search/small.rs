//! The swap that was made by hand.

use gigadb_engine::intent::{Mode, OnFailure};

use crate::{
    model::by_hand::swap,
    node::{Run, Troubles},
    search::Search,
    table::{Table, Way},
};

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
