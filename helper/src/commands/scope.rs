//! What an inventory is about: options, environment variables, else the working directory's
//! `ansible.properties`.

use std::{collections::BTreeMap, fs, io::ErrorKind};

use clap::Args;
use clap_complete::ArgValueCandidates;
use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName},
    topology::Topology,
};

use super::{extra_vars, words::RoleWord};
use crate::{
    candidates,
    failure::Failure,
    inventory::{Inventory, properties, scope::Scope},
    surroundings,
};

/// The variable with the operator's own SSH key; with a side's name behind it, for that side.
const KEY_VARIABLE: &str = "GIGADB_SSH_KEY";

/// The options of a scope.
#[derive(Debug, Default, Args)]
pub(crate) struct ScopeArgs {
    /// List only this environment.
    #[arg(short = 'e', long, value_name = "ENVIRONMENT", add = ArgValueCandidates::new(candidates::environments))]
    environment: Option<String>,

    /// List the side that holds this role now: production or `hot_standby`.
    #[arg(long, value_name = "ROLE", add = ArgValueCandidates::new(candidates::roles))]
    role: Option<String>,

    /// List only this infrastructure.
    #[arg(long, value_name = "INFRASTRUCTURE", add = ArgValueCandidates::new(candidates::infrastructures))]
    infrastructure: Option<String>,
}

impl ScopeArgs {
    pub(super) fn scope(&self) -> Result<Scope, Failure> {
        let environment: Option<EnvironmentName> = setting(
            self.environment.as_deref(),
            "--environment",
            "GIGADB_ENVIRONMENT",
        )?;
        let infrastructure: Option<InfrastructureName> = setting(
            self.infrastructure.as_deref(),
            "--infrastructure",
            "GIGADB_INFRASTRUCTURE",
        )?;
        let role: Option<RoleWord> = setting(self.role.as_deref(), "--role", "GIGADB_ROLE")?;
        Ok(Scope {
            environment,
            role: role.map(|word| word.0),
            infrastructure,
        })
    }
}

/// An option, or the environment variable that stands in for it; empty ones are unset.
pub(super) fn setting<T: std::str::FromStr<Err: ToString>>(
    given: Option<&str>,
    option: &str,
    variable: &str,
) -> Result<Option<T>, Failure> {
    let from_option = given
        .filter(|text| !text.is_empty())
        .map(|text| (text.to_owned(), option));
    let from_variable = || surroundings::variable(variable).map(|text| (text, variable));
    let Some((text, source)) = from_option.or_else(from_variable) else {
        return Ok(None);
    };
    text.trim().parse().map(Some).map_err(|error: T::Err| {
        Failure::usage(
            format!("{source} cannot be used: {}.", error.to_string()),
            source,
            "Correct it, or leave it out to widen the scope.",
        )
    })
}

/// The text of the working directory's `ansible.properties`, where there is one.
pub(super) fn properties_here() -> Result<Option<String>, Failure> {
    match fs::read(properties::FILE) {
        // UTF-16 is full of zeros; Ansible does not read it either.
        Ok(bytes) if bytes.contains(&0) => Err(refused(
            "The file could not be read: it is no text in UTF-8.".to_owned(),
        )),
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(format!("The file could not be read: {error}."))),
    }
}

fn refused(what: String) -> Failure {
    Failure::refused(
        what,
        format!("`{}` in the working directory", properties::FILE),
        "Run Ansible in the folder of the side and environment that you mean, or set \
         GIGADB_ENVIRONMENT and GIGADB_ROLE or GIGADB_INFRASTRUCTURE to those of this file.",
    )
}

/// Takes the side and environment of the file for the scope, where nothing else was said. Returns
/// a note where it does.
pub(super) fn from_properties(
    scope: &mut Scope,
    text: Option<&str>,
    topology: &Topology,
) -> Result<Option<String>, Failure> {
    let Some(text) = text.filter(|_| *scope == Scope::default()) else {
        return Ok(None);
    };
    let named = properties::named(text, topology).map_err(|reason| {
        refused(format!(
            "The inventory was refused because of `{}`: {reason}.",
            properties::FILE
        ))
    })?;
    let Some((side, environment)) = named else {
        return Ok(None);
    };
    let note = format!(
        "Only `{side}` in `{environment}` is listed, because `{}` in the working directory is \
         about it and nothing else was asked for.",
        properties::FILE
    );
    scope.infrastructure = Some(side);
    scope.environment = Some(environment);
    Ok(Some(note))
}

/// The variable that GigaDB's plays take their environment from, with `-e`.
const PLAYS_ENVIRONMENT: &str = "gigadb_env";

/// Fails where the play was told another environment than the inventory: it would match no host, and that is no
/// error to Ansible.
pub(super) fn not_of_another_environment(scope: &Scope, ansible: &[String]) -> Result<(), Failure> {
    let asked = extra_vars::value(ansible, PLAYS_ENVIRONMENT);
    let (Some(asked), Some(listed)) = (asked, &scope.environment) else {
        return Ok(());
    };
    if asked == listed.as_str() {
        return Ok(());
    }
    Err(Failure::refused(
        format!(
            "There is no inventory: the play is told {PLAYS_ENVIRONMENT}={asked}, and only `{listed}` would be listed."
        ),
        "the scope of the inventory",
        "Set or unset GIGADB_ENVIRONMENT, or run the play in the folder of the environment that you mean.",
    ))
}

/// Fails where the working directory holds another side's `ansible.properties`.
pub(super) fn guard(
    text: Option<&str>,
    topology: &Topology,
    inventory: &Inventory,
) -> Result<(), Failure> {
    let Some(text) = text else {
        return Ok(());
    };
    properties::check(text, topology, &inventory.sides).map_err(|reason| {
        refused(format!(
            "The inventory was refused because of `{}`: {reason}. It would lend one side's \
             secrets to the other.",
            properties::FILE
        ))
    })
}

/// The operator's own key for each side: `GIGADB_SSH_KEY_<SIDE>`, else `GIGADB_SSH_KEY`, else
/// that of the file, which is about the only side in scope.
pub(super) fn keys(
    topology: &Topology,
    text: Option<&str>,
) -> BTreeMap<InfrastructureName, String> {
    let sides = topology.infrastructures.keys();
    let of_all = surroundings::variable(KEY_VARIABLE).or_else(|| properties::key(text?));
    sides
        .filter_map(|side| {
            let suffix = side.as_str().to_uppercase().replace('-', "_");
            let own = surroundings::variable(&format!("{KEY_VARIABLE}_{suffix}"));
            Some((side.clone(), own.or_else(|| of_all.clone())?))
        })
        .collect()
}
