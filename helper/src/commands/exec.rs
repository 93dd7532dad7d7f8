//! `gigadb-roles exec`.

use std::{
    ffi::OsString,
    io::ErrorKind,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use gigadb_clients::{Scope as Reads, Which};
use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName, Role},
    observation::{Observation, environment_of},
    roles,
};
use tokio_util::sync::CancellationToken;

use super::words::RoleWord;
use crate::{
    candidates,
    exit::Exit,
    failure::Failure,
    global::Global,
    named::OneEnvironment,
    planning, project,
    session::{Session, Waiting},
    ui::Ui,
};

/// What beats `AWS_PROFILE` somewhere: keys, an assumed role, a web identity (any OIDC job in CI),
/// a container's credentials, and the older names of each that boto, Java's and Ruby's SDKs and
/// Ansible's modules still read.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
const BEATS_THE_PROFILE: [&str; 21] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "BOTO_CONFIG",
    "EC2_ACCESS_KEY",
    "EC2_REGION",
    "EC2_SECRET_KEY",
    "EC2_SECURITY_TOKEN",
];

/// Run a command with the settings of the side that holds a role now.
///
/// Sets `AWS_PROFILE`, `AWS_REGION`, `AWS_DEFAULT_REGION`, `REPO_NAME`, `PROJECT_VARIABLES_URL`,
/// `GIGADB_ENVIRONMENT`, `GIGADB_ROLE`, `GIGADB_INFRASTRUCTURE` and `GIGADB_TOPOLOGY`, and removes
/// whatever beats the profile: AWS keys, tokens, roles, web identities and container credentials.
/// `CLOUDFLARE_API_TOKEN` and `GITLAB_TOKEN` stay, because the command may need them; run it under
/// `env -u CLOUDFLARE_API_TOKEN` where it must not have them. The command takes the place
/// of this program: its exit status is the answer, and signals reach it. Where it is not clear who
/// holds the role, nothing runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles exec --role hot_standby --environment live -- aws ec2 describe-instances
  gigadb-roles exec --role production --environment staging -- printenv AWS_PROFILE")]
pub(crate) struct ExecArgs {
    /// The role whose holder is meant: production or `hot_standby`.
    #[arg(long, value_name = "ROLE", add = ArgValueCandidates::new(candidates::roles))]
    role: RoleWord,

    #[command(flatten)]
    environment: OneEnvironment,

    /// The command with its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Finds the holder and becomes the command. Comes back only when it could not be started.
pub(super) async fn run(
    args: &ExecArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let session = Session::open_to_read(global, Waiting::Ordinary)?;
    let environment = planning::environment(&session.topology, &args.environment.name()?)?;
    let role = args.role.0;
    let holder = holder(&session, &environment, role, ui, cancel).await?;
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Failure::usage(
            "There is no command to run.",
            "the command line",
            "Write it after `--`.",
        ));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in BEATS_THE_PROFILE {
        command.env_remove(name);
    }
    command
        .envs(settings(&session, &holder))
        .env("GIGADB_ENVIRONMENT", environment.as_str())
        .env("GIGADB_ROLE", role.as_str())
        .env("GIGADB_INFRASTRUCTURE", holder.as_str())
        .env("GIGADB_TOPOLOGY", absolute(&session.topology_file));
    let error = command.exec();
    Err(Failure::refused(
        format!("The command could not be started: {error}."),
        format!("`{}`", program.to_string_lossy()),
        match error.kind() {
            ErrorKind::NotFound => "Correct its name, or name the file by its whole path.",
            _ => "Make it a program that you may run, then try again.",
        },
    ))
}

/// Who holds the role now. Nobody is guessed.
async fn holder(
    session: &Session,
    environment: &EnvironmentName,
    role: Role,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<InfrastructureName, Failure> {
    let topology = &session.topology;
    let reads = Reads {
        environments: Which::one(environment.clone()),
        records: true,
        variables: Which::none(),
        sides: Which::All,
    };
    let observed = session.observe(&reads, cancel).await;
    observed.source.tell(ui);
    let world = observed.world;
    let observation = Observation::project(topology, environment, &world, None)
        .map_err(|error| planning::unread(environment, &error))?;
    let table = environment_of(topology, environment)
        .map_err(|error| planning::unread(environment, &error))?;
    let clear = roles::clear(topology, table, &observation).map_err(|unclear| {
        Failure::refused(
            format!(
                "The command was not run, because it is not clear who is {role} in \
                 `{environment}`: {unclear}."
            ),
            format!("environment `{environment}`"),
            format!(
                "Run `gigadb-roles status --environment {environment}`, correct what disagrees, \
                 then run the command again."
            ),
        )
    })?;
    for doubt in &clear.doubts {
        ui.warning(&format!(
            "The roles in `{environment}` are clear, but {doubt}."
        ));
    }
    for (side, reading) in &world.sides {
        if let Some(failure) = reading.failure() {
            ui.warning(&format!(
                "`{side}` could not be read: {failure}. Who is {role} follows the records and \
                 what is last known of its addresses."
            ));
        }
    }
    Ok(clear.arrangement.get(role).clone())
}

/// What the scripts of a side's checkout read.
fn settings(session: &Session, holder: &InfrastructureName) -> Vec<(&'static str, String)> {
    let Some(side) = session.topology.infrastructures.get(holder) else {
        return Vec::new();
    };
    let path = &side.gitlab_project;
    let url = project::url(&session.gitlab_base, path);
    vec![
        ("AWS_PROFILE", side.aws.profile.clone()),
        ("AWS_REGION", side.aws.region.clone()),
        ("AWS_DEFAULT_REGION", side.aws.region.clone()),
        ("REPO_NAME", project::name(path).to_owned()),
        ("PROJECT_VARIABLES_URL", format!("{url}/variables")),
    ]
}

/// A path that stays true when the command goes to another folder.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}
