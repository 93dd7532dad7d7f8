//! Rule `one-swap-at-a-time` and the journal, as an apply keeps them.

use gigadb_clients::journal::{self, Run};
use gigadb_simulator::{
    Api, Effect, Fault,
    world::{PROJECT, StateLock},
};
use tfplug::{Value, testing::ResourceDriver};

use crate::stage::{ALT, Stage, UPSTREAM, fine, live, refused, says, summaries, with};

const LOCK: &str = "/projects/{id}/terraform/state/{name}/lock";

/// A stage whose topology names a lock, with live as it is taken over.
async fn locked() -> (Stage, ResourceDriver) {
    let stage = Stage::sop().await;
    let lock = format!(
        "lock: {{ gitlab_project: {PROJECT}, name: \"gigadb-roles-{{environment}}\" }}\n\nenvironments:"
    );
    stage.edit_topology("environments:", &lock);
    let resource = stage.adopted().await;
    (stage, resource)
}

fn held(stage: &Stage) -> Option<StateLock> {
    let world = stage.simulator.world();
    let project = world.gitlab.project(PROJECT).unwrap();
    project
        .terraform_states
        .get("gigadb-roles-live")?
        .lock
        .clone()
}

fn give(stage: &Stage, id: &str) {
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        let states = &mut project.terraform_states;
        states.entry("gigadb-roles-live".into()).or_default().lock = Some(StateLock {
            id: id.to_owned(),
            username: "alice".to_owned(),
            created: "2026-11-22T09:30:00Z".to_owned(),
        });
    });
}

fn runs(stage: &Stage) -> Vec<Run> {
    let folder = stage.journals();
    let ids = journal::ids(&folder).unwrap();
    ids.iter()
        .map(|id| journal::read(&folder, id).unwrap())
        .collect()
}

/// What was asked of the lock, and how many writes there were but those to its state.
fn asked(stage: &Stage) -> (Vec<String>, usize) {
    let requests = stage.simulator.requests();
    let lock = requests.iter().filter(|r| r.template == LOCK);
    let lock = lock.map(|r| r.method.clone()).collect();
    let others = requests.iter().filter(|r| r.is_write());
    let of_state = |template: &str| template.contains("/terraform/state/");
    (lock, others.filter(|r| !of_state(&r.template)).count())
}

async fn apply(
    stage: &Stage,
    resource: &mut ResourceDriver,
    config: Value,
) -> tfplug::testing::Applied {
    fine(&resource.plan(config).await.diagnostics);
    stage.simulator.clear_requests();
    resource.apply().await
}

#[tokio::test]
async fn a_swap_holds_the_lease_and_keeps_a_journal() {
    let (stage, mut resource) = locked().await;
    let config = with(live(ALT), "reason", "release 4.2");
    let applied = apply(&stage, &mut resource, config).await;
    fine(&applied.diagnostics);
    assert_eq!(asked(&stage), (vec!["POST".into(), "DELETE".into()], 10));
    assert_eq!(held(&stage), None);
    // What the lease protects is read under it, and it is given back last.
    let requests = stage.simulator.requests();
    let place = |wanted: &dyn Fn(&str) -> bool| requests.iter().position(|r| wanted(&r.template));
    let taken = place(&|template| template == LOCK).unwrap();
    let first = place(&|template| template != LOCK && template != "/zones").unwrap();
    assert!(taken < first);
    assert_eq!(requests.last().unwrap().template, LOCK);

    let [run] = runs(&stage).try_into().unwrap();
    assert_eq!(run.header.reason.as_deref(), Some("release 4.2"));
    assert!(run.header.program.starts_with("terraform-provider-gigadb "));
    assert_eq!(run.statuses().len(), 10);
    assert!(run.outcome().is_some());
    assert_eq!(run.header.lease.unwrap().name, "gigadb-roles-live");
}

#[tokio::test]
async fn where_nothing_is_written_there_is_no_lease_and_no_journal() {
    let (stage, mut resource) = locked().await;
    let config = with(live(UPSTREAM), "reason", "only words");
    let applied = apply(&stage, &mut resource, config).await;
    fine(&applied.diagnostics);
    assert_eq!(asked(&stage), (vec![], 0));
    assert!(runs(&stage).is_empty());
}

