//! Before the swap, `prepare` gives the promoted side production's variables, so that it can be rebuilt
//! under production's names while no record moves.

use gigadb_tests::{
    Scene, assignment, objects,
    procedure::{Side, variables},
};

use super::LIVE;

const PREPARE: &str = "prepare = \"alt-gigadb-website\"";

/// Keeps on preparing the other side of live, whose production is this side.
fn prepare(scene: &Scene, production: Side) {
    scene.configure(&assignment("live", production, PREPARE));
}

/// The variables of live while this side is production, the other having production's too.
fn prepared() -> objects::Objects {
    let mut table = objects::table("live", Side::Upstream);
    for (side, key, value) in variables("live", Side::Upstream) {
        if side == Side::Upstream {
            table.insert(format!("{}/{key}", Side::Alt.name()), value);
        }
    }
    table
}

/// What live holds in the simulated world.
fn held(scene: &Scene) -> objects::Objects {
    objects::held("live", &scene.simulator().world())
}

/// How many variables and records were written since this was last asked.
fn written(scene: &Scene) -> (usize, usize) {
    let writes = scene.writes();
    let of = |method| writes.iter().filter(|write| write.method == method).count();
    scene.simulator().clear_requests();
    (of("PUT"), of("POST"))
}

/// Adopts live, and prepares its standby.
fn with_a_prepared_standby() -> Scene {
    let scene = Scene::new();
    scene.adopt_live();
    prepare(&scene, Side::Upstream);
    let plan = scene.plan_to("prepare.tfplan");
    let change = &plan["resource_changes"][0]["change"];
    assert_eq!(change["after"]["status"], "prepared");
    assert_eq!(objects::shown(&change["after"]), prepared());
    let _ = scene
        .terraform(&["apply", "-no-color", "prepare.tfplan"])
        .expect(0);
    scene
}

#[test]
fn the_standby_gets_productions_variables_and_no_record_moves() {
    let scene = with_a_prepared_standby();
    assert_eq!(written(&scene), (4, 0));
    assert_eq!(held(&scene), prepared());
    scene.assert_records_led_by(Side::Upstream);
    let live = scene.attributes(LIVE);
    assert_eq!(live["status"], "prepared");
    assert_eq!(live["production"], Side::Upstream.name());
    assert_eq!(objects::shown(&live), prepared());
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn taking_the_line_out_puts_the_variables_back() {
    let scene = with_a_prepared_standby();
    let _ = written(&scene);
    scene.configure_live(Side::Upstream);
    let _ = scene.apply().expect(0);
    assert_eq!(written(&scene), (4, 0));
    scene.assert_world(Side::Upstream, Side::Upstream);
    assert_eq!(scene.attributes(LIVE)["status"], "consistent");
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn the_swap_then_writes_what_is_left_and_the_line_can_go() {
    let scene = with_a_prepared_standby();
    let _ = written(&scene);
    prepare(&scene, Side::Alt);
    let no_effect = "`prepare = \"alt-gigadb-website\"` has no effect any more, because that side is production. The line can go.";
    let plan = scene.plan(&["-out=swap.tfplan"]).expect(2);
    plan.says(&["Warning: live prepare", no_effect]);
    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    // The former production's variables, and a batch for each of two zones.
    assert_eq!(written(&scene), (4, 2));
    scene.assert_world(Side::Alt, Side::Upstream);
    assert_eq!(scene.attributes(LIVE)["status"], "consistent");

    // The line does nothing where it stands, and nothing when it goes.
    scene.plan(&[]).expect(0).says(&[no_effect]);
    scene.configure_live(Side::Alt);
    let without = scene.apply().expect(0);
    without.omits(&[no_effect]);
    scene.assert_nothing_written();
    scene.assert_world(Side::Alt, Side::Upstream);
}
