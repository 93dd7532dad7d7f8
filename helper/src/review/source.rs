//! A plan as `terraform show -json` writes it.
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use serde_json::{Map, Value};

use super::{
    shape,
    unseen::{self, Unseen, is_our_provider},
};
use crate::failure::Failure;

/// The major version of the format that is understood; minor versions only add to it.
const MAJOR: &str = "1";
/// How every ZIP archive begins, and so every plan file of Terraform.
const ZIP: &[u8] = b"PK\x03\x04";
/// What stands in for a value that Terraform marks as sensitive.
pub(crate) const SENSITIVE: &str = "(sensitive value)";
/// The same, where before and after differ.
pub(crate) const OTHER_SENSITIVE: &str = "(another sensitive value)";
/// What stands in for a value that is not known before the apply.
pub(crate) const UNKNOWN: &str = "(known after apply)";

/// Whether a text stands in for a value that the plan does not show.
pub(crate) fn is_hidden(text: &str) -> bool {
    matches!(text, SENSITIVE | OTHER_SENSITIVE | UNKNOWN)
}

/// A plan whose sensitive values are gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// Everything the plan says of resources and data sources.
    pub(crate) resources: Vec<Resource>,
    /// Resources whose state takes up what is there.
    pub(crate) drifted: Vec<Resource>,
    /// Data sources of ours that were read while planning: type, address, values.
    pub(crate) read: Vec<(String, String, Value)>,
    /// Names of outputs that change.
    pub(crate) outputs: Vec<String>,
    /// What else happens at the apply, beside resources.
    pub(crate) unseen: Vec<Unseen>,
    /// When it was made, as it says itself: RFC 3339.
    pub(crate) made_at: Option<String>,
    /// Which program made it: its version.
    pub(crate) made_by: Option<String>,
    /// Whether parts of the configuration were left out (`-target`, or deferred).
    pub(crate) partial: bool,
}

/// One entry of `resource_changes`, or of `resource_drift`.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what Terraform says of a resource, one to one"
)]
pub(crate) struct Resource {
    pub(crate) address: String,
    pub(crate) kind: String,
    pub(crate) data: bool,
    pub(crate) provider: Option<String>,
    /// Whether it is an object that was replaced and still waits for its end.
    pub(crate) deposed: bool,
    /// Whether only the state changes, because the world did.
    pub(crate) drifted: bool,
    pub(crate) actions: Vec<String>,
    pub(crate) before: Value,
    pub(crate) after: Value,
    pub(crate) imported: bool,
    pub(crate) moved_from: Option<String>,
}

impl Resource {
    /// Whether it is a managed resource of this type of our provider.
    pub(crate) fn is_ours(&self, kind: &str) -> bool {
        !self.data
            && !self.deposed
            && self.kind == kind
            && is_our_provider(self.provider.as_deref())
    }

    /// Whether it is a data source of this type of our provider.
    pub(crate) fn is_our_data(&self, kind: &str) -> bool {
        self.data && self.kind == kind && is_our_provider(self.provider.as_deref())
    }
}

