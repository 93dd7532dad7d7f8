//! Where Terraform's provider finds the topology, and which commands tell what is suspicious in it.

use std::fs;

use gigadb_tests::{Scene, assignment, procedure::Side};

const SUSPICIOUS: &str = "1 suspicious place in the topology";

#[test]
fn validate_tells_what_is_suspicious_and_plan_and_apply_do_not() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    let validated = scene.terraform(&["validate", "-no-color"]).expect(0);
    assert_eq!(
        validated.flat().matches(SUSPICIOUS).count(),
        1,
        "{validated:?}"
    );
    validated.says(&["./topology.yaml:", "files.alt-live.gigadb.host"]);
    let root = format!("-chdir={}", scene.root().display());
    let validated = scene.terraform(&[&root, "validate", "-json"]).expect(0);
    validated.says(&[SUSPICIOUS]);

    for arguments in [
        &["plan", "-no-color", "-out=p"][..],
        &["apply", "-no-color", "p"],
        &["apply", "-no-color", "-auto-approve", "-refresh-only"],
        &["destroy", "-no-color", "-auto-approve"],
    ] {
        scene.terraform(arguments).expect(0).omits(&[SUSPICIOUS]);
    }
}

#[test]
fn a_topology_that_nothing_names_is_looked_for_in_the_working_directory_only() {
    let mut scene = Scene::new();
    scene.unset("GIGADB_TOPOLOGY");
    let header = "terraform {\n  required_providers {\n    gigadb = { source = \"gigascience/gigadb\" }\n  }\n}\n";
    let body = assignment("live", Side::Upstream, "");
    scene.write("main.tf", &format!("{header}{body}"));
    let _ = scene.plan(&[]).expect(2);

    let (here, above) = (
        scene.root().join("topology.yaml"),
        scene.folder().join("topology.yaml"),
    );
    fs::rename(&here, &above).unwrap();
    // Validation often runs elsewhere than plans do.
    let _ = scene.terraform(&["validate", "-no-color"]).expect(0);
    let refused = scene.plan(&[]).expect(1);
    refused.says(&[
        "Error: the topology file cannot be read",
        &format!("on: `topology.yaml` (looked for at `{}`)", here.display()),
        "Name the file in `topology_file` or in `GIGADB_TOPOLOGY`",
    ]);
    scene.set("GIGADB_TOPOLOGY", "../topology.yaml");
    let _ = scene.plan(&[]).expect(2);
}
