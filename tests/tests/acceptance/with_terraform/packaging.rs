//! What is released: archives in the registry's layout, and a mirror that Terraform installs from
//! without a network.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use gigadb_tests::{Scene, procedure::Side, programs};
use serde_json::Value;

use super::LIVE;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is packaged as the provider.
#[derive(Clone, Copy, PartialEq)]
enum Provider {
    /// The program of this build.
    Real,
    /// A few bytes in its place, where only archives are looked at: a debug build is large.
    StandIn,
}

/// Packages programs into a folder of the scene. The helper is a script that runs the real one.
fn packaged(scene: &Scene, name: &str, provider: Provider) -> PathBuf {
    let folder = scene.folder().join("programs");
    fs::create_dir_all(&folder).unwrap();
    let script = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    };
    for name in ["gigadb-roles", "gigadb-simulator"] {
        let program = programs::ours(name).display().to_string();
        script(name, &format!("exec '{program}' \"$@\""));
    }
    let file = folder.join("terraform-provider-gigadb");
    match provider {
        Provider::StandIn => script("terraform-provider-gigadb", "exit 1"),
        Provider::Real => {
            fs::copy(programs::ours("terraform-provider-gigadb"), &file).unwrap();
            // As a release is; where binutils are missing, there is only more to compress.
            let _ = Command::new("strip").arg(&file).status();
        }
    }
    let out = scene.folder().join(name);
    let [programs, out_text] = [&folder, &out].map(|path| path.display().to_string());
    let arguments = ["dist", "--programs", &programs, "--out", &out_text];
    let _ = scene.run(&programs::ours("xtask"), &arguments).expect(0);
    out
}

/// The platform of this machine, as Terraform itself says it.
fn platform(scene: &Scene) -> String {
    let version = scene.terraform(&["version", "-json"]).expect(0);
    let version: Value = serde_json::from_str(&version.stdout).unwrap();
    version["platform"].as_str().unwrap().to_owned()
}

/// Lets Terraform install from the mirror, as the installation guide says, and from nowhere else.
fn install_from(scene: &mut Scene, mirror: &Path) {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/install.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (_, block) = guide.split_once("   ```hcl\n").unwrap();
    let (block, _) = block.split_once("   ```\n").unwrap();
    let mirror = mirror.display().to_string();
    let text = block.replace("/opt/terraform-mirror", &mirror);
    assert_ne!(text, block);
    let file = scene.folder().join("mirror.rc");
    fs::write(&file, text).unwrap();
    scene.set("TF_CLI_CONFIG_FILE", &file.display().to_string());
}

/// The files of a zip archive with their modes.
fn zipped(file: &Path) -> BTreeMap<String, u32> {
    let mut zip = zip::ZipArchive::new(File::open(file).unwrap()).unwrap();
    (0..zip.len())
        .map(|index| {
            let entry = zip.by_index(index).unwrap();
            (entry.name().to_owned(), entry.unix_mode().unwrap() & 0o777)
        })
        .collect()
}

#[test]
fn a_mirror_of_the_archives_installs_plans_and_swaps() {
    let mut scene = Scene::new();
    let out = packaged(&scene, "dist", Provider::Real);
    let platform = platform(&scene);
    install_from(&mut scene, &out.join("mirror"));

    scene.configure_live(Side::Upstream);
    scene
        .terraform(&["init", "-no-color"])
        .expect(0)
        .says(&[&format!("Installed gigascience/gigadb v{VERSION}")]);
    let documents = out.join("mirror/registry.terraform.io/gigascience/gigadb");
    let document = fs::read(documents.join(format!("{VERSION}.json"))).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let archive = &document["archives"][&platform];
    let h1 = archive["hashes"][0].as_str().unwrap();
    let lock = scene.read(".terraform.lock.hcl");
    assert!(lock.contains(&format!("\"{h1}\"")), "{h1} is not in {lock}");
    assert_eq!(lock.matches("h1:").count(), 1, "{lock}");

    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();
    scene.configure_live(Side::Alt);
    let _ = scene.plan(&[]).expect(2);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
    assert_eq!(scene.attributes(LIVE)["production"], "alt-gigadb-website");
    let _ = scene.plan(&[]).expect(0);

    // A second installation under the lock file is the same one; another content is refused.
    fs::remove_dir_all(scene.root().join(".terraform")).unwrap();
    let _ = scene.terraform(&["init", "-no-color"]).expect(0);
    assert_eq!(scene.read(".terraform.lock.hcl"), lock);
    fs::remove_dir_all(scene.root().join(".terraform")).unwrap();
    for host in ["registry.terraform.io", "registry.opentofu.org"] {
        let folder = out.join("mirror").join(host).join("gigascience/gigadb");
        let file = folder.join(archive["url"].as_str().unwrap());
        let mut other = zip::ZipWriter::new(File::create(file).unwrap());
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        let name = format!("terraform-provider-gigadb_v{VERSION}");
        other.start_file(name, options).unwrap();
        other.finish().unwrap();
    }
    let refused = scene.terraform(&["init", "-no-color"]).expect(1);
    refused.says(&["checksum"]);
}