/// Reads a plan; `name` is what messages call it.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Source, Failure> {
    let refused = |what: String, next: String| Failure::refused(what, format!("`{name}`"), next);
    let show = "Run `terraform show -json FILE > plan.json` with the plan file that `terraform plan -out FILE` wrote, then `gigadb-roles review plan.json`.".to_owned();
    if bytes.starts_with(ZIP) {
        return Err(refused(
            "This is a plan file in Terraform's own format, not its JSON.".to_owned(),
            format!(
                "Run `terraform show -json {name} | gigadb-roles review -`, in the folder that it was planned in."
            ),
        ));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(refused("It is empty.".to_owned(), show));
    }
    // Some shells of Windows write a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        if error.is_eof() {
            refused(
                format!("It ends in the middle, at {place}: this is half a file."),
                show.clone(),
            )
        } else if bytes.starts_with(b"{\"@level\"") {
            refused(
                "This is the log of `terraform plan -json`, not a plan.".to_owned(),
                show.clone(),
            )
        } else {
            refused(format!("It is not JSON, at {place}."), show.clone())
        }
    })?;
    if document.get("@level").is_some() {
        return Err(refused(
            "This is the log of `terraform plan -json`, not a plan.".to_owned(),
            show,
        ));
    }
    if document.get("lineage").is_some() {
        return Err(refused(
            "This is a state file of Terraform's, not a plan.".to_owned(),
            show,
        ));
    }
    let Some(version) = document.get("format_version").and_then(Value::as_str) else {
        return Err(refused(
            "It is JSON, but no plan of Terraform's: `format_version` is missing at its top."
                .to_owned(),
            show,
        ));
    };
    if version.split('.').next() != Some(MAJOR) {
        return Err(refused(
            format!(
                "It has format version {version:?}; this version of gigadb-roles reads {MAJOR}.x."
            ),
            "Use a version of gigadb-roles that knows it.".to_owned(),
        ));
    }
    if document.get("planned_values").is_none() && document.get("resource_changes").is_none() {
        let what = if document.get("values").is_some()
            || document.get("terraform_version").is_some()
        {
            "This is the JSON of a state, not of a plan."
        } else {
            "It is JSON of Terraform's, but no plan: there is neither `planned_values` nor `resource_changes`."
        };
        return Err(refused(what.to_owned(), show));
    }
    if !matches!(
        document.get("errored"),
        None | Some(Value::Null | Value::Bool(false))
    ) {
        return Err(refused(
            "Planning ended with errors, so this plan is not complete and cannot be applied."
                .to_owned(),
            "Fix what `terraform plan` reported, then plan and review again.".to_owned(),
        ));
    }
    Source::of(&document).map_err(|what| {
        let next = format!("{show} Where it is such a plan, use a version of gigadb-roles that knows the Terraform that wrote it.");
        refused(format!("{what}: it cannot be reviewed."), next)
    })
}

impl Source {
    /// Takes a plan apart; the error says what in it cannot be read.
    fn of(document: &Value) -> Result<Self, String> {
        let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut source = Self {
            resources: resources(document, "resource_changes")?,
            drifted: resources(document, "resource_drift")?,
            unseen: unseen::of(document)?,
            made_at: text("timestamp"),
            made_by: text("terraform_version"),
            partial: !matches!(
                document.get("complete"),
                None | Some(Value::Null | Value::Bool(true))
            ),
            ..Self::default()
        };
        for drifted in &mut source.drifted {
            drifted.drifted = true;
        }
        for (name, change) in shape::object(document, "output_changes")?
            .into_iter()
            .flatten()
        {
            let actions = shape::actions(change);
            let actions = actions.ok_or_else(|| shape::odd(&format!("output_changes.{name}")))?;
            if actions.iter().any(|action| action != "no-op") {
                source.outputs.push(name.clone());
            }
        }
        if let Some(root) = document.pointer("/prior_state/values/root_module") {
            read_in_module(root, &mut source.read);
        }
        Ok(source)
    }

    /// The counts that GitLab's Terraform report holds, by the verb: replacing counts twice.
    /// <https://docs.gitlab.com/user/infrastructure/iac/mr_integration/>
    pub(crate) fn count(&self, action: &str) -> usize {
        let actions = self.resources.iter().flat_map(|one| &one.actions);
        actions.filter(|one| *one == action).count()
    }
}

fn resources(document: &Value, list: &str) -> Result<Vec<Resource>, String> {
    let entries = shape::list(document, list)?.iter().enumerate();
    let read = entries.map(|(index, entry)| resource(entry, &format!("{list}[{index}]")));
    let mut resources: Vec<Resource> = read.collect::<Result<_, _>>()?;
    resources.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(resources)
}

