//! Asking a machine for its host key, by the way that Ansible goes.
//!
//! `ssh` itself asks: it learns the key before anybody logs in, goes through a bastion as Ansible
//! makes it, and needs no program on the other side. It writes the key into an empty file of its
//! own, so that nothing of the operator's changes.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use futures::{StreamExt as _, stream};

use super::{Key, Seen, file::KnownHosts, last_words, run};
use crate::inventory::Way;

/// For how long a machine may keep everybody waiting: ssh's own ten seconds for each connection.
const PATIENCE: Duration = Duration::from_secs(25);

/// How many machines are asked at the same time; an SSH server turns away more than ten.
const AT_ONCE: usize = 4;

/// Asks all of `ways`, bastions first: those behind one are asked only through a bastion whose key
/// is known, is new, or may change, as `may_change` says. An error is a clause.
pub(crate) async fn all<'a>(
    ways: &BTreeMap<&'a str, &'a Way>,
    known: &KnownHosts,
    may_change: impl Fn(&str) -> bool,
) -> Result<BTreeMap<&'a str, Seen>, String> {
    let folder = tempfile::Builder::new().prefix("gigadb-keys-").tempdir();
    let folder = folder.map_err(|error| format!("a folder for them could not be made: {error}"))?;
    let folder = folder.path();
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    for behind in [false, true] {
        let now = ways.iter().filter(|(_, way)| way.jump.is_some() == behind);
        let trusted = |bastion: &str| trusted(bastion, &seen, known, &may_change);
        let asked = now.map(|(host, way)| {
            let hop = way
                .jump
                .as_ref()
                .map(|jump| trusted(&jump.host))
                .transpose();
            async move {
                let shown = match hop {
                    Ok(hop) => one(host, way, &known.keys(host), hop.as_ref(), folder).await,
                    Err(reason) => Err(reason),
                };
                (
                    *host,
                    Seen::compare(shown, &known.keys(host), known.revoked(host)),
                )
            }
        });
        let asked: Vec<_> = stream::iter(asked.collect::<Vec<_>>())
            .buffered(AT_ONCE)
            .collect()
            .await;
        seen.extend(asked);
    }
    Ok(seen)
}

/// The key by which a bastion is known on the way through it, or why nobody is asked there.
fn trusted(
    bastion: &str,
    seen: &BTreeMap<&str, Seen>,
    known: &KnownHosts,
    may_change: impl Fn(&str) -> bool,
) -> Result<Key, String> {
    match seen.get(bastion) {
        Some(Seen::New(key) | Seen::Same(key)) => Ok(key.clone()),
        Some(Seen::Changed(key)) if may_change(bastion) => Ok(key.clone()),
        Some(Seen::Changed(_)) => Err(format!(
            "its bastion `{bastion}` shows another key than before"
        )),
        Some(Seen::Revoked(_)) => Err(format!(
            "its bastion `{bastion}` shows a key that is marked as revoked"
        )),
        Some(Seen::Silent(_)) => Err(format!("its bastion `{bastion}` showed no key")),
        // Out of scope, or itself: what the file says must do.
        None => known
            .keys(bastion)
            .into_iter()
            .find(|key| !known.revoked(bastion).contains(key))
            .ok_or_else(|| format!("no key of its bastion `{bastion}` is known")),
    }
}

/// Asks one machine. An error is a clause.
async fn one(
    host: &str,
    way: &Way,
    known: &[Key],
    hop: Option<&Key>,
    folder: &Path,
) -> Result<Key, String> {
    let shown = folder.join(host);
    let mut through = Vec::new();
    if let (Some(key), Some(jump)) = (hop, &way.jump) {
        let file = folder.join(format!("{host}.bastion"));
        fs::write(&file, key.line(&jump.host) + "\n")
            .map_err(|error| format!("a file could not be written: {error}"))?;
        through = options(&file, "yes");
    }
    let mut arguments = options(&shown, "accept-new");
    arguments.extend(
        [
            // The key is shown before anybody logs in.
            "-o",
            "PreferredAuthentications=none",
            "-o",
            "HashKnownHosts=no",
            "-o",
            "ControlMaster=no",
            "-o",
            "ControlPath=none",
            "-o",
            "UpdateHostKeys=no",
            "-T",
            "-n",
            "-x",
            "-a",
        ]
        .map(str::to_owned),
    );
    if let Some(order) = algorithms(known) {
        arguments.extend(["-o".to_owned(), format!("HostKeyAlgorithms=^{order}")]);
    }
    arguments.extend(way.options(host, &through));
    arguments.extend(["-l".to_owned(), way.user.clone()]);
    arguments.extend([way.address.to_string(), "true".to_owned()]);
    let output = run("ssh", &arguments, PATIENCE).await?;
    let text = fs::read_to_string(&shown).unwrap_or_default();
    let key = text.lines().find_map(Key::of_line);
    key.ok_or_else(|| last_words(&output.stderr))
}

/// What every connection is told: nobody is asked anything, and this file is the only one.
fn options(file: &Path, check: &str) -> Vec<String> {
    let file = file.display().to_string().replace('%', "%%");
    [
        "BatchMode=yes".to_owned(),
        "ConnectTimeout=10".to_owned(),
        "LogLevel=ERROR".to_owned(),
        "CheckHostIP=no".to_owned(),
        "VerifyHostKeyDNS=no".to_owned(),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        format!("UserKnownHostsFile=\"{file}\""),
        format!("StrictHostKeyChecking={check}"),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect()
}

/// The algorithms of the known keys, which are asked for first: a machine has keys of several
/// kinds, and only one of a known kind can be compared.
fn algorithms(known: &[Key]) -> Option<String> {
    let kinds: Vec<&str> = known
        .iter()
        .map(|key| match key.kind.as_str() {
            "ssh-rsa" => "rsa-sha2-512,rsa-sha2-256",
            kind => kind,
        })
        .collect();
    (!kinds.is_empty()).then(|| kinds.join(","))
}

/// What people compare of a key: its kind and fingerprint.
pub(crate) async fn fingerprint(key: &Key) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    fs::write(file.path(), key.line("host") + "\n").map_err(|error| error.to_string())?;
    let arguments = ["-l", "-f", &file.path().display().to_string()].map(str::to_owned);
    let output = run("ssh-keygen", &arguments, Duration::from_secs(10)).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let hash = text
        .split_whitespace()
        .find(|word| word.starts_with("SHA256:"));
    let hash = hash.ok_or_else(|| last_words(&output.stderr))?;
    Ok(format!("{} {hash}", key.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_known_kind_are_asked_for_first() {
        let key = |kind: &str| Key {
            kind: kind.to_owned(),
            public: "X".to_owned(),
        };
        assert_eq!(algorithms(&[]), None);
        let known = [key("ssh-rsa"), key("ecdsa-sha2-nistp256")];
        assert_eq!(
            algorithms(&known).unwrap(),
            "rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256"
        );
    }
}
