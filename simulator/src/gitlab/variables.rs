//! CI/CD variables of a project: rows told apart by key and scope.

use serde_json::{Value, json};

use super::invalid;
use super::paging::page;
use super::params::{Params, missing};
use crate::http::{Reply, Request};
use crate::world::{Variable, VariableType};

/// Most rows that one project may have.
const LIMIT: usize = 8_000;

/// Lists all rows of all scopes; there is no filter on the list.
pub(super) fn list(rows: &[Variable], request: &Request) -> Reply {
    page(rows.iter().map(view).collect(), request)
}

/// Answers the one row that key and filter select.
pub(super) fn get(rows: &[Variable], key: &str, params: &Params) -> Result<Reply, Reply> {
    Ok(Reply::json(200, &view(&rows[select(rows, key, params)?])))
}

/// Adds a row.
pub(super) fn create(rows: &mut Vec<Variable>, params: &Params) -> Result<Reply, Reply> {
    let absent: Vec<String> = ["key", "value"]
        .iter()
        .filter(|name| params.text(name).is_none())
        .map(|name| format!("{name} is missing"))
        .collect();
    if !absent.is_empty() {
        return Err(missing(&absent.join(", ")));
    }
    let mut row = Variable::new(
        params.text("key").unwrap_or_default().trim(),
        "*",
        &params.text("value").unwrap_or_default(),
    );
    let hidden = params.flag("masked_and_hidden")?.unwrap_or(false);
    read_into(&mut row, params)?;
    row.hidden = hidden;
    row.masked |= hidden;
    if rows.len() >= LIMIT {
        let text = format!("Maximum number of project ci variables ({LIMIT}) exceeded");
        return Err(invalid("base", text));
    }
    check(&row)?;
    unique(rows, &row, None)?;
    let reply = Reply::json(201, &view(&row)).written();
    rows.push(row);
    Ok(reply)
}

/// Changes what is given of the one row that key and filter select; a scope that is given moves it.
pub(super) fn update(rows: &mut [Variable], key: &str, params: &Params) -> Result<Reply, Reply> {
    let index = select(rows, key, params)?;
    let mut row = rows[index].clone();
    if let Some(value) = params.text("value") {
        row.value = value;
    }
    read_into(&mut row, params)?;
    if params.flag("masked_and_hidden")? == Some(true) {
        let text = "Only new variables can be set as masked and hidden.";
        return Err(invalid("base", text));
    }
    if rows[index].hidden && !row.masked {
        let text = "The visibility setting cannot be changed for masked and hidden variables.";
        return Err(invalid("base", text));
    }
    check(&row)?;
    unique(rows, &row, Some(index))?;
    rows[index] = row;
    Ok(Reply::json(200, &view(&rows[index])).written())
}

/// Removes the one row that key and filter select.
pub(super) fn delete(rows: &mut Vec<Variable>, key: &str, params: &Params) -> Result<Reply, Reply> {
    let index = select(rows, key, params)?;
    rows.remove(index);
    Ok(Reply::empty(204).written())
}

/// Selects as GitLab does: by key; if the filter is present and not blank, by literally that scope;
/// then none is 404, one is it, several are 409.
fn select(rows: &[Variable], key: &str, params: &Params) -> Result<usize, Reply> {
    let filter = params
        .text("filter[environment_scope]")
        .filter(|scope| !scope.trim().is_empty());
    let mut found = rows.iter().enumerate().filter(|(_, row)| {
        row.key == key
            && filter
                .as_ref()
                .is_none_or(|scope| row.environment_scope == *scope)
    });
    match (found.next(), found.next()) {
        (None, _) => Err(super::message(404, "404 Variable Not Found")),
        (Some((index, _)), None) => Ok(index),
        _ => Err(super::message(
            409,
            "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'",
        )),
    }
}

fn read_into(row: &mut Variable, params: &Params) -> Result<(), Reply> {
    match params.text("variable_type").as_deref() {
        None => {}
        Some("env_var") => row.variable_type = VariableType::EnvVar,
        Some("file") => row.variable_type = VariableType::File,
        Some(_) => return Err(missing("variable_type does not have a valid value")),
    }
    for (name, flag) in [
        ("protected", &mut row.protected),
        ("masked", &mut row.masked),
        ("raw", &mut row.raw),
    ] {
        if let Some(given) = params.flag(name)? {
            *flag = given;
        }
    }
    if let Some(scope) = params.text("environment_scope") {
        scope.trim().clone_into(&mut row.environment_scope);
    }
    if params.given("description") {
        row.description = params.text("description");
    }
    Ok(())
}

fn check(row: &Variable) -> Result<(), Reply> {
    let word = |text: &str, extra: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    if row.key.is_empty() || row.key.len() > 255 || !word(&row.key, "_") {
        let text = "can contain only letters, digits and '_'.";
        return Err(invalid("key", text));
    }
    if row.environment_scope.is_empty() || !word(&row.environment_scope, "-_/${}.* ") {
        let text =
            "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces";
        return Err(invalid("environment_scope", text));
    }
    if row.masked {
        let maskable = row.value.chars().count() >= 8
            && if row.raw {
                !row.value.contains(char::is_whitespace)
            } else {
                word(&row.value, "_+=/@:.~-")
            };
        if !maskable {
            return Err(invalid("value", "is invalid"));
        }
    }
    Ok(())
}

fn unique(rows: &[Variable], row: &Variable, own: Option<usize>) -> Result<(), Reply> {
    let taken = rows.iter().enumerate().any(|(index, other)| {
        own != Some(index)
            && other.key == row.key
            && other.environment_scope == row.environment_scope
    });
    if taken {
        return Err(invalid(
            "key",
            format!("({}) has already been taken", row.key),
        ));
    }
    Ok(())
}

/// Returns the row's JSON; a hidden value is `null`, for ever.
fn view(row: &Variable) -> Value {
    json!({
        "variable_type": row.variable_type, "key": row.key,
        "value": if row.hidden { Value::Null } else { json!(row.value) },
        "hidden": row.hidden, "protected": row.protected, "masked": row.masked, "raw": row.raw,
        "environment_scope": row.environment_scope, "description": row.description,
    })
}
