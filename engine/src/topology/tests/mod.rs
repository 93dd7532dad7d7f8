//! Tests of the topology file.

mod digest;
mod examples;
mod generate;
