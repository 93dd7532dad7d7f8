//! The lease, on GitLab's lock of a Terraform state.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use gigadb_clients::{
    Apis, Patience,
    journal::RunId,
    lease::{Lease, NotTaken, Released},
    process::Process,
};
use gigadb_engine::{
    rules::one_swap_at_a_time::LeasePlace,
    world::{Failure, FailureKind},
};
use gigadb_simulator::{
    Effect, Fault,
    world::{PROJECT, StateLock},
};
use tokio_util::sync::CancellationToken;

use super::setup::Bench;

const LOCK: &str = "/projects/{id}/terraform/state/{name}/lock";

pub(crate) fn place() -> LeasePlace {
    LeasePlace {
        project: PROJECT.to_owned(),
        name: "gigadb-roles-live".to_owned(),
    }
}

fn run(number: u16) -> RunId {
    format!("20261122T093000123Z-live-{number:04x}")
        .parse()
        .unwrap()
}

/// Who holds the lease at the simulator.
pub(crate) fn held(bench: &Bench) -> Option<StateLock> {
    let world = bench.simulator.world();
    let states = &world.gitlab.project(PROJECT).unwrap().terraform_states;
    states.get(&place().name)?.lock.clone()
}

/// Gives the lease to somebody.
pub(crate) fn give(bench: &Bench, id: &str) {
    bench.simulator.edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        let state = project.terraform_states.entry(place().name).or_default();
        state.lock = Some(StateLock {
            id: id.to_owned(),
            username: "alice".to_owned(),
            created: "2026-11-22T09:30:00Z".to_owned(),
        });
    });
}

async fn take(apis: &Apis, number: u16) -> Result<Lease, NotTaken> {
    let cancel = CancellationToken::new();
    let reason = Some("release 4.2");
    apis.take_lease(&place(), &run(number), reason, Patience::Ordinary, &cancel)
        .await
}

/// A process of this machine that waits for its input to end.
pub(crate) fn waiting() -> Child {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).spawn().unwrap()
}

/// The id of a lease that such a process took.
pub(crate) fn id_of(process: &Process) -> String {
    let Process { host, pid, start } = process;
    let start = start.as_deref().unwrap();
    format!("gigadb-1:{}:{host}:{pid}:{start}:by-hand", run(7))
}

pub(crate) fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn impatient(bench: &Bench) -> Apis {
    let mut settings = bench.settings();
    settings.timing.attempt = Duration::from_millis(500);
    Apis::new(settings)
}

#[tokio::test]
async fn a_lease_is_held_until_it_is_given_back() {
    let bench = Bench::start().await;
    let apis = bench.apis();
    let lease = take(&apis, 1).await.unwrap();
    let shown = held(&bench).unwrap();
    assert_eq!(shown.id, lease.id());
    let this = Process::this();
    for part in [run(1).as_str(), &this.pid.to_string(), "release-4.2"] {
        assert!(shown.id.contains(part), "{}", shown.id);
    }
    assert_eq!(apis.release_lease(lease).await, Released::Free);
    assert_eq!(held(&bench), None);
    assert_eq!(bench.simulator.requests().len(), 2);
}

#[tokio::test]
async fn somebody_elses_lease_refuses_and_names_them() {
    let bench = Bench::start().await;
    for id in ["0f7a4c1e-1111", "gigadb-1:no"] {
        give(&bench, id);
        let Err(NotTaken::Held(holder)) = take(&bench.apis(), 1).await else {
            panic!("taken");
        };
        assert_eq!(
            holder.to_string(),
            "by `alice` since 2026-11-22T09:30:00Z",
            "{id}"
        );
        assert_eq!(held(&bench).unwrap().id, id);
    }
}

#[tokio::test]
async fn a_running_process_keeps_its_lease_and_a_gone_one_loses_it() {
    let bench = Bench::start().await;
    let child = waiting();
    let id = id_of(&Process::numbered(child.id()));
    give(&bench, &id);
    let Err(NotTaken::Held(holder)) = take(&bench.apis(), 1).await else {
        panic!("taken");
    };
    let process = holder.process.unwrap();
    assert_eq!(process.pid, child.id());
    assert_eq!(process.run, run(7).as_str());
    assert_eq!(process.reason.as_deref(), Some("by-hand"));
    assert_eq!(held(&bench).unwrap().id, id);

    end(child);
    let lease = take(&bench.apis(), 1).await.unwrap();
    assert_eq!(lease.left_by.as_ref().unwrap().id, id);
    assert_eq!(held(&bench).unwrap().id, lease.id());
}

