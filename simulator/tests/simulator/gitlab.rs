//! Rules of GitLab's variables API and its neighbours.

use std::collections::BTreeMap;

use gigadb_simulator::World;
use gigadb_simulator::world::{
    GITLAB_DEVELOPER_TOKEN, GITLAB_EXPIRED_TOKEN, GITLAB_READ_TOKEN, PROJECT, PROJECT_ID, Variable,
};
use serde_json::{Value, json};

use crate::client::Bench;

const ROOT: &str = "/projects/gigascience%2Fupstream%2Fgigadb-website";

fn row(key: &str, filter: &str) -> String {
    format!("{ROOT}/variables/{key}{filter}")
}

#[tokio::test]
async fn a_project_is_named_by_number_or_by_encoded_path() {
    let bench = Bench::new().await;
    for path in [ROOT.to_owned(), format!("/projects/{PROJECT_ID}")] {
        let answer = bench.gitlab("GET", &path, Value::Null).await;
        assert_eq!(answer.json()["path_with_namespace"], PROJECT);
    }
    let plain = format!("/projects/{PROJECT}/variables");
    let answer = bench.gitlab("GET", &plain, Value::Null).await;
    assert_eq!(
        (answer.status, answer.json()),
        (404, json!({ "error": "404 Not Found" }))
    );
}

#[tokio::test]
async fn pages_are_followed_by_headers() {
    let bench = Bench::new().await;
    let path = format!("{ROOT}/variables");
    let first = bench.gitlab("GET", &path, Value::Null).await;
    assert_eq!(first.json().as_array().unwrap().len(), 20);
    assert_eq!(first.headers["x-total"], "128");
    let wide = format!("{path}?per_page=1000");
    let first = bench.gitlab("GET", &wide, Value::Null).await;
    assert_eq!(first.headers["x-per-page"], "100");
    assert_eq!(first.headers["x-next-page"], "2");
    let next = "page=2&per_page=100>; rel=\"next\"";
    assert!(first.headers["link"].contains(next), "{:?}", first.headers);
    let last = format!("{path}?per_page=100&page=2");
    let last = bench.gitlab("GET", &last, Value::Null).await;
    assert_eq!(last.headers["x-next-page"], "");
    assert_eq!(last.json().as_array().unwrap().len(), 28);
    assert!(!last.headers["link"].contains("rel=\"next\""));
}

#[tokio::test]
async fn many_rows_are_not_counted() {
    let mut world = World::sop();
    let rows = (0..10_001).map(|n| Variable::new(&format!("V{n}"), "*", "x"));
    world.gitlab.project_mut(PROJECT).unwrap().variables = rows.collect();
    let bench = Bench::with(world).await;
    let answer = bench
        .gitlab("GET", &format!("{ROOT}/variables"), Value::Null)
        .await;
    assert!(!answer.headers.contains_key("x-total"));
    assert!(!answer.headers["link"].contains("rel=\"last\""));
    assert_eq!(answer.headers["x-next-page"], "2");
    let body = json!({ "key": "ONE_MORE", "value": "x" });
    let full = bench
        .gitlab("POST", &format!("{ROOT}/variables"), body)
        .await;
    let text = "Maximum number of project ci variables (8000) exceeded";
    assert_eq!(full.json()["message"]["base"][0], text);
}

#[tokio::test]
async fn the_filter_selects_literally() {
    let bench = Bench::new().await;
    for (key, filter, status) in [
        ("HOME_URL", "?filter[environment_scope]=live", 200),
        ("HOME_URL", "?filter%5Benvironment_scope%5D=%2A", 200),
        ("HOME_URL", "?filter[environment_scope]=Live", 404),
        ("HOME_URL", "?filter[environment_scope]=", 409),
        ("HOME_URL", "?filter[environment_scope]=%20", 409),
        ("HOME_URL", "", 409),
        (
            "REMOTE_HOSTNAME",
            "?filter[environment_scope]=review/1",
            404,
        ),
        (
            "REMOTE_HOSTNAME",
            "?filter[environment_scope]=review/*",
            200,
        ),
        ("GREETING", "", 200),
        ("NONE", "", 404),
    ] {
        let answer = bench.gitlab("GET", &row(key, filter), Value::Null).await;
        assert_eq!(answer.status, status, "{key}{filter}");
        if status == 409 {
            let text = "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'";
            assert_eq!(answer.json(), json!({ "message": text }));
        }
    }
}

