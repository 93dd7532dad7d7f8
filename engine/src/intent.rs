//! What the operator asks for. An intent is absolute: carried out twice, it changes nothing the
//! second time.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    finding::Rule,
    name::{EnvironmentName, InfrastructureName},
    nearest::nearest,
    topology::Topology,
};
pub use crate::{
    pair::{Arrangement, Pair},
    trade::Trade,
};

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
    /// Whether the operator changes who is production.
    pub trade: Trade,
}

impl Intent {
    /// Whether the operator changes who is production.
    pub fn changes_production(&self) -> bool {
        self.trade.changes_production()
    }
}

/// Why an intent names something that the topology does not have, or pairs it wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIntent {
    /// An infrastructure that the topology does not have.
    #[error("the topology has no infrastructure `{name}`{}", .nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownInfrastructure {
        /// Which setting named it: `production`, `hot_standby` or `prepare`.
        setting: &'static str,
        /// The name as given.
        name: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// One infrastructure in both roles.
    #[error("`{0}` cannot be production and hot standby at once")]
    SameSide(InfrastructureName),
    /// More than two infrastructures, and none named as hot standby.
    #[error("the topology has {0} infrastructures, so `hot_standby` must be named")]
    HotStandbyNeeded(usize),
    /// `prepare` names neither side.
    #[error("`prepare` names `{0}`, which is neither of the two sides")]
    PrepareOutside(InfrastructureName),
}

/// The infrastructure that a setting names.
///
/// # Errors
///
/// Where the topology does not have it.
pub fn infrastructure(
    topology: &Topology,
    setting: &'static str,
    name: &str,
) -> Result<InfrastructureName, InvalidIntent> {
    let mut known = topology.infrastructures.keys();
    let found = known.clone().find(|one| one.as_str() == name);
    found
        .cloned()
        .ok_or_else(|| InvalidIntent::UnknownInfrastructure {
            setting,
            name: name.to_owned(),
            nearest: nearest(name, known.by_ref().map(InfrastructureName::as_str))
                .map(str::to_owned),
        })
}

/// Makes the arrangement from what the operator wrote; the hot standby is the other
/// infrastructure where the topology has two.
pub fn arrange(
    topology: &Topology,
    production: &str,
    hot_standby: Option<&str>,
    prepare: Option<&str>,
) -> Result<(Arrangement, Option<InfrastructureName>), InvalidIntent> {
    let find = |setting, name: &str| infrastructure(topology, setting, name);
    let production = find("production", production)?;
    let hot_standby = match hot_standby {
        Some(name) => find("hot_standby", name)?,
        None => {
            let mut others = topology
                .infrastructures
                .keys()
                .filter(|i| **i != production);
            match (others.next(), others.next()) {
                (Some(other), None) => other.clone(),
                _ => {
                    return Err(InvalidIntent::HotStandbyNeeded(
                        topology.infrastructures.len(),
                    ));
                }
            }
        }
    };
    if production == hot_standby {
        return Err(InvalidIntent::SameSide(production));
    }
    let prepare = prepare.map(|name| find("prepare", name)).transpose()?;
    if let Some(side) = &prepare
        && *side != production
        && *side != hot_standby
    {
        return Err(InvalidIntent::PrepareOutside(side.clone()));
    }
    Ok((
        Arrangement {
            production,
            hot_standby,
        },
        prepare,
    ))
}
