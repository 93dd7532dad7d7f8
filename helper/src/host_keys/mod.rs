//! SSH host keys by the names of the inventory.
//!
//! Private addresses repeat between the sides, so the inventory tells ssh to keep host keys by the
//! host's name (`HostKeyAlias`). OpenSSH's own programs read the file and ask the machines; what is
//! here only compares, and edits text.

pub(crate) mod file;
pub(crate) mod scan;

use std::{io, process::Output, time::Duration};

use gigadb_engine::foreign::Foreign;
use tokio::process::Command;

/// A host key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// What kind it is, such as `ssh-ed25519`.
    pub(crate) kind: String,
    /// Its public part, in base64.
    pub(crate) public: String,
}

impl Key {
    /// The key of a line that begins with a host; nothing for a comment or a marker.
    fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let host = words.next()?;
        let (kind, public) = (words.next()?, words.next()?);
        (!host.starts_with(['#', '@'])).then(|| Self {
            kind: kind.to_owned(),
            public: public.to_owned(),
        })
    }

    /// The key of a line that says that nobody may believe it.
    fn revoked(line: &str) -> Option<Self> {
        Self::of_line(line.trim_start().strip_prefix("@revoked")?)
    }

    /// The line of `known_hosts` for `host`.
    pub(crate) fn line(&self, host: &str) -> String {
        format!("{host} {} {}", self.kind, self.public)
    }
}

/// What a machine's key is, beside those that are known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// None was known.
    New(Key),
    /// It was known.
    Same(Key),
    /// Others were known.
    Changed(Key),
    /// It is marked as revoked: whoever shows it may be another machine.
    Revoked(Key),
    /// The machine showed none, and why: a clause.
    Silent(String),
}

impl Seen {
    /// Compares what a machine showed with what is known.
    pub(crate) fn compare(shown: Result<Key, String>, known: &[Key], revoked: &[Key]) -> Self {
        match shown {
            Err(reason) => Self::Silent(reason),
            Ok(key) if revoked.contains(&key) => Self::Revoked(key),
            Ok(key) if known.contains(&key) => Self::Same(key),
            Ok(key) if known.is_empty() => Self::New(key),
            Ok(key) => Self::Changed(key),
        }
    }

    /// The key that was shown, unless it is revoked.
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::New(key) | Self::Same(key) | Self::Changed(key) => Some(key),
            Self::Revoked(_) | Self::Silent(_) => None,
        }
    }
}

/// Runs one of OpenSSH's programs for a while at most.
async fn run(program: &str, arguments: &[String], time: Duration) -> Result<Output, String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    match tokio::time::timeout(time, command.output()).await {
        Err(_) => Err(format!(
            "`{program}` did not end within {} s",
            time.as_secs()
        )),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "`{program}` is not on PATH; install OpenSSH's client programs"
        )),
        Ok(Err(error)) => Err(format!("`{program}` could not be started: {error}")),
        Ok(Ok(output)) => Ok(output),
    }
}

/// How ssh begins the lines that only say that a connection ended: what made it end is above them.
const ENDINGS: [&str; 5] = [
    "kex_exchange_identification:",
    "ssh_exchange_identification:",
    "stdio forwarding failed",
    "Connection closed by",
    "Connection reset by",
];

/// What a program said last, on one line; that a connection ended only where it said nothing else.
fn last_words(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let cause = lines
        .clone()
        .rfind(|line| !ENDINGS.iter().any(|ending| line.starts_with(ending)));
    let last = cause.or_else(|| lines.next_back());
    let last = last.unwrap_or("it said nothing").trim_end_matches('.');
    Foreign(last).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_tell_the_cause_of_an_ending() {
        for (said, expected) in [
            ("", "it said nothing"),
            ("No route to host.\n\n", "No route to host"),
            (
                "ops@192.0.2.1: Permission denied (publickey).\r\nkex_exchange_identification: \
                 Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
                "ops@192.0.2.1: Permission denied (publickey)",
            ),
            (
                "channel 0: open failed: administratively prohibited: open failed\nstdio \
                 forwarding failed\nkex_exchange_identification: Connection closed by remote host",
                "channel 0: open failed: administratively prohibited: open failed",
            ),
            (
                "Connection reset by 192.0.2.1",
                "Connection reset by 192.0.2.1",
            ),
        ] {
            assert_eq!(last_words(said.as_bytes()), expected, "{said}");
        }
    }
}
