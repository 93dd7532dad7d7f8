//! What a record's fields may be, alone and beside the zone's other records.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Number, Value};

use super::{Failure, records};
use crate::world::{Record, Zone};

/// Returns the full name, lower case, in Punycode, without trailing dot, of a name as a client may
/// write it: full, relative to the zone, or `@`.
pub(super) fn full_name(zone: &str, name: &str) -> Result<String, Failure> {
    let bad = || Failure::validation(9000, "DNS name is invalid.");
    let name = name.trim_end_matches('.');
    // A wildcard and underscore labels are names in DNS though not in IDNA's strict form.
    let name = idna::domain_to_ascii(name).map_err(|_| bad())?;
    let full = if name == "@" || name == zone {
        zone.to_owned()
    } else if name.ends_with(&format!(".{zone}")) {
        name
    } else {
        format!("{name}.{zone}")
    };
    let good = full.len() <= 253
        && full
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63);
    if good { Ok(full) } else { Err(bad()) }
}

/// Reads the fields that a body gives into a record, leaving the others as they are.
pub(super) fn read_into(
    record: &mut Record,
    body: &Map<String, Value>,
    zone: &Zone,
) -> Result<(), Failure> {
    let bad = |field: &str| Failure::new(400, 9207, format!("{field} has the wrong type."));
    for (field, value) in body {
        match (field.as_str(), value) {
            ("name", Value::String(name)) => record.name = full_name(&zone.name, name)?,
            ("type", Value::String(kind)) => record.kind = kind.to_uppercase(),
            ("content", Value::String(content)) => record.content.clone_from(content),
            ("ttl", Value::Number(ttl)) => {
                record.ttl = whole(ttl).ok_or_else(|| bad(field))?;
            }
            ("proxied", Value::Bool(proxied)) => record.proxied = *proxied,
            ("comment", Value::Null) => record.comment = None,
            ("comment", Value::String(comment)) => {
                record.comment = Some(comment.clone()).filter(|text| !text.is_empty());
            }
            ("tags", Value::Array(tags)) => {
                let texts = tags.iter().map(|tag| tag.as_str().map(str::to_owned));
                record.tags = texts.collect::<Option<_>>().ok_or_else(|| bad(field))?;
            }
            ("priority", Value::Number(number)) => {
                let number = whole(number).and_then(|number| u16::try_from(number).ok());
                record.priority = Some(number.ok_or_else(|| bad(field))?);
            }
            ("settings", Value::Object(settings)) => record.settings.clone_from(settings),
            (
                "name" | "type" | "content" | "ttl" | "proxied" | "comment" | "tags" | "priority"
                | "settings",
                _,
            ) => return Err(bad(field)),
            _ => {}
        }
    }
    if record.proxied {
        record.ttl = 1;
    }
    Ok(())
}

/// Returns a whole number, which Cloudflare's own client writes as `120.0`.
fn whole(number: &Number) -> Option<u64> {
    let text = number.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().ok()
}

/// Checks a record by itself, then beside the others of its zone.
pub(super) fn check(record: &Record, zone: &Zone) -> Result<(), Failure> {
    let refuse = |code, message: &str| Err(Failure::new(400, code, message));
    match record.kind.as_str() {
        "A" if record.content.parse::<Ipv4Addr>().is_err() => {
            return refuse(9005, "Content for A record must be a valid IPv4 address.");
        }
        "AAAA" if record.content.parse::<Ipv6Addr>().is_err() => {
            return refuse(
                9006,
                "Content for AAAA record must be a valid IPv6 address.",
            );
        }
        "" => return Err(Failure::validation(9000, "DNS record type is missing.")),
        _ if record.content.is_empty() => {
            return Err(Failure::validation(9000, "DNS record content is missing."));
        }
        _ => {}
    }
    let lowest = zone.plan.lowest_ttl();
    if record.ttl != 1 && !(lowest..=86_400).contains(&record.ttl) {
        let message =
            format!("Invalid TTL. Must be between {lowest} and 86400 seconds, or 1 for Automatic.");
        return Err(Failure::validation(9021, message));
    }
    if record.proxied && !records::proxiable(&record.kind) {
        return refuse(9004, "This record type cannot be proxied.");
    }
    if record.proxied && record.content == "1.1.1.1" {
        return refuse(9003, "Target 1.1.1.1 is not allowed for a proxied record.");
    }
    let comment = record.comment.as_deref().unwrap_or_default();
    if comment.contains(['\r', '\n']) || comment.chars().count() > zone.plan.comment_limit() {
        return Err(Failure::validation(9000, "DNS record comment is invalid."));
    }
    let (tags, quota) = (record.tags.len(), zone.plan.tag_quota());
    if tags > quota {
        let message = format!("DNS record has {tags} tags, exceeding the quota of {quota}.");
        return Err(Failure::validation(9300, message));
    }
    beside_others(record, zone)
}

fn beside_others(record: &Record, zone: &Zone) -> Result<(), Failure> {
    let others = || {
        zone.records
            .iter()
            .filter(|other| other.id != record.id && other.name == record.name)
    };
    let identical = |other: &Record| {
        other.kind == record.kind && other.content.eq_ignore_ascii_case(&record.content)
    };
    if others().any(identical) {
        return Err(Failure::new(
            400,
            81058,
            "An identical record already exists.",
        ));
    }
    let has = |kinds: &[&str]| others().any(|other| kinds.contains(&other.kind.as_str()));
    match record.kind.as_str() {
        "CNAME" if has(&["A", "AAAA", "CNAME"]) => Err(Failure::new(
            400,
            81053,
            "An A, AAAA, or CNAME record with that host already exists.",
        )),
        "A" | "AAAA" if has(&["CNAME"]) => Err(Failure::new(
            400,
            81054,
            "A CNAME record with that host already exists.",
        )),
        _ => Ok(()),
    }
}
