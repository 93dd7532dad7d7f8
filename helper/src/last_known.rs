//! The machines of each side as they were last read, kept so that a region out of reach does not
//! take its hosts out of the inventory, and so that EC2 is not asked at every call of Ansible.
//!
//! One file below `$XDG_CACHE_HOME/gigadb` (else `~/.cache/gigadb`), readable by its owner alone,
//! replaced as a whole, and named after the topology and the way to EC2, so that another account
//! or endpoint never answers for this one. Roles are never kept: they are read on every call.

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use gigadb_clients::settings::AwsSettings;
use gigadb_engine::{
    name::InfrastructureName,
    topology::Topology,
    world::{Reading, Side, World},
};
use serde::{Deserialize, Serialize};

use crate::{replace::replace_cache, surroundings};

/// The version of the file. A file of another version is not read.
const FORMAT_VERSION: u32 = 1;

/// How many seconds ago each side was read, for those that were not read now.
pub(crate) type Ages = BTreeMap<InfrastructureName, u64>;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    format_version: u32,
    sides: BTreeMap<InfrastructureName, Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Seconds since the epoch.
    read_at: u64,
    side: Side,
}

/// Where the file is; `None` without a home.
pub(crate) fn path(topology: &Topology, aws: &AwsSettings) -> Option<PathBuf> {
    let folder = surroundings::variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(surroundings::variable("HOME")?).join(".cache")))?;
    let mut way = DefaultHasher::new();
    aws.endpoint_url.hash(&mut way);
    aws.shared_config_files.hash(&mut way);
    aws.shared_credentials_files.hash(&mut way);
    let digest: String = topology
        .digest()
        .0
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let name = format!("hosts-{digest}-{:016x}.json", way.finish());
    Some(folder.join("gigadb").join(name))
}

/// The sides that were read less than `max_age` seconds ago, each with its age. What claims to
/// come from the future is not fresh.
pub(crate) fn fresh(
    file: &Path,
    max_age: u64,
    now: u64,
) -> BTreeMap<InfrastructureName, (Side, u64)> {
    if max_age == 0 {
        return BTreeMap::new();
    }
    let kept = read(file).sides.into_iter();
    kept.filter_map(|(name, kept)| {
        let age = now.checked_sub(kept.read_at)?;
        (age < max_age).then_some((name, (kept.side, age)))
    })
    .collect()
}

/// Completes what could not be read with what the file knows, and tells how old that is. A file
/// that cannot be read, or is none of ours, counts as empty.
pub(crate) fn complete(world: &mut World, file: &Path, now: u64) -> Ages {
    let mut ages = Ages::new();
    if world.sides.values().all(|side| side.failure().is_none()) {
        return ages;
    }
    let document = read(file);
    for (name, side) in &mut world.sides {
        if let Reading::Failed { last_known, .. } = side
            && let Some(kept) = document.sides.get(name)
        {
            *last_known = Some(kept.side.clone());
            ages.insert(name.clone(), now.saturating_sub(kept.read_at));
        }
    }
    ages
}

/// Keeps what was read now, beside what the file knows of other sides.
pub(crate) fn keep(world: &World, file: &Path, now: u64) -> io::Result<()> {
    let news: Vec<_> = world
        .sides
        .iter()
        .filter_map(|(name, side)| Some((name, side.read()?)))
        .collect();
    if news.is_empty() {
        return Ok(());
    }
    let mut document = read(file);
    document.format_version = FORMAT_VERSION;
    for (name, side) in news {
        let kept = Kept {
            read_at: now,
            side: side.clone(),
        };
        document.sides.insert(name.clone(), kept);
    }
    write(file, &document)
}

fn read(file: &Path) -> Document {
    fs::read(file)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Document>(&bytes).ok())
        .filter(|document| document.format_version == FORMAT_VERSION)
        .unwrap_or_default()
}

fn write(file: &Path, document: &Document) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    replace_cache(file, &serde_json::to_vec(document)?, 0o600)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use gigadb_engine::world::{Failure, FailureKind};

    use super::*;

    fn world(side: Reading<Side>) -> World {
        World {
            certificates: BTreeMap::new(),
            beside: BTreeMap::new(),
            zones: Reading::Read(Vec::new()),
            records: BTreeMap::new(),
            variables: BTreeMap::new(),
            sides: BTreeMap::from([("blue".parse().unwrap(), side)]),
        }
    }

    fn lost() -> World {
        world(Reading::failed(Failure::new(
            FailureKind::Unreachable,
            "EC2 did not answer".to_owned(),
        )))
    }

    #[test]
    fn what_was_read_completes_a_later_failure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gigadb/hosts.json");
        keep(&world(Reading::Read(Side::default())), &file, 1_000).unwrap();
        keep(&lost(), &file, 1_500).unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut later = lost();
        let ages = complete(&mut later, &file, 2_000);
        assert_eq!(ages.values().collect::<Vec<_>>(), [&1_000]);
        assert_eq!(later.sides["blue"].known(), Some(&Side::default()));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_read_is_fresh_for_less_than_its_age() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts.json");
        keep(&world(Reading::Read(Side::default())), &file, 1_000).unwrap();
        for (max_age, now, expected) in [
            (60, 1_000, Some(0)),
            (60, 1_059, Some(59)),
            (60, 1_060, None),
            (0, 1_000, None),
            (60, 999, None),
        ] {
            let fresh = fresh(&file, max_age, now);
            let age = fresh.get("blue").map(|(_, age)| *age);
            assert_eq!(age, expected, "{max_age} at {now}");
        }
    }

    #[test]
    fn a_file_that_is_none_of_ours_counts_as_empty() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts.json");
        for text in ["", "{}", "{\"format_version\": 2, \"sides\": {}}", "[1, 2"] {
            fs::write(&file, text).unwrap();
            let mut later = lost();
            assert!(complete(&mut later, &file, 1).is_empty(), "{text:?}");
            assert_eq!(later.sides["blue"].known(), None);
        }
        keep(&world(Reading::Read(Side::default())), &file, 7).unwrap();
        assert_eq!(complete(&mut lost(), &file, 9).len(), 1);
    }
}
