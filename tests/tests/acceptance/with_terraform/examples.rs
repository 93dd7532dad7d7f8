//! The examples, and what the README shows, do what they say.

use std::path::Path;

use gigadb_tests::{Scene, procedure::Side, scene::example};

#[test]
fn the_upstream_example_adopts_both_environments_and_swaps_live_by_one_line() {
    let scene = Scene::new();
    let main = example("upstream/main.tf");
    scene.write("main.tf", &main);
    scene.apply().expect(0).says(&["2 added"]);
    scene.assert_nothing_written();

    let line = "    live    = \"gigadb-website\"\n";
    assert_eq!(main.matches(line).count(), 1);
    scene.write(
        "main.tf",
        &main.replacen(line, "    live    = \"alt-gigadb-website\"\n", 1),
    );
    scene
        .apply()
        .expect(0)
        .says(&["0 added, 1 changed, 0 destroyed"]);
    scene.assert_world(Side::Alt, Side::Upstream);
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn the_example_with_one_environment_swaps_by_a_variable() {
    let scene = Scene::new();
    for file in ["main.tf", "topology.yaml"] {
        scene.write(file, &example(&format!("one-environment/{file}")));
    }
    let _ = scene.apply().expect(0);
    let swap = ["-var", "production=alt-gigadb-website"];
    let _ = scene
        .terraform(&["apply", "-no-color", "-auto-approve", swap[0], swap[1]])
        .expect(0);
    assert_eq!(scene.writes().len(), 4, "{:#?}", scene.writes());
    assert_eq!(
        scene.show("")["values"]["outputs"]["hot_standby"]["value"],
        "gigadb-website"
    );
    let _ = scene.plan(&swap).expect(0);
}

#[test]
fn every_example_is_formatted_as_terraform_formats() {
    let scene = Scene::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folder = folder.display().to_string();
    let _ = scene
        .terraform(&["fmt", "-check", "-recursive", "-diff", &folder])
        .expect(0);
}

#[test]
fn the_line_that_the_readme_shows_swaps_live() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let block = readme
        .split("```hcl\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure(block);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}
