//! Rules of Cloudflare's API.

use gigadb_simulator::World;
use gigadb_simulator::world::{
    CLOUDFLARE_ACCOUNT_TOKEN, CLOUDFLARE_IP_BLOCKED_TOKEN, CLOUDFLARE_ONE_ZONE_TOKEN,
    CLOUDFLARE_READ_TOKEN, CLOUDFLARE_REVOKED_TOKEN, CLOUDFLARE_TOKEN, DnsAccess, Plan, ZoneStatus,
};
use serde_json::{Value, json};

use crate::client::Bench;

#[tokio::test]
async fn every_path_answers_in_the_envelope() {
    let bench = Bench::new().await;
    for path in ["/nothing", "/zones/xyz", "/zones/xyz/dns_records", ""] {
        let answer = bench.cloudflare("GET", path, Value::Null).await;
        assert_eq!((answer.status, answer.code()), (400, 7003), "{path}");
        let body = answer.json();
        assert_eq!(body["success"], false);
        assert_eq!(body["errors"][1]["code"], 7000);
        assert_eq!(body["result"], Value::Null);
        assert!(answer.headers.contains_key("cf-ray"));
    }
    let records = bench.records("gigadb.org");
    for (id, status, code) in [("xyz", 400, 7003), (&"0".repeat(32), 404, 81044)] {
        let path = format!("{records}/{id}");
        let answer = bench.cloudflare("GET", &path, Value::Null).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{id}");
    }
    let unknown = format!("/zones/{}", "0".repeat(32));
    let answer = bench.cloudflare("GET", &unknown, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (404, 7003));
}

#[tokio::test]
async fn a_dead_token_fails_on_every_path_in_the_paths_own_way() {
    let mut bench = Bench::new().await;
    let records = bench.records("gigadb.org");
    for token in [CLOUDFLARE_REVOKED_TOKEN, "never-seen"] {
        token.clone_into(&mut bench.cloudflare_token);
        for (path, status, code) in [
            ("/zones", 403, 10000),
            ("/user/tokens/verify", 401, 1000),
            (records.as_str(), 400, 9106),
        ] {
            let answer = bench.cloudflare("GET", path, Value::Null).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{path}");
        }
    }
    CLOUDFLARE_IP_BLOCKED_TOKEN.clone_into(&mut bench.cloudflare_token);
    for path in ["/zones", "/user/tokens/verify", records.as_str()] {
        let answer = bench.cloudflare("GET", path, Value::Null).await;
        assert_eq!((answer.status, answer.code()), (403, 9109), "{path}");
    }
}

