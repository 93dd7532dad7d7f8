//! Terraform's own state, where `init --terraform` puts it.

use std::{fs, os::unix::fs::symlink};

use gigadb_simulator::world::{ALT_PROJECT, GITLAB_TOKEN, PROJECT, TerraformState};
use gigadb_tests::{Scene, programs};

use super::packaging::{VERSION, install_from, platform};

/// The state of that name at the simulated GitLab.
fn state(scene: &Scene) -> Option<TerraformState> {
    let world = scene.simulator().world();
    let states = &world.gitlab.project(PROJECT)?.terraform_states;
    states.get("gigadb-roles").cloned()
}

#[test]
fn what_init_writes_keeps_it_in_gitlab_where_another_checkout_finds_it() {
    let mut scene = Scene::new();
    let mirror = scene.folder().join("mirror");
    let provider = "terraform-provider-gigadb";
    // The registry of Terraform, and that of OpenTofu.
    for host in ["registry.terraform.io", "registry.opentofu.org"] {
        let package = format!("{host}/gigascience/gigadb/{VERSION}");
        let package = mirror.join(package).join(platform(&scene));
        fs::create_dir_all(&package).unwrap();
        symlink(programs::ours(provider), package.join(provider)).unwrap();
    }
    install_from(&mut scene, &mirror);

    fs::remove_file(scene.root().join("topology.yaml")).unwrap();
    scene.unset("GIGADB_TOPOLOGY");
    let init = ["init", "--terraform", "--project", PROJECT];
    let init = [&init[..], &["--project", ALT_PROJECT]].concat();
    let _ = scene.gigadb_roles(&init).expect(0);
    // As the first line of the file says.
    scene
        .set("TF_HTTP_USERNAME", "somebody")
        .set("TF_HTTP_PASSWORD", GITLAB_TOKEN);
    let begun = scene.terraform(&["init", "-no-color"]).expect(0);
    begun.says(&["Successfully configured the backend \"http\"!"]);
    let _ = scene.apply().expect(0).says(&["2 added"]);

    let kept = state(&scene).unwrap();
    assert_eq!(kept.lock, None);
    let newest = kept.versions.values().next_back().unwrap();
    assert!(newest.contains("gigadb_role_assignment"), "{newest}");
    assert!(!scene.root().join("terraform.tfstate").exists());
    // It was held while Terraform was at work.
    let requests = scene.simulator().requests();
    let locks = requests
        .iter()
        .filter(|one| one.path.ends_with("/terraform/state/gigadb-roles/lock"));
    let locks: Vec<&str> = locks.map(|one| one.method.as_str()).collect();
    assert_eq!(locks, ["POST", "DELETE"]);

    scene.second_root();
    let _ = scene
        .terraform_in_second_root(&["init", "-no-color"])
        .expect(0);
    let plan = ["plan", "-no-color", "-detailed-exitcode"];
    let _ = scene.terraform_in_second_root(&plan).expect(0);
}
