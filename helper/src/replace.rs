//! Replaces a file as a whole.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Writes `bytes` into a new file beside `file` and renames that, so that a reader sees the old
/// or the new one whole, after a power cut too. The new file has exactly this `mode`. A link stays
/// one: the file that it leads to is replaced.
pub(crate) fn replace(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    renamed(file, bytes, mode, true)?;
    // The file is there and whole; that its name outlasts a power cut, not every file system can promise.
    let _ = File::open(folder_of(file)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// The file beside `file` whose name has this at its end; where `file` is a link, beside what it
/// leads to.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut name = OsString::from(file);
    name.push(".");
    name.push(ending);
    name.into()
}

/// The same for what can be read again at any time, without waiting for the disk.
pub(crate) fn replace_cache(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    renamed(file, bytes, mode, false)
}

fn renamed(file: &Path, bytes: &[u8], mode: u32, lasting: bool) -> io::Result<()> {
    let new = beside(file, &format!("{}.new", std::process::id()));
    let written = (|| {
        // What a process of this number left behind when it was killed.
        let _ = fs::remove_file(&new);
        let mut options = OpenOptions::new();
        let mut open = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        open.write_all(bytes)?;
        // The mode at creation is cut by the umask.
        open.set_permissions(fs::Permissions::from_mode(mode))?;
        // Else a power cut may leave the new name with nothing in it.
        if lasting {
            open.sync_all()?;
        }
        fs::rename(&new, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// The folder that holds `file`.
fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.json");
        for text in ["old", "new"] {
            replace(&file, text.as_bytes(), 0o640).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o640);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_one_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.json"), folder.path().join("b.json"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("a.json", &link).unwrap();
        replace(&link, b"new", 0o600).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(beside(&link, "lock"), beside(&file, "lock"));
        assert_ne!(
            beside(&folder.path().join("a.lock"), "lock"),
            folder.path().join("a.lock")
        );
    }

    #[test]
    fn a_bare_name_lies_in_the_working_directory() {
        assert_eq!(folder_of(Path::new("plan.json")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/plan.json")), Path::new("a"));
    }
}
