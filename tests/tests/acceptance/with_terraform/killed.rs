//! A provider that is killed at any point leaves a world that the next plan describes, and the next
//! apply completes; its lease is taken over.

use gigadb_simulator::{Effect, Fault};
use gigadb_tests::{Scene, procedure::Side, wait_until};

use super::{LIVE, LOCK, assert_live, lease, name_a_lock};

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";
const VARIABLE: &str = "/projects/{id}/variables/{key}";

/// Kills the provider while the request after `skip` others of this kind is held, before it is
/// carried out or after.
fn kill_at(method: &str, template: &str, skip: u64, effect: Effect) -> Scene {
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let held = Fault::new(effect).method(method).template(template);
    scene.simulator().fault(held.skip(skip));
    let apply = scene.start_terraform(&["apply", "-no-color", "-auto-approve"]);
    wait_until("the request that is held", || {
        scene.simulator().pending_faults() == 0
    });
    apply.kill_provider();
    let output = apply.end();
    assert_ne!(output.code, 0, "{output:?}");
    scene
}

/// The next plan shows what is left, and the next apply brings it about.
fn goes_on(scene: &Scene, case: &str) {
    let left = lease(scene);
    let plan = scene.plan_to("next.tfplan");
    let planned = &plan["resource_changes"][0]["change"];
    assert_eq!(planned["actions"][0], "update", "{case}");
    // The plan's from-values are what the killed run left.
    let hostnames = planned["before"]["hostnames"].as_object().unwrap();
    let world = scene.simulator().world();
    for (name, shown) in hostnames {
        let present = &world.cloudflare.records(name)[0].content;
        assert_eq!(shown["address"], present.as_str(), "{case}: {name}");
    }
    let output = scene
        .terraform(&["apply", "-no-color", "next.tfplan"])
        .expect(0);
    if left.is_some() {
        output.says(&["live one-swap-at-a-time", "that process is gone"]);
        assert_eq!(lease(scene), None, "{case}");
    }
    assert_live(scene, Side::Alt);
    assert_eq!(scene.attributes(LIVE)["status"], "consistent", "{case}");
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn while_the_lease_is_taken() {
    for effect in [Effect::Hang, Effect::CommitThenHang] {
        let case = format!("{effect:?}");
        let scene = kill_at("POST", LOCK, 0, effect);
        assert_live(&scene, Side::Upstream);
        goes_on(&scene, &case);
    }
}

#[test]
fn while_variables_are_written() {
    for (skip, effect) in [
        (0, Effect::Hang),
        (0, Effect::CommitThenHang),
        (7, Effect::Hang),
        (7, Effect::CommitThenHang),
    ] {
        let case = format!("variable {skip} {effect:?}");
        goes_on(&kill_at("PUT", VARIABLE, skip, effect), &case);
    }
}

#[test]
fn while_the_first_zone_is_written() {
    for effect in [Effect::Hang, Effect::CommitThenHang] {
        let case = format!("{effect:?}");
        goes_on(&kill_at("POST", BATCH, 0, effect), &case);
    }
}

#[test]
fn before_the_last_zone_is_written() {
    goes_on(&kill_at("POST", BATCH, 1, Effect::Hang), "last zone");
}

/// Nothing is left to write then, so that the next apply takes no lease: it takes note of what
/// holds. The lease that was left is taken over by the next run that writes.
#[test]
fn after_the_last_zone_was_written() {
    for (method, template, skip) in [("POST", BATCH, 1), ("DELETE", LOCK, 0)] {
        let scene = kill_at(method, template, skip, Effect::CommitThenHang);
        assert_live(&scene, Side::Alt);
        let left = lease(&scene);
        assert_eq!(left.is_some(), method == "POST");
        let _ = scene.plan(&[]).expect(2);
        let _ = scene.apply().expect(0);
        let _ = scene.plan(&[]).expect(0);
        assert_eq!(scene.attributes(LIVE)["production"], Side::Alt.name());

        scene.configure_live(Side::Upstream);
        let output = scene.apply().expect(0);
        if left.is_some() {
            output.says(&["that process is gone"]);
        }
        assert_eq!(lease(&scene), None);
        assert_live(&scene, Side::Upstream);
    }
}
