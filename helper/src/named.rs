//! What options name, or variables in their place.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use crate::{candidates, failure::Failure, surroundings};

const VARIABLE: &str = "GIGADB_ENVIRONMENT";

/// The environment of a command that is about one.
#[derive(Debug, Args)]
pub(crate) struct OneEnvironment {
    /// The environment (default: `$GIGADB_ENVIRONMENT`).
    #[arg(short = 'e', long, value_name = "ENVIRONMENT", add = ArgValueCandidates::new(candidates::environments))]
    environment: Option<String>,
}

impl OneEnvironment {
    /// The name, as the option or the variable gives it.
    pub(crate) fn name(&self) -> Result<String, Failure> {
        self.environment
            .clone()
            .or_else(|| surroundings::variable(VARIABLE))
            .ok_or_else(|| {
                Failure::usage(
                    "No environment was named.",
                    "--environment",
                    format!("Add --environment NAME (-e NAME), or set {VARIABLE}."),
                )
            })
    }
}

/// The environment to which a command can be narrowed.
#[derive(Debug, Args)]
pub(crate) struct OnlyEnvironment {
    /// Only this environment (default: `$GIGADB_ENVIRONMENT`, else all).
    #[arg(short = 'e', long, value_name = "ENVIRONMENT", add = ArgValueCandidates::new(candidates::environments))]
    environment: Option<String>,
}

impl OnlyEnvironment {
    /// The name, as the option or the variable gives it.
    pub(crate) fn name(&self) -> Option<String> {
        self.environment
            .clone()
            .or_else(|| surroundings::variable(VARIABLE))
    }
}
