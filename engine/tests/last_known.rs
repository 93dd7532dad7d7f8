//! The addresses of a lost side in a failover: records decide, and what was known before only fills
//! gaps that a record confirms.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use gigadb_engine::{
    evidence::Evidence,
    intent::Mode,
    plan::plan,
    rules::unchanged_since_plan,
    world::{Failure, FailureKind, Reading, Side, World},
};
use model::{UPSTREAM, intent, observe, planned, record_mut, side_mut, topology, world};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";

fn unreachable(message: &str) -> Failure {
    Failure::new(FailureKind::Unreachable, message)
}

/// What was last known of the lost side: `address` for each of live's endpoints.
fn last_known(world: &World, web: &str) -> Reading<Side> {
    let mut side = world.sides[HK].read().unwrap().clone();
    for eip in &mut side.elastic_ips {
        if eip.name == "eip-gigadb-live-gigadb" {
            eip.address = web.parse().unwrap();
        }
    }
    Reading::Failed {
        failure: unreachable("no answer"),
        last_known: Some(side),
    }
}

#[test]
fn in_a_failover_records_beat_what_is_last_known() {
    let topology = topology(UPSTREAM);
    let mut intent = intent(&topology, "live", SYDNEY);
    intent.mode = Mode::Failover;
    let mut world = world(&topology, HK);
    world
        .sides
        .insert(HK.parse().unwrap(), last_known(&world, "192.0.2.10"));
    let mut observation = observe(&topology, "live", &world);
    observation.ages.insert(HK.parse().unwrap(), 400 * 86_400);
    let told = plan(&topology, &intent, &observation, &Evidence::none()).unwrap();
    assert_eq!(told.blocking().count(), 0);
    assert!(
        told.changes
            .steps()
            .all(|step| !step.to.starts_with("192.0.2."))
    );
    assert_eq!(told.changes.steps().count(), 16);
    let notice = told
        .notices
        .iter()
        .find(|n| n.topic == "last-known")
        .unwrap();
    insta::assert_snapshot!(notice.text, @"The addresses of `gigadb-website` do not come from EC2, which could not be read. They are: bastion `198.51.101.1`, read now from the record of `bastion.gigadb.org`, as EC2 said 400 days ago; files `198.51.101.2`, read now from the record of `files.gigadb.org`, as EC2 said 400 days ago; web `198.51.101.3`, read now from the records of `gigadb.org`, `portainer.gigadb.org` (EC2 said 400 days ago: `192.0.2.10`; the records say otherwise, so that is not used).");
    // What a plan was made from makes the same plan again, as a saved one is.
    assert_eq!(
        plan(&topology, &intent, &told.observation, &Evidence::none()).unwrap(),
        told
    );
}

#[test]
fn in_a_failover_no_last_known_address_is_written_that_no_record_has() {
    let topology = topology(UPSTREAM);
    let mut failover = intent(&topology, "live", SYDNEY);
    failover.mode = Mode::Failover;
    // The names of the web endpoint moved already, and what is last known is nobody's any more.
    let mut world = world(&topology, HK);
    for name in ["gigadb.org", "portainer.gigadb.org"] {
        record_mut(&mut world, name).content = "198.51.100.3".to_owned();
    }
    world
        .sides
        .insert(HK.parse().unwrap(), last_known(&world, "192.0.2.10"));
    let told = planned(&topology, &failover, &world).unwrap();
    assert_eq!(told.blocking().count(), 0);
    assert!(
        told.changes
            .steps()
            .all(|step| !step.to.starts_with("192.0.2."))
    );
    let owed: Vec<String> = told
        .owed
        .iter()
        .map(|owed| owed.object.to_string())
        .collect();
    assert_eq!(
        owed,
        [
            "A record of `alt-live.gigadb.host`",
            "A record of `portainer.alt-live.gigadb.host`"
        ]
    );
    // A record that holds it confirms it.
    record_mut(&mut world, "alt-live.gigadb.host").content = "192.0.2.10".to_owned();
    let told = planned(&topology, &failover, &world).unwrap();
    let to: Vec<&str> = told
        .changes
        .steps()
        .filter(|step| step.to.starts_with("192.0.2."))
        .map(|step| step.from.as_deref().unwrap())
        .collect();
    assert_eq!(to, ["198.51.100.3"]);
    assert_eq!(told.owed, []);
}

#[test]
fn in_a_failover_names_that_disagree_leave_the_standby_as_it_is() {
    let topology = topology(UPSTREAM);
    let mut intent = intent(&topology, "live", SYDNEY);
    intent.mode = Mode::Failover;
    let mut world = world(&topology, HK);
    record_mut(&mut world, "portainer.gigadb.org").content = "192.0.2.66".to_owned();
    world
        .sides
        .insert(HK.parse().unwrap(), last_known(&world, "192.0.2.10"));
    let told = planned(&topology, &intent, &world).unwrap();
    assert_eq!(told.blocking().count(), 0);
    assert_eq!(told.owed.len(), 2, "{:?}", told.owed);
    assert!(
        told.changes
            .steps()
            .all(|step| !step.to.starts_with("192.0.2."))
    );
}

#[test]
fn a_region_that_answers_again_has_not_moved() {
    let topology = topology(UPSTREAM);
    let mut intent = intent(&topology, "live", SYDNEY);
    intent.mode = Mode::Failover;
    let whole = world(&topology, HK);
    let mut lost = whole.clone();
    lost.sides.insert(
        HK.parse().unwrap(),
        Reading::failed(unreachable("no answer")),
    );
    let plan = planned(&topology, &intent, &lost).unwrap();
    let moved = |world: &World| {
        let sides = [
            &intent.arrangement.production,
            &intent.arrangement.hot_standby,
        ];
        let now = observe(&topology, "live", world);
        unchanged_since_plan::moved(&plan.observation, &now, &plan.desired, sides)
    };
    assert_eq!(moved(&whole), []);
    let mut other = whole;
    for eip in &mut side_mut(&mut other, HK).elastic_ips {
        if eip.name == "eip-gigadb-live-gigadb" {
            eip.address = "192.0.2.10".parse().unwrap();
        }
    }
    let moved = moved(&other);
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].planned_from, "198.51.101.3");
}
