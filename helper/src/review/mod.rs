//! Reviews: from a Terraform plan as JSON to what somebody who merges it must know.
//!
//! ```text
//! source     bytes                   -> Source     a plan of Terraform's, or what it is instead
//! shape      bytes                   -> or not     whether a plan can be read at all
//! unseen     bytes                   -> Unseen     what happens at the apply beside resources
//! change     one resource change     -> Change     what happens to the roles of one environment
//! holder     its hostnames           -> Holder     who is production: the apex's side
//! judge      a change                -> Kind       what it is called
//! findings   Source, a change        -> Findings   what `gigadb_preflight` said in the same plan
//! live       Topology, a change      -> Findings   the same, judged now
//! gates      Review                  -> refusals   what a pipeline does not let pass
//! document   Source, Topology        -> Review     all of it, and the JSON form
//! verdict    Review                  -> one line   what happens to the roles, and how much of it
//! parts      Review                  -> parts      what is said of it, for every form that people read
//! markdown   its parts               -> text       a diagram and tables; nothing of a plan is markup
//! html       its parts               -> a page     the same for a browser
//! ```
//!
//! **Invariants.** Values that Terraform marks as sensitive are replaced before anything else sees
//! them. The digest depends on the change of roles alone.

pub(crate) mod change;
pub(crate) mod document;
pub(crate) mod escape;
pub(crate) mod findings;
pub(crate) mod gates;
mod holder;
pub(crate) mod html;
mod judge;
pub(crate) mod live;
mod made;
pub(crate) mod markdown;
mod mermaid;
mod parts;
mod read;
pub(crate) mod regions;
mod shape;
pub(crate) mod source;
pub(crate) mod unseen;
mod verdict;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_gates;
#[cfg(test)]
mod tests_kinds;
#[cfg(test)]
mod tests_shape;
