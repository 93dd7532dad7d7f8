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

/// The two programs that read the same configuration, as far as they are on `PATH`.
#[derive(Debug, Clone)]
pub(crate) struct OnPath {
    pub(crate) terraform: Option<PathBuf>,
    pub(crate) tofu: Option<PathBuf>,
}

impl OnPath {
    /// Looks for both.
    pub(crate) fn look() -> Self {
        Self {
            terraform: on_path("terraform"),
            tofu: on_path("tofu"),
        }
    }

    /// The one to use where either will do: Terraform before OpenTofu.
    pub(crate) fn either(&self) -> Option<&PathBuf> {
        self.terraform.as_ref().or(self.tofu.as_ref())
    }

    /// Which of the two the acceptance tests ran with, a line for each.
    pub(crate) fn told(&self) -> String {
        let line = |name: &str, found: bool| {
            let told = if found {
                "run"
            } else {
                "not run (not on PATH)"
            };
            format!("acceptance tests with {name}: {told}")
        };
        format!(
            "{}\n{}",
            line("Terraform", self.terraform.is_some()),
            line("OpenTofu", self.tofu.is_some())
        )
    }
}

/// Returns the program on `PATH`, Terraform before OpenTofu.
pub(crate) fn find() -> Option<PathBuf> {
    OnPath::look().either().cloned()
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
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

#[cfg(test)]
mod tests {
    use super::OnPath;

    #[test]
    fn what_was_not_run_is_said() {
        let found = |terraform: bool, tofu: bool| OnPath {
            terraform: terraform.then(|| "/bin/terraform".into()),
            tofu: tofu.then(|| "/bin/tofu".into()),
        };
        assert_eq!(
            found(true, false).told(),
            "acceptance tests with Terraform: run\nacceptance tests with OpenTofu: not run (not on PATH)"
        );
        assert_eq!(
            found(false, true).told(),
            "acceptance tests with Terraform: not run (not on PATH)\nacceptance tests with OpenTofu: run"
        );
        let either = |terraform, tofu| found(terraform, tofu).either().cloned();
        assert_eq!(either(true, true), Some("/bin/terraform".into()));
        assert_eq!(either(false, true), Some("/bin/tofu".into()));
        assert_eq!(either(false, false), None);
    }
}
