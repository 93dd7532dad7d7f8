//! The program as operators and Ansible run it, against simulated APIs.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod abandon;
mod afterwards;
mod ambiguous;
mod arguments;
mod bad_days;
mod bad_input;
mod bad_world;
mod browser;
mod cache;
mod check;
mod check_machine;
mod clock;
mod dns;
mod document;
mod dumps;
mod durable;
mod earlier;
mod endpoints;
mod exec;
mod exit_codes;
mod expired;
mod failover;
mod foreign;
mod forms;
mod further_jobs;
mod guide;
mod guides;
mod https;
mod init;
mod interlocks;
mod inventory;
mod keys;
mod leaked;
mod lease;
mod lines;
mod manners;
mod network;
mod notify;
mod open_runs;
mod output;
mod outputs;
mod pages;
mod profiles;
mod prometheus;
mod prompts;
mod reference;
mod release;
mod release_days;
mod release_facts;
mod release_news;
mod release_over;
mod release_shown;
mod release_staging;
mod remedies;
mod repository;
mod resumed_runs;
mod runs;
mod saved_plan;
mod shared_history;
mod shell;
mod stage;
mod standby_zone;
mod status;
mod swap;
mod terminal;
mod their_day;
mod third_side;
mod verify;
mod waiting;
mod watch;
mod watch_terminal;
