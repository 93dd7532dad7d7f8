//! Whether a plan can be read: what a review does not know must not pass as nothing.

use serde_json::{Map, Value};

/// The type of the resource that assigns roles.
pub(crate) const RESOURCE: &str = "gigadb_role_assignment";
/// What Terraform and OpenTofu do to a resource, as far as this version knows.
const ACTIONS: [&[&str]; 9] = [
    &["no-op"],
    &["create"],
    &["update"],
    &["delete"],
    &["forget"],
    &["create", "delete"],
    &["delete", "create"],
    &["create", "forget"],
    &["forget", "create"],
];
/// Attributes that stay as they are where nothing is done to an assignment.
const ROLES: [&str; 5] = [
    "environment",
    "production",
    "hot_standby",
    "hostnames",
    "variables",
];

/// A list of a plan: absent, or a list.
pub(super) fn list<'a>(within: &'a Value, key: &str) -> Result<&'a [Value], String> {
    match within.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(odd(key)),
    }
}

/// An object of a plan: absent, or an object.
pub(super) fn object<'a>(
    within: &'a Value,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, String> {
    match within.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(entries)) => Ok(Some(entries)),
        Some(_) => Err(odd(key)),
    }
}

/// What is done to a resource or an output: words, at least one.
pub(super) fn actions(change: &Value) -> Option<Vec<String>> {
    let words = change.get("actions").and_then(Value::as_array)?;
    let words: Option<Vec<String>> = words
        .iter()
        .map(|word| word.as_str().map(str::to_owned))
        .collect();
    words.filter(|words| !words.is_empty())
}

/// Whether marks are marks: `true` for what is sensitive or unknown, in any nesting.
pub(super) fn are_marks(marks: &Value) -> bool {
    match marks {
        Value::Null | Value::Bool(_) => true,
        Value::Array(items) => items.iter().all(are_marks),
        Value::Object(entries) => entries.values().all(are_marks),
        Value::Number(_) | Value::String(_) => false,
    }
}

/// That a place is not as Terraform writes it.
pub(super) fn odd(place: &str) -> String {
    format!("`{place}` is not as in a plan of Terraform's")
}

/// Whether an entry about a role assignment of ours tells what happens to it. `change` is its
/// part of the plan, as it stands there.
pub(super) fn assignment(
    address: &str,
    actions: &[String],
    (before, after): (&Value, &Value),
    change: &Value,
) -> Result<(), String> {
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    if !ACTIONS.contains(&actions.as_slice()) {
        return Err(format!(
            "What is done to `{address}` is {actions:?}, which this version of gigadb-roles does not know"
        ));
    }
    let does = |action: &str| actions.contains(&action);
    let there_before = !does("create") || actions.len() > 1;
    let there_after = does("create") || does("update") || does("no-op");
    for (when, part, there) in [
        ("before", before, there_before),
        ("after", after, there_after),
    ] {
        let told = |key: &str| part.get(key).is_some_and(Value::is_string);
        let whole = told("environment") && told("production");
        if !(if there { whole } else { part.is_null() }) {
            return Err(format!(
                "What `{address}` is {when} {actions:?} is not told, or hidden as a whole"
            ));
        }
    }
    let part = |when: &str, key: &str| change.get(when).and_then(|part| part.get(key));
    let differs = |key: &&&str| part("before", key) != part("after", key);
    if let Some(key) = ROLES.iter().find(differs).filter(|_| does("no-op")) {
        return Err(format!(
            "Nothing is said to be done to `{address}`, and its `{key}` differs"
        ));
    }
    Ok(())
}
