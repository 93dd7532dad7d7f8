//! The Python environment of the tests: pinned, private, and made again when a pin changes.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::{step::succeed, workspace};

/// The file that pins what the collection's tests need with every ansible-core, below the root.
const COLLECTION: &str = "ansible/tests/requirements.txt";

/// Files that pin what the main environment holds, below the root.
const REQUIREMENTS: &[&str] = &[
    "tests/python/requirements.txt",
    COLLECTION,
    "ansible/tests/once.txt",
    "simulator/fidelity/requirements.txt",
];

/// Returns `target/venv` with exactly the pinned packages in it.
pub(crate) fn prepare() -> anyhow::Result<PathBuf> {
    filled("venv", REQUIREMENTS)
}

/// Returns an environment with another version of Ansible, pinned in `tests/python/ansible-LINE.txt`.
pub(crate) fn prepare_ansible(line: &str) -> anyhow::Result<PathBuf> {
    let pins = format!("tests/python/ansible-{line}.txt");
    filled(&format!("venv-ansible-{line}"), &[&pins, COLLECTION])
}

/// Returns an environment with zig and `cargo zigbuild`, which link for an old glibc.
pub(crate) fn prepare_zig() -> anyhow::Result<PathBuf> {
    filled("venv-zig", &["xtask/zig.txt"])
}

/// Returns a folder below `target` with exactly the packages in it that these files pin.
fn filled(name: &str, requirements: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = workspace::target().join(name);
    let key_file = folder.join("requirements.sha256");
    let key = key(requirements)?;
    if fs::read_to_string(&key_file).is_ok_and(|found| found == key) {
        return Ok(folder);
    }

    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", folder.display()));
        }
        _ => {}
    }
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        .context("tests and releases need Python 3.11 or later, with its venv module")?;
    let mut install = Command::new(python(&folder));
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    for file in existing(requirements) {
        install.arg("--requirement").arg(file);
    }
    succeed(&mut install)?;
    succeed(Command::new(python(&folder)).args(["-m", "pip", "check"]))?;
    fs::write(&key_file, key).with_context(|| format!("cannot write {}", key_file.display()))?;
    Ok(folder)
}

/// Returns the environment's Python.
pub(crate) fn python(folder: &Path) -> PathBuf {
    folder.join("bin").join("python")
}

fn existing(requirements: &[&str]) -> impl Iterator<Item = PathBuf> {
    requirements
        .iter()
        .map(|file| workspace::root().join(file))
        .filter(|file| file.is_file())
}

/// Hashes the pins, and the Python they are installed for.
fn key(requirements: &[&str]) -> anyhow::Result<String> {
    let version = Command::new("python3")
        .arg("--version")
        .output()
        .context("tests and releases need Python 3.11 or later: cannot start `python3`")?;
    if !version.status.success() {
        bail!("`python3 --version` ended with {}", version.status);
    }
    let mut hash = Sha256::new();
    hash.update(&version.stdout);
    for file in existing(requirements) {
        hash.update(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    let mut key = String::new();
    for byte in hash.finalize() {
        write!(key, "{byte:02x}")?;
    }
    Ok(key)
}
