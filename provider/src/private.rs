//! What travels from refresh to plan to apply, in the resource's private data.

use gigadb_engine::observation::Observation;
use serde::{Deserialize, Serialize};

/// The version of the envelope. A reader takes its own version only: what it cannot read counts
/// as absent, and is observed anew.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    observation: &'a Observation,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    observation: Observation,
}

/// Writes the private data.
pub(crate) fn write(observation: &Observation) -> Vec<u8> {
    // Strings, numbers, sequences and string-keyed maps only: this cannot fail.
    serde_json::to_vec(&Written {
        format: FORMAT,
        observation,
    })
    .unwrap_or_default()
}

/// Reads the private data; `None` where it holds no observation that this version can read.
pub(crate) fn read(private: &[u8]) -> Option<Observation> {
    let Format { format } = serde_json::from_slice(private).ok()?;
    if format != FORMAT {
        return None;
    }
    let Read { observation } = serde_json::from_slice(private).ok()?;
    Some(observation)
}
