//! What of a release can be tried in a minute: a provider that is not GigaDB's, but with the same TLS, runtime and
//! C code, is linked by the same tools, and must need nothing newer.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use super::{needs, platform::Platform, read};
use crate::{release, step::succeed};

/// Builds the plugin SDK's example as a release is built, reads what it needs, and, where it can, starts it.
pub(crate) fn run(platform: Platform) -> anyhow::Result<()> {
    let selection = ["--package", "tfplug", "--example", "hello"];
    succeed(&mut release::command(platform, &selection)?)?;
    let program = release::folder(platform).join("debug/examples/hello");
    needs::check("hello", &read(&program)?, platform)?;
    if platform != Platform::here()? {
        return Ok(());
    }

    let mut child = Command::new(&program)
        .arg("--debug")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let output = child.stdout.take().context("no output")?;
    let told = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("TF_REATTACH_PROVIDERS"));
    child.kill()?;
    child.wait()?;
    ensure!(told.is_some(), "the program that was built does not serve");
    Ok(())
}
