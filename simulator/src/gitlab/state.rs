//! Terraform states with their locks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::params::Params;
use crate::http::{Reply, Request};
use crate::world::{StateLock, TerraformState};

type States = BTreeMap<String, TerraformState>;

fn not_found() -> Reply {
    super::message(404, "404 Not Found")
}

/// Answers the newest version: 404 when the name is unknown, 204 when it is known but empty.
pub(super) fn get(states: &States, name: &str) -> Result<Reply, Reply> {
    let state = states.get(name).ok_or_else(not_found)?;
    Ok(match state.versions.values().next_back() {
        Some(text) => Reply::new(200, "application/json", text.clone()),
        None => Reply::empty(204),
    })
}

/// Answers one version by serial.
pub(super) fn version(states: &States, name: &str, serial: &str) -> Result<Reply, Reply> {
    let state = states.get(name).ok_or_else(not_found)?;
    let serial: u64 = serial.parse().map_err(|_| not_found())?;
    let text = state.versions.get(&serial).ok_or_else(not_found)?;
    Ok(Reply::new(200, "application/json", text.clone()))
}

/// Stores a version; the serial is the body's own, and must be new.
pub(super) fn post(states: &mut States, name: &str, request: &Request) -> Result<Reply, Reply> {
    if request.body.is_empty() {
        return Ok(Reply::empty(204));
    }
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let body = request.object();
    let serial = body.and_then(|body| body.get("serial").and_then(Value::as_u64));
    let serial = serial.ok_or_else(|| super::message(400, "400 Bad request"))?;
    let state = states.entry(name.to_owned()).or_default();
    let id = request.query_value("ID").unwrap_or_default();
    if let Some(lock) = &state.lock
        && lock.id != id
    {
        return Err(locked(lock, &request.object().unwrap_or_default()));
    }
    if state.versions.contains_key(&serial) {
        return Err(super::message(422, "422 Unprocessable Entity"));
    }
    state.versions.insert(serial, text);
    Ok(Reply::empty(200).written())
}

/// Removes a state.
pub(super) fn delete(states: &mut States, name: &str) -> Result<Reply, Reply> {
    states.remove(name).ok_or_else(not_found)?;
    Ok(Reply::empty(200).written())
}

/// Takes the lock, creating an empty state for an unknown name; a held lock answers 409.
pub(super) fn lock(
    states: &mut States,
    name: &str,
    request: &Request,
    username: &str,
    now: &str,
) -> Result<Reply, Reply> {
    let sent = request.object().unwrap_or_default();
    let absent: Vec<String> = [
        "ID",
        "Operation",
        "Info",
        "Who",
        "Version",
        "Created",
        "Path",
    ]
    .iter()
    .filter(|key| !sent.contains_key(**key))
    .map(|key| format!("{key} is missing"))
    .collect();
    if !absent.is_empty() {
        return Err(super::params::missing(&absent.join(", ")));
    }
    let id = text(&sent, "ID");
    if id.len() > 255 {
        return Err(super::params::missing("ID is too long (maximum is 255)"));
    }
    let state = states.entry(name.to_owned()).or_default();
    if let Some(lock) = &state.lock {
        return Err(locked(lock, &sent));
    }
    state.lock = Some(StateLock {
        id,
        username: username.to_owned(),
        created: now.to_owned(),
    });
    Ok(Reply::json(200, &Value::Object(sent)).written())
}

/// Gives the lock back: with another id 409, without any id by force.
pub(super) fn unlock(states: &mut States, name: &str, params: &Params) -> Result<Reply, Reply> {
    let state = states.get_mut(name).ok_or_else(not_found)?;
    let id = params.text("ID").filter(|id| !id.is_empty());
    if id.as_ref().is_some_and(|id| id.len() > 255) {
        return Err(super::params::missing("ID is too long (maximum is 255)"));
    }
    if let (Some(lock), Some(id)) = (&state.lock, &id)
        && lock.id != *id
    {
        return Err(locked(lock, &serde_json::Map::new()));
    }
    state.lock = None;
    Ok(Reply::empty(200).written())
}

/// Describes a held lock: `ID`, `Who` and `Created` are the holder's, the rest echoes the request.
fn locked(lock: &StateLock, sent: &serde_json::Map<String, Value>) -> Reply {
    let body = json!({
        "ID": lock.id, "Who": lock.username, "Created": lock.created,
        "Operation": text(sent, "Operation"), "Info": text(sent, "Info"),
        "Version": text(sent, "Version"), "Path": text(sent, "Path"),
    });
    Reply::json(409, &body)
}

fn text(map: &serde_json::Map<String, Value>, key: &str) -> String {
    let value = map.get(key).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
