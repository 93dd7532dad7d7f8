//! The shared files, read as boto3 and the AWS command line read them, and given to the SDK in the
//! one spelling that it understands.
//!
//! What differs: keys that are indented, `:` for `=`, names of profiles in quotes or with blanks, a
//! file that is not there, sections and keys that are there twice. The rules are those of Python's
//! `configparser`.
//! <https://docs.python.org/3/library/configparser.html#supported-ini-file-structure>

use std::{
    fmt::Write as _,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use aws_config::profile::{self, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use super::Ec2;
use crate::http::{chain, tidy};

/// Keys whose value is the name of another section.
const NAMES: [&str; 3] = ["source_profile", "services", "sso_session"];

/// The section whose entries every other one has, unless it has its own.
const DEFAULTS: &str = "DEFAULT";
/// The kinds of sections with a name of their own in `config`.
const KINDS: [&str; 3] = ["profile", "services", "sso-session"];

/// Why there is nothing to read, as a clause.
const NO_FILES: &str = "`HOME` is not set, and neither `AWS_CONFIG_FILE` nor \
                        `AWS_SHARED_CREDENTIALS_FILE` names a file";

/// The shared files, and what they say.
pub(super) struct Files {
    /// In the SDK's spelling.
    pub(super) files: EnvConfigFiles,
    pub(super) profiles: ProfileSet,
}

/// A shared file that cannot be read, as a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

impl Ec2 {
    /// The shared files: the given ones, else those in the home folder. A file that is not there is
    /// empty.
    pub(super) async fn files(&self) -> Result<Files, Unreadable> {
        let home = |name: &str| {
            let home = self.settings.home.as_ref()?;
            Some(home.join(".aws").join(name))
        };
        let settings = &self.settings;
        let named = [
            &settings.shared_config_files,
            &settings.shared_credentials_files,
        ];
        // The SDK panics where there is not one file.
        if settings.home.is_none() && named.iter().all(|files| files.is_empty()) {
            return Err(Unreadable(NO_FILES.to_owned()));
        }
        let mut builder = EnvConfigFiles::builder();
        let kinds = [
            (Kind::Config, &self.settings.shared_config_files, "config"),
            (
                Kind::Credentials,
                &self.settings.shared_credentials_files,
                "credentials",
            ),
        ];
        for (kind, given, name) in kinds {
            let default: Vec<PathBuf> = home(name).into_iter().collect();
            let files = if given.is_empty() { &default } else { given };
            for file in files {
                builder = builder.with_contents(kind.sdk(), read(kind, file)?);
            }
        }
        let files = builder.build();
        let profiles = profile::load(&Fs::real(), &Env::real(), &files, None)
            .await
            .map_err(|error| {
                Unreadable(format!(
                    "they cannot be read: {}",
                    tidy(&chain(&error), &[])
                ))
            })?;
        Ok(Files { files, profiles })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Config,
    Credentials,
}

impl Kind {
    fn sdk(self) -> EnvConfigFileKind {
        match self {
            Self::Config => EnvConfigFileKind::Config,
            Self::Credentials => EnvConfigFileKind::Credentials,
        }
    }
}

fn read(kind: Kind, file: &Path) -> Result<String, Unreadable> {
    let refuse = |why: String| Unreadable(format!("`{}` {why}", file.display()));
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
            return Ok(String::new());
        }
        Err(error) => return Err(refuse(format!("could not be read: {error}"))),
    };
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8 text".to_owned()))?;
    let sections = parse(&text)
        .map_err(|(line, why)| Unreadable(format!("`{}`, line {line}: {why}", file.display())))?;
    Ok(spelt(kind, &sections))
}

#[derive(Debug, PartialEq, Eq)]
struct Section {
    name: String,
    /// The line that it begins in.
    line: usize,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: String,
    /// The line that it begins in.
    line: usize,
    values: Vec<String>,
}

/// The sections of a file, as `configparser` reads them; or the line that it does not take.
fn parse(text: &str) -> Result<Vec<Section>, (usize, String)> {
    let mut sections: Vec<Section> = Vec::new();
    // How far the last key was indented: what is indented deeper goes on with its value.
    let mut indent = 0;
    if text.starts_with('\u{feff}') {
        return Err((
            1,
            "it begins with a byte order mark; save the file without one".to_owned(),
        ));
    }
    // Python takes any kind of line end.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        let here = line.len() - line.trim_start().len();
        let last = sections
            .last_mut()
            .and_then(|section| section.entries.last_mut());
        if let Some(last) = last
            && here > indent
        {
            goes_on(last, trimmed).map_err(|why| (number, why))?;
            continue;
        }
        indent = here;
        if let Some(rest) = trimmed.strip_prefix('[') {
            let section = section(rest, number, &sections).map_err(|why| (number, why))?;
            sections.push(section);
            continue;
        }
        let Some(section) = sections.last_mut() else {
            return Err((
                number,
                "there is no section like `[profile NAME]` above it".to_owned(),
            ));
        };
        let entry = entry(trimmed, number, section).map_err(|why| (number, why))?;
        section.entries.push(entry);
    }
    Ok(with_defaults(sections))
}

