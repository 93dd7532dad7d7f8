//! Finds Terraform or OpenTofu.

use std::{
    env,
    path::{Path, PathBuf},
};

/// What is said, loudly, when there is none.
pub(crate) const MISSING: &str = "\
Neither `terraform` nor `tofu` is on PATH.
The acceptance tests, which need one of them, are SKIPPED: what they prove is not proven by this run.
Install Terraform 1.5 or later (https://developer.hashicorp.com/terraform/install) or OpenTofu 1.6 or later, and run this again.";

/// Returns the program on `PATH`, Terraform before OpenTofu.
pub(crate) fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    ["terraform", "tofu"].iter().find_map(|name| {
        env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| is_program(file))
    })
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}
