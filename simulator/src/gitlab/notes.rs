//! Notes of merge requests.

use serde_json::{Value, json};

use super::paging::page;
use super::params::{Params, missing};
use crate::http::{Reply, Request};
use crate::world::{AccessLevel, MergeRequest, Note, Project};

/// Who asks, and what they may do in the project.
pub(super) struct Author<'a> {
    pub(super) username: &'a str,
    pub(super) level: AccessLevel,
}

fn not_found() -> Reply {
    super::message(404, "404 Not found")
}

fn merge_request<'a>(project: &'a mut Project, iid: &str) -> Result<&'a mut MergeRequest, Reply> {
    let mut all = project.merge_requests.iter_mut();
    all.find(|one| one.iid.to_string() == iid)
        .ok_or_else(not_found)
}

fn view(note: &Note, request: &MergeRequest) -> Value {
    json!({
        "id": note.id, "type": null, "body": note.body, "attachment": null,
        "author": { "username": note.author, "name": note.author, "state": "active" },
        "created_at": note.created_at, "updated_at": note.updated_at, "system": note.system,
        "noteable_type": "MergeRequest", "noteable_iid": request.iid,
        "resolvable": false, "confidential": false, "internal": false,
    })
}

/// Lists notes, newest first unless `sort=asc`.
pub(super) fn list(project: &mut Project, iid: &str, request: &Request) -> Result<Reply, Reply> {
    let found = merge_request(project, iid)?;
    let mut notes: Vec<&Note> = found.notes.iter().collect();
    match request.query_value("order_by").unwrap_or("created_at") {
        "created_at" => notes.sort_by(|a, b| (&a.created_at, a.id).cmp(&(&b.created_at, b.id))),
        "updated_at" => notes.sort_by(|a, b| (&a.updated_at, a.id).cmp(&(&b.updated_at, b.id))),
        _ => return Err(missing("order_by does not have a valid value")),
    }
    match request.query_value("sort").unwrap_or("desc") {
        "desc" => notes.reverse(),
        "asc" => {}
        _ => return Err(missing("sort does not have a valid value")),
    }
    let views = notes.into_iter().map(|note| view(note, found)).collect();
    Ok(page(views, request))
}

/// Answers one note.
pub(super) fn get(project: &mut Project, iid: &str, id: &str) -> Result<Reply, Reply> {
    let found = merge_request(project, iid)?;
    let note = found.notes.iter().find(|note| note.id.to_string() == id);
    Ok(Reply::json(200, &view(note.ok_or_else(not_found)?, found)))
}

/// The longest note, in characters.
const LONGEST: usize = 1_000_000;

/// The text of a note, without spaces at its ends; a blank one is refused.
fn body(params: &Params) -> Result<String, Reply> {
    let text = params
        .text("body")
        .ok_or_else(|| missing("body is missing"))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(super::message(400, "400 Bad request - Note can't be blank"));
    }
    if text.chars().count() > LONGEST {
        let why = "400 Bad request - Note is too long (maximum is 1000000 characters)";
        return Err(super::message(400, why));
    }
    Ok(text.to_owned())
}

/// Posts a note.
pub(super) fn create(
    project: &mut Project,
    iid: &str,
    params: &Params,
    author: &Author<'_>,
    now: &str,
) -> Result<Reply, Reply> {
    let requests = project.merge_requests.iter();
    let newest = requests
        .flat_map(|one| &one.notes)
        .map(|note| note.id)
        .max();
    let found = merge_request(project, iid)?;
    let note = Note {
        id: newest.unwrap_or(0) + 1,
        body: body(params)?,
        author: author.username.to_owned(),
        system: false,
        created_at: now.to_owned(),
        updated_at: now.to_owned(),
    };
    let reply = Reply::json(201, &view(&note, found));
    found.notes.push(note);
    Ok(reply)
}

/// Replaces a note's text; its author may, and a Maintainer.
pub(super) fn update(
    project: &mut Project,
    (iid, id): (&str, &str),
    params: &Params,
    author: &Author<'_>,
    now: &str,
) -> Result<Reply, Reply> {
    let found = merge_request(project, iid)?;
    let place = found
        .notes
        .iter()
        .position(|note| note.id.to_string() == id);
    let place = place.ok_or_else(not_found)?;
    let note = &mut found.notes[place];
    if note.system || (note.author != author.username && author.level < AccessLevel::Maintainer) {
        return Err(super::message(403, "403 Forbidden"));
    }
    note.body = body(params)?;
    now.clone_into(&mut note.updated_at);
    Ok(Reply::json(200, &view(&found.notes[place], found)))
}
