//! Looks for secrets of the simulated world where none may be.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use gigadb_simulator::world::PLANTED;

/// Asserts that a text holds no secret; `place` says whose text it is.
#[track_caller]
pub(crate) fn assert_none_in(place: &str, bytes: &[u8]) {
    for secret in PLANTED {
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        // The secret itself stays out of the test's output as well.
        assert!(
            !found,
            "{place} holds the secret that begins {:?}",
            &secret[..12]
        );
    }
}

/// Asserts that no file below a folder holds a secret, looking into plan files, which are ZIP archives.
pub(crate) fn assert_none_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_none_below(&path);
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        assert_none_in(&path.display().to_string(), &bytes);
        if bytes.starts_with(b"PK\x03\x04") {
            let mut archive = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
            for index in 0..archive.len() {
                let mut member = archive.by_index(index).unwrap();
                let mut content = Vec::new();
                member.read_to_end(&mut content).unwrap();
                let place = format!("{} in {}", member.name(), path.display());
                assert_none_in(&place, &content);
            }
        }
    }
}
