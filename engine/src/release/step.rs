//! The steps of the two processes, in their order.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    name::{InvalidName, JobListName},
    nearest::nearest,
    topology::CommandName,
};

/// Which of the procedure's two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// Blue/green: the roles are traded.
    Complex,
    /// Small and stateless: both sides are deployed, no role is traded.
    Simple,
}

impl Process {
    /// Every process.
    pub const ALL: [Self; 2] = [Self::Complex, Self::Simple];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complex => "complex",
            Self::Simple => "simple",
        }
    }
}

impl FromStr for Process {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let words = Self::ALL.map(Self::as_str);
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| match nearest(text, words) {
            Some(near) => format!("`{text}` is no process; did you mean `{near}`?"),
            None => format!("`{text}` is none of `complex`, `simple`"),
        })
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal, $title:literal;)+) => {
        /// What a step does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $kind),+ }

        impl Kind {
            /// Every kind, in the order of the procedure.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The word that names it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $word),+ }
            }

            /// What it is, for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title),+ }
            }
        }
    };
}

kinds! {
    /// Nobody changes production.
    Embargo = "embargo", "tell everybody not to change production";
    /// The synchronization of data is off.
    PauseSync = "pause-sync", "turn off the synchronization of data";
    /// Production's database is dumped.
    Backup = "backup", "dump production's database";
    /// The hot standby's database is replaced by that dump.
    Restore = "restore", "restore that dump on the hot standby";
    /// The release goes to the hot standby.
    DeployStandby = "deploy-standby", "deploy the release to the hot standby";
    /// The business team has looked at it.
    ValidateBusiness = "validate-business", "have the business team validate the hot standby";
    /// The technical team has looked at it.
    ValidateTechnical = "validate-technical", "have the technical team validate the hot standby";
    /// The hot standby carries production's variables.
    Prepare = "prepare", "give the hot standby production's variables";
    /// It is built again with them.
    Rebuild = "rebuild", "build and deploy it again with these variables";
    /// It answers as production.
    Probe = "probe", "ask the hot standby as if it were production";
    /// The roles are traded.
    Swap = "swap", "trade the roles";
    /// The new arrangement is as it should be.
    Verify = "verify", "read everything back";
    /// Simple process: the release goes to production.
    DeployProduction = "deploy-production", "deploy the release to production";
    /// Branch A: the new production is backed up.
    BackupOn = "backup-on", "turn on the backups of the new production";
    /// Branch A: the former production carries the release too.
    DeployFormer = "deploy-former", "deploy the release to the former production";
    /// Branch A: the former production follows the new one.
    SyncOn = "sync-on", "turn on the synchronization of data";
    /// Branch B: the roles are traded back.
    SwapBack = "swap-back", "give both sides the roles and variables that they had";
    /// Production may be changed again.
    LiftEmbargo = "lift-embargo", "tell everybody that production may be changed again";
    /// The team's table says what is so.
    Table = "table", "let the team's table say what is so";
}

/// One step; a list of further jobs is a step of its own behind each deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Step {
    /// What it does.
    pub kind: Kind,
    /// The list of further jobs that it plays.
    pub jobs: Option<JobListName>,
}

impl Kind {
    /// Whether GitLab jobs are played.
    pub fn is_deployment(self) -> bool {
        use Kind::{DeployFormer, DeployProduction, DeployStandby, Rebuild};
        matches!(
            self,
            DeployStandby | Rebuild | DeployFormer | DeployProduction
        )
    }

    /// Whether only a person can say that it is done.
    pub fn is_a_persons(self) -> bool {
        use Kind::{Embargo, LiftEmbargo, Table, ValidateBusiness, ValidateTechnical};
        matches!(
            self,
            Embargo | ValidateBusiness | ValidateTechnical | LiftEmbargo | Table
        )
    }

    /// The command that it runs.
    pub fn command(self) -> Option<CommandName> {
        match self {
            Self::PauseSync => Some(CommandName::PauseSync),
            Self::Backup => Some(CommandName::Backup),
            Self::Restore => Some(CommandName::Restore),
            Self::BackupOn => Some(CommandName::BackupOn),
            Self::SyncOn => Some(CommandName::SyncOn),
            _ => None,
        }
    }

    /// Whether it is done whatever the outcome of the release.
    pub fn is_for_always(self) -> bool {
        matches!(self, Self::LiftEmbargo | Self::Table)
    }
}

impl Step {
    /// The steps of a process; `back` is branch B, `more` the lists of further jobs.
    pub fn all(process: Process, back: bool, more: &[JobListName]) -> Vec<Self> {
        use Kind::{
            BackupOn, DeployFormer, DeployProduction, DeployStandby, Embargo, LiftEmbargo,
            PauseSync, Prepare, Probe, Rebuild, Restore, Swap, SwapBack, SyncOn, Table,
            ValidateBusiness, ValidateTechnical, Verify,
        };
        let forward = [
            Embargo,
            PauseSync,
            Kind::Backup,
            Restore,
            DeployStandby,
            ValidateBusiness,
            ValidateTechnical,
            Prepare,
            Rebuild,
            Probe,
            Swap,
            Verify,
        ];
        let kinds: Vec<Kind> = match (process, back) {
            (Process::Complex, false) => {
                let rest = [BackupOn, DeployFormer, SyncOn, LiftEmbargo, Table];
                forward.into_iter().chain(rest).collect()
            }
            (Process::Complex, true) => {
                let rest = [BackupOn, DeployFormer, SyncOn, SwapBack, LiftEmbargo, Table];
                forward.into_iter().chain(rest).collect()
            }
            (Process::Simple, _) => vec![
                DeployStandby,
                ValidateTechnical,
                DeployProduction,
                Verify,
                Table,
            ],
        };
        let mut steps = Vec::new();
        for kind in kinds {
            steps.push(Self::from(kind));
            if kind.is_deployment() {
                steps.extend(more.iter().map(|list| Self {
                    kind,
                    jobs: Some(list.clone()),
                }));
            }
        }
        steps
    }
}

impl From<Kind> for Step {
    fn from(kind: Kind) -> Self {
        Self { kind, jobs: None }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.jobs {
            None => f.pad(self.kind.as_str()),
            Some(list) => f.pad(&format!("{}/{list}", self.kind.as_str())),
        }
    }
}

impl FromStr for Step {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (word, list) = match text.split_once('/') {
            Some((word, list)) => (word, Some(list)),
            None => (text, None),
        };
        let kind = Kind::ALL.iter().find(|kind| kind.as_str() == word);
        let Some(kind) = kind else {
            let words = Kind::ALL.iter().map(|kind| kind.as_str());
            return Err(match nearest(word, words) {
                Some(near) => format!("`{text}` is no step; did you mean `{near}`?"),
                None => format!("`{text}` is no step"),
            });
        };
        let list = list.map(str::parse).transpose();
        let jobs = list.map_err(|error: InvalidName| error.to_string())?;
        Ok(Self { kind: *kind, jobs })
    }
}

impl TryFrom<String> for Step {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Step> for String {
    fn from(step: Step) -> Self {
        step.to_string()
    }
}
