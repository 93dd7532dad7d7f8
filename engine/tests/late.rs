//! What an earlier run sent and may still take effect, held against a plan: every step of a swap, on
//! every plan of the same environment.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use std::collections::BTreeSet;

use gigadb_engine::{
    changes::Step,
    late::{Beside, Late, beside},
    plan::Plan,
};
use model::{UPSTREAM, intent, planned, topology, world};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";
const UNTIL: u64 = 1_795_343_520;

/// The plan for `production`, in a world where `now` is that.
fn plan_of(environment: &str, production: &str, now: &str) -> Plan {
    let topology = topology(UPSTREAM);
    let intent = intent(&topology, environment, production);
    planned(&topology, &intent, &world(&topology, now)).unwrap()
}

fn late(step: &Step, value: &str, until: u64) -> Late {
    Late {
        target: step.target.clone(),
        value: value.to_owned(),
        until,
    }
}

#[test]
fn nothing_is_beside_nothing() {
    assert_eq!(beside(&[], &plan_of("live", SYDNEY, HK)), Beside::Nothing);
}

#[test]
fn what_was_sent_agrees_with_every_plan_that_leads_there_and_with_no_other() {
    let sent = plan_of("live", SYDNEY, HK).changes;
    assert!(sent.steps().count() > 0);
    for step in sent.steps() {
        let forward = [late(step, &step.to, UNTIL)];
        let back = [late(step, &step.undo, UNTIL)];
        // Whether the plan writes it, or finds it there already.
        for now in [HK, SYDNEY] {
            let there = plan_of("live", SYDNEY, now);
            let away = plan_of("live", HK, now);
            let against = Beside::Against {
                objects: vec![step.target.object()],
                until: UNTIL,
            };
            assert_eq!(beside(&forward, &there), Beside::Agrees(UNTIL));
            assert_eq!(beside(&forward, &away), against);
            assert_eq!(beside(&back, &away), Beside::Agrees(UNTIL));
            assert_eq!(beside(&back, &there), against);
        }
    }
}

#[test]
fn one_that_is_against_it_counts_more_than_all_that_agree() {
    let plan = plan_of("live", SYDNEY, HK);
    let mut sent: Vec<Late> = plan
        .changes
        .steps()
        .map(|step| late(step, &step.to, UNTIL + 60))
        .collect();
    // The last of them says until when, wherever it stands.
    sent[0].until = UNTIL;
    assert_eq!(beside(&sent, &plan), Beside::Agrees(UNTIL + 60));
    let steps: Vec<&Step> = plan.changes.steps().collect();
    let (first, last) = (steps[0], steps[steps.len() - 1]);
    sent.push(late(last, &last.undo, UNTIL));
    sent.push(late(first, &first.undo, UNTIL - 60));
    sent.push(late(first, &first.undo, UNTIL - 30));
    let objects: BTreeSet<_> = [first, last].map(|step| step.target.object()).into();
    // Until when it is said: what agrees does not prolong it.
    assert_eq!(
        beside(&sent, &plan),
        Beside::Against {
            objects: objects.into_iter().collect(),
            until: UNTIL
        }
    );
}
