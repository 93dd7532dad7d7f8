//! The provider block: where the notes are.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tfplug::{
    Attribute, ConfigureRequest, DataSource, Diagnostics, Provider, ReadDataRequest,
    ReadDataResponse, Resource, Schema, Type, async_trait,
};

use crate::corner::Corner;
use crate::note::{Note, missing_folder};

/// Where the notes are, once the provider is configured. Replaceable: in debug mode that happens for each walk.
pub(crate) type Folder = Arc<RwLock<Option<PathBuf>>>;

/// The provider.
pub(crate) struct Notes {
    folder: Folder,
}

impl Notes {
    /// Returns a provider that is not configured yet.
    pub(crate) fn new() -> Self {
        Self {
            folder: Folder::default(),
        }
    }
}

#[async_trait]
impl Provider for Notes {
    fn address(&self) -> &'static str {
        "example/notes"
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn schema(&self) -> Schema {
        Schema::new(
            0,
            [
                (
                    "folder",
                    Attribute::required(Type::String).describe("The folder that holds the notes."),
                ),
                (
                    "token",
                    Attribute::optional(Type::String)
                        .sensitive()
                        .describe("Unused; it is here to stay secret."),
                ),
            ],
        )
        .describe("Notes, each a text file.")
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![
            Arc::new(Note::new(self.folder.clone())),
            Arc::new(Corner::new(self.folder.clone())),
        ]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(Count(self.folder.clone()))]
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let folder = request.config.get("folder").as_str().map(PathBuf::from);
        *self.folder.write().unwrap_or_else(PoisonError::into_inner) = folder;
        Diagnostics::new()
    }
}

/// The data source `notes_count`: how many notes there are.
struct Count(Folder);

#[async_trait]
impl DataSource for Count {
    fn type_name(&self) -> &'static str {
        "notes_count"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            0,
            [
                (
                    "suffix",
                    Attribute::optional(Type::String)
                        .describe("Counts only the names that end so."),
                ),
                (
                    "total",
                    Attribute::computed(Type::Number).describe("How many notes there are."),
                ),
            ],
        )
    }

    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse {
        let Some(folder) = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
        else {
            return ReadDataResponse::failed(missing_folder("the count"));
        };
        let suffix = request
            .config
            .get("suffix")
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let names = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        let count = names
            .filter(|name| name.to_string_lossy().ends_with(&suffix))
            .count();
        ReadDataResponse::new(request.config.with("total", tfplug::Number::from(count)))
    }
}
