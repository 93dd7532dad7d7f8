//! Step 4 of the guide: the inventory directory, and who reads it.

use std::{fs, io::Read as _, os::unix::fs::PermissionsExt as _, path::Path};

use super::{
    Check, File, INVENTORY,
    shell::{self, Command, Does},
};
use crate::inventory::wrapper;

/// The name of the older inventory's script.
const OLDER: &str = "terraform-inventory.sh";
/// Where GigaDB's repository has its inventory.
const USUAL: &str = "ops/infrastructure/inventories";
/// What Ansible passes over in an inventory directory.
const IGNORED: [&str; 13] = [
    ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg",
    ".retry",
];

/// The inventory directory: the usual one, else the first of that name, one with an inventory
/// before the others.
pub(super) fn folder(root: &Path, files: &[File]) -> Option<String> {
    if root.join(USUAL).is_dir() {
        return Some(USUAL.to_owned());
    }
    let of = |file: &File| {
        let mut end = 0;
        file.path.split_inclusive('/').find_map(|part| {
            end += part.len();
            (part == "inventories/").then(|| file.path[..end - 1].to_owned())
        })
    };
    let holds = |file: &&File| {
        matches!(file.name(), OLDER | "hosts") || is_source(file) || wrapper::is_ours(file.bytes())
    };
    let with = files.iter().filter(holds).find_map(of);
    with.or_else(|| files.iter().find_map(of))
}

/// Whether Ansible's plugin of the collection reads it.
fn is_source(file: &File) -> bool {
    let name = file.name();
    let named = [".yml", ".yaml"].iter().any(|end| {
        let start = name.strip_suffix(end);
        start.is_some_and(|start| start == "gigadb" || start.ends_with(".gigadb"))
    });
    let is = |(_, line): (usize, &str)| {
        let value = line.strip_prefix("plugin:").map(value);
        value.is_some_and(|value| value == "gigascience.gigadb.gigadb")
    };
    named && file.lines().any(is)
}

/// A plain value of YAML, without its comment and quotes.
fn value(text: &str) -> &str {
    let text = text.split(" #").next().unwrap_or_default().trim();
    text.trim_matches(['"', '\''])
}

