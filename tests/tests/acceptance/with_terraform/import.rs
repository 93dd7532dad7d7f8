//! Taking over an arrangement whose roles are not those of the configuration.

use gigadb_tests::{Scene, assignment, procedure, procedure::Side};

use super::LIVE;

#[test]
fn importing_on_the_command_line_takes_the_roles_from_dns() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    let _ = scene
        .terraform(&["import", "-no-color", LIVE, "live"])
        .expect(0);
    let live = scene.attributes(LIVE);
    assert_eq!(live["production"], "gigadb-website");
    assert_eq!(live["hot_standby"], "alt-gigadb-website");
    assert_eq!(live["status"], "consistent");
    let _ = scene.plan(&[]).expect(0);
    scene.assert_nothing_written();
}

#[test]
fn importing_a_traded_world_lets_the_plan_show_the_whole_swap() {
    let scene = Scene::new();
    scene
        .simulator()
        .edit(|world| *world = procedure::world(Side::Alt, Side::Upstream));
    scene.configure_live(Side::Upstream);
    let _ = scene
        .terraform(&["import", "-no-color", LIVE, "live"])
        .expect(0);
    assert_eq!(scene.attributes(LIVE)["production"], "alt-gigadb-website");

    let plan = scene.plan(&[]).expect(2);
    plan.says(&["\"203.0.113.10\" -> \"198.51.100.10\"", "1 to change"]);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Upstream, Side::Upstream);
}

#[test]
fn an_import_block_imports_and_the_plan_after_is_empty() {
    let scene = Scene::new();
    let block = format!("\nimport {{\n  to = {LIVE}\n  id = \"live\"\n}}\n");
    scene.configure(&format!(
        "{block}{}",
        assignment("live", Side::Upstream, "")
    ));
    scene
        .apply()
        .expect(0)
        .says(&["1 imported, 0 added, 0 changed, 0 destroyed"]);
    let _ = scene.plan(&[]).expect(0);
    scene.assert_nothing_written();
}

#[test]
fn an_import_block_and_a_swap_go_together() {
    let scene = Scene::new();
    let block = format!("\nimport {{\n  to = {LIVE}\n  id = \"live\"\n}}\n");
    scene.configure(&format!("{block}{}", assignment("live", Side::Alt, "")));
    let plan = scene.plan(&[]).expect(2);
    plan.says(&[
        "1 to import, 0 to add, 1 to change",
        "\"198.51.100.10\" -> \"203.0.113.10\"",
    ]);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}

#[test]
fn importing_an_unknown_environment_names_the_nearest() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    let output = scene
        .terraform(&["import", "-no-color", LIVE, "lvie"])
        .expect(1);
    output.says(&["lvie", "live"]);
    scene.assert_nothing_written();
}
