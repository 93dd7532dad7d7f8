//! `cargo xtask docs`: pages that are generated from code, and committed so that they can be read.
//! The same test writes and compares them, so `cargo xtask test` notices a stale page.

use crate::{
    step::succeed,
    workspace::{self, EVERYTHING},
};

/// The test that renders every generated page.
const TEST: &str = "docs::the_reference_is_fresh";

/// Options of `cargo xtask docs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail if a page is not what it would be.
    #[arg(long)]
    check: bool,
}

/// Writes the generated pages, or compares them.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut render = workspace::cargo(&["test", "--locked", "--quiet"]);
    render.args(EVERYTHING).args(["--", "--exact", TEST]);
    if arguments.check {
        render.env_remove("GIGADB_UPDATE_DOCS");
    } else {
        render.env("GIGADB_UPDATE_DOCS", "1");
    }
    succeed(&mut render)
}
