//! Who asks, and what they may see.

use serde_json::json;

use super::{Failure, success};
use crate::http::{Reply, Request};
use crate::world::{Cloudflare, CloudflareToken, DnsAccess, TokenOwner, TokenStatus, Zone};

/// Returns the token of a request, or the refusal that its path gives to a dead one: the record paths
/// answer 400 with 9106, the verify paths 401 with 1000, all others 403 with 10000.
pub(super) fn authenticate<'a>(
    world: &'a Cloudflare,
    request: &Request,
    on_records: bool,
    on_verify: bool,
) -> Result<&'a CloudflareToken, Failure> {
    let malformed = |code, message: &str| Failure {
        chain: Some((code, message.to_owned())),
        ..Failure::new(400, 6003, "Invalid request headers")
    };
    let Some(header) = request.header("authorization") else {
        if request.header("x-auth-key").is_some() {
            return Err(malformed(6103, "Invalid format for X-Auth-Key header"));
        }
        return Err(Failure::new(
            400,
            9106,
            "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
        ));
    };
    let value = header
        .strip_prefix("Bearer ")
        .filter(|value| !value.is_empty() && !value.contains(char::is_whitespace));
    let Some(value) = value else {
        return Err(malformed(6111, "Invalid format for Authorization header"));
    };
    let known = world
        .tokens
        .iter()
        .find(|token| token.value == value && token.status == TokenStatus::Active);
    match known {
        Some(token) if token.ip_blocked => Err(Failure::new(
            403,
            9109,
            "Cannot use the access token from location: 127.0.0.1",
        )),
        Some(token) => Ok(token),
        None if on_verify => Err(Failure::new(401, 1000, "Invalid API Token")),
        None if on_records => Err(Failure::new(400, 9106, "Authentication failed")),
        None => Err(unauthorized()),
    }
}

fn unauthorized() -> Failure {
    Failure::new(403, 10000, "Authentication error")
}

/// Answers the verify path of users, which does not know tokens of accounts.
pub(super) fn verify_user(token: &CloudflareToken) -> Result<Reply, Failure> {
    match token.owner {
        TokenOwner::User => Ok(verified(token)),
        TokenOwner::Account(_) => Err(Failure::new(401, 1000, "Invalid API Token")),
    }
}

/// Answers the verify path of one account.
pub(super) fn verify_account(token: &CloudflareToken, account: &str) -> Result<Reply, Failure> {
    match &token.owner {
        TokenOwner::Account(owner) if owner == account => Ok(verified(token)),
        _ => Err(Failure::new(401, 1000, "Invalid API Token")),
    }
}

fn verified(token: &CloudflareToken) -> Reply {
    let mut result = json!({ "id": token.id, "status": "active" });
    if let Some(end) = &token.expires_on {
        result["expires_on"] = json!(end);
    }
    let mut reply = success(&result);
    let body = json!({
        "result": result,
        "success": true, "errors": [],
        "messages": [{ "code": 10000, "message": "This API Token is valid and active", "type": null }],
    });
    reply.body = body.to_string().into_bytes();
    reply
}

/// Returns whether a token is scoped to a zone.
pub(super) fn sees(token: &CloudflareToken, zone: &Zone) -> bool {
    let scoped = token.zones.as_ref().is_none_or(|zones| {
        zones
            .iter()
            .any(|name| name == &zone.name || name == &zone.id)
    });
    let owned = match &token.owner {
        TokenOwner::User => true,
        TokenOwner::Account(account) => *account == zone.account,
    };
    scoped && owned
}

/// Returns the place of a zone whose records the token may use as needed.
pub(super) fn zone_index(
    world: &Cloudflare,
    token: &CloudflareToken,
    id: &str,
    needed: DnsAccess,
) -> Result<usize, Failure> {
    let index = find_zone(world, id)?;
    if !sees(token, &world.zones[index]) || token.dns < needed {
        return Err(unauthorized());
    }
    Ok(index)
}

/// Returns whether a text has the form of an id: 32 hexadecimal characters, lower case.
pub(super) fn is_id(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 32 && text.bytes().all(hex)
}

/// Returns the place of the zone with that id; a malformed and an unknown id have no route.
pub(super) fn find_zone(world: &Cloudflare, id: &str) -> Result<usize, Failure> {
    let path = format!("/zones/{id}");
    if !is_id(id) {
        return Err(Failure::no_route(&path));
    }
    let found = world.zones.iter().position(|zone| zone.id == id);
    found.ok_or_else(|| Failure {
        status: 404,
        ..Failure::no_route(&path)
    })
}
