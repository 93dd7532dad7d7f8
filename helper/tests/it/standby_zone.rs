//! A zone that holds names of the hot standby alone cannot be read: who is production is known all
//! the same, and nothing says that such a name is wrong.

use std::time::{Duration, Instant};

use gigadb_simulator::{Api, Effect, Fault};

use crate::{
    runs::FAILOVER,
    stage::{Stage, text},
};

/// The answers that tell no records.
const CASES: [Effect; 3] = [
    Effect::Refuse,
    Effect::ServerError,
    Effect::ResetBeforeCommit,
];
const UNREAD: &str = "the records of zone `gigadb.host` could not be read: ";
const NAMES: [&str; 3] = [
    "alt-live.gigadb.host",
    "bastion.alt-live.gigadb.host",
    "portainer.alt-live.gigadb.host",
];

/// Answers the records of one zone so from the read after `skip` others on.
fn spoil(stage: &Stage, zone: &str, effect: Effect, skip: u64) {
    let mut id = String::new();
    stage.simulator.edit(|world| {
        id.clone_from(&world.cloudflare.zone_mut(zone).unwrap().id);
    });
    let fault = Fault::new(effect).api(Api::Cloudflare).method("GET");
    let fault = fault.path_contains(&format!("{id}/dns_records"));
    stage.simulator.fault(fault.skip(skip).always());
}

#[test]
fn who_is_production_is_known_all_the_same() {
    for effect in CASES {
        let stage = Stage::sop();
        spoil(&stage, "gigadb.host", effect, 0);
        let told = stage.run(&["status", "--environment", "live"]);
        assert!(told.starts_with("exit 0\n"), "{told}");
        assert_eq!(told.matches(UNREAD).count(), 1, "{told}");
        assert!(told.contains("unknown"), "{told}");
        assert!(!told.contains("has not exactly one"), "{told}");

        // For staging this zone decides; live is told all the same.
        let told = stage.run(&["status"]);
        assert!(told.starts_with("exit 0\n"), "{told}");
        assert!(
            told.contains("live         unknown  production   gigadb-website"),
            "{told}"
        );
        let unclear = format!("It is not clear who has which role: {UNREAD}");
        assert_eq!(told.matches(&unclear).count(), 1, "{told}");

        let env = [
            "exec",
            "--role",
            "production",
            "--environment",
            "live",
            "--",
        ];
        let told =
            stage.run(&[&env[..], &["sh", "-c", "echo it is $GIGADB_INFRASTRUCTURE"]].concat());
        assert!(told.starts_with("exit 0\n"), "{told}");
        assert!(told.contains("it is gigadb-website"), "{told}");
        assert!(told.contains(UNREAD), "{told}");

        let list = ["inventory", "--list", "--environment", "live"];
        let output = stage.output(&list);
        let inventory: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let production = &inventory["production_live_web"]["hosts"];
        assert!(
            production.to_string().contains("gigadb-website-live"),
            "{production}"
        );
        assert!(text(&output.stderr).contains(UNREAD));
    }
}

#[test]
fn a_switchover_waits_for_it_and_a_failover_owes_its_names() {
    for effect in CASES {
        let stage = Stage::sop();
        spoil(&stage, "gigadb.host", effect, 0);
        let told = stage.run(&["swap", "--environment", "live", "--yes"]);
        assert!(told.starts_with("exit 1\n"), "{told}");
        let refused =
            "error[single-a-record]: The records of zone `gigadb.host` could not be read: ";
        assert!(told.contains(refused), "{told}");
        let writes = |stage: &Stage| {
            let requests = stage.simulator.requests();
            requests.iter().filter(|r| r.is_write()).count()
        };
        assert_eq!(writes(&stage), 0);

        let told = stage.run(&FAILOVER);
        assert!(told.starts_with("exit 3\n"), "{told}");
        assert!(told.contains(" 3 items are owed."), "{told}");
        for (name, address) in NAMES
            .iter()
            .zip(["198.51.100.10", "198.51.100.11", "198.51.100.10"])
        {
            let wanted = format!("A record of `{name}` should be {address}");
            assert!(told.contains(&wanted), "{wanted}: {told}");
        }
        assert!(told.contains(UNREAD), "{told}");
        stage.simulator.edit(|world| {
            let apex = world.cloudflare.record_mut("gigadb.org", "A").unwrap();
            assert_eq!(apex.content, "203.0.113.10");
        });
    }
}

/// What the closing reading shows is told zone by zone: what could be read back is in force.
#[test]
fn one_zone_that_cannot_be_read_back_says_nothing_of_the_others() {
    for (zone, unread) in [("gigadb.host", 3), ("gigadb.org", 5)] {
        let stage = Stage::sop();
        // The plan, and the second look.
        spoil(&stage, zone, Effect::Refuse, 2);
        let told = stage.run(&["swap", "--environment", "live", "--yes"]);
        assert!(told.starts_with("exit 5\n"), "{told}");
        let read = format!("changed: In force ({} of 16)\n", 16 - unread);
        assert!(told.contains(&read), "{told}");
        let not_read = format!(
            "Accepted, and not read back ({unread} of 16): it could not be read back: the records of zone `{zone}` could not be read: "
        );
        assert!(told.contains(&not_read), "{told}");
        assert!(
            told.contains("was applied, and not all of it could be read back: "),
            "{told}"
        );
    }
}

/// Nobody who asks for the roles waits for a zone that decides nothing, and no first batch of a
/// failover.
#[test]
fn a_zone_that_hangs_is_waited_for_as_long_as_it_decides() {
    let stage = Stage::sop();
    spoil(&stage, "gigadb.host", Effect::Hang, 0);
    let late = "Cloudflare did not tell the records of `gigadb.host` within 2 s of those that say who is production";
    let exec = [
        "exec",
        "--role",
        "production",
        "--environment",
        "live",
        "--",
        "true",
    ];
    let live = ["--environment", "live"];
    let status = [&["status"], &live[..]].concat();
    let questions: [&[&str]; 2] = [&status, &exec];
    for question in questions {
        let started = Instant::now();
        let told = stage.run(question);
        assert!(
            told.starts_with("exit 0\n") && told.contains(late),
            "{told}"
        );
        assert!(
            started.elapsed() < Duration::from_secs(6),
            "{:?}",
            started.elapsed()
        );
    }
    let started = Instant::now();
    let told = stage.run(&FAILOVER);
    assert!(told.starts_with("exit 3\n"), "{told}");
    assert!(told.contains(" 3 items are owed."), "{told}");
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
}

/// The token dies between two requests: what was refused and could not be read since is not said
/// to stand.
#[test]
fn what_was_never_seen_in_force_is_not_said_to_stand() {
    let stage = Stage::sop();
    let refused = || Fault::new(Effect::Refuse).api(Api::Cloudflare);
    stage.simulator.fault(refused().method("POST").always());
    // The plan and the second look read two zones each.
    let reads = refused().method("GET").path_contains("dns_records");
    stage.simulator.fault(reads.skip(4).always());
    let stage = stage.with("GIGADB_OPEN_FOR", "30");
    let told = stage.run(&["swap", "--environment", "live", "--yes"]);
    assert!(told.starts_with("exit 3\n"), "{told}");
    assert!(told.contains("Put back (8 of 16)"), "{told}");
    assert!(told.contains("Not certain (3 of 16)"), "{told}");
    assert!(!told.contains("Not put back"), "{told}");
}
