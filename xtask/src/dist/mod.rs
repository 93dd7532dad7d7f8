//! `cargo xtask dist`: release archives, and a mirror of them that Terraform installs from.
//!
//! ```text
//! terraform-provider-gigadb_VERSION_OS_ARCH.zip      the provider, in the registry's layout
//! terraform-provider-gigadb_VERSION_manifest.json    which protocol it speaks
//! gigadb-roles_VERSION_OS_ARCH.tar.gz                helper and simulator, completions, man pages, guides, examples
//! terraform-provider-gigadb_VERSION_SHA256SUMS       of all of the above
//! mirror/HOST/gigascience/gigadb/                    the provider, for filesystem and network mirrors
//! ```
//!
//! The same commit gives the same bytes, from any folder.
//! Layout: <https://developer.hashicorp.com/terraform/registry/providers/publishing>.

mod archive;
mod needs;
pub(crate) mod platform;
pub(crate) mod rehearsal;
mod twice;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use self::{
    archive::{Entries, Entry, h1, hex, tar, text, unzipped, zip},
    platform::Platform,
};
use crate::{
    release,
    step::succeed,
    workspace::{self},
};

const PROVIDER: &str = "terraform-provider-gigadb";
const HELPER: &str = "gigadb-roles";
const SIMULATOR: &str = "gigadb-simulator";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The registries under whose names the provider is mirrored: Terraform's and OpenTofu's.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
/// The provider's address below a registry.
const ADDRESS: &str = "gigascience/gigadb";
/// Completions, by shell and file name.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "gigadb-roles.bash"),
    ("elvish", "gigadb-roles.elv"),
    ("fish", "gigadb-roles.fish"),
    ("powershell", "_gigadb-roles.ps1"),
    ("zsh", "_gigadb-roles"),
];
/// The pages at the root of the helper's archive, as in the repository, so that links between them hold.
const PAGES: [&str; 5] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
];

/// Options of `cargo xtask dist`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(crate) struct Arguments {
    /// Build for this platform, such as aarch64-unknown-linux-gnu (default: this machine's).
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    /// Package the programs in this folder instead of building for release.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,

    /// Package programs that need a newer glibc than releases do, such as those of a debug build.
    #[arg(long, requires = "programs")]
    as_they_are: bool,

    /// Write the archives into this folder (default: target/dist).
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// Only try the tools: link a small provider as a release is linked, and see what it needs.
    #[arg(long, conflicts_with_all = ["programs", "out", "collect", "tag", "twice"])]
    rehearse: bool,

    /// Build nothing: write checksums and mirror anew for all archives that are in the folder.
    #[arg(long, conflicts_with_all = ["target", "programs", "twice"])]
    collect: bool,

    /// Fail unless this tag, such as v1.2.3, names the version.
    #[arg(long)]
    tag: Option<String>,

    /// Build a second time, from a clone in another folder, and fail unless the archives have the same bytes.
    #[arg(long, conflicts_with = "programs")]
    twice: bool,
}

/// Builds, packages, and says what was written.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let platform = match &arguments.target {
        Some(triple) => Platform::named(triple)?,
        None => Platform::here()?,
    };
    if arguments.rehearse {
        return rehearsal::run(platform);
    }
    if let Some(tag) = arguments
        .tag
        .as_ref()
        .filter(|tag| **tag != format!("v{VERSION}"))
    {
        bail!(
            "Nothing is released as `{tag}`: the version in Cargo.toml is {VERSION}.\n\
             Nothing was built or written.\n\
             Tag the commit as `v{VERSION}`, or change the version first."
        );
    }
    let out = match &arguments.out {
        Some(folder) => folder.clone(),
        None => workspace::target().join("dist"),
    };
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    if !arguments.collect {
        package(platform, arguments, &out)?;
    }
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
    if arguments.twice {
        twice::compare(platform, &out)?;
    }
    Ok(())
}

/// Builds and packages the programs of one platform.
fn package(platform: Platform, arguments: &Arguments, out: &Path) -> anyhow::Result<()> {
    let programs = match &arguments.programs {
        Some(folder) => folder.clone(),
        None => release::build(platform)?,
    };
    if !arguments.as_they_are {
        for name in [PROVIDER, HELPER, SIMULATOR] {
            needs::check(name, &read(&programs.join(name))?, platform)?;
        }
    }
    // Completions and man pages are the helper's own words: one that runs here says them.
    let speaker = if platform == Platform::here()? {
        programs.join(HELPER)
    } else {
        succeed(workspace::build().arg("--quiet"))?;
        workspace::programs().join(HELPER)
    };

    let name = platform.name;
    let archive = format!("{PROVIDER}_{VERSION}_{name}.zip");
    write(&out.join(archive), &zip(&provider(&programs)?)?)?;
    let manifest = format!("{PROVIDER}_{VERSION}_manifest.json");
    write(
        &out.join(&manifest),
        b"{\n  \"version\": 1,\n  \"metadata\": {\n    \"protocol_versions\": [\"6.0\"]\n  }\n}\n",
    )?;
    let folder = format!("{HELPER}_{VERSION}_{name}");
    let helper = helper(&programs, &speaker, &out.join("man"))?;
    write(
        &out.join(format!("{folder}.tar.gz")),
        &tar(&folder, &helper)?,
    )?;
    Ok(())
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

/// What the helper's archive holds: the programs, what belongs to a shell, and all that one reads, so that
/// guides and examples are at hand where no network is.
fn helper(programs: &Path, speaker: &Path, scratch: &Path) -> anyhow::Result<Entries> {
    let mut entries = Entries::from([
        (HELPER.to_owned(), program(&programs.join(HELPER))?),
        (SIMULATOR.to_owned(), program(&programs.join(SIMULATOR))?),
    ]);
    for name in PAGES {
        entries.insert(name.to_owned(), text(read(&workspace::root().join(name))?));
    }
    for folder in ["docs", "examples"] {
        pages_below(folder, &mut entries)?;
    }
    for (shell, name) in COMPLETIONS {
        let script = answer(speaker, &["completions", shell])?;
        entries.insert(format!("completions/{name}"), text(script));
    }
    for (name, page) in man(speaker, scratch)? {
        entries.insert(format!("man/man1/{name}"), text(page));
    }
    Ok(entries)
}

/// Takes in the files of a folder of the repository, but for what Terraform leaves behind when an example is tried.
fn pages_below(folder: &str, entries: &mut Entries) -> anyhow::Result<()> {
    let place = workspace::root().join(folder);
    for entry in fs::read_dir(&place).with_context(|| format!("cannot read {folder}"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(".terraform") || name.contains(".tfstate") {
            continue;
        }
        let path = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            pages_below(&path, entries)?;
        } else {
            entries.insert(path, text(read(&entry.path())?));
        }
    }
    Ok(())
}

/// The helper's man pages by file name, written into a folder that is removed again.
fn man(helper: &Path, scratch: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
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
            hashes.insert(platform.to_owned(), h1(&unzipped(read(&out.join(&name))?)?));
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
