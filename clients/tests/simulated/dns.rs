//! Records as DNS tells them: zones and servers found through a resolver, every server asked.

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use gigadb_clients::{Apis, DnsSettings, Scope, Which};
use gigadb_engine::world::{Reading, World};
use gigadb_simulator::{
    DnsEffect, DnsFault, Options, SERVERS_ZONE, Transport, World as Seed,
    world::{Plan, Zone},
};
use tokio_util::sync::CancellationToken;

use super::setup::Bench;

/// The procedure's world without proxied records, which DNS cannot see through.
fn seed() -> Seed {
    let mut seed = Seed::sop();
    let zones = seed.cloudflare.zones.iter_mut();
    for record in zones.flat_map(|zone| &mut zone.records) {
        record.proxied = false;
    }
    seed
}

fn bench(seed: Seed) -> Bench {
    let options = Options {
        dns: true,
        ..Options::default()
    };
    Bench::start_as(seed, &options)
}

/// The resolver is the first server, which knows both zones.
fn through_the_resolver(bench: &Bench) -> DnsSettings {
    let first = bench.simulator.name_servers()[0];
    DnsSettings {
        server: None,
        resolver: Some(first),
        port: first.port(),
    }
}

fn of_one_server(bench: &Bench) -> DnsSettings {
    DnsSettings {
        server: Some(bench.simulator.name_servers()[0]),
        ..DnsSettings::default()
    }
}

async fn observe(bench: &Bench, dns: DnsSettings) -> (World, Vec<String>) {
    let mut settings = bench.settings();
    settings.cloudflare.token = None;
    settings.dns = Some(dns);
    let scope = Scope {
        variables: Which::none(),
        sides: Which::none(),
        ..Scope::everything()
    };
    let cancel = CancellationToken::new();
    Apis::new(settings)
        .observe_with_doubts(&bench.topology, &scope, &cancel)
        .await
}

/// Every managed record, as `name type content`; or why they were not read.
fn records(world: &World) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for reading in world.records.values() {
        match reading {
            Reading::Read(records) => found.extend(
                records
                    .iter()
                    .map(|r| format!("{} {} {}", r.name, r.record_type, r.content)),
            ),
            Reading::Failed { failure, .. } => return Err(failure.message.clone()),
        }
    }
    match world.zones.failure() {
        Some(failure) => Err(failure.message.clone()),
        None => Ok(found),
    }
}

/// What the API says of the topology's hostnames.
async fn by_the_api(bench: &Bench) -> BTreeSet<String> {
    let world = bench.observe().await;
    let mut names = BTreeSet::new();
    for environment in bench.topology.environments.values() {
        names.extend(environment.hostnames().into_keys().cloned());
    }
    let managed = records(&world).unwrap();
    managed
        .into_iter()
        .filter(|line| names.contains(line.split(' ').next().unwrap()))
        .collect()
}

/// Ports and addresses of this run, out of a message.
fn plain(bench: &Bench, text: &str) -> String {
    let mut text = text.to_owned();
    for (number, address) in bench.simulator.name_servers().iter().enumerate() {
        text = text.replace(&address.to_string(), &format!("[ns{}]", number + 1));
    }
    text
}

#[tokio::test]
async fn dns_and_the_api_tell_the_same_records() {
    let bench = bench(seed());
    let expected = by_the_api(&bench).await;
    assert_eq!(expected.len(), 16);
    for dns in [through_the_resolver(&bench), of_one_server(&bench)] {
        let (world, doubts) = observe(&bench, dns).await;
        assert_eq!(records(&world).unwrap(), expected);
        assert_eq!(doubts, Vec::<String>::new());
        let zones = world.zones.read().unwrap();
        let zones: Vec<_> = zones.iter().map(|zone| zone.name.as_str()).collect();
        assert_eq!(zones, ["gigadb.host", "gigadb.org"]);
    }
}

#[tokio::test]
async fn every_authoritative_server_is_asked_and_none_to_find_out() {
    let bench = bench(seed());
    observe(&bench, through_the_resolver(&bench)).await;
    let queries = bench.simulator.dns_queries();
    for server in 1..=bench.simulator.name_servers().len() {
        let mut asked: Vec<_> = queries
            .iter()
            .filter(|query| query.server == server && query.name == "gigadb.org")
            .filter(|query| matches!(query.kind.as_str(), "A" | "AAAA"))
            .map(|query| (query.kind.as_str(), query.recursion))
            .collect();
        asked.sort_unstable();
        assert_eq!(asked, [("A", false), ("AAAA", false)], "ns{server}");
    }
    let zones: BTreeSet<_> = queries
        .iter()
        .filter(|query| query.kind == "NS")
        .map(|query| query.name.as_str())
        .collect();
    assert_eq!(zones, BTreeSet::from(["gigadb.host", "gigadb.org"]));
}

