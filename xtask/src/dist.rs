//! `cargo xtask dist`: release archives, and a mirror of them that Terraform installs from.
//!
//! ```text
//! terraform-provider-gigadb_VERSION_OS_ARCH.zip      the provider, in the registry's layout
//! terraform-provider-gigadb_VERSION_manifest.json    which protocol it speaks
//! gigadb-roles_VERSION_OS_ARCH.tar.gz                the helper, with completions and man pages, and the simulator
//! terraform-provider-gigadb_VERSION_SHA256SUMS       of all of the above
//! mirror/HOST/gigascience/gigadb/                    the provider, for filesystem and network mirrors
//! ```
//!
//! The same programs give the same bytes: names are sorted, and no time, owner or folder of this
//! machine goes into an archive.
//! Layout: <https://developer.hashicorp.com/terraform/registry/providers/publishing>.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{
    step::succeed,
    workspace::{self, cargo},
};

const PROVIDER: &str = "terraform-provider-gigadb";
const HELPER: &str = "gigadb-roles";
const SIMULATOR: &str = "gigadb-simulator";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The registries under whose names the provider is mirrored: Terraform's and OpenTofu's.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
/// The provider's address below a registry.
const ADDRESS: &str = "gigascience/gigadb";
/// The time of everything in an archive, 1980-01-01: zip knows none before.
const FIXED_TIME: u64 = 315_532_800;
/// Completions, by shell and file name.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "gigadb-roles.bash"),
    ("elvish", "gigadb-roles.elv"),
    ("fish", "gigadb-roles.fish"),
    ("powershell", "_gigadb-roles.ps1"),
    ("zsh", "_gigadb-roles"),
];

/// Options of `cargo xtask dist`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Package the programs in this folder instead of building for release.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,

    /// Write the archives into this folder (default: target/dist).
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// A file of an archive.
struct Entry {
    bytes: Vec<u8>,
    program: bool,
}

/// The files of an archive, by name and so in order.
type Entries = BTreeMap<String, Entry>;

/// Builds, packages, and says what was written.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = match &arguments.programs {
        Some(folder) => folder.clone(),
        None => build()?,
    };
    let out = match &arguments.out {
        Some(folder) => folder.clone(),
        None => workspace::target().join("dist"),
    };
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let platform = platform()?;

    let provider = provider(&programs)?;
    let zip = format!("{PROVIDER}_{VERSION}_{platform}.zip");
    write_zip(&out.join(&zip), &provider)?;
    let manifest = format!("{PROVIDER}_{VERSION}_manifest.json");
    write(
        &out.join(&manifest),
        b"{\n  \"version\": 1,\n  \"metadata\": {\n    \"protocol_versions\": [\"6.0\"]\n  }\n}\n",
    )?;
    let tar = format!("{HELPER}_{VERSION}_{platform}");
    write_tar(&out, &tar, &helper(&programs, &out.join("man"))?)?;
    sums(&out)?;
    let hashes = mirror(&out)?;

    println!("In {}:", out.display());
    for name in released(&out)? {
        println!("  {name}");
    }
    println!("  mirror/");
    println!("Lock files will say:");
    for (platform, h1) in hashes {
        println!("  {h1} ({platform})");
    }
    Ok(())
}

/// Builds the programs for release, in the selection of the benchmarks; returns their folder.
fn build() -> anyhow::Result<PathBuf> {
    println!("Building for release (this takes some minutes).");
    let packages = [PROVIDER, HELPER, SIMULATOR, "gigadb-tests"];
    let mut build = cargo(&["build", "--locked", "--release", "--quiet", "--bins"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    succeed(&mut build)?;
    Ok(workspace::target().join("release"))
}

/// The platform of this machine, as Terraform names it.
fn platform() -> anyhow::Result<String> {
    let os = match env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        other => bail!("releases are made on Linux and macOS, not on {other}"),
    };
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("releases are made for x86_64 and aarch64, not for {other}"),
    };
    Ok(format!("{os}_{arch}"))
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

fn program(file: &Path) -> anyhow::Result<Entry> {
    Ok(Entry {
        bytes: read(file)?,
        program: true,
    })
}

fn text(bytes: Vec<u8>) -> Entry {
    Entry {
        bytes,
        program: false,
    }
}

/// What the provider's archive holds. The program's name carries its version, by which Terraform
/// knows it in an unpacked mirror.
fn provider(programs: &Path) -> anyhow::Result<Entries> {
    Ok(Entries::from([
        (
            format!("{PROVIDER}_v{VERSION}"),
            program(&programs.join(PROVIDER))?,
        ),
        (
            "LICENSE".to_owned(),
            text(read(&workspace::root().join("LICENSE"))?),
        ),
    ]))
}

/// What the helper's archive holds. Completions and man pages are the program's own; the simulator is there to play
/// and practise with.
fn helper(programs: &Path, scratch: &Path) -> anyhow::Result<Entries> {
    let file = programs.join(HELPER);
    let mut entries = Entries::from([
        (HELPER.to_owned(), program(&file)?),
        (SIMULATOR.to_owned(), program(&programs.join(SIMULATOR))?),
    ]);
    for name in ["CHANGELOG.md", "LICENSE", "README.md"] {
        entries.insert(name.to_owned(), text(read(&workspace::root().join(name))?));
    }
    let install = workspace::root().join("docs/install.md");
    entries.insert("INSTALL.md".to_owned(), text(read(&install)?));
    for (shell, name) in COMPLETIONS {
        let script = answer(&file, &["completions", shell])?;
        entries.insert(format!("completions/{name}"), text(script));
    }
    for (name, page) in pages(&file, scratch)? {
        entries.insert(format!("man/man1/{name}"), text(page));
    }
    Ok(entries)
}

/// The helper's man pages by file name, written into a folder that is removed again.
fn pages(helper: &Path, scratch: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let folder = scratch.display().to_string();
    answer(helper, &["man", "--out", &folder])?;
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(scratch)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        pages.insert(name, read(&entry.path())?);
    }
    fs::remove_dir_all(scratch).with_context(|| format!("cannot remove {folder}"))?;
    Ok(pages)
}

