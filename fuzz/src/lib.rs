//! What reads bytes that others wrote: each target takes any bytes and panics where a promise about
//! them does not hold. None may hang.

#[cfg(feature = "clients")]
pub mod answers;
#[cfg(feature = "clients")]
pub mod journal;
pub mod states;
pub mod topology;
pub mod types;
pub mod values;
