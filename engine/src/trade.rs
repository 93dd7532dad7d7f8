//! Whether production changes hands. It is nobody's to say: it follows from what the wanted
//! production is compared with.

use serde::{Deserialize, Serialize};

use crate::{observation::Observation, pair::Arrangement, topology::Environment};

/// Whether the operator changes who is production. Without it the apex never moves from one side to
/// the other, and a present value of neither side is repaired with a warning.
///
/// Written down, it tells only whether production changes hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub struct Trade {
    changes: bool,
    back: bool,
}

impl From<bool> for Trade {
    fn from(changes: bool) -> Self {
        Self {
            changes,
            back: false,
        }
    }
}

impl From<Trade> for bool {
    fn from(trade: Trade) -> Self {
        trade.changes
    }
}

impl Trade {
    /// Compared with whoever holds the apex: for whoever has no other memory of who is production.
    pub fn from_the_apex(
        environment: &Environment,
        observation: &Observation,
        wanted: &Arrangement,
    ) -> Self {
        (observation.apex_holder(environment) != Some(&wanted.production)).into()
    }

    /// Compared with the production that a Terraform state tells of: what was traded elsewhere
    /// since is no wish of the operator's.
    pub fn from_the_state(established: &str, wanted: &Arrangement) -> Self {
        (wanted.production.as_str() != established).into()
    }

    /// What was traded elsewhere shall be traded back.
    pub fn back() -> Self {
        Self {
            changes: true,
            back: true,
        }
    }

    /// The arrangement is kept or adopted as it is.
    pub fn none() -> Self {
        false.into()
    }

    /// Whether it does.
    pub(crate) fn changes_production(self) -> bool {
        self.changes
    }

    /// Whether the operator asks for the way back from a trade that was made elsewhere.
    pub(crate) fn goes_back(self) -> bool {
        self.back
    }
}