fn resource(entry: &Value, place: &str) -> Result<Resource, String> {
    let odd = |key: &str| shape::odd(&format!("{place}.{key}"));
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let change = entry.get("change").filter(|change| change.is_object());
    let change = change.ok_or_else(|| odd("change"))?;
    let part = |key: &str| change.get(key).unwrap_or(&Value::Null);
    let marks = ["before_sensitive", "after_sensitive", "after_unknown"];
    if let Some(key) = marks.iter().find(|key| !shape::are_marks(part(key))) {
        return Err(odd(&format!("change.{key}")));
    }
    let (before, after) = (part("before"), part("after"));
    let resource = Resource {
        address: text("address").ok_or_else(|| odd("address"))?,
        kind: text("type").ok_or_else(|| odd("type"))?,
        data: text("mode").as_deref() == Some("data"),
        provider: text("provider_name"),
        deposed: text("deposed").is_some(),
        drifted: false,
        actions: shape::actions(change).ok_or_else(|| odd("change.actions"))?,
        before: masked(before, part("before_sensitive"), &Value::Null, None),
        after: masked(
            after,
            part("after_sensitive"),
            part("after_unknown"),
            Some(before),
        ),
        imported: !part("importing").is_null(),
        moved_from: text("previous_address"),
    };
    if resource.is_ours(shape::RESOURCE) {
        let parts = (&resource.before, &resource.after);
        shape::assignment(&resource.address, &resource.actions, parts, change)?;
    }
    Ok(resource)
}

fn read_in_module(module: &Value, found: &mut Vec<(String, String, Value)>) {
    let list = |key: &str| {
        module
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    for entry in list("resources") {
        let text = |key: &str| {
            entry
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let provider = entry.get("provider_name").and_then(Value::as_str);
        if text("mode") == "data" && is_our_provider(provider) {
            let part = |key: &str| entry.get(key).unwrap_or(&Value::Null);
            let values = masked(part("values"), part("sensitive_values"), &Value::Null, None);
            found.push((text("type"), text("address"), values));
        }
    }
    for child in list("child_modules") {
        read_in_module(&child, found);
    }
}

/// A value with words in the place of what is sensitive or unknown. `former` is the value before,
/// with which a sensitive one is compared: that it changes must not be hidden.
fn masked(value: &Value, sensitive: &Value, unknown: &Value, former: Option<&Value>) -> Value {
    if *unknown == Value::Bool(true) {
        return UNKNOWN.into();
    }
    if *sensitive == Value::Bool(true) || hides_elsewhere(sensitive, value) {
        return match former {
            Some(former) if former != value => OTHER_SENSITIVE.into(),
            _ => SENSITIVE.into(),
        };
    }
    match (value, unknown) {
        (Value::Array(items), _) => {
            let item = |(index, item): (usize, &Value)| {
                let at = |marks: &Value| marks.get(index).cloned().unwrap_or_default();
                let former = former.map(|former| former.get(index).unwrap_or(&Value::Null));
                masked(item, &at(sensitive), &at(unknown), former)
            };
            items.iter().enumerate().map(item).collect()
        }
        (Value::Object(entries), _) => {
            let absent = unknown.as_object().into_iter().flatten();
            let absent = absent
                .filter(|(key, mark)| **mark == Value::Bool(true) && !entries.contains_key(*key));
            let mut shown: Map<String, Value> = absent
                .map(|(key, _)| (key.clone(), UNKNOWN.into()))
                .collect();
            for (key, entry) in entries {
                let at = |marks: &Value| marks.get(key).cloned().unwrap_or_default();
                let former = former.map(|former| former.get(key).unwrap_or(&Value::Null));
                shown.insert(
                    key.clone(),
                    masked(entry, &at(sensitive), &at(unknown), former),
                );
            }
            Value::Object(shown)
        }
        _ => value.clone(),
    }
}

/// Whether marks name something sensitive within a value that is of another shape than they are.
fn hides_elsewhere(marks: &Value, value: &Value) -> bool {
    let hides = match marks {
        Value::Array(items) if !value.is_array() => items.iter().any(hides_something),
        Value::Object(entries) if !value.is_object() => entries.values().any(hides_something),
        _ => false,
    };
    hides && !value.is_null()
}

fn hides_something(marks: &Value) -> bool {
    match marks {
        Value::Array(items) => items.iter().any(hides_something),
        Value::Object(entries) => entries.values().any(hides_something),
        marks => *marks == Value::Bool(true),
    }
}
