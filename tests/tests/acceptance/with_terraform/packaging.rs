//! What is released: archives in the registry's layout, and a mirror that Terraform installs from
//! without a network.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use gigadb_tests::{
    Scene,
    procedure::Side,
    programs::{self, Output},
};
use serde_json::Value;

use super::LIVE;

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

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
    let folder = scene.folder().join(format!("programs of {name}"));
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
    let arguments = ["--programs", &programs, "--out", &out_text, "--as-they-are"];
    let _ = dist(scene, &arguments).expect(0);
    out
}

/// What `cargo xtask dist` answers.
fn dist(scene: &Scene, arguments: &[&str]) -> Output {
    scene.run(&programs::ours("xtask"), &[&["dist"], arguments].concat())
}

/// The platform of this machine, as Terraform itself says it.
pub(super) fn platform(scene: &Scene) -> String {
    let version = scene.terraform(&["version", "-json"]).expect(0);
    let version: Value = serde_json::from_str(&version.stdout).unwrap();
    version["platform"].as_str().unwrap().to_owned()
}

/// Lets Terraform install from the mirror, as the installation guide says, and from nowhere else.
pub(super) fn install_from(scene: &mut Scene, mirror: &Path) {
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
    let mut scene = Scene::new();
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

    // The guide's own commands lay out a mirror,
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/install.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (_, lay_out) = guide.split_once("   ```sh\n   for host").unwrap();
    let (lay_out, _) = lay_out.split_once("```").unwrap();
    let mirror = scene.folder().join("mirror").display().to_string();
    let lay_out = format!("cd '{}'\nfor host{lay_out}", out.display())
        .replace("/opt/terraform-mirror", &mirror);
    let _ = scene.shell(&lay_out).expect(0);
    install_from(&mut scene, Path::new(&mirror));
    scene.configure_live(Side::Upstream);
    let installed = scene.terraform(&["init", "-no-color"]).expect(0);
    installed.says(&[&format!("Installed gigascience/gigadb v{VERSION}")]);

    // and install the helper, its completions and its man pages.
    let folder = tar.trim_end_matches(".tar.gz");
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
    // What there is to read holds together without the repository: at 3 a.m. there may be no network.
    let mut pages = 0;
    for page in markdown_below(&unpacked) {
        let mode = fs::metadata(&page).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{}", page.display());
        let text = fs::read_to_string(&page).unwrap();
        let links = text.split("](").skip(1);
        for link in links.filter_map(|rest| rest.split([')', '#']).next()) {
            let found = page.parent().unwrap().join(link).exists();
            let elsewhere =
                link.is_empty() || link.contains("://") || OF_THE_REPOSITORY.contains(&link);
            assert!(found || elsewhere, "{} links to {link}", page.display());
        }
        pages += 1;
    }
    assert!(pages > 20, "{pages} pages");
}

/// Links to what one needs a checkout for anyway.
const OF_THE_REPOSITORY: [&str; 4] = [
    "../../ansible/README.md",
    "../../ansible/ansible.cfg",
    "../../simulator/README.md",
    "../ansible/README.md",
];

fn markdown_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(markdown_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
    found
}

