//! What the operator asks for. An intent is absolute: carried out twice, it changes nothing the
//! second time.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    name::{EnvironmentName, InfrastructureName, Role},
    rules::Rule,
};

/// A value for each of the two roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair<T> {
    /// Production's.
    pub production: T,
    /// The hot standby's.
    pub hot_standby: T,
}

impl<T> Pair<T> {
    /// The value of `role`.
    pub fn get(&self, role: Role) -> &T {
        match role {
            Role::Production => &self.production,
            Role::HotStandby => &self.hot_standby,
        }
    }

    /// The pair with the roles exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            production: self.hot_standby,
            hot_standby: self.production,
        }
    }

    /// Both values with their roles, production first.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &T)> {
        [
            (Role::Production, &self.production),
            (Role::HotStandby, &self.hot_standby),
        ]
        .into_iter()
    }
}

impl<T: PartialEq> Pair<T> {
    /// The role whose value is `value`.
    pub fn role_of(&self, value: &T) -> Option<Role> {
        self.iter().find(|(_, v)| *v == value).map(|(role, _)| role)
    }
}

/// Which infrastructure has which role.
pub type Arrangement = Pair<InfrastructureName>;

macro_rules! setting {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value as it is written in configuration.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownSetting;
            fn from_str(text: &str) -> Result<Self, UnknownSetting> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownSetting { text: text.to_owned(), allowed: vec![$($text),+] }),
                }
            }
        }
    };
}

/// A word that a setting does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of {}", .allowed.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "))]
pub struct UnknownSetting {
    /// The word as given.
    pub text: String,
    /// The words that are known.
    pub allowed: Vec<&'static str>,
}

setting! {
    /// How much of the world must be well.
    Mode {
        /// Both sides must be well; all or nothing.
        #[default]
        Switchover = "switchover",
        /// Only the promoted side must be well; what concerns the lost side is owed.
        Failover = "failover",
    }
}

setting! {
    /// What to do when a step fails before the last DNS batch was sent.
    OnFailure {
        /// Undo what this run changed.
        #[default]
        Revert = "revert",
        /// Leave things as they stand.
        Stop = "stop",
    }
}

setting! {
    /// What to plan when roles were traded outside Terraform.
    OnExternalSwap {
        /// Refuse.
        #[default]
        Error = "error",
        /// Trade them back.
        Revert = "revert",
        /// Plan nothing for this environment.
        Keep = "keep",
    }
}

/// The arrangement that shall hold in one environment, and how to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The environment.
    pub environment: EnvironmentName,
    /// Who shall be what.
    pub arrangement: Arrangement,
    /// How much must be well.
    pub mode: Mode,
    /// The infrastructure that shall carry production's variables already.
    pub prepare: Option<InfrastructureName>,
    /// What to do when a step fails.
    pub on_failure: OnFailure,
    /// Rules waived by name.
    pub overrides: BTreeSet<Rule>,
    /// Whether this run may move the apex from one of the two sides to the other.
    /// `false` for a Terraform plan that does not change `production` (contract 5.1.4).
    pub may_move_apex: bool,
}
