//! The rule on two operators at once, with a lease that somebody else holds.

use gigadb_simulator::world::{PROJECT, StateLock};
use gigadb_tests::{Scene, assignment, procedure::Side};

use super::{
    super::{assert_live, lease, name_a_lock},
    as_documented, edit,
};

/// A lease of a program that is none of ours: Terraform itself, say.
const FOREIGN: &str = "0f7a4c1e-1111-2222-3333-444455556666";
/// One that a run of ours took on another machine, which may be gone.
const ELSEWHERE: &str =
    "gigadb-1:20261122T093000123Z-live-0a1b:bastion:4242:1a2b-3c-99:release-4.2";

/// A scene in which live is adopted and its lease is held.
fn held(id: &str) -> Scene {
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.adopt_live();
    edit(&scene, |world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        let name = "gigadb-roles-live".to_owned();
        let state = project.terraform_states.entry(name).or_default();
        state.lock = Some(StateLock {
            id: id.to_owned(),
            username: "alice".to_owned(),
            created: "2026-11-22T09:30:00Z".to_owned(),
        });
    });
    scene
}

/// Asserts that no record and no variable was written.
#[track_caller]
fn nothing_but_leases_was_asked_for(scene: &Scene) {
    let writes = scene.writes();
    let others = writes
        .iter()
        .filter(|write| !write.path.contains("/terraform/state/"));
    assert_eq!(others.count(), 0);
    assert_live(scene, Side::Upstream);
}

#[test]
fn a_lease_that_somebody_else_holds() {
    for (id, what, next) in [
        (
            FOREIGN,
            "The lease cannot be taken: the lock is held by `alice` since 2026-11-22T09:30:00Z.",
            format!(
                "Leave it to whoever holds it: no program of ours made its id, `{FOREIGN}`, so it is Terraform's own state lock or another program's."
            ),
        ),
        (
            ELSEWHERE,
            "Another swap is under way: the lease is held by `alice` since 2026-11-22T09:30:00Z, process 4242 on `bastion`, run 20261122T093000123Z-live-0a1b, reason `release-4.2`.",
            format!(
                "Wait until it has ended, then plan again. If you are sure it is no longer running, run `gigadb-roles unlock {ELSEWHERE}`, then plan again."
            ),
        ),
    ] {
        for line in ["on_failure = \"stop\"", "mode = \"failover\""] {
            let scene = held(id);
            scene.configure(&assignment("live", Side::Alt, line));
            // A plan takes no lease, and tells nothing of it.
            let _ = scene.plan(&["-out=swap.tfplan"]).expect(2);
            scene.assert_nothing_written();
            let refused = scene
                .terraform(&["apply", "-no-color", "swap.tfplan"])
                .expect(1);
            refused.says(&[
                "Error: live one-swap-at-a-time: ",
                &format!("{what} on: environment `live`, lease `gigadb-roles-live` of GitLab project `{PROJECT}` changed: Nothing was changed. next: {next}"),
            ]);
            if id == FOREIGN {
                refused.omits(&["gigadb-roles unlock"]);
            }
            nothing_but_leases_was_asked_for(&scene);
            assert_eq!(lease(&scene).as_deref(), Some(id));
        }
    }
}

#[test]
fn a_waived_lease_is_passed_and_left_alone() {
    for id in [FOREIGN, ELSEWHERE] {
        let scene = held(id);
        let waived = "overrides = [\"one-swap-at-a-time\"]";
        scene.configure(&assignment("live", Side::Alt, waived));
        let applied = scene.apply().expect(0);
        applied.says(&[
            "Warning: live one-swap-at-a-time: The lease is held",
            "and the override passes it. on: environment `live`, lease `gigadb-roles-live`",
            "changed: The lease was left as it is; this run goes on without one. next: Make sure that nobody else swaps at the same time, and take the override out again.",
        ]);
        assert_live(&scene, Side::Alt);
        assert_eq!(lease(&scene).as_deref(), Some(id));
    }
}

#[test]
fn an_unlocked_lease_is_in_nobodys_way() {
    let scene = held(ELSEWHERE);
    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(1);
    let _ = scene
        .gigadb_roles(&["unlock", ELSEWHERE, "--yes"])
        .expect(0);
    let _ = scene.apply().expect(0);
    assert_live(&scene, Side::Alt);
    assert_eq!(lease(&scene), None);
}

#[test]
fn the_page_shows_what_terraform_shows() {
    let scene = held(ELSEWHERE);
    scene.configure_live(Side::Alt);
    as_documented("one-swap-at-a-time", &scene.apply().expect(1));
}
