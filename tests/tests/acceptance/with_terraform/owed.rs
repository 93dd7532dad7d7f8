//! A failover whose lost side is out of reach owes what concerns that side; the next apply writes it
//! once the side is back.

use gigadb_simulator::{Api, Effect, Fault};
use gigadb_tests::{
    Scene, assignment, objects,
    procedure::{Side, variables},
};

use super::LIVE;

const FAILOVER: &str = "mode = \"failover\"";
/// GitLab's path of the lost side's variables, of which the other side's path is no part.
const LOST: &str = "/gigascience/upstream/gigadb-website/variables";

/// A scene in which live is adopted and production's side is then lost: EC2 in its region and its
/// GitLab project answer no more, its machines neither.
fn lost() -> Scene {
    let scene = Scene::new();
    scene.adopt_live();
    for gone in [
        Fault::new(Effect::BadGateway)
            .api(Api::Ec2)
            .region(Side::Upstream.region()),
        Fault::new(Effect::BadGateway)
            .api(Api::Gitlab)
            .path_contains(LOST),
    ] {
        scene.simulator().fault(gone.always());
    }
    scene.configure(&assignment("live", Side::Alt, FAILOVER));
    scene
}

/// What live holds once it has failed over: the lost side's variables are as they were.
fn failed_over() -> objects::Objects {
    let mut table = objects::table("live", Side::Alt);
    for (side, key, value) in variables("live", Side::Upstream) {
        if side == Side::Upstream {
            table.insert(format!("{}/{key}", side.name()), value);
        }
    }
    table
}

fn held(scene: &Scene) -> objects::Objects {
    objects::held("live", &scene.simulator().world())
}

/// Asserts that the output lists each of the lost side's variables with what it should be.
#[track_caller]
fn owes_the_variables(output: &gigadb_tests::Output) {
    output.says(&["Warning: live owed: 4 items left as it is"]);
    for (side, key, value) in variables("live", Side::Alt) {
        let owed = format!(
            "variable `{key}` of `{}`: should be `{value}`;",
            side.name()
        );
        if side == Side::Upstream {
            output.says(&[&owed]);
        } else {
            output.omits(&[&owed]);
        }
    }
}

#[test]
fn what_is_owed_is_listed_and_settled_by_the_next_apply() {
    let scene = lost();
    let plan = scene.plan(&["-out=failover.tfplan"]).expect(2);
    owes_the_variables(&plan);
    plan.says(&["a failover loses it"]);
    scene.assert_nothing_written();
    let applied = scene
        .terraform(&["apply", "-no-color", "failover.tfplan"])
        .expect(0);
    owes_the_variables(&applied);
    assert_eq!(held(&scene), failed_over());
    let live = scene.attributes(LIVE);
    assert_eq!(live["production"], Side::Alt.name());
    // As before a swap back: the standby side has production's variables.
    assert_eq!(live["status"], "prepared");
    assert_eq!(objects::shown(&live), failed_over());

    // The side is back: what is owed is drift, and the next apply writes it.
    scene.simulator().clear_faults();
    let left = scene.plan_to("left.tfplan");
    let change = &left["resource_changes"][0]["change"];
    assert_eq!(objects::shown(&change["before"]), failed_over());
    assert_eq!(
        objects::shown(&change["after"]),
        objects::table("live", Side::Alt)
    );
    scene.simulator().clear_requests();
    let settled = scene
        .terraform(&["apply", "-no-color", "left.tfplan"])
        .expect(0);
    settled.omits(&["owed"]);
    assert_eq!(scene.writes().len(), 4, "only what was owed is written");
    scene.assert_world(Side::Alt, Side::Upstream);
    assert_eq!(scene.attributes(LIVE)["status"], "consistent");
    scene.plan(&[]).expect(0).says(&["still stands"]);
}

#[test]
fn while_the_side_is_lost_nothing_more_is_planned_and_it_is_still_owed() {
    let scene = lost();
    let _ = scene.apply().expect(0);
    scene.simulator().clear_requests();
    let again = scene.plan(&[]);
    assert_ne!(again.code, 1, "{again:?}");
    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();
    assert_eq!(held(&scene), failed_over());

    // A switchover may be asked for as well, once the side is back.
    scene.simulator().clear_faults();
    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}
