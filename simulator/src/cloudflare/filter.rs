//! `GET /zones/{zone_id}/dns_records`: filters, order, pages.

use super::{page, records};
use crate::http::{Reply, Request};
use crate::world::{Record, Zone};

/// Lists a zone's records. Without `order` they come by id, an order that means nothing to a client.
pub(super) fn list(zone: &Zone, request: &Request) -> Reply {
    let mut found: Vec<&Record> = zone
        .records
        .iter()
        .filter(|record| matches(record, request))
        .collect();
    match request.query_value("order") {
        Some("type") => found.sort_by(|a, b| a.kind.cmp(&b.kind)),
        Some("name") => found.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("content") => found.sort_by(|a, b| a.content.cmp(&b.content)),
        Some("ttl") => found.sort_by_key(|record| record.ttl),
        Some("proxied") => found.sort_by_key(|record| record.proxied),
        _ => found.sort_by(|a, b| a.id.cmp(&b.id)),
    }
    if request.query_value("direction") == Some("desc") {
        found.reverse();
    }
    let views = found.into_iter().map(records::view).collect();
    page(views, request, 100, 5_000_000)
}

fn matches(record: &Record, request: &Request) -> bool {
    let tests = |on_tags: bool| {
        request
            .query
            .iter()
            .filter(move |(name, _)| name.starts_with("tag.") == on_tags || name == "tag")
            .filter_map(move |(name, wanted)| {
                if on_tags {
                    tag_test(record, name, wanted)
                } else {
                    field_test(record, name, wanted)
                }
            })
            .collect::<Vec<bool>>()
    };
    let combine = |results: &[bool], any: bool| {
        results.is_empty()
            || if any {
                results.iter().any(|met| *met)
            } else {
                results.iter().all(|met| *met)
            }
    };
    let any = request.query_value("match") == Some("any");
    let any_tag = request.query_value("tag_match") == Some("any");
    combine(&tests(false), any) && combine(&tests(true), any_tag)
}

fn field_test(record: &Record, name: &str, wanted: &str) -> Option<bool> {
    let (field, operator) = name.split_once('.').unwrap_or((name, "exact"));
    let comment = record.comment.as_deref();
    Some(match (field, operator) {
        ("type", "exact") => record.kind.eq_ignore_ascii_case(wanted),
        ("proxied", "exact") => record.proxied.to_string() == wanted,
        ("search", "exact") => [record.name.as_str(), &record.content]
            .iter()
            .chain(comment.iter())
            .any(|text| compare(text, "contains", wanted) == Some(true)),
        ("comment", "absent") => comment.is_none(),
        ("comment", "present") => comment.is_some(),
        ("name", _) => compare(&record.name, operator, wanted)?,
        ("content", _) => compare(&record.content, operator, wanted)?,
        ("comment", _) => compare(comment.unwrap_or_default(), operator, wanted)?,
        _ => return None,
    })
}

fn tag_test(record: &Record, name: &str, wanted: &str) -> Option<bool> {
    let operator = match name {
        "tag" if wanted.contains(':') => "exact",
        "tag" => "present",
        _ => name.strip_prefix("tag.")?,
    };
    let has_name = |wanted: &str| {
        let mut names = record.tags.iter().map(|tag| tag.split(':').next());
        names.any(|name| name.is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
    };
    Some(match operator {
        "present" => has_name(wanted),
        "absent" => !has_name(wanted),
        _ => {
            let (wanted_name, wanted_value) = wanted.split_once(':')?;
            record.tags.iter().any(|tag| {
                let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
                name.eq_ignore_ascii_case(wanted_name)
                    && compare(value, operator, wanted_value) == Some(true)
            })
        }
    })
}

/// Compares without regard to case; an unknown operator is no filter.
fn compare(text: &str, operator: &str, wanted: &str) -> Option<bool> {
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    Some(match operator {
        "exact" => text == wanted,
        "contains" => text.contains(&wanted),
        "startswith" => text.starts_with(&wanted),
        "endswith" => text.ends_with(&wanted),
        _ => return None,
    })
}
