//! Answers that no simulator of a well-behaved vendor gives, sent word for word.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    time::{Duration, Instant, SystemTime},
};

use gigadb_clients::{Apis, Patch, Patience, write::Outcome};
use gigadb_engine::{
    advice::{self, Asked},
    world::World,
};
use insta::assert_snapshot;

use super::setup::Bench;

/// Answers one connection with each of `answers`; the address to ask.
pub(crate) fn serve(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            let mut request = [0; 8192];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

/// One answer, after which the connection is closed.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

const NO_ZONES: &str = r#"{"result":[],"success":true,"errors":[],"result_info":{"page":1}}"#;

async fn zones_from(bench: &Bench, answers: Vec<String>) -> World {
    let mut settings = bench.settings();
    settings.cloudflare.base_url = serve(answers).parse().unwrap();
    bench.observe_with(&Apis::new(settings)).await
}

async fn failure(answers: Vec<String>) -> String {
    let bench = Bench::start().await;
    let world = zones_from(&bench, answers).await;
    bench.show(world.zones.failure().unwrap())
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_comes_from_somebody_on_the_way() {
    let bench = Bench::start().await;
    let packed = answer("200 OK", "content-encoding: gzip\r\n", "\u{1f}\u{8}packed");
    let mut settings = bench.settings();
    let base = format!("{}/client/v4", serve(vec![packed]));
    settings.cloudflare.base_url = base.parse().unwrap();
    let world = bench.observe_with(&Apis::new(settings)).await;
    let failure = world.zones.failure().unwrap();
    assert_snapshot!(bench.show(failure), @"Unreachable: the answer to GET /zones of Cloudflare came as `gzip`, which was not asked for");
    let next = advice::next(Asked::Records, failure);
    assert!(next.starts_with("A proxy, a filter"), "{next}");
}

#[tokio::test]
async fn success_that_makes_no_sense_is_no_success() {
    let text = failure(vec![answer("200 OK", "", "<html>hello</html>")]).await;
    assert_snapshot!(text, @"Misconfigured: GET /zones to Cloudflare was answered with 200 and an HTML page, which is not the API's answer; the base URL must end in `/client/v4`");
    let text = failure(vec![answer("200 OK", "", r#"{"hello":1}"#)]).await;
    assert_snapshot!(text, @"Unreachable: Cloudflare answered GET /zones with something that makes no sense: not the JSON that was expected (line 1, column 11); the base URL must end in `/client/v4`");
}

#[tokio::test]
async fn a_200_that_says_it_failed_has_failed() {
    let body = r#"{"success":false,"result":null,"errors":[{"code":1004,"message":"DNS Validation Error","error_chain":[{"code":9109,"message":"Invalid\naccess token."}]}]}"#;
    let text = failure(vec![answer("200 OK", "cf-ray: 8f-HKG\r\n", body)]).await;
    assert_snapshot!(text, @"Refused: Cloudflare refused GET /zones with 200, code 1004: DNS Validation Error; code 9109: Invalid access token (request id [id])");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = "location: https://evil.example/client/v4/zones?token=x\r\n";
    let text = failure(vec![answer("302 Found", elsewhere, "")]).await;
    assert_snapshot!(text, @"Misconfigured: Cloudflare answered GET /zones with 302: it leads on to `/client/v4/zones`; the base URL must end in `/client/v4`");
}

#[tokio::test]
async fn a_connection_that_is_dropped_unanswered_is_tried_three_times() {
    let text = failure(vec![String::new(), String::new(), String::new()]).await;
    assert!(text.ends_with("(3 attempts)"), "{text}");
    let bench = Bench::start().await;
    let answers = vec![String::new(), answer("200 OK", "", NO_ZONES)];
    let world = zones_from(&bench, answers).await;
    assert_eq!(world.zones.read().unwrap().len(), 0);
}

#[tokio::test]
async fn a_pause_may_be_asked_for_as_a_date() {
    let bench = Bench::start().await;
    // HTTP dates have whole seconds: two from now is at least one.
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let answers = vec![
        answer(
            "503 Service Unavailable",
            &format!("retry-after: {date}\r\n"),
            "",
        ),
        answer("200 OK", "", NO_ZONES),
    ];
    let started = Instant::now();
    let world = zones_from(&bench, answers).await;
    assert!(world.zones.failure().is_none());
    assert!(started.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn a_batch_that_is_answered_with_nonsense_may_be_in_force() {
    let bench = Bench::start().await;
    for answers in [
        vec![answer("200 OK", "", "<html>")],
        vec![answer("200 OK", "", r#"{"success":false,"errors":[]}"#)],
        // Cut off in the middle of the body.
        vec![answer("200 OK", "", NO_ZONES).replace("}}", "")],
        vec![String::new(), answer("200 OK", "", NO_ZONES)],
    ] {
        let mut settings = bench.settings();
        settings.cloudflare.base_url = serve(answers.clone()).parse().unwrap();
        let patch = Patch {
            record_id: "1".parse().unwrap(),
            content: "192.0.2.1".to_owned(),
        };
        let failure = Apis::new(settings)
            .write_zone_batch(&"1".parse().unwrap(), &[patch], &[], Patience::Ordinary)
            .await
            .unwrap_err();
        assert_eq!(failure.outcome, Outcome::Unknown, "{answers:?}: {failure}");
    }
}

#[tokio::test]
async fn a_variable_that_comes_back_as_another_row_may_be_in_force() {
    let bench = Bench::start().await;
    for (row, fine) in [
        (
            r#"{"key":"K","value":"v","environment_scope":"live"}"#,
            true,
        ),
        (
            r#"{"key":"K","value":null,"environment_scope":"live"}"#,
            true,
        ),
        (r#"{"key":"K","value":"v","environment_scope":"*"}"#, false),
        (
            r#"{"key":"K","value":"w","environment_scope":"live"}"#,
            false,
        ),
    ] {
        let mut settings = bench.settings();
        settings.gitlab.base_url = serve(vec![answer("200 OK", "", row)]).parse().unwrap();
        let result = Apis::new(settings)
            .write_variable("1", &"K".parse().unwrap(), "live", "v", Patience::Ordinary)
            .await;
        let outcome = result.map_err(|failure| failure.outcome);
        assert_eq!(
            outcome,
            if fine { Ok(()) } else { Err(Outcome::Unknown) },
            "{row}"
        );
    }
}
