//! Earlier runs, taken further and taken back, on a model of the world.

#![expect(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use std::collections::BTreeSet;

use gigadb_engine::{
    changes::{Boundary, Target},
    earlier::{EarlierRun, Fate, Obstacle},
    evidence::Evidence,
    plan::Plan,
    rules::Rule,
    topology::Topology,
    world::World,
};
use model::{UPSTREAM, intent, observe, planned, topology, world};

/// A run that carried out the first `done` transactions of a plan, and maybe the next.
fn run(plan: &Plan, done: usize, next: Fate) -> EarlierRun {
    let all = plan.changes.transactions().count();
    let fate = |index: usize| match index {
        index if index < done => Fate::InForce,
        index if index == done => next,
        _ => Fate::NotInForce,
    };
    EarlierRun {
        intent: plan.intent.clone(),
        takes_back: false,
        stages: plan.changes.stages.clone(),
        fates: (0..all).map(fate).collect(),
        resumed_by: None,
    }
}

/// The world after the first `done` transactions.
fn after(mut world: World, plan: &Plan, done: usize) -> World {
    for transaction in plan.changes.transactions().take(done) {
        for step in &transaction.steps {
            model::apply_step(&mut world, step);
        }
    }
    world
}

fn none() -> BTreeSet<Rule> {
    BTreeSet::new()
}

fn swap(topology: &Topology, world: &World) -> Plan {
    let intent = intent(topology, "live", "alt-gigadb-website");
    planned(topology, &intent, world).unwrap()
}

#[test]
fn a_run_cut_off_anywhere_is_completed_or_taken_back() {
    let topology = topology(UPSTREAM);
    let start = world(&topology, "gigadb-website");
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let end = after(start.clone(), &plan, all);
    for done in 0..=all {
        for (sent, next) in [
            (done, Fate::NotInForce),
            (done, Fate::Perhaps),
            (all.min(done + 1), Fate::Perhaps),
        ] {
            let left = after(start.clone(), &plan, sent);
            let earlier = run(&plan, done, next);
            let observation = observe(&topology, "live", &left);
            let further = earlier
                .resume(&topology, &observation, &Evidence::none())
                .unwrap();
            let count = further.changes.transactions().count();
            assert_eq!(
                after(left.clone(), &further, count),
                end,
                "resume after {done}"
            );
            let back = earlier
                .revert(&topology, &observation, &Evidence::none(), &none())
                .unwrap();
            assert!(back.blocking().next().is_none(), "{:?}", back.findings);
            let count = back.changes.transactions().count();
            assert_eq!(after(left, &back, count), start, "revert after {done}");
        }
    }
}

/// The run that `plan` is, cut off after `done` transactions, with the world that it leaves.
fn cut_off(world: &World, plan: &Plan, done: usize, takes_back: bool) -> (World, EarlierRun) {
    let done = done.min(plan.changes.transactions().count());
    let mut earlier = run(plan, done, Fate::NotInForce);
    earlier.takes_back = takes_back;
    (after(world.clone(), plan, done), earlier)
}

