//! What happens to one request: logged, delayed, spoiled by a fault or answered by its API.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;

use crate::dns::Desk;
use crate::faults::{Call, Effect, Fault, Hit, Script};
use crate::http::{Reply, Request};
use crate::log::{Api, Commit, LoggedRequest};
use crate::world::World;
use crate::{clock, cloudflare, control, ec2, gitlab};

/// What all connections share.
pub(crate) struct Shared {
    state: Mutex<State>,
    started: Instant,
    latency: AtomicU64,
    dns: Mutex<Desk>,
}

/// The world and everything that is remembered about it.
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) requests: Vec<LoggedRequest>,
    pub(crate) history: Vec<Commit>,
    pub(crate) script: Script,
    keep_history: bool,
    arrived: u64,
    commits: u64,
}

/// What the connection does with a request in the end.
pub(crate) enum Outcome {
    Reply(Reply),
    /// Reset the connection.
    Reset,
    /// Never answer.
    Silence,
}

/// What a request is for.
enum Target {
    Control,
    Call(Box<Addressed>),
    Nowhere,
}

/// A request that one of the APIs answers.
struct Addressed {
    api: Api,
    template: String,
    segments: Vec<String>,
    asked: Option<ec2::Asked>,
}

impl Shared {
    pub(crate) fn new(world: World, latency: Duration, keep_history: bool) -> Arc<Self> {
        let shared = Self {
            state: Mutex::new(State {
                world,
                requests: Vec::new(),
                history: Vec::new(),
                script: Script::default(),
                keep_history,
                arrived: 0,
                commits: 0,
            }),
            started: Instant::now(),
            latency: AtomicU64::new(0),
            dns: Mutex::default(),
        };
        shared.set_latency(latency);
        Arc::new(shared)
    }

    /// Returns the state. A test's hook that panicked leaves it as it was by then.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what the name servers remember.
    pub(crate) fn dns(&self) -> MutexGuard<'_, Desk> {
        self.dns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn add_fault(&self, fault: Fault) {
        let mut state = self.state();
        let State { script, world, .. } = &mut *state;
        script.add(fault, world);
    }

    async fn half_latency(&self) {
        let half = self.latency.load(Ordering::Relaxed) / 2;
        if half > 0 {
            tokio::time::sleep(Duration::from_micros(half)).await;
        }
    }
}

impl State {
    fn logged(&mut self, number: u64) -> Option<&mut LoggedRequest> {
        self.requests
            .iter_mut()
            .rev()
            .find(|one| one.number == number)
    }
}

fn target(request: &Request) -> Target {
    if request.path.starts_with(control::PREFIX) {
        return Target::Control;
    }
    if let Some(segments) = request.segments_below(cloudflare::PREFIX) {
        return Target::Call(Box::new(Addressed {
            api: Api::Cloudflare,
            template: cloudflare::template(&segments).to_owned(),
            segments,
            asked: None,
        }));
    }
    if let Some(segments) = request.segments_below(gitlab::PREFIX) {
        return Target::Call(Box::new(Addressed {
            api: Api::Gitlab,
            template: gitlab::template(&segments).to_owned(),
            segments,
            asked: None,
        }));
    }
    if request.path == "/" && request.method == "POST" {
        let asked = ec2::asked(request);
        return Target::Call(Box::new(Addressed {
            api: asked.api,
            template: asked.action.clone(),
            segments: Vec::new(),
            asked: Some(asked),
        }));
    }
    Target::Nowhere
}

/// Carries one request through to its outcome.
pub(crate) async fn respond(shared: Arc<Shared>, request: Request) -> Outcome {
    let addressed = match target(&request) {
        Target::Control => return Outcome::Reply(control::handle(&shared, &request)),
        Target::Nowhere => return Outcome::Reply(Reply::text(404, "no API lives here\n")),
        Target::Call(addressed) => addressed,
    };
    let (number, hit) = arrive(&shared, &request, &addressed);
    shared.half_latency().await;
    let effect = hit.as_ref().map(|hit| &hit.effect);
    if let Some(delay) = effect.and_then(Effect::delay) {
        tokio::time::sleep(delay).await;
    }
    match effect {
        Some(Effect::Hang) => return Outcome::Silence,
        Some(Effect::ResetBeforeCommit) => {
            finish(&shared, number, None);
            return Outcome::Reset;
        }
        _ => {}
    }
    if let Some(Effect::GatewayTimeout { ms }) = effect {
        let delay = std::time::Duration::from_millis(*ms);
        finish(&shared, number, Some(504));
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            handle(&shared, &request, &addressed, number, hit.as_ref());
        });
        return Outcome::Reply(Reply::html(504, "504 Gateway Time-out"));
    }
    let refusal = effect.and_then(|effect| effect.refusal(addressed.api));
    let reply = match (refusal, effect) {
        (Some(reply), _) => reply,
        (None, Some(Effect::Reshape(proxy))) => {
            let passed = proxy.of_request(&request);
            let reply = handle(&shared, &passed, &addressed, number, hit.as_ref());
            proxy.of_reply(reply)
        }
        (None, _) => handle(&shared, &request, &addressed, number, hit.as_ref()),
    };
    match effect {
        Some(Effect::CommitThenHang) => return Outcome::Silence,
        Some(Effect::ResetAfterCommit) => {
            finish(&shared, number, None);
            return Outcome::Reset;
        }
        _ => {}
    }
    let lie = effect.and_then(|effect| effect.lie(addressed.api));
    let reply = lie.unwrap_or(reply);
    shared.half_latency().await;
    finish(&shared, number, Some(reply.status));
    Outcome::Reply(reply)
}

