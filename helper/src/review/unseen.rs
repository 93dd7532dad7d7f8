//! What happens at an apply and is in no list of resource changes: provisioners, actions, ephemeral
//! resources, and what is put off to a later plan.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::shape::{self, list};

/// Where the provider comes from; the same name from elsewhere is somebody else's.
const OUR_PROVIDER: [&str; 2] = [
    "registry.terraform.io/gigascience/gigadb",
    "registry.opentofu.org/gigascience/gigadb",
];
/// How the names of our types begin.
const OUR_TYPES: &str = "gigadb_";
/// The provider within Terraform and OpenTofu themselves, which starts nothing.
const BUILT_IN: &str = "terraform.io/builtin/terraform";
/// The data source that starts a program.
const STARTS_A_PROGRAM: &str = "external";

/// Whether a provider's name is ours; a plan that does not tell is taken at its types' word.
pub(super) fn is_our_provider(name: Option<&str>) -> bool {
    name.is_none_or(|name| OUR_PROVIDER.contains(&name))
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Unseen {
    pub(crate) what: What,
    /// Where it is: an address of the configuration.
    pub(crate) address: String,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// A program or a copy that runs when a resource is made or destroyed.
    Provisioner,
    /// An action of a provider, started by this plan.
    Action,
    /// A resource or data source of our type names that is another provider's.
    OtherProvider,
    /// A change that a later plan will make.
    Deferred,
    /// A program that a data source starts at the apply.
    Program,
    /// A data source of another provider that is read at the apply.
    Read,
    /// An ephemeral resource, which is opened at the apply.
    Ephemeral,
}

impl What {
    /// One and several of them, in words.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Provisioner => ("provisioner", "provisioners"),
            Self::Action => ("action", "actions"),
            Self::OtherProvider => (
                "object of another provider with a type name of this one",
                "objects of another provider with type names of this one",
            ),
            Self::Deferred => ("deferred change", "deferred changes"),
            Self::Program => (
                "program that runs at the apply",
                "programs that run at the apply",
            ),
            Self::Read => (
                "data source that is read at the apply",
                "data sources that are read at the apply",
            ),
            Self::Ephemeral => ("ephemeral resource", "ephemeral resources"),
        }
    }
}

/// All of them in a plan; the error says what of it cannot be read.
pub(super) fn of(document: &Value) -> Result<Vec<Unseen>, String> {
    let mut found = BTreeSet::new();
    if let Some(configuration) = shape::object(document, "configuration")? {
        let root = configuration.get("root_module").unwrap_or(&Value::Null);
        in_module(root, "", &mut found)?;
    }
    for key in ["action_invocations", "deferred_action_invocations"] {
        for entry in list(document, key)? {
            let within = entry.get("action_invocation").unwrap_or(entry);
            add(&mut found, What::Action, within);
        }
    }
    for entry in list(document, "deferred_changes")? {
        let within = entry.get("resource_change").unwrap_or(entry);
        add(&mut found, What::Deferred, within);
    }
    for key in ["resource_changes", "resource_drift"] {
        for entry in list(document, key)? {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            if text("mode") == Some("ephemeral") {
                add(&mut found, What::Ephemeral, entry);
            }
            let named_like_ours = text("type").is_some_and(|kind| kind.starts_with(OUR_TYPES));
            if named_like_ours && !is_our_provider(text("provider_name")) {
                add(&mut found, What::OtherProvider, entry);
            }
            // What is read while planning is done already; what waits for the apply is not.
            let waits = text("mode") == Some("data") && acts(entry, "read");
            if waits && !named_like_ours && text("provider_name") != Some(BUILT_IN) {
                let starts = text("type") == Some(STARTS_A_PROGRAM);
                let what = if starts { What::Program } else { What::Read };
                add(&mut found, what, entry);
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn add(found: &mut BTreeSet<Unseen>, what: What, entry: &Value) {
    let address = entry.get("address").and_then(Value::as_str).unwrap_or("?");
    found.insert(Unseen {
        what,
        address: address.to_owned(),
    });
}

fn acts(entry: &Value, action: &str) -> bool {
    let actions = entry.pointer("/change/actions").and_then(Value::as_array);
    actions.is_some_and(|actions| actions.iter().any(|one| one == action))
}

/// A document of JSON is nested 128 levels deep at most, so this ends.
fn in_module(module: &Value, prefix: &str, found: &mut BTreeSet<Unseen>) -> Result<(), String> {
    if !module.is_object() && !module.is_null() {
        return Err(shape::odd("configuration"));
    }
    let mut note = |what, address: &str| {
        found.insert(Unseen {
            what,
            address: format!("{prefix}{address}"),
        });
    };
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.unwrap_or("?").to_owned()
    };
    for resource in list(module, "resources")? {
        let address = text(resource, "address");
        for provisioner in list(resource, "provisioners")? {
            let kind = text(provisioner, "type");
            note(What::Provisioner, &format!("{address} ({kind})"));
        }
        if text(resource, "mode") == "ephemeral" {
            note(What::Ephemeral, &address);
        }
    }
    for resource in list(module, "ephemeral_resources")? {
        note(What::Ephemeral, &text(resource, "address"));
    }
    let calls = shape::object(module, "module_calls")?;
    for (name, call) in calls.into_iter().flatten() {
        let inner = call.get("module").unwrap_or(&Value::Null);
        in_module(inner, &format!("{prefix}module.{name}."), found)?;
    }
    Ok(())
}
