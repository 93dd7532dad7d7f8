//! Creating takes over what is there, and never changes a present value.

use gigadb_tests::{Scene, assignment, procedure, procedure::Side};

use super::LIVE;

#[test]
fn creating_adopts_the_present_arrangement_without_a_write() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    scene
        .apply()
        .expect(0)
        .says(&["1 added, 0 changed, 0 destroyed"]);
    scene.assert_nothing_written();
    scene.assert_world(Side::Upstream, Side::Upstream);
    let live = scene.attributes(LIVE);
    assert_eq!(live["hot_standby"], "alt-gigadb-website");
    assert_eq!(live["status"], "consistent");
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn creating_refuses_to_swap_and_names_both_ways_on() {
    let scene = Scene::new();
    scene.configure_live(Side::Alt);
    let plan = scene.plan(&[]).expect(1);
    plan.says(&[
        "gigadb.org",
        "gigadb-website",
        "terraform import",
        "production",
    ]);
    let _ = scene.apply().expect(1);
    scene.assert_nothing_written();
    assert!(!scene.root().join("terraform.tfstate").exists() || scene.show("")["values"].is_null());
}

#[test]
fn creating_refuses_a_mixed_world_and_lists_what_disagrees() {
    let scene = Scene::new();
    let elsewhere = procedure::records("live", Side::Alt);
    let files = elsewhere
        .iter()
        .find(|(name, _)| name == "files.gigadb.org")
        .unwrap();
    scene.simulator().edit(|world| {
        world
            .cloudflare
            .record_mut("files.gigadb.org", "A")
            .unwrap()
            .content
            .clone_from(&files.1);
    });
    scene.configure_live(Side::Upstream);
    scene
        .plan(&[])
        .expect(1)
        .says(&["files.gigadb.org", &files.1]);
    scene.assert_nothing_written();
}

#[test]
fn creating_with_a_preparation_that_is_not_there_says_so() {
    let scene = Scene::new();
    let prepare = "  prepare = \"alt-gigadb-website\"";
    scene.configure(&assignment("live", Side::Upstream, prepare));
    let refused = scene.plan(&[]).expect(1);
    refused.says(&[
        "`live` is not prepared for a swap",
        "Take `prepare` out, apply, then put it in again; or import what is there",
    ]);
    refused.omits(&["consistent", "Put these right"]);
    scene.assert_nothing_written();
}

#[test]
fn an_unknown_production_is_an_error_at_plan() {
    let scene = Scene::new();
    scene.configure(
        r#"
resource "terraform_data" "choice" {
  input = "gigadb-website"
}

resource "gigadb_role_assignment" "live" {
  environment = "live"
  production  = terraform_data.choice.output
}
"#,
    );
    scene
        .plan(&[])
        .expect(1)
        .says(&["production", "must be known", "the plan is the review"]);
    scene.assert_nothing_written();
}

#[test]
fn another_environment_replaces_by_forgetting_and_adopting() {
    let scene = Scene::new();
    scene.adopt_live();
    let staging = assignment("staging", Side::Upstream, "");
    scene.configure(&staging.replace(
        "\"gigadb_role_assignment\" \"staging\"",
        "\"gigadb_role_assignment\" \"live\"",
    ));
    let plan = scene.plan(&[]).expect(2);
    plan.says(&["must be replaced", "1 to add, 0 to change, 1 to destroy"]);
    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();
    assert_eq!(scene.attributes(LIVE)["id"], "staging");
    let _ = scene.plan(&[]).expect(0);
}
