//! Worlds that a swap would fail in, told before it: in plan and in check.

use std::fs;

use gigadb_simulator::World;

use crate::stage::Stage;

const PLAN: [&str; 4] = ["plan", "--environment", "live", "--swap"];

#[test]
fn a_masked_row_that_a_value_does_not_fit_is_told_in_plan_and_check() {
    const VALUE: &str = "https://gigadb.org/?a=1&b";
    let mut world = World::sop();
    for project in &mut world.gitlab.projects {
        for row in &mut project.variables {
            let here = row.environment_scope == "live";
            if here && row.value == "https://gigadb.org" {
                VALUE.clone_into(&mut row.value);
                row.masked = row.key == "HOME_URL";
            }
        }
    }
    let stage = Stage::with_world(world);
    let text = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let text = text.replace(
        "HOME_URL: https://gigadb.org\n",
        &format!("HOME_URL: {VALUE}\n"),
    );
    let topology = stage.write("topology.yaml", &text);
    let stage = stage.with("GIGADB_TOPOLOGY", topology.to_str().unwrap());
    let told = format!("`HOME_URL` is masked, and GitLab does not mask `{VALUE}`");
    let plan = stage.run(&PLAN);
    assert!(
        plan.contains(&format!("warning[variables-visible]: {told}")),
        "{plan}"
    );
    let check = stage.run(&["check"]);
    assert!(check.contains(&told), "{check}");
}

#[test]
fn an_elastic_ip_that_something_else_uses_is_told_in_plan_and_check() {
    let mut world = World::sop();
    for account in &mut world.aws.accounts {
        for region in account.regions.values_mut() {
            for address in &mut region.addresses {
                if address.public_ip == "203.0.113.10" {
                    address.instance_id = None;
                    address.other_association = true;
                }
            }
        }
    }
    let stage = Stage::with_world(world);
    let told = "is associated with no instance but with ";
    for arguments in [&PLAN[..], &["check"]] {
        let said = stage.run(arguments);
        assert!(said.contains(told), "{arguments:?}: {said}");
        assert!(
            said.contains("something else uses it"),
            "{arguments:?}: {said}"
        );
    }
    // Roles go by records: who has which is as clear as before.
    let status = stage.answer(&["status", "--environment", "live", "--require", "clear"]);
    assert!(status.contains("production   gigadb-website"), "{status}");
}
