//! What the configuration of a role assignment asks for.

use std::{collections::BTreeSet, time::Duration};

use gigadb_engine::{
    intent::{Mode, OnExternalSwap, OnFailure},
    message::Message,
    name::EnvironmentName,
    rules::{
        Rule,
        https_ready::{HttpsCheck, HttpsMode},
    },
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
    /// Null means the default, which the environment may set.
    https_mode: Option<HttpsMode>,
    /// Everything but the mode.
    https_check: HttpsCheck,
    pub(crate) overrides: BTreeSet<Rule>,
}

impl Assignment {
    /// Reads a configuration for a plan: whatever decides it must be known and valid.
    pub(crate) fn read(config: &Value) -> Result<Self, Diagnostics> {
        let mut found = unknowns(config);
        found.extend(validate::given(config, &["environment", "production"]));
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
            https_mode: https_mode(config.get("https_check"))?,
            https_check: https_check(config.get("https_check")),
            overrides: overrides(config),
        })
    }

    /// The settings of HTTPS probes, with this mode where none is configured.
    pub(crate) fn https_check(&self, default: HttpsMode) -> HttpsCheck {
        HttpsCheck {
            mode: self.https_mode.unwrap_or(default),
            ..self.https_check.clone()
        }
    }
}

fn https_mode(check: &Value) -> Result<Option<HttpsMode>, Diagnostics> {
    match check.get("mode").as_str() {
        None => Ok(None),
        Some(_) => word(check, "mode").map(Some),
    }
}

/// The settings as written, which are valid, over the defaults.
fn https_check(check: &Value) -> HttpsCheck {
    let default = HttpsCheck::default();
    let text = |name: &str| check.get(name).as_str().map(str::to_owned);
    let number = |value: &Value| value.as_number()?.as_i64();
    let statuses = check.get("expected_status");
    HttpsCheck {
        mode: default.mode,
        path: text("path").unwrap_or(default.path),
        port: number(check.get("port"))
            .and_then(|port| port.try_into().ok())
            .unwrap_or(default.port),
        expected_status: statuses
            .as_elements()
            .unwrap_or_default()
            .iter()
            .filter_map(|status| number(status)?.try_into().ok())
            .collect(),
        expected_text: text("expected_text"),
        timeout: text("timeout")
            .and_then(|text| validate::milliseconds(&text))
            .map_or(default.timeout, Duration::from_millis),
        min_days: number(check.get("min_days"))
            .and_then(|days| days.try_into().ok())
            .unwrap_or(default.min_days),
        ca_file: text("ca_file"),
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
