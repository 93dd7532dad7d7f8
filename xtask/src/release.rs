//! Builds programs as they are released: the same bytes from any folder, and for Linux against an old glibc.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    dist::platform::Platform,
    step::succeed,
    venv,
    workspace::{self, cargo},
};

/// The newest glibc that programs for Linux may need: that of `CentOS` 7, of 2012.
pub(crate) const GLIBC: &str = "2.17";
/// The time of everything in an archive, 1980-01-01: zip knows none before.
pub(crate) const FIXED_TIME: u64 = 315_532_800;

/// What is built together, so that the benchmarks measure what is shipped.
const PACKAGES: [&str; 4] = [
    "terraform-provider-gigadb",
    "gigadb-roles",
    "gigadb-simulator",
    "gigadb-tests",
];

/// Builds all programs of a release for a platform; returns their folder.
pub(crate) fn build(platform: Platform) -> anyhow::Result<PathBuf> {
    let mut arguments = vec!["--release", "--bins"];
    arguments.extend(PACKAGES.iter().flat_map(|package| ["--package", package]));
    let mut build = command(platform, &arguments)?;
    println!("Building for release (this takes some minutes).");
    succeed(&mut build)?;
    Ok(folder(platform).join("release"))
}

/// Where a platform's programs are, by profile.
pub(crate) fn folder(platform: Platform) -> PathBuf {
    workspace::target().join(platform.triple)
}

/// The build of some selection for a platform.
///
/// Zig brings linker and headers for any glibc, so that a build here needs no old machine. It comes from `PyPI`,
/// pinned, as the tests' tools do.
pub(crate) fn command(platform: Platform, selection: &[&str]) -> anyhow::Result<Command> {
    platform.can_be_built()?;
    let mut command = if platform.is_linux() {
        let zig = venv::prepare_zig()?;
        let target = format!("{}.{GLIBC}", platform.triple);
        let mut build = workspace::outside(Command::new(zig.join("bin/cargo-zigbuild")));
        build
            .args(["zigbuild", "--target", &target])
            .env("CARGO", workspace::cargo_program())
            .env("CARGO_ZIGBUILD_PYTHON_PATH", venv::python(&zig))
            .env("CARGO_ZIGBUILD_CACHE_DIR", workspace::target().join("zig"))
            .env("ZIG_GLOBAL_CACHE_DIR", workspace::target().join("zig"));
        build
    } else {
        cargo(&["build", "--target", platform.triple])
    };
    command
        .args(["--locked", "--quiet"])
        .args(selection)
        .env("CARGO_ENCODED_RUSTFLAGS", flags())
        .env("CARGO_INCREMENTAL", "0")
        .env("SOURCE_DATE_EPOCH", FIXED_TIME.to_string());
    Ok(command)
}

/// Flags that keep the folders of this machine out of the programs.
fn flags() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::home_dir()?;
        Some(home.join(".cargo"))
    });
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![
        remap(workspace::root(), "/gigadb-roles"),
        remap(&workspace::target(), "/gigadb-roles/target"),
    ];
    flags.extend(home.map(|home| remap(&home, "/cargo")));
    flags.join("\u{1f}")
}