#[tokio::test]
async fn an_update_changes_what_is_given_and_nothing_else() {
    let bench = Bench::new().await;
    let body = json!({ "value": "https://example.org", "filter": { "environment_scope": "live" } });
    let answer = bench.gitlab("PUT", &row("REMOTE_HOME_URL", ""), body).await;
    assert_eq!(answer.status, 200);
    let mut expected = World::sop();
    let project = expected.gitlab.project_mut(PROJECT).unwrap();
    let changed = project.variable_mut("REMOTE_HOME_URL", "live").unwrap();
    "https://example.org".clone_into(&mut changed.value);
    assert_eq!(bench.simulator.world(), expected);
    assert!(answer.json()["masked"].as_bool().unwrap());
}

#[tokio::test]
async fn without_a_filter_the_only_row_is_it_whatever_its_scope() {
    let bench = Bench::new().await;
    let body = json!({ "value": "meant for staging" });
    let answer = bench.gitlab("PUT", &row("tls_privkey_pem", ""), body).await;
    assert_eq!(answer.json()["environment_scope"], "live");
    let value = bench.value("tls_privkey_pem", "live");
    assert_eq!(value.as_deref(), Some("meant for staging"));
    let body = json!({ "value": "x" });
    let answer = bench.gitlab("PUT", &row("HOME_URL", ""), body).await;
    assert_eq!(answer.status, 409);
}

#[tokio::test]
async fn a_scope_in_an_update_moves_the_row_unless_it_is_taken() {
    let bench = Bench::new().await;
    let live = "?filter[environment_scope]=live";
    let to = |scope: &str| json!({ "environment_scope": scope });
    let taken = bench
        .gitlab("PUT", &row("HOME_URL", live), to("staging"))
        .await;
    assert_eq!(
        taken.json()["message"]["key"][0],
        "(HOME_URL) has already been taken"
    );
    let moved = bench
        .gitlab("PUT", &row("HOME_URL", live), to("former"))
        .await;
    assert_eq!(moved.status, 200);
    assert_eq!(bench.value("HOME_URL", "live"), None);
    assert!(bench.value("HOME_URL", "former").is_some());
}

#[tokio::test]
async fn parameters_are_checked_before_the_model() {
    let bench = Bench::new().await;
    let path = format!("{ROOT}/variables");
    for (body, expected) in [
        (
            json!({}),
            json!({ "error": "key is missing, value is missing" }),
        ),
        (
            json!({ "key": "K" }),
            json!({ "error": "value is missing" }),
        ),
        (
            json!({ "key": "K", "value": "v", "variable_type": "secret" }),
            json!({ "error": "variable_type does not have a valid value" }),
        ),
        (
            json!({ "key": "K", "value": "v", "masked": "perhaps" }),
            json!({ "error": "masked is invalid" }),
        ),
        (
            json!({ "key": "HOME_URL", "value": "v" }),
            json!({ "message": { "key": ["(HOME_URL) has already been taken"] } }),
        ),
        (
            json!({ "key": "K", "value": "short", "masked": true }),
            json!({ "message": { "value": ["is invalid"] } }),
        ),
        (
            json!({ "key": "K-K", "value": "v" }),
            json!({ "message": { "key": ["can contain only letters, digits and '_'."] } }),
        ),
        (
            json!({ "key": "K", "value": "v", "environment_scope": "a?b" }),
            json!({ "message": { "environment_scope": [
                "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces"
            ] } }),
        ),
    ] {
        let answer = bench.gitlab("POST", &path, body).await;
        assert_eq!((answer.status, answer.json()), (400, expected));
    }
    assert_eq!(bench.simulator.world(), World::sop());
}

#[tokio::test]
async fn masking_depends_on_raw() {
    let bench = Bench::new().await;
    let path = format!("{ROOT}/variables");
    for (value, raw, good) in [
        ("1.2.3.4", false, false),
        ("10.20.30.40", false, true),
        ("dollar$sign", false, false),
        ("dollar$sign", true, true),
        ("with space", true, false),
        ("two\nlines", true, false),
    ] {
        let body = json!({ "key": "MASKED", "value": value, "masked": true, "raw": raw });
        let answer = bench.gitlab("POST", &path, body).await;
        assert_eq!(answer.status == 201, good, "{value} raw={raw}");
        bench
            .gitlab("DELETE", &row("MASKED", ""), Value::Null)
            .await;
    }
}

