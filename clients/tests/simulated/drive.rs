//! A swap from plan to outcome, with the engine's own executor.

use std::time::Duration;

use gigadb_clients::{Apis, Journal, NoJournal, Scope, Which};
use gigadb_engine::{
    evidence::Evidence,
    executor::{Announcement, End, Outcome, Report, TransactionId},
    intent::{Arrangement, Intent, Mode, OnFailure, Trade},
    name::RecordId,
    observation::Observation,
    plan::{Plan, plan},
};
use gigadb_simulator::{Api, Edit, Effect, Fault, World as Seed, world::PROJECT};
use insta::assert_snapshot;
use tokio_util::sync::CancellationToken;

use super::setup::Bench;

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";

pub(crate) fn swap(mode: Mode, on_failure: OnFailure) -> Intent {
    Intent {
        environment: "live".parse().unwrap(),
        arrangement: Arrangement {
            production: "alt-gigadb-website".parse().unwrap(),
            hot_standby: "gigadb-website".parse().unwrap(),
        },
        mode,
        prepare: None,
        on_failure,
        overrides: [].into(),
        trade: Trade::from(true),
    }
}

pub(crate) async fn make_plan(bench: &Bench, apis: &Apis, intent: &Intent) -> Plan {
    let world = bench.observe_with(apis).await;
    let observation =
        Observation::project(&bench.topology, &intent.environment, &world, None).unwrap();
    plan(&bench.topology, intent, &observation, &Evidence::none()).unwrap()
}

pub(crate) async fn carry_out(
    bench: &Bench,
    intent: &Intent,
    cancel: &CancellationToken,
) -> Outcome {
    carry_out_with(bench, &bench.apis(), intent, cancel).await
}

pub(crate) async fn carry_out_with(
    bench: &Bench,
    apis: &Apis,
    intent: &Intent,
    cancel: &CancellationToken,
) -> Outcome {
    let plan = make_plan(bench, apis, intent).await;
    assert_eq!(plan.changes.steps().count(), 16);
    bench.simulator.clear_requests();
    let policy = &bench.topology.policy;
    let mut journal = NoJournal;
    let run = apis.drive(&plan.changes, intent, policy, &mut journal, cancel);
    is_send(run).await
}

/// Terraform's server runs calls on any thread.
pub(crate) async fn is_send<T>(future: impl Future<Output = T> + Send) -> T {
    future.await
}

async fn swapped(bench: &Bench) -> Outcome {
    let intent = swap(Mode::Switchover, OnFailure::Revert);
    carry_out(bench, &intent, &CancellationToken::new()).await
}

/// The world of the procedure with the roles of live exchanged.
pub(crate) fn exchanged(seed: &Seed) -> Seed {
    let mut world = seed.clone();
    for zone in &mut world.cloudflare.zones {
        for record in &mut zone.records {
            for endpoint in ["10", "11", "12"] {
                let (here, there) = (
                    format!("198.51.100.{endpoint}"),
                    format!("203.0.113.{endpoint}"),
                );
                if record.content == here {
                    record.content = there;
                } else if record.content == there {
                    record.content = here;
                }
            }
        }
    }
    let [one, two] = world.gitlab.projects.as_mut_slice() else {
        panic!("two projects");
    };
    for key in [
        "HOME_URL",
        "REMOTE_HOME_URL",
        "REMOTE_HOSTNAME",
        "remote_fileserver_hostname",
    ] {
        let one = one.variable_mut(key, "live").unwrap();
        let two = two.variable_mut(key, "live").unwrap();
        std::mem::swap(&mut one.value, &mut two.value);
    }
    world
}

