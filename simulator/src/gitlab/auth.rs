//! Who asks: token, scope and role.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::world::{AccessLevel, Gitlab, GitlabTokenStatus};

/// An authenticated user.
pub(super) struct Caller {
    pub(super) username: String,
    scopes: Vec<String>,
    access: BTreeMap<String, AccessLevel>,
    expires_at: Option<String>,
}

impl Caller {
    pub(super) fn level(&self, project: &str) -> Option<AccessLevel> {
        self.access.get(project).copied()
    }
}

/// Returns who sent a request. Terraform states also take the token as password of basic
/// authentication, as Terraform's HTTP backend sends it.
pub(super) fn authenticate(
    world: &Gitlab,
    request: &Request,
    basic: bool,
) -> Result<Caller, Reply> {
    let unauthorized = || super::message(401, "401 Unauthorized");
    let password = basic.then(|| basic_password(request)).flatten();
    let value = request
        .header("private-token")
        .or_else(|| request.bearer())
        .or(password.as_deref())
        .ok_or_else(unauthorized)?;
    let token = world.tokens.iter().find(|token| token.value == value);
    let token = token.ok_or_else(unauthorized)?;
    let revived = match token.status {
        GitlabTokenStatus::Active => None,
        GitlabTokenStatus::Expired => {
            Some("Token is expired. You can either do re-authorization or token refresh.")
        }
        GitlabTokenStatus::Revoked => {
            Some("Token was revoked. You have to re-authorize from the user.")
        }
    };
    if let Some(description) = revived {
        let body = json!({ "error": "invalid_token", "error_description": description });
        return Err(Reply::json(401, &body));
    }
    let has = |scope: &str| token.scopes.iter().any(|held| held == scope);
    let on_itself = request.path.ends_with("/personal_access_tokens/self");
    let enough = has("api") || on_itself || (request.method == "GET" && has("read_api"));
    if !enough {
        let needed = if request.method == "GET" {
            "api read_api"
        } else {
            "api"
        };
        let body = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": needed,
        });
        return Err(Reply::json(403, &body));
    }
    Ok(Caller {
        username: token.username.clone(),
        scopes: token.scopes.clone(),
        access: token.access.clone(),
        expires_at: token.expires_at.clone(),
    })
}

fn basic_password(request: &Request) -> Option<String> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    let text = String::from_utf8(decoded).ok()?;
    Some(text.split_once(':')?.1.to_owned())
}

/// Returns what a token may know about itself.
pub(super) fn token_view(caller: &Caller) -> Value {
    json!({
        "id": 42, "name": caller.username, "revoked": false, "active": true,
        "scopes": caller.scopes, "user_id": 3, "expires_at": caller.expires_at,
    })
}
