//! The simulator's own interface below `/_simulator`, for programs that cannot call the library.
//!
//! | Request | Does |
//! |---|---|
//! | `GET requests`, `DELETE requests` | reads or clears the request log |
//! | `GET world`, `PUT world` | reads or replaces the world (the JSON of a seed file) |
//! | `GET history` | the A records after each committed write to Cloudflare |
//! | `GET faults`, `POST faults`, `DELETE faults` | lists, adds (one or a list) or clears faults |
//! | `GET dns-queries` | reads the queries that the name servers saw |
//! | `POST dns-faults`, `DELETE dns-faults` | adds (one or a list) or clears faults of the name servers |
//! | `POST edit` | changes the world as another writer would (one edit or a list) |
//! | `PUT latency` with `{"ms": 50}` | delays every call by that much |

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::dns::DnsFault;
use crate::faults::{self, Fault};
use crate::http::{Reply, Request};
use crate::log::Api;
use crate::pipeline::Shared;
use crate::world::{Edit, World};

/// Where the interface lives on this server.
pub(crate) const PREFIX: &str = "/_simulator/";

/// Answers one request to the simulator itself; none of them is logged.
pub(crate) fn handle(shared: &Shared, request: &Request) -> Reply {
    answer(shared, request).unwrap_or_else(|text| Reply::json(400, &json!({ "error": text })))
}

fn answer(shared: &Shared, request: &Request) -> Result<Reply, String> {
    let name = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let done = || Reply::json(200, &json!({ "ok": true }));
    Ok(match (request.method.as_str(), name) {
        ("GET", "requests") => Reply::json(200, &json!(shared.state().requests)),
        ("DELETE", "requests") => {
            let mut state = shared.state();
            state.requests.clear();
            state.history.clear();
            done()
        }
        ("GET", "world") => Reply::json(200, &json!(shared.state().world)),
        ("PUT", "world") => {
            let world: World = parse(request)?;
            shared.state().world = world;
            done()
        }
        ("GET", "history") => {
            let state = shared.state();
            let commits = state
                .history
                .iter()
                .filter(|one| one.api == Api::Cloudflare);
            let views = commits.map(|one| {
                let records = one.world.cloudflare.a_records();
                json!({ "request": one.request, "at_us": micros(one.at), "a_records": records })
            });
            Reply::json(200, &Value::Array(views.collect()))
        }
        ("GET", "faults") => Reply::json(200, &faults::describe(&shared.state().script)),
        ("POST", "faults") => {
            for fault in one_or_many::<Fault>(request)? {
                shared.add_fault(fault);
            }
            done()
        }
        ("DELETE", "faults") => {
            shared.state().script.clear();
            done()
        }
        ("POST", "edit") => {
            let edits = one_or_many::<Edit>(request)?;
            let mut state = shared.state();
            let mut world = state.world.clone();
            for edit in &edits {
                world.apply(edit).map_err(|error| error.to_string())?;
            }
            state.world = world;
            done()
        }
        ("GET", "dns-queries") => Reply::json(200, &json!(shared.dns().queries)),
        ("POST", "dns-faults") => {
            let faults = one_or_many::<DnsFault>(request)?;
            shared.dns().faults.extend(faults);
            done()
        }
        ("DELETE", "dns-faults") => {
            shared.dns().faults.clear();
            done()
        }
        ("PUT", "latency") => {
            let ms = parse::<Value>(request)?["ms"].as_u64();
            let ms = ms.ok_or("body must be {\"ms\": NUMBER}")?;
            shared.set_latency(Duration::from_millis(ms));
            done()
        }
        _ => {
            let text = format!("there is no {} {}", request.method, request.path);
            Reply::json(404, &json!({ "error": text }))
        }
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

fn one_or_many<T: DeserializeOwned>(request: &Request) -> Result<Vec<T>, String> {
    if request.body.trim_ascii_start().starts_with(b"[") {
        parse(request)
    } else {
        Ok(vec![parse(request)?])
    }
}
