//! The domain of `gigadb-roles`, pure: which infrastructure is production, what must change to
//! swap the roles, whether that is safe, and how it is carried out.
//!
//! ```text
//! parse    topology.yaml                 -> Topology      topology::parse
//! observe  Topology + World              -> Observation   observation::Observation::project
//! resolve  Topology, Intent, Observation -> Desired       resolve::resolve
//! diff     Observation, Desired          -> ChangeSet     diff::diff
//! check    ChangeSet, Observation, Evidence -> Findings   rules::check
//! execute  ChangeSet                     -> Outcome       executor::Executor, a state machine
//! verify   Desired, Observation          -> Verdict       verify::verify
//! end      Plan, Outcome, Observation    -> Ending        carry::ended, of each object fate::fate
//! ```
//!
//! **Invariants.** Nothing here does I/O, reads the environment or the clock. The same inputs give
//! the same bytes: every collection is sorted. An intent is absolute ("production is X").
//!
//! What this crate deliberately does not do: speak HTTP, retry, print, or know of Terraform.

pub mod advice;
pub mod answer;
mod assumed;
mod beside;
pub mod carry;
mod cause;
pub mod changes;
mod course;
mod diff;
pub mod draft;
pub mod due;
pub mod earlier;
pub mod evidence;
pub mod executor;
pub mod fate;
pub mod finding;
pub mod foreign;
mod homeless;
pub mod intent;
pub mod late;
mod lookup;
pub mod message;
pub mod name;
pub mod nearest;
pub mod object;
pub mod observation;
mod observed_machine;
mod observed_name;
mod pair;
pub mod plan;
pub mod preflight;
pub mod readiness;
mod record;
mod recorded;
pub mod region;
pub mod release;
pub mod remedy;
mod resolve;
pub mod roles;
pub mod rules;
mod scope;
pub mod topology;
mod trade;
pub mod verify;
pub mod view;
pub mod watch;
pub mod world;
