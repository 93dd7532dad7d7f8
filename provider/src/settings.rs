//! The provider block, as it is written, and what the process environment says beside it.

use std::{path::PathBuf, sync::Arc};

use gigadb_clients::{Explicit, Secret, SettingsError};
use gigadb_engine::{
    message::{Message, sentence},
    rules::https_ready::HttpsMode,
};
use tfplug::{AttributePath, Diagnostic, Value};

use crate::diagnostics;

/// The process environment, as the program's entry hands it in: the value of a variable by name.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The environment variable with the mode that counts where no configuration names one.
pub(crate) const MODE_VARIABLE: &str = "GIGADB_HTTPS_CHECK";

/// What the provider block says, with what is not known yet.
pub(crate) struct Block {
    /// `topology_file`, where it is set and known.
    pub(crate) topology_file: Option<String>,
    /// How to reach the APIs, as far as it is set and known.
    pub(crate) explicit: Explicit,
    /// Whether `topology_file` is not known yet.
    pub(crate) topology_unknown: bool,
    /// Settings of the APIs that are not known yet, as paths.
    pub(crate) unknown: Vec<String>,
}

impl Block {
    /// Reads the provider block.
    pub(crate) fn read(config: &Value) -> Self {
        let mut unknown = Vec::new();
        let mut find = |group: &str, name: &str| -> Value {
            let value = config.get(group).get(name);
            if value.is_wholly_known() {
                value.clone()
            } else {
                unknown.push(format!("{group}.{name}"));
                Value::Null
            }
        };
        let explicit = Explicit {
            cloudflare_api_token: secret(&find("cloudflare", "api_token")),
            cloudflare_base_url: text(&find("cloudflare", "base_url")),
            gitlab_token: secret(&find("gitlab", "token")),
            gitlab_base_url: text(&find("gitlab", "base_url")),
            aws_endpoint_url: text(&find("aws", "endpoint_url")),
            aws_shared_config_files: paths(&find("aws", "shared_config_files")),
            aws_shared_credentials_files: paths(&find("aws", "shared_credentials_files")),
        };
        let topology_file = config.get("topology_file");
        Self {
            topology_file: text(topology_file).filter(|path| !path.trim().is_empty()),
            explicit,
            topology_unknown: topology_file.is_unknown(),
            unknown,
        }
    }
}

/// The mode that `GIGADB_HTTPS_CHECK` names.
pub(crate) fn default_mode(text: Option<&str>) -> Result<HttpsMode, Diagnostic> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(HttpsMode::default());
    };
    text.parse()
        .map_err(|error: gigadb_engine::intent::UnknownSetting| {
            diagnostics::error(
                format!("`{MODE_VARIABLE}` does not know `{text}`"),
                &Message::nothing_changed(
                    sentence(&error.to_string()),
                    format!("environment variable `{MODE_VARIABLE}`"),
                    "Set it to one of these words, or unset it.",
                ),
            )
        })
}

/// The diagnostic of a setting that cannot be used, at its attribute where the configuration set it.
pub(crate) fn fault(error: &SettingsError) -> Diagnostic {
    let message = Message::nothing_changed(
        sentence(&error.to_string()),
        format!("{} ({})", error.setting, error.source_name),
        "Correct the setting.",
    );
    let diagnostic = diagnostics::error(format!("{} cannot be used", error.setting), &message);
    match error.source_name {
        gigadb_clients::settings::Source::Explicit(setting) => match setting.attribute() {
            Some([group, name]) => diagnostic.at(AttributePath::attribute(group).then(name)),
            None => diagnostic,
        },
        gigadb_clients::settings::Source::Environment(_) => diagnostic,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn secret(value: &Value) -> Option<Secret> {
    value.as_str().map(Secret::new)
}

fn paths(value: &Value) -> Vec<PathBuf> {
    value
        .as_elements()
        .unwrap_or_default()
        .iter()
        .filter_map(|path| path.as_str().map(PathBuf::from))
        .collect()
}
