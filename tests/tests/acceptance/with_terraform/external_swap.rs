//! Roles that were traded elsewhere are never silently traded back.

use gigadb_tests::{Scene, assignment, procedure, procedure::Side};

use super::LIVE;

/// Adopts live with further attributes, then trades the roles behind Terraform's back.
fn traded_elsewhere(further: &str) -> Scene {
    let scene = Scene::new();
    scene.configure(&assignment("live", Side::Upstream, further));
    let _ = scene.apply().expect(0);
    scene
        .simulator()
        .edit(|world| *world = procedure::world(Side::Alt, Side::Upstream));
    scene.simulator().clear_requests();
    scene
}

#[test]
fn by_default_the_plan_refuses_and_names_the_ways_on() {
    let scene = traded_elsewhere("");
    let plan = scene.plan(&[]).expect(1);
    plan.says(&[
        "traded outside Terraform",
        "gigadb.org",
        "alt-gigadb-website",
        "on_external_swap",
        "Nothing was changed",
    ]);
    let _ = scene.apply().expect(1);
    scene.assert_nothing_written();
}

#[test]
fn revert_plans_and_takes_the_way_back() {
    let scene = traded_elsewhere("on_external_swap = \"revert\"");
    scene
        .plan(&[])
        .expect(2)
        .says(&["\"203.0.113.10\" -> \"198.51.100.10\""]);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Upstream, Side::Upstream);
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn keep_plans_nothing_and_warns() {
    let scene = traded_elsewhere("on_external_swap = \"keep\"");
    let plan = scene.plan(&[]).expect(0);
    plan.says(&["Warning:", "alt-gigadb-website"]);
    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();
}

#[test]
fn keep_does_not_block_another_environment() {
    let scene = Scene::new();
    let both = |staging| {
        let live = assignment("live", Side::Upstream, "on_external_swap = \"keep\"");
        format!("{live}{}", assignment("staging", staging, ""))
    };
    scene.configure(&both(Side::Upstream));
    let _ = scene.apply().expect(0);
    scene
        .simulator()
        .edit(|world| *world = procedure::world(Side::Alt, Side::Upstream));
    scene.configure(&both(Side::Alt));
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Alt);
}

#[test]
fn naming_the_holder_accepts_the_trade_without_a_write() {
    let scene = traded_elsewhere("");
    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();
    assert_eq!(scene.attributes(LIVE)["production"], "alt-gigadb-website");
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn a_refresh_does_not_change_who_production_is_meant_to_be() {
    let scene = traded_elsewhere("");
    let _ = scene
        .terraform(&["apply", "-no-color", "-refresh-only", "-auto-approve"])
        .expect(0);
    let live = scene.attributes(LIVE);
    assert_eq!(live["production"], "gigadb-website");
    assert_eq!(
        live["hostnames"]["gigadb.org"]["infrastructure"],
        "alt-gigadb-website"
    );
    let _ = scene.plan(&[]).expect(1);
    scene.assert_nothing_written();
}
