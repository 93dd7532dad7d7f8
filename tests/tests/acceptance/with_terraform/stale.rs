//! What moved between plan and apply stops the apply, by name, before anything is written.

use gigadb_simulator::{Edit, World};
use gigadb_tests::{Output, Scene, procedure, procedure::Side};

/// Plans the swap of live to a file, changes the world, and applies the file.
fn apply_after(change: impl FnOnce(&mut World)) -> (Scene, Output) {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    scene.simulator().edit(change);
    let output = scene.terraform(&["apply", "-no-color", "swap.tfplan"]);
    (scene, output)
}

#[test]
fn an_elastic_ip_that_changed_stops_the_apply() {
    let (scene, output) = apply_after(|world| {
        let edit = Edit::SetAddress {
            region: "ap-southeast-2".to_owned(),
            name: "eip-gigadb-files-live-gigadb".to_owned(),
            public_ip: "203.0.113.77".to_owned(),
        };
        world.apply(&edit).unwrap();
    });
    let output = output.expect(1);
    output.says(&[
        "alt-gigadb-website",
        "files",
        "203.0.113.12",
        "203.0.113.77",
        "Nothing was changed",
    ]);
    scene.assert_nothing_written();
}

#[test]
fn a_record_that_changed_stops_the_apply() {
    let (scene, output) = apply_after(|world| {
        world
            .cloudflare
            .record_mut("bastion.gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.1".to_owned();
    });
    let output = output.expect(1);
    output.says(&[
        "bastion.gigadb.org",
        "198.51.100.11",
        "192.0.2.1",
        "Nothing was changed",
    ]);
    scene.assert_nothing_written();
}

#[test]
fn a_variable_that_changed_stops_the_apply() {
    let (scene, output) = apply_after(|world| {
        let project = world.gitlab.project_mut(Side::Upstream.project()).unwrap();
        project.variable_mut("HOME_URL", "live").unwrap().value = "https://example.org".to_owned();
    });
    let output = output.expect(1);
    output.says(&[
        "HOME_URL",
        "https://gigadb.org",
        "https://example.org",
        "Nothing was changed",
    ]);
    scene.assert_nothing_written();
}

#[test]
fn a_topology_that_changed_stops_the_apply() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    scene.edit_topology("portainer.gigadb.org: web", "portainer.gigadb.org: files");
    let output = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(1);
    output.says(&["topology changed", "plan again"]);
    scene.assert_nothing_written();
    scene.assert_world(Side::Upstream, Side::Upstream);
}

#[test]
fn a_value_that_already_is_as_desired_is_no_conflict() {
    let (scene, output) = apply_after(|world| {
        let wanted = procedure::records("live", Side::Alt);
        let (name, address) = wanted
            .iter()
            .find(|(name, _)| name == "files.gigadb.org")
            .unwrap();
        world
            .cloudflare
            .record_mut(name, "A")
            .unwrap()
            .content
            .clone_from(address);
    });
    let _ = output.expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}

#[test]
fn what_lies_outside_the_environment_does_not_stop_the_apply() {
    let (scene, output) = apply_after(|world| {
        world
            .cloudflare
            .record_mut("dev.gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.99".to_owned();
        world
            .cloudflare
            .record_mut("staging.gigadb.org", "A")
            .unwrap()
            .ttl = 90;
    });
    let _ = output.expect(0);
    let dev = scene.world();
    assert_eq!(
        dev.cloudflare.records("dev.gigadb.org")[0].content,
        "192.0.2.99"
    );
}
