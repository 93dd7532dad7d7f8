//! Answers that come late, come wrong, or do not come: what is said of each write is what is.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use gigadb_clients::{Apis, Journal};
use gigadb_engine::{
    executor::{Announcement, End, Outcome, Report, TransactionId, TransactionStatus},
    intent::{Mode, OnFailure},
    name::RecordId,
};
use gigadb_simulator::{Api, Effect, Fault, World as Seed};
use tokio_util::sync::CancellationToken;

use super::{
    drive::{exchanged, is_send, make_plan, swap},
    setup::Bench,
};

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";
const RECORDS: &str = "/zones/{zone_id}/dns_records";
const VARIABLE: &str = "/projects/{id}/variables/{key}";
/// How long a write is open here.
const OPEN_FOR: Duration = Duration::from_secs(3);

/// Hears what is waited for, and may stop the run then.
#[derive(Default)]
struct Waits {
    waited: Vec<u64>,
    stop: Option<CancellationToken>,
    stopped: Option<Instant>,
}

impl Journal for Waits {
    fn announce(&mut self, _: &Announcement) -> Result<(), String> {
        Ok(())
    }

    fn created(&mut self, _: TransactionId, _: usize, _: &RecordId) {}

    fn note(&mut self, _: &Report) {}

    fn waits(&mut self, transactions: &[TransactionId], until: u64) {
        assert!(!transactions.is_empty());
        self.waited.push(until);
        if let Some(stop) = &self.stop {
            self.stopped = Some(Instant::now());
            stop.cancel();
        }
    }
}

struct Ended {
    bench: Bench,
    before: Seed,
    outcome: Outcome,
    waits: Waits,
    took: Duration,
}

impl Ended {
    /// The world once everything that was sent has been carried out.
    async fn world(&self) -> Seed {
        tokio::time::sleep(OPEN_FOR.saturating_sub(self.took)).await;
        self.bench.simulator.world().normalized()
    }

    async fn is_swapped(&self) {
        assert_eq!(self.outcome.end, End::Completed, "{:?}", self.outcome);
        assert_eq!(self.world().await, exchanged(&self.before).normalized());
    }

    async fn is_as_before(&self) {
        assert_eq!(self.outcome.end, End::Reverted, "{:?}", self.outcome);
        assert_eq!(self.world().await, self.before.normalized());
    }
}

async fn run(mode: Mode, faults: impl IntoIterator<Item = Fault>, waits: Waits) -> Ended {
    let bench = Bench::start().await;
    let before = bench.simulator.world();
    let mut settings = bench.settings();
    settings.timing.attempt = Duration::from_secs(1);
    settings.timing.open_for = OPEN_FOR;
    let apis = Apis::new(settings);
    let intent = swap(mode, OnFailure::Revert);
    let plan = make_plan(&bench, &apis, &intent).await;
    for fault in faults {
        bench.simulator.fault(fault);
    }
    let mut waits = waits;
    let cancel = waits.stop.clone().unwrap_or_default();
    let started = Instant::now();
    let policy = &bench.topology.policy;
    let drive = apis.drive(&plan.changes, &intent, policy, &mut waits, &cancel);
    let outcome = is_send(drive).await;
    Ended {
        bench,
        before,
        outcome,
        waits,
        took: started.elapsed(),
    }
}

async fn swapped(faults: impl IntoIterator<Item = Fault>) -> Ended {
    run(Mode::Switchover, faults, Waits::default()).await
}

/// Hits the batch of the apex's zone, which is a switchover's last.
fn last_batch(effect: Effect) -> Fault {
    let seed = Seed::sop();
    let zone = seed.cloudflare.zone("gigadb.org").unwrap();
    Fault::new(effect).template(BATCH).path_contains(&zone.id)
}

#[tokio::test]
async fn a_batch_that_is_carried_out_after_its_time_out_is_in_force() {
    for times in [Some(1), None] {
        let mut late = last_batch(Effect::CommitLate { ms: 2500 });
        late.times = times;
        swapped([late]).await.is_swapped().await;
    }
}

