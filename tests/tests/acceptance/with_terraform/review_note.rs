//! `gigadb-roles review --gitlab-note`: one note of a merge request, kept true.

use gigadb_simulator::{
    Api, Effect, Fault,
    world::{GITLAB_DEVELOPER_TOKEN, MergeRequest, Note, PROJECT},
};
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

/// What is said fits what failed: no token heals a limit of rates, and a read writes no note.
#[test]
fn what_is_advised_about_a_note_follows_from_what_failed() {
    let not_written = "No record and no variable was changed. No note was written.";
    let perhaps = "The note may or may not have been written.";
    let token = "Give `GITLAB_TOKEN` a token with scope `api` that may comment there.";
    let cases = [
        (
            Effect::RateLimited {
                retry_after: Some(700),
            },
            "GET",
            not_written,
            "Wait until ",
        ),
        (
            Effect::BadGateway,
            "GET",
            not_written,
            "https://status.gitlab.com",
        ),
        (
            Effect::ResetBeforeCommit,
            "GET",
            not_written,
            "Check this machine's connection to GitLab",
        ),
        (Effect::Refuse, "GET", not_written, token),
        (Effect::Refuse, "POST", not_written, token),
        (
            Effect::BadGateway,
            "POST",
            perhaps,
            "https://status.gitlab.com",
        ),
    ];
    for (effect, method, written, next) in cases {
        let scene = in_pipeline();
        let told = format!("{effect:?} {method}");
        let fault = Fault::new(effect).api(Api::Gitlab).method(method);
        scene.simulator().fault(fault.always());
        let said = scene
            .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
            .expect(1);
        let _ = said.says(&[
            "could not be posted",
            written,
            next,
            "Then run the job again.",
        ]);
        assert_eq!(
            said.stderr.contains("a token with scope"),
            next == token,
            "{told}: {said:?}"
        );
    }
    let mut scene = in_pipeline();
    scene.set("CI_MERGE_REQUEST_IID", "99");
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
        .expect(1)
        .says(&[not_written, "`CI_PROJECT_ID` and `CI_MERGE_REQUEST_IID`"]);
}

/// GitLab refuses a note of more than a million characters.
#[test]
fn a_review_that_is_too_long_for_a_note_is_cut_in_its_tables() {
    let scene = in_pipeline();
    let mut plan: serde_json::Value = serde_json::from_str(&scene.read("plan.json")).unwrap();
    let change = &mut plan["resource_changes"][0]["change"];
    for when in ["before", "after"] {
        let names = change[when]["hostnames"].as_object_mut().unwrap();
        let one = names["portainer.gigadb.org"].clone();
        for number in 0..12_000 {
            names.insert(
                format!("a-name-of-some-length-{number}.gigadb.org"),
                one.clone(),
            );
        }
    }
    scene.write("plan.json", &plan.to_string());
    let said = scene
        .gigadb_roles(&["review", "plan.json", "--gitlab-note"])
        .expect(2);
    let _ = said.says(&["Posted the review"]);
    assert!(
        !said.stdout.contains("not all fit here"),
        "the log holds all"
    );
    let note = notes(&scene).pop().unwrap().body;
    assert!(note.chars().count() <= 1_000_000);
    for part in [
        "**Swaps live: production ",
        "**7912 more rows**",
        "Due afterwards:",
        "Digest of the role change: ",
    ] {
        let around = note
            .find("more row")
            .map(|at| &note[at.saturating_sub(60)..at + 60]);
        assert!(note.contains(part), "{part}: {} {around:?}", note.len());
    }
}
