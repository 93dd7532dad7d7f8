//! A file of known hosts: what it says of some hosts, and the same text with other keys for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Key, last_words, run};

/// A file of known hosts, as far as some hosts are concerned.
#[derive(Debug, Default)]
pub(crate) struct KnownHosts {
    text: Vec<u8>,
    /// The keys of each host, with the number of their line, from 0.
    found: BTreeMap<String, Vec<(usize, Key)>>,
    /// The keys that are marked as revoked for each host.
    revoked: BTreeMap<String, Vec<Key>>,
}

impl KnownHosts {
    /// Reads what the file says of `hosts`; a file that is not there says nothing. An error is a
    /// clause.
    ///
    /// `ssh-keygen` looks the names up, because they may be hashed.
    pub(crate) async fn read<'a>(
        file: &Path,
        hosts: impl Iterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.to_string()),
        };
        // A comment may be in any encoding.
        let text = String::from_utf8_lossy(&bytes);
        let mut found = BTreeMap::new();
        let mut revoked = BTreeMap::new();
        for host in hosts {
            let arguments = ["-F", host, "-f", &file.display().to_string()].map(str::to_owned);
            let output = run("ssh-keygen", &arguments, Duration::from_secs(10)).await?;
            // It ends with 1 where it finds nothing.
            if !output.status.success() && !output.stderr.is_empty() {
                return Err(last_words(&output.stderr));
            }
            let said = String::from_utf8_lossy(&output.stdout);
            found.insert(host.to_owned(), keys(&text, &said, Key::of_line));
            let marked = keys(&text, &said, Key::revoked).into_iter();
            revoked.insert(host.to_owned(), marked.map(|(_, key)| key).collect());
        }
        Ok(Self {
            found,
            revoked,
            text: bytes,
        })
    }

    /// The keys that are known of a host.
    pub(crate) fn keys(&self, host: &str) -> Vec<Key> {
        let found = self.found.get(host).into_iter().flatten();
        found.map(|(_, key)| key.clone()).collect()
    }

    /// The keys that nobody who shows them as this host may be believed.
    pub(crate) fn revoked(&self, host: &str) -> &[Key] {
        self.revoked.get(host).map_or(&[], Vec::as_slice)
    }

    /// The text with these keys in place of all others of their hosts. An error names a line that
    /// is about other hosts as well.
    pub(crate) fn with(&self, keys: &BTreeMap<&str, &Key>) -> Result<Vec<u8>, String> {
        let mut gone = BTreeSet::new();
        let lines: Vec<&[u8]> = self.text.split_inclusive(|byte| *byte == b'\n').collect();
        for host in keys.keys() {
            for (number, _) in self.found.get(*host).into_iter().flatten() {
                let line = lines.get(*number).copied().unwrap_or_default();
                let line = String::from_utf8_lossy(line);
                let names = line.split_whitespace().next().unwrap_or_default();
                if names != *host && !names.starts_with('|') {
                    return Err(format!("line {} is about more than `{host}`", number + 1));
                }
                gone.insert(*number);
            }
        }
        let kept = lines.iter().enumerate();
        let kept = kept.filter(|(number, _)| !gone.contains(number));
        let mut text: Vec<u8> = kept.flat_map(|(_, line)| line.iter().copied()).collect();
        if text.last().is_some_and(|byte| *byte != b'\n') {
            text.push(b'\n');
        }
        for (host, key) in keys {
            text.extend(key.line(host).into_bytes());
            text.push(b'\n');
        }
        Ok(text)
    }
}

/// The keys of lines that `ssh-keygen -F` found in the text, with their numbers from 0.
fn keys(text: &str, found: &str, of: fn(&str) -> Option<Key>) -> Vec<(usize, Key)> {
    let lines: Vec<&str> = text.lines().collect();
    found
        .lines()
        .filter(|line| line.starts_with("# Host "))
        .filter_map(|line| line.rsplit_once(" line "))
        .filter_map(|(_, number)| number.split_whitespace().next()?.parse::<usize>().ok())
        .filter_map(|number| {
            let number = number.checked_sub(1)?;
            Some((number, of(lines.get(number)?)?))
        })
        .collect()
}

/// The operator's own file, which ssh reads.
pub(crate) fn usual(home: Option<String>) -> Option<PathBuf> {
    Some(PathBuf::from(home?).join(".ssh/known_hosts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(public: &str) -> Key {
        Key {
            kind: "ssh-ed25519".to_owned(),
            public: public.to_owned(),
        }
    }

    fn file() -> KnownHosts {
        let text =
            "# caf\u{e9}\na ssh-ed25519 OLD\n|1|x|y ssh-ed25519 HASHED\nb,c ssh-ed25519 BOTH\n";
        let found = "# Host a found: line 2 \na ssh-ed25519 OLD\n";
        let hashed = "# Host d found: line 3 \n|1|x|y ssh-ed25519 HASHED\n";
        let both = "# Host b found: line 4 CA\nb,c ssh-ed25519 BOTH\n";
        KnownHosts {
            // The comment is in Latin-1.
            text: text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
            revoked: BTreeMap::new(),
            found: [("a", found), ("d", hashed), ("b", both)]
                .map(|(host, found)| (host.to_owned(), keys(text, found, Key::of_line)))
                .into(),
        }
    }

    #[test]
    fn a_key_takes_the_place_of_its_hosts_own_lines() {
        let new = key("NEW");
        let text = file().with(&[("a", &new), ("d", &new), ("e", &new)].into());
        assert_eq!(
            text.unwrap(),
            b"# caf\xe9\nb,c ssh-ed25519 BOTH\na ssh-ed25519 NEW\nd ssh-ed25519 NEW\n\
             e ssh-ed25519 NEW\n"
        );
        assert_eq!(file().keys("a"), [key("OLD")]);
    }

    #[test]
    fn a_line_about_others_too_is_not_taken_away() {
        let error = file().with(&[("b", &key("NEW"))].into()).unwrap_err();
        assert_eq!(error, "line 4 is about more than `b`");
    }

    #[test]
    fn markers_and_comments_are_no_keys() {
        assert_eq!(Key::of_line("@revoked a ssh-ed25519 X"), None);
        assert_eq!(Key::revoked("@revoked * ssh-ed25519 X"), Some(key("X")));
        assert_eq!(Key::revoked("@cert-authority * ssh-ed25519 X"), None);
        assert_eq!(Key::revoked("a ssh-ed25519 X"), None);
        assert_eq!(Key::of_line("# a comment here"), None);
        assert_eq!(Key::of_line("a ssh-ed25519"), None);
    }
}
