//! A token reaches nothing that is written or said. A scene checks every output as it comes, and every
//! file that was left behind when it ends; these tests make sure that there is much to check.

use std::fs;

use gigadb_simulator::world::{CLOUDFLARE_REVOKED_TOKEN, GITLAB_EXPIRED_TOKEN};
use gigadb_tests::{Scene, procedure::Side};

#[test]
fn state_plan_file_and_trace_logs_hold_no_secret() {
    let mut scene = Scene::new();
    let log = scene.log_to("trace.log");
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    let _ = scene.plan(&[]).expect(0);

    let text = fs::read_to_string(log).unwrap();
    for request in [
        "/zones/{zone_id}/dns_records",
        "/zones/{zone_id}/dns_records/batch",
        "DescribeAddresses",
    ] {
        assert!(text.contains(request), "the log does not tell of {request}");
    }
    assert!(
        text.contains("[TRACE]") && text.len() > 100_000,
        "{} bytes",
        text.len()
    );
    assert!(scene.root().join("swap.tfplan").is_file());
    assert!(scene.root().join("terraform.tfstate").is_file());
}

#[test]
fn an_error_about_a_token_does_not_hold_it() {
    let mut scene = Scene::new();
    let log = scene.log_to("trace.log");
    scene.configure_live(Side::Upstream);
    scene.set("CLOUDFLARE_API_TOKEN", CLOUDFLARE_REVOKED_TOKEN);
    scene.plan(&[]).expect(1).says(&["Cloudflare"]);
    scene.set(
        "CLOUDFLARE_API_TOKEN",
        gigadb_simulator::world::CLOUDFLARE_TOKEN,
    );
    scene.set("GITLAB_TOKEN", GITLAB_EXPIRED_TOKEN);
    scene.plan(&[]).expect(1).says(&["GitLab"]);
    assert!(log.is_file());
    scene.assert_nothing_written();
}

#[test]
fn unrelated_variables_never_leave_the_client() {
    let scene = Scene::new();
    scene.adopt_live();
    let state = scene.read("terraform.tfstate");
    assert!(!state.contains("UNRELATED_001") && !state.contains("gigadb_db_password"));
    assert!(state.contains("REMOTE_HOSTNAME"));
}
