//! The simulator's own interface over HTTP.

use gigadb_simulator::World;
use gigadb_simulator::world::REGION_UPSTREAM;
use serde_json::{Value, json};

use crate::client::{Answer, Bench};

async fn control(bench: &Bench, method: &str, name: &str, body: Value) -> Answer {
    let url = format!("{}/{name}", bench.simulator.urls().control);
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = bench.http.request(method, url).json(&body);
    bench.send(request).await.unwrap()
}

#[tokio::test]
async fn the_world_is_read_and_replaced() {
    let bench = Bench::new().await;
    let read = control(&bench, "GET", "world", Value::Null).await;
    let mut world: World = serde_json::from_str(&read.text).unwrap();
    assert_eq!(world, World::sop());
    world.cloudflare.zones.clear();
    let replaced = control(&bench, "PUT", "world", json!(world)).await;
    assert_eq!(replaced.status, 200);
    assert!(bench.simulator.world().cloudflare.zones.is_empty());
    let wrong = control(&bench, "PUT", "world", json!({ "clouds": 1 })).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("unknown field"), "{}", wrong.text);
}

#[tokio::test]
async fn edits_are_made_all_or_none() {
    let bench = Bench::new().await;
    let set = |name: &str, content: &str| json!({ "set_record": { "name": name, "type": "A", "content": content } });
    let good = set("gigadb.org", "192.0.2.1");
    let edits = json!([good, set("nobody.gigadb.org", "192.0.2.2")]);
    let refused = control(&bench, "POST", "edit", edits).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("A record nobody.gigadb.org"));
    assert_eq!(bench.simulator.world(), World::sop());
    assert_eq!(control(&bench, "POST", "edit", good).await.status, 200);
    assert_eq!(bench.content("gigadb.org"), "192.0.2.1");
    let state = json!({ "set_instance_state": {
        "region": REGION_UPSTREAM, "name": "bastion_server_live_gigadb", "state": "stopped" } });
    let release = json!({ "release_address": {
        "region": REGION_UPSTREAM, "name": "eip-gigadb-live-gigadb" } });
    let done = control(&bench, "POST", "edit", json!([state, release])).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let world = bench.simulator.world();
    let region = world.aws.region(REGION_UPSTREAM).unwrap();
    assert!(region.addresses_named("eip-gigadb-live-gigadb").is_empty());
}

#[tokio::test]
async fn faults_and_log_are_driven_from_outside() {
    let bench = Bench::new().await;
    let faults = json!([
        { "effect": { "rate_limited": { "retry_after": null } }, "api": "cloudflare", "times": 1 },
        { "effect": "bad_gateway", "api": "gitlab", "times": null },
    ]);
    assert_eq!(control(&bench, "POST", "faults", faults).await.status, 200);
    let listed = control(&bench, "GET", "faults", Value::Null).await;
    assert_eq!(listed.json()["pending"], 2);
    assert_eq!(
        bench.cloudflare("GET", "/zones", Value::Null).await.status,
        429
    );
    let log = control(&bench, "GET", "requests", Value::Null).await.json();
    assert_eq!(
        log.as_array().unwrap().len(),
        1,
        "control calls are not logged"
    );
    assert_eq!(log[0]["status"], 429);
    assert!(log[0]["started"].is_u64());
    control(&bench, "DELETE", "faults", Value::Null).await;
    control(&bench, "DELETE", "requests", Value::Null).await;
    assert_eq!(bench.simulator.pending_faults(), 0);
    assert!(bench.simulator.requests().is_empty());
    for effect in [
        json!("refuse"),
        json!("unauthorized"),
        json!("server_error"),
        json!({ "error": { "status": 400, "code": "81058", "message": "..." } }),
        json!({ "delay": { "ms": 50 } }),
        json!("hang"),
        json!("reset_before_commit"),
        json!("reset_after_commit"),
        json!({ "refuse_after_commit": { "status": 403 } }),
        json!({ "commit_late": { "ms": 900 } }),
        json!({ "gateway_timeout": { "ms": 900 } }),
        json!("commit_then_hang"),
        json!("stale_read"),
        json!({ "edit_before": [] }),
        json!({ "edit_after": [] }),
    ] {
        let fault = json!({ "effect": effect, "api": "sts", "method": "GET", "skip": 1 });
        let answer = control(&bench, "POST", "faults", fault).await;
        assert_eq!(answer.status, 200, "{effect}: {}", answer.text);
    }
    let wrong = control(&bench, "POST", "faults", json!({ "effect": "rain" })).await;
    assert_eq!(wrong.status, 400);
    let nothing = control(&bench, "GET", "weather", Value::Null).await;
    assert_eq!(nothing.status, 404);
}