#[cfg(target_os = "linux")]
#[test]
fn programs_that_only_run_on_new_machines_are_refused() {
    let scene = Scene::new();
    let debug = programs::ours("gigadb-roles");
    let debug = debug.parent().unwrap().display().to_string();
    let out = scene.folder().join("dist");
    let refused = dist(
        &scene,
        &["--programs", &debug, "--out", &out.display().to_string()],
    );
    let _ = refused.expect(1).says(&[
        "`terraform-provider-gigadb` does not run on every linux_",
        "it needs GLIBC_2.",
        "No archive was written.",
    ]);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn a_tag_that_is_not_the_version_releases_nothing() {
    let scene = Scene::new();
    let out = scene.folder().join("dist");
    let refused = dist(
        &scene,
        &[
            "--collect",
            "--tag",
            "v9.9.9",
            "--out",
            &out.display().to_string(),
        ],
    );
    let _ = refused.expect(1).says(&["Nothing is released as `v9.9.9`"]);
    assert!(!out.exists());
}

/// The commands of a job in a pipeline file of the repository.
fn commands(scene: &Scene, file: &str, job: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let pipeline = scene.yaml(&file);
    let script = pipeline[job]["script"].as_array().unwrap();
    let lines = script.iter().map(|line| line.as_str().unwrap().to_owned());
    lines.collect()
}

/// The pipeline's job, with a key made for it and a stand-in for the upload; it ends with what registries want.
#[test]
fn a_release_is_collected_signed_and_published() {
    let mut scene = Scene::new();
    let dist = packaged(&scene, "target/dist", Provider::StandIn);
    let platform = platform(&scene);
    // Another job made the archives of another platform, without the checksums of these.
    let of = |platform: &str, kind: &str| dist.join(format!("{kind}_{VERSION}_{platform}"));
    for (kind, ending) in [
        ("terraform-provider-gigadb", "zip"),
        ("gigadb-roles", "tar.gz"),
    ] {
        let [from, to] = [platform.as_str(), "plan9_mips"]
            .map(|platform| of(platform, kind).with_added_extension(ending));
        fs::copy(from, to).unwrap();
    }
    fs::remove_dir_all(dist.join("mirror")).unwrap();

    let keys = scene.folder().join("keys");
    let (key, uploads) = (
        scene.folder().join("key.asc"),
        scene.folder().join("uploads"),
    );
    let make = format!(
        "set -e; mkdir -m 700 '{0}'; export GNUPGHOME='{0}'
        gpg --batch --quiet --passphrase '' --quick-generate-key release@example.org ed25519 sign never
        gpg --batch --export-secret-keys > '{1}'; gpgconf --kill gpg-agent; rm -r '{0}'; mkdir -m 700 '{0}'",
        keys.display(),
        key.display(),
    );
    let _ = scene.shell(&make).expect(0);
    let xtask = programs::ours("xtask").display().to_string();
    let out = dist.display().to_string();
    scene.stand_in(
        "cargo",
        &format!("shift; exec '{xtask}' \"$@\" --out '{out}'"),
    );
    scene.stand_in("curl", "for url; do :; done; echo \"$url\" >> \"$UPLOADS\"");
    for (name, value) in [
        ("GNUPGHOME", keys.display().to_string()),
        ("SIGNING_KEY", key.display().to_string()),
        ("UPLOADS", uploads.display().to_string()),
        ("CI_COMMIT_TAG", format!("v{VERSION}")),
        ("CI_JOB_TOKEN", "token".to_owned()),
        (
            "CI_API_V4_URL",
            "https://gitlab.example.org/api/v4".to_owned(),
        ),
        ("CI_PROJECT_ID", "1".to_owned()),
    ] {
        scene.set(name, &value);
    }
    let job = commands(&scene, ".gitlab-ci.yml", "publish").join("\n");
    let from = dist
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .display()
        .to_string();
    let _ = scene.shell(&format!("cd '{from}'\n{job}")).expect(0);

    let sums = format!("terraform-provider-gigadb_{VERSION}_SHA256SUMS");
    let verify =
        format!("cd '{out}' && gpg --verify {sums}.sig {sums} && sha256sum --check {sums}");
    let _ = scene
        .shell(&verify)
        .expect(0)
        .says(&["plan9_mips.tar.gz: OK"]);
    let _ = scene.shell("gpgconf --kill gpg-agent");
    let uploaded = fs::read_to_string(uploads).unwrap();
    let base = format!(
        "https://gitlab.example.org/api/v4/projects/1/packages/generic/gigadb-roles/{VERSION}/"
    );
    let names: Vec<&str> = uploaded
        .lines()
        .map(|url| url.strip_prefix(&base).unwrap())
        .collect();
    assert_eq!(names.len(), 7, "{names:?}");
    assert!(names.contains(&format!("{sums}.sig").as_str()), "{names:?}");
    let index = dist.join("mirror/registry.terraform.io/gigascience/gigadb");
    let index = fs::read_to_string(index.join(format!("{VERSION}.json"))).unwrap();
    assert!(
        index.contains("plan9_mips") && index.contains(&platform),
        "{index}"
    );
}

/// The step of the image that unpacks, as a script: no builder of images is needed to know that it works.
#[test]
fn the_image_holds_what_the_jobs_call() {
    let mut scene = Scene::new();
    let dist = packaged(&scene, "dist", Provider::StandIn);
    let platform = platform(&scene);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/gitlab-ci/Containerfile");
    let text = fs::read_to_string(file).unwrap().replace("\\\n", "");
    let stage = text
        .split("\nFROM ")
        .find(|stage| stage.contains(" AS files\n"))
        .unwrap();
    let (_, unpack) = stage.split_once("\nRUN ").unwrap();
    let (_, arch) = platform.split_once('_').unwrap();
    scene.stand_in("dpkg", &format!("echo {arch}"));
    let root = scene.folder().join("image");
    let mut script = unpack.replace("/archives", &dist.display().to_string());
    for folder in ["/helper", "/files"] {
        let inside = format!("{}{folder}", root.display());
        script = script.replace(&format!(" {folder}"), &format!(" {inside}"));
    }
    let _ = scene.shell(&script).expect(0);

    let image = root.join("files");
    let helper = image.join("bin/gigadb-roles");
    let _ = scene.run(&helper, &["--version"]).expect(0);
    install_from(&mut scene, &image.join("share/terraform/plugins"));
    scene.configure_live(Side::Upstream);
    let installed = scene.terraform(&["init", "-no-color"]).expect(0);
    installed.says(&[&format!("Installed gigascience/gigadb v{VERSION}")]);
}

#[test]
fn the_same_programs_give_the_same_bytes() {
    let scene = Scene::new();
    let sums = format!("terraform-provider-gigadb_{VERSION}_SHA256SUMS");
    let [first, second] = ["one", "two"]
        .map(|name| fs::read(packaged(&scene, name, Provider::StandIn).join(&sums)).unwrap());
    assert_eq!(first, second);
}
