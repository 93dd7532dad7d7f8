//! Following a cutover: until when somebody may be led to the old addresses.
//!
//! ```text
//! Goal                     which name shall lead where                          goal
//! Watch::hear  (when, who said what)      -> what is known so far               heard
//! Watch::standing  when                   -> names, endpoints, how it stands    standing
//! ```
//!
//! A resolver may keep an answer for as long as its TTL says. So a name's old answers have run
//! out one TTL after its zone's servers began to agree on the new address, and no later than any
//! answer that was seen to be kept somewhere. Time comes in with what is heard: nothing here
//! reads a clock, so that a test can step it.

mod goal;
mod heard;
mod standing;

pub use goal::{Goal, NameGoal};
pub use heard::{Event, Leads, Said, Watch, Who};
pub use standing::{EndpointStanding, NameStanding, Phase, ResolverStanding, Standing};
