//! Asking without changing.

use gigadb_simulator::{Api, Effect, Fault};
use gigadb_tests::{Scene, procedure::Side};

const QUESTIONS: &str = r#"
data "gigadb_role_assignment" "live" {
  environment = "live"
}

data "gigadb_infrastructure" "bastion" {
  infrastructure = data.gigadb_role_assignment.live.production
  environment    = "live"
  endpoint       = "bastion"
}

output "production" {
  value = data.gigadb_role_assignment.live.production
}

output "bastion" {
  value = data.gigadb_infrastructure.bastion
}
"#;

/// Where one region is out of reach, both data sources say what `gigadb-roles status` says, and
/// what is refused is advised on by its cause.
#[test]
fn a_region_out_of_reach_leaves_the_roles_as_clear_as_status_says() {
    let scene = Scene::new();
    scene.configure(&QUESTIONS.replace(
        "data.gigadb_role_assignment.live.production\n  environment",
        "\"alt-gigadb-website\"\n  environment",
    ));
    let lost = Fault::new(Effect::ServerError)
        .api(Api::Ec2)
        .region("ap-east-1");
    scene.simulator().fault(lost.always());
    let _ = scene.apply().expect(0);
    let outputs = scene.show("")["values"]["outputs"].clone();
    assert_eq!(outputs["production"]["value"], "gigadb-website");
    assert_eq!(outputs["bastion"]["value"]["role"], "hot_standby");
    let status = scene.gigadb_roles(&["status", "-e", "live", "--format", "json"]);
    let status = status.expect(0).stdout;
    assert!(
        status.contains("\"production\": \"gigadb-website\""),
        "{status}"
    );

    scene.configure(&QUESTIONS.replace(
        "data.gigadb_role_assignment.live.production\n  environment",
        "\"gigadb-website\"\n  environment",
    ));
    scene.plan(&[]).expect(1).says(&[
        "`gigadb-website` could not be read",
        "next: Try again in a few minutes, and see https://health.aws.amazon.com for trouble. Then plan again.",
    ]);
}

/// What could not be read is not called wrong: variables that nobody could read make no
/// environment `mixed`, here as in `gigadb-roles status`.
#[test]
fn variables_out_of_reach_leave_the_status_unknown() {
    let scene = Scene::new();
    scene.configure(&format!(
        "{QUESTIONS}\noutput \"status\" {{\n  value = data.gigadb_role_assignment.live.status\n}}\n"
    ));
    let silent = Fault::new(Effect::ServerError).api(Api::Gitlab).always();
    scene.simulator().fault(silent);
    let output = scene.apply().expect(0);
    output.says(&["2 parts of the environment could not be read"]);
    let outputs = scene.show("")["values"]["outputs"].clone();
    assert_eq!(outputs["production"]["value"], "gigadb-website");
    assert_eq!(outputs["status"]["value"], "unknown");
    let status = scene.gigadb_roles(&["status", "-e", "live", "--format", "json"]);
    let status = status.expect(0).stdout;
    assert!(status.contains("\"status\": \"unknown\""), "{status}");
    // One that differs is wrong, whatever else could not be read.
    scene.simulator().clear_faults();
    let project = Side::Alt.project().replace('/', "%2F");
    let silent = Fault::new(Effect::ServerError).api(Api::Gitlab);
    scene
        .simulator()
        .fault(silent.path_contains(&project).always());
    scene.simulator().edit(|world| {
        let project = world.gitlab.project_mut(Side::Upstream.project()).unwrap();
        let row = project.variable_mut("REMOTE_HOSTNAME", "live").unwrap();
        "elsewhere.gigadb.org".clone_into(&mut row.value);
    });
    let _ = scene.apply().expect(0);
    let outputs = scene.show("")["values"]["outputs"].clone();
    assert_eq!(outputs["status"]["value"], "mixed");
}

#[test]
fn data_sources_answer_from_the_truth_before_and_after_a_swap() {
    let scene = Scene::new();
    scene.configure(QUESTIONS);
    let _ = scene.apply().expect(0);
    let outputs = scene.show("")["values"]["outputs"].clone();
    assert_eq!(outputs["production"]["value"], "gigadb-website");
    let bastion = &outputs["bastion"]["value"];
    assert_eq!(bastion["address"], "198.51.100.11");
    assert_eq!(bastion["private_address"], "10.99.0.11");
    assert_eq!(bastion["instance_state"], "running");
    assert_eq!(bastion["role"], "production");

    scene.simulator().edit(|world| {
        *world = gigadb_tests::procedure::world(Side::Alt, Side::Upstream);
    });
    let _ = scene.apply().expect(0);
    let outputs = scene.show("")["values"]["outputs"].clone();
    assert_eq!(outputs["production"]["value"], "alt-gigadb-website");
    assert_eq!(outputs["bastion"]["value"]["address"], "203.0.113.11");
    scene.assert_nothing_written();
}
