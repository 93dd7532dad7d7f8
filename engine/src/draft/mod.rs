//! A first topology, guessed from what is there.
//!
//! ```text
//! Survey   profiles, Elastic IPs, records, variables -> Draft   guess
//! variables that name hosts                          -> a side's project   pairing
//! Draft, Survey                                      -> what is left out   gaps
//! Draft                                              -> YAML    write
//! ```
//!
//! Pure. What is only likely is marked as a guess in the file: a person reads it before anything
//! acts on it.

mod found;
mod gaps;
mod guess;
mod pairing;
mod write;

pub use found::{
    Draft, DraftEnvironment, DraftSide, Ground, SideSurvey, Survey, SurveyedVariable, host,
};
pub use guess::guess;
