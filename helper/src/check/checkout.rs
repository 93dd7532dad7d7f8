//! The operators' local checkouts, and the keys that reach each side's machines.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use gigadb_engine::{name::InfrastructureName, topology::Infrastructure};

use super::{Check, Checkouts};
use crate::{project, session::Session, surroundings};

const CHECKOUT: &str = "checkout";
const SETTINGS: &str = "checkout .env";
const SSH_KEY: &str = "ssh key";

pub(super) fn checks(session: &Session, checkouts: &Checkouts) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, side) in &session.topology.infrastructures {
        if let Some(checkout) = &side.checkout {
            let folder = checkouts.folder.join(checkout);
            if folder.is_dir() {
                checks.push(origin(checkout, &folder));
                checks.push(settings(session, side, checkout, &folder));
            } else {
                checks.extend(missing(checkout, &folder, checkouts.named));
            }
        }
        checks.extend(ssh_key(name, side));
    }
    checks
}

fn missing(checkout: &str, folder: &Path, named: bool) -> [Check; 2] {
    let about = (CHECKOUT, checkout);
    let found = format!("There is no folder `{}`", folder.display());
    let next = "Clone the repository there by SSH, or say where the checkouts are with \
                --checkouts FOLDER.";
    [
        if named {
            Check::failed(about, found, next)
        } else {
            Check::not_checked(about, found, next)
        },
        Check::not_checked(
            (SETTINGS, checkout),
            "The checkout is not there",
            "Find or make the checkout first.",
        ),
    ]
}

/// `origin` is fetched from and pushed to by SSH.
fn origin(checkout: &str, folder: &Path) -> Check {
    let about = (CHECKOUT, checkout);
    let no_git = |error: &io::Error| {
        Check::not_checked(
            about,
            format!("git could not be started: {error}"),
            "Install git, or look at `git remote -v` yourself.",
        )
    };
    // Inside of another repository, git would speak of that one.
    let top = match git(folder, &["rev-parse", "--show-toplevel"]) {
        Ok(top) => top,
        Err(error) => return no_git(&error),
    };
    let same = |top: &String| Path::new(top).canonicalize().ok() == folder.canonicalize().ok();
    if !top.as_ref().is_some_and(same) {
        return Check::failed(
            about,
            format!("`{}` is no checkout of its own", folder.display()),
            "Clone the repository there by SSH.",
        );
    }
    let mut urls = Vec::new();
    for arguments in [
        &["remote", "get-url", "--all", "origin"][..],
        &["remote", "get-url", "--all", "--push", "origin"],
    ] {
        match git(folder, arguments) {
            Ok(Some(found)) => urls.extend(found.lines().map(str::to_owned)),
            Ok(None) => {
                return Check::failed(
                    about,
                    "It has no remote `origin`",
                    "Add it: `git remote add origin git@HOST:PATH.git`.",
                );
            }
            Err(error) => return no_git(&error),
        }
    }
    match urls.iter().find(|url| !is_ssh(url)) {
        None => Check::ok(CHECKOUT, checkout, "`origin` is reached by SSH"),
        Some(url) => Check::failed(
            about,
            format!("`origin` is not reached by SSH but by {}", scheme(url)),
            "Run `git remote set-url origin git@HOST:PATH.git` in it.",
        ),
    }
}

/// A URL of git that goes by SSH: `ssh://…`, or `user@host:path`.
fn is_ssh(url: &str) -> bool {
    if let Some((scheme, _)) = url.split_once("://") {
        return matches!(scheme, "ssh" | "git+ssh" | "ssh+git");
    }
    url.split_once(':')
        .is_some_and(|(host, _)| !host.is_empty() && !host.contains('/'))
}

/// How a URL is reached; the URL itself may hold a token.
fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("a path", |(scheme, _)| scheme)
}

/// What git says on one command; `None` where it fails.
fn git(folder: &Path, arguments: &[&str]) -> io::Result<Option<String>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((output.status.success() && !text.is_empty()).then_some(text))
}

/// `.env` names this side's project, and the variables of nobody else.
fn settings(session: &Session, side: &Infrastructure, checkout: &str, folder: &Path) -> Check {
    let about = (SETTINGS, checkout);
    let file = folder.join(".env");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            return Check::failed(
                about,
                format!("`{}` could not be read: {error}", file.display()),
                "Copy `ops/configuration/variables/env-sample` to `.env` and fill it in.",
            );
        }
    };
    let values = assignments(&text);
    let faults = faults(&session.gitlab_base, &side.gitlab_project, &values);
    if faults.is_empty() {
        return Check::ok(SETTINGS, checkout, "as its project asks");
    }
    let (found, next): (Vec<String>, Vec<String>) = faults.into_iter().unzip();
    Check::failed(
        about,
        found.join("; "),
        format!("In `{}`: {}.", file.display(), next.join("; ")),
    )
}

/// What is wrong with a `.env`, with what to write; no value but those of names and URLs of ours.
fn faults(base: &str, path: &str, values: &BTreeMap<&str, String>) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let get = |key: &str| values.get(key).map(String::as_str).unwrap_or_default();
    let without_query = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
    let mut expect = |key: &str, wanted: &str| {
        if without_query(get(key)) != *wanted {
            let state = if get(key).is_empty() {
                "is not set"
            } else {
                "is another"
            };
            faults.push((
                format!("{key} {state}"),
                format!("write `{key}=\"{wanted}\"`"),
            ));
        }
    };
    // A numeric id tells neither the repository's name nor its group.
    if path.parse::<u64>().is_err() {
        expect("REPO_NAME", project::name(path));
        expect(
            "PROJECT_VARIABLES_URL",
            &format!("{}/variables", project::url(base, path)),
        );
        let group = path.split('/').next().unwrap_or(path);
        expect(
            "GROUP_VARIABLES_URL",
            &format!("{base}/groups/{group}/variables"),
        );
    }
    for (key, kind) in [
        ("FORK_VARIABLES_URL", "groups"),
        ("MISC_VARIABLES_URL", "projects"),
    ] {
        let url = without_query(get(key));
        let starts = format!("{base}/{kind}/");
        if !(url.starts_with(&starts) && url.ends_with("/variables")) {
            let state = if url.is_empty() {
                "is not set"
            } else {
                "is no such URL"
            };
            faults.push((
                format!("{key} {state}"),
                format!("write `{key}=\"{starts}…/variables\"`"),
            ));
        }
    }
    if get("GITLAB_PRIVATE_TOKEN").is_empty() {
        faults.push((
            "GITLAB_PRIVATE_TOKEN is not set".to_owned(),
            "give it a value".to_owned(),
        ));
    }
    faults
}

