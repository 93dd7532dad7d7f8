//! Step 3 of the guide: the setting without which a failed inventory is a success, as Ansible
//! reads its configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use super::{Check, File};

const SETTING: &str = "ansible.cfg";
const WRITE: &str = "Have an `ansible.cfg` with `[inventory]` and `any_unparsed_is_failed = true`, \
                     and name it in ANSIBLE_CONFIG.";
/// Ansible's words for true.
const TRUE: [&str; 6] = ["y", "yes", "on", "1", "true", "t"];

/// What holds in each environment's folder, or where `named`, the value of `ANSIBLE_CONFIG`, leads.
pub(super) fn checks(
    root: &Path,
    inventories: &str,
    files: &[File],
    named: Option<&Path>,
) -> Vec<Check> {
    let nothing = "Nothing sets `any_unparsed_is_failed`: where the inventory fails, a play does \
                   nothing and ends with 0";
    // Ansible passes over a name that leads nowhere.
    let named = named.map(|path| {
        if path.is_dir() {
            path.join(SETTING)
        } else {
            path.to_owned()
        }
    });
    if let Some(path) = named.filter(|path| path.is_file()) {
        let path = path.canonicalize().unwrap_or(path);
        let inside = root.canonicalize().ok();
        let inside = inside.and_then(|root| path.strip_prefix(root).ok().map(Path::to_owned));
        let place = inside.as_ref().unwrap_or(&path).display().to_string();
        return vec![match fs::read_to_string(&path) {
            Ok(text) if sets(&text) => Check::ok(SETTING, &place, "A failed inventory fails"),
            Ok(_) => Check::warning(
                (SETTING, &place),
                "ANSIBLE_CONFIG names it, and it does not set `any_unparsed_is_failed`: where the \
                 inventory fails, a play does nothing and ends with 0",
                "Write `any_unparsed_is_failed = true` below `[inventory]` in it.",
            ),
            Err(error) => Check::not_checked(
                (SETTING, &place),
                format!("ANSIBLE_CONFIG names it, and it could not be read: {error}"),
                "Have this user read it, then check again.",
            ),
        }];
    }
    let configurations: Vec<&File> = files.iter().filter(|f| f.name() == SETTING).collect();
    let folder_of = |file: &File| {
        file.path
            .rsplit_once('/')
            .map(|(folder, _)| folder.to_owned())
    };
    // Ansible runs in one folder for each environment.
    let above = inventories.rsplit_once('/').map_or("", |(above, _)| above);
    let envs = if above.is_empty() {
        "envs".to_owned()
    } else {
        format!("{above}/envs")
    };
    let entries = fs::read_dir(root.join(&envs))
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: BTreeSet<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{envs}/{}", entry.file_name().to_string_lossy()))
        .collect();
    let in_envs = configurations.iter().filter_map(|file| folder_of(file));
    folders.extend(in_envs.filter(|folder| {
        let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
        above.rsplit('/').next() == Some("envs")
    }));
    let (with, without): (Vec<&String>, Vec<&String>) = folders.iter().partition(|folder| {
        let own = configurations
            .iter()
            .find(|file| folder_of(file).as_ref() == Some(folder));
        own.is_some_and(|file| sets(&file.text))
    });
    if let Some(folder) = folders.iter().find(|folder| {
        let mode = fs::metadata(root.join(folder)).map_or(0, |data| data.permissions().mode());
        with.contains(folder) && mode & 0o002 != 0
    }) {
        return vec![Check::warning(
            (SETTING, &format!("{folder}/{SETTING}")),
            "Everybody may write in its folder, and Ansible passes over it there",
            format!("Run `chmod o-w {folder}`."),
        )];
    }
    if !with.is_empty() {
        return vec![if without.is_empty() {
            let names: Vec<String> = with.iter().map(|f| format!("{f}/{SETTING}")).collect();
            Check::ok(SETTING, &names.join(", "), "A failed inventory fails")
        } else {
            let names: Vec<&str> = without.iter().map(|folder| folder.as_str()).collect();
            Check::warning(
                (SETTING, &names.join(", ")),
                "Nothing sets `any_unparsed_is_failed` here: where the inventory fails, a play \
                 does nothing and ends with 0",
                WRITE,
            )
        }];
    }
    let Some(elsewhere) = configurations.iter().find(|file| sets(&file.text)) else {
        let place = configurations.first().map_or(SETTING, |file| &file.path);
        return vec![Check::warning((SETTING, place), nothing, WRITE)];
    };
    vec![Check::warning(
        (SETTING, &elsewhere.path),
        "Ansible runs in `envs/<environment>` and does not look for it here",
        format!(
            "Run `export ANSIBLE_CONFIG=$(git rev-parse --show-toplevel)/{}` in the shell that runs \
             Ansible; in a file that is read from another folder, write the whole path.",
            elsewhere.path
        ),
    )]
}

