//! SSH, as far as the host keys. What the server calls itself is read here; its keys by the
//! system's `ssh-keyscan`, which knows every key exchange that the system's `ssh` does.

use std::{io::ErrorKind, net::SocketAddr, process::Stdio, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use gigadb_engine::answer::{Answer, Answered, HostKey};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::TcpStream,
    process::Command,
    time::Instant,
};

use super::connection::{connect, in_time};

const PROGRAM: &str = "ssh-keyscan";
/// The most that is read of what a server says first, in bytes.
const BANNER_AT_MOST: u64 = 8 * 1024;

/// Reads what the server calls itself, then its host keys.
pub(super) async fn ask(address: SocketAddr, deadline: Instant, limit: Duration) -> Answer {
    let stream = connect(address, deadline, limit).await?;
    let banner = in_time(deadline, limit, "SSH banner", banner(stream)).await??;
    let scanned = in_time(deadline, limit, "host key", scan(address, limit)).await;
    let (keys, no_keys) = match scanned.and_then(|scanned| scanned) {
        Ok(keys) => (keys, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    Ok(Answered::Ssh {
        banner: Some(banner),
        keys,
        no_keys,
    })
}

/// The line that begins with `SSH-`; others may stand before it.
/// <https://www.rfc-editor.org/rfc/rfc4253#section-4.2>
async fn banner(stream: TcpStream) -> Result<String, String> {
    let mut reader = BufReader::new(stream).take(BANNER_AT_MOST);
    loop {
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line).await;
        let read = read.map_err(|error| format!("its banner broke off ({error})"))?;
        if read == 0 {
            return Err("what it answers is not SSH".to_owned());
        }
        let line = String::from_utf8_lossy(&line);
        if line.starts_with("SSH-") {
            return Ok(line.trim_end().to_owned());
        }
    }
}

async fn scan(address: SocketAddr, limit: Duration) -> Result<Vec<HostKey>, String> {
    let seconds = limit.as_secs().max(1).to_string();
    let output = Command::new(PROGRAM)
        .args(["-T", &seconds, "-p", &address.port().to_string()])
        .args(["-t", "ed25519,ecdsa,rsa", "--"])
        .arg(address.ip().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("`{PROGRAM}` is not installed"),
            _ => format!("`{PROGRAM}` did not run ({error})"),
        })?;
    let keys = keys(&String::from_utf8_lossy(&output.stdout));
    if keys.is_empty() {
        return Err(format!("`{PROGRAM}` read none"));
    }
    Ok(keys)
}

/// The keys in what `ssh-keyscan` prints: lines of address, type and key.
fn keys(text: &str) -> Vec<HostKey> {
    let mut keys: Vec<HostKey> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (kind, key) = (words.next()?, words.next()?);
            let digest = Sha256::digest(STANDARD.decode(key).ok()?);
            Some(HostKey {
                kind: kind.to_owned(),
                fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)),
            })
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        // What `ssh-keygen -lf` says of this key.
        let text = "# 127.0.0.1:22 SSH-2.0-OpenSSH_9.2\n\
            [127.0.0.1]:22 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHQrfWnQOxl3GC7cMkWNod2N2IAzEPsZFvczVx768lp+\n\
            nonsense\n127.0.0.1 ssh-rsa !!!\n";
        let found = keys(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kind, "ssh-ed25519");
        assert_eq!(
            found[0].fingerprint,
            "SHA256:d0JELetWWbFgTGIlSij3/wn33NmvorkjWWc/J1iTXM4"
        );
    }
}
