//! Where things are.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the root of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Returns the folder that Cargo builds into.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Returns the folder with the programs of a debug build.
pub(crate) fn programs() -> PathBuf {
    target().join("debug")
}

/// What Cargo tells a program that it runs of the program's own package. Build scripts watch some of
/// these (ring's does), and would run again, with all that rests on them, whenever a build from here
/// and one from a shell take turns.
const OF_THIS_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// Returns a Cargo command at the root, the same Cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = outside(Command::new(cargo_program()));
    command.args(arguments);
    command
}

/// The Cargo that runs this program.
pub(crate) fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A command at the root that is told nothing of this program's own package.
pub(crate) fn outside(mut command: Command) -> Command {
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if OF_THIS_PACKAGE.iter().any(|start| name.starts_with(start)) {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// The one selection of packages and targets that everything is built with. Another selection would
/// unify features differently and build the EC2 client, which takes minutes, a second time.
pub(crate) const EVERYTHING: [&str; 2] = ["--workspace", "--all-targets"];

/// Returns the command that builds all programs and tests.
pub(crate) fn build() -> Command {
    let mut command = cargo(&["build", "--locked"]);
    command.args(EVERYTHING);
    command
}
