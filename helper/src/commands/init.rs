//! `gigadb-roles init`.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use gigadb_clients::Apis;
use gigadb_engine::{
    draft::guess,
    topology::{Aws, Topology},
};
use percent_encoding::percent_decode_str;
use tokio_util::sync::CancellationToken;

use crate::{
    check::checkout::assignments,
    exit::Exit,
    failure::Failure,
    session::settings,
    ui::{self, Ui, Within},
};

/// The configuration beside the topology.
const MAIN: &str = "main.tf";
/// Where GigaDB's checkouts keep their settings, in the working directory.
const DOT_ENV: &str = ".env";
/// What the other project of two is called in front of the first one's name.
const TWIN: &str = "alt-";

/// Write a first topology.yaml from what is there.
///
/// Reads the AWS profiles of this machine with their Elastic IPs, the zones that the Cloudflare
/// token sees, and the variables of the GitLab projects, and writes what that makes likely. Each
/// guess is marked in the file, and so is what could not be found out. Nothing is overwritten,
/// and nothing is changed anywhere else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles init --terraform   # profiles from ~/.aws, projects from .env
  gigadb-roles init --profile Upstream --profile UpstreamAlt

Without --profile, every profile with a region is asked. Without --project, the project that .env
in the working directory names, and its twin with `alt-` in front of its name.")]
pub(crate) struct InitArgs {
    /// Ask this AWS profile; PROFILE:REGION where the shared files name no region (repeatable).
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,

    /// Read the variables of this GitLab project (repeatable).
    #[arg(long = "project", value_name = "PATH")]
    projects: Vec<String>,

    /// Write the topology to this file.
    #[arg(long, value_name = "FILE", default_value = "topology.yaml")]
    out: PathBuf,

    /// Write main.tf beside it too, with a state that GitLab keeps.
    #[arg(long)]
    terraform: bool,
}

/// Reads, guesses and writes.
pub(super) async fn run(
    args: &InitArgs,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let main = args.out.with_file_name(MAIN);
    let files: Vec<&Path> = if args.terraform {
        vec![&args.out, &main]
    } else {
        vec![&args.out]
    };
    // Told before anything is read: it takes a while.
    for file in &files {
        if file.symlink_metadata().is_ok() {
            return Err(present(file, &args.out));
        }
    }
    let settings = settings()?;
    let gitlab = settings
        .gitlab
        .base_url
        .as_str()
        .trim_end_matches('/')
        .to_owned();
    let apis = Apis::new(settings);
    let (profiles, mut unread) = profiles(args, &apis).await?;
    let projects = if args.projects.is_empty() {
        projects_of_dot_env()
    } else {
        args.projects.clone()
    };
    if projects.is_empty() {
        unread.push("No GitLab project is known; name them with --project.".to_owned());
    }
    let within = Within::Each(apis.call_within());
    let surveyed = apis.survey(&profiles, &projects, cancel);
    let mut survey = ui::waiting("Reading what is there", within, Box::pin(surveyed)).await;
    survey.unread.splice(0..0, unread);
    let draft = guess(&survey);
    let topology = draft.topology();
    write(&args.out, &topology, &args.out)?;
    if args.terraform
        && let Err(mut failure) = write(&main, &draft.terraform(&gitlab), &args.out)
    {
        failure.message.changed = format!("`{}` was written.", args.out.display());
        return Err(failure);
    }
    for line in draft.unread.iter().chain(&draft.missing) {
        ui.warning(line);
    }
    if let Err(faults) = Topology::parse(&topology) {
        let name = args.out.display().to_string();
        ui.warning(&format!("{faults}:\n{}", faults.render(&name, &topology)));
    }
    let names: Vec<String> = files
        .iter()
        .map(|file| format!("`{}`", file.display()))
        .collect();
    ui.answer(&format!(
        "Wrote {}. Read what is marked as a guess, then run `gigadb-roles check`.",
        names.join(" and ")
    ))?;
    Ok(Exit::Success)
}

/// The profiles to ask, and what is to be said of those that are not.
async fn profiles(args: &InitArgs, apis: &Apis) -> Result<(Vec<Aws>, Vec<String>), Failure> {
    let known = match apis.aws_profiles().await {
        Ok(known) => known,
        Err(failure) if args.profiles.is_empty() => {
            return Ok((
                Vec::new(),
                vec![format!("No AWS profile was asked: {failure}.")],
            ));
        }
        Err(_) => Vec::new(),
    };
    let region = |name: &str| {
        let found = known.iter().find(|(known, _)| known == name);
        found.and_then(|(_, region)| region.clone())
    };
    let mut asked = Vec::new();
    for text in &args.profiles {
        let named = text.rsplit_once(':');
        let (profile, given) = match named {
            Some((profile, given)) if region(text).is_none() => (profile, Some(given.to_owned())),
            _ => (text.as_str(), None),
        };
        let Some(region) = given.or_else(|| region(profile)) else {
            return Err(Failure::usage(
                format!("The region of profile `{profile}` is not known."),
                "--profile",
                format!("Write it behind a colon, as in `--profile {profile}:ap-east-1`."),
            ));
        };
        let profile = profile.to_owned();
        asked.push(Aws { profile, region });
    }
    if args.profiles.is_empty() {
        let with_region = known.into_iter().filter_map(|(profile, region)| {
            let region = region?;
            Some(Aws { profile, region })
        });
        asked.extend(with_region);
    }
    Ok((asked, Vec::new()))
}

/// The project that `.env` names, and its twin.
fn projects_of_dot_env() -> Vec<String> {
    let Ok(text) = fs::read_to_string(DOT_ENV) else {
        return Vec::new();
    };
    let values = assignments(&text);
    let url = values.get("PROJECT_VARIABLES_URL").map(String::as_str);
    let path = url
        .and_then(|url| url.split_once("/projects/"))
        .and_then(|(_, rest)| rest.split_once("/variables"))
        .map(|(path, _)| percent_decode_str(path).decode_utf8_lossy().into_owned());
    let Some((path, (group, name))) = path
        .as_ref()
        .and_then(|path| Some((path, path.rsplit_once('/')?)))
    else {
        return Vec::new();
    };
    let twin = match name.strip_prefix(TWIN) {
        Some(name) => format!("{group}/{name}"),
        None => format!("{group}/{TWIN}{name}"),
    };
    let both = BTreeSet::from([path.clone(), twin]);
    both.into_iter().collect()
}

fn present(file: &Path, out: &Path) -> Failure {
    Failure::refused(
        "The file is there already, and nothing is overwritten.",
        format!("`{}`", file.display()),
        if file == out {
            "Name another file with --out, or move this one away."
        } else {
            "It is written beside the topology: name a file in another folder with --out, move \
             this one away, or leave out --terraform."
        },
    )
}

/// Writes a file that is not there.
fn write(file: &Path, text: &str, out: &Path) -> Result<(), Failure> {
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    let written = created.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return present(file, out);
        }
        Failure::refused(
            format!("The file could not be written: {error}."),
            format!("`{}`", file.display()),
            "Name a file in a folder that you may write with --out.",
        )
    })
}
