//! The rules on what others did meanwhile, which nobody can waive.

use gigadb_simulator::Edit;
use gigadb_tests::{Scene, assignment, procedure, procedure::Side};

use super::{as_documented, edit};

/// Asserts that `overrides` may not name the rule.
#[track_caller]
fn cannot_be_waived(rule: &str) {
    let scene = Scene::new();
    let overrides = format!("overrides = [\"{rule}\"]");
    scene.configure(&assignment("live", Side::Upstream, &overrides));
    let refused = scene.plan(&[]).expect(1);
    refused.says(&[
        &format!("The rule `{rule}` cannot be waived. on: attribute `overrides` changed: Nothing was changed. next: Take `{rule}` out of `overrides`."),
    ]);
    assert!(scene.simulator().requests().is_empty());
}

#[test]
fn a_variable_that_changed_since_the_plan() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    let theirs = Edit::SetVariable {
        project: Side::Upstream.project().to_owned(),
        key: "HOME_URL".to_owned(),
        scope: "live".to_owned(),
        value: "https://www.gigadb.org".to_owned(),
    };
    edit(&scene, |world| world.apply(&theirs).unwrap());
    let applied = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(1);
    as_documented("unchanged-since-plan", &applied);
    scene.assert_nothing_written();
    cannot_be_waived("unchanged-since-plan");
}

#[test]
fn roles_that_were_traded_elsewhere() {
    let scene = Scene::new();
    scene.adopt_live();
    edit(&scene, |world| {
        *world = procedure::world(Side::Alt, Side::Upstream);
    });
    let plan = scene.plan(&[]).expect(1);
    as_documented("external-swap", &plan);
    scene.assert_nothing_written();
    cannot_be_waived("external-swap");
}
