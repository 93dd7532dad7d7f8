//! `cargo xtask ci`: what every change must pass, cheapest first.
//!
//! The workspace is checked once (clippy and rustdoc share what cargo checks) and built once (programs
//! and tests share what cargo builds): the EC2 client alone takes minutes each time. What is released is built
//! by other tools; they are tried with a provider that does without the EC2 client.

use crate::{
    dist::{platform::Platform, rehearsal},
    step::{Steps, succeed},
    test, workspace,
};

/// The programs whose packages have no library of the same name: those share a page with it.
const PROGRAMS: [&str; 4] = ["gigadb-roles", "gigadb-bench", "gigadb-demo", "xtask"];

/// Runs every step; stops at the first that fails, except that all tests run.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::default();
    steps.step("format", || {
        succeed(&mut workspace::cargo(&["fmt", "--all", "--check"]))
    })?;
    steps.step("lints", || {
        let mut clippy = workspace::cargo(&["clippy", "--locked"]);
        succeed(
            clippy
                .args(workspace::EVERYTHING)
                .args(["--", "-D", "warnings"]),
        )
    })?;
    steps.step("documentation", || {
        // Naming the examples makes cargo choose the features of tests as well, and so use what the lints checked;
        // without them it checks every crate again, the EC2 client too.
        let mut doc = workspace::cargo(&["doc", "--locked", "--workspace", "--no-deps"]);
        doc.args(["--lib", "--examples"]);
        doc.args(PROGRAMS.iter().flat_map(|name| ["--bin", name]));
        succeed(doc.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    steps.step("a program linked as releases are", || {
        rehearsal::run(Platform::here()?)
    })?;
    let report = test::all(&mut steps, true)?;
    steps.print_durations();
    report.conclude()
}
