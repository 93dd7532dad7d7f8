//! `-refresh=false` and `-refresh-only`.

use gigadb_tests::{Scene, procedure::Side};

use super::LIVE;

#[test]
fn without_refresh_a_plan_asks_no_api_and_is_the_same_plan() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let _ = scene
        .plan(&["-refresh=false", "-out=swap.tfplan"])
        .expect(2);
    let asked = scene.simulator().requests();
    assert!(asked.is_empty(), "{asked:#?}");

    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn without_refresh_an_apply_still_sees_what_moved() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.simulator().edit(|world| {
        world
            .cloudflare
            .record_mut("files.gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.5".to_owned();
    });
    let output = scene
        .terraform(&["apply", "-no-color", "-auto-approve", "-refresh=false"])
        .expect(1);
    output.says(&["files.gigadb.org", "198.51.100.12", "192.0.2.5"]);
    scene.assert_nothing_written();
}

#[test]
fn refresh_only_notes_drift_and_writes_nothing() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        world
            .cloudflare
            .record_mut("files.gigadb.org", "A")
            .unwrap()
            .content = "203.0.113.12".to_owned();
    });
    let plan = scene.plan(&["-refresh-only"]).expect(2);
    plan.says(&[
        "Objects have changed outside of",
        "\"198.51.100.12\" -> \"203.0.113.12\"",
    ]);
    let _ = scene
        .terraform(&["apply", "-no-color", "-refresh-only", "-auto-approve"])
        .expect(0);

    let live = scene.attributes(LIVE);
    assert_eq!(
        live["hostnames"]["files.gigadb.org"]["address"],
        "203.0.113.12"
    );
    assert_eq!(live["status"], "mixed");
    assert_eq!(live["production"], "gigadb-website");
    scene.assert_nothing_written();
    // What refresh noted is still put right by the next plan.
    let _ = scene.plan(&[]).expect(2);
}
