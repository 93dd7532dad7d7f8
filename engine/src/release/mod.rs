//! A release as a procedure: its steps, what is next, and what stands in its way. Pure: a function
//! of the record (what was done, by whom) and of facts (what is so now).
//!
//! ```text
//! Record + Facts -> Next       what is next, what stands in its way   next
//! Record + Facts -> Record     begun, done, seen, confirmed, ended    record
//! Record + Facts -> a list     what an abandoned release leaves open  open
//! ```
//!
//! **Invariants.** One step is taken at a time: a step is begun in the record before its effect,
//! and the record has one writer at a time. What facts show counts, whoever did it.

mod facts;
mod guard;
mod interlock;
mod next;
mod open;
mod record;
mod step;

pub use facts::{Active, Dump, Facts, JobFact, JobStatus, SideFacts};
pub use interlock::{Block, Interlock};
pub use next::{Deploying, Next, Work, dumped, next};
pub use open::{open, turned_on};
pub use record::{
    Back, Begin, End, EndedAs, Entry, FORMAT_VERSION, Mark, Override, Record, State,
    UnreadableRecord, command,
};
pub use step::{Kind, Process, Step};
