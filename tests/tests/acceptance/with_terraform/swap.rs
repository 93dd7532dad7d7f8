//! The product's main job: one changed line, a plan that shows all that moves, an apply that moves it.

use std::collections::BTreeMap;

use gigadb_tests::{Scene, assignment, procedure, procedure::Side};
use serde_json::Value;

use super::LIVE;

/// Returns the planned change of an address.
fn change(plan: &Value, address: &str) -> Value {
    let changes = plan["resource_changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["address"] == address);
    found.unwrap()["change"].clone()
}

/// Returns what differs between two maps, as key, from and to.
fn moved(
    from: &Value,
    to: &Value,
    text: impl Fn(&Value) -> &Value,
) -> BTreeMap<String, (String, String)> {
    let (from, to) = (from.as_object().unwrap(), to.as_object().unwrap());
    assert_eq!(from.len(), to.len());
    from.iter()
        .map(|(key, value)| (key.clone(), (word(text(value)), word(text(&to[key])))))
        .filter(|(_, (from, to))| from != to)
        .collect()
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

#[test]
fn the_plan_shows_exactly_the_records_and_variables_of_live_with_both_values() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let plan = scene.plan_to("swap.tfplan");

    let change = change(&plan, LIVE);
    assert_eq!(change["actions"], serde_json::json!(["update"]));
    assert_eq!(change["after_unknown"], serde_json::json!({}));
    let (before, after) = (&change["before"], &change["after"]);
    assert_eq!(before["production"], "gigadb-website");
    assert_eq!(after["production"], "alt-gigadb-website");
    assert_eq!(after["hot_standby"], "gigadb-website");

    let records = moved(
        &before["hostnames"],
        &after["hostnames"],
        |name| &name["address"],
    );
    let from = procedure::records("live", Side::Upstream);
    let to = procedure::records("live", Side::Alt);
    let expected: BTreeMap<_, _> = from
        .into_iter()
        .zip(to)
        .map(|((name, from), (_, to))| (name, (from, to)))
        .collect();
    assert_eq!(expected.len(), 8);
    assert_eq!(records, expected);

    let variables = moved(&before["variables"], &after["variables"], |value| value);
    let values = |production| {
        procedure::variables("live", production)
            .into_iter()
            .map(|(side, key, value)| (format!("{}/{key}", side.name()), value))
            .collect::<BTreeMap<_, _>>()
    };
    let (from, to) = (values(Side::Upstream), values(Side::Alt));
    let expected: BTreeMap<_, _> = from
        .into_iter()
        .map(|(key, from)| (key.clone(), (from, to[&key].clone())))
        .collect();
    assert_eq!(expected.len(), 8);
    assert_eq!(variables, expected);

    scene.assert_nothing_written();
}

#[test]
fn the_human_plan_names_every_value() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let plan = scene.plan(&[]).expect(2);
    plan.says(&["0 to add, 1 to change, 0 to destroy"]);
    for (name, address) in procedure::records("live", Side::Upstream) {
        plan.says(&[&name, &address]);
    }
    for (_, key, value) in procedure::variables("live", Side::Alt) {
        plan.says(&[&key, &value]);
    }
    for (name, _) in procedure::records("staging", Side::Upstream) {
        plan.omits(&[&format!("\"{name}\"")]);
    }
}

#[test]
fn applying_exchanges_the_roles_and_applying_back_restores_the_first_world() {
    let scene = Scene::new();
    scene.adopt_live();

    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
    let live = scene.attributes(LIVE);
    assert_eq!(live["status"], "consistent");
    assert_eq!(live["production"], "alt-gigadb-website");
    assert_eq!(live["id"], "live");
    let _ = scene.plan(&[]).expect(0);

    scene.configure_live(Side::Upstream);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Upstream, Side::Upstream);
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn a_reviewed_plan_file_is_applied_as_it_was_reviewed() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    // What the configuration says by now does not matter any more.
    scene.configure_live(Side::Upstream);
    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}

#[test]
fn both_environments_swap_in_one_apply() {
    let scene = Scene::new();
    let both = |side| {
        format!(
            "{}{}",
            assignment("live", side, ""),
            assignment("staging", side, "")
        )
    };
    scene.configure(&both(Side::Upstream));
    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();

    scene.configure(&both(Side::Alt));
    scene
        .apply()
        .expect(0)
        .says(&["0 added, 2 changed, 0 destroyed"]);
    scene.assert_world(Side::Alt, Side::Alt);
    let _ = scene.plan(&[]).expect(0);

    scene.configure(&format!(
        "{}{}",
        assignment("live", Side::Alt, ""),
        assignment("staging", Side::Upstream, "")
    ));
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}

#[test]
fn a_mode_line_that_is_removed_falls_back_to_switchover() {
    let scene = Scene::new();
    scene.configure(&assignment("live", Side::Upstream, "mode = \"failover\""));
    let _ = scene.apply().expect(0);
    assert_eq!(scene.attributes(LIVE)["mode"], "failover");

    scene.configure_live(Side::Upstream);
    let plan = scene.plan(&[]).expect(2);
    plan.says(&["mode", "\"failover\" -> \"switchover\""]);
    let _ = scene.apply().expect(0);
    assert_eq!(scene.attributes(LIVE)["mode"], "switchover");
    let _ = scene.plan(&[]).expect(0);
    scene.assert_nothing_written();
}
