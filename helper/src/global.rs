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
    /// Refuses a `--format` that `command` has no form of.
    pub(crate) fn only(&self, command: &str, forms: &[Format]) -> Result<(), Failure> {
        if forms.contains(&self.format) {
            return Ok(());
        }
        let others: Vec<String> = forms
            .iter()
            .map(|form| format!("`{}`", form.word()))
            .collect();
        let next = match others.as_slice() {
            [] | [_] => "Leave it out.".to_owned(),
            [first @ .., last] => format!("Use {} or {last}.", first.join(", ")),
        };
        let form = self.format.as_str();
        Err(Failure::usage(
            format!("`{command}` has no {form} form."),
            "--format",
            next,
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
    /// Gauges for the node exporter's text files (`status`).
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

    /// The word of the option.
    fn word(self) -> String {
        self.as_str().to_lowercase()
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
