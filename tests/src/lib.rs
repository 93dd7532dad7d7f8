//! A stage for acceptance tests and the demo: simulated APIs, a home folder, a Terraform root, and the
//! programs as users run them.
//!
//! Every [`Scene`] is its own: nothing of the caller's environment, home or network reaches the programs
//! that it starts, and nothing they print or leave behind may hold a secret of the simulated world.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: whatever is missing fails the test that asked"
)]

pub mod guide;
mod many;
pub mod objects;

pub mod places;
pub mod procedure;
pub mod programs;
pub mod running;
pub mod scene;
mod secrets;

use std::io::Write as _;

pub use many::{side_by_side, side_by_side_on};
pub use programs::Output;
pub use running::{Running, wait_until};
pub use scene::{Scene, assignment};

/// Says how far a search went (`live: 567 cases`), on standard output itself: the test runner keeps
/// back what a passing test prints. `cargo xtask test` repeats such lines at its end.
pub fn proof(went: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "proof: {went}");
}
