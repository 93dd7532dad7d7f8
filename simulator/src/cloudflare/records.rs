//! A record as the API shows it.

use serde_json::{Value, json};

use crate::world::Record;

/// Record types that Cloudflare's edge can stand in front of.
pub(super) fn proxiable(kind: &str) -> bool {
    matches!(kind, "A" | "AAAA" | "CNAME")
}

/// Returns the record's JSON; a proxied record always shows the automatic TTL.
pub(super) fn view(record: &Record) -> Value {
    let mut view = json!({
        "id": record.id, "name": record.name, "type": record.kind, "content": record.content,
        "proxiable": proxiable(&record.kind), "proxied": record.proxied,
        "ttl": if record.proxied { 1 } else { record.ttl },
        "settings": record.settings, "meta": {}, "comment": record.comment, "tags": record.tags,
        "created_on": record.created_on, "modified_on": record.modified_on,
    });
    if let Some(priority) = record.priority {
        view["priority"] = json!(priority);
    }
    if record.comment.is_some() {
        view["comment_modified_on"] = json!(record.created_on);
    }
    if !record.tags.is_empty() {
        view["tags_modified_on"] = json!(record.created_on);
    }
    view
}
