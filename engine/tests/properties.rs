//! What holds for every plan, whatever the world.

#![allow(clippy::expect_used, reason = "a test's own fixtures")]

mod model;

use gigadb_engine::{
    intent::Intent,
    topology::Topology,
    world::{Reading, World},
};
use model::{
    UPSTREAM, apply, apply_step, every_name_has_one_address_of_the_two_sides, intent, planned,
    topology, view, world,
};
use proptest::prelude::*;

const SIDES: [&str; 2] = ["gigadb-website", "alt-gigadb-website"];

/// A world in which every managed record and row holds one of the two sides' values, at random:
/// what a swap that stopped anywhere may leave.
fn mixed(topology: &Topology, choices: &[bool]) -> World {
    let mut mixed = world(topology, SIDES[0]);
    let other = world(topology, SIDES[1]);
    let mut choices = choices.iter().cycle();
    for (zone, records) in &mut mixed.records {
        let (Reading::Read(records), Reading::Read(others)) = (records, &other.records[zone])
        else {
            panic!("both worlds are readable")
        };
        for record in records.iter_mut() {
            if *choices.next().expect("a cycle")
                && let Some(there) = others.iter().find(|r| r.id == record.id)
            {
                record.content.clone_from(&there.content);
            }
        }
    }
    for (side, rows) in &mut mixed.variables {
        let (Reading::Read(rows), Reading::Read(others)) = (rows, &other.variables[side]) else {
            panic!("both worlds are readable")
        };
        for row in rows.iter_mut() {
            if *choices.next().expect("a cycle")
                && let Some(there) = others
                    .iter()
                    .find(|r| r.key == row.key && r.scope == row.scope)
            {
                row.value.clone_from(&there.value);
            }
        }
    }
    mixed
}

fn shuffled(world: &World, seed: usize) -> World {
    fn turn<T>(list: &mut [T], seed: usize) {
        let len = list.len();
        if len > 1 {
            list.rotate_left(seed % len);
            list.swap(0, seed % len);
        }
    }
    fn each<T>(reading: &mut Reading<Vec<T>>, seed: usize) {
        if let Reading::Read(list) = reading {
            turn(list, seed);
        }
    }
    let mut world = world.clone();
    each(&mut world.zones, seed);
    world.records.values_mut().for_each(|r| each(r, seed));
    world.variables.values_mut().for_each(|r| each(r, seed));
    for side in world.sides.values_mut() {
        if let Reading::Read(side) = side {
            turn(&mut side.elastic_ips, seed);
            turn(&mut side.instances, seed);
        }
    }
    world
}

fn cases() -> impl Strategy<Value = (usize, usize, Vec<bool>)> {
    (
        0..2_usize,
        0..2_usize,
        proptest::collection::vec(any::<bool>(), 1..60),
    )
}

fn set_up(env: usize, side: usize) -> (Topology, Intent) {
    let topology = topology(UPSTREAM);
    let intent = intent(&topology, ["live", "staging"][env], SIDES[side]);
    (topology, intent)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn carried_out_the_change_set_gives_the_desired_world((env, side, choices) in cases()) {
        let (topology, intent) = set_up(env, side);
        let mut world = mixed(&topology, &choices);
        let plan = planned(&topology, &intent, &world).expect("computable");
        apply(&mut world, &plan.changes);
        prop_assert_eq!(&view(&topology, &intent, &world), &plan.desired);
        let again = planned(&topology, &intent, &world).expect("computable");
        prop_assert!(again.is_empty());
        prop_assert!(again.findings.is_empty());
    }

    #[test]
    fn undone_the_change_set_gives_the_world_before((env, side, choices) in cases()) {
        let (topology, intent) = set_up(env, side);
        let before = mixed(&topology, &choices);
        let mut world = before.clone();
        let plan = planned(&topology, &intent, &world).expect("computable");
        apply(&mut world, &plan.changes);
        for step in plan.changes.steps() {
            let mut undo = step.clone();
            undo.to.clone_from(&step.undo);
            apply_step(&mut world, &undo);
        }
        prop_assert_eq!(world, before);
    }

    #[test]
    fn after_every_step_each_name_has_one_address_of_the_two_sides((env, side, choices) in cases()) {
        let (topology, intent) = set_up(env, side);
        let mut world = mixed(&topology, &choices);
        let plan = planned(&topology, &intent, &world).expect("computable");
        for step in plan.changes.steps() {
            apply_step(&mut world, step);
            prop_assert!(every_name_has_one_address_of_the_two_sides(&topology, &intent, &world));
        }
    }

    #[test]
    fn the_order_of_answers_never_changes_the_plan((env, side, choices) in cases(), seed in 1..97_usize) {
        let (topology, intent) = set_up(env, side);
        let world = mixed(&topology, &choices);
        let plan = planned(&topology, &intent, &world);
        prop_assert_eq!(plan, planned(&topology, &intent, &shuffled(&world, seed)));
    }

    #[test]
    fn nothing_outside_the_environment_is_touched((env, side, choices) in cases()) {
        let (topology, intent) = set_up(env, side);
        let mut world = mixed(&topology, &choices);
        let other = set_up(1 - env, side).1;
        let before = (view(&topology, &other, &world), world.clone());
        let plan = planned(&topology, &intent, &world).expect("computable");
        apply(&mut world, &plan.changes);
        prop_assert_eq!(view(&topology, &other, &world), before.0);
        let rows = |w: &World| w.variables.values().filter_map(Reading::read).flatten()
            .filter(|r| r.scope != intent.environment.as_str()).cloned().collect::<Vec<_>>();
        prop_assert_eq!(rows(&world), rows(&before.1));
        let unrelated = |w: &World| w.records.values().filter_map(Reading::read).flatten()
            .filter(|r| r.name.as_str().starts_with("unrelated")).cloned().collect::<Vec<_>>();
        prop_assert_eq!(unrelated(&world), unrelated(&before.1));
    }
}

#[test]
fn two_swaps_restore_the_world() {
    let topology = topology(UPSTREAM);
    let first = world(&topology, SIDES[0]);
    let mut now = first.clone();
    for production in [SIDES[1], SIDES[0]] {
        let plan =
            planned(&topology, &intent(&topology, "live", production), &now).expect("computable");
        assert_eq!(plan.changes.steps().count(), 16);
        apply(&mut now, &plan.changes);
    }
    assert_eq!(now, first);
}

#[test]
fn an_observation_survives_its_own_serialization() {
    let topology = topology(UPSTREAM);
    let observation = model::observe(&topology, "live", &world(&topology, SIDES[0]));
    let text = serde_json::to_string(&observation).expect("serializable");
    assert_eq!(
        serde_json::from_str::<gigadb_engine::observation::Observation>(&text).expect("readable"),
        observation
    );
}