#[tokio::test]
async fn what_cannot_be_told_is_held() {
    let bench = Bench::start().await;
    let child = waiting();
    let gone = Process::numbered(child.id());
    end(child);
    let elsewhere = Process {
        host: "elsewhere.example.org".to_owned(),
        ..gone.clone()
    };
    let before_the_boot = Process {
        start: Some("0badb007-4026531836-1".to_owned()),
        ..gone
    };
    for process in [elsewhere, before_the_boot] {
        let id = id_of(&process);
        give(&bench, &id);
        let refused = take(&bench.apis(), 1).await;
        assert!(matches!(refused, Err(NotTaken::Held(_))), "{refused:?}");
        assert_eq!(held(&bench).unwrap().id, id);
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    for effect in [
        Effect::ResetBeforeCommit,
        Effect::ResetAfterCommit,
        Effect::CommitThenHang,
        Effect::Hang,
        Effect::BadGateway,
    ] {
        let bench = Bench::start().await;
        let apis = impatient(&bench);
        let lost = Fault::new(effect.clone()).template(LOCK);
        bench.simulator.fault(lost.clone().method("POST"));
        let lease = take(&apis, 1).await.unwrap();
        assert_eq!(held(&bench).unwrap().id, lease.id(), "{effect:?}");

        bench.simulator.fault(lost.method("DELETE"));
        assert_eq!(apis.release_lease(lease).await, Released::Free);
        assert_eq!(held(&bench), None, "{effect:?}");
        assert_eq!(bench.simulator.pending_faults(), 0);
    }
}

#[tokio::test]
async fn what_is_never_answered_is_given_up_with_nothing_left_behind() {
    let bench = Bench::start().await;
    let apis = impatient(&bench);
    let lost = Fault::new(Effect::CommitThenHang).template(LOCK);
    bench.simulator.fault(lost.method("POST").always());
    let Err(NotTaken::Failed(failure)) = take(&apis, 1).await else {
        panic!("taken");
    };
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert_eq!(held(&bench), None);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let bench = Bench::start().await;
    let refused = Fault::new(Effect::Refuse).template(LOCK);
    bench.simulator.fault(refused);
    let Err(NotTaken::Failed(Failure { kind, .. })) = take(&bench.apis(), 1).await else {
        panic!("taken");
    };
    assert_eq!(kind, FailureKind::Refused);
    // One to take it, and one to give back what a gateway may have refused too late.
    assert_eq!(bench.simulator.requests().len(), 2);
}

#[tokio::test]
async fn a_refusal_that_comes_after_the_lease_was_taken_leaves_nothing_behind() {
    let bench = Bench::start().await;
    let refused = || {
        let effect = Effect::RefuseAfterCommit {
            status: 403,
            html: false,
        };
        Fault::new(effect).template(LOCK).method("POST")
    };
    bench.simulator.fault(refused());
    let Err(NotTaken::Failed(_)) = take(&bench.apis(), 1).await else {
        panic!("taken");
    };
    assert_eq!(held(&bench), None);
    bench.simulator.fault(refused());
    let never = CancellationToken::new();
    let looked = bench.apis().lease_holder(&place(), &run(2), &never).await;
    assert!(looked.is_err());
    assert_eq!(held(&bench), None);
}

#[tokio::test]
async fn an_answer_that_does_not_show_the_lease_is_none() {
    for (status, method) in [(200, "POST"), (207, "POST"), (204, "POST"), (200, "DELETE")] {
        let bench = Bench::start().await;
        let apis = impatient(&bench);
        let effect = Effect::Error {
            status,
            code: String::new(),
            message: "Terraform state is locked".to_owned(),
        };
        let fault = Fault::new(effect).template(LOCK).method(method).always();
        if method == "POST" {
            bench.simulator.fault(fault);
            let taken = take(&apis, 1).await;
            assert!(matches!(taken, Err(NotTaken::Failed(_))), "{status}");
        } else {
            let lease = take(&apis, 1).await.unwrap();
            bench.simulator.fault(fault);
            let released = apis.release_lease(lease).await;
            assert!(matches!(released, Released::Failed(_)), "{released:?}");
        }
    }
}

#[tokio::test]
async fn runs_of_one_process_share_it_and_the_last_gives_it_back() {
    let bench = Bench::start().await;
    let apis = bench.apis();
    let clone = apis.clone();
    let (one, two) = tokio::join!(take(&apis, 1), take(&clone, 2));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.id(), two.id());
    assert_eq!(apis.release_lease(one).await, Released::Shared);
    assert!(held(&bench).is_some());
    assert_eq!(clone.release_lease(two).await, Released::Free);
    assert_eq!(held(&bench), None);
    assert_eq!(bench.simulator.requests().len(), 2);
}

