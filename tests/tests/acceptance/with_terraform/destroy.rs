//! Destroying forgets: nothing but Terraform's state changes.

use gigadb_tests::{Scene, procedure::Side};

#[test]
fn destroying_forgets_and_says_what_it_leaves_alone() {
    let scene = Scene::new();
    scene.adopt_live();
    let output = scene
        .terraform(&["destroy", "-no-color", "-auto-approve", "-refresh=false"])
        .expect(0);
    output.says(&["Warning:", "live", "1 destroyed"]);
    let asked = scene.simulator().requests();
    assert!(asked.is_empty(), "{asked:#?}");
    scene.assert_world(Side::Upstream, Side::Upstream);
    assert!(scene.show("")["values"].is_null());
}

#[test]
fn what_was_forgotten_can_be_adopted_again() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);
    let _ = scene
        .terraform(&["destroy", "-no-color", "-auto-approve"])
        .expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
    scene.simulator().clear_requests();
    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();
    let _ = scene.plan(&[]).expect(0);
}
