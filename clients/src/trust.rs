//! Whether only this user may have written a file or a folder: what it says is acted on.

use std::{fs, io, path::Path};

/// Why a file or folder is not to be trusted, as a clause; `None` where only this user, or the
/// administrator of the machine, may write it.
///
/// # Errors
/// Its owner and mode could not be read.
#[cfg(unix)]
pub fn writable_by_others(path: &Path) -> io::Result<Option<String>> {
    use std::os::unix::fs::MetadataExt as _;

    /// Write permission of the group and of everybody else.
    const OTHERS_WRITE: u32 = 0o022;
    let metadata = fs::metadata(path)?;
    let us = rustix::process::geteuid().as_raw();
    let mode = metadata.mode() & 0o7777;
    Ok(if ![us, 0].contains(&metadata.uid()) {
        Some(format!(
            "it belongs to another user (uid {}, while this is {us})",
            metadata.uid()
        ))
    } else if mode & OTHERS_WRITE != 0 {
        Some(format!("others may write it (mode {mode:03o})"))
    } else {
        None
    })
}

/// Owners and modes are not compared here.
///
/// # Errors
/// The file could not be found.
#[cfg(not(unix))]
pub fn writable_by_others(path: &Path) -> io::Result<Option<String>> {
    fs::metadata(path).map(|_| None)
}

/// Why a file could not be created in `folder`, where a missing one would be created first: a
/// clause. Nothing is written to find that out.
#[cfg(unix)]
pub fn not_writable(folder: &Path) -> Option<String> {
    use rustix::fs::{Access, access};

    let present = folder.ancestors().find(|folder| folder.exists())?;
    if !present.is_dir() {
        return Some(format!("`{}` is not a folder", present.display()));
    }
    if let Err(error) = access(present, Access::WRITE_OK | Access::EXEC_OK) {
        let error = io::Error::from(error);
        return Some(format!(
            "`{}` cannot be written: {error}",
            present.display()
        ));
    }
    let ours = present == folder;
    let distrusted = ours
        .then(|| writable_by_others(folder).ok().flatten())
        .flatten();
    distrusted.map(|why| format!("`{}` is not trusted: {why}", folder.display()))
}

/// Access is not asked for here.
#[cfg(not(unix))]
pub fn not_writable(_: &Path) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_others_may_write_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal");
        fs::write(&file, "").unwrap();
        for path in [folder.path(), &file] {
            for (mode, trusted) in [(0o700, true), (0o755, true), (0o720, false), (0o702, false)] {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
                let why = writable_by_others(path).unwrap();
                assert_eq!(why.is_none(), trusted, "{mode:o}: {why:?}");
            }
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
    }

    #[test]
    fn a_folder_that_would_be_created_is_judged_by_the_one_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(not_writable(folder.path()), None);
        assert_eq!(not_writable(&folder.path().join("a/b")), None);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let told = not_writable(&file.join("journal")).unwrap();
        assert!(told.ends_with("is not a folder"), "{told}");
    }
}
