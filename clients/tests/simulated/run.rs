//! Lease and journal around a run.

use std::{fs, path::PathBuf, time::Duration};

use gigadb_clients::{
    Apis,
    journal::{self, JournalEvent, RunId},
    process::Process,
    run::{Nobody, NotBegun, Start, Told},
};
use gigadb_engine::{
    evidence::Evidence,
    executor::{End, Outcome},
    intent::{Arrangement, Intent, Mode, OnFailure, Trade},
    observation::Observation,
    plan::{Plan, plan},
    rules::Rule,
    topology::{Lock, NameTemplate},
};
use gigadb_simulator::{
    Api, Effect, Fault,
    world::{CLOUDFLARE_TOKEN, GITLAB_TOKEN, PLANTED, PROJECT},
};
use insta::assert_snapshot;
use tokio_util::sync::CancellationToken;

use super::{
    lease::{end, give, held, id_of, waiting},
    setup::Bench,
};

const LOCK: &str = "/projects/{id}/terraform/state/{name}/lock";

/// A bench whose topology names a lock, with a folder for journals.
struct Ground {
    bench: Bench,
    journals: PathBuf,
    intent: Intent,
}

impl Ground {
    async fn new(mode: Mode) -> Self {
        let mut bench = Bench::start().await;
        bench.topology.lock = Some(Lock {
            gitlab_project: PROJECT.to_owned(),
            name: NameTemplate::new("gigadb-roles-{environment}"),
        });
        let journals = bench.home.path().join("state/journal");
        let intent = Intent {
            environment: "live".parse().unwrap(),
            arrangement: Arrangement {
                production: "alt-gigadb-website".parse().unwrap(),
                hot_standby: "gigadb-website".parse().unwrap(),
            },
            mode,
            prepare: None,
            on_failure: OnFailure::Revert,
            overrides: [].into(),
            trade: Trade::from(true),
        };
        Self {
            bench,
            journals,
            intent,
        }
    }

    fn apis(&self) -> Apis {
        let mut settings = self.bench.settings();
        settings.journal_folder = Some(self.journals.clone());
        settings.timing.attempt = Duration::from_secs(1);
        settings.timing.lost_side_writes = Duration::from_secs(2);
        Apis::new(settings)
    }

    async fn planned(&self, apis: &Apis) -> Plan {
        let world = self.bench.observe_with(apis).await;
        let environment = &self.intent.environment;
        let observation =
            Observation::project(&self.bench.topology, environment, &world, None).unwrap();
        let plan = plan(
            &self.bench.topology,
            &self.intent,
            &observation,
            &Evidence::none(),
        )
        .unwrap();
        self.bench.simulator.clear_requests();
        plan
    }

    /// Begins, carries out and ends; an error is why nothing was done.
    async fn swap(&self) -> Result<(Outcome, Vec<Told>, RunId), Told> {
        let apis = self.apis();
        let plan = self.planned(&apis).await;
        let start = Start {
            topology: &self.bench.topology,
            intent: &self.intent,
            reason: Some("release 4.2"),
            program: "test 1",
            follows: None,
        };
        let cancel = CancellationToken::new();
        let mut run = match apis.begin(start, &cancel).await {
            Ok(run) => run,
            Err(NotBegun::Refused(told)) => return Err(told),
            Err(NotBegun::Stopped) => panic!("nobody asked to stop"),
        };
        let id = run.id().clone();
        let outcome = run.write(&plan, &Nobody, &cancel).await;
        let warnings = run.end(None).await;
        assert!(outcome.is_ok() || warnings.is_empty(), "{warnings:?}");
        Ok((outcome?, warnings, id))
    }

    fn writes(&self) -> usize {
        let requests = self.bench.simulator.requests();
        let written = |template: &str| template != LOCK;
        let writes = requests.iter().filter(|r| r.is_write());
        writes.filter(|r| written(&r.template)).count()
    }
}

fn shown(told: &Told) -> String {
    format!("{}: {}", told.topic, told.message)
}