#[test]
fn runs_that_were_resumed_are_taken_back_as_one() {
    let topology = topology(UPSTREAM);
    let start = world(&topology, "gigadb-website");
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let end = after(start.clone(), &plan, all);
    let look = |world: &World| observe(&topology, "live", world);
    let resumed = |earlier: &EarlierRun, world: &World| {
        earlier
            .resume(&topology, &look(world), &Evidence::none())
            .unwrap()
    };
    let reverted = |earlier: &EarlierRun, world: &World| {
        let back = earlier.revert(&topology, &look(world), &Evidence::none(), &none());
        let back = back.unwrap();
        assert!(back.blocking().next().is_none(), "{:?}", back.findings);
        back
    };
    for first in 0..=all {
        let (left, run) = cut_off(&start, &plan, first, false);
        for second in 0..=all - first {
            let (left, again) = cut_off(&left, &resumed(&run, &left), second, false);
            let both = run.clone().then(again);
            let (completed, third) = cut_off(&left, &resumed(&both, &left), all, false);
            assert_eq!(completed, end, "{first} and {second}");
            let whole = both.clone().then(third);
            assert!(resumed(&whole, &completed).changes.is_empty());
            for (earlier, world) in [(&both, &left), (&whole, &completed)] {
                let back = reverted(earlier, world);
                let steps = back.changes.transactions().count();
                // The way back, cut off anywhere, is completed, and taken back in its turn.
                for done in 0..=steps {
                    let (half, run) = cut_off(world, &back, done, true);
                    let rest = resumed(&run, &half);
                    assert!(rest.blocking().next().is_none(), "{:?}", rest.findings);
                    let (restored, rest) = cut_off(&half, &rest, all, true);
                    assert_eq!(restored, start, "{first} and {second}, back after {done}");
                    let forth = reverted(&run.then(rest), &restored);
                    let (forth, _) = cut_off(&restored, &forth, all, true);
                    assert_eq!(forth, *world, "{first} and {second}, forth after {done}");
                    // Or the first run is taken back once more.
                    let (restored, _) = cut_off(&half, &reverted(earlier, &half), all, true);
                    assert_eq!(restored, start);
                }
            }
        }
    }
}

/// The zones of a plan's batches, in the order of writing.
fn zones(plan: &Plan) -> Vec<String> {
    let batches = plan.changes.transactions();
    let zones = batches.filter_map(|one| match &one.boundary {
        Boundary::ZoneBatch { zone, .. } => Some(zone.name.to_string()),
        Boundary::Variable => None,
    });
    zones.collect()
}

#[test]
fn what_several_runs_wrote_of_a_zone_is_taken_back_in_one_batch() {
    let topology = topology(UPSTREAM);
    let start = world(&topology, "gigadb-website");
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let (end, mut first) = cut_off(&start, &plan, all, false);
    let as_one = first
        .revert(
            &topology,
            &observe(&topology, "live", &end),
            &Evidence::none(),
            &none(),
        )
        .unwrap();
    first.fates = vec![Fate::Perhaps; all];
    // One record or variable reads as before, whichever it is, and is written by the next run.
    for step in plan.changes.steps() {
        let mut left = end.clone();
        let mut lost = step.clone();
        lost.to.clone_from(&step.undo);
        model::apply_step(&mut left, &lost);
        let rest = first.resume(
            &topology,
            &observe(&topology, "live", &left),
            &Evidence::none(),
        );
        let (whole, again) = cut_off(&left, &rest.unwrap(), all, false);
        assert_eq!(whole, end);
        let back = first.clone().then(again).revert(
            &topology,
            &observe(&topology, "live", &whole),
            &Evidence::none(),
            &none(),
        );
        let back = back.unwrap();
        assert_eq!(zones(&back), zones(&as_one), "{}", step.target);
        // As if it had been one run, in the same order.
        assert_eq!(back.changes, as_one.changes, "{}", step.target);
        let (restored, _) = cut_off(&whole, &back, all, true);
        assert_eq!(restored, start);
    }
}

#[test]
fn a_run_of_another_environment_resumed_nothing_of_this_one() {
    let topology = topology(UPSTREAM);
    let start = world(&topology, "gigadb-website");
    let plan = swap(&topology, &start);
    let (left, first) = cut_off(&start, &plan, 1, false);
    let (left, mut other) = cut_off(&left, &swap(&topology, &left), 99, false);
    other.intent.environment = "staging".parse().unwrap();
    let observation = observe(&topology, "live", &left);
    let both = first.then(other);
    for result in [
        both.resume(&topology, &observation, &Evidence::none()),
        both.revert(&topology, &observation, &Evidence::none(), &none()),
    ] {
        let Err(Obstacle::Outside(faults)) = result else {
            panic!("{result:?}");
        };
        let said = "a run of environment `staging` is said to resume one of `live`";
        assert!(faults.iter().any(|fault| fault == said), "{faults:?}");
    }
}

