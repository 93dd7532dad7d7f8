//! What a write sends, and what is known after one that failed.

use std::time::Duration;

use gigadb_clients::{
    Apis, NewRecord, Patch, Patience,
    write::{Outcome, WriteFailure},
};
use gigadb_engine::name::ZoneId;
use gigadb_simulator::{
    Api, Effect, Fault, World as Seed,
    world::{ALT_PROJECT, PROJECT},
};
use insta::assert_snapshot;
use serde_json::json;

use super::setup::Bench;

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";

/// The zone `gigadb.org` and a patch of its apex.
fn apex(world: &Seed, content: &str) -> (ZoneId, Patch) {
    let zone = world.cloudflare.zone("gigadb.org").unwrap();
    let mut records = zone.records.iter();
    let record = records
        .find(|r| r.name == "gigadb.org" && r.kind == "A")
        .unwrap();
    let patch = Patch {
        record_id: record.id.parse().unwrap(),
        content: content.to_owned(),
    };
    (zone.id.parse().unwrap(), patch)
}

async fn write_apex(bench: &Bench, apis: &Apis) -> Result<(), WriteFailure> {
    let (zone, patch) = apex(&bench.simulator.world(), "203.0.113.10");
    apis.write_zone_batch(&zone, &[patch], &[], Patience::Ordinary)
        .await
        .map(|_| ())
}

async fn write_home_url(apis: &Apis, project: &str, scope: &str) -> Result<(), WriteFailure> {
    let key = "HOME_URL".parse().unwrap();
    apis.write_variable(
        project,
        &key,
        scope,
        "http://new.example",
        Patience::Ordinary,
    )
    .await
}

fn apex_content(world: &Seed) -> String {
    world.cloudflare.records("gigadb.org")[0].content.clone()
}

#[tokio::test]
async fn a_batch_changes_contents_and_nothing_else() {
    let bench = Bench::start().await;
    let mut expected = bench.simulator.world();
    let (zone, patch) = apex(&expected, "203.0.113.10");
    let record_id = patch.record_id.clone();
    bench
        .apis()
        .write_zone_batch(&zone, &[patch], &[], Patience::Ordinary)
        .await
        .unwrap();
    let requests = bench.simulator.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        requests[0].body,
        json!({ "patches": [{ "id": record_id, "content": "203.0.113.10" }] })
    );
    let record = expected.cloudflare.record_mut("gigadb.org", "A").unwrap();
    record.content = "203.0.113.10".to_owned();
    assert_eq!(bench.simulator.world().normalized(), expected.normalized());
}

#[tokio::test]
async fn records_are_created_as_the_policy_says() {
    let bench = Bench::start().await;
    let (zone, _) = apex(&bench.simulator.world(), "");
    let record = |name: &str, ttl, proxied| NewRecord {
        name: name.parse().unwrap(),
        address: "203.0.113.9".parse().unwrap(),
        ttl,
        proxied,
    };
    let posts = [
        record("a.gigadb.org", Some(120), false),
        record("b.gigadb.org", None, false),
        record("c.gigadb.org", Some(120), true),
    ];
    bench
        .apis()
        .write_zone_batch(&zone, &[], &posts, Patience::Ordinary)
        .await
        .unwrap();
    let world = bench.simulator.world();
    let made = |name: &str| {
        let record = world.cloudflare.records(name)[0];
        (record.content.clone(), record.ttl, record.proxied)
    };
    assert_eq!(made("a.gigadb.org"), ("203.0.113.9".to_owned(), 120, false));
    assert_eq!(made("b.gigadb.org"), ("203.0.113.9".to_owned(), 1, false));
    assert_eq!(made("c.gigadb.org"), ("203.0.113.9".to_owned(), 1, true));
}

#[tokio::test]
async fn a_variable_keeps_everything_but_its_value() {
    let bench = Bench::start().await;
    let mut expected = bench.simulator.world();
    write_home_url(&bench.apis(), PROJECT, "live")
        .await
        .unwrap();
    let request = &bench.simulator.requests()[0];
    assert_eq!(
        request.path,
        "/api/v4/projects/gigascience%2Fupstream%2Fgigadb-website/variables/HOME_URL"
    );
    assert_eq!(
        request.query,
        [("filter[environment_scope]".to_owned(), "live".to_owned())]
    );
    assert_eq!(request.body, json!({ "value": "http://new.example" }));
    let project = expected.gitlab.project_mut(PROJECT).unwrap();
    project.variable_mut("HOME_URL", "live").unwrap().value = "http://new.example".to_owned();
    assert_eq!(bench.simulator.world().normalized(), expected.normalized());
}

