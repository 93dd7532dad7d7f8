//! What the simulated servers saw.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use gigadb_simulator::{LoggedRequest, world::CLOUDFLARE_TOKEN};
use gigadb_tests::Scene;

use crate::measure::milliseconds;

/// Every kind of request with its number.
pub(crate) fn counted(log: &[LoggedRequest]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for request in log {
        let region = request
            .region
            .as_deref()
            .map_or_else(String::new, |r| format!(" {r}"));
        *counts
            .entry(format!("{} {}{region}", request.method, request.template))
            .or_default() += 1;
    }
    let list: Vec<String> = counts
        .iter()
        .map(|(what, n)| format!("{n} `{what}`"))
        .collect();
    format!("{}: {}", log.len(), list.join(", "))
}

/// The longest chain of requests each of which began after the one before had ended.
pub(crate) fn round_trips(log: &[LoggedRequest]) -> usize {
    let mut chains: Vec<(Duration, usize)> = Vec::new();
    let mut by_start: Vec<&LoggedRequest> = log.iter().collect();
    by_start.sort_by_key(|request| request.started);
    for request in by_start {
        let before = chains
            .iter()
            .filter(|(end, _)| *end <= request.started)
            .map(|(_, n)| *n);
        let length = before.max().unwrap_or(0) + 1;
        chains.push((request.ended.unwrap_or(request.started), length));
    }
    chains
        .into_iter()
        .map(|(_, length)| length)
        .max()
        .unwrap_or(0)
}

/// From the first arrival to the last answer.
pub(crate) fn span(log: &[LoggedRequest]) -> Duration {
    let first = log.iter().map(|r| r.started).min().unwrap_or_default();
    let last = log.iter().filter_map(|r| r.ended).max().unwrap_or_default();
    last.saturating_sub(first)
}

fn dns_writes(log: &[LoggedRequest]) -> Vec<&LoggedRequest> {
    log.iter()
        .filter(|r| r.is_write() && r.template.contains("dns_records"))
        .collect()
}

/// From the first to the last commit of a DNS write.
pub(crate) fn cutover(log: &[LoggedRequest]) -> String {
    let writes = dns_writes(log);
    let commits: Vec<Duration> = writes.iter().filter_map(|r| r.committed).collect();
    let (first, last) = (commits.iter().min(), commits.iter().max());
    let window = last
        .zip(first)
        .map_or(Duration::ZERO, |(last, first)| last.saturating_sub(*first));
    format!("{} in {} calls", milliseconds(window), writes.len())
}

/// How many different DNS worlds lie strictly between the first and the last.
pub(crate) fn worlds_between(scene: &Scene, log: &[LoggedRequest]) -> String {
    let numbers: Vec<u64> = dns_writes(log).iter().map(|r| r.number).collect();
    let commits = scene.simulator().history();
    let worlds = commits
        .iter()
        .filter(|c| numbers.contains(&c.request))
        .count();
    format!(
        "{}, for {} zones written",
        worlds.saturating_sub(1),
        numbers.len()
    )
}

/// The largest number of requests to one region.
pub(crate) fn most_in_a_region(log: &[LoggedRequest]) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for region in log.iter().filter_map(|r| r.region.as_deref()) {
        *counts.entry(region).or_default() += 1;
    }
    counts.into_values().max().unwrap_or(0)
}

/// The cutover window of a script that patches the moved records one after the other, each on a
/// connection of its own: back to where they were, so that the comparison writes as much.
pub(crate) fn cutover_one_record_a_call(scene: &Scene, latency: Duration) -> String {
    let log = scene.simulator().requests();
    let mut patches = Vec::new();
    for request in dns_writes(&log) {
        let zone = request
            .path
            .split('/')
            .nth_back(2)
            .unwrap_or_default()
            .to_owned();
        for patch in request.body["patches"].as_array().into_iter().flatten() {
            patches.push((zone.clone(), patch["id"].clone(), patch["content"].clone()));
        }
    }
    scene.simulator().set_latency(latency);
    scene.simulator().clear_requests();
    for (zone, id, content) in &patches {
        let path = format!(
            "/client/v4/zones/{zone}/dns_records/{}",
            id.as_str().unwrap_or_default()
        );
        patch(
            scene.simulator().cloudflare_url(),
            &path,
            &format!("{{\"content\":{content}}}"),
        );
    }
    cutover(&scene.simulator().requests())
}

fn patch(base: &str, path: &str, body: &str) {
    let host = base
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default();
    let request = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {CLOUDFLARE_TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answered = TcpStream::connect(host).and_then(|mut stream| {
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    match answered {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {}
        other => panic!("the comparison's write was not accepted: {other:?}"),
    }
}