#[tokio::test]
async fn a_named_server_is_asked_alone() {
    let bench = bench(seed());
    observe(&bench, of_one_server(&bench)).await;
    let queries = bench.simulator.dns_queries();
    assert!(queries.iter().all(|query| query.server == 1));
    assert!(queries.iter().all(|query| query.kind != "NS"));
    assert!(queries.iter().all(|query| query.recursion));
}

#[tokio::test]
async fn servers_that_contradict_each_other_are_told() {
    let bench = bench(seed());
    if bench.simulator.name_servers().len() < 2 {
        return;
    }
    let elsewhere = DnsEffect::Addresses(vec![Ipv4Addr::new(203, 0, 113, 10)]);
    let fault = DnsFault::new(elsewhere).server(2).name("gigadb.org");
    bench.simulator.dns_fault(fault.kind("A"));
    let (world, doubts) = observe(&bench, through_the_resolver(&bench)).await;
    let found = records(&world).unwrap();
    assert!(found.contains("gigadb.org A 198.51.100.10"));
    assert!(found.contains("gigadb.org A 203.0.113.10"));
    insta::assert_snapshot!(doubts.join("\n"), @"The name servers of zone `gigadb.org` contradict each other about `gigadb.org`: `ns1.name-servers.test` says A 198.51.100.10, `ns2.name-servers.test` says A 203.0.113.10. They may not have the latest change yet: ask again in a minute.");
}

#[tokio::test]
async fn a_server_that_fails_is_told_and_the_other_is_used() {
    let bench = bench(seed());
    if bench.simulator.name_servers().len() < 2 {
        return;
    }
    let expected = by_the_api(&bench).await;
    for (effect, word) in [
        (DnsEffect::ServFail, "SERVFAIL"),
        (DnsEffect::Refuse, "REFUSED"),
        (DnsEffect::Lame, "not authoritative"),
        (DnsEffect::Silence, "nothing came over UDP within 2 s"),
        (DnsEffect::Garbage, "makes no sense"),
    ] {
        bench.simulator.clear_dns_faults();
        bench.simulator.dns_fault(DnsFault::new(effect).server(2));
        let (world, doubts) = observe(&bench, through_the_resolver(&bench)).await;
        assert_eq!(records(&world).unwrap(), expected, "{word}");
        let [doubt] = doubts.as_slice() else {
            panic!("not one doubt: {doubts:?}");
        };
        let server = format!("`ns2.{SERVERS_ZONE}`");
        assert!(doubt.contains(&server) && doubt.contains(word), "{doubt}");
    }
}