/// Whether a failed inventory fails under this configuration.
fn sets(text: &str) -> bool {
    let Some(sections) = sections(text) else {
        return false;
    };
    let Some(own) = sections.get("inventory") else {
        return false;
    };
    let key = "any_unparsed_is_failed";
    let all = sections.get("DEFAULT");
    let value = own.get(key).or_else(|| all.and_then(|all| all.get(key)));
    value.is_some_and(|value| TRUE.contains(&value.to_ascii_lowercase().as_str()))
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// The sections as Python's `configparser` reads them for Ansible; nothing where it refuses the
/// file. <https://docs.python.org/3/library/configparser.html#supported-ini-file-structure>
fn sections(text: &str) -> Option<Sections> {
    let mut sections = Sections::new();
    let mut section: Option<String> = None;
    // The key that a line may go on with, and how far it was indented.
    let mut last: Option<(String, usize)> = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let mut line = line;
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        // `;` begins a comment after a blank, `#` does not.
        let comment = line.match_indices(';').find(|(at, _)| {
            let before = line[..*at].chars().next_back();
            before.is_none_or(char::is_whitespace)
        });
        if let Some((at, _)) = comment {
            line = &line[..at];
        }
        let content = line.trim();
        if content.is_empty() {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if let (Some(section), Some((key, own))) = (&section, &last)
            && indent > *own
        {
            let value = sections.get_mut(section)?.get_mut(key)?;
            value.push('\n');
            value.push_str(content);
            continue;
        }
        last = None;
        if let Some(name) = content
            .strip_prefix('[')
            .and_then(|c| Some(c.rsplit_once(']')?.0))
        {
            if name != "DEFAULT" && sections.contains_key(name) {
                return None;
            }
            sections.entry(name.to_owned()).or_default();
            section = Some(name.to_owned());
            continue;
        }
        let (key, value) = content.split_once(['=', ':'])?;
        let key = key.trim().to_lowercase();
        let own = sections.get_mut(section.as_ref()?)?;
        if own.insert(key.clone(), value.trim().to_owned()).is_some() {
            return None;
        }
        last = Some((key, indent));
    }
    Some(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as `ansible-config dump --only-changed` says it of ansible-core 2.18.
    #[test]
    fn the_setting_is_read_as_ansible_reads_it() {
        for (text, expected) in [
            ("[inventory]\nany_unparsed_is_failed = true\n", true),
            ("[inventory]\r\nany_unparsed_is_failed=True\r\n", true),
            ("[inventory]\nAny_Unparsed_Is_Failed: yes\n", true),
            ("[inventory]\nany_unparsed_is_failed = on\n", true),
            (
                "[inventory]\nany_unparsed_is_failed = 1 ; as the guide\n",
                true,
            ),
            ("[inventory]\n  any_unparsed_is_failed = t\n", true),
            (
                "[inventory]\nhost_pattern_mismatch = error\n\nany_unparsed_is_failed = y\n",
                true,
            ),
            (
                "[DEFAULT]\nany_unparsed_is_failed = true\n[inventory]\n",
                true,
            ),
            ("[inventory]\nany_unparsed_is_failed = false\n", false),
            (
                "[inventory]\nany_unparsed_is_failed = true # as the guide\n",
                false,
            ),
            ("[inventory]\n#any_unparsed_is_failed = true\n", false),
            ("[inventory]\n;any_unparsed_is_failed = true\n", false),
            ("[inventory]\nunparsed_is_failed = true\n", false),
            (
                "[inventory]\nenable_plugins = ini\n  any_unparsed_is_failed = true\n",
                false,
            ),
            ("[defaults]\nany_unparsed_is_failed = true\n", false),
            ("[Inventory]\nany_unparsed_is_failed = true\n", false),
            (
                "[inventory]\n[defaults]\nany_unparsed_is_failed = true\n",
                false,
            ),
            ("any_unparsed_is_failed = true\n", false),
            ("", false),
        ] {
            assert_eq!(sets(text), expected, "{text:?}");
        }
    }
}
