//! Zones `gigadb.org` and `gigadb.host`: sixteen rows of the tables, and records that are none of them.

use super::{
    CLOUDFLARE_ACCOUNT_TOKEN, CLOUDFLARE_IP_BLOCKED_TOKEN, CLOUDFLARE_ONE_ZONE_TOKEN,
    CLOUDFLARE_READ_TOKEN, CLOUDFLARE_REVOKED_TOKEN, CLOUDFLARE_TOKEN, REGION_ALT, REGION_UPSTREAM,
    sop_address,
};
use crate::world::{
    Cloudflare, CloudflareAccount, CloudflareToken, DnsAccess, Plan, TokenOwner, TokenStatus, Zone,
};

const CLOUDFLARE_ACCOUNT: &str = "5e1f0c2d3b4a59687786958493021100";

/// One row of the DNS tables, with attributes that a swap must keep.
struct Row {
    name: &'static str,
    endpoint: &'static str,
    environment: &'static str,
    region: &'static str,
    ttl: u64,
    proxied: bool,
    comment: Option<&'static str>,
    tags: &'static [&'static str],
}

const fn row(
    name: &'static str,
    endpoint: &'static str,
    environment: &'static str,
    region: &'static str,
) -> Row {
    Row {
        name,
        endpoint,
        environment,
        region,
        ttl: 1,
        proxied: false,
        comment: None,
        tags: &[],
    }
}

#[rustfmt::skip]
const ROWS: [Row; 16] = [
    Row { proxied: true, comment: Some("public site"), tags: &["team:web", "tier:production"], ..row("gigadb.org", "web", "live", REGION_UPSTREAM) },
    Row { ttl: 300, comment: Some("ssh entry of production"), ..row("bastion.gigadb.org", "bastion", "live", REGION_UPSTREAM) },
    Row { ttl: 120, tags: &["team:data"], ..row("files.gigadb.org", "files", "live", REGION_UPSTREAM) },
    Row { ttl: 3600, ..row("portainer.gigadb.org", "web", "live", REGION_UPSTREAM) },
    Row { ttl: 60, comment: Some("staging of production"), ..row("staging.gigadb.org", "web", "staging", REGION_UPSTREAM) },
    Row { ttl: 600, ..row("bastion-stg.gigadb.host", "bastion", "staging", REGION_UPSTREAM) },
    row("files.staging.gigadb.org", "files", "staging", REGION_UPSTREAM),
    Row { proxied: true, ..row("portainer.staging.gigadb.org", "web", "staging", REGION_UPSTREAM) },
    Row { proxied: true, comment: Some("hot standby"), ..row("alt-live.gigadb.host", "web", "live", REGION_ALT) },
    Row { ttl: 300, ..row("bastion.alt-live.gigadb.host", "bastion", "live", REGION_ALT) },
    Row { ttl: 900, comment: Some("kept in the .org zone"), tags: &["team:data", "tier:standby"], ..row("files.alt-live.gigadb.org", "files", "live", REGION_ALT) },
    row("portainer.alt-live.gigadb.host", "web", "live", REGION_ALT),
    Row { ttl: 60, ..row("alt-staging.gigadb.host", "web", "staging", REGION_ALT) },
    Row { comment: Some("jump host"), ..row("bastion.alt-staging.gigadb.host", "bastion", "staging", REGION_ALT) },
    Row { ttl: 7200, ..row("files.alt-staging.gigadb.host", "files", "staging", REGION_ALT) },
    Row { proxied: true, ..row("portainer.alt-staging.gigadb.host", "web", "staging", REGION_ALT) },
];

pub(super) fn cloudflare() -> Cloudflare {
    let mut org = Zone::new(CLOUDFLARE_ACCOUNT, "gigadb.org", Plan::Pro);
    let mut host = Zone::new(CLOUDFLARE_ACCOUNT, "gigadb.host", Plan::Free);
    for row in &ROWS {
        let zone = match row.name.rsplit('.').next() {
            Some("host") => &mut host,
            _ => &mut org,
        };
        let address = sop_address(row.region, row.environment, row.endpoint);
        let record = zone.add("A", row.name, &address);
        record.ttl = row.ttl;
        record.proxied = row.proxied;
        record.comment = row.comment.map(str::to_owned);
        record.tags = row.tags.iter().map(|tag| (*tag).to_owned()).collect();
    }

    org.add("MX", "gigadb.org", "mail.example.net").priority = Some(10);
    org.add("TXT", "gigadb.org", "\"v=spf1 include:example.net -all\"")
        .ttl = 3600;
    org.add("CNAME", "www.gigadb.org", "gigadb.org").proxied = true;
    org.add("A", "rounds.gigadb.org", "192.0.2.71").ttl = 300;
    org.add("A", "rounds.gigadb.org", "192.0.2.72").ttl = 300;
    org.add("AAAA", "ipv6.gigadb.org", "2001:db8::71");
    org.add("A", "dev.gigadb.org", "192.0.2.80").comment = Some("not ours to touch".to_owned());
    host.add("CNAME", "docs.gigadb.host", "pages.example.net");
    host.add("A", "gigadb.host", "192.0.2.90");

    let account = CloudflareAccount {
        id: CLOUDFLARE_ACCOUNT.to_owned(),
        name: "GigaScience".to_owned(),
    };
    Cloudflare {
        accounts: vec![account],
        tokens: vec![
            CloudflareToken::all_zones(CLOUDFLARE_TOKEN),
            CloudflareToken {
                dns: DnsAccess::Read,
                ..CloudflareToken::all_zones(CLOUDFLARE_READ_TOKEN)
            },
            CloudflareToken {
                zones: Some(vec!["gigadb.org".to_owned()]),
                ..CloudflareToken::all_zones(CLOUDFLARE_ONE_ZONE_TOKEN)
            },
            CloudflareToken {
                ip_blocked: true,
                ..CloudflareToken::all_zones(CLOUDFLARE_IP_BLOCKED_TOKEN)
            },
            CloudflareToken {
                status: TokenStatus::Disabled,
                ..CloudflareToken::all_zones(CLOUDFLARE_REVOKED_TOKEN)
            },
            CloudflareToken {
                owner: TokenOwner::Account(CLOUDFLARE_ACCOUNT.to_owned()),
                ..CloudflareToken::all_zones(CLOUDFLARE_ACCOUNT_TOKEN)
            },
        ],
        zones: vec![org, host],
    }
}
