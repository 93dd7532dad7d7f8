//! A provider that is killed at any point leaves a world that the next plan describes, and the next
//! apply completes; its lease is taken over, or given back where nothing is left to write.

use std::{fmt, time::Instant};

use gigadb_simulator::Effect;
use gigadb_tests::{
    Scene, objects,
    places::{Place, places},
    procedure::Side,
    proof, side_by_side, wait_until,
};

use super::{LIVE, assert_live, lease, name_a_lock};

/// How many scenes at once: much of a case is spent in starting programs.
const WORKERS: usize = 4;

/// A write of the swap, and whether it was carried out when the provider is killed.
struct Case {
    write: Place,
    effect: Effect,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.effect, self.write)
    }
}

/// What of one scene serves them all: its state and its plan of the swap.
struct Kept {
    state: String,
    plan: Vec<u8>,
}

/// A swap that goes well: its writes, and what it began with.
fn clean() -> (Vec<Place>, Kept) {
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    let kept = Kept {
        state: scene.read("terraform.tfstate"),
        plan: std::fs::read(scene.root().join("swap.tfplan")).unwrap(),
    };
    scene.simulator().clear_requests();
    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    assert_live(&scene, Side::Alt);
    let mut writes = places(&scene.simulator().requests());
    writes.retain(|place| place.is_write);
    (writes, kept)
}

/// The scene in which the provider was killed while the write was held.
fn kill(case: &Case, kept: &Kept) -> Scene {
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.configure_live(Side::Alt);
    scene.write("terraform.tfstate", &kept.state);
    std::fs::write(scene.root().join("swap.tfplan"), &kept.plan).unwrap();
    scene
        .simulator()
        .fault(case.write.fault(case.effect.clone()));
    let apply = scene.start_terraform(&["apply", "-no-color", "swap.tfplan"]);
    wait_until("the request that is held", || {
        scene.simulator().pending_faults() == 0
    });
    apply.kill_provider();
    let output = apply.end();
    assert_ne!(output.code, 0, "{output:?}");
    scene
}

/// The next plan shows what is left, and the next apply brings it about. Returns what became of
/// the lease.
fn goes_on(scene: &Scene) -> &'static str {
    let left = lease(scene);
    let world = scene.simulator().world();
    let done = objects::held("live", &world) == objects::table("live", Side::Alt);
    let plan = scene.plan_to("next.tfplan");
    let planned = &plan["resource_changes"][0]["change"];
    assert_eq!(planned["actions"][0], "update");
    assert_eq!(
        objects::shown(&planned["before"]),
        objects::held("live", &world)
    );
    assert_eq!(
        objects::shown(&planned["after"]),
        objects::table("live", Side::Alt)
    );

    let output = scene
        .terraform(&["apply", "-no-color", "next.tfplan"])
        .expect(0);
    let told = match (&left, done) {
        (None, _) => {
            output.omits(&["one-swap-at-a-time"]);
            "free"
        }
        (Some(_), false) => {
            output.says(&[
                "live one-swap-at-a-time",
                "that process is gone",
                "The lease was taken over",
            ]);
            "taken over"
        }
        (Some(_), true) => {
            output.says(&[
                "live one-swap-at-a-time",
                "that process is gone",
                "The lease was given back; there was nothing to write.",
            ]);
            "given back"
        }
    };
    assert_eq!(lease(scene), None);
    assert_live(scene, Side::Alt);
    assert_eq!(scene.attributes(LIVE)["production"], Side::Alt.name());
    assert_eq!(scene.attributes(LIVE)["status"], "consistent");
    for commit in scene.simulator().history() {
        objects::sound(&commit.world, &["live"]);
    }
    let _ = scene.plan(&[]).expect(0);
    told
}

#[test]
fn at_every_write_before_and_after_it_is_carried_out() {
    let started = Instant::now();
    let (writes, kept) = clean();
    // The lease and its end, eight variables, a batch for each of two zones.
    assert_eq!(writes.len(), 12);
    let mut cases = Vec::new();
    for write in writes {
        for effect in [Effect::Hang, Effect::CommitThenHang] {
            let write = write.clone();
            cases.push(Case { write, effect });
        }
    }
    let ends = side_by_side(&cases, WORKERS, |case| goes_on(&kill(case, &kept)));
    let count = |end| ends.iter().filter(|told| **told == end).count();
    proof(format_args!(
        "the provider killed at every write of live: {} cases in {:.0?}; lease taken over in {}, given back in {}, free in {}",
        cases.len(),
        started.elapsed(),
        count("taken over"),
        count("given back"),
        count("free"),
    ));
    // Killed after the last batch, and before the lease is given back.
    assert_eq!(count("given back"), 2);
}
