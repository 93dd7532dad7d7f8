//! The program as operators and Ansible run it, against simulated APIs.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod arguments;
mod cache;
mod check;
mod document;
mod earlier;
mod exec;
mod failover;
mod guide;
mod inventory;
mod lease;
mod lines;
mod output;
mod outputs;
mod prompts;
mod reference;
mod saved_plan;
mod shell;
mod stage;
mod status;
mod swap;
mod terminal;
