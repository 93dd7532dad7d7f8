//! Two applies at once, from two roots.

use gigadb_simulator::{Effect, Fault};
use gigadb_tests::{Output, Scene, procedure::Side, wait_until};

use super::{assert_live, lease, name_a_lock};

const VARIABLE: &str = "/projects/{id}/variables/{key}";
const APPLY: [&str; 3] = ["apply", "-no-color", "swap.tfplan"];

/// Applies one plan twice, the second time while the first apply's first write is held.
fn both(scene: &Scene) -> (Output, Output) {
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    scene.second_root();
    let held = Fault::new(Effect::Delay { ms: 8000 }).template(VARIABLE);
    scene.simulator().fault(held);
    let first = scene.start_terraform(&APPLY);
    wait_until("the write that is held", || {
        scene.simulator().pending_faults() == 0
    });
    let second = scene.terraform_in_second_root(&APPLY);
    (first.end(), second)
}

#[test]
fn with_a_lock_one_wins_and_the_other_is_refused() {
    let scene = Scene::new();
    name_a_lock(&scene);
    let (first, second) = both(&scene);
    let _ = first.expect(0);
    second.expect(1).says(&[
        "live one-swap-at-a-time: Another swap is under way",
        "gigadb-roles unlock gigadb-1:",
        "Nothing was changed.",
    ]);
    assert_live(&scene, Side::Alt);
    assert_eq!(lease(&scene), None);
    // Each write was sent once.
    let writes = scene.writes();
    let puts = writes.iter().filter(|write| write.method == "PUT").count();
    assert_eq!(puts, 8);
}

#[test]
fn without_a_lock_both_agree_or_the_second_is_refused() {
    let scene = Scene::new();
    let (first, second) = both(&scene);
    let _ = first.expect(0);
    if second.code != 0 {
        second.says(&["live unchanged-since-plan"]);
    }
    assert_live(&scene, Side::Alt);
}
