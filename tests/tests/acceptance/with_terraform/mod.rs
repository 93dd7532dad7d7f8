//! What needs Terraform or OpenTofu.

mod adopt;
mod arrangement;
mod bad_input;
mod bad_world;
mod bench;
mod data_sources;
mod destroy;
mod drift;
mod examples;
mod external_swap;
mod failing_writes;
mod faults_by_chance;
mod foreign;
mod guides;
mod ignored;
mod import;
mod interrupted;
mod inventory;
mod killed;
mod late;
mod leaked;
mod machine;
mod owed;
mod packaging;
mod prepare;
mod refresh;
mod release;
mod release_terminal;
mod requests;
mod review;
mod review_kinds;
mod review_note;
mod rules;
mod secrets;
mod stale;
mod state_in_gitlab;
mod swap;
mod topology;
mod two_at_once;

/// The address of live's assignment.
const LIVE: &str = "gigadb_role_assignment.live";

/// Lets the topology of a scene name a lock.
fn name_a_lock(scene: &gigadb_tests::Scene) {
    let project = gigadb_simulator::world::PROJECT;
    let lock = format!(
        "lock: {{ gitlab_project: {project}, name: \"gigadb-roles-{{environment}}\" }}\n\nenvironments:"
    );
    scene.edit_topology("environments:", &lock);
}

/// Who holds the lease of live.
fn lease(scene: &gigadb_tests::Scene) -> Option<String> {
    let world = scene.simulator().world();
    let project = world.gitlab.project(gigadb_simulator::world::PROJECT);
    let states = &project?.terraform_states;
    let lock = states.get("gigadb-roles-live")?.lock.as_ref()?;
    Some(lock.id.clone())
}

/// Asserts that records and variables are the procedure's with this side as live's production.
#[track_caller]
fn assert_live(scene: &gigadb_tests::Scene, production: gigadb_tests::procedure::Side) {
    use gigadb_tests::procedure::{self, Side};
    let (found, expected) = (
        scene.world(),
        procedure::world(production, Side::Upstream).normalized(),
    );
    assert_eq!(
        found.cloudflare.a_records(),
        expected.cloudflare.a_records()
    );
    for (found, expected) in found.gitlab.projects.iter().zip(&expected.gitlab.projects) {
        assert_eq!(found.variables, expected.variables, "{}", found.path);
    }
}
