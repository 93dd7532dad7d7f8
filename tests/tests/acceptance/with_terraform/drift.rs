//! What others changed shows in the next plan, and apply puts it right.

use gigadb_tests::{Scene, procedure::Side};

use super::LIVE;

#[test]
fn drift_in_one_record_is_shown_and_repaired() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        // The other side's files server: a hand's slip in the dashboard.
        world
            .cloudflare
            .record_mut("files.gigadb.org", "A")
            .unwrap()
            .content = "203.0.113.12".to_owned();
    });
    let plan = scene.plan(&[]).expect(2);
    plan.says(&[
        "files.gigadb.org",
        "\"203.0.113.12\" -> \"198.51.100.12\"",
        "\"mixed\" -> \"consistent\"",
    ]);
    scene.assert_nothing_written();

    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Upstream, Side::Upstream);
    assert_eq!(scene.writes().len(), 1, "{:#?}", scene.writes());
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn drift_in_one_variable_is_shown_and_repaired() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
        project
            .variable_mut("REMOTE_HOSTNAME", "live")
            .unwrap()
            .value = "gigadb.org".to_owned();
    });
    let plan = scene.plan(&[]).expect(2);
    plan.says(&[
        "alt-gigadb-website/REMOTE_HOSTNAME",
        "\"gigadb.org\" -> \"alt-live.gigadb.host\"",
    ]);

    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Upstream, Side::Upstream);
    assert_eq!(scene.writes().len(), 1, "{:#?}", scene.writes());
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn a_foreign_address_is_repaired_with_a_warning_while_production_stays() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        world
            .cloudflare
            .record_mut("bastion.gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.66".to_owned();
    });
    let plan = scene.plan(&[]).expect(2);
    plan.says(&[
        "Warning:",
        "permutation",
        "bastion.gigadb.org",
        "192.0.2.66",
    ]);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Upstream, Side::Upstream);
}

#[test]
fn a_foreign_address_stops_a_swap() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        world
            .cloudflare
            .record_mut("bastion.gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.66".to_owned();
    });
    scene.configure_live(Side::Alt);
    let plan = scene.plan(&[]).expect(1);
    plan.says(&[
        "permutation",
        "bastion.gigadb.org",
        "192.0.2.66",
        "Nothing was changed",
    ]);
    scene.assert_nothing_written();
}

#[test]
fn what_is_not_of_this_environment_is_no_drift() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        world
            .cloudflare
            .record_mut("dev.gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.99".to_owned();
        world
            .cloudflare
            .record_mut("gigadb.org", "A")
            .unwrap()
            .comment = Some("renamed".to_owned());
        world
            .cloudflare
            .record_mut("staging.gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.98".to_owned();
        let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
        project.variable_mut("HOME_URL", "*").unwrap().value = "http://localhost".to_owned();
    });
    let _ = scene.plan(&[]).expect(0);
    assert_eq!(scene.attributes(LIVE)["status"], "consistent");
}
