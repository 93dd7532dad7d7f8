//! Tests of the topology file.

mod damage;
mod digest;
mod examples;
mod faults;
mod generate;
mod release;
mod schema;
mod told;
mod warnings;
