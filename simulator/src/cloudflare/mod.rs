//! Cloudflare's API below `/client/v4`: zones, DNS records, batches, token verification.

mod auth;
mod fields;
mod filter;
mod records;
mod write;
mod zones;

use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::world::{Cloudflare, DnsAccess};

/// Where the API lives on this server.
pub(crate) const PREFIX: &str = "/client/v4";

/// A path of the API with its parameters.
enum Route<'a> {
    VerifyUser,
    VerifyAccount(&'a str),
    Zones,
    Zone(&'a str),
    Records(&'a str),
    Record(&'a str, &'a str),
    Batch(&'a str),
    Unknown,
}

fn route(segments: &[String]) -> (Route<'_>, &'static str) {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts[..] {
        ["user", "tokens", "verify"] => (Route::VerifyUser, "/user/tokens/verify"),
        ["accounts", id, "tokens", "verify"] => (
            Route::VerifyAccount(id),
            "/accounts/{account_id}/tokens/verify",
        ),
        ["zones"] => (Route::Zones, "/zones"),
        ["zones", zone] => (Route::Zone(zone), "/zones/{zone_id}"),
        ["zones", zone, "dns_records"] => (Route::Records(zone), "/zones/{zone_id}/dns_records"),
        ["zones", zone, "dns_records", "batch"] => {
            (Route::Batch(zone), "/zones/{zone_id}/dns_records/batch")
        }
        ["zones", zone, "dns_records", record] => (
            Route::Record(zone, record),
            "/zones/{zone_id}/dns_records/{dns_record_id}",
        ),
        _ => (Route::Unknown, "unknown"),
    }
}

/// Returns the path template of a request below [`PREFIX`].
pub(crate) fn template(segments: &[String]) -> &'static str {
    route(segments).1
}

/// Answers one request; `now` is the time a change would carry.
pub(crate) fn handle(
    world: &mut Cloudflare,
    request: &Request,
    segments: &[String],
    now: &str,
) -> Reply {
    answer(world, request, segments, now)
        .unwrap_or_else(Failure::into_reply)
        .with("cf-ray", ray(request))
        .with("ratelimit", "\"default\";r=1199;t=300")
        .with("ratelimit-policy", "\"default\";q=1200;w=300")
}

fn answer(
    world: &mut Cloudflare,
    request: &Request,
    segments: &[String],
    now: &str,
) -> Result<Reply, Failure> {
    let (route, _) = route(segments);
    let on_records = matches!(
        route,
        Route::Records(_) | Route::Record(..) | Route::Batch(_)
    );
    let on_verify = matches!(route, Route::VerifyUser | Route::VerifyAccount(_));
    let token = auth::authenticate(world, request, on_records, on_verify)?.clone();
    if let Route::Record(_, id) = route
        && !auth::is_id(id)
    {
        return Err(Failure::no_route(&request.path));
    }
    let zone_for = |id: &str, needed: DnsAccess| auth::zone_index(world, &token, id, needed);
    match (request.method.as_str(), route) {
        ("GET", Route::VerifyUser) => auth::verify_user(&token),
        ("GET", Route::VerifyAccount(account)) => auth::verify_account(&token, account),
        ("GET", Route::Zones) => zones::list(world, &token, request),
        ("GET", Route::Zone(id)) => zones::get(world, &token, id),
        ("GET", Route::Records(zone)) => {
            let index = zone_for(zone, DnsAccess::Read)?;
            Ok(filter::list(&world.zones[index], request))
        }
        ("GET", Route::Record(zone, id)) => {
            let index = zone_for(zone, DnsAccess::Read)?;
            let record = write::find(&world.zones[index], id)?;
            Ok(success(&records::view(record)))
        }
        ("POST", Route::Records(zone)) => {
            let index = zone_for(zone, DnsAccess::Write)?;
            let record = write::create(&mut world.zones[index], &body(request)?, now)?;
            Ok(success(&records::view(&record)).written())
        }
        ("PUT", Route::Record(zone, id)) => {
            let index = zone_for(zone, DnsAccess::Write)?;
            let record = write::put(&mut world.zones[index], id, &body(request)?, now)?;
            Ok(success(&records::view(&record)).written())
        }
        ("PATCH", Route::Record(zone, id)) => {
            let index = zone_for(zone, DnsAccess::Write)?;
            let record = write::patch(&mut world.zones[index], id, &body(request)?, now)?;
            Ok(success(&records::view(&record)).written())
        }
        ("DELETE", Route::Record(zone, id)) => {
            let index = zone_for(zone, DnsAccess::Write)?;
            let record = write::delete(&mut world.zones[index], id)?;
            Ok(success(&json!({ "id": record.id })).written())
        }
        ("POST", Route::Batch(zone)) => {
            let index = zone_for(zone, DnsAccess::Write)?;
            let result = write::batch(&mut world.zones[index], &body(request)?, now)?;
            Ok(success(&result).written())
        }
        _ => Err(Failure::no_route(&request.path)),
    }
}

fn body(request: &Request) -> Result<serde_json::Map<String, Value>, Failure> {
    request
        .object()
        .ok_or_else(|| Failure::new(400, 9207, "Failed to parse request body"))
}

fn ray(request: &Request) -> String {
    let id = crate::world::hex_id(&[&request.method, &request.path, &request.raw_query]);
    format!("{}-SIM", &id[..16])
}

/// One refusal.
#[derive(Debug, Clone, PartialEq)]
struct Failure {
    status: u16,
    code: u64,
    message: String,
    /// The real cause, where the API wraps it.
    chain: Option<(u64, String)>,
}

impl Failure {
    fn new(status: u16, code: u64, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            chain: None,
        }
    }

    /// Returns the general refusal of a record, with its cause.
    fn validation(code: u64, message: impl Into<String>) -> Self {
        Self {
            chain: Some((code, message.into())),
            ..Self::new(400, 1004, "DNS Validation Error")
        }
    }

    fn no_route(path: &str) -> Self {
        Self::new(
            400,
            7003,
            format!("Could not route to {path}, perhaps your object identifier is invalid?"),
        )
    }

    fn into_reply(self) -> Reply {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some((code, message)) = self.chain {
            error["error_chain"] = json!([{ "code": code, "message": message }]);
        }
        let mut errors = vec![error];
        if self.code == 7003 {
            errors.push(json!({ "code": 7000, "message": "No route for that URI" }));
        }
        envelope_failure(self.status, &errors)
    }
}

fn envelope_failure(status: u16, errors: &[Value]) -> Reply {
    let body = json!({ "success": false, "errors": errors, "messages": [], "result": null });
    Reply::json(status, &body)
}

/// Returns a failure in the API's envelope.
pub(crate) fn failure(status: u16, errors: &[(u64, &str)]) -> Reply {
    let errors = errors
        .iter()
        .map(|(code, message)| json!({ "code": code, "message": message }));
    envelope_failure(status, &errors.collect::<Vec<_>>())
}

fn success(result: &Value) -> Reply {
    let body = json!({ "result": result, "success": true, "errors": [], "messages": [] });
    Reply::json(200, &body)
}

/// Returns one page of a list with its `result_info`.
fn page(items: Vec<Value>, request: &Request, default: usize, most: usize) -> Reply {
    let number = |name: &str, default: usize| {
        let value = request
            .query_value(name)
            .and_then(|text| text.parse().ok())
            .filter(|number| *number > 0);
        value.unwrap_or(default)
    };
    let (page, per_page) = (
        number("page", 1),
        number("per_page", default).clamp(1, most),
    );
    let total = items.len();
    let shown: Vec<Value> = items
        .into_iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page)
        .collect();
    let info = json!({
        "page": page, "per_page": per_page, "count": shown.len(),
        "total_count": total, "total_pages": total.div_ceil(per_page),
    });
    let body = json!({
        "result": shown, "success": true, "errors": [], "messages": [], "result_info": info,
    });
    Reply::json(200, &body)
}
