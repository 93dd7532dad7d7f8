//! The shell, or the command, of somebody who plays.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitStatus;

use gigadb_simulator::world::{CLOUDFLARE_TOKEN, GITLAB_TOKEN};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::drill::Script;
use super::folder::Folder;
use super::machines::Machines;
use super::{GLANCE, Stage, at};

/// Variables of these families are taken away: they could lead to the real APIs, or carry real tokens.
const FAMILIES: [&str; 5] = ["AWS_", "CLOUDFLARE_", "GIGADB_", "GITLAB_", "TF_"];
/// What a shell says of a program that a signal ended: this and the signal's number.
const BY_SIGNAL: i32 = 128;

/// What the programs are to have, by name and in order.
fn variables(folder: &Folder, stage: &Stage, script: Option<&Script>) -> Vec<(String, String)> {
    let simulator = &stage.simulator;
    let place = |name: &str| folder.place(name).display().to_string();
    let token = script.and_then(|script| script.cloudflare_token);
    let mut set: Vec<(&str, String)> = vec![
        ("AWS_CONFIG_FILE", place("aws/config")),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ENDPOINT_URL", simulator.aws_url().to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", place("aws/credentials")),
        ("CHECKPOINT_DISABLE", "1".to_owned()),
        (
            "CLOUDFLARE_API_TOKEN",
            token.unwrap_or(CLOUDFLARE_TOKEN).to_owned(),
        ),
        ("CLOUDFLARE_BASE_URL", simulator.cloudflare_url().to_owned()),
        ("GIGADB_JOURNAL_DIR", place("state/journal")),
        ("GIGADB_PLAYGROUND", folder.path().display().to_string()),
        (
            "GIGADB_TOPOLOGY",
            folder.path().join("topology.yaml").display().to_string(),
        ),
        ("GITLAB_BASE_URL", simulator.gitlab_url().to_owned()),
        ("GITLAB_TOKEN", GITLAB_TOKEN.to_owned()),
        ("SIMULATOR", simulator.urls().control.clone()),
        ("TF_CLI_CONFIG_FILE", place("terraform.rc")),
        ("XDG_CACHE_HOME", place("cache")),
        ("XDG_STATE_HOME", place("state")),
    ];
    if let Some(server) = simulator.name_servers().first() {
        set.push(("GIGADB_DNS_SERVER", server.to_string()));
    }
    let machines = stage.machines.as_ref().ok();
    if machines.is_some() {
        set.push(("SSL_CERT_FILE", place("ca.pem")));
    }
    if !machines.is_some_and(Machines::probes_work) {
        set.push(("GIGADB_HTTPS_CHECK", "off".to_owned()));
    }
    if let Some(ports) = machines.and_then(Machines::ports) {
        set.push(("GIGADB_PORTS", ports));
    }
    set.sort_unstable();
    set.into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Whether an inherited variable could lead off this machine.
fn leads_away(name: &str) -> bool {
    FAMILIES.iter().any(|family| name.starts_with(family))
        || name.to_ascii_lowercase().ends_with("_proxy")
}

/// Returns `env.sh`: the same for another terminal, in the words of any POSIX shell.
pub(super) fn script(folder: &Folder, stage: &Stage, script: Option<&Script>) -> String {
    let families = FAMILIES.join("|");
    let mut text = format!(
        "# Written by gigadb-simulator, for as long as it runs: . {file}\n\
         for name in $(env | sed -nE 's/^(({families})[A-Za-z0-9_]*|[A-Za-z]+_[Pp][Rr][Oo][Xx][Yy])=.*/\\1/p'); do\n  \
         unset \"$name\"\ndone\n",
        file = quoted(&folder.environment_file().display().to_string())
    );
    for (key, value) in variables(folder, stage, script) {
        let _ = writeln!(text, "export {key}={}", quoted(&value));
    }
    let bin = quoted(&folder.place("bin").display().to_string());
    let _ = writeln!(text, "export PATH={bin}:\"$PATH\"");
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Runs the command, or a shell, in the folder until it ends, and glances at the world meanwhile; returns its exit code.
pub(super) async fn run(
    folder: &Folder,
    stage: &Stage,
    script: Option<&Script>,
    command: &[OsString],
    mut glance: impl FnMut(),
) -> Result<u8, Box<dyn Error>> {
    // Ctrl-C is for the shell and what runs in it. What handles a signal here is handled as usual there.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let shell = [shell.unwrap_or_else(|| "/bin/sh".into())];
    let words = if command.is_empty() {
        &shell[..]
    } else {
        command
    };
    let Some((program, arguments)) = words.split_first() else {
        return Err("there is no command to run".into());
    };
    let mut path = vec![folder.place("bin")];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let mut child = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(leads_away) {
            child.env_remove(name);
        }
    }
    let mut child = child
        .args(arguments)
        .current_dir(folder.path())
        .envs(variables(folder, stage, script))
        .env("PATH", std::env::join_paths(path)?)
        .kill_on_drop(true)
        .spawn()
        .map_err(at(program.as_ref(), "start"))?;
    let mut glances = tokio::time::interval(GLANCE);
    loop {
        tokio::select! {
            ended = child.wait() => return Ok(code(ended?)),
            _ = glances.tick() => glance(),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => return Err("SIGTERM: the playground ends, and its shell with it".into()),
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::{leads_away, quoted};

    #[test]
    fn what_could_lead_to_the_real_apis_is_taken_away() {
        for name in [
            "AWS_PROFILE",
            "GITLAB_TOKEN",
            "TF_REATTACH_PROVIDERS",
            "https_proxy",
            "ALL_PROXY",
        ] {
            assert!(leads_away(name), "{name}");
        }
        for name in ["HOME", "PATH", "TERM", "LANG"] {
            assert!(!leads_away(name), "{name}");
        }
    }

    #[test]
    fn a_quote_stays_within_the_quotes() {
        assert_eq!(quoted("o'brien"), r"'o'\''brien'");
    }
}
