//! The procedure's live environment as the engine plans it: variables of two projects, eight names
//! in two zones.

use gigadb_engine::intent::{Mode, OnFailure};

use crate::{
    model,
    node::{Run, Troubles},
    search::Search,
    small::{POLICIES, more},
    table::{Table, Way},
};

/// The topology without some of its keys, and without what is said of them as variables: those
/// left stand for the others, which differ from them in nothing but their names.
fn without(keys: &[&str]) -> String {
    let named = |line: &&str| {
        keys.iter()
            .any(|key| line.trim_start().starts_with(&format!("{key}:")))
    };
    let kept: Vec<&str> = model::UPSTREAM
        .lines()
        .filter(|line| !named(line) && !line.starts_with("variables:"))
        .collect();
    kept.join("\n")
}

/// A table of live with this policy, and one variable a side.
pub(crate) fn table(mode: Mode, on_failure: OnFailure) -> Table {
    let topology = model::topology(&without(&[
        "REMOTE_HOME_URL",
        "REMOTE_HOSTNAME",
        "remote_fileserver_hostname",
    ]));
    let world = model::world(&topology, "gigadb-website");
    let mut intent = model::intent(&topology, "live", "alt-gigadb-website");
    intent.mode = mode;
    intent.on_failure = on_failure;
    let plan = model::planned(&topology, &intent, &world).unwrap();
    assert_eq!(plan.blocking().count(), 0);
    Table::new(plan.changes, mode, on_failure)
}

#[test]
fn live_ends_known_whatever_happens() {
    let troubles = Troubles {
        faults: 1 + more(),
        late: 1,
        stale: 1,
        edits: 0,
        restarts: 1,
    };
    for (mode, on_failure) in POLICIES {
        let mut search = Search::new(table(mode, on_failure));
        search.explore(vec![Run::new(Way::Forward)], troubles);
        crate::tell(format_args!(
            "live, {mode} {on_failure}, {troubles:?}: {} states, ends {:?}, 0 violations",
            search.states(),
            search.ends
        ));
        assert!(search.ends.contains_key("Completed"));
    }
}
