//! Asking without changing.

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
