//! What the configuration of a role assignment asks for.

use std::collections::BTreeSet;

use gigadb_engine::{
    intent::{Mode, OnExternalSwap, OnFailure},
    message::Message,
    name::EnvironmentName,
    rules::{Rule, https_ready::HttpsMode},
};
use tfplug::{Diagnostic, Diagnostics, Value};

use crate::{diagnostics, validate};

/// Attributes that are stored as written and decide nothing in a plan, so that they may be
/// unknown in it.
const MAY_BE_UNKNOWN: [&str; 1] = ["reason"];

/// A wholly known, valid configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) environment: EnvironmentName,
    pub(crate) production: String,
    pub(crate) hot_standby: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) prepare: Option<String>,
    pub(crate) on_failure: OnFailure,
    pub(crate) on_external_swap: OnExternalSwap,
    pub(crate) https_check: HttpsMode,
    pub(crate) overrides: BTreeSet<Rule>,
}

impl Assignment {
    /// Reads a configuration for a plan: whatever decides it must be known and valid.
    pub(crate) fn read(config: &Value) -> Result<Self, Diagnostics> {
        let mut found = unknowns(config);
        found.extend(validate::role_assignment(config));
        if found.has_errors() {
            return Err(found);
        }
        let text = |name: &str| config.get(name).as_str().map(str::to_owned);
        let environment = text("environment")
            .unwrap_or_default()
            .parse()
            .map_err(|error| validate::invalid_name("environment", &error))?;
        Ok(Self {
            environment,
            production: text("production").unwrap_or_default(),
            hot_standby: text("hot_standby"),
            mode: word(config, "mode")?,
            prepare: text("prepare"),
            on_failure: word(config, "on_failure")?,
            on_external_swap: word(config, "on_external_swap")?,
            https_check: word(config.get("https_check"), "mode")?,
            overrides: overrides(config),
        })
    }
}

fn word<T>(config: &Value, name: &str) -> Result<T, Diagnostics>
where
    T: Default + std::str::FromStr<Err = gigadb_engine::intent::UnknownSetting>,
{
    config.get(name).as_str().map_or_else(
        || Ok(T::default()),
        |text| {
            text.parse()
                .map_err(|error| validate::unknown_word(name.into(), name, &error).into())
        },
    )
}

fn overrides(config: &Value) -> BTreeSet<Rule> {
    config
        .get("overrides")
        .as_elements()
        .unwrap_or_default()
        .iter()
        .filter_map(|name| name.as_str()?.parse().ok())
        .collect()
}

fn unknowns(config: &Value) -> Diagnostics {
    config
        .as_entries()
        .into_iter()
        .flatten()
        .filter(|(name, value)| {
            !value.is_wholly_known() && !MAY_BE_UNKNOWN.contains(&name.as_str())
        })
        .map(|(name, _)| must_be_known(name))
        .collect()
}

fn must_be_known(name: &str) -> Diagnostic {
    diagnostics::error_at(
        name,
        format!("`{name}` must be known: the plan is the review"),
        &Message::nothing_changed(
            format!(
                "The value of `{name}` is known only after apply, so that no plan can show what would move."
            ),
            format!("attribute `{name}`"),
            "Write the value down, take it from a variable, or apply what it depends on first (`-target`).",
        ),
    )
}