#[tokio::test]
async fn a_failure_is_no_missing_name() {
    let bench = bench(seed());
    let fault = |effect| DnsFault::new(effect).name("files.gigadb.org");
    bench.simulator.dns_fault(fault(DnsEffect::NxDomain));
    let (world, doubts) = observe(&bench, of_one_server(&bench)).await;
    let found = records(&world).unwrap();
    assert_eq!(found.len(), 15);
    insta::assert_snapshot!(doubts.join("\n"), @"DNS has no name `files.gigadb.org` (NXDOMAIN, as its zone's servers say).");

    bench.simulator.clear_dns_faults();
    bench
        .simulator
        .dns_fault(fault(DnsEffect::ServFail).kind("A"));
    let (world, _) = observe(&bench, of_one_server(&bench)).await;
    insta::assert_snapshot!(plain(&bench, &records(&world).unwrap_err()), @"no name server told where `files.gigadb.org` leads: `[ns1]` answered with a server failure (SERVFAIL)");

    bench.simulator.clear_dns_faults();
    bench
        .simulator
        .dns_fault(fault(DnsEffect::ServFail).kind("SOA"));
    for dns in [of_one_server(&bench), through_the_resolver(&bench)] {
        let (world, _) = observe(&bench, dns).await;
        let error = records(&world).unwrap_err();
        assert!(
            error.starts_with("the zone of `files.gigadb.org` was not found: "),
            "{error}"
        );
        assert!(error.contains("SERVFAIL"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_a_datagram_comes_over_tcp() {
    let bench = bench(seed());
    let expected = by_the_api(&bench).await;
    bench
        .simulator
        .dns_fault(DnsFault::new(DnsEffect::Truncate));
    let (world, doubts) = observe(&bench, through_the_resolver(&bench)).await;
    assert_eq!(records(&world).unwrap(), expected);
    assert_eq!(doubts, Vec::<String>::new());
    let queries = bench.simulator.dns_queries();
    let both: BTreeSet<_> = queries
        .iter()
        .filter(|query| query.name == "gigadb.org" && query.kind == "A")
        .map(|query| matches!(query.transport, Transport::Tcp))
        .collect();
    assert_eq!(both.len(), 2, "UDP and TCP");
}

#[tokio::test]
async fn an_alias_is_a_record_and_is_not_followed() {
    let mut seed = seed();
    let zone = seed.cloudflare.zone_mut("gigadb.org").unwrap();
    zone.records
        .retain(|record| record.name != "files.gigadb.org");
    zone.add("CNAME", "files.gigadb.org", "portainer.gigadb.org");
    let bench = bench(seed);
    for dns in [through_the_resolver(&bench), of_one_server(&bench)] {
        let (world, doubts) = observe(&bench, dns).await;
        let found = records(&world).unwrap();
        let lines: Vec<_> = found
            .iter()
            .filter(|line| line.starts_with("files.gigadb.org "))
            .collect();
        assert_eq!(lines, ["files.gigadb.org CNAME portainer.gigadb.org"]);
        assert_eq!(doubts.len(), 1);
        assert!(doubts[0].contains("alias (CNAME) of `portainer.gigadb.org`"));
    }
}

#[tokio::test]
async fn proxied_records_show_addresses_of_nobody() {
    let bench = bench(Seed::sop());
    let (world, doubts) = observe(&bench, of_one_server(&bench)).await;
    let found = records(&world).unwrap();
    assert!(
        !found
            .iter()
            .any(|line| line.starts_with("gigadb.org A 198."))
    );
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("gigadb.org AAAA "))
    );
    assert!(
        doubts
            .iter()
            .any(|doubt| doubt.starts_with("`gigadb.org` has A 104.21.32.1 and A "))
    );
}

#[tokio::test]
async fn a_hostname_belongs_to_the_longest_zone_and_may_have_none() {
    let mut seed = seed();
    let account = seed.cloudflare.zones[0].account.clone();
    let mut below = Zone::new(&account, "staging.gigadb.org", Plan::Free);
    below.add("A", "files.staging.gigadb.org", "192.0.2.5");
    seed.cloudflare.zones.push(below);
    seed.cloudflare
        .zones
        .retain(|zone| zone.name != "gigadb.host");
    let bench = bench(seed);
    // Of a zone that it does not serve, an authoritative server says nothing but "refused".
    let (world, _) = observe(&bench, of_one_server(&bench)).await;
    let error = records(&world).unwrap_err();
    assert!(error.contains("REFUSED"), "{error}");
    for environment in bench.topology.environments.values() {
        for hostname in environment.hostnames().into_keys() {
            let mut name = hostname.as_str();
            while name.ends_with("gigadb.host") {
                bench
                    .simulator
                    .dns_fault(DnsFault::new(DnsEffect::NxDomain).name(name));
                name = name.split_once('.').unwrap().1;
            }
        }
    }
    let (world, _) = observe(&bench, of_one_server(&bench)).await;
    let zones = world.zones.read().unwrap();
    let zones: Vec<_> = zones.iter().map(|zone| zone.name.as_str()).collect();
    assert_eq!(zones, ["gigadb.org", "staging.gigadb.org"]);
    assert!(
        records(&world)
            .unwrap()
            .contains("files.staging.gigadb.org A 192.0.2.5")
    );
}

#[tokio::test]
async fn nothing_is_waited_for_longer_than_ten_seconds() {
    let bench = bench(seed());
    let silence = DnsFault::new(DnsEffect::Silence);
    for (fault, dns) in [
        (silence.clone(), of_one_server(&bench)),
        (silence.clone(), through_the_resolver(&bench)),
        (silence.kind("A"), of_one_server(&bench)),
    ] {
        bench.simulator.clear_dns_faults();
        bench.simulator.dns_fault(fault);
        let started = Instant::now();
        let (world, _) = observe(&bench, dns).await;
        let took = started.elapsed();
        assert!(records(&world).is_err());
        assert!(took < Duration::from_secs(11), "{took:?}");
    }
}