fn goes_on(entry: &mut Entry, text: &str) -> Result<(), String> {
    let nested = entry.values.first().is_some_and(String::is_empty);
    if nested && !text.contains('=') {
        return Err(format!(
            "it is indented below the key of line {}, which has no value, and is no `key = value`: write a value behind its key",
            entry.line
        ));
    }
    entry.values.push(text.to_owned());
    Ok(())
}

fn section(rest: &str, line: usize, sections: &[Section]) -> Result<Section, String> {
    let Some((name, _)) = rest.rsplit_once(']') else {
        return Err("a section's name has no `]`".to_owned());
    };
    if name.is_empty() {
        return Err("a section has no name".to_owned());
    }
    // Which of the two is meant nobody can tell: the wrong one may be another account.
    if let Some(first) = sections.iter().find(|one| one.name == name)
        && name != DEFAULTS
    {
        return Err(format!(
            "a section of the same name is in line {}: keep one of the two",
            first.line
        ));
    }
    Ok(Section {
        name: name.to_owned(),
        line,
        entries: Vec::new(),
    })
}

fn entry(text: &str, line: usize, section: &Section) -> Result<Entry, String> {
    let Some((key, value)) = text.split_once(['=', ':']) else {
        return Err("it is neither `key = value` nor a section like `[profile NAME]`".to_owned());
    };
    let key = key.trim().to_lowercase();
    if key.is_empty() {
        return Err("there is no key before the `=`".to_owned());
    }
    if let Some(first) = section.entries.iter().find(|one| one.key == key) {
        return Err(format!(
            "its key is in line {} as well, in the same section: keep one of the two",
            first.line
        ));
    }
    Ok(Entry {
        key,
        line,
        values: vec![value.trim().to_owned()],
    })
}

/// The sections with what `[DEFAULT]` gives to all of them.
fn with_defaults(sections: Vec<Section>) -> Vec<Section> {
    let (defaults, mut sections): (Vec<_>, Vec<_>) =
        sections.into_iter().partition(|one| one.name == DEFAULTS);
    for default in defaults.into_iter().flat_map(|section| section.entries) {
        for section in &mut sections {
            if section.entries.iter().all(|one| one.key != default.key) {
                section.entries.push(default.clone());
            }
        }
    }
    sections
}

/// The sections in the SDK's spelling.
fn spelt(kind: Kind, sections: &[Section]) -> String {
    let mut text = String::new();
    let headers: Vec<_> = sections
        .iter()
        .map(|section| header(kind, &section.name))
        .collect();
    for (index, section) in sections.iter().enumerate() {
        let Some(name) = &headers[index] else {
            continue;
        };
        // Of two spellings of one name, such as with quotes and without, the last is taken.
        if headers[index + 1..].contains(&headers[index]) {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "[{name}]");
        for Entry { key, values, .. } in &section.entries {
            let value = match values.as_slice() {
                [only] if NAMES.contains(&key.as_str()) => vec![spelling(only)],
                values => values.to_vec(),
            };
            let _ = writeln!(text, "{key} = {}", value.first().map_or("", String::as_str));
            for more in &value[1.min(value.len())..] {
                let _ = writeln!(text, "  {more}");
            }
        }
    }
    text
}

/// The section's name for the SDK; `None` for one that is no profile to boto3.
fn header(kind: Kind, name: &str) -> Option<String> {
    if kind == Kind::Credentials {
        return Some(spelling(name));
    }
    if name == "default" {
        return Some("profile default".to_owned());
    }
    let (word, rest) = name.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    if rest.is_empty() || !KINDS.contains(&word) {
        return None;
    }
    let quoted = ['"', '\'']
        .iter()
        .find_map(|quote| rest.strip_prefix(*quote)?.strip_suffix(*quote));
    let rest = match quoted {
        Some(inside) => inside,
        // Two words without quotes are no name to boto3.
        None if rest.contains(char::is_whitespace) => return None,
        None => rest,
    };
    Some(format!("{word} {}", spelling(rest)))
}