#[tokio::test]
async fn a_missing_row_is_refused_and_the_row_of_another_scope_is_left_alone() {
    let mut seed = Seed::sop();
    let project = seed.gitlab.project_mut(PROJECT).unwrap();
    project
        .variables
        .retain(|v| v.key != "HOME_URL" || v.environment_scope == "staging");
    let bench = Bench::start_with(seed).await;
    let before = bench.simulator.world();
    let failure = write_home_url(&bench.apis(), PROJECT, "live")
        .await
        .unwrap_err();
    assert_eq!(failure.outcome, Outcome::Refused);
    assert_snapshot!(bench.show(&failure.failure), @"Refused: GitLab refused PUT /projects/{id}/variables/{key} with 404, 404 Variable Not Found (`HOME_URL` in project `gigascience/upstream/gigadb-website`, scope `live`, request id [id])");
    assert_eq!(bench.simulator.world(), before);
}

#[tokio::test]
async fn a_variable_is_created_in_its_scope() {
    let bench = Bench::start().await;
    let key = "NEW_KEY".parse().unwrap();
    let apis = bench.apis();
    apis.create_variable(ALT_PROJECT, &key, "live", "value", Patience::Ordinary)
        .await
        .unwrap();
    let world = bench.simulator.world();
    let project = world.gitlab.project(ALT_PROJECT).unwrap();
    assert_eq!(project.variable("NEW_KEY", "live").unwrap().value, "value");
    let again = apis
        .create_variable(ALT_PROJECT, &key, "live", "other", Patience::Ordinary)
        .await
        .unwrap_err();
    assert_eq!(again.outcome, Outcome::Refused);
    assert!(
        again.failure.message.contains("has already been taken"),
        "{again}"
    );
}

/// Sends one batch and one variable into `effect`: outcome, message, requests, and whether the
/// write was carried out, for each.
async fn spoiled(effect: Effect, times: Option<u64>) -> [(Outcome, String, usize, bool); 2] {
    let bench = Bench::start().await;
    let mut settings = bench.settings();
    settings.timing.attempt = Duration::from_millis(500);
    let apis = Apis::new(settings);
    for (api, method) in [(Api::Cloudflare, "POST"), (Api::Gitlab, "PUT")] {
        let mut fault = Fault::new(effect.clone()).api(api).method(method);
        fault.times = times;
        bench.simulator.fault(fault);
    }
    let batch = write_apex(&bench, &apis).await.unwrap_err();
    let variable = write_home_url(&apis, PROJECT, "live").await.unwrap_err();
    let world = bench.simulator.world();
    let row = world.gitlab.project(PROJECT).unwrap();
    let row = row.variable("HOME_URL", "live").unwrap();
    let show = |f: &WriteFailure| bench.show(&f.failure);
    [
        (
            batch.outcome,
            show(&batch),
            bench.requests(Api::Cloudflare, "POST").len(),
            apex_content(&world) == "203.0.113.10",
        ),
        (
            variable.outcome,
            show(&variable),
            bench.requests(Api::Gitlab, "PUT").len(),
            row.value == "http://new.example",
        ),
    ]
}

#[tokio::test]
async fn a_write_that_may_have_been_carried_out_is_unknown_and_sent_once() {
    for (effect, carried_out) in [
        (Effect::ResetAfterCommit, true),
        (Effect::ResetBeforeCommit, false),
        (Effect::CommitThenHang, true),
        (Effect::Hang, false),
        (Effect::BadGateway, false),
    ] {
        for (outcome, message, requests, done) in spoiled(effect.clone(), None).await {
            assert_eq!(outcome, Outcome::Unknown, "{effect:?}: {message}");
            assert_eq!(requests, 1, "{effect:?}: {message}");
            assert_eq!(done, carried_out, "{effect:?}: {message}");
        }
    }
}

