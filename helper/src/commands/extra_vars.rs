//! What Ansible's command line gives a play with `-e`, read as Ansible reads it.

use std::{fs, path::Path};

use saphyr_parser::{Event, Parser};

/// Larger files of variables are not looked into.
const MOST_BYTES: u64 = 1 << 20;
/// Options of one letter that take no value: further letters may follow them.
const FLAGS: &str = "vhKkbCDJ";

/// The value of a variable that `-e` gives: as `NAME=VALUE`, in JSON, in YAML, or in a file (`@FILE`, below the
/// folder that Ansible runs in). A file that cannot be read, or is encrypted, says nothing.
pub(super) fn value(words: &[String], name: &str) -> Option<String> {
    // The last one counts.
    let given = given(words).into_iter().rev();
    given.map(|text| text.trim()).find_map(|text| {
        if let Some(file) = text.strip_prefix('@') {
            in_document(&read(Path::new(file))?, name)
        } else if text.starts_with(['{', '[']) {
            in_document(text, name)
        } else {
            in_pairs(text, name)
        }
    })
}

/// The texts behind `-e`.
fn given(words: &[String]) -> Vec<&str> {
    let mut given = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (option, value) = match long.split_once('=') {
                Some((option, value)) => (option, Some(value)),
                None => (long, None),
            };
            // An option may be shortened, as long as no other begins so.
            if option.starts_with('e') && "extra-vars".starts_with(option) {
                given.extend(value.or_else(|| words.next()));
            }
        } else if let Some(letters) = word.strip_prefix('-') {
            let behind = letters.trim_start_matches(|c| FLAGS.contains(c));
            match behind.strip_prefix('e') {
                Some("") => given.extend(words.next()),
                Some(value) => given.push(value),
                None => {}
            }
        }
    }
    given
}

fn in_pairs(text: &str, name: &str) -> Option<String> {
    let pairs = shlex::split(text)?.into_iter().rev();
    let mut pairs = pairs.filter_map(|word| {
        let (key, value) = word.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    });
    Some(pairs.find(|(key, _)| key == name)?.1)
}

/// The value of an entry of the outermost mapping. Nothing is asked of what it holds.
fn in_document(text: &str, name: &str) -> Option<String> {
    let mut depth = 0;
    // Whether the next scalar of the outermost mapping is a key, and whether it was ours.
    let (mut key, mut ours) = (true, false);
    let mut found = None;
    for event in Parser::new_from_str(text) {
        match event.ok()?.0 {
            Event::Scalar(scalar, ..) if depth == 1 => {
                if key {
                    ours = scalar == name;
                } else if ours {
                    found = Some(scalar.into_owned());
                }
                key = !key;
            }
            Event::Alias(_) if depth == 1 => key = !key,
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                if depth == 1 {
                    key = !key;
                }
            }
            _ => {}
        }
    }
    found
}

fn read(file: &Path) -> Option<String> {
    let known = fs::metadata(file).ok()?;
    let short = known.is_file() && known.len() <= MOST_BYTES;
    fs::read_to_string(file).ok().filter(|_| short)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "gigadb_env";

    fn found(words: &[&str]) -> Option<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        value(&words, NAME)
    }

    #[test]
    fn a_variable_is_read_as_ansible_reads_it() {
        let cases: [(&[&str], Option<&str>); 27] = [
            (&["-e", "gigadb_env=live", "p.yml"], Some("live")),
            (&["-egigadb_env=live"], Some("live")),
            (&["-ve", "gigadb_env=live"], Some("live")),
            (&["-vvbegigadb_env=live"], Some("live")),
            (&["--extra-vars", "gigadb_env=live"], Some("live")),
            (&["--extra-vars='x' gigadb_env='live'"], Some("live")),
            (&["--extra-vars=gigadb_env='live'"], Some("live")),
            (&["--extra", "gigadb_env=live"], Some("live")),
            (&["--e=gigadb_env=live"], Some("live")),
            (&["-e", "a=1 gigadb_env=\"live\""], Some("live")),
            (&["-e", "gigadb_env=\"li\"\"ve\""], Some("live")),
            (&["-e", "msg=\"see gigadb_env=staging here\""], None),
            (
                &["-e", "gigadb_env=live msg=\"see gigadb_env=staging here\""],
                Some("live"),
            ),
            (&["-e", "{\"gigadb_env\":\"live\"}"], Some("live")),
            (
                &["-e", "gigadb_env=live", "-e", "gigadb_env=staging"],
                Some("staging"),
            ),
            (
                &["-e", "gigadb_env=live gigadb_env=staging"],
                Some("staging"),
            ),
            (
                &["-e", "gigadb_env=live", "-e", "backupDate=latest"],
                Some("live"),
            ),
            (&["-e", "{a: [1,2], gigadb_env: live}"], Some("live")),
            (&["-e", "{a: {gigadb_env: live}, b: gigadb_env}"], None),
            (
                &["-e", "{a: {b: c}, gigadb_env: \"a, b: c\"}"],
                Some("a, b: c"),
            ),
            (&["-e", "{\"a\":\"gigadb_env\",\"b\":\"live\"}"], None),
            (&["-e", "gigadb_environment=live", "-e"], None),
            (&["-e", "gigadb_env=\"live"], None),
            (&["-i", "e", "-l", "gigadb_env=live"], None),
            (&["-lgigadb_env=live", "--env", "gigadb_env=live"], None),
            (&["gigadb_env=live"], None),
            (&["-e", "@no-such-file.yml"], None),
        ];
        for (words, expected) in cases {
            assert_eq!(found(words).as_deref(), expected, "{words:?}");
        }
    }

    #[test]
    fn a_file_of_variables_is_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vars.yml");
        let named = format!("@{}", file.display());
        for (text, expected) in [
            ("---\n# theirs\ngigadb_env: staging\n", Some("staging")),
            (
                "a:\n  gigadb_env: x\ngigadb_env: 'live'\nb: [1]\n",
                Some("live"),
            ),
            ("{\"gigadb_env\": \"live\"}", Some("live")),
            ("key: !vault |\n  6162\ngigadb_env: live\n", Some("live")),
            ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", None),
            ("gigadb_env: [\n", None),
            ("", None),
        ] {
            fs::write(&file, text).unwrap();
            let found = found(&["-e", "gigadb_env=other", "-e", &named]);
            assert_eq!(found.as_deref(), expected.or(Some("other")), "{text}");
        }
    }
}
