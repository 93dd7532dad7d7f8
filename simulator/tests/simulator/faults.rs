//! Scripted faults, each with what it does to the client, the world and the log.

use std::time::{Duration, Instant};

use gigadb_simulator::world::{PROJECT, REGION_ALT};
use gigadb_simulator::{Api, Edit, Effect, Fault, World};
use serde_json::{Value, json};

use crate::client::{Answer, Bench};

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";

fn batch(bench: &Bench) -> (String, Value) {
    let path = format!("{}/batch", bench.records("gigadb.org"));
    let id = bench.record_id("gigadb.org");
    let body = json!({ "patches": [{ "id": id, "content": "203.0.113.10" }] });
    (path, body)
}

async fn swap(bench: &Bench) -> Result<Answer, reqwest::Error> {
    let (path, body) = batch(bench);
    bench.try_cloudflare("POST", &path, body).await
}

#[tokio::test]
async fn refusals_have_each_apis_own_shape() {
    let bench = Bench::new().await;
    for (effect, cloudflare, gitlab, ec2) in [
        (Effect::Refuse, 403, 403, 403),
        (Effect::Unauthorized, 401, 401, 401),
        (
            Effect::RateLimited {
                retry_after: Some(7),
            },
            429,
            429,
            503,
        ),
        (Effect::ServerError, 500, 500, 500),
        (Effect::BadGateway, 502, 502, 502),
    ] {
        for api in [Api::Cloudflare, Api::Gitlab, Api::Ec2] {
            bench.simulator.fault(Fault::new(effect.clone()).api(api));
        }
        let answers = [
            bench.cloudflare("GET", "/zones", Value::Null).await,
            bench.gitlab("GET", "/projects/4101", Value::Null).await,
            bench.ec2("Action=DescribeAddresses").await,
        ];
        let status = [&answers[0], &answers[1], &answers[2]].map(|answer| answer.status);
        assert_eq!(status, [cloudflare, gitlab, ec2], "{effect:?}");
        if let Effect::RateLimited { .. } = effect {
            assert_eq!(answers[0].code(), 10300);
            assert_eq!(answers[1].text, "Retry later\n");
            assert_eq!(answers[0].headers["retry-after"], "7");
            assert!(
                answers[2]
                    .text
                    .contains("<Code>RequestLimitExceeded</Code>")
            );
        }
        if let Effect::BadGateway = effect {
            assert!(answers.iter().all(|answer| answer.json().is_null()));
        }
    }
    assert_eq!(bench.simulator.pending_faults(), 0);
    assert_eq!(bench.simulator.world(), World::sop());
}

#[tokio::test]
async fn a_fault_hits_the_request_it_is_scripted_for() {
    let bench = Bench::new().await;
    bench.simulator.fault(
        Fault::new(Effect::ServerError)
            .api(Api::Gitlab)
            .method("GET")
            .template("/projects/{id}/variables/{key}")
            .path_contains("alt-gigadb-website/variables/HOME_URL")
            .skip(1)
            .times(2),
    );
    let path = |project: &str, key: &str| {
        format!(
            "/projects/gigascience%2Fupstream%2F{project}/variables/{key}?filter[environment_scope]=live"
        )
    };
    let status = async |path: String| bench.gitlab("GET", &path, Value::Null).await.status;
    assert_eq!(status(path("gigadb-website", "HOME_URL")).await, 200);
    assert_eq!(
        status(path("alt-gigadb-website", "REMOTE_HOME_URL")).await,
        200
    );
    for expected in [200, 500, 500, 200] {
        assert_eq!(
            status(path("alt-gigadb-website", "HOME_URL")).await,
            expected
        );
    }
}

#[tokio::test]
async fn one_region_fails_alone() {
    let bench = Bench::new().await;
    let fault = Fault::new(Effect::ServerError).region(REGION_ALT).always();
    bench.simulator.fault(fault);
    assert_eq!(bench.ec2("Action=DescribeAddresses").await.status, 200);
    let secret = gigadb_simulator::world::SECRET_KEY_UPSTREAM;
    for _ in 0..2 {
        let form = "Action=DescribeAddresses";
        let answer = bench.aws("ec2", REGION_ALT, secret, form).await;
        assert_eq!(answer.status, 500);
    }
    bench.simulator.clear_faults();
    assert_eq!(bench.simulator.pending_faults(), 0);
}

#[tokio::test]
async fn resets_come_before_or_after_the_commit() {
    for (effect, content, commits) in [
        (Effect::ResetBeforeCommit, "198.51.100.10", 0),
        (Effect::ResetAfterCommit, "203.0.113.10", 1),
    ] {
        let bench = Bench::new().await;
        bench.simulator.fault(Fault::new(effect).template(BATCH));
        let error = swap(&bench).await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert_eq!(bench.content("gigadb.org"), content);
        assert_eq!(bench.simulator.history().len(), commits);
        let log = bench.simulator.requests();
        let entry = log.last().unwrap();
        assert_eq!(entry.status, None);
        assert_eq!(entry.committed.is_some(), commits == 1);
        assert!(entry.ended.is_some());
    }
}

#[tokio::test]
async fn a_late_commit_happens_though_the_client_is_gone() {
    let bench = impatient().await;
    let late = Fault::new(Effect::CommitLate { ms: 900 }).template(BATCH);
    bench.simulator.fault(late);
    assert!(swap(&bench).await.unwrap_err().is_timeout());
    committed(&bench).await;
    assert_eq!(bench.content("gigadb.org"), "203.0.113.10");
    let log = bench.simulator.requests();
    let entry = log.last().unwrap();
    assert!(entry.committed.unwrap() >= entry.started + Duration::from_millis(900));
}

