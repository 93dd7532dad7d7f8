//! Walks every order of events of a swap, and judges every world and every report on the way.
//!
//! [`small`] does so without folding anything. [`live`] takes the procedure's own live environment,
//! as the engine plans it, with variables that differ in nothing but their names folded; what a
//! crash leaves is planned again from the world as it is, and that run is walked as well. [`two`]
//! adds a second operator. Seeded bugs, one at a time, make each search fail.

#![expect(clippy::unwrap_used, reason = "a test's own fixtures")]

use std::io::Write as _;

/// Says how far a search went, on standard output itself: the test runner keeps back what a passing
/// test prints.
fn tell(went: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "proof: executor, {went}");
}
