//! The line that a plan opens with: who has which role.

use gigadb_tests::{Scene, assignment, procedure::Side};
use serde_json::Value;

use super::LIVE;

const FORMER: &str = "production gigadb-website, hot standby alt-gigadb-website";
const LATTER: &str = "production alt-gigadb-website, hot standby gigadb-website";

/// Takes the attribute out of the state, as a provider before it left it.
fn forget_arrangement(scene: &Scene) {
    let mut state: Value = serde_json::from_str(&scene.read("terraform.tfstate")).unwrap();
    let attributes = &mut state["resources"][0]["instances"][0]["attributes"];
    let removed = attributes.as_object_mut().unwrap().remove("arrangement");
    assert_eq!(removed, Some(FORMER.into()));
    scene.write("terraform.tfstate", &state.to_string());
}

#[test]
fn a_plan_opens_with_it() {
    let scene = Scene::new();
    scene.adopt_live();
    assert_eq!(scene.attributes(LIVE)["arrangement"], FORMER);
    scene.configure_live(Side::Alt);
    let plan = scene.plan(&[]).expect(2);
    let mut lines = plan
        .stdout
        .lines()
        .skip_while(|line| !line.contains("resource \"gigadb_role_assignment\""));
    let first = lines.nth(1).unwrap_or_default();
    assert_eq!(
        first.split_whitespace().collect::<Vec<_>>().join(" "),
        format!("~ arrangement = \"{FORMER}\" -> \"{LATTER}\"")
    );
    let _ = scene.apply().expect(0);
    assert_eq!(scene.attributes(LIVE)["arrangement"], LATTER);
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn a_state_without_it_plans_no_change_and_takes_it_up() {
    let scene = Scene::new();
    scene.adopt_live();
    forget_arrangement(&scene);
    let _ = scene.plan(&[]).expect(0);
    let _ = scene.plan(&["-refresh=false"]).expect(0);
    scene.assert_nothing_written();
    // With a change beside it, and without a refresh, it is told.
    let stop = assignment("live", Side::Upstream, "  on_failure = \"stop\"");
    scene.configure(&stop);
    let _ = scene
        .plan(&["-refresh=false"])
        .expect(2)
        .says(&["+ arrangement"]);
    let _ = scene.apply().expect(0);
    assert_eq!(scene.attributes(LIVE)["arrangement"], FORMER);
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn a_trade_by_hand_does_not_change_it_until_it_is_accepted() {
    let scene = Scene::new();
    let keep = "  on_external_swap = \"keep\"";
    scene.configure(&assignment("live", Side::Upstream, keep));
    let _ = scene.apply().expect(0);
    scene.simulator().edit(|world| {
        *world = gigadb_tests::procedure::world(Side::Alt, Side::Upstream);
    });
    let _ = scene.plan(&[]).expect(0);
    scene.configure(&assignment("live", Side::Alt, keep));
    let _ = scene.apply().expect(0);
    assert_eq!(scene.attributes(LIVE)["arrangement"], LATTER);
    // An import has it from the records.
    let imported = Scene::with_world(gigadb_tests::procedure::world(Side::Alt, Side::Upstream));
    imported.configure_live(Side::Alt);
    let _ = imported
        .terraform(&["import", "-no-color", LIVE, "live"])
        .expect(0);
    assert_eq!(imported.attributes(LIVE)["arrangement"], LATTER);
    let _ = imported.plan(&[]).expect(0);
}
