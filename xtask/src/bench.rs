//! `cargo xtask bench`: what a swap costs, measured with the release build.

use std::process::Command;

use anyhow::Context as _;

use crate::{
    step::succeed,
    terraform, venv,
    workspace::{self, cargo},
};

/// Builds the programs for release and runs the benchmarks; the table goes to stdout.
pub(crate) fn run() -> anyhow::Result<()> {
    println!("Building for release (this takes some minutes).\n");
    let packages = ["terraform-provider-gigadb", "gigadb-roles", "gigadb-tests"];
    let mut build = cargo(&["build", "--locked", "--release", "--quiet", "--bins"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    succeed(&mut build)?;
    let programs = workspace::target().join("release");
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
