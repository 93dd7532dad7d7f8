//! Tokens and bodies are in no log, error or message, however much is logged.

use std::{
    fmt::Write as _,
    io,
    sync::{Arc, LazyLock, Mutex},
};

use gigadb_clients::{Apis, Patience, Secret, tells_keys};
use gigadb_simulator::{Api, Effect, Fault, world};
use tracing::Dispatch;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt,
};

use super::setup::Bench;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A second subscriber that lives as long as the tests. With a single one, `tracing` asks the
/// thread that meets an event first whether anybody wants it, and keeps that answer for all: a
/// thread of another test, without a subscriber, would say no.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

fn record(lines: &Lines) -> tracing::subscriber::DefaultGuard {
    LazyLock::force(&SECOND);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(lines.clone())
        .with_filter(EnvFilter::new("trace").and(filter_fn(|one| !tells_keys(one))));
    tracing::subscriber::set_default(tracing_subscriber::registry().with(lines))
}

fn assert_no_secret(text: &str) {
    for secret in world::PLANTED {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn nothing_planted_is_in_any_log_or_message() {
    let lines = Lines::default();
    let guard = record(&lines);
    let mut shown = String::new();
    for effect in [
        None,
        Some(Effect::Refuse),
        Some(Effect::BadGateway),
        Some(Effect::ResetBeforeCommit),
        // Servers that repeat what they were sent.
        Some(Effect::Error {
            status: 400,
            code: "6003".to_owned(),
            message: format!(
                "Invalid header: {} {}",
                world::CLOUDFLARE_TOKEN,
                world::GITLAB_TOKEN
            ),
        }),
    ] {
        let bench = Bench::start().await;
        let apis = bench.apis();
        if let Some(effect) = effect {
            for api in [Api::Cloudflare, Api::Gitlab] {
                bench
                    .simulator
                    .fault(Fault::new(effect.clone()).api(api).always());
            }
            if !matches!(effect, Effect::Error { .. }) {
                bench
                    .simulator
                    .fault(Fault::new(effect).api(Api::Ec2).always());
            }
        }
        let world = bench.observe_with(&apis).await;
        let key = "HOME_URL".parse().unwrap();
        let written = apis
            .write_variable(world::PROJECT, &key, "live", "v", Patience::Ordinary)
            .await;
        let settings = bench.settings();
        writeln!(shown, "{world:?} {written:?} {apis:?} {settings:?}").unwrap();
    }
    drop(guard);
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("Invalid header: [redacted] [redacted]"));
    assert_no_secret(&shown);
    assert_no_secret(&log);
    assert!(log.contains("API call"), "nothing was logged");
}

#[tokio::test]
async fn every_call_is_traced_with_what_support_asks_for() {
    let lines = Lines::default();
    let bench = Bench::start().await;
    let guard = record(&lines);
    bench.observe().await;
    drop(guard);
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let calls: Vec<&str> = log.lines().filter(|l| l.contains("API call")).collect();
    assert_eq!(calls.len(), bench.simulator.requests().len());
    for wanted in [
        [
            "TRACE",
            "api=\"Cloudflare\"",
            "method=GET",
            "path=\"/zones/{zone_id}/dns_records\"",
            "status=200",
            "duration_ms=",
            "request_id=",
        ],
        [
            "TRACE",
            "api=\"GitLab\"",
            "method=GET",
            "path=\"/projects/{id}/variables\"",
            "status=200",
            "duration_ms=",
            "request_id=",
        ],
        [
            "TRACE",
            "api=\"EC2\"",
            "method=\"POST\"",
            "path=/ DescribeAddresses",
            "status=200",
            "duration_ms=",
            "region=\"ap-east-1\"",
        ],
    ] {
        let found = calls
            .iter()
            .any(|line| wanted.iter().all(|w| line.contains(w)));
        assert!(found, "{wanted:?} in\n{}", calls.join("\n"));
    }
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_is_not_shown() {
    let bench = Bench::start().await;
    let mut settings = bench.settings();
    settings.cloudflare.token = Some(Secret::new("planted\u{7f}token\n"));
    let world = bench.observe_with(&Apis::new(settings)).await;
    let failure = world.zones.failure().unwrap();
    assert!(!failure.message.contains("planted"), "{failure}");
}