#[tokio::test]
async fn a_run_holds_its_lease_and_keeps_its_journal() {
    let ground = Ground::new(Mode::Switchover).await;
    let (outcome, warnings, id) = ground.swap().await.unwrap();
    assert_eq!((outcome.end, warnings), (End::Completed, vec![]));
    assert_eq!(held(&ground.bench), None);
    let requests = ground.bench.simulator.requests();
    let (first, last) = (&requests[0], &requests[requests.len() - 1]);
    assert_eq!(
        (first.method.as_str(), first.template.as_str()),
        ("POST", LOCK)
    );
    assert_eq!(
        (last.method.as_str(), last.template.as_str()),
        ("DELETE", LOCK)
    );

    assert_eq!(
        journal::ids(&ground.journals).unwrap(),
        std::slice::from_ref(&id)
    );
    let run = journal::read(&ground.journals, &id).unwrap();
    assert_eq!(run.header.id, id);
    assert_eq!(run.header.program, "test 1");
    assert_eq!(run.header.topology, ground.bench.topology.digest());
    assert_eq!(run.outcome(), Some(&outcome));
    assert_eq!(run.announced().len(), 10);
    assert_eq!(run.statuses().len(), 10);
    let lease = run.header.lease.unwrap();
    assert_eq!(lease.name, "gigadb-roles-live");
    assert!(lease.id.contains(id.as_str()), "{}", lease.id);
}