#[test]
fn archives_are_as_registries_and_operators_expect() {
    let scene = Scene::new();
    let out = packaged(&scene, "dist", Provider::StandIn);
    let platform = platform(&scene);
    let zip = format!("terraform-provider-gigadb_{VERSION}_{platform}.zip");
    let tar = format!("gigadb-roles_{VERSION}_{platform}.tar.gz");
    let manifest = format!("terraform-provider-gigadb_{VERSION}_manifest.json");
    let sums = format!("terraform-provider-gigadb_{VERSION}_SHA256SUMS");
    let mut names: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [&tar, "mirror", &sums, &zip, &manifest]);

    let expected = [
        ("LICENSE".to_owned(), 0o644),
        (format!("terraform-provider-gigadb_v{VERSION}"), 0o755),
    ];
    assert_eq!(zipped(&out.join(&zip)), BTreeMap::from(expected));
    let manifest = fs::read(out.join(manifest)).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(
        manifest,
        serde_json::json!({ "version": 1, "metadata": { "protocol_versions": ["6.0"] } })
    );
    let listed = fs::read_to_string(out.join(&sums)).unwrap();
    assert_eq!(listed.lines().count(), 3);
    let script = format!("cd '{}' && sha256sum --check '{sums}'", out.display());
    let _ = scene.run(Path::new("/bin/sh"), &["-c", &script]).expect(0);

    // The guide's own commands install the helper, its completions and its man pages.
    let folder = tar.trim_end_matches(".tar.gz");
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/install.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (_, commands) = guide.split_once("```sh\ntar -xzf").unwrap();
    let (commands, _) = commands.split_once("```").unwrap();
    let commands = format!("set -e\ncd '{}'\ntar -xzf{commands}", out.display())
        .replace("gigadb-roles_0.1.0_linux_amd64", folder);
    let _ = scene
        .run(Path::new("/bin/sh"), &["-c", &commands])
        .expect(0);
    let home = scene.folder().join("home/.local");
    let helper = home.join("bin/gigadb-roles");
    let version = scene.run(&helper, &["--version"]).expect(0).stdout;
    assert!(
        version.starts_with(&format!("gigadb-roles {VERSION}")),
        "{version}"
    );
    let _ = scene.run(&helper, &["status"]).expect(0);
    let pages = fs::read_dir(home.join("share/man/man1")).unwrap();
    let shipped = fs::read_dir(out.join(folder).join("man/man1")).unwrap();
    assert_eq!(pages.count(), shipped.count());
    let shown = scene
        .run(&helper, &["completions", "bash"])
        .expect(0)
        .stdout;
    let unpacked = out.join(folder);
    let completions = fs::read_to_string(unpacked.join("completions/gigadb-roles.bash"));
    assert_eq!(completions.unwrap(), shown);
    let simulator = home.join("bin/gigadb-simulator");
    let help = scene.run(&simulator, &["--help"]).expect(0).stdout;
    assert!(help.contains("drill"), "{help}");
    for name in ["LICENSE", "README.md", "INSTALL.md", "CHANGELOG.md"] {
        let mode = fs::metadata(unpacked.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o644, "{name}");
    }
}

#[test]
fn the_same_programs_give_the_same_bytes() {
    let scene = Scene::new();
    let sums = format!("terraform-provider-gigadb_{VERSION}_SHA256SUMS");
    let [first, second] = ["one", "two"]
        .map(|name| fs::read(packaged(&scene, name, Provider::StandIn).join(&sums)).unwrap());
    assert_eq!(first, second);
}
