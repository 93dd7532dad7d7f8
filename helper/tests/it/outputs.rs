//! Variables of hosts that only Terraform's state in GitLab knows.

use std::fs;

use gigadb_simulator::{
    Api, Effect, Fault,
    world::{PROJECT, SECRET_VARIABLE_VALUE, TerraformState},
};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::stage::Stage;

const WEB: [&str; 3] = ["inventory", "--host", "gigadb-website-live-web"];

/// The procedure's world with a topology that names the states.
fn stage() -> Stage {
    let stage = Stage::sop();
    let plain = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let aws = "    aws: { profile: ";
    let state = "    terraform_state: { name: \"{environment}_infra\" }\n";
    let file = stage.write(
        "topology.yaml",
        &plain.replace(aws, &(state.to_owned() + aws)),
    );
    let file = file.to_str().unwrap().to_owned();
    stage
        .with("GIGADB_TOPOLOGY", &file)
        .with("GIGADB_ENVIRONMENT", "live")
        .with("GIGADB_INFRASTRUCTURE", "gigadb-website")
}

fn set_state(stage: &Stage, change: impl FnOnce(&mut TerraformState)) {
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        change(project.terraform_states.get_mut("live_infra").unwrap());
    });
}

fn host(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap()
}

#[test]
fn the_outputs_that_plays_read_are_variables_and_no_others() {
    let stage = stage().with("GIGADB_LOG", "trace");
    let text = json!({
        "version": 4, "serial": 8,
        "outputs": {
            "rds_instance_address": { "type": "string", "value": "db.example.net" },
            "rds_instance_password": { "type": "string", "value": SECRET_VARIABLE_VALUE },
            "vpc_id": { "type": "string", "value": SECRET_VARIABLE_VALUE, "sensitive": true },
            "web_ec2_type": { "type": "string", "value": "t3.small" },
            "ec2_public_ip": { "type": "string", "value": "192.0.2.99" },
            "efs_filesystem_access_points": { "type": "map", "value": {
                "dropbox_area": "fsap-1", "secret_area": SECRET_VARIABLE_VALUE,
            } },
            "ansible_host": { "type": "string", "value": "192.0.2.98" },
        },
        "resources": [{ "secret": SECRET_VARIABLE_VALUE }],
    });
    set_state(&stage, |state| {
        state.versions.insert(8, text.to_string());
    });
    let host = host(&stage.answer(&WEB));
    assert_eq!(host["rds_instance_address"], "db.example.net");
    assert_eq!(host["pg_host"], "db.example.net");
    assert_eq!(host["web_ec2_type"], "t3.small");
    assert_eq!(
        host["efs_filesystem_access_points"],
        json!({ "dropbox_area": "fsap-1" })
    );
    assert_eq!(host["ec2_public_ip"], "198.51.100.10", "EC2 knows better");
    assert_eq!(host["ansible_host"], host["ec2_private_ip"]);
    assert_eq!(host.get("vpc_id"), None);
}

#[test]
fn outputs_are_read_at_every_call_for_what_is_in_scope_and_kept_nowhere() {
    let stage = stage();
    stage.answer(&["--list"]);
    stage.answer(&["--list"]);
    let states: Vec<String> = stage
        .simulator
        .requests()
        .iter()
        .filter(|request| request.api == Api::Gitlab)
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    assert_snapshot!(states.join("\n"), @"
    GET /api/v4/projects/gigascience%2Fupstream%2Fgigadb-website/terraform/state/live_infra
    GET /api/v4/projects/gigascience%2Fupstream%2Fgigadb-website/terraform/state/live_infra
    ");
    let folder = stage.folder().join(".cache/gigadb");
    for entry in fs::read_dir(folder).unwrap() {
        let kept = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!kept.contains("rds-server"), "{kept}");
    }
}

#[test]
fn a_state_that_is_not_there_or_empty_has_no_outputs() {
    let stage = stage();
    set_state(&stage, |state| state.versions.clear());
    let output = stage.output(&WEB);
    assert!(output.status.success() && output.stderr.is_empty());
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        project.terraform_states.clear();
    });
    let output = stage.output(&WEB);
    assert!(output.status.success() && output.stderr.is_empty());
    let host: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(host.get("pg_host"), None);
}

#[test]
fn outputs_that_cannot_be_read_are_absent_with_a_warning() {
    let told = |stage: &Stage| {
        let output = stage.output(&WEB);
        assert!(output.status.success());
        let host: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(host.get("pg_host"), None);
        let told = String::from_utf8(output.stderr).unwrap();
        // The identifier of a request differs from run to run.
        match told.split_once(", request id ") {
            Some((before, after)) => format!("{before}{}", &after[after.find(')').unwrap()..]),
            None => told,
        }
    };
    let refused = stage();
    let fault = Fault::new(Effect::Refuse).api(Api::Gitlab);
    refused.simulator.fault(fault.always());
    assert_snapshot!(told(&refused), @"warning: The Terraform outputs of `gigadb-website` in `live` could not be read: GitLab refused GET /projects/{id}/terraform/state/{name} with 403, 403 Forbidden (Terraform state `live_infra` of project `gigascience/upstream/gigadb-website`). Its hosts lack `pg_host` and whatever else only Terraform knows.");
    assert_snapshot!(told(&stage().without("GITLAB_TOKEN")), @"warning: The Terraform outputs of `gigadb-website` in `live` could not be read: the GitLab token is not set; set `GITLAB_TOKEN` or `GITLAB_PRIVATE_TOKEN` in the environment, or `gitlab.token` in the provider block. Its hosts lack `pg_host` and whatever else only Terraform knows.");
    let other = stage();
    set_state(&other, |state| {
        let text = json!({ "version": 3, "modules": [SECRET_VARIABLE_VALUE] });
        state.versions.insert(9, text.to_string());
    });
    assert_snapshot!(told(&other), @"warning: The Terraform outputs of `gigadb-website` in `live` could not be read: GitLab answered GET /projects/{id}/terraform/state/{name} with something that makes no sense: a state of version 3, not 4 (Terraform state `live_infra` of project `gigascience/upstream/gigadb-website`). Its hosts lack `pg_host` and whatever else only Terraform knows.");
    set_state(&other, |state| {
        state
            .versions
            .insert(10, format!("\"{SECRET_VARIABLE_VALUE}\""));
    });
    assert_snapshot!(told(&other), @"warning: The Terraform outputs of `gigadb-website` in `live` could not be read: GitLab answered GET /projects/{id}/terraform/state/{name} with something that makes no sense: not the JSON that was expected (line 1, column 37) (Terraform state `live_infra` of project `gigascience/upstream/gigadb-website`). Its hosts lack `pg_host` and whatever else only Terraform knows.");
}
