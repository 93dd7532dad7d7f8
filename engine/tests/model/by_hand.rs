//! A swap made by hand: two variables, one of which is created, and two zones, one of which gets a
//! new name.

use gigadb_engine::{
    changes::{Boundary, ChangeSet, Step, Target, Transaction},
    intent::Mode,
    world::Zone,
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
        account: None,
    };
    Transaction {
        boundary: Boundary::ZoneBatch { zone, decisive },
        steps,
    }
}

/// The swap, in the order that `mode` asks for.
pub(crate) fn swap(mode: Mode) -> ChangeSet {
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
