//! The clients over real HTTP, against the simulator with the world of GigaDB's own procedure.

#![expect(
    clippy::unwrap_used,
    reason = "a test, or what it is set up with, fails by panicking"
)]
mod canned;
mod dns;
mod drive;
mod environment;
mod failures;
mod keys;
mod lease;
mod lists;
mod mangled;
mod observe;
mod outcomes;
mod probe;
mod profiles;
mod run;
mod secrets;
mod setup;
mod shared;
mod writes;
