//! Destroying forgets: nothing but Terraform's state changes.

use gigadb_simulator::World;
use gigadb_tests::{Scene, assignment, procedure, procedure::Side};

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

/// What is left is what the refresh of the same command has read, not what the state once
/// established.
#[test]
fn what_is_left_is_what_was_read() {
    let roles_of_the_state = "`gigadb-website` stays production";
    let traded = |world: &mut World| *world = procedure::world(Side::Alt, Side::Upstream);
    let mixed = |world: &mut World| {
        let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
        let row = project.variable_mut("REMOTE_HOSTNAME", "live").unwrap();
        "gigadb.org".clone_into(&mut row.value);
    };
    let foreign = |world: &mut World| {
        for record in world
            .cloudflare
            .zones
            .iter_mut()
            .flat_map(|zone| &mut zone.records)
        {
            if record.kind == "A" && record.name == "gigadb.org" {
                "192.0.2.1".clone_into(&mut record.content);
            }
        }
    };
    type Case = (fn(&mut World), &'static str, bool);
    let edits: [Case; 3] = [
        (
            traded,
            "as last read, `gigadb.org` leads to `alt-gigadb-website`, while the state's production is `gigadb-website`",
            false,
        ),
        (mixed, "(`status` is `mixed`)", true),
        (
            foreign,
            "as last read, `gigadb.org` leads to neither side",
            false,
        ),
    ];
    for (edit, said, as_in_the_state) in edits {
        let scene = Scene::new();
        let kept = assignment("live", Side::Upstream, "on_external_swap = \"keep\"");
        scene.configure(&kept);
        let _ = scene.apply().expect(0);
        scene.simulator().clear_requests();
        scene.simulator().edit(edit);
        let output = scene
            .terraform(&["destroy", "-no-color", "-auto-approve"])
            .expect(0);
        output.says(&[said]);
        assert_eq!(output.flat().contains(roles_of_the_state), as_in_the_state);
        scene.assert_nothing_written();
    }
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
