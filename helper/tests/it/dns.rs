//! Roles from DNS, for those without a Cloudflare token.

use std::time::{Duration, Instant};

use gigadb_simulator::{DnsEffect, DnsFault};
use insta::assert_snapshot;
use serde_json::Value;

use crate::stage::Stage;

/// No token, and a world whose records DNS shows as they are.
fn tokenless() -> Stage {
    let stage = Stage::sop().without("CLOUDFLARE_API_TOKEN");
    stage.simulator.edit(|world| {
        let zones = world.cloudflare.zones.iter_mut();
        for record in zones.flat_map(|zone| &mut zone.records) {
            record.proxied = false;
        }
    });
    stage
}

const LIVE: [&str; 3] = ["status", "--environment", "live"];

/// The same answer with and without a token, and nothing asked of Cloudflare's API without.
fn same_answer(stage: &Stage, arguments: &[&str]) {
    let before = stage.simulator.requests().len();
    let by_dns = stage.output(arguments);
    let requests = stage.simulator.requests();
    let mut requests = requests.iter().skip(before);
    assert!(requests.all(|one| one.api != gigadb_simulator::Api::Cloudflare));
    let mut by_the_api = stage.command(arguments);
    by_the_api.env(
        "CLOUDFLARE_API_TOKEN",
        gigadb_simulator::world::CLOUDFLARE_TOKEN,
    );
    let by_the_api = by_the_api.output().unwrap();
    let note = "note: Roles come from DNS (the server ";
    assert!(stage.told(&by_dns).contains(note));
    assert!(!stage.told(&by_the_api).contains(note));
    assert_eq!(by_dns.status, by_the_api.status);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(text(&by_dns.stdout), text(&by_the_api.stdout));
}

