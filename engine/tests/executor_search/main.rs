//! Walks every order of events of a swap, and judges every world, every line of the journal and
//! every report on the way.
//!
//! What may happen: any request is refused, carried out and refused, never sent, lost, or carried
//! out at any later moment until it is open no more, also after its run ended; readings fail, and
//! up to three show an older world; the journal is full; a stop, an edit by hand and a crash come
//! at any moment; what a crash or an end leaves is resumed or reverted by another run, which meets
//! the same. How much of it one walk may hold is bounded, and printed.
//!
//! [`small`] is a swap made by hand, with creations; [`live`] is the procedure's own environment as
//! the engine plans it; [`two`] adds a second operator. `GIGADB_SEARCH=1` gives each walk one
//! failure more, which takes minutes.

#![expect(clippy::unwrap_used, reason = "a test's own fixtures")]

#[path = "../model/mod.rs"]
mod model;

mod judge;
mod live;
mod node;
mod search;
mod small;
mod table;
mod two;

use std::io::Write as _;

/// Says how far a search went, on standard output itself: the test runner keeps back what a passing
/// test prints.
fn tell(went: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "proof: executor, {went}");
}
