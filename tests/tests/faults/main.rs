//! A swap while something goes wrong: the provider, driven as core drives it, with core's checks,
//! against simulated APIs over real HTTP.
//!
//! [`matrix`] lets every request of an apply fail in every way under every policy, at both doors,
//! and compares what is said and stored with what is. [`doors`] compares what the two say. [`by_hand`] has somebody edit while an apply is on.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: whatever is missing fails the test that asked"
)]

mod by_hand;
mod doors;
mod failure;
mod gate;
mod helper;
mod judge;
mod matrix;
mod matrix_of_the_helper;
mod stage;
