//! The folder of a playground.
//!
//! ```text
//! topology.yaml, main.tf     written once, then the player's
//! env.sh                     what the shell has, for other terminals
//! .playground/aws/           AWS configuration and credentials
//! .playground/terraform.rc   Terraform installs the provider from mirror/ and from nowhere else
//! .playground/mirror/, bin/  the provider and gigadb-roles
//! .playground/state/, cache/ journals and remembered hosts
//! .playground/world.json     the world as it was left
//! ```

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use gigadb_simulator::World;

use super::drill::Script;
use super::programs::{Found, provider_file, version_folder};
use super::{Stage, at, shell};

const TOPOLOGY: &str = include_str!("../../../examples/terraform/upstream/topology.yaml");
const MAIN: &str = include_str!("../../../examples/terraform/upstream/main.tf");
/// What the machinery needs is kept apart from what the player edits; its presence marks a playground.
const MACHINERY: &str = ".playground";
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
const ADDRESS: &str = "gigascience/gigadb";

/// An absolute folder that is a playground.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Opens an earlier playground, or makes a new one.
    pub(super) fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        if path.join(MACHINERY).is_dir() {
            return Ok(Self(fs::canonicalize(path).map_err(at(path, "open"))?));
        }
        Self::create(path)
    }

    /// Makes a new one; a folder with something else in it is left alone.
    pub(super) fn create(path: &Path) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(path).map_err(at(path, "make the folder"))?;
        let mut entries = fs::read_dir(path).map_err(at(path, "read the folder"))?;
        if entries.next().is_some() {
            return Err(format!(
                "{} is not empty. Nothing was changed. Name a new folder{}",
                path.display(),
                if path.join(MACHINERY).is_dir() {
                    ", since a drill begins anew"
                } else {
                    ", or one of an earlier `play`"
                }
            )
            .into());
        }
        let folder = Self(fs::canonicalize(path).map_err(at(path, "open"))?);
        folder.make(MACHINERY)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A place within the machinery.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.0.join(MACHINERY).join(name)
    }

    pub(super) fn environment_file(&self) -> PathBuf {
        self.0.join("env.sh")
    }

    /// The world as an earlier play left it.
    pub(super) fn kept_world(&self) -> Result<Option<World>, Box<dyn Error>> {
        let file = self.place("world.json");
        Ok(if file.exists() {
            Some(World::load(&file)?)
        } else {
            None
        })
    }

    pub(super) fn keep_world(&self, world: &World) -> Result<(), Box<dyn Error>> {
        let file = self.place("world.json");
        Ok(fs::write(&file, world.to_json()).map_err(at(&file, "write"))?)
    }

    /// Writes all that is not there yet, and the machinery anew: ports differ each time.
    pub(super) fn write(
        &self,
        stage: &Stage,
        found: &Found,
        script: Option<&Script>,
    ) -> Result<(), Box<dyn Error>> {
        let lines = script.and_then(|script| script.topology).unwrap_or("");
        self.once("topology.yaml", &format!("{TOPOLOGY}{lines}"))?;
        self.once("main.tf", MAIN)?;
        if let Some((name, text)) = script.and_then(|script| script.file) {
            self.once(name, text)?;
        }
        let world = stage.simulator.world();
        world.aws.write_profiles(&self.place("aws"))?;
        if let Ok(machines) = &stage.machines {
            let file = self.place("ca.pem");
            fs::copy(machines.sites.ca_file(), &file).map_err(at(&file, "write"))?;
        }
        for name in ["bin", "state", "cache"] {
            self.make(&format!("{MACHINERY}/{name}"))?;
        }
        if let Some(helper) = &found.helper {
            self.link(helper)?;
        }
        let mirror = match &found.provider {
            Some(mirror) if mirror.is_dir() => mirror.clone(),
            Some(program) => self.mirror(program)?,
            None => self.place("mirror"),
        };
        let rc = format!(
            "# Written by gigadb-simulator: nothing is installed from anywhere else.\n\
             disable_checkpoint = true\n\
             provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        );
        self.put(&format!("{MACHINERY}/terraform.rc"), &rc)?;
        self.put("env.sh", &shell::script(self, stage, script))
    }

    /// Lays the provider's program out as Terraform reads an unpacked mirror.
    fn mirror(&self, program: &Path) -> Result<PathBuf, Box<dyn Error>> {
        let mirror = self.place("mirror");
        let mut program = program.to_owned();
        for registry in REGISTRIES {
            let place = format!(
                "{MACHINERY}/mirror/{registry}/{ADDRESS}/{}",
                version_folder()
            );
            self.make(&place)?;
            let file = self.0.join(place).join(provider_file());
            // An earlier play's may be another build.
            let _ = fs::remove_file(&file);
            if fs::hard_link(&program, &file).is_err() {
                fs::copy(&program, &file).map_err(at(&file, "write"))?;
            }
            // Of a copy, the next one can be a link.
            program = file;
        }
        Ok(mirror)
    }

    fn link(&self, program: &Path) -> Result<(), Box<dyn Error>> {
        let name = program.file_name().unwrap_or(program.as_os_str());
        let link = self.place("bin").join(name);
        let _ = fs::remove_file(&link);
        Ok(std::os::unix::fs::symlink(program, &link).map_err(at(&link, "make"))?)
    }

    fn make(&self, name: &str) -> Result<(), Box<dyn Error>> {
        let folder = self.0.join(name);
        Ok(fs::create_dir_all(&folder).map_err(at(&folder, "make the folder"))?)
    }

    fn once(&self, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
        if self.0.join(name).exists() {
            return Ok(());
        }
        self.put(name, text)
    }

    fn put(&self, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
        let file = self.0.join(name);
        Ok(fs::write(&file, text).map_err(at(&file, "write"))?)
    }
}
