//! The wire types, generated from `proto/` and committed. Only the modules that speak gRPC name them.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]

#[rustfmt::skip]
#[path = "grpc.health.v1.rs"]
pub(crate) mod health;
#[rustfmt::skip]
pub(crate) mod plugin;
#[rustfmt::skip]
pub(crate) mod tfplugin6;
