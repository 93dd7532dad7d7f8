//! Replaces a file as a whole.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// Writes `bytes` into a new file beside `file` and renames that, so that a reader sees the old
/// or the new one whole. The new file has exactly this `mode`.
pub(crate) fn replace(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = file.with_extension(format!("{}.new", std::process::id()));
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
        fs::rename(&new, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}
