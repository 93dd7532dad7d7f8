//! What every command understands: leaf words, which everybody may know.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::failure::Failure;

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Read this topology (default: `$GIGADB_TOPOLOGY`, else ./topology.yaml).
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
