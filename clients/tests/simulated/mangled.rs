//! Real answers, damaged on their way: nothing panics or hangs, and a write that was carried out is
//! never taken for one that was not.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use gigadb_clients::{Apis, Patch, Patience, Timing, write::Outcome};
use gigadb_simulator::world::PROJECT;
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use super::setup::{Bench, timing};

/// What is done to every body.
#[derive(Debug, Clone)]
struct Damage {
    cuts: Vec<(prop::sample::Index, usize, Vec<u8>)>,
    /// Another value for every number, text or truth: JSON and XML stay well-formed.
    swap: Option<(&'static str, &'static str)>,
    truncate: Option<prop::sample::Index>,
}

fn damage() -> impl Strategy<Value = Damage> {
    let inserted = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        prop::sample::select(vec![
            &b"null"[..],
            b"-1",
            b"1e999",
            b"18446744073709551616",
            b"\"",
            b"{",
            b"[[[[[[",
            b"</item>",
            b"<a>",
            b"\\ud800",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    let cut = (any::<prop::sample::Index>(), 0_usize..30, inserted);
    let swaps = vec![
        ("\"A\"", "\"AAAA\""),
        ("\"content\"", "\"contents\""),
        ("\"id\":\"", "\"id\":7,\"was\":\""),
        ("\"name\":\"", "\"name\":\"\\u0000"),
        ("\"result\":[", "\"result\":null,\"was\":["),
        ("\"page\":1", "\"page\":0"),
        ("\"total_pages\":1", "\"total_pages\":4294967295"),
        ("\"value\":\"", "\"value\":null,\"was\":\""),
        ("true", "false"),
        ("false", "null"),
        ("<publicIp>", "<publicIp>300."),
        ("Set>", "set>"),
        ("<item>", "<item/><item>"),
    ];
    (
        prop::collection::vec(cut, 0..4),
        prop::option::of(prop::sample::select(swaps)),
        prop::option::weighted(0.1, any::<prop::sample::Index>()),
    )
        .prop_map(|(cuts, swap, truncate)| Damage {
            cuts,
            swap,
            truncate,
        })
}

impl Damage {
    fn of(&self, body: Vec<u8>) -> Vec<u8> {
        let mut body = match self.swap {
            Some((from, to)) => String::from_utf8_lossy(&body)
                .replace(from, to)
                .into_bytes(),
            None => body,
        };
        for (place, length, with) in &self.cuts {
            let from = place.index(body.len() + 1);
            let to = body.len().min(from + length);
            body.splice(from..to, with.iter().copied());
        }
        if let Some(place) = &self.truncate {
            body.truncate(place.index(body.len() + 1));
        }
        body
    }
}

/// Stands before the simulator and damages every body; ends with the test.
fn relay(to: SocketAddr, damage: Damage) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), damage) = (client, damage.clone()) else {
                return;
            };
            std::thread::spawn(move || pass(client, to, &damage));
        }
    });
    address
}

/// Reads one message: its head, and its body by `content-length`.
fn message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is = name.eq_ignore_ascii_case("content-length");
                is.then(|| value.trim().parse().ok())?
            });
            let body = end + 4;
            if bytes.len() - body >= length.unwrap_or(0) {
                return Some((head, bytes.split_off(body)));
            }
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// A head for another length, after whose message the connection ends.
fn head_for(head: &str, length: usize) -> String {
    let dropped = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("content-length:") && !line.starts_with("connection:")
    };
    let kept: Vec<&str> = head.lines().filter(dropped).collect();
    format!(
        "{}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n",
        kept.join("\r\n")
    )
}

fn pass(mut client: TcpStream, to: SocketAddr, damage: &Damage) -> Option<()> {
    let (head, body) = message(&mut client)?;
    let mut server = TcpStream::connect(to).ok()?;
    server
        .write_all(head_for(&head, body.len()).as_bytes())
        .ok()?;
    server.write_all(&body).ok()?;
    let (head, body) = message(&mut server)?;
    let body = damage.of(body);
    client
        .write_all(head_for(&head, body.len()).as_bytes())
        .ok()?;
    client.write_all(&body).ok()
}

async fn everything(bench: &Bench, damage: &Damage) -> Result<(), TestCaseError> {
    let to = bench.simulator.aws_url().trim_start_matches("http://");
    let relay = relay(to.parse().unwrap(), damage.clone());
    let mut settings = bench.settings();
    settings.cloudflare.base_url = format!("http://{relay}/client/v4").parse().unwrap();
    settings.gitlab.base_url = format!("http://{relay}/api/v4").parse().unwrap();
    settings.aws.endpoint_url = Some(format!("http://{relay}"));
    settings.timing = Timing {
        attempts: 1,
        read_backs: 1,
        ..timing()
    };
    let apis = Apis::new(settings);
    let _ = bench.observe_with(&apis).await;

    let commits = bench.simulator.history().len();
    let world = bench.simulator.world();
    let zone = world.cloudflare.zone("gigadb.org").unwrap();
    let record = zone.records.iter().find(|r| r.kind == "A").unwrap();
    let patch = Patch {
        record_id: record.id.parse().unwrap(),
        content: "203.0.113.10".to_owned(),
    };
    let zone = zone.id.parse().unwrap();
    let patience = Patience::Ordinary;
    let batch = apis.write_zone_batch(&zone, &[patch], &[], patience).await;
    let key = "HOME_URL".parse().unwrap();
    let variable = apis.write_variable(PROJECT, &key, "live", "http://new.example", patience);
    let variable = variable.await;
    prop_assert_eq!(bench.simulator.history().len(), commits + 2);
    for result in [batch.map(drop), variable] {
        if let Err(failure) = result {
            prop_assert_eq!(failure.outcome, Outcome::Unknown, "{}", failure.failure);
        }
    }
    Ok(())
}

#[test]
fn damaged_answers_neither_panic_nor_hang_nor_make_a_write_undone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start());
    let config = Config {
        cases: 96,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&damage(), |damage| {
        let _timers = runtime.enter();
        let limit = tokio::time::timeout(Duration::from_mins(1), everything(&bench, &damage));
        runtime
            .block_on(limit)
            .map_err(|_| TestCaseError::fail("it hangs"))?
    });
    checked.unwrap();
}
