//! Tests of the topology file.

mod damage;
mod digest;
mod examples;
mod faults;
mod generate;
mod schema;
mod told;
mod warnings;
