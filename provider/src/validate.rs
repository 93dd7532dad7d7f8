//! What can be said of a configuration without the provider's settings and without the network.
//! Anything may be unknown, and nothing unknown is an error.

use std::ops::RangeInclusive;

use gigadb_engine::{
    intent::{Mode, OnExternalSwap, OnFailure, UnknownSetting},
    message::{Message, sentence},
    name::{EndpointName, EnvironmentName, InfrastructureName, InvalidName},
    nearest::nearest,
    rules::{Rule, https_ready::HttpsMode},
};
use tfplug::{AttributePath, Diagnostic, Diagnostics, Value};

use crate::diagnostics;

/// The longest time that an answer to a probe may take, in milliseconds.
const TIMEOUT_AT_MOST: u64 = 60_000;

/// Checks the configuration of a role assignment.
pub(crate) fn role_assignment(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    found.extend(name::<EnvironmentName>(config, "environment"));
    for side in ["production", "hot_standby", "prepare"] {
        found.extend(name::<InfrastructureName>(config, side));
    }
    found.extend(same_side(config));
    found.extend(word::<Mode>(config, "mode"));
    found.extend(word::<OnFailure>(config, "on_failure"));
    found.extend(word::<OnExternalSwap>(config, "on_external_swap"));
    found.extend(overrides(config.get("overrides")));
    found.extend(https_check(config.get("https_check")));
    found.extend(empty(config, &["https_check"]));
    found
}

/// Checks the configuration of the data source `gigadb_role_assignment`.
pub(crate) fn role_assignment_data(config: &Value) -> Diagnostics {
    name::<EnvironmentName>(config, "environment")
        .into_iter()
        .collect()
}

