//! Changes to records, one by one or as a batch.

use serde_json::{Map, Value, json};

use super::{Failure, fields, records};
use crate::world::{Plan, Record, Zone, hex_id};

fn gone() -> Failure {
    Failure::new(404, 81044, "Record does not exist.")
}

fn position(zone: &Zone, id: &str) -> Result<usize, Failure> {
    zone.records
        .iter()
        .position(|record| record.id == id)
        .ok_or_else(gone)
}

/// Returns the record with that id.
pub(super) fn find<'a>(zone: &'a Zone, id: &str) -> Result<&'a Record, Failure> {
    Ok(&zone.records[position(zone, id)?])
}

/// Adds a record. An existing one of the same name with another content is no hindrance.
pub(super) fn create(
    zone: &mut Zone,
    body: &Map<String, Value>,
    now: &str,
) -> Result<Record, Failure> {
    let mut record = blank(now);
    fields::read_into(&mut record, body, zone)?;
    let count = zone.records.len().to_string();
    let parts = [&zone.id, &record.kind, &record.name, &record.content];
    record.id = hex_id(&[parts[0], parts[1], parts[2], parts[3], now, &count]);
    let limit = if zone.plan == Plan::Free { 200 } else { 3_500 };
    if zone.records.len() >= limit {
        return Err(Failure::new(400, 81045, "Record quota exceeded."));
    }
    check_name(body)?;
    fields::check(&record, zone)?;
    zone.records.push(record.clone());
    Ok(record)
}

/// Overwrites a record: what the body does not give falls back to its default.
pub(super) fn put(
    zone: &mut Zone,
    id: &str,
    body: &Map<String, Value>,
    now: &str,
) -> Result<Record, Failure> {
    let index = position(zone, id)?;
    check_name(body)?;
    let old = &zone.records[index];
    let mut record = Record {
        id: old.id.clone(),
        created_on: old.created_on.clone(),
        ..blank(now)
    };
    fields::read_into(&mut record, body, zone)?;
    replace(zone, index, record)
}

/// Changes the fields that the body gives.
pub(super) fn patch(
    zone: &mut Zone,
    id: &str,
    body: &Map<String, Value>,
    now: &str,
) -> Result<Record, Failure> {
    let index = position(zone, id)?;
    let mut record = zone.records[index].clone();
    now.clone_into(&mut record.modified_on);
    fields::read_into(&mut record, body, zone)?;
    replace(zone, index, record)
}

/// Removes a record.
pub(super) fn delete(zone: &mut Zone, id: &str) -> Result<Record, Failure> {
    let index = position(zone, id)?;
    Ok(zone.records.remove(index))
}

fn replace(zone: &mut Zone, index: usize, record: Record) -> Result<Record, Failure> {
    if record.kind != zone.records[index].kind {
        return Err(Failure::validation(
            9000,
            "The type of a record cannot be changed.",
        ));
    }
    fields::check(&record, zone)?;
    zone.records[index] = record.clone();
    Ok(record)
}

fn blank(now: &str) -> Record {
    Record {
        id: String::new(),
        kind: String::new(),
        name: String::new(),
        content: String::new(),
        ttl: 1,
        proxied: false,
        comment: None,
        tags: Vec::new(),
        priority: None,
        settings: Map::new(),
        created_on: now.to_owned(),
        modified_on: now.to_owned(),
    }
}

fn check_name(body: &Map<String, Value>) -> Result<(), Failure> {
    for field in ["name", "type"] {
        if body.get(field).and_then(Value::as_str).is_none() {
            let message = format!("DNS record {field} is missing.");
            return Err(Failure::validation(9000, message));
        }
    }
    Ok(())
}

/// Carries out a batch on a copy of the zone, in the order deletes, patches, puts, posts, and keeps the
/// copy only if every operation succeeded; else the first error is the answer.
pub(super) fn batch(
    zone: &mut Zone,
    body: &Map<String, Value>,
    now: &str,
) -> Result<Value, Failure> {
    let operations = ["deletes", "patches", "puts", "posts"]
        .iter()
        .map(|list| Ok((*list, items(body, list)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let (count, limit) = (
        operations
            .iter()
            .flat_map(|(_, items)| items)
            .flatten()
            .count(),
        zone.plan.batch_limit(),
    );
    if count > limit {
        let message = format!("{count} operations exceed the limit of {limit} for one batch.");
        return Err(Failure::validation(9000, message));
    }

    let mut copy = zone.clone();
    let mut result = Map::new();
    for (list, items) in operations {
        let Some(items) = items else {
            result.insert(list.to_owned(), Value::Null);
            continue;
        };
        let mut done = Vec::with_capacity(items.len());
        for item in items {
            let id = || item.get("id").and_then(Value::as_str).ok_or_else(gone);
            let record = match list {
                "deletes" => delete(&mut copy, id()?)?,
                "patches" => patch(&mut copy, id()?, item, now)?,
                "puts" => put(&mut copy, id()?, item, now)?,
                _ => create(&mut copy, item, now)?,
            };
            done.push(records::view(&record));
        }
        result.insert(list.to_owned(), json!(done));
    }
    *zone = copy;
    Ok(Value::Object(result))
}

fn items<'a>(
    body: &'a Map<String, Value>,
    list: &str,
) -> Result<Option<Vec<&'a Map<String, Value>>>, Failure> {
    let parse = || Failure::new(400, 9207, "Failed to parse request body");
    match body.get(list) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let objects: Option<Vec<_>> = items.iter().map(Value::as_object).collect();
            objects.map(Some).ok_or_else(parse)
        }
        Some(_) => Err(parse()),
    }
}