#[tokio::test]
async fn without_a_lock_none_is_taken() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let applied = apply(&stage, &mut resource, live(ALT)).await;
    fine(&applied.diagnostics);
    assert_eq!(asked(&stage), (vec![], 10));
    assert_eq!(runs(&stage).len(), 1);
    assert!(runs(&stage)[0].header.lease.is_none());
}

#[tokio::test]
async fn a_held_lease_refuses_and_names_the_holder() {
    let (stage, mut resource) = locked().await;
    give(&stage, "theirs");
    let applied = apply(&stage, &mut resource, live(ALT)).await;
    says(
        &applied.diagnostics,
        &[
            "live one-swap-at-a-time: The lease cannot be taken: the lock is held",
            "by `alice` since 2026-11-22T09:30:00Z",
            "Leave it to whoever holds it",
            "Nothing was changed.",
        ],
    );
    assert!(applied.diagnostics.has_errors());
    assert_eq!(asked(&stage), (vec!["POST".into()], 0));
    assert!(runs(&stage).is_empty());

    // The override passes it, and leaves it alone.
    let overrides = Value::set(["one-swap-at-a-time"]);
    let config = with(live(ALT), "overrides", overrides);
    let applied = apply(&stage, &mut resource, config).await;
    fine(&applied.diagnostics);
    says(
        &applied.diagnostics,
        &["live one-swap-at-a-time", "the override passes it"],
    );
    assert_eq!(held(&stage).unwrap().id, "theirs");
}

#[tokio::test]
async fn what_moved_before_the_lease_was_taken_is_seen_under_it() {
    let (stage, mut resource) = locked().await;
    fine(&resource.plan(live(ALT)).await.diagnostics);
    let moved = Fault::hook(|world| crate::stage::point(world, "gigadb.org", "192.0.2.1"));
    stage.simulator.fault(moved.template(LOCK));
    stage.simulator.clear_requests();
    let applied = resource.apply().await;
    says(
        &applied.diagnostics,
        &["live unchanged-since-plan", "gigadb.org"],
    );
    assert_eq!(asked(&stage), (vec!["POST".into(), "DELETE".into()], 0));
    assert_eq!(held(&stage), None);
    assert!(runs(&stage).is_empty());
}

#[tokio::test]
async fn a_switchover_is_not_begun_without_its_journal_and_a_failover_is() {
    let (stage, mut resource) = locked().await;
    std::fs::write(stage.journals(), "a file where the folder should be").unwrap();
    let applied = apply(&stage, &mut resource, live(ALT)).await;
    says(
        &applied.diagnostics,
        &["live journal: The journal could not be begun"],
    );
    assert_eq!(asked(&stage), (vec!["POST".into(), "DELETE".into()], 0));
    stage.simulator.clear_requests();
    refused(&stage, &applied.diagnostics, &["GIGADB_JOURNAL_DIR"]);

    let failover = with(live(ALT), "mode", "failover");
    let applied = apply(&stage, &mut resource, failover).await;
    fine(&applied.diagnostics);
    says(
        &applied.diagnostics,
        &["live journal", "The failover went on without a journal."],
    );
    assert_eq!(asked(&stage).1, 10);
}

#[tokio::test]
async fn a_failover_does_not_wait_for_the_lease() {
    let (stage, mut resource) = locked().await;
    let failover = with(live(ALT), "mode", "failover");
    fine(&resource.plan(failover).await.diagnostics);
    let out = Fault::new(Effect::BadGateway).api(Api::Gitlab);
    stage.simulator.fault(out.template(LOCK).always());
    let applied = resource.apply().await;
    fine(&applied.diagnostics);
    says(
        &applied.diagnostics,
        &["live one-swap-at-a-time", "goes on without a lease"],
    );
}

#[tokio::test]
async fn a_lease_that_stays_is_told_and_taken_back_by_the_next_run() {
    let (stage, mut resource) = locked().await;
    let kept = Fault::new(Effect::Refuse).template(LOCK).method("DELETE");
    stage.simulator.fault(kept);
    let applied = apply(&stage, &mut resource, live(ALT)).await;
    fine(&applied.diagnostics);
    let id = held(&stage).unwrap().id;
    says(
        &applied.diagnostics,
        &["live one-swap-at-a-time", &format!("unlock {id}")],
    );
    let warned = summaries(&applied.diagnostics);
    let about = |text: &&String| text.contains("one-swap-at-a-time");
    assert_eq!(warned.iter().filter(about).count(), 1, "{warned:?}");
}
