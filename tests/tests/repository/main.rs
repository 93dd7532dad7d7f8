//! What must hold for the repository as a whole: which room may know which, what the programs are
//! built from, and how files read. Nothing here starts a program of ours.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: whatever is missing fails the test that asked"
)]

mod architecture;
mod circles;
mod supply_chain;
mod tidy;
mod words;

use std::path::Path;

/// Returns the root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