#[tokio::test]
async fn malformed_credentials_are_told_from_wrong_ones() {
    let bench = Bench::new().await;
    let url = format!("{}/zones", bench.simulator.cloudflare_url());
    for (name, value, code, cause) in [
        ("x-auth-key", CLOUDFLARE_TOKEN, 6003, 6103),
        ("authorization", "Bearer two words", 6003, 6111),
        ("authorization", "Token abc", 6003, 6111),
        ("x-nothing", "", 9106, 0),
    ] {
        let request = bench.http.get(&url).header(name, value);
        let answer = bench.send(request).await.unwrap();
        assert_eq!(
            (answer.status, answer.code(), answer.cause()),
            (400, code, cause),
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn a_zone_outside_the_scope_is_left_out_without_a_word() {
    let mut bench = Bench::new().await;
    let (org, host) = (bench.records("gigadb.org"), bench.records("gigadb.host"));
    CLOUDFLARE_ONE_ZONE_TOKEN.clone_into(&mut bench.cloudflare_token);
    let hidden = bench
        .cloudflare("GET", "/zones?name=gigadb.host", Value::Null)
        .await;
    assert_eq!((hidden.status, &hidden.json()["result"]), (200, &json!([])));
    assert_eq!(bench.cloudflare("GET", &org, Value::Null).await.status, 200);
    let refused = bench.cloudflare("GET", &host, Value::Null).await;
    assert_eq!((refused.status, refused.code()), (403, 10000));
}

#[tokio::test]
async fn permissions_are_asked_for_one_by_one() {
    let mut world = World::sop();
    world.cloudflare.tokens[0].zone_read = false;
    world.cloudflare.tokens[1].dns = DnsAccess::None;
    let mut bench = Bench::with(world).await;
    let records = bench.records("gigadb.org");
    let zones = bench.cloudflare("GET", "/zones", Value::Null).await;
    assert_eq!(zones.status, 403);
    assert!(zones.text.contains("com.cloudflare.api.account.zone.list"));
    let listed = bench.cloudflare("GET", &records, Value::Null).await;
    assert_eq!(listed.status, 200, "DNS Write reads too");
    CLOUDFLARE_READ_TOKEN.clone_into(&mut bench.cloudflare_token);
    let refused = bench.cloudflare("GET", &records, Value::Null).await;
    assert_eq!((refused.status, refused.code()), (403, 10000));
}

#[tokio::test]
async fn reading_does_not_allow_writing() {
    let mut bench = Bench::new().await;
    let path = bench.records("gigadb.org");
    let one = format!("{path}/{}", bench.record_id("gigadb.org"));
    CLOUDFLARE_READ_TOKEN.clone_into(&mut bench.cloudflare_token);
    for (method, path) in [
        ("POST", path.clone()),
        ("POST", format!("{path}/batch")),
        ("PATCH", one.clone()),
        ("PUT", one.clone()),
        ("DELETE", one.clone()),
    ] {
        let answer = bench.cloudflare(method, &path, json!({})).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, 10000),
            "{method} {path}"
        );
    }
    assert_eq!(bench.simulator.world(), World::sop());
    assert!(bench.simulator.history().is_empty());
}

#[tokio::test]
async fn an_accounts_token_is_verified_at_its_accounts_url() {
    let mut bench = Bench::new().await;
    let account = bench.simulator.world().cloudflare.accounts[0].id.clone();
    CLOUDFLARE_ACCOUNT_TOKEN.clone_into(&mut bench.cloudflare_token);
    let path = format!("/accounts/{account}/tokens/verify");
    let verified = bench.cloudflare("GET", &path, Value::Null).await.json();
    assert_eq!(verified["result"]["status"], "active");
    assert_eq!(verified["messages"][0]["code"], 10000);
    let refused = bench
        .cloudflare("GET", "/user/tokens/verify", Value::Null)
        .await;
    assert_eq!((refused.status, refused.code()), (401, 1000));
    let zones = bench.cloudflare("GET", "/zones", Value::Null).await;
    assert_eq!(zones.json()["result_info"]["count"], 2);
}

#[tokio::test]
async fn pages_say_where_they_end() {
    let bench = Bench::new().await;
    let path = bench.records("gigadb.org");
    let page = |number: u32| format!("{path}?per_page=6&page={number}");
    let mut names = Vec::new();
    for (number, count) in [(1, 6), (2, 6), (3, 3), (4, 0)] {
        let body = bench
            .cloudflare("GET", &page(number), Value::Null)
            .await
            .json();
        let expected = json!({
            "page": number, "per_page": 6, "count": count, "total_count": 15, "total_pages": 3,
        });
        assert_eq!(body["result_info"], expected);
        for record in body["result"].as_array().unwrap() {
            names.push(record["id"].as_str().unwrap().to_owned());
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 15);
    let zones = bench
        .cloudflare("GET", "/zones?per_page=500", Value::Null)
        .await;
    assert_eq!(zones.json()["result_info"]["per_page"], 50);
}

#[tokio::test]
async fn zones_show_status_pause_and_plan() {
    let mut world = World::sop();
    let zone = world.cloudflare.zone_mut("gigadb.host").unwrap();
    zone.status = ZoneStatus::Moved;
    zone.paused = true;
    zone.plan = Plan::Enterprise;
    let bench = Bench::with(world).await;
    let listed = bench
        .cloudflare("GET", "/zones?status=moved", Value::Null)
        .await;
    let zone = &listed.json()["result"][0];
    assert_eq!(zone["name"], "gigadb.host");
    assert_eq!(zone["paused"], true);
    assert_eq!(zone["plan"]["legacy_id"], "enterprise");
}

#[tokio::test]
async fn a_patch_keeps_what_it_does_not_give() {
    let bench = Bench::new().await;
    let before = bench.simulator.world();
    let path = format!(
        "{}/{}",
        bench.records("gigadb.org"),
        bench.record_id("gigadb.org")
    );
    let body = json!({ "content": "203.0.113.10" });
    let answer = bench.cloudflare("PATCH", &path, body).await;
    assert_eq!(answer.status, 200);
    let after = bench.simulator.world();
    let record = after.cloudflare.records("gigadb.org")[0];
    assert_eq!(record.modified_on, "2026-09-01T00:00:01.000001Z");
    let mut expected = before;
    "203.0.113.10".clone_into(
        &mut expected
            .cloudflare
            .record_mut("gigadb.org", "A")
            .unwrap()
            .content,
    );
    assert_eq!(after.normalized(), expected.normalized());
}

#[tokio::test]
async fn a_put_resets_what_it_does_not_give() {
    let bench = Bench::new().await;
    let id = bench.record_id("gigadb.org");
    let path = format!("{}/{id}", bench.records("gigadb.org"));
    let body = json!({ "name": "gigadb.org", "type": "A", "content": "192.0.2.1" });
    let result = bench.cloudflare("PUT", &path, body).await.json()["result"].clone();
    assert_eq!(result["id"], json!(id));
    assert_eq!(result["proxied"], false);
    assert_eq!(result["comment"], Value::Null);
    assert_eq!(result["tags"], json!([]));
    let half = bench
        .cloudflare("PUT", &path, json!({ "content": "192.0.2.2" }))
        .await;
    assert_eq!((half.status, half.code()), (400, 1004));
}

#[tokio::test]
async fn a_batch_runs_deletes_patches_puts_posts() {
    let bench = Bench::new().await;
    let path = format!("{}/batch", bench.records("gigadb.org"));
    let (dev, apex) = (
        bench.record_id("dev.gigadb.org"),
        bench.record_id("gigadb.org"),
    );
    // Sent the other way round: only the fixed order lets the CNAME find its place free.
    let body = json!({
        "posts": [{ "type": "CNAME", "name": "dev", "content": "example.net", "ttl": 60 }],
        "patches": [{ "id": apex, "content": "203.0.113.10" }],
        "deletes": [{ "id": dev, "comment": "ignored" }],
    });
    let answer = bench.cloudflare("POST", &path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["result"]["puts"], Value::Null);
    assert_eq!(bench.content("gigadb.org"), "203.0.113.10");
    assert_eq!(bench.content("dev.gigadb.org"), "example.net");
    assert_eq!(bench.simulator.history().len(), 1, "one commit");
}

#[tokio::test]
async fn a_failing_batch_changes_nothing_and_tells_its_first_error() {
    let bench = Bench::new().await;
    let path = format!("{}/batch", bench.records("gigadb.org"));
    let (files, apex) = (
        bench.record_id("files.gigadb.org"),
        bench.record_id("gigadb.org"),
    );
    let body = json!({
        "patches": [
            { "id": apex, "content": "203.0.113.10" },
            { "id": files, "content": "not an address" },
            { "id": "0".repeat(32), "content": "192.0.2.1" },
        ],
    });
    let answer = bench.cloudflare("POST", &path, body).await;
    assert_eq!((answer.status, answer.code()), (400, 9005));
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 1);
    assert_eq!(bench.simulator.world(), World::sop());
    let gone = json!({ "deletes": [{ "id": "0".repeat(32) }] });
    let answer = bench.cloudflare("POST", &path, gone).await;
    assert_eq!((answer.status, answer.code()), (404, 81044));
    let shape = bench
        .cloudflare("POST", &path, json!({ "patches": "all" }))
        .await;
    assert_eq!((shape.status, shape.code()), (400, 9207));
}

#[tokio::test]
async fn a_batch_holds_as_many_changes_as_the_plan_allows() {
    let bench = Bench::new().await;
    let id = bench.record_id("alt-live.gigadb.host");
    let path = format!("{}/batch", bench.records("gigadb.host"));
    let patches = |count: usize| {
        let one = json!({ "id": id, "content": "203.0.113.10" });
        json!({ "patches": vec![one; count] })
    };
    let refused = bench.cloudflare("POST", &path, patches(201)).await;
    assert_eq!(refused.status, 400);
    let accepted = bench.cloudflare("POST", &path, patches(200)).await;
    assert_eq!(accepted.status, 200);
}

#[tokio::test]
async fn names_are_read_in_every_spelling_and_shown_in_one() {
    let bench = Bench::new().await;
    let path = bench.records("gigadb.host");
    for (given, shown) in [
        ("one", "one.gigadb.host"),
        ("TWO.GigaDB.host.", "two.gigadb.host"),
        ("@", "gigadb.host"),
        ("*", "*.gigadb.host"),
        ("_dmarc", "_dmarc.gigadb.host"),
        ("bücher", "xn--bcher-kva.gigadb.host"),
    ] {
        let body = json!({ "type": "TXT", "name": given, "content": "text", "ttl": 1 });
        let answer = bench.cloudflare("POST", &path, body).await;
        assert_eq!(answer.json()["result"]["name"], shown, "{}", answer.text);
    }
    let empty = json!({ "type": "A", "name": "a..b", "content": "192.0.2.1" });
    let answer = bench.cloudflare("POST", &path, empty).await;
    assert_eq!((answer.status, answer.cause()), (400, 9000));
}

#[tokio::test]
async fn records_beside_each_other_follow_the_rules() {
    let bench = Bench::new().await;
    let path = bench.records("gigadb.org");
    for (kind, name, content, code) in [
        ("A", "gigadb.org", "198.51.100.10", 81058),
        ("CNAME", "gigadb.org", "example.net", 81053),
        ("CNAME", "www", "example.net", 81053),
        ("A", "www", "192.0.2.1", 81054),
        ("A", "gigadb.org", "192.0.2.1", 0),
    ] {
        let body = json!({ "type": kind, "name": name, "content": content, "ttl": 1 });
        let answer = bench.cloudflare("POST", &path, body).await;
        assert_eq!(answer.code(), code, "{kind} {name} {content}");
    }
    let world = bench.simulator.world();
    let addresses = world.cloudflare.records("gigadb.org");
    let addresses = addresses.iter().filter(|record| record.kind == "A");
    assert_eq!(
        addresses.count(),
        2,
        "a create beside another address makes a second record"
    );
}

#[tokio::test]
async fn fields_have_limits() {
    let bench = Bench::new().await;
    let path = bench.records("gigadb.host");
    let base = json!({ "type": "A", "name": "new", "content": "192.0.2.1", "ttl": 60 });
    for (field, value, code, cause) in [
        ("content", json!("2001:db8::1"), 9005, 0),
        ("ttl", json!(59), 1004, 9021),
        ("ttl", json!(86_401), 1004, 9021),
        ("tags", json!(["team:web"]), 1004, 9300),
        ("comment", json!("c".repeat(101)), 1004, 9000),
        ("comment", json!("two\nlines"), 1004, 9000),
        ("ttl", json!("60"), 9207, 0),
    ] {
        let mut body = base.clone();
        body[field] = value.clone();
        let answer = bench.cloudflare("POST", &path, body).await;
        assert_eq!(
            (answer.code(), answer.cause()),
            (code, cause),
            "{field}: {value}"
        );
    }
    let text = json!({ "type": "TXT", "name": "new", "content": "text", "proxied": true });
    assert_eq!(bench.cloudflare("POST", &path, text).await.code(), 9004);
    let proxied =
        json!({ "type": "A", "name": "new", "content": "192.0.2.1", "ttl": 900, "proxied": true });
    let answer = bench.cloudflare("POST", &path, proxied).await;
    assert_eq!(answer.json()["result"]["ttl"], 1);
}

#[tokio::test]
async fn filters_select_records() {
    let bench = Bench::new().await;
    let path = bench.records("gigadb.org");
    for (query, count) in [
        ("name=GIGADB.ORG", 3),
        ("name.exact=gigadb.org&type=A", 1),
        ("name.endswith=staging.gigadb.org&type=A", 3),
        ("content=203.0.113.12", 1),
        ("proxied=true", 3),
        ("comment.present=true&type=A", 5),
        ("tag=team:data", 2),
        ("tag.present=tier", 2),
        ("tag=team&tag=tier", 2),
        ("tag=team&tag=tier&tag_match=any", 3),
        ("name=gigadb.org&type=AAAA&match=any", 4),
        ("search=mail.example", 1),
    ] {
        let body = bench
            .cloudflare("GET", &format!("{path}?{query}"), Value::Null)
            .await
            .json();
        assert_eq!(body["result_info"]["count"], count, "{query}");
    }
    let sorted = bench
        .cloudflare(
            "GET",
            &format!("{path}?order=name&direction=desc&type=A"),
            Value::Null,
        )
        .await;
    assert_eq!(sorted.json()["result"][0]["name"], "staging.gigadb.org");
}