/// Checks the configuration of the data source `gigadb_infrastructure`.
pub(crate) fn infrastructure_data(config: &Value) -> Diagnostics {
    [
        name::<InfrastructureName>(config, "infrastructure"),
        name::<EnvironmentName>(config, "environment"),
        name::<EndpointName>(config, "endpoint"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Errors of attributes that must be set and are null. Terraform refuses a null that is written
/// down; one that only the plan knows comes here.
pub(crate) fn given(config: &Value, attributes: &[&str]) -> Diagnostics {
    attributes
        .iter()
        .filter(|attribute| config.get(attribute).is_null())
        .map(|attribute| {
            refusal(
                (*attribute).into(),
                format!("`{attribute}` is null"),
                format!("`{attribute}` must be set, and what it comes from is null."),
                "Write the value down, or look at what it comes from: data sources of this provider tell no side while the roles are not clear.",
            )
        })
        .collect()
}

/// Warnings of attributes that are written down and set nothing: Terraform drops a key that it does
/// not know before a provider sees it, so a mistyped key leaves nothing else.
/// <https://github.com/hashicorp/terraform/issues/33570>
pub(crate) fn empty(config: &Value, attributes: &[&str]) -> Diagnostics {
    let entries = |attribute| config.get(attribute).as_entries();
    attributes
        .iter()
        .filter_map(|attribute| {
            let entries = entries(attribute)?;
            if !entries.values().all(Value::is_null) {
                return None;
            }
            let keys: Vec<String> = entries.keys().map(|key| format!("`{key}`")).collect();
            let told = Diagnostic::warning(
                format!("`{attribute}` sets nothing"),
                format!(
                    "Terraform drops a key that it does not know, without a word: check the spelling, or remove `{attribute}`. Its keys are {}.",
                    keys.join(", ")
                ),
            );
            Some(told.at(AttributePath::attribute(*attribute)))
        })
        .collect()
}

/// The error of a text that cannot be a name.
pub(crate) fn invalid_name(attribute: &str, error: &InvalidName) -> Diagnostic {
    refusal(
        attribute.into(),
        format!("`{attribute}` is not a name"),
        sentence(&error.to_string()),
        "Write the name as the topology does.",
    )
}

/// The error of a word that a setting does not know.
pub(crate) fn unknown_word(
    path: AttributePath,
    attribute: &str,
    error: &UnknownSetting,
) -> Diagnostic {
    let next = match nearest(&error.text, error.allowed.iter().copied()) {
        Some(meant) => format!("Write `{meant}` if that is meant."),
        None => "Write one of these words.".to_owned(),
    };
    refusal(
        path,
        format!("`{attribute}` does not know `{}`", error.text),
        sentence(&error.to_string()),
        next,
    )
}

fn refusal(
    path: AttributePath,
    summary: String,
    what: String,
    next: impl Into<String>,
) -> Diagnostic {
    let object = format!("attribute `{path}`");
    diagnostics::error_at(path, summary, &Message::nothing_changed(what, object, next))
}

fn name<T: std::str::FromStr<Err = InvalidName>>(
    config: &Value,
    attribute: &str,
) -> Option<Diagnostic> {
    let error = config.get(attribute).as_str()?.parse::<T>().err()?;
    Some(invalid_name(attribute, &error))
}

fn word<T: std::str::FromStr<Err = UnknownSetting>>(
    config: &Value,
    attribute: &str,
) -> Option<Diagnostic> {
    let error = config.get(attribute).as_str()?.parse::<T>().err()?;
    Some(unknown_word(attribute.into(), attribute, &error))
}

fn same_side(config: &Value) -> Option<Diagnostic> {
    let production = config.get("production").as_str()?;
    (config.get("hot_standby").as_str()? == production).then(|| same_side_error(production))
}

/// The error of one infrastructure in both roles.
pub(crate) fn same_side_error(side: &str) -> Diagnostic {
    refusal(
        "hot_standby".into(),
        "`hot_standby` is the same as `production`".to_owned(),
        format!("`{side}` cannot be production and hot standby at once."),
        "Remove it: where the topology has two infrastructures, `hot_standby` is the other one by itself. Generated import configuration writes it down. Where it stands under `ignore_changes`, take it out there: it keeps the state's value.",
    )
}

fn overrides(value: &Value) -> Diagnostics {
    let path = || AttributePath::attribute("overrides");
    value
        .as_elements()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|name| match name.parse::<Rule>() {
            Ok(rule) if rule.is_waivable() => None,
            Ok(rule) => Some(refusal(
                path(),
                format!("rule `{rule}` cannot be waived"),
                format!("The rule `{rule}` cannot be waived."),
                format!("Take `{rule}` out of `overrides`."),
            )),
            Err(error) => Some(refusal(
                path(),
                format!("`overrides` names no rule with `{name}`"),
                sentence(&error.to_string()),
                format!("Name one of {}.", waivable()),
            )),
        })
        .collect()
}

fn waivable() -> String {
    let names: Vec<String> = Rule::ALL
        .iter()
        .filter(|rule| rule.is_waivable())
        .map(|rule| format!("`{rule}`"))
        .collect();
    names.join(", ")
}

fn https_check(check: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    if check.is_null() || check.is_unknown() {
        return found;
    }
    let path = |name: &str| AttributePath::attribute("https_check").then(name);
    if let Some(error) = check
        .get("mode")
        .as_str()
        .and_then(|mode| mode.parse::<HttpsMode>().err())
    {
        found.push(unknown_word(path("mode"), "https_check.mode", &error));
    }
    if let Some(text) = check.get("path").as_str()
        && (!text.starts_with('/') || text.contains(char::is_whitespace))
    {
        found.push(refusal(
            path("path"),
            "`https_check.path` is not a path".to_owned(),
            format!("`{text}` is not an absolute path without blanks."),
            "Begin it with `/`.",
        ));
    }
    found.extend(whole_number(check.get("port"), &path("port"), 1..=65_535));
    found.extend(whole_number(
        check.get("min_days"),
        &path("min_days"),
        0..=3_650,
    ));
    let statuses = check
        .get("expected_status")
        .as_elements()
        .unwrap_or_default();
    found.extend(
        statuses
            .iter()
            .filter_map(|status| whole_number(status, &path("expected_status"), 100..=599)),
    );
    if let Some(text) = check.get("timeout").as_str()
        && !milliseconds(text).is_some_and(|ms| (1..=TIMEOUT_AT_MOST).contains(&ms))
    {
        found.push(refusal(
            path("timeout"),
            "`https_check.timeout` is not a time".to_owned(),
            format!("`{text}` is not a time between `1ms` and `60s`."),
            "Write a whole number with its unit, such as `5s` or `500ms`.",
        ));
    }
    if check
        .get("ca_file")
        .as_str()
        .is_some_and(|file| file.trim().is_empty())
    {
        found.push(refusal(
            path("ca_file"),
            "`https_check.ca_file` is empty".to_owned(),
            "An empty text is no file.".to_owned(),
            "Name a file, or remove the line.",
        ));
    }
    found
}

fn whole_number(
    value: &Value,
    path: &AttributePath,
    allowed: RangeInclusive<i64>,
) -> Option<Diagnostic> {
    let number = value.as_number()?;
    if number.as_i64().is_some_and(|n| allowed.contains(&n)) {
        return None;
    }
    Some(refusal(
        path.clone(),
        format!("`{path}` is out of range"),
        format!(
            "`{number}` is not a whole number from {} to {}.",
            allowed.start(),
            allowed.end()
        ),
        "Write a number of this range.",
    ))
}

/// A time such as `5s` or `500ms`.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}