async fn impatient() -> Bench {
    let timeout = Duration::from_millis(300);
    let mut bench = Bench::new().await;
    bench.http = crate::client::http().timeout(timeout).build().unwrap();
    bench
}

async fn committed(bench: &Bench) {
    let patience = Instant::now();
    while bench.simulator.history().is_empty() {
        assert!(patience.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn hanging_calls_never_answer_with_or_without_a_commit() {
    let bench = impatient().await;
    bench
        .simulator
        .fault(Fault::new(Effect::Hang).template(BATCH));
    assert!(swap(&bench).await.unwrap_err().is_timeout());
    assert_eq!(bench.simulator.world(), World::sop());

    bench
        .simulator
        .fault(Fault::new(Effect::CommitThenHang).template(BATCH));
    assert!(swap(&bench).await.unwrap_err().is_timeout());
    committed(&bench).await;
    assert_eq!(bench.content("gigadb.org"), "203.0.113.10");
}

#[tokio::test]
async fn a_read_back_is_stale_for_so_many_reads() {
    let bench = Bench::new().await;
    let list = "/zones/{zone_id}/dns_records";
    let stale = Fault::new(Effect::StaleRead).template(list).times(2);
    bench.simulator.fault(stale);
    let path = format!("{}?name=gigadb.org&type=A", bench.records("gigadb.org"));
    let read = async || {
        let body = bench.cloudflare("GET", &path, Value::Null).await.json();
        body["result"][0]["content"].as_str().unwrap().to_owned()
    };
    assert_eq!(read().await, "198.51.100.10");
    assert_eq!(
        bench.simulator.pending_faults(),
        1,
        "not used up before the write"
    );
    let variable = "/projects/4101/variables/GREETING";
    bench.gitlab("PUT", variable, json!({ "value": "v" })).await;
    assert_eq!(read().await, "198.51.100.10");
    assert_eq!(
        bench.simulator.pending_faults(),
        1,
        "nor by a write elsewhere"
    );
    assert_eq!(swap(&bench).await.unwrap().status, 200);
    assert_eq!(read().await, "198.51.100.10");
    assert_eq!(read().await, "198.51.100.10");
    assert_eq!(read().await, "203.0.113.10");
}

#[tokio::test]
async fn another_writer_comes_before_or_after() {
    let bench = Bench::new().await;
    bench.simulator.fault(
        Fault::hook(|world| {
            let record = world.cloudflare.record_mut("gigadb.org", "A").unwrap();
            record.ttl = 1800;
            record.proxied = false;
        })
        .template(BATCH),
    );
    let answer = swap(&bench).await.unwrap();
    assert_eq!(answer.json()["result"]["patches"][0]["ttl"], 1800);

    let edit = Edit::SetVariable {
        project: PROJECT.to_owned(),
        key: "HOME_URL".to_owned(),
        scope: "live".to_owned(),
        value: "theirs".to_owned(),
    };
    bench
        .simulator
        .fault(Fault::new(Effect::EditAfter(vec![edit])).method("PUT"));
    let path = "/projects/4101/variables/HOME_URL?filter[environment_scope]=live";
    let answer = bench.gitlab("PUT", path, json!({ "value": "ours" })).await;
    assert_eq!(answer.json()["value"], "ours");
    assert_eq!(bench.value("HOME_URL", "live").as_deref(), Some("theirs"));
}

#[tokio::test]
async fn the_history_shows_every_world_between() {
    let bench = Bench::new().await;
    assert_eq!(swap(&bench).await.unwrap().status, 200);
    let path = "/projects/4101/variables/HOME_URL?filter[environment_scope]=live";
    bench.gitlab("PUT", path, json!({ "value": "ours" })).await;
    let history = bench.simulator.history();
    let apis: Vec<Api> = history.iter().map(|commit| commit.api).collect();
    assert_eq!(apis, [Api::Cloudflare, Api::Gitlab]);
    let first = &history[0].world;
    assert_eq!(
        first.cloudflare.records("gigadb.org")[0].content,
        "203.0.113.10"
    );
    assert_eq!(first.gitlab, World::sop().gitlab);
    assert_eq!(history[1].world, bench.simulator.world());
    assert!(history[0].at <= history[1].at);
    let log = bench.simulator.requests();
    assert_eq!(log[0].number, history[0].request);
    assert_eq!(log[0].committed, Some(history[0].at));
    assert_eq!(log[0].to_string(), format!("cloudflare POST {BATCH} 200"));
    assert_eq!(log[0].body["patches"][0]["content"], "203.0.113.10");
    bench.simulator.clear_requests();
    assert!(bench.simulator.requests().is_empty() && bench.simulator.history().is_empty());
}

#[tokio::test]
async fn latency_is_the_same_for_every_call_and_calls_do_not_wait_for_each_other() {
    let bench = Bench::new().await;
    let latency = Duration::from_millis(300);
    bench.simulator.set_latency(latency);
    let zones = || bench.cloudflare("GET", "/zones", Value::Null);
    tokio::join!(zones(), zones(), zones(), zones());
    let log = bench.simulator.requests();
    let last_start = log.iter().map(|one| one.started).max().unwrap();
    for request in log {
        let ended = request.ended.unwrap();
        assert!(ended >= request.started + latency);
        assert!(ended >= last_start, "all four were in flight at once");
    }
}
