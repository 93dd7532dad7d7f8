//! `GET /zones` and `GET /zones/{zone_id}`.

use serde_json::{Value, json};

use super::{Failure, auth, page, success};
use crate::http::{Reply, Request};
use crate::world::{Cloudflare, CloudflareToken, Zone};

/// Lists the zones that a token may see; a zone outside its scope is left out without a word.
pub(super) fn list(
    world: &Cloudflare,
    token: &CloudflareToken,
    request: &Request,
) -> Result<Reply, Failure> {
    if !token.zone_read {
        return Err(Failure::new(
            403,
            0,
            "Actor requires permission 'com.cloudflare.api.account.zone.list' to list zones",
        ));
    }
    let any = request.query_value("match") == Some("any");
    let mut zones: Vec<&Zone> = world
        .zones
        .iter()
        .filter(|zone| auth::sees(token, zone))
        .filter(|zone| {
            let mut tests = request.query.iter().filter_map(|(name, wanted)| {
                Some(match name.as_str() {
                    "name" => name_matches(&zone.name, wanted),
                    "status" => zone.status.as_str() == wanted,
                    "account.id" => zone.account == *wanted,
                    "account.name" => name_matches(account_name(world, zone), wanted),
                    _ => return None,
                })
            });
            if any {
                let mut tests = tests.peekable();
                tests.peek().is_none() || tests.any(|met| met)
            } else {
                tests.all(|met| met)
            }
        })
        .collect();
    match request.query_value("order") {
        Some("name") => zones.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("status") => zones.sort_by_key(|zone| zone.status.as_str()),
        Some("account.id") => zones.sort_by(|a, b| a.account.cmp(&b.account)),
        Some("plan.id") => zones.sort_by_key(|zone| zone.plan.legacy_id()),
        _ => zones.sort_by(|a, b| a.id.cmp(&b.id)),
    }
    if request.query_value("direction") == Some("desc") {
        zones.reverse();
    }
    let views = zones.into_iter().map(|zone| view(world, zone)).collect();
    Ok(page(views, request, 20, 50))
}

/// Answers one zone.
pub(super) fn get(world: &Cloudflare, token: &CloudflareToken, id: &str) -> Result<Reply, Failure> {
    let zone = &world.zones[auth::find_zone(world, id)?];
    if !auth::sees(token, zone) || !token.zone_read {
        return Err(Failure::new(
            403,
            9109,
            "Unauthorized to access requested resource",
        ));
    }
    Ok(success(&view(world, zone)))
}

/// Compares as the filter operators say, which stand before the value: `contains:gigadb`.
fn name_matches(name: &str, wanted: &str) -> bool {
    let (operator, value) = wanted.split_once(':').unwrap_or(("equal", wanted));
    let (name, value) = (name.to_ascii_lowercase(), value.to_ascii_lowercase());
    match operator {
        "not_equal" => name != value,
        "starts_with" => name.starts_with(&value),
        "ends_with" => name.ends_with(&value),
        "contains" => name.contains(&value),
        _ => name == value,
    }
}

fn account_name<'a>(world: &'a Cloudflare, zone: &Zone) -> &'a str {
    let account = world
        .accounts
        .iter()
        .find(|account| account.id == zone.account);
    account.map_or("", |account| account.name.as_str())
}

fn view(world: &Cloudflare, zone: &Zone) -> Value {
    let plan = zone.plan.legacy_id();
    json!({
        "id": zone.id, "name": zone.name, "status": zone.status.as_str(), "paused": zone.paused,
        "type": "full", "development_mode": 0,
        "name_servers": ["ann.ns.cloudflare.com", "bob.ns.cloudflare.com"],
        "original_name_servers": null, "original_registrar": null, "original_dnshost": null,
        "created_on": "2024-02-02T02:02:02.000000Z", "modified_on": "2026-02-02T02:02:02.000000Z",
        "activated_on": "2024-02-02T02:03:02.000000Z",
        "meta": { "step": 2, "page_rule_quota": 3, "custom_certificate_quota": 0,
                  "foundation_dns": false, "multiple_railguns_allowed": false, "phishing_detected": false },
        "owner": { "id": null, "type": "user", "email": null },
        "account": { "id": zone.account, "name": account_name(world, zone) },
        "tenant": { "id": null, "name": null }, "tenant_unit": { "id": null },
        "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
        "plan": { "id": format!("{:0>32}", "feeeee"), "name": format!("{plan} website"), "price": 0,
                  "currency": "USD", "frequency": "", "is_subscribed": plan != "free",
                  "can_subscribe": false, "legacy_id": plan, "legacy_discount": false,
                  "externally_managed": false },
    })
}