/// The assignments of a shell file, `$NAME` and `${NAME}` of earlier ones replaced.
pub(crate) fn assignments(text: &str) -> BTreeMap<&str, String> {
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || !key.chars().all(good) {
            continue;
        }
        let value = value.trim();
        let value = match value.chars().next() {
            Some('\'') => value[1..].split('\'').next().unwrap_or_default().to_owned(),
            Some('"') => expanded(value[1..].split('"').next().unwrap_or_default(), &values),
            _ => expanded(value.split([' ', '\t']).next().unwrap_or_default(), &values),
        };
        values.insert(key, value);
    }
    values
}

fn expanded(text: &str, values: &BTreeMap<&str, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        let braced = after.strip_prefix('{');
        let from = braced.unwrap_or(after);
        let end = from
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(from.len());
        let (name, after) = from.split_at(end);
        result.push_str(values.get(name).map(String::as_str).unwrap_or_default());
        rest = if braced.is_some() {
            after.strip_prefix('}').unwrap_or(after)
        } else {
            after
        };
    }
    result + rest
}

/// The private key that reaches a side's machines is there, and nobody else may read it.
fn ssh_key(name: &InfrastructureName, side: &Infrastructure) -> Option<Check> {
    let key = side.ssh.as_ref()?.private_key.as_ref()?;
    let about = (SSH_KEY, name.as_str());
    let file = match key.strip_prefix("~/") {
        Some(rest) => PathBuf::from(surroundings::variable("HOME")?).join(rest),
        None => PathBuf::from(key),
    };
    Some(match fs::metadata(&file) {
        Err(error) => Check::failed(
            about,
            format!("`{key}` could not be read: {error}"),
            "Put this side's private key there, or correct `private_key` in the topology.",
        ),
        // ssh refuses a key that others may read.
        Ok(data) if data.permissions().mode() & 0o077 != 0 => Check::failed(
            about,
            format!("Others may read `{key}`, so that ssh refuses it"),
            format!("Run `chmod 600 {key}`."),
        ),
        Ok(_) => Check::ok(SSH_KEY, name, format!("`{key}`")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://gitlab.com/api/v4";
    const PATH: &str = "gigascience/upstream/gigadb-website";
    /// As the procedure writes it.
    const GOOD: &str = r#"
# a comment
REPO_NAME="gigadb-website"
GROUP_VARIABLES_URL="https://gitlab.com/api/v4/groups/gigascience/variables?per_page=100"
FORK_VARIABLES_URL="https://gitlab.com/api/v4/groups/3506500/variables"
PROJECT_VARIABLES_URL="https://gitlab.com/api/v4/projects/gigascience%2Fupstream%2F$REPO_NAME/variables"
MISC_VARIABLES_URL="https://gitlab.com/api/v4/projects/gigascience%2Fcnhk-infra/variables"
export GITLAB_PRIVATE_TOKEN='a $token' # kept
"#;

    fn found(text: &str) -> Vec<String> {
        let faults = faults(BASE, PATH, &assignments(text));
        faults.into_iter().map(|(found, _)| found).collect()
    }

    #[test]
    fn the_settings_of_the_procedure_are_right() {
        assert_eq!(found(GOOD), Vec::<String>::new());
        assert_eq!(assignments(GOOD)["GITLAB_PRIVATE_TOKEN"], "a $token");
        let braced = GOOD.replace("$REPO_NAME", "${REPO_NAME}");
        assert_eq!(found(&braced), Vec::<String>::new());
    }

    #[test]
    fn settings_of_another_side_are_named() {
        let other = GOOD.replace("\"gigadb-website\"", "\"alt-gigadb-website\"");
        assert_eq!(
            found(&other),
            ["REPO_NAME is another", "PROJECT_VARIABLES_URL is another"]
        );
        assert_eq!(
            found(
                "REPO_NAME=gigadb-website\nFORK_VARIABLES_URL=https://elsewhere.example/variables"
            ),
            [
                "PROJECT_VARIABLES_URL is not set",
                "GROUP_VARIABLES_URL is not set",
                "FORK_VARIABLES_URL is no such URL",
                "MISC_VARIABLES_URL is not set",
                "GITLAB_PRIVATE_TOKEN is not set",
            ]
        );
    }

    #[test]
    fn ssh_is_told_from_everything_else() {
        for url in [
            "git@github.com:gigascience/gigadb-website.git",
            "ssh://git@github.com/gigascience/gigadb-website.git",
            "github:gigascience/gigadb-website",
        ] {
            assert!(is_ssh(url), "{url}");
        }
        for url in [
            "https://github.com/gigascience/gigadb-website.git",
            "git://github.com/gigascience/gigadb-website.git",
            "file:///srv/gigadb-website",
            "/srv/git:hub/gigadb-website",
            "",
        ] {
            assert!(!is_ssh(url), "{url}");
        }
    }
}