#[tokio::test]
async fn a_write_that_was_refused_in_the_apis_own_words_says_so() {
    let [batch, variable] = spoiled(Effect::Refuse, None).await;
    assert_snapshot!(batch.1, @"Refused: Cloudflare refused POST /zones/{zone_id}/dns_records/batch with 403, code 10000: Authentication error; the token may not edit DNS: it needs DNS: Edit on this zone (zone id c0ad183b551fbd855cfb1a67042c1b3a)");
    assert_snapshot!(variable.1, @"Refused: GitLab refused PUT /projects/{id}/variables/{key} with 403, 403 Forbidden; the token needs scope `api` and the role Maintainer in this project (`HOME_URL` in project `gigascience/upstream/gigadb-website`, scope `live`)");
    for (outcome, _, requests, done) in [batch, variable] {
        assert_eq!((outcome, requests, done), (Outcome::Refused, 1, false));
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_if_there_is_time() {
    let bench = Bench::start().await;
    for retry_after in [Some(1), None] {
        let limit = Fault::new(Effect::RateLimited { retry_after });
        bench.simulator.fault(limit.template(BATCH));
    }
    write_apex(&bench, &bench.apis()).await.unwrap();
    let sent = bench.requests(Api::Cloudflare, "POST");
    assert_eq!(sent.len(), 3);
    assert!(sent[1].started >= sent[0].started + Duration::from_secs(1));
    assert_eq!(apex_content(&bench.simulator.world()), "203.0.113.10");

    let effect = Effect::RateLimited {
        retry_after: Some(3600),
    };
    for (outcome, message, requests, done) in spoiled(effect, None).await {
        assert_eq!((outcome, requests, done), (Outcome::Refused, 1, false));
        assert!(
            message.contains("; it asks to wait 3600 s, until "),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_write_without_a_connection_is_tried_again_and_never_sent() {
    let bench = Bench::start().await;
    bench.simulator.stop_listening().unwrap();
    let failure = write_apex(&bench, &bench.apis()).await.unwrap_err();
    assert_eq!(failure.outcome, Outcome::NotSent);
    assert!(
        failure
            .failure
            .message
            .contains("no connection to Cloudflare"),
        "{failure}"
    );
    assert!(failure.failure.message.contains("3 attempts"), "{failure}");
}

#[tokio::test]
async fn a_write_to_a_renamed_project_is_not_redirected() {
    let bench = Bench::start().await;
    let before = bench.simulator.world();
    let former = "gigascience/former/gigadb-website";
    let failure = write_home_url(&bench.apis(), former, "live")
        .await
        .unwrap_err();
    assert_eq!(failure.outcome, Outcome::Unknown);
    assert!(
        failure
            .failure
            .message
            .contains("the project has moved to `gigascience/upstream/gigadb-website`"),
        "{failure}"
    );
    assert_eq!(bench.simulator.requests().len(), 1);
    assert_eq!(bench.simulator.world(), before);
}

#[tokio::test]
async fn a_write_without_a_token_names_the_setting() {
    let bench = Bench::start().await;
    let mut settings = bench.settings();
    settings.cloudflare.token = None;
    let failure = write_apex(&bench, &Apis::new(settings)).await.unwrap_err();
    assert_eq!(failure.outcome, Outcome::NotSent);
    assert!(
        failure.failure.message.contains("`CLOUDFLARE_API_TOKEN`"),
        "{failure}"
    );
    assert!(bench.simulator.requests().is_empty());
}

#[tokio::test]
async fn what_concerns_the_lost_side_has_less_time() {
    let bench = Bench::start().await;
    bench.simulator.fault(Fault::new(Effect::Hang).always());
    let mut settings = bench.settings();
    settings.timing.lost_side_writes = Duration::from_millis(300);
    let key = "HOME_URL".parse().unwrap();
    let failure = Apis::new(settings)
        .write_variable(PROJECT, &key, "live", "v", Patience::LostSide)
        .await
        .unwrap_err();
    assert_eq!(failure.outcome, Outcome::Unknown);
    assert!(
        failure.failure.message.contains(" within 0.3 s"),
        "{failure}"
    );
}
