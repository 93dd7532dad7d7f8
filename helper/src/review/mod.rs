//! Reviews: from a Terraform plan as JSON to what somebody who merges it must know.
//!
//! ```text
//! source     bytes                   -> Source     a plan of Terraform's, or what it is instead
//! change     one resource change     -> Change     what happens to the roles of one environment
//! findings   Source, a change        -> Findings   what `gigadb_preflight` said in the same plan
//! live       Topology, a change      -> Findings   the same, judged now
//! document   Source, Topology        -> Review     all of it, and the JSON form
//! markdown   Review                  -> text       a diagram and tables; nothing of a plan is markup
//! ```
//!
//! **Invariants.** Values that Terraform marks as sensitive are replaced before anything else sees
//! them. The digest depends on the change of roles alone.

pub(crate) mod change;
pub(crate) mod document;
mod escape;
pub(crate) mod findings;
pub(crate) mod live;
pub(crate) mod markdown;
mod mermaid;
pub(crate) mod regions;
pub(crate) mod source;

#[cfg(test)]
mod tests;
