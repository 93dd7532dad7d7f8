//! Ctrl-C during an apply: the call in flight is finished, then what was written is put back, or
//! the swap is finished; the state is true either way.

use gigadb_simulator::{Effect, Fault};
use gigadb_tests::{Scene, procedure::Side, wait_until};

use super::{LIVE, assert_live, lease, name_a_lock};

/// How long the request in flight is held, so that Terraform has passed the stop on by its end.
const HELD_MS: u64 = 4000;

/// Interrupts an apply while the request after `skip` others of this kind is held.
fn interrupt_at(method: &str, template: &str, skip: u64) -> (Scene, String) {
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let held = Fault::new(Effect::Delay { ms: HELD_MS }).method(method);
    scene.simulator().fault(held.template(template).skip(skip));
    let apply = scene.start_terraform(&["apply", "-no-color", "-auto-approve"]);
    wait_until("the request that is held", || {
        scene.simulator().pending_faults() == 0
    });
    apply.interrupt();
    let output = apply.end();
    assert!(output.stdout.contains("Interrupt received"), "{output:?}");
    assert_eq!(lease(&scene), None);
    (scene, output.flat())
}

#[test]
fn before_the_last_batch_what_was_written_is_put_back() {
    let (scene, said) = interrupt_at("PUT", "/projects/{id}/variables/{key}", 7);
    assert!(said.contains("was asked to stop"), "{said}");
    assert_live(&scene, Side::Upstream);
    let live = scene.attributes(LIVE);
    assert_eq!(live["production"], Side::Upstream.name());
    assert_eq!(live["status"], "consistent");
    let _ = scene.apply().expect(0);
    assert_live(&scene, Side::Alt);
}

#[test]
fn once_the_last_batch_was_sent_the_swap_is_finished() {
    let (scene, _) = interrupt_at("POST", "/zones/{zone_id}/dns_records/batch", 1);
    assert_live(&scene, Side::Alt);
    let live = scene.attributes(LIVE);
    assert_eq!(live["production"], Side::Alt.name());
    assert_eq!(live["status"], "consistent");
    let _ = scene.plan(&[]).expect(0);
}