/// What the helper says.
fn answer(helper: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new(helper)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", helper.display()))?;
    if !output.status.success() {
        bail!(
            "`{HELPER} {}` ended with {}",
            arguments.join(" "),
            output.status
        );
    }
    Ok(output.stdout)
}

fn mode(entry: &Entry) -> u32 {
    if entry.program { 0o755 } else { 0o644 }
}

fn write_zip(file: &Path, entries: &Entries) -> anyhow::Result<()> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, entry) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(mode(entry));
        zip.start_file(name.as_str(), options)?;
        zip.write_all(&entry.bytes)?;
    }
    write(file, &zip.finish()?.into_inner())
}

fn write_tar(out: &Path, folder: &str, entries: &Entries) -> anyhow::Result<()> {
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
    let bytes = tar.into_inner()?.finish()?;
    write(&out.join(format!("{folder}.tar.gz")), &bytes)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

/// The files of this version in the folder, those of other platforms among them.
fn released(out: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(out)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let ours = [PROVIDER, HELPER]
            .iter()
            .any(|program| name.starts_with(&format!("{program}_{VERSION}_")));
        if ours {
            names.insert(name);
        }
    }
    Ok(names)
}

/// Writes the checksums of all that is released.
fn sums(out: &Path) -> anyhow::Result<()> {
    let own = format!("{PROVIDER}_{VERSION}_SHA256SUMS");
    let mut lines = Vec::new();
    for name in released(out)?.into_iter().filter(|name| *name != own) {
        lines.push(format!("{}  {name}\n", hex(&read(&out.join(&name))?)));
    }
    write(&out.join(own), lines.concat().as_bytes())
}

/// Terraform's checksum of a package's content, as lock files hold it: Go's `dirhash.Hash1`.
/// <https://developer.hashicorp.com/terraform/language/files/dependency-lock#h1>
fn h1(entries: &Entries) -> String {
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

/// What an archive of the provider holds, read again.
fn unzipped(file: &Path) -> anyhow::Result<Entries> {
    let mut zip = ZipArchive::new(Cursor::new(read(file)?))?;
    let mut entries = Entries::new();
    for index in 0..zip.len() {
        let mut one = zip.by_index(index)?;
        let mut bytes = Vec::new();
        one.read_to_end(&mut bytes)?;
        entries.insert(one.name().to_owned(), text(bytes));
    }
    Ok(entries)
}

/// Lays the provider out as `filesystem_mirror` reads it, with the documents of a network mirror.
/// Archives of other platforms in the folder are taken in. Returns the checksums by platform.
/// <https://developer.hashicorp.com/terraform/internals/provider-network-mirror-protocol>
fn mirror(out: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut hashes = BTreeMap::new();
    for name in released(out)? {
        let platform = name
            .strip_prefix(&format!("{PROVIDER}_{VERSION}_"))
            .and_then(|rest| rest.strip_suffix(".zip"));
        if let Some(platform) = platform {
            hashes.insert(platform.to_owned(), h1(&unzipped(&out.join(&name))?));
        }
    }
    let archives: Vec<String> = hashes
        .iter()
        .map(|(platform, h1)| {
            let url = format!("{PROVIDER}_{VERSION}_{platform}.zip");
            format!("    \"{platform}\": {{ \"hashes\": [\"{h1}\"], \"url\": \"{url}\" }}")
        })
        .collect();
    let archives = archives.join(",\n");
    for host in HOSTS {
        let folder = out.join("mirror").join(host).join(ADDRESS);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for platform in hashes.keys() {
            let zip = format!("{PROVIDER}_{VERSION}_{platform}.zip");
            write(&folder.join(&zip), &read(&out.join(&zip))?)?;
        }
        let index = format!("{{ \"versions\": {{ \"{VERSION}\": {{}} }} }}\n");
        write(&folder.join("index.json"), index.as_bytes())?;
        let version = format!("{{\n  \"archives\": {{\n{archives}\n  }}\n}}\n");
        write(&folder.join(format!("{VERSION}.json")), version.as_bytes())?;
    }
    Ok(hashes)
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