#[tokio::test]
async fn of_two_programs_at_once_one_gets_it() {
    let bench = Bench::start().await;
    let (mine, theirs) = (bench.apis(), bench.apis());
    let (one, two) = tokio::join!(take(&mine, 1), take(&theirs, 2));
    let won = match (one, two) {
        (Ok(won), Err(NotTaken::Held(holder))) | (Err(NotTaken::Held(holder)), Ok(won)) => {
            assert_eq!(holder.id, won.id());
            won
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(held(&bench).unwrap().id, won.id());
}

#[tokio::test]
async fn a_lease_that_could_not_be_given_back_serves_the_next_run_of_this_process() {
    let bench = Bench::start().await;
    let apis = bench.apis();
    let lease = take(&apis, 1).await.unwrap();
    let id = lease.id().to_owned();
    let refused = Fault::new(Effect::Refuse).template(LOCK);
    bench.simulator.fault(refused.method("DELETE"));
    let released = apis.release_lease(lease).await;
    assert!(matches!(released, Released::Failed(_)), "{released:?}");
    let again = take(&apis, 2).await.unwrap();
    assert_eq!(again.id(), id);
    assert_eq!(apis.release_lease(again).await, Released::Free);
    assert_eq!(held(&bench), None);
}

#[tokio::test]
async fn a_lease_is_deleted_under_its_own_id_alone() {
    let bench = Bench::start().await;
    let apis = bench.apis();
    give(&bench, "theirs");
    assert_eq!(
        apis.delete_lease(&place(), "other").await,
        Released::NotHeld
    );
    assert_eq!(held(&bench).unwrap().id, "theirs");
    assert_eq!(apis.delete_lease(&place(), "theirs").await, Released::Free);
    assert_eq!(held(&bench), None);

    let lease = take(&apis, 1).await.unwrap();
    give(&bench, "somebody-forced-it");
    assert_eq!(apis.release_lease(lease).await, Released::NotHeld);
    assert_eq!(held(&bench).unwrap().id, "somebody-forced-it");
}

#[tokio::test]
async fn looking_leaves_things_as_they_are() {
    let bench = Bench::start().await;
    let apis = bench.apis();
    assert_eq!(
        apis.lease_holder(&place(), &run(1), &CancellationToken::new())
            .await,
        Ok(None)
    );
    assert_eq!(held(&bench), None);
    give(&bench, "theirs");
    let holder = apis
        .lease_holder(&place(), &run(1), &CancellationToken::new())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (holder.id.as_str(), holder.who.as_deref()),
        ("theirs", Some("alice"))
    );
    assert_eq!(held(&bench).unwrap().id, "theirs");
}

#[tokio::test]
async fn a_stop_takes_nothing() {
    let bench = Bench::start().await;
    let apis = bench.apis();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let taken = apis
        .take_lease(&place(), &run(1), None, Patience::Ordinary, &cancel)
        .await;
    assert_eq!(taken.unwrap_err(), NotTaken::Stopped);
    assert!(bench.simulator.requests().is_empty());

    // In the middle: the request in flight is finished, and what it took is given back.
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    bench
        .simulator
        .fault(Fault::hook(move |_| stop.cancel()).template(LOCK));
    let lost = Fault::new(Effect::ResetAfterCommit).template(LOCK);
    bench.simulator.fault(lost);
    let taken = apis
        .take_lease(&place(), &run(1), None, Patience::Ordinary, &cancel)
        .await;
    if let Ok(lease) = taken {
        assert_eq!(apis.release_lease(lease).await, Released::Free);
    }
    assert_eq!(held(&bench), None);
}