/// What is in the inventory directory, then who calls it.
pub(super) fn checks(root: &Path, inventories: &str, files: &[File]) -> Vec<Check> {
    let inside = |file: &&File| {
        let rest = file.path.strip_prefix(inventories);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let read: Vec<&File> = files
        .iter()
        .filter(inside)
        .filter(|file| !IGNORED.iter().any(|end| file.name().ends_with(end)))
        .collect();
    let mut checks = Vec::new();
    for binary in binaries(&root.join(inventories)) {
        checks.push(Check::failed(
            (INVENTORY, &format!("{inventories}/{binary}")),
            "It is the program itself: when it refuses, Ansible reads the binary as YAML and INI, \
             which takes seconds and gigabytes",
            format!(
                "Remove it, then run `gigadb-roles inventory --wrapper {inventories}/{binary}`."
            ),
        ));
    }
    let older = read.iter().copied().find(|file| file.name() == OLDER);
    let is_ours = |file: &&File| is_source(file) || wrapper::is_ours(file.bytes());
    let ours: Vec<&File> = read.iter().copied().filter(is_ours).collect();
    match older.filter(|file| !wrapper::is_ours(file.bytes())) {
        Some(file) if ours.is_empty() => checks.push(Check::warning(
            (INVENTORY, &file.path),
            "The inventory is still the older one",
            format!(
                "Run `git mv {0} {0}.orig`, then `gigadb-roles inventory --wrapper {0}`: \
                 whatever calls it keeps working.",
                file.path
            ),
        )),
        Some(file) => checks.push(Check::failed(
            (INVENTORY, &file.path),
            "Ansible would read both inventories, and list each machine twice",
            format!(
                "Take one of the two away: `git mv {0} {0}.orig`.",
                file.path
            ),
        )),
        None if ours.is_empty() => checks.push(Check::failed(
            (INVENTORY, inventories),
            "It has no inventory program",
            format!("Run `gigadb-roles inventory --wrapper {inventories}/{OLDER}`."),
        )),
        None => checks.extend(healthy(inventories, &ours)),
    }
    for file in files.iter().filter(|file| !inside(file)) {
        checks.extend(callers(file, inventories, older.is_some()));
    }
    checks
}

/// What our own sources need to work.
fn healthy(inventories: &str, ours: &[&File]) -> Vec<Check> {
    let mut checks: Vec<Check> = ours
        .iter()
        .filter(|file| !is_source(file))
        .filter_map(|file| fault(file))
        .collect();
    if let [first, second, ..] = ours {
        checks.push(Check::warning(
            (INVENTORY, &second.path),
            format!("`{}` lists the same machines", first.path),
            format!(
                "One of the two is enough: `git mv {0} {0}.orig`.",
                second.path
            ),
        ));
    }
    if checks.is_empty() {
        let by = match ours {
            [one] if is_source(one) => "It has a source of the collection's plugin",
            _ => "It runs gigadb-roles by a wrapper",
        };
        checks.push(Check::ok(INVENTORY, inventories, by));
    }
    checks
}

/// Why Ansible cannot run a wrapper.
fn fault(file: &File) -> Option<Check> {
    let about = (INVENTORY, &*file.path);
    let again = format!("Run `gigadb-roles inventory --wrapper {}`.", file.path);
    if file.text.contains('\r') {
        return Some(Check::failed(
            about,
            "Its lines end in CRLF, so that no shell is found to run it, and Ansible lists no host",
            format!("{again} A line `*.sh text eol=lf` in `.gitattributes` keeps it so."),
        ));
    }
    if !file.runs {
        return Some(Check::failed(
            about,
            "It is not executable, so that Ansible cannot run it and lists no host",
            format!(
                "Run `chmod +x {0}` and `git add --chmod=+x {0}`.",
                file.path
            ),
        ));
    }
    let commands = shell::commands(&file.text);
    let words = commands.first()?.own();
    let program = Path::new(words.first()?);
    // A name alone is looked for where Ansible runs.
    if program.components().count() > 1 {
        let found = match fs::metadata(program) {
            Ok(data) if data.is_file() && data.permissions().mode() & 0o111 != 0 => None,
            Ok(_) => Some(format!("`{}`, which is no program", program.display())),
            Err(error) => Some(format!(
                "`{}`, which could not be read: {error}",
                program.display()
            )),
        };
        if let Some(found) = found {
            return Some(Check::failed(about, format!("It runs {found}"), again));
        }
    }
    let topology = words
        .iter()
        .skip_while(|word| *word != "--topology")
        .nth(1)?;
    let error = fs::File::open(topology).err()?;
    Some(Check::failed(
        about,
        format!("It reads the topology `{topology}`, which could not be read: {error}"),
        format!(
            "Run `gigadb-roles inventory --wrapper {} --topology FILE`.",
            file.path
        ),
    ))
}

/// Who calls the older inventory by its name.
fn callers(file: &File, inventories: &str, there: bool) -> Vec<Check> {
    let is_older = |word: &str| shell::base(word.trim_matches(['"', '\''])) == OLDER;
    let script = Path::new(&file.path).extension().is_some_and(|e| e == "sh");
    let commands: Vec<Command> = if script {
        shell::commands(&file.text)
    } else {
        let lines = file.lines();
        let each = lines.flat_map(|(number, line)| {
            let mut commands = shell::commands(line);
            for one in &mut commands {
                one.line = number;
                // What stands before a command in YAML.
                let before = |word: &String| word == "-" || word.ends_with(':');
                let start = one.words.iter().take_while(|word| before(word)).count();
                one.words.drain(..start);
            }
            commands
        });
        each.collect()
    };
    let mut checks = Vec::new();
    let mut guarded = false;
    for (at, command) in commands.iter().enumerate() {
        if let ["set", options @ ..] = words(command.own()).as_slice()
            && let Some(at) = options.iter().position(|word| *word == "pipefail")
        {
            guarded = at > 0 && options[at - 1].starts_with('-');
        }
        if command.does(is_older) != Some(Does::Runs) {
            continue;
        }
        let place = file.at(command.line);
        if !there {
            checks.push(Check::failed(
                (INVENTORY, &place),
                format!(
                    "It calls `{OLDER}`, which is not there. `set -e` does not see that in a pipe, \
                     so the script goes on with an empty value, and writes it to GitLab"
                ),
                format!(
                    "Keep the name: run `gigadb-roles inventory --wrapper {inventories}/{OLDER}`."
                ),
            ));
            continue;
        }
        let piped = commands[at..].iter().take_while(|one| one.piped).count();
        let after = &commands[at + 1..at + 1 + piped];
        if !guarded && script {
            checks.push(Check::warning(
                (INVENTORY, &place),
                "A failing inventory gives an empty value here, and the script goes on with it",
                "Write `set -eo pipefail` at the top of the script, and `jq -er` for `jq -r` here.",
            ));
        } else if after.iter().any(takes_null) {
            checks.push(Check::warning(
                (INVENTORY, &place),
                "An inventory without this value gives the text `null` here, and the script goes \
                 on with it",
                "Write `jq -er` for `jq -r` here.",
            ));
        }
    }
    checks
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Whether `jq` is asked for a value without failing where there is none.
fn takes_null(command: &Command) -> bool {
    let words = words(command.own());
    let [name, options @ ..] = words.as_slice() else {
        return false;
    };
    let exits = |word: &&str| {
        *word == "--exit-status"
            || (word.starts_with('-') && !word.starts_with("--") && word.contains('e'))
    };
    shell::base(name) == "jq" && !options.iter().any(exits)
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
    // To open a pipe would be to wait for it.
    if !fs::metadata(path).is_ok_and(|data| data.is_file()) {
        return false;
    }
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
