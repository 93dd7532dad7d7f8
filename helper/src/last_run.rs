//! Which earlier run is meant: the one that is named, or the last one that fits.

use std::collections::BTreeSet;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use gigadb_clients::journal::{self, Follows, Run};
use gigadb_engine::executor::End;

use crate::{
    candidates,
    earlier_runs::{first_of, folder},
    failure::Failure,
    named::OnlyEnvironment,
    ui::Ui,
};

/// A run by its id, or the last one.
#[derive(Debug, Args)]
pub(crate) struct WhichRun {
    /// The run, as `gigadb-roles history` lists it.
    #[arg(
        value_name = "ID",
        required_unless_present = "last",
        conflicts_with = "last",
        add = ArgValueCandidates::new(candidates::runs)
    )]
    id: Option<String>,

    /// The last run that this command can go on from, instead of an ID.
    #[arg(long)]
    last: bool,

    #[command(flatten)]
    environment: OnlyEnvironment,
}

impl WhichRun {
    /// The run that is named, else the last one that left something in force. A revert is not taken
    /// back by a word that is easily typed twice.
    pub(crate) fn in_force(&self, ui: &Ui) -> Result<String, Failure> {
        let Some(run) = self.find(ui, |_| true)? else {
            return self.named();
        };
        let id = run.header.id.clone();
        let environment = run.header.environment.clone();
        let incomplete = is_incomplete(&run);
        if let Some(Follows::Reverts(other)) = first_of(run, &folder()?, |_| {}).header.follows {
            let back =
                format!("To take the way back itself back, name it: `gigadb-roles revert {id}`.");
            let (what, next) = if incomplete {
                (
                    format!(
                        "The last run was to put back what run {other} had changed, and did not complete."
                    ),
                    format!("To complete it, run `gigadb-roles resume {id}`. {back}"),
                )
            } else {
                (
                    format!(
                        "The last run that changed something put back what run {other} had changed."
                    ),
                    format!(
                        "`gigadb-roles status --environment {environment}` shows where things stand, and `gigadb-roles history --environment {environment}` what else may be put back, by its id. {back}"
                    ),
                )
            };
            return Err(Failure::refused(what, format!("run `{id}`"), next));
        }
        Ok(id.to_string())
    }

    /// The run that is named, else the last one that has not ended as it should.
    pub(crate) fn incomplete(&self, ui: &Ui) -> Result<String, Failure> {
        match self.find(ui, is_incomplete)? {
            Some(run) => Ok(run.header.id.to_string()),
            None => self.named(),
        }
    }

    fn named(&self) -> Result<String, Failure> {
        self.id.clone().ok_or_else(|| {
            Failure::usage(
                "No run was named.",
                "the command line",
                "Name a run that `gigadb-roles history` lists, or write --last.",
            )
        })
    }

    /// The last run that fits, where --last was written.
    fn find(&self, ui: &Ui, fits: fn(&Run) -> bool) -> Result<Option<Run>, Failure> {
        if !self.last {
            return Ok(None);
        }
        let folder = folder()?;
        let place = format!("`{}`", folder.display());
        let ids = journal::ids(&folder).map_err(|error| {
            Failure::refused(
                format!("The journals cannot be listed: {error}."),
                place.clone(),
                "Name a folder that can be read in GIGADB_JOURNAL_DIR.",
            )
        })?;
        let environment = self.environment.name();
        let mut seen = BTreeSet::new();
        for id in ids {
            // What the last run was must be known, not guessed from those before it.
            let run = journal::read(&folder, &id).map_err(|error| {
                Failure::refused(
                    format!("The last run cannot be told: {error}."),
                    format!("run `{id}`"),
                    "Name the run that you mean; `gigadb-roles history` lists those that can be read.",
                )
            })?;
            let of = run.header.environment.to_string();
            let meant = environment.as_ref().is_none_or(|name| *name == of);
            // Only the last run that changed an environment says how it was left.
            if meant && run.says_in_force() && seen.insert(of) && fits(&run) {
                ui.note(&format!(
                    "The last run is {id}: {}, production {}.",
                    run.header.environment, run.header.arrangement.production
                ));
                return Ok(Some(run));
            }
        }
        let of = environment.map_or_else(String::new, |name| format!(" of `{name}`"));
        Err(Failure::refused(
            format!("There is no run{of} that this command can go on from."),
            place,
            "`gigadb-roles history` lists all runs; `gigadb-roles status` shows where things stand.",
        ))
    }
}

fn is_incomplete(run: &Run) -> bool {
    match run.outcome().map(|outcome| outcome.end) {
        Some(End::Completed) => !run.left().is_empty(),
        Some(End::NothingChanged | End::Reverted) => false,
        _ => true,
    }
}
