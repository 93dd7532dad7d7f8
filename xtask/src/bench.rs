//! `cargo xtask bench`: what a swap costs, measured with the release build.

use std::process::Command;

use anyhow::Context as _;

use crate::{dist::platform::Platform, release, step::succeed, terraform, venv, workspace};

/// Builds the programs for release and runs the benchmarks; the table goes to stdout.
pub(crate) fn run() -> anyhow::Result<()> {
    let programs = release::build(Platform::here()?)?;
    let terraform =
        terraform::find().context("the benchmarks need Terraform or OpenTofu on PATH")?;
    let mut bench = Command::new(programs.join("gigadb-bench"));
    bench
        .current_dir(workspace::root())
        .env("GIGADB_BIN_DIR", &programs)
        .env("GIGADB_TERRAFORM", terraform)
        .env("GIGADB_VENV", venv::prepare()?);
    succeed(&mut bench)
}
