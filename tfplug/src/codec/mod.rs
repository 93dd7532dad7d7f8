//! Values as bytes, driven by their type: MessagePack both ways, JSON in.
//!
//! Invariant: no bytes make a decoder panic, recurse without bound, or allocate more than a multiple of the input.

mod decode;
mod encode;
mod json;
mod state;

use crate::AttributePath;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use state::decode_state;

/// How deep values may nest. Dynamic values bring their own types, so the schema alone is no bound.
const MAX_DEPTH: usize = 200;

/// Bytes and type, or value and type, that do not fit each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", prefix(.path))]
pub(crate) struct CodecError {
    /// Where in the value.
    pub(crate) path: AttributePath,
    /// What is wrong, without any value.
    pub(crate) problem: String,
}

impl CodecError {
    fn new(path: &AttributePath, problem: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            problem: problem.into(),
        }
    }
}

fn prefix(path: &AttributePath) -> String {
    if path.is_root() {
        String::new()
    } else {
        format!("{path}: ")
    }
}

#[cfg(test)]
mod tests;
