//! The resource `notes_note`: one text file.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::PoisonError;

use tfplug::{
    ApplyRequest, ApplyResponse, Attribute, ChangeKind, Diagnostic, Diagnostics, ImportRequest,
    ImportResponse, NestedType, PlanRequest, PlanResponse, ReadRequest, ReadResponse, Resource,
    Schema, Type, UpgradeRequest, UpgradeResponse, ValidateConfigRequest, Value, async_trait,
};

use crate::provider::Folder;

/// The resource `notes_note`.
pub(crate) struct Note {
    folder: Folder,
}

impl Note {
    /// Returns the resource of a provider with this folder.
    pub(crate) fn new(folder: Folder) -> Self {
        Self { folder }
    }

    fn path(&self, name: &str) -> Result<PathBuf, Diagnostic> {
        let folder = self
            .folder
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        folder
            .map(|folder| folder.join(name))
            .ok_or_else(|| missing_folder(name))
    }

    fn write(&self, planned: &Value) -> Result<Value, Diagnostic> {
        let name = planned.get("name").as_str().unwrap_or_default();
        let text = planned.get("text").as_str().unwrap_or_default();
        std::fs::write(self.path(name)?, text).map_err(|error| failed("write", name, &error))?;
        Ok(with_size(planned.clone().with("id", name), text))
    }
}

/// Returns the error of a call that needs the folder before it is known.
pub(crate) fn missing_folder(what: &str) -> Diagnostic {
    Diagnostic::error(
        format!("notes: the folder is not known, needed for {what}"),
        "Nothing was changed. Set `folder` in the provider block to a value that is known at plan time.",
    )
    .at("folder")
}

fn failed(verb: &str, name: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(
        format!("could not {verb} note {name}"),
        format!(
            "The file system said: {error}. The note was left as it was. Check the folder's permissions."
        ),
    )
}

fn with_size(state: Value, text: &str) -> Value {
    state.with("size", tfplug::Number::from(text.len()))
}

#[async_trait]
impl Resource for Note {
    fn type_name(&self) -> &'static str {
        "notes_note"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            1,
            [
                (
                    "name",
                    Attribute::required(Type::String)
                        .describe("The file's name. Another name is another note."),
                ),
                (
                    "text",
                    Attribute::required(Type::String).describe("What it says."),
                ),
                (
                    "title",
                    Attribute::optional_computed(Type::String).describe("Defaults to the name."),
                ),
                (
                    "secret",
                    Attribute::optional(Type::String)
                        .sensitive()
                        .describe("Kept in the state only."),
                ),
                (
                    "rating",
                    Attribute::optional(Type::Number).describe("Kept in the state only."),
                ),
                (
                    "any",
                    Attribute::optional(Type::Dynamic).describe("Kept in the state only."),
                ),
                (
                    "tags",
                    Attribute::optional(NestedType::map([
                        ("color", Attribute::required(Type::String)),
                        ("shade", Attribute::optional_computed(Type::String)),
                    ]))
                    .describe("Kept in the state only."),
                ),
                (
                    "size",
                    Attribute::computed(Type::Number).describe("The length in bytes."),
                ),
                (
                    "id",
                    Attribute::computed(Type::String).describe("The name."),
                ),
            ],
        )
        .describe("A note.")
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if request
            .config
            .get("name")
            .as_str()
            .is_some_and(|name| name.contains('/'))
        {
            diagnostics.error_at(
                "name",
                "a note's name has a slash",
                "Notes are files of one folder. Nothing was changed. Choose a name without `/`.",
            );
        }
        diagnostics
    }

    /// Version 0 called the text `body`.
    async fn upgrade(&self, request: UpgradeRequest) -> UpgradeResponse {
        let Ok(old) = serde_json::from_slice::<serde_json::Value>(&request.json) else {
            return UpgradeResponse::failed(Diagnostic::error(
                "the stored note is not JSON",
                "Import it anew.",
            ));
        };
        let text = |name: &str| Value::from(old[name].as_str());
        let state = self.schema().object([
            ("name", text("name")),
            ("text", text("body")),
            ("title", text("name")),
            ("id", text("name")),
        ]);
        UpgradeResponse::new(with_size(state, old["body"].as_str().unwrap_or_default()))
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        let name = request.state.get("id").as_str().unwrap_or_default();
        let path = match self.path(name) {
            Ok(path) => path,
            Err(diagnostic) => return ReadResponse::failed(diagnostic),
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let state = request.state.clone().with("text", text.as_str());
                ReadResponse::found(with_size(state, &text), request.private)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => ReadResponse::gone(),
            Err(error) => ReadResponse::failed(failed("read", name, &error)),
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        if request.kind() == ChangeKind::Destroy {
            let name = request.prior_state.get("name").as_str().unwrap_or_default();
            let warning = Diagnostic::warning(
                format!("note {name} will be deleted"),
                "There is no way back.",
            );
            return PlanResponse::destroy().with([warning]);
        }
        let config = &request.config;
        let mut planned = request.proposed_new_state.clone();
        if config.get("title").is_null() {
            planned.insert("title", config.get("name").clone());
        }
        if let Value::Map(tags) = planned.get("tags").clone() {
            let shaded = tags.into_iter().map(|(key, tag)| {
                let tag = if tag.get("shade").is_null() {
                    tag.with("shade", "plain")
                } else {
                    tag
                };
                (key, tag)
            });
            planned.insert("tags", Value::map(shaded));
        }
        planned.insert("id", config.get("name").clone());
        planned.insert("size", Value::Unknown);
        if let Some(text) = config.get("text").as_str() {
            planned = with_size(planned, text);
        }
        PlanResponse::new(planned, request.prior_private).replace("name")
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        if request.kind() == ChangeKind::Destroy {
            let name = request.prior_state.get("id").as_str().unwrap_or_default();
            let removed = self
                .path(name)
                .and_then(|path| match std::fs::remove_file(path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        Err(failed("delete", name, &error))
                    }
                    _ => Ok(()),
                });
            return match removed {
                Ok(()) => ApplyResponse::destroyed(),
                Err(diagnostic) => ApplyResponse::failed(diagnostic),
            };
        }
        match self.write(&request.planned_state) {
            Ok(state) => ApplyResponse::new(state, *b"written"),
            Err(diagnostic) => ApplyResponse::failed(diagnostic),
        }
    }

    async fn import(&self, request: ImportRequest) -> ImportResponse {
        let name = request.id.as_str();
        let state = self.schema().object([
            ("name", name.into()),
            ("title", name.into()),
            ("id", name.into()),
        ]);
        match self.path(name) {
            Ok(path) if path.is_file() => ImportResponse::new(state, []),
            Ok(_) => ImportResponse::failed(Diagnostic::error(
                format!("there is no note {name}"),
                "Nothing was imported. Check the spelling; the id is the file's name.",
            )),
            Err(diagnostic) => ImportResponse::failed(diagnostic),
        }
    }
}
