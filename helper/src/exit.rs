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
    /// Wrong arguments.
    Usage = 64,
    /// Stopped by Ctrl-C before anything was changed.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
