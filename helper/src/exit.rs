//! The exit codes: part of the contract with scripts.

use std::process::ExitCode;

/// How a run ended, as its exit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Success = 0,
    /// Failed or refused; nothing was changed.
    Failed = 1,
    /// A plan has changes, or a document shows another status.
    ChangesPending = 2,
    /// Some of the changes are, or may be, in force.
    PartlyApplied = 3,
    /// What the plan was made from has changed since.
    Stale = 4,
    /// Applied, but reading back did not show it.
    NotVerified = 5,
    /// Wrong arguments.
    Usage = 64,
    /// Stopped by Ctrl-C; nothing is changed.
    Interrupted = 130,
}

impl Exit {
    /// How a run ended that did not go to its end, in the word that programs read.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::Success | Self::ChangesPending | Self::Failed => "failed",
            Self::PartlyApplied => "partly_applied",
            Self::Stale => "stale",
            Self::NotVerified => "not_verified",
            Self::Usage => "usage",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