#[test]
fn the_rest_of_a_way_back_is_its_own_steps_and_nothing_else() {
    let topology = topology(UPSTREAM);
    let mut start = world(&topology, "gigadb-website");
    // Somebody wrote a variable by hand, before the run that is taken back.
    let mut rows = model::rows_mut(&mut start, "alt-gigadb-website").iter_mut();
    let row = rows.find(|row| row.key.as_str() == "HOME_URL").unwrap();
    row.value = Some("https://gigadb.org".to_owned());
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let (end, forth) = cut_off(&start, &plan, all, false);
    let back = forth.revert(
        &topology,
        &observe(&topology, "live", &end),
        &Evidence::none(),
        &none(),
    );
    let back = back.unwrap();
    for done in 1..back.changes.transactions().count() {
        let (half, run) = cut_off(&end, &back, done, true);
        let rest = run.resume(
            &topology,
            &observe(&topology, "live", &half),
            &Evidence::none(),
        );
        let (restored, _) = cut_off(&half, &rest.unwrap(), all, true);
        assert_eq!(restored, start, "after {done}");
    }
}

#[test]
fn every_later_change_is_named_and_nothing_is_planned_over_it() {
    let topology = topology(UPSTREAM);
    let start = world(&topology, "gigadb-website");
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let earlier = run(&plan, all, Fate::NotInForce);
    let end = after(start, &plan, all);
    for step in plan.changes.steps() {
        let mut changed = end.clone();
        let mut foreign = step.clone();
        foreign.to = match step.target {
            Target::Record { .. } => "192.0.2.77".to_owned(),
            Target::Variable { .. } => "https://elsewhere.example.org".to_owned(),
        };
        model::apply_step(&mut changed, &foreign);
        let observation = observe(&topology, "live", &changed);
        let expected = step.target.to_string();
        for result in [
            earlier.resume(&topology, &observation, &Evidence::none()),
            earlier.revert(&topology, &observation, &Evidence::none(), &none()),
        ] {
            let Err(Obstacle::Changed(moved)) = result else {
                panic!("planned over {expected}");
            };
            let objects: Vec<String> = moved.iter().map(|one| one.object.to_string()).collect();
            assert_eq!(objects, [expected.as_str()]);
            assert_eq!(moved[0].present, foreign.to);
        }
    }
}

#[test]
fn an_address_that_is_nobodys_any_more_is_not_put_back() {
    let topology = topology(UPSTREAM);
    let start = world(&topology, "gigadb-website");
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let mut earlier = run(&plan, all, Fate::NotInForce);
    let end = after(start, &plan, all);
    for step in earlier
        .stages
        .iter_mut()
        .flatten()
        .flat_map(|t| &mut t.steps)
    {
        if matches!(&step.target, Target::Record { hostname, .. } if hostname.as_str() == "gigadb.org")
        {
            step.from = Some("192.0.2.77".to_owned());
            step.undo = "192.0.2.77".to_owned();
        }
    }
    let observation = observe(&topology, "live", &end);
    let refused = earlier
        .revert(&topology, &observation, &Evidence::none(), &none())
        .unwrap();
    let rules: Vec<Rule> = refused.blocking().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::Permutation]);
    // A waiver lets a foreign value be replaced, never be written.
    let waived = BTreeSet::from([Rule::Permutation]);
    let refused = earlier
        .revert(&topology, &observation, &Evidence::none(), &waived)
        .unwrap();
    assert_eq!(refused.blocking().count(), 1);
}

/// What an edited journal may hold, by what is edited in its first step or its last batch.
type Edit = fn(&mut EarlierRun);

