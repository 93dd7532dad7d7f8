//! A second operator at the same environment: for the other side, or for the same.
//!
//! With the lease one of them waits, and everything holds that holds for one alone. Without it the
//! two overtake each other: then what is noted need not be true any more at the end, but every name
//! leads to one of the two sides at any moment, and one more run alone reaches what is asked for.

use gigadb_engine::intent::{Mode, OnFailure};

use crate::{
    live::{ONE_KEY, without},
    procedure::{Procedure, Way},
    run::Run,
    search::{Adversity, Bug, Search},
};

fn search(policy: (Mode, OnFailure), lease: bool, second: Way, bug: Bug) -> Search {
    let (mode, on_failure) = policy;
    let procedure = Procedure::new(&without(&ONE_KEY), mode, on_failure);
    let adversity = Adversity {
        crash: true,
        lease,
        ..Adversity::default()
    };
    let mut search = Search::new(procedure, adversity, bug);
    search.explore(vec![Run::new(Way::Forward, true), Run::new(second, lease)]);
    crate::tell(format_args!(
        "two operators, {mode} {on_failure}, lease {lease}, the second goes {second:?}: {} states, {} worlds",
        search.states(),
        search.procedure.worlds()
    ));
    search
}

const POLICIES: [(Mode, OnFailure); 3] = [
    (Mode::Switchover, OnFailure::Revert),
    (Mode::Switchover, OnFailure::Stop),
    (Mode::Failover, OnFailure::Revert),
];

#[test]
fn with_the_lease_two_operators_hurt_each_other_no_more_than_one() {
    for policy in POLICIES {
        for second in [Way::Back, Way::Forward] {
            let search = search(policy, true, second, Bug::None);
            assert!(search.states() > 500);
        }
    }
}

#[test]
fn without_the_lease_every_name_still_leads_somewhere_and_one_more_run_settles_it() {
    for policy in POLICIES {
        for second in [Way::Back, Way::Forward] {
            let search = search(policy, false, second, Bug::None);
            assert!(search.states() > 500);
        }
    }
}

#[test]
fn a_lease_that_is_ignored_is_found() {
    let search = || search(POLICIES[0], true, Way::Back, Bug::LeaseIgnored);
    let found = std::panic::catch_unwind(search);
    assert!(found.is_err(), "two runs at once went unnoticed");
}
