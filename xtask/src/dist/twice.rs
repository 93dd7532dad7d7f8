//! Builds the same commit again in another folder, and compares.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, bail};

use super::{PROVIDER, VERSION, platform::Platform, read};
use crate::{
    step::succeed,
    workspace::{self, cargo_program, outside},
};

/// Fails unless a clone of this checkout, in another folder, gives archives with these checksums.
pub(super) fn compare(platform: Platform, out: &Path) -> anyhow::Result<()> {
    let changed = Command::new("git")
        .current_dir(workspace::root())
        .args(["status", "--porcelain"])
        .output()
        .context("a second build needs git")?;
    if !changed.status.success() || !changed.stdout.is_empty() {
        bail!(
            "The archives are not compared: a second build takes the last commit, and this checkout differs from it.\n\
             The archives are in {}.\n\
             Commit or stash the changes, then run this again.",
            out.display()
        );
    }
    let again = workspace::target().join("again");
    if again.exists() {
        fs::remove_dir_all(&again).with_context(|| format!("cannot remove {}", again.display()))?;
    }
    println!("Building the same commit in {}.", again.display());
    succeed(
        Command::new("git")
            .args(["clone", "--quiet", "--shared", "--no-tags"])
            .arg(workspace::root())
            .arg(&again),
    )?;
    let mut build = outside(Command::new(cargo_program()));
    build
        .current_dir(&again)
        .env_remove("CARGO_TARGET_DIR")
        .args(["xtask", "dist", "--target", platform.triple]);
    succeed(&mut build)?;

    let sums = format!("{PROVIDER}_{VERSION}_SHA256SUMS");
    let second = again.join("target/dist");
    let listed = |folder: &Path| -> anyhow::Result<Vec<String>> {
        let text = String::from_utf8(read(&folder.join(&sums))?)?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    let first = listed(out)?;
    // The first folder may hold archives of other platforms too.
    for line in listed(&second)? {
        if !first.contains(&line) {
            bail!(
                "Two builds of one commit differ: {line} is not in the first list.\n\
                 The first archives are in {}, the second in {}.\n\
                 Unpack both, and compare them file by file.",
                out.display(),
                second.display()
            );
        }
        println!("the same twice: {line}");
    }
    fs::remove_dir_all(&again).with_context(|| format!("cannot remove {}", again.display()))?;
    Ok(())
}
