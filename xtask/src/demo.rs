//! `cargo xtask demo`: a swap of production and hot standby against simulated APIs.

use std::process::Command;

use crate::{
    step::succeed,
    terraform,
    workspace::{self, build, programs},
};

/// Options of `cargo xtask demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Swap without Terraform even where it is on PATH.
    #[arg(long)]
    without_terraform: bool,
}

/// Builds the programs and runs the demo.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    println!("Building the programs (a first build takes some minutes).");
    succeed(build().arg("--quiet"))?;
    let mut demo = Command::new(programs().join("gigadb-demo"));
    demo.current_dir(workspace::root())
        .env("GIGADB_BIN_DIR", programs())
        .env_remove("GIGADB_TERRAFORM");
    if let Some(terraform) = terraform::find().filter(|_| !arguments.without_terraform) {
        demo.env("GIGADB_TERRAFORM", terraform);
    }
    succeed(&mut demo)
}
