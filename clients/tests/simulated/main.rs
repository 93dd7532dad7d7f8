//! The clients over real HTTP, against the simulator with the world of GigaDB's own procedure.

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