#[tokio::test]
async fn a_swap_exchanges_the_roles_in_ten_writes() {
    let bench = Bench::start().await;
    let expected = exchanged(&bench.simulator.world());
    let outcome = swapped(&bench).await;
    assert_eq!(outcome.end, End::Completed, "{outcome:?}");
    assert_eq!(bench.simulator.world().normalized(), expected.normalized());
    assert_snapshot!(bench.tally(), @r"
    2 x cloudflare POST /zones/{zone_id}/dns_records/batch 200
    8 x gitlab PUT /projects/{id}/variables/{key} 200
    ");
}

#[tokio::test]
async fn lost_answers_are_read_back_and_nothing_is_sent_twice() {
    let bench = Bench::start().await;
    let expected = exchanged(&bench.simulator.world());
    for (template, method) in [(BATCH, "POST"), ("/projects/{id}/variables/{key}", "PUT")] {
        let lost = Fault::new(Effect::ResetAfterCommit).template(template);
        bench.simulator.fault(lost.method(method));
    }
    let outcome = swapped(&bench).await;
    assert_eq!(outcome.end, End::Completed, "{outcome:?}");
    assert_eq!(bench.simulator.world().normalized(), expected.normalized());
    assert_eq!(bench.requests(Api::Cloudflare, "POST").len(), 2);
    assert_eq!(bench.requests(Api::Gitlab, "PUT").len(), 8);
}

#[tokio::test]
async fn a_stale_read_back_is_not_believed_at_once() {
    let bench = Bench::start().await;
    let lost = Fault::new(Effect::ResetAfterCommit).template(BATCH);
    bench.simulator.fault(lost);
    bench.simulator.fault(
        Fault::new(Effect::StaleRead)
            .template("/zones/{zone_id}/dns_records")
            .times(2),
    );
    // Observing comes before the first commit, so the stale reads are those after the batch.
    let outcome = swapped(&bench).await;
    assert_eq!(outcome.end, End::Completed, "{outcome:?}");
    assert_eq!(bench.simulator.pending_faults(), 0);
    assert_eq!(bench.requests(Api::Cloudflare, "POST").len(), 2);
}

#[tokio::test]
async fn a_refused_last_batch_takes_everything_back() {
    let bench = Bench::start().await;
    let before = bench.simulator.world();
    let refused = Fault::new(Effect::Refuse).template(BATCH).skip(1);
    bench.simulator.fault(refused);
    let outcome = swapped(&bench).await;
    assert_eq!(outcome.end, End::Reverted, "{outcome:?}");
    assert!(
        outcome.cause.as_ref().unwrap().contains("code 10000"),
        "{outcome:?}"
    );
    assert_eq!(bench.simulator.world().normalized(), before.normalized());
    assert!(bench.requests(Api::Cloudflare, "DELETE").is_empty());
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_undone() {
    let bench = Bench::start().await;
    let other = Edit::SetVariable {
        project: PROJECT.to_owned(),
        key: "HOME_URL".to_owned(),
        scope: "live".to_owned(),
        value: "https://maintenance.example".to_owned(),
    };
    let edit = Fault::new(Effect::EditBefore(vec![other])).template(BATCH);
    bench.simulator.fault(edit);
    let refused = Fault::new(Effect::Refuse).template(BATCH);
    bench.simulator.fault(refused);
    let outcome = swapped(&bench).await;
    assert_eq!(outcome.end, End::PartlyApplied, "{outcome:?}");
    let world = bench.simulator.world();
    let row = world.gitlab.project(PROJECT).unwrap();
    assert_eq!(
        row.variable("HOME_URL", "live").unwrap().value,
        "https://maintenance.example"
    );
}

#[tokio::test]
async fn a_stop_before_the_first_write_changes_nothing() {
    let bench = Bench::start().await;
    let before = bench.simulator.world();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let intent = swap(Mode::Switchover, OnFailure::Revert);
    let outcome = carry_out(&bench, &intent, &cancel).await;
    assert_eq!(outcome.end, End::NothingChanged, "{outcome:?}");
    assert_eq!(bench.simulator.world(), before);
    assert!(bench.simulator.requests().is_empty());
}

#[tokio::test]
async fn a_stop_in_the_middle_finishes_what_is_in_flight_and_takes_it_back() {
    let bench = Bench::start().await;
    let before = bench.simulator.world();
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    // The stop comes while the variables are being written.
    let hook = Fault::hook(move |_| stop.cancel()).api(Api::Gitlab);
    bench.simulator.fault(hook.method("PUT"));
    let intent = swap(Mode::Switchover, OnFailure::Revert);
    let outcome = carry_out(&bench, &intent, &cancel).await;
    assert_eq!(outcome.end, End::Reverted, "{outcome:?}");
    assert_eq!(bench.simulator.world().normalized(), before.normalized());
    assert_eq!(bench.requests(Api::Gitlab, "PUT").len(), 16);
    assert!(bench.requests(Api::Cloudflare, "POST").is_empty());
}

#[tokio::test]
async fn created_things_are_set_back_and_not_deleted() {
    let mut seed = Seed::sop();
    for zone in &mut seed.cloudflare.zones {
        zone.records.retain(|r| {
            r.name != "portainer.gigadb.org" && r.name != "portainer.alt-live.gigadb.host"
        });
    }
    let project = seed.gitlab.project_mut(PROJECT).unwrap();
    project
        .variables
        .retain(|v| v.key != "HOME_URL" || v.environment_scope != "live");
    let mut bench = Bench::start_with(seed).await;
    bench.topology.policy.missing_records = gigadb_engine::topology::Missing::Create;
    bench.topology.policy.missing_variables = gigadb_engine::topology::Missing::Create;
    let refused = Fault::new(Effect::Refuse).template(BATCH).skip(1);
    bench.simulator.fault(refused);
    let outcome = swapped(&bench).await;
    assert_eq!(outcome.end, End::Reverted, "{outcome:?}");
    let world = bench.simulator.world();
    // The first zone's record was created and points where the old arrangement has it.
    let record = world.cloudflare.records("portainer.alt-live.gigadb.host")[0];
    assert_eq!(record.content, "203.0.113.10");
    let row = world.gitlab.project(PROJECT).unwrap();
    assert_eq!(
        row.variable("HOME_URL", "live").unwrap().value,
        "https://gigadb.org"
    );
}

#[derive(Default)]
struct Notebook {
    lines: Vec<String>,
    full: bool,
}

impl Journal for Notebook {
    fn announce(&mut self, announcement: &Announcement) -> Result<(), String> {
        if self.full {
            return Err("no space left on device".to_owned());
        }
        self.lines.push(match announcement {
            Announcement::Send(ids) => format!("send {}", ids.len()),
            Announcement::Undo(id, steps) => format!("undo {} {steps:?}", id.0),
        });
        Ok(())
    }

    fn created(&mut self, transaction: TransactionId, step: usize, record: &RecordId) {
        let record = record.as_str();
        self.lines
            .push(format!("{} created {step} {record}", transaction.0));
    }

    fn note(&mut self, report: &Report) {
        let Report {
            transaction,
            status,
            ..
        } = report;
        self.lines.push(format!("{} {status:?}", transaction.0));
    }
}

#[tokio::test]
async fn the_journal_is_written_before_and_after() {
    let bench = Bench::start().await;
    let apis = bench.apis();
    let intent = swap(Mode::Switchover, OnFailure::Revert);
    let plan = make_plan(&bench, &apis, &intent).await;
    let policy = &bench.topology.policy;
    let cancel = CancellationToken::new();
    let before = bench.simulator.world();

    let mut full = Notebook {
        full: true,
        ..Notebook::default()
    };
    let outcome = apis
        .drive(&plan.changes, &intent, policy, &mut full, &cancel)
        .await;
    assert_eq!(outcome.end, End::NothingChanged);
    assert!(outcome.cause.unwrap().contains("no space left on device"));
    assert_eq!(bench.simulator.world(), before);

    let mut journal = Notebook::default();
    let outcome = apis
        .drive(&plan.changes, &intent, policy, &mut journal, &cancel)
        .await;
    assert_eq!(outcome.end, End::Completed);
    assert_eq!(journal.lines[0], "send 8");
    let mut variables = journal.lines[1..9].to_vec();
    variables.sort();
    assert_eq!(
        variables.join(", "),
        "0 Applied, 1 Applied, 2 Applied, 3 Applied, 4 Applied, 5 Applied, 6 Applied, 7 Applied"
    );
    assert_eq!(
        journal.lines[9..],
        ["send 1", "8 Applied", "send 1", "9 Applied"]
    );
}

#[tokio::test]
async fn the_journal_holds_the_ids_of_what_was_created() {
    for lost in [false, true] {
        let mut seed = Seed::sop();
        for zone in &mut seed.cloudflare.zones {
            zone.records.retain(|r| r.name != "portainer.gigadb.org");
        }
        let mut bench = Bench::start_with(seed).await;
        bench.topology.policy.missing_records = gigadb_engine::topology::Missing::Create;
        let apis = bench.apis();
        let intent = swap(Mode::Switchover, OnFailure::Revert);
        let plan = make_plan(&bench, &apis, &intent).await;
        if lost {
            let answer = Fault::new(Effect::ResetAfterCommit).template(BATCH);
            bench.simulator.fault(answer.skip(1));
        }
        let mut journal = Notebook::default();
        let policy = &bench.topology.policy;
        let cancel = CancellationToken::new();
        let outcome = apis
            .drive(&plan.changes, &intent, policy, &mut journal, &cancel)
            .await;
        assert_eq!(outcome.end, End::Completed, "{outcome:?}");
        let world = bench.simulator.world();
        let record = &world.cloudflare.records("portainer.gigadb.org")[0].id;
        let noted: Vec<&String> = journal
            .lines
            .iter()
            .filter(|line| line.contains("created"))
            .collect();
        assert_eq!(noted.len(), 1, "lost: {lost}: {noted:?}");
        assert!(noted[0].ends_with(record.as_str()), "{noted:?}");
    }
}

#[tokio::test]
async fn a_failover_goes_on_without_the_lost_side() {
    let bench = Bench::start().await;
    let lost = Fault::new(Effect::Refuse).api(Api::Gitlab).method("PUT");
    bench.simulator.fault(lost.path_contains(PROJECT).always());
    let intent = swap(Mode::Failover, OnFailure::Revert);
    let outcome = carry_out(&bench, &intent, &CancellationToken::new()).await;
    assert_eq!(outcome.end, End::PartlyApplied, "{outcome:?}");
    let expected = exchanged(&Seed::sop());
    assert_eq!(
        bench.simulator.world().normalized().cloudflare,
        expected.normalized().cloudflare
    );
    let scope = Scope::written(Which::one("live".parse().unwrap()));
    let cancel = CancellationToken::new();
    let world = bench.apis().observe(&bench.topology, &scope, &cancel).await;
    assert!(world.zones.failure().is_none());
}

/// Swaps once for each of the ten writes, spoiling that one, which is then sent so many times; the
/// outcome must be `end`, and the world what that says.
async fn spoil_each_write(effect: Effect, end: End, sendings: usize) {
    let spoilt = |method: &'static str, count: u64| (0..count).map(move |skip| (method, skip));
    for (number, (method, skip)) in spoilt("PUT", 8).chain(spoilt("POST", 2)).enumerate() {
        let bench = Bench::start().await;
        let before = bench.simulator.world();
        let fault = Fault::new(effect.clone()).method(method).skip(skip);
        let api = if method == "PUT" {
            Api::Gitlab
        } else {
            Api::Cloudflare
        };
        bench.simulator.fault(fault.api(api));
        let mut settings = bench.settings();
        settings.timing.attempt = Duration::from_secs(1);
        let intent = swap(Mode::Switchover, OnFailure::Revert);
        let cancel = CancellationToken::new();
        let outcome = carry_out_with(&bench, &Apis::new(settings), &intent, &cancel).await;
        assert_eq!(bench.simulator.pending_faults(), 0);
        assert_eq!(outcome.end, end, "write {number}: {outcome:?}");
        let expected = match outcome.end {
            End::Completed => exchanged(&before),
            _ => before,
        };
        assert_eq!(
            bench.simulator.world().normalized(),
            expected.normalized(),
            "write {number}"
        );
        assert!(
            bench
                .simulator
                .requests()
                .iter()
                .all(|r| r.method != "DELETE")
        );
        if outcome.end == End::Completed {
            let sent = (
                bench.requests(Api::Gitlab, "PUT").len(),
                bench.requests(Api::Cloudflare, "POST").len(),
            );
            let again = sendings - 1;
            let expected = match api {
                Api::Gitlab => (8 + again, 2),
                _ => (8, 2 + again),
            };
            assert_eq!(sent, expected, "write {number}");
        }
    }
}

#[tokio::test]
async fn any_write_may_lose_its_answer() {
    spoil_each_write(Effect::ResetAfterCommit, End::Completed, 1).await;
}

#[tokio::test]
async fn any_write_may_be_carried_out_and_never_answered() {
    spoil_each_write(Effect::CommitThenHang, End::Completed, 1).await;
}

#[tokio::test]
async fn any_write_may_be_refused() {
    spoil_each_write(Effect::Refuse, End::Reverted, 1).await;
}

#[tokio::test]
async fn any_write_that_is_lost_on_the_way_is_sent_again() {
    spoil_each_write(Effect::ResetBeforeCommit, End::Completed, 2).await;
}

#[tokio::test]
async fn any_write_that_meets_a_broken_edge_is_sent_again() {
    spoil_each_write(Effect::BadGateway, End::Completed, 2).await;
}
