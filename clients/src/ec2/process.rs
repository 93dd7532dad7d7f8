//! `credential_process`: keys that a program prints.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
//!
//! **Invariant.** What the program prints to stdout is never shown, nor are its arguments, which
//! may be passwords.

use std::{
    process::{Output, Stdio},
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    http::{seconds, tidy},
    secret::Secret,
};

/// What a shell ends with where it cannot start a program.
const NOT_STARTED: [i32; 2] = [126, 127];

/// Why a program gave no keys, as a clause.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("its `credential_process` could not be started: {0}")]
    Start(String),
    #[error("its `credential_process` (`{program}`) did not end within {}", seconds(*.limit))]
    Hangs { program: String, limit: Duration },
    #[error("its `credential_process` (`{program}`) {ended}{}", said(.text))]
    Failed {
        program: String,
        ended: String,
        /// What it wrote to stderr, made safe to show.
        text: String,
        started: bool,
    },
    #[error(
        "its `credential_process` (`{0}`) printed something else than the JSON of version 1 that AWS describes"
    )]
    Nonsense(String),
    #[error("its `credential_process` (`{program}`) printed keys that expired at {at}")]
    Expired { program: String, at: Timestamp },
}

impl Error {
    /// Whether the profile must be corrected, and trying again is no use.
    pub(super) fn is_misconfigured(&self) -> bool {
        match self {
            Self::Start(_) | Self::Nonsense(_) | Self::Hangs { .. } => true,
            Self::Failed { started, .. } => !started,
            Self::Expired { .. } => false,
        }
    }
}

fn said(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

/// What a program prints. Unknown keys are left out.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Runs a command as a shell does, without a terminal, and reads the keys that it prints. It is
/// killed when nobody waits any more, and after `limit`.
pub(super) async fn keys(command: &Secret, limit: Duration) -> Result<Credentials, Error> {
    let running = tokio::process::Command::new("sh")
        .args(["-c", command.expose()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(limit, running).await {
        Ok(Ok(output)) => read(command, &output, Timestamp::now()),
        Ok(Err(error)) => Err(Error::Start(error.to_string())),
        Err(_) => Err(Error::Hangs {
            program: program(command),
            limit,
        }),
    }
}

fn read(command: &Secret, output: &Output, now: Timestamp) -> Result<Credentials, Error> {
    let program = program(command);
    if !output.status.success() {
        let code = output.status.code();
        return Err(Error::Failed {
            program,
            ended: match code {
                Some(code) => format!("ended with {code}"),
                None => "was killed".to_owned(),
            },
            text: tidy(
                &String::from_utf8_lossy(&output.stderr),
                &arguments(command),
            ),
            started: !code.is_some_and(|code| NOT_STARTED.contains(&code)),
        });
    }
    let printed = serde_json::from_slice::<Printed>(&output.stdout);
    let Some(keys) = printed.ok().filter(|printed| printed.version == 1) else {
        return Err(Error::Nonsense(program));
    };
    let expiration: Option<Timestamp> = match keys.expiration.map(|text| text.parse()) {
        None => None,
        Some(Ok(at)) => Some(at),
        Some(Err(_)) => return Err(Error::Nonsense(program)),
    };
    if let Some(at) = expiration.filter(|at| *at <= now) {
        return Err(Error::Expired { program, at });
    }
    Ok(Credentials::new(
        keys.access_key_id,
        keys.secret_access_key,
        keys.session_token,
        expiration.map(SystemTime::from),
        "CredentialProcess",
    ))
}

/// The program's name, which is no secret.
fn program(command: &Secret) -> String {
    let first = command.expose().split_whitespace().next();
    tidy(first.unwrap_or_default().trim_matches(['"', '\'']), &[])
}

/// The values among the arguments, each of which may be a password.
fn arguments(command: &Secret) -> Vec<Secret> {
    let words = command.expose().split_whitespace().skip(1);
    let values = words.filter_map(|word| match word.split_once('=') {
        Some((_, value)) => Some(value),
        None => Some(word).filter(|word| !word.starts_with('-')),
    });
    values
        .map(|value| value.trim_matches(['"', '\'']))
        .filter(|value| !value.is_empty())
        .map(Secret::new)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use insta::assert_snapshot;

    use super::*;

    fn said(command: &str, code: i32, stdout: &str, stderr: &str) -> String {
        let output = Output {
            status: std::process::ExitStatus::from_raw(code << 8),
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.as_bytes().to_vec(),
        };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        match read(&Secret::new(command), &output, now) {
            Ok(keys) => format!("{} {:?}", keys.access_key_id(), keys.expiry().is_some()),
            Err(error) => format!("{error} ({})", error.is_misconfigured()),
        }
    }

    #[test]
    fn keys_are_read_as_aws_describes_them() {
        let keys = r#""AccessKeyId": "AKIA1", "SecretAccessKey": "planted""#;
        let with = |further: &str| said("aws x", 0, &format!("{{{keys}{further}}}"), "");
        assert_snapshot!(with(r#", "Version": 1"#), @"AKIA1 false");
        assert_snapshot!(with(r#", "Version": 1, "SessionToken": "t", "Expiration": "2026-01-01T01:00:00+00:00", "AccountId": "1""#), @"AKIA1 true");
        assert_snapshot!(with(r#", "Version": 1, "Expiration": "2025-12-31T23:59:59Z""#), @"its `credential_process` (`aws`) printed keys that expired at 2025-12-31T23:59:59Z (false)");
    }

    #[test]
    fn nothing_that_was_printed_is_shown() {
        let nonsense = "its `credential_process` (`aws`) printed something else than the JSON of version 1 that AWS describes (true)";
        for printed in [
            "",
            "planted",
            r#"{"Version": 2, "AccessKeyId": "planted", "SecretAccessKey": "planted"}"#,
            r#"{"Version": "planted", "AccessKeyId": "planted", "SecretAccessKey": "planted"}"#,
            r#"{"Version": 1, "AccessKeyId": "planted"}"#,
            r#"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "planted", "Expiration": "planted"}"#,
        ] {
            assert_eq!(said("aws x", 0, printed, "planted"), nonsense, "{printed}");
        }
    }

    #[test]
    fn what_a_program_says_is_shown_without_its_arguments() {
        assert_snapshot!(
            said("'/opt/keys' --user=ann --token 'pl4nted' side", 2, "planted", "usage: bad token\n pl4nted of ann.\n"),
            @"its `credential_process` (`/opt/keys`) ended with 2: usage: bad token [redacted] of [redacted] (false)"
        );
        assert_snapshot!(said("kyes", 127, "", "sh: 1: kyes: not found\n"), @"its `credential_process` (`kyes`) ended with 127: sh: 1: kyes: not found (true)");
    }
}