/// Logs a request and finds the fault that hits it.
fn arrive(shared: &Shared, request: &Request, addressed: &Addressed) -> (u64, Option<Hit>) {
    let scope = addressed
        .asked
        .as_ref()
        .and_then(|asked| asked.scope.as_ref());
    let decoded = percent_decode_str(&request.path).decode_utf8_lossy();
    let mut state = shared.state();
    state.arrived += 1;
    let number = state.arrived;
    let entry = LoggedRequest {
        number,
        api: addressed.api,
        method: request.method.clone(),
        path: request.path.clone(),
        template: addressed.template.clone(),
        query: request.query.clone(),
        body: request.body_value(),
        status: None,
        started: shared.started.elapsed(),
        committed: None,
        ended: None,
        region: scope.map(|scope| scope.region.clone()),
        access_key_id: scope.map(|scope| scope.access_key_id.clone()),
    };
    let call = Call {
        api: addressed.api,
        method: &request.method,
        template: &addressed.template,
        decoded_path: &decoded,
        region: entry.region.as_deref(),
    };
    let State { script, world, .. } = &mut *state;
    let hit = script.take(&call, world);
    state.requests.push(entry);
    (number, hit)
}

fn finish(shared: &Shared, number: u64, status: Option<u16>) {
    let now = shared.started.elapsed();
    if let Some(entry) = shared.state().logged(number) {
        entry.status = status;
        entry.ended = Some(now);
    }
}

/// Answers a request from the world, as one indivisible step, with what others do just before and after.
fn handle(
    shared: &Shared,
    request: &Request,
    addressed: &Addressed,
    number: u64,
    hit: Option<&Hit>,
) -> Reply {
    let mut state = shared.state();
    let effect = hit.map(|hit| &hit.effect);
    if let (Some(Effect::StaleRead), Some(hit)) = (effect, hit) {
        let mut world = World::clone(&hit.before);
        return dispatch(&mut world, request, addressed, number, "");
    }
    match effect {
        Some(Effect::HookBefore(run)) => run(&mut state.world),
        Some(Effect::EditBefore(edits)) => apply_all(&mut state.world, edits),
        _ => {}
    }
    let now = clock::at(state.commits + 1);
    let reply = dispatch(&mut state.world, request, addressed, number, &now);
    if reply.wrote {
        state.commits += 1;
        let at = shared.started.elapsed();
        if let Some(entry) = state.logged(number) {
            entry.committed = Some(at);
        }
        if state.keep_history {
            let commit = Commit {
                request: number,
                api: addressed.api,
                at,
                world: state.world.clone(),
            };
            state.history.push(commit);
        }
    }
    match effect {
        Some(Effect::HookAfter(run)) => run(&mut state.world),
        Some(Effect::EditAfter(edits)) => apply_all(&mut state.world, edits),
        _ => {}
    }
    reply
}

fn apply_all(world: &mut World, edits: &[crate::world::Edit]) {
    for edit in edits {
        // Edits were tried when the fault was scripted; one whose object is gone by now has nothing to do.
        let _ = world.apply(edit);
    }
}

fn dispatch(
    world: &mut World,
    request: &Request,
    addressed: &Addressed,
    number: u64,
    now: &str,
) -> Reply {
    match (addressed.api, &addressed.asked) {
        (Api::Cloudflare, _) => {
            cloudflare::handle(&mut world.cloudflare, request, &addressed.segments, now)
        }
        (Api::Gitlab, _) => gitlab::handle(&mut world.gitlab, request, &addressed.segments, now),
        (_, Some(asked)) => ec2::handle(&world.aws, request, asked, number),
        (_, None) => Reply::empty(404),
    }
}
