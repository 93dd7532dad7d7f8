//! A release whose roles are traded by Terraform: the real one plans, and its plan is reviewed and
//! applied, or what it did elsewhere is recognized.

use gigadb_simulator::World;
use gigadb_tests::{Scene, assignment, procedure::Side, programs::Output};

use super::assert_live;

const RELEASE: &str = "v4.4.0";
pub(super) const PREPARE: &str = "prepare = \"alt-gigadb-website\"";

/// A scene in which live is adopted and a release has come as far as `prepare`.
pub(super) fn prepared_for_terraform() -> Scene {
    let scene = Scene::with_world(World::sop().with_release(RELEASE));
    super::name_a_lock(&scene);
    let names = ["pause_sync", "backup", "restore", "backup_on", "sync_on"];
    let commands = names
        .map(|name| format!("    {name}: [\"true\"]\n"))
        .concat();
    let release = format!(
        "release:\n  deploy_jobs: {{ live: [build_live, ld_gigadb] }}\n  commands:\n{commands}\nenvironments:"
    );
    scene.edit_topology("environments:", &release);
    scene.adopt_live();
    let start = ["start", "--process", "complex", "--release", RELEASE];
    let _ = release_of(&scene, &start).expect(0);
    confirm(&scene, "embargo", "Ada");
    for _ in 0..4 {
        let _ = next(&scene).expect(0);
    }
    confirm(&scene, "validate-business", "Ada");
    confirm(&scene, "validate-technical", "Grace");
    scene
}

pub(super) fn release_of(scene: &Scene, words: &[&str]) -> Output {
    scene.gigadb_roles(&[&["release"], words, &["-e", "live"]].concat())
}

pub(super) fn next(scene: &Scene) -> Output {
    release_of(scene, &["next", "--yes", "--interval", "0.05"])
}

pub(super) fn confirm(scene: &Scene, step: &str, by: &str) {
    let _ = release_of(scene, &["confirm", step, "--by", by]).expect(0);
}

/// Writes live's assignment as the step asks for it.
pub(super) fn configure(scene: &Scene, production: Side, further: &str) {
    scene.configure(&assignment("live", production, further));
}

#[test]
fn the_step_plans_reviews_and_applies_where_the_configuration_is() {
    let scene = prepared_for_terraform();
    // The configuration does not say so yet: the line is told, and nothing applied.
    let _ = next(&scene)
        .expect(2)
        .says(&["add `prepare = \"alt-gigadb-website\"` beside `production = \"gigadb-website\"`"]);
    configure(&scene, Side::Upstream, PREPARE);
    // Without --yes and without a terminal it is only shown.
    scene.simulator().clear_requests();
    let _ = release_of(&scene, &["next"])
        .expect(2)
        .says(&["the plan above does it", "--yes"]);
    scene.assert_nothing_written();
    let _ = next(&scene)
        .expect(0)
        .says(&["Step `prepare` is done", "Apply complete!"]);
    let _ = next(&scene).expect(0).says(&["Step `rebuild` is done"]);
    confirm(&scene, "probe", "Ada");

    // A plan that does something else is not applied.
    configure(&scene, Side::Upstream, "");
    let _ = next(&scene)
        .expect(2)
        .says(&["set `production = \"alt-gigadb-website\"` (was \"gigadb-website\")"]);
    // Nor is one that does more.
    let more = "\nresource \"terraform_data\" \"other\" {}\n";
    scene.configure(&(assignment("live", Side::Alt, "") + more));
    let _ = next(&scene)
        .expect(1)
        .says(&["the plan is refused: it changes 1 object other than roles"]);
    configure(&scene, Side::Alt, "");
    let _ = next(&scene).expect(0).says(&["Step `swap` is done"]);
    assert_live(&scene, Side::Alt);
    let _ = scene.plan(&[]).expect(0);

    // Branch B, the same way.
    let _ = release_of(&scene, &["back"]).expect(0);
    let _ = next(&scene)
        .expect(2)
        .says(&["set `production = \"gigadb-website\"` (was \"alt-gigadb-website\")"]);
    configure(&scene, Side::Upstream, "");
    let _ = next(&scene).expect(0).says(&["Step `swap-back` is done"]);
    assert_live(&scene, Side::Upstream);
}

#[test]
fn what_terraform_did_elsewhere_is_recognized_and_waited_for() {
    let scene = prepared_for_terraform();
    // This folder assigns no roles; the other one is the pipeline's.
    configure(&scene, Side::Upstream, PREPARE);
    scene.second_root();
    std::fs::remove_file(scene.root().join("main.tf")).unwrap();
    let _ = next(&scene)
        .expect(2)
        .says(&["Terraform does it", "--wait"]);
    let apply = ["apply", "-no-color", "-auto-approve"];
    let _ = scene.terraform_in_second_root(&apply).expect(0);
    let _ = next(&scene)
        .expect(0)
        .says(&["Step `prepare` was done already, as facts show"]);
    let _ = next(&scene).expect(0);
    confirm(&scene, "probe", "Ada");

    let swap = assignment("live", Side::Alt, "");
    let main = scene.folder().join("second/main.tf");
    let text = std::fs::read_to_string(&main).unwrap();
    let header = text.split("\nresource ").next().unwrap();
    std::fs::write(&main, format!("{header}{swap}")).unwrap();
    let waiting = [
        "release",
        "next",
        "-e",
        "live",
        "--wait",
        "--interval",
        "0.1",
    ];
    let waiting = scene.start_gigadb_roles(&waiting);
    let _ = scene.terraform_in_second_root(&apply).expect(0);
    let output = waiting.end();
    let _ = output
        .expect(0)
        .says(&["Step `swap` was done already, as facts show"]);
    assert_live(&scene, Side::Alt);
}

/// What Terraform refuses is not done, and the step is taken again.
#[test]
fn an_apply_that_fails_leaves_the_step_to_be_taken_again() {
    use gigadb_simulator::{Api, Effect, Fault};
    let scene = prepared_for_terraform();
    configure(&scene, Side::Upstream, PREPARE);
    let refuse = Fault::new(Effect::Refuse).api(Api::Gitlab).method("PUT");
    scene.simulator().fault(refuse.always());
    let _ = next(&scene)
        .expect(1)
        .says(&["Step `prepare` is not done. `terraform apply` ended with exit status 1."]);
    // Whoever comes next sees why.
    let _ = release_of(&scene, &["status"])
        .expect(0)
        .says(&["`terraform apply` ended with exit status 1"]);
    scene.simulator().clear_faults();
    let _ = next(&scene).expect(0).says(&["Step `prepare` is done"]);
}

/// A plan that trades another environment as well is not this release's.
#[test]
fn a_plan_that_trades_another_environment_too_is_refused() {
    let scene = prepared_for_terraform();
    let both = |live: &str, staging: Side| {
        let live = assignment("live", Side::Upstream, live);
        scene.configure(&(live + &assignment("staging", staging, "")));
    };
    both("", Side::Upstream);
    let _ = scene.apply().expect(0);
    both(PREPARE, Side::Alt);
    let refused = "it changes the roles of `staging` too";
    let _ = next(&scene).expect(1).says(&[refused]);
    let status = ["status", "-e", "staging", "--format", "json"];
    let status = scene.gigadb_roles(&status).expect(0).stdout;
    assert!(
        status.contains("\"production\": \"gigadb-website\""),
        "{status}"
    );
    both(PREPARE, Side::Upstream);
    let _ = next(&scene).expect(0).says(&["Step `prepare` is done"]);
}
