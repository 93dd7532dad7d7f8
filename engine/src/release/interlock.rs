//! Interlocks by name, and what one of them says.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{message::Message, nearest::nearest};

macro_rules! interlocks {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)+) => {
        /// An interlock of the procedure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Interlock { $($(#[$doc])* $variant),+ }

        impl Interlock {
            /// Every interlock.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

interlocks! {
    /// One deployment at a time, over both sides.
    OneDeployment = "one-deployment";
    /// Production's side is deployed only after the other carries the release, validated.
    StandbyFirst = "standby-first";
    /// No restore onto the side whose names are production's.
    RestoreOffProduction = "restore-off-production";
    /// No swap without both validations and the probe.
    ValidatedBeforeSwap = "validated-before-swap";
    /// No synchronization turned on against the roles.
    SyncByRole = "sync-by-role";
    /// The roles are as the last step left them.
    RolesAsLeft = "roles-as-left";
    /// Nobody else has begun the step.
    StepHeld = "step-held";
    /// The two validations are two people's.
    TwoPeople = "two-people";
    /// The former production still carries what it had.
    FormerUntouched = "former-untouched";
}

impl fmt::Display for Interlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Interlock {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let words = || Self::ALL.iter().map(|one| one.as_str());
        let found = Self::ALL.iter().find(|one| one.as_str() == text);
        found.copied().ok_or_else(|| match nearest(text, words()) {
            Some(near) => format!("`{text}` is no interlock; did you mean `{near}`?"),
            None => format!(
                "`{text}` is no interlock; write one of {}",
                words().collect::<Vec<_>>().join(", ")
            ),
        })
    }
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The interlock, where there is one that can be overridden.
    pub interlock: Option<Interlock>,
    /// What, on which object, what was changed, what to do.
    pub message: Message,
}