#[test]
fn what_a_journal_says_is_judged_by_the_topology() {
    fn variable(run: &mut EarlierRun, edit: impl Fn(&mut Target)) {
        edit(&mut run.stages[0][0].steps[0].target);
    }
    fn last(run: &mut EarlierRun) -> &mut gigadb_engine::changes::Transaction {
        run.stages.last_mut().unwrap().last_mut().unwrap()
    }
    let edits: [(&str, Edit); 11] = [
        ("the project of `alt-gigadb-website` is", |run| {
            variable(run, |target| {
                if let Target::Variable { project, .. } = target {
                    *project = "gigascience/upstream/gigadb-website".to_owned();
                }
            });
        }),
        ("the run is one of environment `live`", |run| {
            variable(run, |target| {
                if let Target::Variable { scope, .. } = target {
                    *scope = "staging".parse().unwrap();
                }
            });
        }),
        ("the topology does not name this variable", |run| {
            variable(run, |target| {
                if let Target::Variable { key, .. } = target {
                    *key = "AWS_SECRET_ACCESS_KEY".parse().unwrap();
                }
            });
        }),
        ("is neither side of the run", |run| {
            variable(run, |target| {
                if let Target::Variable { infrastructure, .. } = target {
                    *infrastructure = "third".parse().unwrap();
                }
            });
        }),
        (
            "`https://evil.example.org` is neither role's value",
            |run| {
                run.stages[0][0].steps[0].to = "https://evil.example.org".to_owned();
            },
        ),
        ("the topology does not manage this name in `live`", |run| {
            if let Target::Record { hostname, .. } = &mut last(run).steps[0].target {
                *hostname = "staging.gigadb.org".parse().unwrap();
            }
        }),
        ("`nowhere` is no IPv4 address", |run| {
            last(run).steps[0].undo = "nowhere".to_owned();
        }),
        (
            "it does not belong to zone `gigadb.org` (id other)",
            |run| {
                if let gigadb_engine::changes::Boundary::ZoneBatch { zone, .. } =
                    &mut last(run).boundary
                {
                    zone.id = "other".parse().unwrap();
                }
            },
        ),
        ("it is written twice", |run| {
            let twice = last(run).steps[0].clone();
            last(run).steps.push(twice);
        }),
        ("it does not belong to a request of its own", |run| {
            let step = last(run).steps[0].clone();
            run.stages[0][0].steps = vec![step];
        }),
        ("the topology has no infrastructure `third`", |run| {
            run.intent.arrangement.hot_standby = "third".parse().unwrap();
        }),
    ];
    let topology = topology(UPSTREAM);
    let start = world(&topology, "gigadb-website");
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let end = after(start, &plan, all);
    let observation = observe(&topology, "live", &end);
    for (expected, edit) in edits {
        let mut edited = run(&plan, all, Fate::NotInForce);
        edit(&mut edited);
        for result in [
            edited.resume(&topology, &observation, &Evidence::none()),
            edited.revert(&topology, &observation, &Evidence::none(), &none()),
        ] {
            let Err(Obstacle::Outside(faults)) = result else {
                panic!("{expected}: {result:?}");
            };
            assert!(
                faults.iter().any(|fault| fault.contains(expected)),
                "{faults:?}"
            );
        }
    }
}

#[test]
fn what_was_created_is_set_to_what_the_restored_roles_require_and_not_deleted() {
    let text =
        format!("{UPSTREAM}\npolicy: {{ missing_records: create, missing_variables: create }}\n");
    let topology = topology(&text);
    let whole = world(&topology, "gigadb-website");
    let mut start = whole.clone();
    model::rows_mut(&mut start, "alt-gigadb-website").retain(|row| row.key.as_str() != "HOME_URL");
    model::records_mut(&mut start, "files.gigadb.org")
        .retain(|r| r.name.as_str() != "files.gigadb.org");
    let plan = swap(&topology, &start);
    let all = plan.changes.transactions().count();
    let earlier = run(&plan, all, Fate::NotInForce);
    let end = after(start, &plan, all);
    let back = earlier
        .revert(
            &topology,
            &observe(&topology, "live", &end),
            &Evidence::none(),
            &none(),
        )
        .unwrap();
    let count = back.changes.transactions().count();
    let restored = after(end, &back, count);
    let intent = intent(&topology, "live", "gigadb-website");
    assert_eq!(
        model::view(&topology, &intent, &restored),
        model::view(&topology, &intent, &whole)
    );
}