/// A profile's name as the SDK takes it: what it does not take is written as `%` and its bytes in
/// hexadecimal.
pub(super) fn spelling(name: &str) -> String {
    let taken = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.@:+".contains(&byte);
    if name.bytes().all(taken) {
        return name.to_owned();
    }
    let mut text = String::new();
    for byte in name.bytes() {
        if taken(byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The name that was spelt so; other texts stay as they are.
pub(super) fn unspelt(name: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let text = String::from_utf8(bytes).ok();
    text.filter(|text| spelling(text) == name)
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> String {
        spelt(Kind::Config, &parse(text).unwrap())
    }

    #[test]
    fn files_are_read_as_boto3_reads_them() {
        for (text, sdk) in [
            ("[profile a]\nregion = x\n", "[profile a]\nregion = x\n"),
            (
                "[profile a]\n   region = x\n   output = y\n",
                "[profile a]\nregion = x\noutput = y\n",
            ),
            (
                "[profile a]\r\n\tRegion: x\r\n",
                "[profile a]\nregion = x\n",
            ),
            ("  [profile a]\n  region = x\n", "[profile a]\nregion = x\n"),
            (
                "[profile \"Up stream.hk\"]\nregion=x\n",
                "[profile Up%20stream.hk]\nregion = x\n",
            ),
            ("[profile 'a']\nregion=x\n", "[profile a]\nregion = x\n"),
            (
                "[profile a]\nsource_profile = Up stream\n",
                "[profile a]\nsource_profile = Up%20stream\n",
            ),
            (
                "[profile a]\ns3 =\n  max = 1\n  min = 2\nregion = x\n",
                "[profile a]\ns3 = \n  max = 1\n  min = 2\nregion = x\n",
            ),
            (
                "[services s]\nec2 =\n  endpoint_url = http://x\n",
                "[services s]\nec2 = \n  endpoint_url = http://x\n",
            ),
            (
                "# a\n; b\n\n[default]\nregion = x # no comment\n",
                "[profile default]\nregion = x # no comment\n",
            ),
            ("[profile a]\rregion = x\r", "[profile a]\nregion = x\n"),
            (
                "[DEFAULT]\nregion = x\noutput = y\n[profile a]\nregion = z\n[DEFAULT]\nca_bundle = c\n",
                "[profile a]\nregion = z\noutput = y\nca_bundle = c\n",
            ),
            // The last spelling of one name counts, with nothing of the first.
            (
                "[profile a]\nregion = x\noutput = y\n[profile 'a']\nregion = z\n",
                "[profile a]\nregion = z\n",
            ),
            (
                "[default]\nregion = x\n[profile default]\noutput = y\n",
                "[profile default]\noutput = y\n",
            ),
            (
                "[ profile a ]\nregion = x\n[default ]\nregion = y\n[other a]\nx = y\n",
                "",
            ),
            ("[a]\nregion = x\n[profile a b]\nregion = y\n", ""),
            (
                "[profile a]\n[profile b]\nx = a=b:c\n",
                "[profile a]\n[profile b]\nx = a=b:c\n",
            ),
            ("", ""),
        ] {
            assert_eq!(config(text), sdk, "{text}");
        }
        let credentials = parse("[Up stream]\n aws_access_key_id = A\n").unwrap();
        let credentials = spelt(Kind::Credentials, &credentials);
        assert_eq!(credentials, "[Up%20stream]\naws_access_key_id = A\n");
        let blank = parse("[ Upstream ]\naws_access_key_id = A\n").unwrap();
        let blank = spelt(Kind::Credentials, &blank);
        assert_eq!(blank, "[%20Upstream%20]\naws_access_key_id = A\n");
    }

    #[test]
    fn a_line_that_boto3_does_not_take_is_named() {
        let why = |text: &str| parse(text).unwrap_err();
        assert_eq!(why("region = x\n").0, 1);
        assert_eq!(why("[profile a]\nregion\n").0, 2);
        assert_eq!(why("[profile a]\n\n[profile b\n").0, 3);
        assert_eq!(why("[profile a]\n= x\n").0, 2);
        assert_eq!(why("\u{feff}[profile a]\n").0, 1);
        assert_eq!(why("[profile a]\rregion\r").0, 2);
        assert_eq!(why("[profile a]\n[]\n").0, 2);
        for (text, line, told) in [
            ("[a]\nx = 1\n\n[b]\n[a]\n", 5, "in line 1"),
            ("[profile a]\nx = 1\n[profile a]\nx = 1\n", 3, "in line 1"),
            ("[a]\nX = 1\ny = 2\nx: 1\n", 4, "in line 2"),
            ("[DEFAULT]\nx = 1\nx = 2\n", 3, "in line 2"),
            ("[a]\naws_access_key_id =\n   planted\n", 3, "of line 2"),
            ("[a]\ns3 =\n  x = 1\n  planted\n", 4, "of line 2"),
        ] {
            let (number, why) = why(text);
            assert_eq!(number, line, "{text}: {why}");
            assert!(
                why.contains(told) && !why.contains("planted"),
                "{text}: {why}"
            );
        }
        // A secret that stands where a key should is not told.
        assert!(!why("[profile a]\nplanted\n").1.contains("planted"));
    }

    #[test]
    fn names_are_found_again() {
        for name in [
            "Upstream",
            "Up stream.hk",
            "a%20b",
            "ü",
            "a/b@c:d+e",
            "100% x",
        ] {
            assert_eq!(unspelt(&spelling(name)), name, "{name}");
        }
    }
}
