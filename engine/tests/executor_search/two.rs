//! A second operator at the same environment, without a lease: for the other side, or for the same.
//!
//! The two overtake each other, so that what is said need not stay true. But no request goes out
//! blindly or without end, no run hangs, and one more run alone reaches what is asked for.

use crate::{
    live::table,
    node::{Run, Troubles},
    search::Search,
    small::{POLICIES, more},
    table::Way,
};

#[test]
fn without_a_lease_one_more_run_reaches_the_goal() {
    let troubles = Troubles {
        faults: 1 + more(),
        late: more(),
        stale: 0,
        edits: 0,
        restarts: 0,
    };
    for (mode, on_failure) in POLICIES {
        // A longer search has one for the same side as well.
        let ways = [Way::Back, Way::Forward];
        for second in &ways[..=usize::from(more().min(1))] {
            let second = *second;
            let mut search = Search::new(table(mode, on_failure));
            // The first one stops at any moment; the second goes on.
            let second_run = Run {
                stop_left: false,
                ..Run::new(second)
            };
            search.explore(vec![Run::new(Way::Forward), second_run], troubles);
            crate::tell(format_args!(
                "two operators without a lease, the second {second:?}, {mode} {on_failure}: {} states, 0 violations",
                search.states(),
            ));
        }
    }
}
