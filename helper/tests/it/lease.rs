//! The lease around a run, and `unlock`.

use std::{
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::{
    Api, Effect, Fault, LoggedRequest,
    world::{PROJECT, StateLock},
};
use insta::assert_snapshot;

use crate::interlocks::until;
use crate::runs::{FAILOVER, SWAP, interrupt};
use crate::{earlier, stage::Stage};

const LOCK: &str = "lock: { gitlab_project: gigascience/upstream/gigadb-website, name: \"gigadb-roles-{environment}\" }\n";
/// A lease as another machine's run would hold it.
pub(crate) const THEIRS: &str =
    "gigadb-1:20261122T093000123Z-live-0a1b:bastion:4242:1a2b-3c-99:release";

/// A stage whose topology has a lock.
pub(crate) fn locked() -> Stage {
    let stage = Stage::sop();
    let topology = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let file = stage.write("topology.yaml", &(topology + LOCK));
    let file = file.to_str().unwrap().to_owned();
    stage.with("GIGADB_TOPOLOGY", &file)
}

/// Holds the lease of `live` as another machine's run does.
pub(crate) fn hold(stage: &Stage) {
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        let name = "gigadb-roles-live".to_owned();
        let state = project.terraform_states.entry(name).or_default();
        state.lock = Some(StateLock {
            id: THEIRS.to_owned(),
            username: "alice".to_owned(),
            created: "2026-11-22T09:30:00Z".to_owned(),
        });
    });
}

fn wrote_roles(stage: &Stage) -> bool {
    let requests = stage.simulator.requests();
    requests
        .iter()
        .any(|r| r.is_write() && !r.path.contains("/terraform/state/"))
}

#[test]
fn a_swap_holds_its_lease_and_gives_it_back() {
    let stage = locked();
    stage.answer(&SWAP);
    stage.answer(&SWAP);
    let requests = stage.simulator.requests();
    let leases: Vec<&str> = requests
        .iter()
        .filter(|r| r.path.ends_with("/lock"))
        .map(|r| r.method.as_str())
        .collect();
    assert_eq!(leases, ["POST", "DELETE", "POST", "DELETE"]);
}

/// A run whose question for the lease is not answered.
fn at_a_hanging_lease(arguments: &[&str]) -> (Stage, Child) {
    let stage = locked();
    let hangs = Fault::new(Effect::Hang).api(Api::Gitlab);
    let hangs = hangs.path_contains("gigadb-roles-live/lock");
    stage.simulator.fault(hangs.always());
    let child = stage
        .command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (stage, child)
}

/// How long Ctrl-C takes to be answered while the lease hangs.
fn interrupted_at_the_lease(arguments: &[&str]) -> Duration {
    let (stage, child) = at_a_hanging_lease(arguments);
    let asked = |request: &LoggedRequest| request.path.ends_with("/lock");
    while !stage.simulator.requests().iter().any(asked) {
        thread::yield_now();
    }
    let pressed = Instant::now();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let took = pressed.elapsed();
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(!wrote_roles(&stage), "{told}");
    took
}

#[test]
fn the_first_ctrl_c_is_answered_within_half_a_second_while_the_lease_hangs() {
    for arguments in [&SWAP[..], &FAILOVER] {
        // The best of three: what the rest of the machine does is not the program's.
        let took = (0..3).map(|_| interrupted_at_the_lease(arguments)).min();
        assert!(took < Some(Duration::from_millis(500)), "{took:?}");
    }
}

/// The lease is asked for and not answered: what is read meanwhile is not put off. Which of them arrives
/// first is nobody's to say.
#[test]
fn the_lease_is_asked_for_beside_the_reads() {
    // A plan reads the list of zones once, and the records of two zones.
    for (arguments, read, planned) in [
        (&SWAP[..], "/zones", 1),
        (&FAILOVER, "/zones/{zone_id}/dns_records", 2),
    ] {
        let (stage, child) = at_a_hanging_lease(arguments);
        let requests = || {
            let mut requests = stage.simulator.requests();
            requests.sort_by_key(|one| one.number);
            requests
        };
        let is_read = |one: &LoggedRequest| one.template == read;
        let is_lease = |one: &LoggedRequest| one.path.ends_with("/lock");
        until(|| {
            let requests = requests();
            let reads = requests.iter().filter(|one| is_read(one)).count();
            reads > planned && requests.iter().any(is_lease)
        });
        interrupt(&child);
        let told = stage.told(&child.wait_with_output().unwrap());
        assert!(told.starts_with("exit 130\n"), "{told}");
        // The lease was given up, or asked for again, only after the run's first reading.
        let requests = requests();
        let reads = requests.iter().enumerate().filter(|(_, one)| is_read(one));
        let first = reads.map(|(at, _)| at).nth(planned).unwrap();
        let leases = requests[..first].iter().filter(|one| is_lease(one));
        assert!(leases.count() <= 1, "{requests:#?}");
    }
}