#[tokio::test]
async fn a_hidden_value_is_null_everywhere_and_stays_hidden() {
    let bench = Bench::new().await;
    let path = format!("{ROOT}/variables");
    let body = json!({ "key": "HIDDEN", "value": "never-seen", "masked_and_hidden": true });
    let made = bench.gitlab("POST", &path, body).await;
    assert_eq!(made.status, 201);
    let hidden = row("HIDDEN", "");
    let updated = bench
        .gitlab("PUT", &hidden, json!({ "value": "never-seen-2" }))
        .await;
    let read = bench.gitlab("GET", &hidden, Value::Null).await;
    for answer in [&made, &updated, &read] {
        assert_eq!(answer.json()["value"], Value::Null);
        assert_eq!(answer.json()["hidden"], true);
    }
    let opened = bench
        .gitlab("PUT", &hidden, json!({ "masked": false }))
        .await;
    assert_eq!(
        opened.json()["message"]["base"][0],
        "The visibility setting cannot be changed for masked and hidden variables."
    );
    let late = json!({ "masked_and_hidden": true });
    let late = bench.gitlab("PUT", &row("GREETING", ""), late).await;
    assert_eq!(
        late.json()["message"]["base"][0],
        "Only new variables can be set as masked and hidden."
    );
}

#[tokio::test]
async fn tokens_are_refused_for_what_they_lack() {
    let mut world = World::sop();
    world.gitlab.tokens[0].access = BTreeMap::new();
    let mut bench = Bench::with(world).await;
    let path = format!("{ROOT}/variables");
    let invisible = bench.gitlab("GET", &path, Value::Null).await;
    assert_eq!(
        (invisible.status, invisible.json()),
        (404, json!({ "message": "404 Project Not Found" }))
    );
    for (token, method, status, key, text) in [
        (
            GITLAB_DEVELOPER_TOKEN,
            "GET",
            403,
            "message",
            "403 Forbidden",
        ),
        (GITLAB_EXPIRED_TOKEN, "GET", 401, "error", "invalid_token"),
        (
            "glpat-never-seen",
            "GET",
            401,
            "message",
            "401 Unauthorized",
        ),
        (
            GITLAB_READ_TOKEN,
            "POST",
            403,
            "error",
            "insufficient_scope",
        ),
    ] {
        token.clone_into(&mut bench.gitlab_token);
        let answer = bench.gitlab(method, &path, Value::Null).await;
        assert_eq!(
            (answer.status, answer.json()[key].as_str()),
            (status, Some(text))
        );
    }
    assert_eq!(bench.gitlab("GET", &path, Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_renamed_project_redirects_with_its_query() {
    let bench = Bench::new().await;
    let path = "/projects/gigascience%2Fformer%2Fgigadb-website/variables?page=2";
    for method in ["GET", "POST"] {
        let answer = bench.gitlab(method, path, Value::Null).await;
        assert_eq!(answer.status, 301);
        let expected = format!("{}{ROOT}/variables?page=2", bench.simulator.gitlab_url());
        assert_eq!(answer.headers["location"], expected);
    }
}

#[tokio::test]
async fn deployments_come_oldest_first() {
    let bench = Bench::new().await;
    let path = format!("{ROOT}/deployments");
    let ids = |answer: &Value| {
        let all = answer.as_array().unwrap().iter();
        all.map(|one| one["iid"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("", vec![1, 2, 3]),
        ("?sort=desc", vec![3, 2, 1]),
        ("?environment=live&status=success", vec![3]),
        ("?updated_after=2026-08-02T00:00:00Z", vec![2, 3]),
    ] {
        let answer = bench
            .gitlab("GET", &format!("{path}{query}"), Value::Null)
            .await;
        assert_eq!(ids(&answer.json()), expected, "{query}");
    }
    for query in [
        "?order_by=finished_at",
        "?finished_after=2026-08-02T00:00:00Z",
        "?finished_after=2026-08-02T00:00:00Z&updated_after=2026-08-02T00:00:00Z",
    ] {
        let answer = bench
            .gitlab("GET", &format!("{path}{query}"), Value::Null)
            .await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_description_is_kept_unless_it_is_sent() {
    let bench = Bench::new().await;
    let path = row("HOME_URL", "?filter[environment_scope]=live");
    let kept = bench.gitlab("PUT", &path, json!({ "value": "v" })).await;
    assert!(kept.json()["description"].is_string());
    let cleared = json!({ "description": null });
    let cleared = bench.gitlab("PUT", &path, cleared).await;
    assert_eq!(cleared.json()["description"], Value::Null);
    assert_eq!(cleared.json()["value"], "v");
}

#[tokio::test]
async fn a_manual_job_is_played_once() {
    let bench = Bench::new().await;
    let path = format!("{ROOT}/jobs/4101001/play");
    let first = bench.gitlab("POST", &path, Value::Null).await;
    assert_eq!(first.json()["status"], "pending");
    let second = bench.gitlab("POST", &path, Value::Null).await;
    let expected = json!({ "message": "400 Bad request - Unplayable Job" });
    assert_eq!((second.status, second.json()), (400, expected));
}
