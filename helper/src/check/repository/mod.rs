//! A checkout of GigaDB's own repository, held against the guide for Ansible: what is in the way
//! of each step, with file, line and the smallest change.
//!
//! Only files are read, and nothing is run. What looks like nothing that the guide speaks of is
//! passed over; what could not be read is neither right nor wrong.

mod arguments;
mod guards;
mod plays;
mod setting;
mod shell;
mod sources;
mod yaml;

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use super::{Check, Verdict};

const INVENTORY: &str = "inventory";
const PROGRAMS: &str = "programs";
const JOBS: &str = "cron jobs";
const DUMPS: &str = "dumps";
const FILES: &str = "files";

/// The programs that `data_sync` puts in place, with a guard, and what they are called.
const GUARDED: [&str; 3] = ["databaseReset", "s3backup", "sync_dropbox"];
/// Variables that follow the role.
const STATES: [&str; 3] = [
    "reset_database_cronjob_state",
    "upload_database_backup_to_S3_cronjob_state",
    "sync_dropboxes_cronjob_state",
];
/// What a dump of one side is called, whoever is production.
const FIXED_DUMP: &str = "gigadb_gigascience-upstream-";

/// Folders that hold nothing of ours, or too much of others.
const PASSED_OVER: [&str; 7] = [
    ".git",
    "node_modules",
    "vendor",
    "target",
    ".terraform",
    "gigadb-roles",
    "ansible_collections",
];
const LARGEST: u64 = 1 << 20;
const DEEPEST: usize = 12;

/// One text file of the checkout.
#[derive(Debug)]
struct File {
    /// Its path in the checkout.
    path: String,
    text: String,
    /// Whether somebody may run it.
    runs: bool,
}

/// What a checkout holds of what the guide speaks of.
#[derive(Debug, Default)]
struct Found {
    files: Vec<File>,
    /// What could not be read, and why.
    unread: Vec<(String, String)>,
}

impl File {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_yaml(&self) -> bool {
        let extension = Path::new(&self.path).extension();
        extension.is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
    }

    /// Lines that are no comment, with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with('#'))
    }

    fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// Every check of the checkout below `folder`; `configuration` is what `ANSIBLE_CONFIG` names.
pub(crate) fn checks(folder: &Path, configuration: Option<&Path>) -> Vec<Check> {
    let mut found = Found::default();
    read(folder, folder, 0, &mut found);
    let Found { mut files, unread } = found;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let about = (INVENTORY, &*folder.display().to_string());
    let clone = "Name the folder that `git clone` made, with `ops/infrastructure` in it.";
    if let Some((_, reason)) = unread.iter().find(|(path, _)| path.is_empty()) {
        let found = format!("It could not be read: {reason}");
        return vec![Check::failed(about, found, clone)];
    }
    let Some(inventories) = sources::folder(folder, &files) else {
        return vec![Check::failed(
            about,
            "It has no folder `inventories`, so it is no checkout of GigaDB's repository",
            clone,
        )];
    };
    let mut checks: Vec<Check> = unread
        .iter()
        .map(|(path, reason)| {
            Check::not_checked(
                (FILES, path),
                format!("It could not be read: {reason}"),
                "Have this user read it, then check again.",
            )
        })
        .collect();
    checks.extend(sources::checks(folder, &inventories, &files));
    checks.extend(setting::checks(folder, &inventories, &files, configuration));
    checks.extend(plays::checks(&files));
    for file in &files {
        checks.extend(dumps(file));
    }
    for (area, found) in [
        (PROGRAMS, "No task places or runs a program without a guard"),
        (JOBS, "Every cron job follows the role"),
        (DUMPS, "Nothing restores a dump of a fixed side"),
    ] {
        if checks.iter().any(|check| check.area == area) {
            continue;
        }
        checks.push(if unread.is_empty() {
            Check::ok(area, "repository", found)
        } else {
            Check::not_checked(
                (area, "repository"),
                "Not all of its files could be read, and the others are in order",
                "Have this user read them, then check again.",
            )
        });
    }
    checks.sort_by_key(|check| check.verdict == Verdict::Ok);
    checks
}

/// Reads text files that a playbook or a script may be.
fn read(root: &Path, folder: &Path, depth: usize, found: &mut Found) {
    let inside = |path: &Path| {
        let inside = path.strip_prefix(root).unwrap_or(path);
        inside.display().to_string()
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return found.unread.push((inside(folder), error.to_string())),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return found.unread.push((inside(folder), error.to_string())),
        };
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth < DEEPEST && !PASSED_OVER.contains(&name.as_str()) {
                read(root, &path, depth + 1, found);
            }
            continue;
        }
        if !is_read(&path) {
            continue;
        }
        // A link that leads nowhere is no file; nothing else than a file is opened: a pipe would
        // be waited for.
        let bytes = match fs::metadata(&path) {
            Ok(data) if !data.is_file() || data.len() > LARGEST => continue,
            Ok(data) => {
                let runs = data.permissions().mode() & 0o111 != 0;
                fs::read(&path).map(|bytes| (bytes, runs))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(error),
        };
        match bytes {
            Ok((bytes, runs)) => found.files.push(File {
                path: inside(&path),
                text: String::from_utf8_lossy(&bytes).into_owned(),
                runs,
            }),
            Err(error) => found.unread.push((inside(&path), error.to_string())),
        }
    }
}

fn is_read(path: &Path) -> bool {
    let in_inventories = path
        .parent()
        .is_some_and(|folder| folder.ends_with("inventories"));
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    in_inventories || matches!(extension, "sh" | "yml" | "yaml" | "cfg" | "j2" | "sql")
}

/// Who reads dumps by the name of a fixed side.
fn dumps(file: &File) -> Vec<Check> {
    let reads = file
        .lines()
        .filter(|(_, line)| line.contains(FIXED_DUMP) && line.contains("_live"));
    reads
        .map(|(number, _)| {
            Check::warning(
                (DUMPS, &file.at(number)),
                "It names the dumps of one side, whoever is production: after a swap they are old",
                "Take the name from the host variable `backup_source_project_string`, or use \
                 `databaseReset` of `data_sync`.",
            )
        })
        .collect()
}
