//! Rules of GitLab's Terraform states: versions and locks.

use gigadb_simulator::world::{GITLAB_DEVELOPER_TOKEN, GITLAB_TOKEN};
use serde_json::{Value, json};

use crate::client::Bench;

const STATE: &str = "/projects/4101/terraform/state/lease";

fn lock(id: &str, operation: &str) -> Value {
    json!({ "ID": id, "Operation": operation, "Info": "why", "Who": "ops@host", "Version": "1",
            "Created": "2026-08-20T09:00:00Z", "Path": "" })
}

#[tokio::test]
async fn a_lock_is_held_by_one() {
    let bench = Bench::new().await;
    let path = format!("{STATE}/lock");
    let mine = bench.gitlab("POST", &path, lock("mine", "swap")).await;
    assert_eq!((mine.status, mine.json()), (200, lock("mine", "swap")));
    let theirs = bench.gitlab("POST", &path, lock("theirs", "plan")).await;
    assert_eq!(theirs.status, 409);
    let expected = json!({ "ID": "mine", "Who": "deployer", "Created": "2026-09-01T00:00:01.000001Z",
                           "Operation": "plan", "Info": "why", "Version": "1", "Path": "" });
    assert_eq!(theirs.json(), expected);
    let wrong = format!("{path}?ID=theirs");
    assert_eq!(
        bench.gitlab("DELETE", &wrong, Value::Null).await.status,
        409
    );
    let right = json!({ "ID": "mine" });
    assert_eq!(bench.gitlab("DELETE", &path, right).await.status, 200);
    let theirs = bench.gitlab("POST", &path, lock("theirs", "plan")).await;
    assert_eq!(theirs.status, 200);
    let forced = bench.gitlab("DELETE", &path, Value::Null).await;
    assert_eq!(forced.status, 200, "without an id by force");
}

#[tokio::test]
async fn a_lock_request_is_complete_and_short() {
    let bench = Bench::new().await;
    let path = format!("{STATE}/lock");
    let mut partial = lock("mine", "swap");
    partial.as_object_mut().unwrap().remove("Path");
    let answer = bench.gitlab("POST", &path, partial).await;
    assert_eq!(
        (answer.status, answer.json()),
        (400, json!({ "error": "Path is missing" }))
    );
    let long = lock(&"x".repeat(256), "swap");
    assert_eq!(bench.gitlab("POST", &path, long).await.status, 400);
    let long = format!("{path}?ID={}", "x".repeat(256));
    assert_eq!(
        bench.gitlab("DELETE", &long, Value::Null).await.status,
        404,
        "nothing was locked, so the name is unknown"
    );
}

#[tokio::test]
async fn states_are_unknown_then_empty_then_versioned() {
    let bench = Bench::new().await;
    let get = async || bench.gitlab("GET", STATE, Value::Null).await;
    assert_eq!(get().await.status, 404);
    bench
        .gitlab("POST", &format!("{STATE}/lock"), lock("mine", "swap"))
        .await;
    assert_eq!(get().await.status, 204, "locking makes an empty state");
    let version = |serial: u64| json!({ "version": 4, "serial": serial });
    let unlocked = bench.gitlab("POST", STATE, version(1)).await;
    assert_eq!(unlocked.status, 409, "locked by another id");
    let path = format!("{STATE}?ID=mine");
    assert_eq!(bench.gitlab("POST", &path, version(1)).await.status, 200);
    assert_eq!(bench.gitlab("POST", &path, version(1)).await.status, 422);
    assert_eq!(bench.gitlab("POST", &path, version(2)).await.status, 200);
    assert_eq!(get().await.json()["serial"], 2);
    let old = bench
        .gitlab("GET", &format!("{STATE}/versions/1"), Value::Null)
        .await;
    assert_eq!(old.json()["serial"], 1);
}

#[tokio::test]
async fn developers_read_states_and_maintainers_change_them() {
    let mut bench = Bench::new().await;
    GITLAB_DEVELOPER_TOKEN.clone_into(&mut bench.gitlab_token);
    let state = "/projects/4101/terraform/state/live_infra";
    let read = bench.gitlab("GET", state, Value::Null).await;
    assert!(read.json()["outputs"]["rds_instance_address"].is_object());
    let path = format!("{STATE}/lock");
    let refused = bench.gitlab("POST", &path, lock("mine", "swap")).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn basic_authentication_opens_states_only() {
    let bench = Bench::new().await;
    let base = bench.simulator.gitlab_url();
    for (path, status) in [
        ("/projects/4101/terraform/state/live_infra", 200),
        ("/projects/4101/variables", 401),
    ] {
        let request = bench.http.get(format!("{base}{path}"));
        let request = request.basic_auth("deployer", Some(GITLAB_TOKEN));
        assert_eq!(bench.send(request).await.unwrap().status, status, "{path}");
    }
}