#[tokio::test]
async fn a_batch_that_a_gateway_gave_up_and_that_is_carried_out_later_is_in_force() {
    for times in [Some(1), None] {
        let mut late = last_batch(Effect::GatewayTimeout { ms: 2500 });
        late.times = times;
        swapped([late]).await.is_swapped().await;
    }
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_and_that_old_readings_hide_is_in_force() {
    for old in [3, 4] {
        let lost = last_batch(Effect::ResetAfterCommit);
        let stale = Fault::new(Effect::StaleRead).template(RECORDS);
        let ended = swapped([lost, stale.times(old)]).await;
        ended.is_swapped().await;
        assert_eq!(ended.bench.simulator.pending_faults(), 0);
        // Four old readings prove nothing either: the same values are sent again.
        let sent = ended.bench.requests(Api::Cloudflare, "POST").len();
        assert_eq!(sent, if old == 3 { 2 } else { 3 });
    }
}

#[tokio::test]
async fn a_refusal_of_what_was_carried_out_is_not_believed() {
    let effects = [
        (403, false),
        (400, true),
        (403, true),
        (404, false),
        (500, false),
        (408, false),
        (408, true),
        (502, false),
        (503, true),
        (504, false),
        (520, false),
        (524, true),
        (530, true),
    ];
    let faults = effects.into_iter().flat_map(|(status, html)| {
        let lie = || Effect::RefuseAfterCommit { status, html };
        [
            Fault::new(lie()).template(BATCH),
            last_batch(lie()),
            Fault::new(lie()).template(VARIABLE).method("PUT").skip(3),
        ]
    });
    // Beside each other, as each waits until nothing can come late any more; not all of them, so that
    // a busy machine answers in time.
    let met = faults.map(async |fault| {
        let ended = swapped([fault]).await;
        ended.is_swapped().await;
        assert_eq!(ended.bench.requests(Api::Cloudflare, "POST").len(), 2);
        assert_eq!(ended.bench.requests(Api::Gitlab, "PUT").len(), 8);
    });
    let mut met = futures::stream::iter(met).buffer_unordered(8);
    while met.next().await.is_some() {}
}

#[tokio::test]
async fn an_undo_that_is_carried_out_and_refused_is_an_undo() {
    let lie = Effect::RefuseAfterCommit {
        status: 403,
        html: false,
    };
    let undo = Fault::new(lie).template(BATCH).skip(1);
    let refused = last_batch(Effect::Refuse);
    swapped([refused, undo]).await.is_as_before().await;
}

#[tokio::test]
async fn a_lost_answer_and_failing_readings_are_waited_out() {
    let lost = last_batch(Effect::ResetAfterCommit);
    let failing = Fault::new(Effect::ServerError).template(RECORDS).times(3);
    swapped([lost, failing]).await.is_swapped().await;
}

#[tokio::test]
async fn what_no_sending_can_clear_up_is_waited_for_and_then_undone() {
    let edge = last_batch(Effect::BadGateway).always();
    let ended = swapped([edge]).await;
    assert!(ended.took >= OPEN_FOR, "{:?}", ended.took);
    assert_eq!(ended.waits.waited.len(), 1);
    ended.is_as_before().await;
    let sent = ended.bench.requests(Api::Cloudflare, "POST");
    // Four sendings beside the first zone's, and its undo.
    assert_eq!(sent.len(), 6);
}

#[tokio::test]
async fn a_stop_ends_the_wait_within_half_a_second_and_nothing_is_undone() {
    let edge = last_batch(Effect::BadGateway).always();
    let waits = Waits {
        stop: Some(CancellationToken::new()),
        ..Waits::default()
    };
    let ended = run(Mode::Switchover, [edge], waits).await;
    let stopped = ended.waits.stopped.unwrap().elapsed();
    assert!(stopped < Duration::from_millis(500), "{stopped:?}");
    assert_eq!(ended.outcome.end, End::Open, "{:?}", ended.outcome);
    assert_eq!(ended.outcome.open_until(), Some(ended.waits.waited[0]));
    let last = ended.outcome.reports.last().unwrap();
    assert!(
        matches!(last.status, TransactionStatus::Open(_)),
        "{last:?}"
    );
    let cause = ended.outcome.cause.unwrap();
    assert!(
        cause.contains("answered") || cause.contains("502"),
        "{cause}"
    );
    let sent = ended.bench.requests(Api::Gitlab, "PUT").len();
    assert_eq!(sent, 8, "something was undone");
}

#[tokio::test]
async fn a_failover_goes_on_beside_an_open_batch_and_waits_for_nothing() {
    let edge = last_batch(Effect::BadGateway).always();
    let ended = run(Mode::Failover, [edge], Waits::default()).await;
    assert!(ended.took < OPEN_FOR, "{:?}", ended.took);
    assert!(ended.waits.waited.is_empty());
    assert_eq!(ended.outcome.end, End::Open, "{:?}", ended.outcome);
    let applied = |report: &&Report| report.status == TransactionStatus::Applied;
    assert_eq!(ended.outcome.reports.iter().filter(applied).count(), 9);
}

#[tokio::test]
async fn nothing_is_undone_while_an_unanswered_twin_may_still_come() {
    // The first zone's batch is answered only when it is sent again; the last is refused.
    let late = Fault::new(Effect::GatewayTimeout { ms: 2500 }).template(BATCH);
    let refused = Fault::new(Effect::Refuse).template(BATCH).skip(1);
    let ended = swapped([late, refused]).await;
    assert_eq!(ended.waits.waited.len(), 1);
    assert!(ended.took >= OPEN_FOR, "{:?}", ended.took);
    ended.is_as_before().await;
}
