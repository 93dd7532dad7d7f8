//! A checkout of GigaDB's own repository, held against the guide for Ansible: what is in the way
//! of each step, with file, line and the smallest change.
//!
//! Only files are read, and nothing is run. What looks like nothing that the guide speaks of is
//! passed over.

use std::{fs, io::Read as _, path::Path};

use gigadb_engine::name::Role;

use super::{Check, Verdict};
use crate::inventory::wrapper;

const INVENTORY: &str = "inventory";
const SETTING: &str = "ansible.cfg";
const PROGRAMS: &str = "programs";
const JOBS: &str = "cron jobs";
const DUMPS: &str = "dumps";

/// The name of the older inventory's script.
const OLDER: &str = "terraform-inventory.sh";
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
const PASSED_OVER: [&str; 6] = [
    ".git",
    "node_modules",
    "vendor",
    "target",
    ".terraform",
    "gigadb-roles",
];
const LARGEST: u64 = 1 << 20;
const DEEPEST: usize = 12;

/// One text file of the checkout.
#[derive(Debug)]
struct File {
    /// Its path in the checkout.
    path: String,
    text: String,
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

    fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// Every check of the checkout below `folder`; `configuration` is what `ANSIBLE_CONFIG` names.
pub(crate) fn checks(folder: &Path, configuration: Option<&Path>) -> Vec<Check> {
    let mut files = Vec::new();
    read(folder, folder, 0, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let about = (INVENTORY, &*folder.display().to_string());
    if !files.iter().any(|file| file.path.contains("inventories/")) {
        return vec![Check::failed(
            about,
            "It has no folder `inventories`, so it is no checkout of GigaDB's repository",
            "Name the folder that `git clone` made, with `ops/infrastructure` in it.",
        )];
    }
    let mut checks = inventory(folder, &files);
    checks.extend(setting(folder, &files, configuration));
    for file in &files {
        checks.extend(programs(file));
        checks.extend(jobs(file));
        checks.extend(dumps(file));
    }
    for (area, found) in [
        (PROGRAMS, "No task places or runs a program without a guard"),
        (JOBS, "Every cron job follows the role"),
        (DUMPS, "Nothing restores a dump of a fixed side"),
    ] {
        if !checks.iter().any(|check| check.area == area) {
            checks.push(Check::ok(area, "repository", found));
        }
    }
    checks.sort_by_key(|check| check.verdict == Verdict::Ok);
    checks
}

/// Reads text files that a playbook or a script may be.
fn read(root: &Path, folder: &Path, depth: usize, files: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            if depth < DEEPEST && !PASSED_OVER.contains(&name.as_str()) {
                read(root, &path, depth + 1, files);
            }
            continue;
        }
        let inside = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
        if !is_read(&inside) || fs::metadata(&path).map_or(true, |m| m.len() > LARGEST) {
            continue;
        }
        if let Ok(bytes) = fs::read(&path) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let path = inside.display().to_string();
            files.push(File { path, text });
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

/// Step 4: the inventory directory, and who reads it.
fn inventory(folder: &Path, files: &[File]) -> Vec<Check> {
    let mut checks = Vec::new();
    let sources = || {
        files
            .iter()
            .filter(|file| file.path.contains("inventories/"))
    };
    let wrappers: Vec<&File> = sources()
        .filter(|file| wrapper::is_ours(file.text.as_bytes()))
        .collect();
    let older = sources().find(|file| file.name() == OLDER);
    let older_is_ours = older.is_some_and(|file| wrapper::is_ours(file.text.as_bytes()));
    let inventories = folder_of(files);
    for binary in binaries(&folder.join(&inventories)) {
        checks.push(Check::failed(
            (INVENTORY, &format!("{inventories}/{binary}")),
            "It is the program itself: when it refuses, Ansible reads the binary as YAML and INI, \
             which takes seconds and gigabytes",
            format!(
                "Remove it, then run `gigadb-roles inventory --wrapper {inventories}/{binary}`."
            ),
        ));
    }
    match (older, wrappers.is_empty()) {
        (Some(file), false) if !older_is_ours => checks.push(Check::failed(
            (INVENTORY, &file.path),
            "Ansible would read both inventories, and list each machine twice",
            format!(
                "Take one of the two away: `git mv {0} {0}.orig`.",
                file.path
            ),
        )),
        (Some(file), true) => checks.push(Check::warning(
            (INVENTORY, &file.path),
            "The inventory is still the older one",
            format!(
                "Run `git mv {0} {0}.orig`, then `gigadb-roles inventory --wrapper {0}`: \
                 whatever calls it keeps working.",
                file.path
            ),
        )),
        (_, false) => checks.push(Check::ok(
            INVENTORY,
            &inventories,
            "It runs gigadb-roles by a wrapper",
        )),
        (None, true) => checks.push(Check::failed(
            (INVENTORY, &inventories),
            "It has no inventory program",
            format!("Run `gigadb-roles inventory --wrapper {inventories}/{OLDER}`."),
        )),
    }
    for file in files
        .iter()
        .filter(|file| !file.path.contains("inventories/"))
    {
        let calls: Vec<usize> = file
            .lines()
            .filter(|(_, line)| line.contains(OLDER))
            .map(|(number, _)| number)
            .collect();
        for line in calls {
            checks.extend(caller(file, line, older.is_some()));
        }
    }
    checks
}

/// A script that calls the older inventory by its name.
fn caller(file: &File, line: usize, there: bool) -> Option<Check> {
    let place = file.at(line);
    if !there {
        return Some(Check::failed(
            (INVENTORY, &place),
            format!(
                "It calls `{OLDER}`, which is not there. `set -e` does not see that in a pipe, so \
                 the script goes on with an empty value, and writes it to GitLab"
            ),
            format!(
                "Keep the name: run `gigadb-roles inventory --wrapper \
                 ops/infrastructure/inventories/{OLDER}`."
            ),
        ));
    }
    if !file.lines().any(|(_, line)| line.contains("pipefail")) {
        return Some(Check::warning(
            (INVENTORY, &place),
            "A failing inventory gives an empty value here, and the script goes on with it",
            "Write `set -eo pipefail` at the top of the script, and `jq -er` for `jq -r` here.",
        ));
    }
    let calls = file.lines().find(|(number, _)| *number == line);
    calls.filter(|(_, text)| takes_null(text)).map(|_| {
        Check::warning(
            (INVENTORY, &place),
            "An inventory without this value gives the text `null` here, and the script goes on \
             with it",
            "Write `jq -er` for `jq -r` here.",
        )
    })
}

/// Whether a line asks `jq` for a value without having it fail where there is none.
fn takes_null(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| *word != "jq");
    let mut options = words
        .by_ref()
        .skip(1)
        .take_while(|word| word.starts_with('-'));
    line.split_whitespace().any(|word| word == "jq")
        && !options
            .any(|word| word == "--exit-status" || (!word.starts_with("--") && word.contains('e')))
}

fn folder_of(files: &[File]) -> String {
    let found = files.iter().find_map(|file| {
        let end = file.path.find("inventories/")? + "inventories".len();
        Some(file.path[..end].to_owned())
    });
    found.unwrap_or_else(|| "ops/infrastructure/inventories".to_owned())
}

/// Files in the inventory directory that are binaries, or lead to one.
fn binaries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| is_binary(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn is_binary(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    // ELF, and Mach-O in its four spellings.
    let signs: [[u8; 4]; 4] = [
        *b"\x7fELF",
        [0xcf, 0xfa, 0xed, 0xfe],
        [0xce, 0xfa, 0xed, 0xfe],
        [0xca, 0xfe, 0xba, 0xbe],
    ];
    read.is_ok() && signs.contains(&start)
}

/// Step 3: the setting without which a failed inventory is a success.
fn setting(folder: &Path, files: &[File], configuration: Option<&Path>) -> Vec<Check> {
    let configurations: Vec<&File> = files.iter().filter(|f| f.name() == SETTING).collect();
    let sets = |file: &&&File| {
        let mut lines = file.lines();
        lines.any(|(_, line)| {
            let line: String = line.split_whitespace().collect();
            line.eq_ignore_ascii_case("any_unparsed_is_failed=true")
        })
    };
    let Some(with) = configurations.iter().find(sets) else {
        let place = configurations.first().map_or(SETTING, |file| &file.path);
        return vec![Check::warning(
            (SETTING, place),
            "Nothing sets `any_unparsed_is_failed`: where the inventory fails, a play does \
             nothing and ends with 0",
            "Have an `ansible.cfg` with `[inventory]` and `any_unparsed_is_failed = true`, and \
             name it in ANSIBLE_CONFIG.",
        )];
    };
    let is_named = |file: &File| {
        let named = configuration.and_then(|path| path.canonicalize().ok());
        named.is_some_and(|named| {
            folder
                .join(&file.path)
                .canonicalize()
                .is_ok_and(|own| own == named)
        })
    };
    if with.path.contains("envs/") || is_named(with) {
        return vec![Check::ok(SETTING, &with.path, "A failed inventory fails")];
    }
    vec![Check::warning(
        (SETTING, &with.path),
        "Ansible runs in `envs/<environment>` and does not look for it here",
        format!(
            "Run `export ANSIBLE_CONFIG=$(git rev-parse --show-toplevel)/{}` in the shell that runs \
             Ansible; in a file that is read from another folder, write the whole path.",
            with.path
        ),
    )]
}

/// Step 8: tasks that place or run a program without a guard.
fn programs(file: &File) -> Vec<Check> {
    if !file.is_yaml() {
        return Vec::new();
    }
    let mut checks = Vec::new();
    for (number, line) in file.lines() {
        let Some(program) = GUARDED
            .iter()
            .find(|name| line.contains(&format!("/usr/local/bin/{name}")))
        else {
            continue;
        };
        let trimmed = line.trim_start().trim_start_matches("- ");
        let place = file.at(number);
        if trimmed.starts_with("dest:") || trimmed.contains(" dest=") {
            checks.push(Check::failed(
                (PROGRAMS, &place),
                format!(
                    "This task puts a `{program}` without a guard in the place of `data_sync`'s"
                ),
                "Remove the task once `data_sync` is in use: the role places the program.",
            ));
        } else if !trimmed.starts_with("job:") && !trimmed.starts_with("name:") {
            let (role, other) = match *program {
                "s3backup" => (Role::Production, "the hot standby"),
                _ => (Role::HotStandby, "production"),
            };
            if is_guarded(file, number, role) {
                continue;
            }
            checks.push(Check::warning(
                (PROGRAMS, &place),
                format!("This task runs `{program}` wherever the play runs, {other} too"),
                format!(
                    "Have the role `gigascience.gigadb.role_guard` with `role_guard_role: {}` in \
                     its play.",
                    role.as_str()
                ),
            ));
        }
    }
    checks
}

/// Whether the play that a line belongs to has the guard for this role.
fn is_guarded(file: &File, line: usize, role: Role) -> bool {
    let begins = |(_, text): &(usize, &str)| text.starts_with("- ");
    let before = file.lines().filter(|(number, _)| *number <= line);
    let first = before.filter(begins).last().map_or(1, |(number, _)| number);
    let after = file.lines().skip_while(|(number, _)| *number <= first);
    let play: Vec<&str> = after
        .take_while(|one| !begins(one))
        .map(|(_, text)| text.trim_start().trim_start_matches("- "))
        .collect();
    let wanted = format!("role_guard_role: {}", role.as_str());
    play.iter()
        .any(|text| text.contains("gigascience.gigadb.role_guard"))
        && play.iter().any(|text| text.trim_end() == wanted)
}

/// Step 8: cron jobs that do not follow the role.
fn jobs(file: &File) -> Vec<Check> {
    if !file.is_yaml() {
        return Vec::new();
    }
    let lines: Vec<(usize, &str)> = file.lines().collect();
    let mut checks = Vec::new();
    for (index, (number, line)) in lines.iter().enumerate() {
        let key = line.trim_start().trim_start_matches("- ");
        if !(key.starts_with("cron:") || key.starts_with("ansible.builtin.cron:")) {
            continue;
        }
        let indent = |line: &str| line.len() - line.trim_start().len();
        let own = indent(line);
        let task: Vec<&str> = lines[index + 1..]
            .iter()
            .map(|(_, line)| *line)
            .take_while(|line| line.trim().is_empty() || indent(line) > own)
            .collect();
        let value = |wanted: &str| {
            let mut lines = task.iter();
            lines.find_map(|line| line.trim_start().strip_prefix(wanted))
        };
        let text = task.join("\n");
        let synced = GUARDED.iter().any(|name| text.contains(name));
        if !synced || STATES.iter().any(|state| text.contains(state)) {
            continue;
        }
        let name = value("name:").map_or("A cron job", str::trim);
        checks.push(Check::warning(
            (JOBS, &file.at(*number)),
            format!("{name} is set on both sides, whichever role they have"),
            format!(
                "Remove the task once `data_sync` is in use, or write `state: \"{{{{ {} }}}}\"`.",
                if text.contains("sync_dropbox") {
                    STATES[2]
                } else if text.contains("databaseReset") {
                    STATES[0]
                } else {
                    STATES[1]
                }
            ),
        ));
    }
    checks
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
