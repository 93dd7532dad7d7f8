//! `gigadb-roles inventory --wrapper FILE`.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{
    exit::Exit, failure::Failure, global::Global, inventory::wrapper, replace::replace, ui::Ui,
};

/// Writes a script for an inventory directory, which runs this program. Another file of that
/// name is left as it is.
pub(super) fn write(file: &Path, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let name = file.display().to_string();
    match fs::read(file) {
        Ok(present) if !wrapper::is_ours(&present) => {
            return Err(Failure::refused(
                "The wrapper was not written, because another file has its name.",
                format!("`{name}`"),
                format!(
                    "Move it away, for example with `mv {name} {name}.orig` (Ansible passes over \
                     files that end in `.orig`), then run the command again."
                ),
            ));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unwritten(&name, &error)),
        _ => {}
    }
    if let Some(file) = &global.topology {
        fs::File::open(file).map_err(|error| {
            Failure::refused(
                format!(
                    "The wrapper was not written, because its topology could not be read: {error}."
                ),
                format!("`{}`", file.display()),
                "Correct --topology and run the command again.",
            )
        })?;
    }
    let program = program().map_err(|error| unwritten(&name, &error))?;
    let topology = global.topology.as_deref().map(absolute);
    let script = wrapper::script(&program, topology.as_deref());
    replace(file, script.as_bytes(), 0o755).map_err(|error| unwritten(&name, &error))?;
    ui.answer(&format!("Wrote `{name}`, which runs `{program}`."))?;
    if topology.is_none() {
        ui.note(
            "It reads the topology that GIGADB_TOPOLOGY names, else `topology.yaml` in the \
             working directory or a folder above it. Pass --topology FILE to write one down.",
        );
    }
    Ok(Exit::Success)
}

fn unwritten(name: &str, error: &std::io::Error) -> Failure {
    Failure::refused(
        format!("The wrapper could not be written: {error}."),
        format!("`{name}`"),
        "Make its folder, and make it writable, then run the command again.",
    )
}

/// This program, by the name under which it was found where that still leads to it.
fn program() -> std::io::Result<String> {
    let this = env::current_exe()?;
    let by_name = env::args_os().next().map(PathBuf::from);
    let by_name = by_name.filter(|path| path.components().count() > 1);
    let named = by_name.and_then(|path| std::path::absolute(path).ok());
    let same = named.filter(|path| fs::canonicalize(path).ok() == fs::canonicalize(&this).ok());
    Ok(same.unwrap_or(this).display().to_string())
}

fn absolute(file: &Path) -> String {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    file.display().to_string()
}
