//! `notify`: webhooks are told of runs, and nothing waits for them, fails by them or shows them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::{Api, Effect, Fault};
use serde_json::Value;

use crate::release;
use crate::runs::{FAILOVER, SWAP};
use crate::stage::Stage;

/// Part of every webhook's URL here: it may be in nothing that the program says.
const PLANTED: &str = "planted-webhook-path";

/// A webhook that answers every request so; `None` is never.
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) asked: Receiver<Value>,
}

impl Webhook {
    pub(crate) fn answering(status: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/{PLANTED}", listener.local_addr().unwrap());
        let (sender, asked) = channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let _ = sender.send(body(&mut stream));
                if let Some(status) = status {
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    let _ = stream.write_all(answer.as_bytes());
                }
                open.push(stream);
            }
        });
        Self { url, asked }
    }
}

/// The document that was sent.
fn body(stream: &mut TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// A stage whose topology tells the webhook of `GIGADB_WEBHOOK_URL` of these events.
fn told(format: &str, events: &str, url: Option<&str>) -> Stage {
    let stage = Stage::sop();
    let topology = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let line = format!(
        "notify: [ {{ url_variable: GIGADB_WEBHOOK_URL, format: {format}, events: {events} }} ]\n"
    );
    let file = stage.write("topology.yaml", &(topology + &line));
    let file = file.to_str().unwrap().to_owned();
    let stage = stage.with("GIGADB_TOPOLOGY", &file);
    match url {
        Some(url) => stage.with("GIGADB_WEBHOOK_URL", url),
        None => stage,
    }
}

#[track_caller]
fn kept_secret(text: &str) {
    assert!(!text.contains(PLANTED), "{text}");
}

#[test]
fn a_swap_is_told_once_it_has_ended() {
    let webhook = Webhook::answering(Some("200 OK"));
    let stage = told("json", "[swap]", Some(&webhook.url));
    let said = stage.run(&SWAP);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(!said.contains("webhook"), "{said}");
    let sent = webhook.asked.recv().unwrap();
    assert_eq!(sent["format_version"], 1);
    let news = &sent["news"];
    assert_eq!(news["event"], "swap");
    assert_eq!(news["outcome"], "completed");
    assert_eq!(news["environment"], "live");
    assert_eq!(news["production"], "alt-gigadb-website");
    assert_eq!(news["run"], stage.last_run());
    let text = news["text"].as_str().unwrap();
    assert!(
        text.starts_with("Swapped live: production is alt-gigadb-website"),
        "{text}"
    );
    // A second time nothing is written, and nobody is told.
    stage.answer(&[
        "plan",
        "--environment",
        "live",
        "--production",
        "alt-gigadb-website",
    ]);
    assert!(webhook.asked.try_recv().is_err());
}

#[test]
fn slack_is_sent_a_text_and_only_what_was_asked_for() {
    let webhook = Webhook::answering(Some("200 OK"));
    let stage = told("slack", "[failover, revert]", Some(&webhook.url));
    stage.answer(&SWAP);
    assert!(
        webhook.asked.try_recv().is_err(),
        "a swap was not asked for"
    );
    let id = stage.last_run();
    stage.answer(&["revert", &id, "--yes"]);
    let sent = webhook.asked.recv().unwrap();
    let text = sent["text"].as_str().unwrap();
    assert!(text.starts_with("Took back the run of live"), "{text}");
    assert_eq!(sent.as_object().unwrap().len(), 1, "{sent}");
    let said = stage.run(&FAILOVER);
    let sent = webhook.asked.recv().unwrap();
    let text = sent["text"].as_str().unwrap();
    assert!(text.starts_with("Failed over live"), "{text}: {said}");
}

#[test]
fn a_run_that_did_not_complete_is_told_as_such() {
    let webhook = Webhook::answering(Some("200 OK"));
    let stage = told("json", "[swap]", Some(&webhook.url));
    let fault = Fault::new(Effect::Refuse).api(Api::Cloudflare);
    stage.simulator.fault(fault.method("POST"));
    let said = stage.run(&SWAP);
    assert!(said.starts_with("exit 1\n"), "{said}");
    let news = webhook.asked.recv().unwrap()["news"].clone();
    assert_eq!(news["outcome"], "failed");
    assert_eq!(news["production"], Value::Null);
    let text = news["text"].as_str().unwrap();
    assert!(text.starts_with("The swap did not complete: "), "{text}");
}

#[test]
fn a_webhook_that_fails_is_a_warning_and_the_run_is_as_it_was() {
    for (status, why) in [
        ("500 Internal Server Error", "it answered with status 500"),
        (
            "302 Found",
            "it redirects (status 302), and no redirect is followed",
        ),
    ] {
        let webhook = Webhook::answering(Some(status));
        let stage = told("json", "[swap]", Some(&webhook.url)).with("GIGADB_LOG", "trace");
        let said = stage.run(&SWAP);
        assert!(said.starts_with("exit 0\n"), "{said}");
        let warning = format!(
            "warning: Of this swap the webhook of `GIGADB_WEBHOOK_URL` was not told: {why}. What was done stands."
        );
        assert!(said.contains(&warning), "{said}");
        kept_secret(&said);
    }
}

#[test]
fn nobody_waits_long_for_a_webhook() {
    let webhook = Webhook::answering(None);
    let stage = told("json", "[swap]", Some(&webhook.url));
    let began = Instant::now();
    let said = stage.run(&SWAP);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(said.contains("it did not answer within 5 s"), "{said}");
    assert!(began.elapsed() < Duration::from_mins(1), "{said}");
    kept_secret(&said);
}

#[test]
fn a_url_that_cannot_be_used_is_told_without_itself() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = format!("http://{}/{PLANTED}", closed.local_addr().unwrap());
    drop(closed);
    let plain = format!("http://192.0.2.1/{PLANTED}");
    for (url, why) in [
        (None, "the variable is not set"),
        (Some(PLANTED), "its value is no URL"),
        (
            Some(plain.as_str()),
            "its URL is neither `https` nor of this machine",
        ),
        (Some(nobody.as_str()), "no answer ("),
    ] {
        let said = told("slack", "[swap]", url).run(&SWAP);
        assert!(said.starts_with("exit 0\n"), "{said}");
        assert!(said.contains(why), "{why}: {said}");
        kept_secret(&said);
    }
}

