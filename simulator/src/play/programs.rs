//! The programs to play with, as far as they are there.

use std::path::{Path, PathBuf};

const PROVIDER: &str = "terraform-provider-gigadb";
const HELPER: &str = "gigadb-roles";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was found.
pub(super) struct Found {
    /// `gigadb-roles`.
    pub(super) helper: Option<PathBuf>,
    /// The provider's program, or a folder laid out as a mirror.
    pub(super) provider: Option<PathBuf>,
}

impl Found {
    /// Looks beside this program, then on `PATH`.
    pub(super) fn look(provider: Option<&Path>) -> Self {
        let provider = match provider {
            Some(named) => std::path::absolute(named).ok().filter(|path| path.exists()),
            None => find(PROVIDER).or_else(|| find(&format!("{PROVIDER}_v{VERSION}"))),
        };
        Self {
            helper: find(HELPER),
            provider,
        }
    }

    /// Where a program is, or what to do.
    pub(super) fn told(program: Option<&Path>, next: &str) -> String {
        program.map_or_else(
            || format!("not found: {next}"),
            |program| program.display().to_string(),
        )
    }
}

/// The provider's file name in an unpacked mirror.
pub(super) fn provider_file() -> String {
    format!("{PROVIDER}_v{VERSION}")
}

/// The folder below a mirror's address that holds this version for this machine.
pub(super) fn version_folder() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{VERSION}/{os}_{arch}")
}

fn find(name: &str) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok();
    let beside = beside.iter().filter_map(|file| file.parent());
    let path = std::env::var_os("PATH").unwrap_or_default();
    beside
        .map(Path::to_owned)
        .chain(std::env::split_paths(&path))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
