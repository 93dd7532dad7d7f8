//! Archives whose bytes depend on nothing but their files: names are sorted, and no time, owner or folder of
//! this machine goes in.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _, Write as _},
};

use base64::Engine as _;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::release::FIXED_TIME;

/// A file of an archive.
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    pub(super) program: bool,
}

/// The files of an archive, by name and so in order.
pub(super) type Entries = BTreeMap<String, Entry>;

/// A file that is no program.
pub(super) fn text(bytes: Vec<u8>) -> Entry {
    Entry {
        bytes,
        program: false,
    }
}

fn mode(entry: &Entry) -> u32 {
    if entry.program { 0o755 } else { 0o644 }
}

/// A zip archive of the files.
pub(super) fn zip(entries: &Entries) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, entry) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(mode(entry));
        zip.start_file(name.as_str(), options)?;
        zip.write_all(&entry.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// A compressed tar archive of the files, below a folder.
pub(super) fn tar(folder: &str, entries: &Entries) -> anyhow::Result<Vec<u8>> {
    let compressed = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    let mut tar = tar::Builder::new(compressed);
    for (name, entry) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(entry.bytes.len().try_into()?);
        header.set_mode(mode(entry));
        header.set_mtime(FIXED_TIME);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(
            &mut header,
            format!("{folder}/{name}"),
            entry.bytes.as_slice(),
        )?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// What a zip archive holds.
pub(super) fn unzipped(bytes: Vec<u8>) -> anyhow::Result<Entries> {
    let mut zip = ZipArchive::new(Cursor::new(bytes))?;
    let mut entries = Entries::new();
    for index in 0..zip.len() {
        let mut one = zip.by_index(index)?;
        let mut bytes = Vec::new();
        one.read_to_end(&mut bytes)?;
        entries.insert(one.name().to_owned(), text(bytes));
    }
    Ok(entries)
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

/// Terraform's checksum of a package's content, as lock files hold it: Go's `dirhash.Hash1`.
/// <https://developer.hashicorp.com/terraform/language/files/dependency-lock#h1>
pub(super) fn h1(entries: &Entries) -> String {
    let listing: Vec<String> = entries
        .iter()
        .map(|(name, entry)| format!("{}  {name}\n", hex(&entry.bytes)))
        .collect();
    let digest = Sha256::digest(listing.concat());
    format!(
        "h1:{}",
        base64::engine::general_purpose::STANDARD.encode(digest)
    )
}

#[cfg(test)]
mod tests {
    use super::{Entries, h1, text};

    #[test]
    fn the_checksum_is_that_of_a_sorted_listing() {
        // `printf '%s  a\n%s  b\n' $(sha256sum of "1" and "2") | sha256sum | xxd -r -p | base64`
        let entries = Entries::from([
            ("b".to_owned(), text(b"2".to_vec())),
            ("a".to_owned(), text(b"1".to_vec())),
        ]);
        assert_eq!(
            h1(&entries),
            "h1:aMKRn0MF5QgACCq38R6xfZbHgy9ZFU6XsdNzpReaY+o="
        );
    }
}
