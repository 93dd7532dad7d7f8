//! A zone whose records cannot be read: one of production decides, one of the hot standby's names
//! alone keeps what was known of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's own fixtures"
)]

mod model;

use gigadb_engine::{
    evidence::Evidence,
    intent::{Intent, Mode},
    name::Hostname,
    object::Object,
    observation::{Observation, Part, environment_of},
    plan::{Plan, plan},
    rules::{Rule, Severity, unchanged_since_plan},
    topology::Topology,
    verify::verify_plan,
    view::Status,
    world::{Failure, FailureKind, Reading, World},
};
use model::{UPSTREAM, environment, intent, observe, topology, world};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";

/// The world in which the records of one zone cannot be read.
fn without(world: &World, zone: &str, kind: FailureKind) -> World {
    let mut world = world.clone();
    let zones = world.zones.read().unwrap();
    let zone = zones.iter().find(|one| one.name.as_str() == zone).unwrap();
    let failure = Reading::failed(Failure::new(kind, "no answer"));
    world.records.insert(zone.id.clone(), failure);
    world
}

fn after(topology: &Topology, world: &World, before: &Observation) -> Observation {
    Observation::project(topology, &environment("live"), world, Some(before)).unwrap()
}

fn planned(topology: &Topology, intent: &Intent, observation: &Observation) -> Plan {
    plan(topology, intent, observation, &Evidence::none()).unwrap()
}

fn names(plan: &Plan) -> Vec<String> {
    plan.owed.iter().map(|owed| owed.object.key()).collect()
}

#[test]
fn one_of_production_decides_and_one_of_the_standby_does_not() {
    let topology = topology(UPSTREAM);
    let world = world(&topology, HK);
    let live = environment("live");
    let project = |zone: &str| {
        let world = without(&world, zone, FailureKind::Unreachable);
        Observation::project(&topology, &live, &world, None)
    };
    let refused = project("gigadb.org").unwrap_err().to_string();
    assert_eq!(
        refused,
        "the records of zone `gigadb.org` could not be read: no answer"
    );
    let observation = project("gigadb.host").unwrap();
    let parts: Vec<Part> = observation.failures().into_iter().map(|(p, _)| p).collect();
    assert_eq!(parts, [Part::Zone("gigadb.host".parse().unwrap())]);
    let hidden = observation.names.values().filter(|n| n.unread.is_some());
    assert_eq!(hidden.count(), 3);
}

#[test]
fn what_was_known_of_a_standby_name_is_kept_and_told_as_not_read() {
    let topology = topology(UPSTREAM);
    let world = world(&topology, HK);
    let before = observe(&topology, "live", &world);
    for (kind, severity) in [
        (FailureKind::Unreachable, Severity::Warning),
        (FailureKind::Refused, Severity::Error),
    ] {
        let hidden = without(&world, "gigadb.host", kind);
        let told = planned(
            &topology,
            &intent(&topology, "live", HK),
            &after(&topology, &hidden, &before),
        );
        assert!(told.is_empty());
        assert_eq!(told.observed, told.desired);
        assert_eq!(told.observed.status, Status::Unknown);
        let known = |hostname: &str| {
            let hostname: Hostname = hostname.parse().unwrap();
            let view = &told.observed.hostnames[&hostname];
            (view.address, view.infrastructure.clone())
        };
        let (address, owner) = known("alt-live.gigadb.host");
        assert!(address.is_some() && owner.unwrap().as_str() == SYDNEY);
        let [finding] = told.findings.as_slice() else {
            panic!("{:?}", told.findings);
        };
        assert_eq!(
            (finding.rule, finding.severity),
            (Rule::SingleARecord, severity)
        );
    }
}

#[test]
fn a_switchover_is_refused_and_a_failover_owes_the_names() {
    let topology = topology(UPSTREAM);
    let world = world(&topology, HK);
    let before = observe(&topology, "live", &world);
    let hidden = without(&world, "gigadb.host", FailureKind::Unreachable);
    let mut intent = intent(&topology, "live", SYDNEY);
    intent.overrides.insert(Rule::SingleARecord);
    for previous in [Some(&before), None] {
        let live = environment("live");
        let seen = Observation::project(&topology, &live, &hidden, previous).unwrap();
        intent.mode = Mode::Switchover;
        let told = planned(&topology, &intent, &seen);
        assert_eq!(told.blocking().count(), 1, "no override passes it");
        intent.mode = Mode::Failover;
        let told = planned(&topology, &intent, &seen);
        assert_eq!(told.blocking().count(), 0);
        let owed = [
            "alt-live.gigadb.host",
            "bastion.alt-live.gigadb.host",
            "portainer.alt-live.gigadb.host",
        ];
        assert_eq!(names(&told), owed);
        assert!(told.owed.iter().all(|owed| owed.wanted.is_some()
            && owed.reason == "the records of zone `gigadb.host` could not be read: no answer"));
        assert_eq!(told.changes.steps().count(), 13);
        let table = environment_of(&topology, &live).unwrap();
        // What is owed stays as it was, and is no difference.
        assert!(
            verify_plan(table, &told, &seen, &seen)
                .differences
                .iter()
                .all(|one| !owed.contains(&one.object.key().as_str()))
        );
    }
}

#[test]
fn what_was_not_read_has_not_moved() {
    let topology = topology(UPSTREAM);
    let world = world(&topology, HK);
    let read = observe(&topology, "live", &world);
    let mut edited = world.clone();
    model::record_mut(&mut edited, "alt-live.gigadb.host").content = "192.0.2.7".to_owned();
    let edited = observe(&topology, "live", &edited);
    let hidden = without(&world, "gigadb.host", FailureKind::Unreachable);
    let hidden = after(&topology, &hidden, &read);
    let mut intent = intent(&topology, "live", SYDNEY);
    intent.mode = Mode::Failover;
    let moved = |reviewed: &Observation, fresh: &Observation| {
        let desired = planned(&topology, &intent, reviewed).desired;
        let sides = [
            &intent.arrangement.production,
            &intent.arrangement.hot_standby,
        ];
        let moved = unchanged_since_plan::moved(reviewed, fresh, &desired, sides);
        moved.into_iter().map(|one| one.object).collect::<Vec<_>>()
    };
    assert_eq!(moved(&read, &hidden), []);
    assert_eq!(moved(&hidden, &read), []);
    assert_eq!(moved(&hidden, &edited), []);
    let name = Object::Name("alt-live.gigadb.host".parse().unwrap());
    assert_eq!(moved(&read, &edited), [name]);
}

#[test]
fn a_closing_reading_tells_what_each_zone_shows() {
    let topology = topology(UPSTREAM);
    let world = world(&topology, HK);
    let before = observe(&topology, "live", &world);
    let live = environment("live");
    for (zone, count) in [("gigadb.org", 5), ("gigadb.host", 3)] {
        let hidden = without(&world, zone, FailureKind::Refused);
        let read =
            Observation::project_as_far_as_read(&topology, &live, &hidden, Some(&before)).unwrap();
        let unread = read.names.values().filter(|name| name.unread.is_some());
        assert_eq!(unread.count(), count);
        let told = planned(&topology, &intent(&topology, "live", SYDNEY), &before);
        let table = environment_of(&topology, &live).unwrap();
        let verdict = verify_plan(table, &told, &before, &read);
        let not_read = verdict.differences.iter().filter(|d| d.unread.is_some());
        assert_eq!(not_read.count(), count);
    }
}
