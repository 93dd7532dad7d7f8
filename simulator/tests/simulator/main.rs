//! Each rule of the three APIs, each fault and the program, over real HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail where they stand"
)]

mod client;
mod cloudflare;
mod control;
mod ec2;
mod faults;
mod gitlab;
mod listening;
mod program;
mod states;
