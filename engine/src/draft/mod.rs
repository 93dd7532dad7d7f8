//! A first topology, guessed from what is there.
//!
//! ```text
//! Survey   profiles, Elastic IPs, records, variables -> Draft   guess
//! Draft                                              -> YAML    write
//! ```
//!
//! Pure. What is only likely is marked as a guess in the file: a person reads it before anything
//! acts on it.

mod guess;
mod write;

pub use guess::{
    Draft, DraftEnvironment, DraftSide, SideSurvey, Survey, SurveyedVariable, guess, host,
};
