//! Whether production changes hands: every pair of who is production and who shall be.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use gigadb_engine::{intent::Trade, observation::Observation, world::Reading};
use model::{UPSTREAM, arrangement, topology, world};

const SIDES: [&str; 2] = ["gigadb-website", "alt-gigadb-website"];

/// What follows where the one and the other are the same, or not.
fn expected(present: &str, wanted: &str) -> Trade {
    if present == wanted {
        Trade::none()
    } else {
        Trade::from(true)
    }
}

#[test]
fn the_apex_decides_where_nothing_else_is_known() {
    let topology = topology(UPSTREAM);
    for (name, table) in &topology.environments {
        for present in SIDES {
            let world = world(&topology, present);
            let seen = Observation::project(&topology, name, &world, None).unwrap();
            for wanted in SIDES {
                let trade = Trade::from_the_apex(table, &seen, &arrangement(&topology, wanted));
                assert_eq!(
                    trade,
                    expected(present, wanted),
                    "{name}: {present}, {wanted}"
                );
            }
        }
        // An apex that is neither side's makes whatever is wanted a change.
        let mut nobody = world(&topology, SIDES[0]);
        for records in nobody.records.values_mut() {
            *records = Reading::Read(Vec::new());
        }
        let seen = Observation::project(&topology, name, &nobody, None).unwrap();
        for wanted in SIDES {
            let trade = Trade::from_the_apex(table, &seen, &arrangement(&topology, wanted));
            assert_eq!(trade, Trade::from(true), "{name}: {wanted}");
        }
    }
}

#[test]
fn the_state_decides_where_there_is_one() {
    let topology = topology(UPSTREAM);
    for present in SIDES {
        for wanted in SIDES {
            let trade = Trade::from_the_state(present, &arrangement(&topology, wanted));
            assert_eq!(trade, expected(present, wanted), "{present}, {wanted}");
        }
    }
}