#[test]
fn of_two_operators_at_once_the_second_is_refused_and_told_by_whom() {
    let stage = locked();
    hold(&stage);
    let told = stage.run(&SWAP);
    let (_, error) = told.split_once("error: ").unwrap();
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(error.contains("process 4242 on `bastion`"), "{error}");
    assert!(
        error.contains(
            &format!("gigadb-roles unlock {THEIRS}")
                .replace("20261122T093000123Z-live-0a1b", "RUN")
        ),
        "{error}"
    );
    assert!(!wrote_roles(&stage));
}

#[test]
fn unlock_deletes_exactly_the_lease_that_is_named() {
    let stage = locked();
    assert_snapshot!(stage.run(&["unlock", "x", "--yes"]), @r"
    exit 1
    -- stderr
    error: No lease is held under the id `x`.
      on:      no lease is held
      changed: Nothing was changed.
      next:    Name the id of a lease that is held, exactly as it is written.
    ");
    hold(&stage);
    let told = stage.run(&["unlock", "gigadb-1:other", "--yes"]);
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(told.contains("process 4242 on `bastion`"), "{told}");
    assert_eq!(stage.output(&SWAP).status.code(), Some(1));
    // Without a terminal and without --yes nothing is deleted.
    let output = stage.output(&["unlock", THEIRS]);
    assert_eq!(output.status.code(), Some(64), "{}", stage.told(&output));
    let mut terminal = stage.on_terminal(200, &["unlock", THEIRS]);
    terminal.wait_for("Type `unlock` to delete this lease: ");
    terminal.keys("no\n");
    assert_eq!(terminal.end().0, 1);
    let mut terminal = stage.on_terminal(200, &["unlock", THEIRS]);
    terminal.wait_for("Type `unlock` to delete this lease: ");
    terminal.keys("\u{3}");
    assert_eq!(terminal.end().0, 130);
    let answer = stage.answer(&["unlock", THEIRS, "--yes"]);
    assert_snapshot!(answer, @r"Deleted the lease `gigadb-roles-live` of GitLab project `gigascience/upstream/gigadb-website`.");
    stage.answer(&SWAP);
}

#[test]
fn a_failover_goes_on_where_the_lease_cannot_be_taken() {
    let stage = locked();
    let gone = Fault::new(Effect::ResetBeforeCommit).always();
    stage.simulator.fault(gone.api(Api::Gitlab));
    let output = stage.output(&FAILOVER);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("This run goes on without a lease."), "{told}");
}

pub(crate) fn holder(stage: &Stage) -> Option<String> {
    let world = stage.simulator.world();
    let states = &world.gitlab.project(PROJECT).unwrap().terraform_states;
    let lock = states.get("gigadb-roles-live")?.lock.as_ref()?;
    Some(lock.id.clone())
}

#[test]
fn a_run_killed_behind_its_last_write_is_resumed_and_its_lease_given_back() {
    let stage = locked();
    let id = earlier::killed_at_batch(&stage, 2);
    let left = holder(&stage).unwrap();
    assert!(left.contains(&id), "{left}");
    let told = stage.run(&["resume", &id]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    for said in [
        "that process is gone from this machine.",
        "The lease was given back; there was nothing to write.",
    ] {
        assert!(told.contains(said), "{said:?} is not in {told}");
    }
    assert_eq!(holder(&stage), None);
    // Nothing was left now, and somebody else's lease is left alone.
    hold(&stage);
    let told = stage.run(&["resume", &id]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(!told.contains("The lease"), "{told}");
    assert_eq!(holder(&stage).as_deref(), Some(THEIRS));
}

/// Whoever looks at a free lease holds it for a moment: Ctrl-C in that moment gives it back.
#[test]
fn ctrl_c_while_a_lease_is_looked_at_does_not_leave_it_held() {
    for looking in [
        &["status", "--format", "prometheus"][..],
        &["check"],
        &["unlock", THEIRS, "--yes"],
    ] {
        let stage = locked();
        let taken = Fault::new(Effect::CommitThenHang).api(Api::Gitlab);
        let taken = taken.method("POST").path_contains("gigadb-roles-live/lock");
        stage.simulator.fault(taken);
        let held = || {
            let world = stage.simulator.world();
            let states = &world.gitlab.project(PROJECT).unwrap().terraform_states;
            states
                .get("gigadb-roles-live")
                .is_some_and(|state| state.lock.is_some())
        };
        let mut command = stage.command(looking);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.unwrap();
        until(held);
        let began = Instant::now();
        interrupt(&child);
        let output = child.wait_with_output().unwrap();
        let told = stage.told(&output);
        assert_eq!(
            told, "exit 130\n-- stderr\ninterrupted: Nothing was changed.",
            "{looking:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(20), "{looking:?}");
        assert!(!held(), "{looking:?}");
    }
}
