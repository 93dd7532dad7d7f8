//! `-refresh=false` and `-refresh-only`.

use gigadb_simulator::{Api, Effect, Fault};
use gigadb_tests::{Scene, assignment, procedure::Side};

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

/// What a zone of standby names alone does not tell keeps its last known value, with one warning.
#[test]
fn a_zone_of_standby_names_that_cannot_be_read_keeps_what_was_known() {
    let scene = Scene::new();
    scene.adopt_live();
    let mut id = String::new();
    scene.simulator().edit(|world| {
        id.clone_from(&world.cloudflare.zone_mut("gigadb.host").unwrap().id);
    });
    let fault = Fault::new(Effect::ServerError).api(Api::Cloudflare);
    let fault = fault
        .method("GET")
        .path_contains(&format!("{id}/dns_records"));
    scene.simulator().fault(fault.always());
    let _ = scene
        .terraform(&["apply", "-no-color", "-refresh-only", "-auto-approve"])
        .expect(0)
        .says(&[
            "live refresh: 1 part of the environment could not be read",
            "records of zone `gigadb.host`: ",
        ]);
    let live = scene.attributes(LIVE);
    let name = &live["hostnames"]["alt-live.gigadb.host"];
    assert_eq!(name["address"], "203.0.113.10");
    assert_eq!(live["status"], "unknown");
    // Nothing is to be written, so it stands in nobody's way.
    let _ = scene.plan(&[]).expect(0);
    scene.configure_live(Side::Alt);
    let _ = scene.plan(&[]).expect(1).says(&[
        "The records of zone `gigadb.host` could not be read",
        "Then plan again.",
    ]);
    let failover = assignment("live", Side::Alt, "mode = \"failover\"");
    scene.configure(&failover);
    let output = scene.apply().expect(0);
    output.says(&[
        "the records of zone `gigadb.host` could not be read",
        "alt-live.gigadb.host",
    ]);
    let live = scene.attributes(LIVE);
    assert_eq!(live["hostnames"]["gigadb.org"]["address"], "203.0.113.10");
    assert_eq!(
        live["hostnames"]["alt-live.gigadb.host"]["address"],
        "203.0.113.10"
    );
    // The zone is read again: what is owed is drift.
    scene.simulator().clear_faults();
    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}