#[test]
fn roles_come_from_dns_and_follow_a_swap() {
    // Without a cache every answer is of age 0, so that answers can be compared.
    let stage = tokenless().with("XDG_CACHE_HOME", "/dev/null/cache");
    let exec = [
        "exec",
        "--environment",
        "live",
        "--role",
        "production",
        "--",
        "sh",
        "-c",
        "echo $GIGADB_INFRASTRUCTURE",
    ];
    for _ in 0..2 {
        same_answer(&stage, &LIVE);
        same_answer(&stage, &["--list"]);
        same_answer(&stage, &["--host", "gigadb-website-live-web"]);
        same_answer(
            &stage,
            &[
                "inventory",
                "--graph",
                "--environment",
                "live",
                "--role",
                "hot_standby",
            ],
        );
        same_answer(&stage, &["status", "--format", "markdown"]);
        same_answer(&stage, &["plan", "--environment", "live", "--swap"]);
        same_answer(&stage, &exec);
        stage.trade_records();
    }
    assert_snapshot!(stage.run(&["status", "--environment", "live", "--format", "markdown"]), @"
    exit 0
    -- stdout
    | Gitlab project     | AWS profile | Local checkout name | AWS region     | current role       | current release         | status |
    |--------------------|-------------|---------------------|----------------|--------------------|-------------------------|--------|
    | alt-gigadb-website | UpstreamAlt | gigadb-alt-upstream | ap-southeast-2 | current production | v0337-alt-upstream-beta | mixed  |
    | gigadb-website     | Upstream    | gigadb-upstream     | ap-east-1      | hot stand-by       | v4.3.4                  | mixed  |
    -- stderr
    note: Roles come from DNS (the server ns:53), because CLOUDFLARE_API_TOKEN is not set.
    ");
}

#[test]
fn writing_needs_the_token_and_says_so() {
    let stage = tokenless();
    assert_snapshot!(stage.run(&["swap", "--environment", "live", "--yes"]), @"
    exit 1
    -- stderr
    error: It is not known who has which role: the list of zones could not be read: the Cloudflare API token is not set; set `CLOUDFLARE_API_TOKEN` in the environment, or `cloudflare.api_token` in the provider block.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Set CLOUDFLARE_API_TOKEN to a token that may read the zones of the topology's hostnames, and check that Cloudflare can be reached. Commands that only read ask DNS where there is no token; GIGADB_DNS_SERVER=ADDRESS:PORT names the server to ask.
    ");
    for needs_it in [
        &[
            "plan",
            "--environment",
            "live",
            "--swap",
            "--out",
            "swap.json",
        ][..],
        &[
            "failover",
            "--environment",
            "live",
            "--production",
            "alt-gigadb-website",
            "--yes",
        ],
    ] {
        let told = stage.run(needs_it);
        assert!(told.starts_with("exit 1\n"), "{told}");
        assert!(told.contains("Set CLOUDFLARE_API_TOKEN"), "{told}");
    }
    assert!(!stage.folder().join("swap.json").exists());
    assert!(stage.simulator.requests().iter().all(|one| !one.is_write()));
    assert!(stage.simulator.dns_queries().is_empty());
}

#[test]
fn proxied_records_make_roles_unknown() {
    let stage = Stage::sop().without("CLOUDFLARE_API_TOKEN");
    assert_snapshot!(stage.run(&LIVE), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS   ROLE     INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    live         unknown  unclear  alt-gigadb-website  ap-southeast-2  UpstreamAlt  v0337-alt-upstream-beta
    live         unknown  unclear  gigadb-website      ap-east-1       Upstream     v4.3.4

    live is unknown:
      - It is not clear who has which role: `gigadb.org` has 4 records where exactly one A record must be: A `104.21.32.1`, A `172.67.152.1`, AAAA `2606:4700:3031::6815:2001`, AAAA `2606:4700:3035::ac43:9801`.
    -- stderr
    note: Roles come from DNS (the server ns:53), because CLOUDFLARE_API_TOKEN is not set.
    warning: `alt-live.gigadb.host` has A 104.21.32.1 and A 172.67.152.1 and AAAA 2606:4700:3031::6815:2001 and AAAA 2606:4700:3035::ac43:9801. Where Cloudflare proxies a record, DNS shows Cloudflare's own addresses, and only its API tells where the hostname leads: set CLOUDFLARE_API_TOKEN.
    warning: `gigadb.org` has A 104.21.32.1 and A 172.67.152.1 and AAAA 2606:4700:3031::6815:2001 and AAAA 2606:4700:3035::ac43:9801. Where Cloudflare proxies a record, DNS shows Cloudflare's own addresses, and only its API tells where the hostname leads: set CLOUDFLARE_API_TOKEN.
    ");
    let output = stage.output(&["--list"]);
    assert!(output.status.success());
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.get("role_production"), None);
    let hosts = list["_meta"]["hostvars"].as_object().unwrap();
    assert_eq!(hosts.len(), 12);
    assert!(hosts.values().all(|host| host.get("gigadb_role").is_none()));
}

#[test]
fn an_alias_several_addresses_and_no_name_make_roles_unknown() {
    let stage = tokenless();
    stage.simulator.edit(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.records
            .retain(|record| record.name != "files.gigadb.org");
    });
    assert_snapshot!(stage.run(&LIVE), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS   ROLE     INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    live         unknown  unclear  alt-gigadb-website  ap-southeast-2  UpstreamAlt  v0337-alt-upstream-beta
    live         unknown  unclear  gigadb-website      ap-east-1       Upstream     v4.3.4

    live is unknown:
      - It is not clear who has which role: `files.gigadb.org` has no A record.
      - A record of `files.gigadb.org` has no single value, expected 198.51.100.12
    -- stderr
    note: Roles come from DNS (the server ns:53), because CLOUDFLARE_API_TOKEN is not set.
    warning: DNS has no name `files.gigadb.org` (NXDOMAIN, as its zone's servers say).
    ");
    stage.simulator.edit(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.add("CNAME", "files.gigadb.org", "portainer.gigadb.org");
    });
    assert_snapshot!(stage.run(&["inventory", "--environment", "live", "--role", "production"]), @"
    exit 1
    -- stderr
    note: Roles come from DNS (the server ns:53), because CLOUDFLARE_API_TOKEN is not set.
    warning: `files.gigadb.org` is an alias (CNAME) of `portainer.gigadb.org`, which is not followed: it must have exactly one A record.
    error: There is no inventory: no side is in scope: it is not clear who is production in `live`: the only record of `files.gigadb.org` is not an A record: CNAME `portainer.gigadb.org`.
      on:      the scope of the inventory
      changed: Nothing was changed.
      next:    Run `gigadb-roles status` to see who has which role, then widen the scope or correct the records.
    ");
    stage.simulator.edit(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.records
            .retain(|record| record.name != "files.gigadb.org");
        zone.add("A", "files.gigadb.org", "198.51.100.12");
        zone.add("A", "files.gigadb.org", "203.0.113.12");
    });
    assert_snapshot!(stage.run(&["exec", "--environment", "live", "--role", "production", "--", "touch", "ran"]), @"
    exit 1
    -- stderr
    note: Roles come from DNS (the server ns:53), because CLOUDFLARE_API_TOKEN is not set.
    warning: `files.gigadb.org` has A 198.51.100.12 and A 203.0.113.12. Where Cloudflare proxies a record, DNS shows Cloudflare's own addresses, and only its API tells where the hostname leads: set CLOUDFLARE_API_TOKEN.
    error: The command was not run, because it is not clear who is production in `live`: `files.gigadb.org` has 2 records where exactly one A record must be: A `198.51.100.12`, A `203.0.113.12`.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Run `gigadb-roles status --environment live`, correct what disagrees, then run the command again.
    ");
    assert!(!stage.folder().join("ran").exists());
}

#[test]
fn a_server_that_fails_is_an_error_and_no_guess() {
    let stage = tokenless();
    stage.simulator.dns_fault(
        DnsFault::new(DnsEffect::ServFail)
            .name("gigadb.org")
            .kind("A"),
    );
    assert_snapshot!(stage.run(&LIVE), @"
    exit 1
    -- stderr
    note: Roles come from DNS (the server ns:53), because CLOUDFLARE_API_TOKEN is not set.
    error: It is not known who has which role: the records of zone `gigadb.org` could not be read: no name server told where `gigadb.org` leads: `ns:53` answered with a server failure (SERVFAIL).
      on:      environment `live`
      changed: Nothing was changed.
      next:    Set CLOUDFLARE_API_TOKEN to a token that may read the zones of the topology's hostnames, and check that Cloudflare can be reached. Commands that only read ask DNS where there is no token; GIGADB_DNS_SERVER=ADDRESS:PORT names the server to ask.
    ");
    let list = stage.answer(&["--list"]);
    assert!(!list.contains("role_production"), "{list}");
}

#[test]
fn without_token_and_dns_the_error_names_both_ways() {
    let stage = tokenless();
    stage.simulator.dns_fault(DnsFault::new(DnsEffect::Silence));
    let started = Instant::now();
    assert_snapshot!(stage.run(&LIVE), @"
    exit 1
    -- stderr
    note: Roles come from DNS (the server ns:53), because CLOUDFLARE_API_TOKEN is not set.
    error: It is not known who has which role: the list of zones could not be read: the zone of `alt-live.gigadb.host` was not found: ns:53 gave no answer: nothing came over UDP within 2 s; nothing came over TCP within 2 s.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Set CLOUDFLARE_API_TOKEN to a token that may read the zones of the topology's hostnames, and check that Cloudflare can be reached. Commands that only read ask DNS where there is no token; GIGADB_DNS_SERVER=ADDRESS:PORT names the server to ask.
    ");
    let list = stage.output(&["--list"]);
    assert!(list.status.success(), "hosts are known without roles");
    let took = started.elapsed();
    assert!(took < Duration::from_secs(24), "{took:?}");
}

#[test]
fn a_cut_answer_is_asked_for_again_over_tcp() {
    let stage = tokenless();
    stage
        .simulator
        .dns_fault(DnsFault::new(DnsEffect::Truncate));
    same_answer(&stage, &LIVE);
}

#[test]
fn a_server_that_is_none_is_usage() {
    let stage = tokenless().with("GIGADB_DNS_SERVER", "localhost");
    assert_snapshot!(stage.run(&LIVE), @"
    exit 64
    -- stderr
    error: GIGADB_DNS_SERVER cannot be used: `localhost` is no address with a port, such as `192.0.2.53:53`.
      on:      GIGADB_DNS_SERVER
      changed: Nothing was changed.
      next:    Correct it, or unset it to ask the zones' authoritative servers.
    ");
    assert!(stage.simulator.dns_queries().is_empty());
}
