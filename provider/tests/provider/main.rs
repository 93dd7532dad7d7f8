//! The provider, driven as core drives it, against the simulated APIs over real HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop the test where it cannot go on"
)]

mod applies;
mod bad_input;
mod docs;
mod https;
mod lease;
mod plans;
mod preflight;
mod secrets;
mod stage;
mod swap;
mod walks;
