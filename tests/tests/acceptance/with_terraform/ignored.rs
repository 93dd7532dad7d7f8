//! `lifecycle { ignore_changes }`: core plans with the ignored configuration and hands the raw one
//! to an apply. What is carried out is what was planned and reviewed.

use gigadb_simulator::{Api, Edit, Effect, Fault, world::InstanceState};
use gigadb_tests::{
    Scene, assignment,
    procedure::{self, Side},
};
use serde_json::Value;

use super::LIVE;

/// Adopts live with defaults, then plans `production` with these lines, of which `attribute` is
/// ignored.
fn planned(production: Side, attribute: &str, lines: &str) -> Scene {
    let scene = Scene::new();
    scene.adopt_live();
    plan_in(scene, production, attribute, lines)
}

fn plan_in(scene: Scene, production: Side, attribute: &str, lines: &str) -> Scene {
    let further = format!("{lines}\n  lifecycle {{\n    ignore_changes = [{attribute}]\n  }}");
    scene.configure(&assignment("live", production, &further));
    let _ = scene.plan(&["-out=ignored.tfplan"]).expect(2);
    scene.simulator().clear_requests();
    scene
}

const APPLY: [&str; 3] = ["apply", "-no-color", "ignored.tfplan"];

#[test]
fn an_ignored_mode_makes_no_failover_of_a_switchover() {
    let scene = planned(Side::Alt, "mode", "  mode = \"failover\"");
    let refuse = Fault::new(Effect::Refuse).api(Api::Gitlab).method("PUT");
    let refuse = refuse.path_contains("upstream/gigadb-website/variables");
    scene.simulator().fault(refuse.always());
    let applied = scene.terraform(&APPLY).expect(1);
    applied.says(&["what was changed was put back"]);
    applied.omits(&["failover done"]);
    scene.assert_world(Side::Upstream, Side::Upstream);
}

#[test]
fn an_ignored_on_failure_still_puts_back() {
    let scene = planned(Side::Alt, "on_failure", "  on_failure = \"stop\"");
    let refuse = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .method("POST");
    scene.simulator().fault(refuse.skip(1));
    let applied = scene.terraform(&APPLY).expect(1);
    applied.says(&["what was changed was put back"]);
    scene.assert_world(Side::Upstream, Side::Upstream);
}

#[test]
fn ignored_overrides_waive_nothing() {
    let scene = planned(Side::Alt, "overrides", "  overrides = [\"known-address\"]");
    let stop = Edit::SetInstanceState {
        region: Side::Alt.region().to_owned(),
        name: "gigadb_webserver_live_gigadb".to_owned(),
        state: InstanceState::Stopped,
    };
    scene.simulator().edit(|world| world.apply(&stop).unwrap());
    let applied = scene.terraform(&APPLY).expect(1);
    applied.says(&["known-address", "stopped", "Nothing was changed"]);
    scene.assert_nothing_written();
}

#[test]
fn an_ignored_production_or_preparation_does_not_stop_another_change() {
    for (production, attribute, lines) in [
        (Side::Alt, "production", "  reason = \"a note\""),
        (
            Side::Upstream,
            "prepare",
            "  prepare = \"alt-gigadb-website\"\n  reason = \"a note\"",
        ),
    ] {
        let scene = planned(production, attribute, lines);
        let _ = scene.terraform(&APPLY).expect(0);
        scene.assert_nothing_written();
        let live = scene.attributes(LIVE);
        assert_eq!(live["production"], Side::Upstream.name(), "{attribute}");
        assert_eq!(live["reason"], "a note", "{attribute}");
        let _ = scene.plan(&[]).expect(0);
    }
}

#[test]
fn an_ignored_hot_standby_stays_the_other_side() {
    let scene = Scene::new();
    scene.edit_topology(
        "environments:",
        "  third:\n    gitlab_project: gigascience/upstream/third\n    aws: { profile: Upstream, region: us-east-1 }\n    owner: third\nenvironments:",
    );
    let named = |standby: &str| format!("  hot_standby = \"{standby}\"");
    let adopted = assignment("live", Side::Upstream, &named(Side::Alt.name()));
    scene.configure(&adopted);
    let _ = scene.apply().expect(0);
    let lines = named("third") + "\n  reason = \"a note\"";
    let scene = plan_in(scene, Side::Upstream, "hot_standby", &lines);
    let _ = scene.terraform(&APPLY).expect(0);
    scene.assert_nothing_written();
    let live = scene.attributes(LIVE);
    assert_eq!(live["hot_standby"], Side::Alt.name());
    assert_eq!(live["reason"], "a note");
}

#[test]
fn an_ignored_on_external_swap_trades_nothing_back() {
    let scene = Scene::new();
    let keep = "  on_external_swap = \"keep\"";
    scene.configure(&assignment("live", Side::Upstream, keep));
    let _ = scene.apply().expect(0);
    let traded = procedure::world(Side::Alt, Side::Upstream);
    scene.simulator().edit(|world| *world = traded);
    let lines = "  on_external_swap = \"revert\"\n  reason = \"a note\"";
    let scene = plan_in(scene, Side::Upstream, "on_external_swap", lines);
    let _ = scene.terraform(&APPLY).expect(0);
    scene.assert_nothing_written();
    scene.assert_world(Side::Alt, Side::Upstream);
    assert_eq!(scene.attributes(LIVE)["on_external_swap"], "keep");
}

#[test]
fn an_ignored_probe_is_not_made() {
    // Nobody answers for the names there, which stops a swap that requires it.
    let require = "  https_check = { mode = \"require\", timeout = \"1s\" }";
    let scene = planned(Side::Alt, "https_check", require);
    let applied = scene.terraform(&APPLY).expect(0);
    applied.omits(&["https-ready"]);
    scene.assert_world(Side::Alt, Side::Upstream);
    assert_eq!(scene.attributes(LIVE)["https_check"], Value::Null);
}

#[test]
fn an_ignored_reason_is_not_given() {
    let scene = planned(Side::Alt, "reason", "  reason = \"not to be told\"");
    let _ = scene.terraform(&APPLY).expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
    let history = scene
        .gigadb_roles(&["history", "--format", "json"])
        .expect(0);
    let history: Value = serde_json::from_str(&history.stdout).unwrap();
    let runs = history["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{history:#}");
    assert_eq!(runs[0]["reason"], Value::Null);
    assert_eq!(scene.attributes(LIVE)["reason"], Value::Null);
}
