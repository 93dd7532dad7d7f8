//! What a program needs of the machine that it runs on, read from the program itself.
//!
//! A program for Linux is linked to versions of glibc's symbols. The dynamic loader refuses one whose
//! versions it does not have, before the program says a word.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use object::{
    Endianness, Object as _,
    elf::FileHeader64,
    read::elf::{Dyn as _, FileHeader as _},
};

use super::platform::Platform;
use crate::release::GLIBC;

/// Libraries that every Linux with glibc has, by the start of their names.
const EVERYWHERE: [&str; 7] = [
    "libc.so.",
    "libm.so.",
    "libpthread.so.",
    "libdl.so.",
    "librt.so.",
    "libgcc_s.so.",
    "ld-linux",
];

/// Fails unless the bytes are a program for the platform that needs nothing newer than [`GLIBC`] and no
/// library that may be missing.
pub(crate) fn check(name: &str, bytes: &[u8], platform: Platform) -> anyhow::Result<()> {
    let problem = match object::File::parse(bytes) {
        Err(_) => Some("it is no program".to_owned()),
        Ok(file)
            if (file.format(), file.architecture()) != (platform.format, platform.architecture) =>
        {
            Some(format!(
                "it is built for {:?} in {:?}",
                file.architecture(),
                file.format()
            ))
        }
        Ok(_) if platform.is_linux() => {
            of_linux(bytes, GLIBC).with_context(|| format!("cannot read what {name} needs"))?
        }
        Ok(_) => None,
    };
    if let Some(problem) = problem {
        bail!(
            "`{name}` does not run on every {}: {problem}.\n\
             No archive was written.\n\
             Build it with `cargo xtask dist`, or pass `--as-they-are` to package it for machines like this one.",
            platform.name
        );
    }
    Ok(())
}

/// Says what a program for Linux needs that may be missing where glibc is as old as that.
fn of_linux(bytes: &[u8], oldest: &str) -> anyhow::Result<Option<String>> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    if let Some((dynamic, link)) = sections.dynamic(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        for entry in dynamic {
            if entry.tag(endian) == object::elf::DT_NEEDED {
                let library = entry.string(endian, strings)?;
                let library = String::from_utf8_lossy(library);
                if !EVERYWHERE.iter().any(|start| library.starts_with(start)) {
                    return Ok(Some(format!("it needs the library {library}")));
                }
            }
        }
    }
    let Some(versions) = sections.versions(endian, bytes)? else {
        return Ok(None);
    };
    let symbols = sections.symbols(endian, bytes, object::elf::SHT_DYNSYM)?;
    let mut newer = BTreeMap::<Vec<u32>, (String, Vec<String>)>::new();
    for (index, symbol) in symbols.enumerate() {
        let Some(version) = versions.version(versions.version_index(endian, index).index())? else {
            continue;
        };
        let version = String::from_utf8_lossy(version.name()).into_owned();
        let Some(number) = version.strip_prefix("GLIBC_") else {
            continue;
        };
        if parts(number) > parts(oldest) {
            let name = symbols.symbol_name(endian, symbol)?;
            let found = newer.entry(parts(number)).or_default();
            found.0 = version;
            found.1.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(newer.pop_last().map(|(_, (version, mut symbols))| {
        let count = symbols.len();
        symbols.truncate(3);
        let symbols = symbols.join(", ");
        format!("it needs {version} for {count} symbols ({symbols}), and {oldest} is the newest that is everywhere")
    }))
}

/// A version's numbers; a word, as in `GLIBC_PRIVATE`, counts as newer than any.
fn parts(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or(u32::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{check, parts};
    use crate::dist::platform::Platform;

    #[test]
    fn versions_are_numbers() {
        assert!(parts("2.9") < parts("2.17"));
        assert!(parts("2.2.5") < parts("2.17"));
        assert!(parts("2.17") < parts("2.34"));
        assert!(parts("PRIVATE") > parts("9"));
    }

    #[test]
    fn a_script_is_no_program() {
        let here = Platform::here().unwrap();
        let told = check("gigadb-roles", b"#!/bin/sh\n", here).unwrap_err();
        assert!(told.to_string().contains("it is no program"), "{told}");
    }

    /// This test itself is linked to the glibc of the machine that builds it, which no release may need.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_this_machine_links_is_told_from_what_runs_everywhere() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let newer = super::of_linux(&this, "2.17").unwrap().unwrap();
        assert!(newer.starts_with("it needs GLIBC_2."), "{newer}");
        assert_eq!(super::of_linux(&this, "9").unwrap(), None);

        let here = Platform::here().unwrap();
        let told = check("gigadb-roles", &this, here).unwrap_err().to_string();
        assert!(told.contains("--as-they-are"), "{told}");
        let mac = Platform::named("aarch64-apple-darwin").unwrap();
        let told = check("gigadb-roles", &this, mac).unwrap_err().to_string();
        assert!(told.contains("it is built for"), "{told}");
    }
}
