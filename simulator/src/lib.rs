//! Cloudflare DNS, GitLab and EC2 over loopback HTTP, with real state and scripted faults.
//!
//! A [`Simulator`] serves a [`World`] at one address: Cloudflare's API below `/client/v4`, GitLab's below
//! `/api/v4`, EC2 and STS at `POST /`, told apart by the signature's credential scope. It is written from
//! the vendors' published facts and depends on no other crate of this workspace, so that it cannot share
//! a misreading with the clients that are tested against it.
//!
//! ```
//! use gigadb_simulator::{Api, Effect, Fault, Simulator, World};
//!
//! # async fn example() {
//! let simulator = Simulator::start(World::sop()).await;
//! simulator.fault(Fault::new(Effect::BadGateway).api(Api::Gitlab).method("PUT"));
//! let before = simulator.world();
//! // ... run the client against simulator.cloudflare_url(), .gitlab_url(), .aws_url() ...
//! assert_eq!(simulator.world().normalized(), before.normalized());
//! assert!(simulator.requests().iter().all(|request| !request.is_write()));
//! # }
//! ```
//!
//! It runs on a thread of its own, so a test may block; each call is one indivisible step on the world.
//! Time stands still unless something is written: each commit moves `modified_on` by one second.
//!
//! With [`Options::dns`] it also answers DNS queries from the same records, as Cloudflare's name servers would.
//!
//! What it does not do: propagate DNS with a delay (the API's view is the only one), throttle by itself, check
//! the age of signatures, or evaluate deploy freezes.

mod clock;
mod cloudflare;
mod control;
mod dns;
mod ec2;
mod faults;
mod gitlab;
mod http;
mod log;
mod pipeline;
mod reshape;
mod server;
mod simulator;
pub mod sites;
mod tls;
pub mod world;

pub use dns::{DnsEffect, DnsFault, DnsQuery, Edge, SERVERS_ZONE, Transport};
pub use faults::{Effect, Fault, Hook};
pub use log::{Api, Commit, LoggedRequest};
pub use reshape::{Answer, Reshape};
pub use simulator::{Options, Simulator, Urls};
pub use world::{Edit, World};
