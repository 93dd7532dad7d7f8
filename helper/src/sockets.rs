//! Where Ansible keeps the sockets of shared SSH connections, and a folder with a shorter path
//! for operators whose home has a long one.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{inventory::Sockets, surroundings};

/// What the environment says. A folder is made only where the usual one is too long.
pub(crate) fn sockets() -> Sockets {
    let home = surroundings::variable("HOME").unwrap_or_default();
    let folder = surroundings::variable("ANSIBLE_SSH_CONTROL_PATH_DIR")
        .unwrap_or_else(|| "~/.ansible/cp".to_owned());
    let usual = match folder.strip_prefix('~') {
        Some(rest) => format!("{home}{rest}"),
        None => folder,
    };
    let mut sockets = Sockets { usual, short: None };
    if sockets.are_too_long() {
        sockets.short = short(&home).map(|folder| folder.display().to_string());
    }
    sockets
}

/// A folder of this user's own, readable by nobody else; `None` where there can be none.
fn short(home: &str) -> Option<PathBuf> {
    let own = fs::metadata(home).ok()?.uid();
    let digest = Sha256::digest(home);
    let name: String = digest[..4]
        .iter()
        .fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
    let runtime = surroundings::variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let places = runtime.filter(|folder| folder.is_absolute()).into_iter();
    places
        .chain([PathBuf::from("/tmp")])
        .map(|place| place.join(format!("gigadb-{name}")))
        .filter(|folder| {
            let sockets = Sockets {
                usual: folder.display().to_string(),
                short: None,
            };
            !sockets.are_too_long()
        })
        .find(|folder| is_private(folder, own).is_ok_and(|private| private))
}

/// Makes the folder where it is missing. In a folder that others may write, a folder of this name
/// may be another's, and whoever owns it could answer for the machines.
fn is_private(folder: &Path, own: u32) -> io::Result<bool> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    Ok(found.is_dir() && found.uid() == own && found.mode().trailing_zeros() >= 6)
}
