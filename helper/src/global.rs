//! What every command understands: leaf words, which everybody may know.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::failure::Failure;

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Read this topology (default: `$GIGADB_TOPOLOGY`, else topology.yaml here or in a folder above).
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub(crate) topology: Option<PathBuf>,

    /// Print the answer in this format.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Global options"
    )]
    pub(crate) format: Format,

    /// Color the output: when it is a terminal, always, or never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
}

impl Global {
    /// Refuses `--format` where there is nothing but text.
    pub(crate) fn text_alone(&self, what: &str) -> Result<(), Failure> {
        if self.format == Format::Text {
            return Ok(());
        }
        Err(Failure::usage(
            format!("There is one form of {what}."),
            "--format",
            "Leave it out.",
        ))
    }

    /// Refuses the forms of documents where there are but text and JSON. `what` is the subject
    /// with its verb: "The checks have".
    pub(crate) fn text_or_json(&self, what: &str) -> Result<(), Failure> {
        if !self.format.is_document() {
            return Ok(());
        }
        Err(Failure::usage(
            format!("{what} no {} form.", self.format.as_str()),
            "--format",
            "Use `text` or `json`.",
        ))
    }
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one document, `format_version` first.
    Json,
    /// For documents.
    Markdown,
    /// For browsers: one page that stands alone (`status` and `review`).
    Html,
    /// Gauges for the node exporter's text files; of `status` only.
    Prometheus,
}

impl Format {
    /// The word, as in sentences.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "JSON",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Prometheus => "Prometheus",
        }
    }

    /// Whether it is a document, which most commands have no form of.
    pub(crate) fn is_document(self) -> bool {
        matches!(self, Self::Markdown | Self::Html | Self::Prometheus)
    }
}

/// When output is colored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
