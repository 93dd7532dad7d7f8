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

/// The run had come to its end, and only its lease was left: nothing of it was ended in the middle.
#[test]
fn a_lease_that_a_completed_run_left_is_told_as_that() {
    let scene = Scene::new();
    name_a_lock(&scene);
    let fault = Fault::new(Effect::Error {
        status: 500,
        code: String::new(),
        message: "no".to_owned(),
    });
    let lock = "/projects/{id}/terraform/state/{name}/lock";
    let kept = fault.template(lock).method("DELETE").always();
    scene.simulator().fault(kept);
    let swap = ["swap", "--environment", "live", "--yes"];
    let first = scene.gigadb_roles(&swap).expect(0);
    first.says(&["The lease could not be given back"]);
    assert!(lease(&scene).is_some());
    scene.simulator().clear_faults();
    let second = scene.gigadb_roles(&swap).expect(0);
    second.says(&[
        "The lease was taken over",
        "That run completed, and only its lease was left.",
    ]);
    second.omits(&["in the middle"]);
    assert_eq!(lease(&scene), None);
}
