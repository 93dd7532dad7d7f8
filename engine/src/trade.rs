//! Whether production changes hands. It is nobody's to say: it follows from what the wanted
//! production is compared with.

use serde::{Deserialize, Serialize};

use crate::{observation::Observation, pair::Arrangement, topology::Environment};

/// Whether the operator changes who is production. Without it the apex never moves from one side to
/// the other, and a present value of neither side is repaired with a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trade(bool);

impl Trade {
    /// Compared with whoever holds the apex: for whoever has no other memory of who is production.
    pub fn from_the_apex(
        environment: &Environment,
        observation: &Observation,
        wanted: &Arrangement,
    ) -> Self {
        Self(observation.apex_holder(environment) != Some(&wanted.production))
    }

    /// Compared with the production that a Terraform state tells of: what was traded elsewhere
    /// since is no wish of the operator's.
    pub fn from_the_state(established: &str, wanted: &Arrangement) -> Self {
        Self(wanted.production.as_str() != established)
    }

    /// What was traded elsewhere shall be traded back.
    pub fn back() -> Self {
        Self(true)
    }

    /// The arrangement is kept or adopted as it is.
    pub fn none() -> Self {
        Self(false)
    }

    /// Whether it does.
    pub(crate) fn changes_production(self) -> bool {
        self.0
    }
}