#[tokio::test]
async fn a_held_lease_refuses_at_once_unless_it_is_overridden() {
    let mut ground = Ground::new(Mode::Switchover).await;
    give(&ground.bench, "theirs");
    let refused = ground.swap().await.unwrap_err();
    assert_eq!(ground.bench.simulator.requests().len(), 1);
    assert!(journal::ids(&ground.journals).unwrap().is_empty());
    ground.intent.overrides.insert(Rule::OneSwapAtATime);
    let (outcome, warnings, _) = ground.swap().await.unwrap();
    assert_eq!(outcome.end, End::Completed);
    assert_eq!(held(&ground.bench).unwrap().id, "theirs");
    assert_snapshot!(format!("{}\n\n{}", shown(&refused), shown(&warnings[0])), @r"
    one-swap-at-a-time: The lease cannot be taken: the lock is held by `alice` since 2026-11-22T09:30:00Z.
      on:      environment `live`, lease `gigadb-roles-live` of GitLab project `gigascience/upstream/gigadb-website`
      changed: Nothing was changed.
      next:    Leave it to whoever holds it: no program of ours made its id, `theirs`, so it is Terraform's own state lock or another program's. If `gigadb-roles-live` is the name of a Terraform state, write another name under `lock` in the topology; otherwise wait until it is free. Then plan again.

    one-swap-at-a-time: The lease is held by `alice` since 2026-11-22T09:30:00Z, and the override passes it.
      on:      environment `live`, lease `gigadb-roles-live` of GitLab project `gigascience/upstream/gigadb-website`
      changed: The lease was left as it is; this run goes on without one.
      next:    Make sure that nobody else swaps at the same time, and take the override out again.
    ");
}

#[tokio::test]
async fn a_failover_does_not_wait_for_gitlab() {
    for effect in [Effect::Refuse, Effect::Hang, Effect::ServerError] {
        let ground = Ground::new(Mode::Failover).await;
        let fault = Fault::new(effect.clone()).api(Api::Gitlab);
        ground.bench.simulator.fault(fault.template(LOCK).always());
        let (outcome, warnings, id) = ground.swap().await.unwrap();
        assert_eq!(outcome.end, End::Completed, "{effect:?}");
        let run = journal::read(&ground.journals, &id).unwrap();
        assert_eq!(run.header.lease, None);
        let [told] = warnings.as_slice() else {
            panic!("{warnings:?}");
        };
        assert!(
            told.message
                .what
                .starts_with("The lease could not be taken:")
        );
        assert_eq!(told.message.changed, "This run goes on without a lease.");
    }
}

#[tokio::test]
async fn a_switchover_without_gitlab_does_not_begin() {
    let ground = Ground::new(Mode::Switchover).await;
    let refused = Fault::new(Effect::Unauthorized).template(LOCK);
    ground.bench.simulator.fault(refused);
    let told = ground.swap().await.unwrap_err();
    assert_eq!(ground.writes(), 0);
    assert_snapshot!(shown(&told), @r"
    one-swap-at-a-time: The lease could not be taken: GitLab refused POST /projects/{id}/terraform/state/{name}/lock with 401, 401 Unauthorized (lock `gigadb-roles-live` of project `gigascience/upstream/gigadb-website`).
      on:      environment `live`, lease `gigadb-roles-live` of GitLab project `gigascience/upstream/gigadb-website`
      changed: Nothing was changed.
      next:    Make an access token in GitLab with scope `api` and the role Maintainer in `gigascience/upstream/gigadb-website`, and set `GITLAB_TOKEN` to it. Then plan and apply again.
    ");
}

#[tokio::test]
async fn a_failover_still_respects_a_lease_that_is_held() {
    let ground = Ground::new(Mode::Failover).await;
    give(&ground.bench, "theirs");
    let told = ground.swap().await.unwrap_err();
    assert_eq!(ground.writes(), 0);
    assert!(told.message.next.contains("Leave it to whoever holds it"));
}

#[tokio::test]
async fn a_switchover_does_not_begin_without_its_journal() {
    let ground = Ground::new(Mode::Switchover).await;
    fs::create_dir_all(ground.journals.parent().unwrap()).unwrap();
    fs::write(&ground.journals, "a file where the folder should be").unwrap();
    let told = ground.swap().await.unwrap_err();
    assert_eq!((ground.writes(), held(&ground.bench)), (0, None));
    let shown = shown(&told).replace(&ground.journals.display().to_string(), "FOLDER");
    assert_snapshot!(shown, @r"
    journal: The journal could not be begun: could not create `FOLDER`: File exists (os error 17).
      on:      environment `live`
      changed: Nothing was changed.
      next:    Make room, or name a folder that can be written in `GIGADB_JOURNAL_DIR`, then plan and apply again.
    ");
}

#[tokio::test]
async fn a_failover_goes_on_without_its_journal() {
    let ground = Ground::new(Mode::Failover).await;
    fs::create_dir_all(ground.journals.parent().unwrap()).unwrap();
    fs::write(&ground.journals, "a file where the folder should be").unwrap();
    let (outcome, warnings, _) = ground.swap().await.unwrap();
    assert_eq!((outcome.end, warnings.len()), (End::Completed, 1));
    assert_eq!(warnings[0].topic, "journal");
}

#[tokio::test]
async fn a_lease_that_is_not_given_back_is_told() {
    let ground = Ground::new(Mode::Switchover).await;
    let refused = Fault::new(Effect::Refuse).template(LOCK).method("DELETE");
    ground.bench.simulator.fault(refused);
    let (outcome, warnings, _) = ground.swap().await.unwrap();
    assert_eq!(outcome.end, End::Completed);
    let id = held(&ground.bench).unwrap().id;
    let next = &warnings[0].message.next;
    assert!(
        next.contains(&format!("gigadb-roles unlock {id}")),
        "{next}"
    );
}

#[tokio::test]
async fn no_token_is_in_the_journal_or_the_lease() {
    let ground = Ground::new(Mode::Switchover).await;
    // The world repeats the token in a refusal, and the operator in the reason.
    let echo = Effect::Error {
        status: 403,
        code: "10000".to_owned(),
        message: format!("not with {CLOUDFLARE_TOKEN} or {GITLAB_TOKEN}"),
    };
    let fault = Fault::new(echo).api(Api::Cloudflare).method("POST");
    ground.bench.simulator.fault(fault);
    let apis = ground.apis();
    let plan = ground.planned(&apis).await;
    let reason = format!("because {GITLAB_TOKEN}");
    let start = Start {
        topology: &ground.bench.topology,
        intent: &ground.intent,
        reason: Some(&reason),
        program: "test 1",
        follows: None,
    };
    let cancel = CancellationToken::new();
    let mut run = apis.begin(start, &cancel).await.unwrap();
    let lease = held(&ground.bench).unwrap().id;
    let outcome = run.write(&plan, &Nobody, &cancel).await.unwrap();
    assert_eq!(outcome.end, End::Reverted);
    let id = run.id().clone();
    assert!(run.end(None).await.is_empty());
    let text = fs::read_to_string(ground.journals.join(format!("{id}.jsonl"))).unwrap();
    assert!(text.contains("not with [redacted]"), "{text}");
    let kept = journal::read(&ground.journals, &id).unwrap();
    assert_eq!(kept.header.reason.as_deref(), Some("because [redacted]"));
    let events: Vec<_> = kept.entries.iter().map(|entry| &entry.event).collect();
    assert!(matches!(
        events[events.len() - 2..],
        [JournalEvent::Finished(_), JournalEvent::Unleased]
    ));
    for token in PLANTED {
        assert!(!text.contains(token) && !lease.contains(token), "{token}");
    }
}

/// What an apply without anything to write says of a lease that was left.
async fn settled(ground: &Ground) -> Option<String> {
    let apis = ground.apis();
    ground.bench.simulator.clear_requests();
    let told = apis.settle_left_lease(&ground.bench.topology, &ground.intent);
    told.await.as_ref().map(shown)
}

/// Lets the journal of a run end before its lease was given back, as that of this process.
fn cut_short(ground: &Ground, id: &RunId, process: &Process) {
    let file = ground.journals.join(format!("{id}.jsonl"));
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert!(lines.pop().unwrap().contains("unleased"));
    let mut header: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    header["process"] = serde_json::to_value(process).unwrap();
    lines[0] = header.to_string();
    fs::write(&file, format!("{}\n", lines.join("\n"))).unwrap();
}

#[tokio::test]
async fn only_a_lease_that_a_dead_run_of_this_machine_left_is_given_back() {
    let ground = Ground::new(Mode::Switchover).await;
    assert_eq!(settled(&ground).await, None);
    let (.., id) = ground.swap().await.unwrap();
    let child = waiting();
    let process = Process::numbered(child.id());
    give(&ground.bench, &id_of(&process));
    // The journal says that the last run gave its lease back.
    assert_eq!(settled(&ground).await, None);
    // The last run may still be at it.
    cut_short(&ground, &id, &process);
    assert_eq!(settled(&ground).await, None);
    assert!(ground.bench.simulator.requests().is_empty());

    end(child);
    let theirs = "gigadb-1:20261122T093000123Z-live-0a1b:bastion:4242:1a2b-3c-99:release";
    for id in [theirs, "0f7a4c1e-1111-2222-3333-444455556666"] {
        give(&ground.bench, id);
        assert_eq!(settled(&ground).await, None);
        assert_eq!(held(&ground.bench).unwrap().id, id);
    }
    give(&ground.bench, &id_of(&process));
    let gone = Fault::new(Effect::Refuse).template(LOCK).method("DELETE");
    ground.bench.simulator.fault(gone);
    let told = settled(&ground).await.unwrap();
    assert!(told.contains("could not be given back"), "{told}");
    let told = settled(&ground).await.unwrap();
    let told = told.replace(&process.host, "HOST");
    assert_snapshot!(told.replace(&process.pid.to_string(), "PID"), @r"
    one-swap-at-a-time: The lease was held by `alice` since 2026-11-22T09:30:00Z, process PID on `HOST`, run 20261122T093000123Z-live-0007, reason `by-hand`; that process is gone from this machine.
      on:      environment `live`, lease `gigadb-roles-live` of GitLab project `gigascience/upstream/gigadb-website`
      changed: The lease was given back; there was nothing to write.
      next:    Nothing: that run was ended after its last write. `gigadb-roles history` shows what it did.
    ");
    assert_eq!(held(&ground.bench), None);
    // Whatever else holds: there is none.
    assert_eq!(settled(&ground).await, None);
    assert_eq!(held(&ground.bench), None);
}
