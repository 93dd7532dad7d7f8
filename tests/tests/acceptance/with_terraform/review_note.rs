//! `gigadb-roles review --gitlab-note`: one note of a merge request, kept true.

use gigadb_simulator::world::{GITLAB_DEVELOPER_TOKEN, MergeRequest, Note, PROJECT};
use gigadb_tests::{Scene, procedure::Side, scene::assignment};

use super::review::{plan_json, planned};

/// A scene in a pipeline of merge request 7.
fn in_pipeline() -> Scene {
    let mut scene = planned(&assignment("live", Side::Alt, ""));
    let url = scene.simulator().gitlab_url().to_owned();
    scene
        .set("CI_API_V4_URL", &url)
        .set("CI_PROJECT_ID", PROJECT)
        .set("CI_MERGE_REQUEST_IID", "7");
    scene.unset("GITLAB_BASE_URL");
    scene
}

fn notes(scene: &Scene) -> Vec<Note> {
    scene
        .simulator()
        .world()
        .gitlab
        .project(PROJECT)
        .unwrap()
        .merge_requests[0]
        .notes
        .clone()
}

#[test]
fn one_note_holds_the_newest_review() {
    let scene = in_pipeline();
    let marker = "<!-- gigadb-roles review -->";
    // A page and more of other notes, one of which pretends to be ours.
    scene.simulator().edit(|world| {
        let notes = (1..=130).map(|id| Note {
            id,
            body: format!("{}note {id}", if id == 4 { marker } else { "" }),
            author: "somebody".to_owned(),
            system: id == 5,
            created_at: "2026-01-01T00:00:00.000Z".to_owned(),
            updated_at: "2026-01-01T00:00:00.000Z".to_owned(),
        });
        let request = MergeRequest {
            iid: 7,
            notes: notes.collect(),
        };
        world.gitlab.project_mut(PROJECT).unwrap().merge_requests = vec![request];
    });
    let before = notes(&scene);
    let run = |says: &str| {
        let output = scene
            .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
            .expect(2);
        let _ = output.says(&[says]);
    };
    run("Posted the review");
    let posted = notes(&scene);
    assert_eq!(posted.len(), 131);
    assert!(posted[130].body.starts_with(marker) && posted[130].body.contains("**Swaps live:"));
    run("is up to date");
    assert_eq!(notes(&scene), posted);

    plan_json(&scene, &assignment("live", Side::Upstream, ""));
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
        .expect(0)
        .says(&["Updated the review"]);
    let updated = notes(&scene);
    assert_eq!(updated.len(), 131);
    assert!(
        updated[130].body.contains("**Changes no role"),
        "{:?}",
        updated[130]
    );
    assert_eq!(updated[..130], before[..]);
}

#[test]
fn a_note_that_cannot_be_posted_is_an_error_with_its_way_on() {
    let mut scene = in_pipeline();
    scene.set("CI_MERGE_REQUEST_IID", "4711");
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
        .expect(1)
        .says(&["could not be posted", "merge request !4711"]);
    scene.unset("CI_MERGE_REQUEST_IID");
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
        .expect(64)
        .says(&["--gitlab-note needs CI_MERGE_REQUEST_IID"]);
    scene.set("CI_MERGE_REQUEST_IID", "7").unset("GITLAB_TOKEN");
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
        .expect(64)
        .says(&["neither GITLAB_TOKEN nor GITLAB_PRIVATE_TOKEN is set"]);
    scene.set("GITLAB_PRIVATE_TOKEN", GITLAB_DEVELOPER_TOKEN);
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
        .expect(2)
        .says(&["Posted the review"]);
}
