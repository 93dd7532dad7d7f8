//! The platforms that a release is made for.

use std::{env, process::Command};

use anyhow::{Context as _, bail};

/// One platform: Rust's name for it, Terraform's, and what its programs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) triple: &'static str,
    pub(crate) name: &'static str,
    pub(crate) format: object::BinaryFormat,
    pub(crate) architecture: object::Architecture,
}

const ALL: [Platform; 4] = [
    Platform {
        triple: "x86_64-unknown-linux-gnu",
        name: "linux_amd64",
        format: object::BinaryFormat::Elf,
        architecture: object::Architecture::X86_64,
    },
    Platform {
        triple: "aarch64-unknown-linux-gnu",
        name: "linux_arm64",
        format: object::BinaryFormat::Elf,
        architecture: object::Architecture::Aarch64,
    },
    Platform {
        triple: "x86_64-apple-darwin",
        name: "darwin_amd64",
        format: object::BinaryFormat::MachO,
        architecture: object::Architecture::X86_64,
    },
    Platform {
        triple: "aarch64-apple-darwin",
        name: "darwin_arm64",
        format: object::BinaryFormat::MachO,
        architecture: object::Architecture::Aarch64,
    },
];

impl Platform {
    /// The platform of this machine.
    pub(crate) fn here() -> anyhow::Result<Self> {
        let os = match env::consts::OS {
            "macos" => "apple-darwin",
            "linux" => "unknown-linux-gnu",
            other => other,
        };
        Self::named(&format!("{}-{os}", env::consts::ARCH))
    }

    /// The platform of that triple.
    pub(crate) fn named(triple: &str) -> anyhow::Result<Self> {
        if let Some(found) = ALL.iter().find(|platform| platform.triple == triple) {
            return Ok(*found);
        }
        let known = ALL.map(|platform| platform.triple).join(", ");
        bail!(
            "No archives for `{triple}`: releases are made for {known}.\n\
             Nothing was built or written.\n\
             Choose one of these with `--target`."
        )
    }

    /// Whether its programs are for Linux.
    pub(crate) fn is_linux(self) -> bool {
        self.format == object::BinaryFormat::Elf
    }

    /// Fails, with what to do, where this machine cannot build for the platform.
    pub(crate) fn can_be_built(self) -> anyhow::Result<()> {
        let triple = self.triple;
        if !self.is_linux() && env::consts::OS != "macos" {
            bail!(
                "No archives for `{triple}` on this machine: programs for macOS need Apple's frameworks, which are on macOS only.\n\
                 Nothing was built or written.\n\
                 On a Mac, run `cargo xtask dist --target {triple}`, and copy the archives into one folder."
            );
        }
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let libraries = Command::new(rustc)
            .args(["--print", "target-libdir", "--target", triple])
            .output()
            .context("cannot start `rustc`")?;
        let folder = String::from_utf8_lossy(&libraries.stdout).trim().to_owned();
        if !libraries.status.success() || !std::path::Path::new(&folder).is_dir() {
            bail!(
                "No archives for `{triple}` on this machine: the Rust toolchain has no standard library for it.\n\
                 Nothing was built or written.\n\
                 Run `rustup target add {triple}`, then this again."
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn a_platform_that_is_not_released_is_refused_with_those_that_are() {
        let refused = Platform::named("riscv64gc-unknown-linux-gnu").unwrap_err();
        let told = refused.to_string();
        assert!(
            told.starts_with("No archives for `riscv64gc-unknown-linux-gnu`"),
            "{told}"
        );
        assert!(told.contains("aarch64-unknown-linux-gnu"), "{told}");
        assert!(told.contains("Nothing was built or written."), "{told}");
        assert!(Platform::named("aarch64-unknown-linux-gnu").is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn programs_for_macos_are_built_on_macos() {
        let mac = Platform::named("aarch64-apple-darwin").unwrap();
        let told = mac.can_be_built().unwrap_err().to_string();
        assert!(told.contains("On a Mac, run `cargo xtask dist"), "{told}");
        assert!(Platform::here().unwrap().can_be_built().is_ok());
    }
}
