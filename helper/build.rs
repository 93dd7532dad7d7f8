//! Gives the program its version, with the commit that it is built from where that is known:
//! `GIGADB_COMMIT`, else what git says. A build without git, or from an archive, goes without.

#[path = "build/commit.rs"]
mod commit;

use std::{env, path::Path};

fn main() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.parent().unwrap_or(package);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=GIGADB_COMMIT");
    let given = env::var("GIGADB_COMMIT")
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    let commit = given.or_else(|| {
        // Only this package is built again after a commit, and only the program depends on it.
        for file in commit::watched(root) {
            println!("cargo::rerun-if-changed={}", file.display());
        }
        commit::of(root)
    });
    let version = env!("CARGO_PKG_VERSION");
    let shown = commit.map_or_else(
        || version.to_owned(),
        |commit| format!("{version} ({commit})"),
    );
    println!("cargo::rustc-env=GIGADB_ROLES_VERSION={shown}");
}