#[test]
fn a_release_is_told_step_by_step() {
    let webhook = Webhook::answering(Some("200 OK"));
    let stage = release::stage();
    let topology = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let line = "notify: [ { url_variable: GIGADB_WEBHOOK_URL, events: [release] } ]\n";
    let topology = topology.replace("echo paused", "test -e go && echo paused");
    stage.write("topology.yaml", &(topology + line));
    let stage = stage.with("GIGADB_WEBHOOK_URL", &webhook.url);
    release::start(&stage, "complex");
    release::confirm(&stage, "embargo", "Ada");
    release::release(&stage, 1, &["next", "--yes"]);
    stage.write("go", "");
    release::next(&stage);
    release::release(&stage, 1, &["abandon", "--reason", "enough"]);
    let told: Vec<(String, Value)> = (0..5)
        .map(|_| {
            let news = webhook.asked.recv().unwrap()["news"].clone();
            assert_eq!(news["event"], "release");
            assert_eq!(news["production"], Value::Null);
            let text = news["text"].as_str().unwrap();
            assert!(text.starts_with("Release v4.4.0 of live: "), "{text}");
            (
                news["outcome"].as_str().unwrap().to_owned(),
                news["step"].clone(),
            )
        })
        .collect();
    let told: Vec<String> = told
        .iter()
        .map(|(outcome, step)| format!("{outcome} {}", step.as_str().unwrap_or("-")))
        .collect();
    assert_eq!(
        told,
        [
            "started -",
            "confirmed embargo",
            "failed pause-sync",
            "done pause-sync",
            "abandoned -"
        ]
    );
}
