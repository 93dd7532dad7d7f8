//! The program as operators and Ansible run it, against simulated APIs.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod arguments;
mod bad_days;
mod bad_input;
mod bad_world;
mod cache;
mod check;
mod check_machine;
mod dns;
mod document;
mod earlier;
mod exec;
mod exit_codes;
mod expired;
mod failover;
mod foreign;
mod guide;
mod https;
mod inventory;
mod keys;
mod leaked;
mod lease;
mod lines;
mod network;
mod output;
mod outputs;
mod profiles;
mod prompts;
mod reference;
mod release;
mod repository;
mod runs;
mod saved_plan;
mod shell;
mod stage;
mod status;
mod swap;
mod terminal;
mod their_day;
