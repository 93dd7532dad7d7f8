//! `plan --out` and `apply`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use gigadb_simulator::{Api, Edit, Effect, Fault, world};
use insta::assert_snapshot;
use serde_json::Value;

use crate::runs::without_due;
use crate::stage::Stage;

const PLAN: [&str; 6] = [
    "plan",
    "--environment",
    "live",
    "--swap",
    "--out",
    "swap.json",
];

/// A stage on which the swap of `live` was planned.
fn planned() -> Stage {
    let stage = Stage::sop();
    let output = stage.output(&PLAN);
    assert_eq!(output.status.code(), Some(2), "{}", stage.told(&output));
    stage.simulator.clear_requests();
    stage
}

/// Edits the saved plan.
fn edit(stage: &Stage, change: impl FnOnce(&mut Value)) {
    let file = stage.folder().join("swap.json");
    let mut plan: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut plan);
    fs::write(&file, plan.to_string()).unwrap();
}

#[test]
fn a_saved_plan_is_applied_without_asking() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let reason = [&PLAN[..], &["--reason", "release 4.4"]].concat();
    let told = stage.run(&reason);
    let end = told.split_once("Nothing was changed yet.\n").unwrap().1;
    assert_snapshot!(end, @r"
    -- stderr
    note: Saved. To carry it out: `gigadb-roles apply swap.json`
    ");
    let file = stage.folder().join("swap.json");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("{\n  \"format_version\": 1,\n"), "{text}");
    assert!(text.contains("\"reason\": \"release 4.4\""), "{text}");
    for secret in world::PLANTED {
        assert!(!text.contains(secret), "a secret is in the plan: {text}");
    }
    assert_eq!(stage.writes(), 0);
    stage.simulator.clear_requests();
    let told = stage.run(&["apply", "swap.json", "-y"]);
    let end = told.split_once("Nothing was changed yet.\n").unwrap().1;
    assert_snapshot!(without_due(end), @r#"
    note: Writing; the journal of this run is RUN
    in force: variable `HOME_URL` of `alt-gigadb-website`
    in force: variable `HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `gigadb-website`
    in force: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    in force: variable `remote_fileserver_hostname` of `gigadb-website`
    in force: 3 records of zone `gigadb.host`
    in force: 5 records of zone `gigadb.org`
    note: In the Terraform configuration of `live`, set production = "alt-gigadb-website", so that the next apply agrees.
    "#);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert_eq!(stage.writes(), 10);
    assert_ne!(stage.simulator.world().normalized(), before);
    // All is as planned: nothing is written again.
    stage.simulator.clear_requests();
    let again = stage.run(&["apply", "swap.json"]);
    assert!(
        again.contains("No changes in live: everything is as it should be."),
        "{again}"
    );
    assert!(again.starts_with("exit 0\n"), "{again}");
    assert_eq!(stage.writes(), 0);
}

#[test]
fn a_token_in_a_reason_is_kept_nowhere() {
    let stage = Stage::sop();
    let reason = format!("with {}", world::CLOUDFLARE_TOKEN);
    let output = stage.output(&[&PLAN[..], &["--reason", &reason]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", stage.told(&output));
    stage.answer(&["apply", "swap.json", "--format", "json"]);
    let swap = [
        "swap",
        "--environment",
        "live",
        "--yes",
        "--reason",
        &reason,
        "--format",
        "json",
    ];
    stage.answer(&swap);
    stage.answer(&["history", "--format", "json"]);
    let mut files = vec![stage.folder().join("swap.json")];
    let journals = fs::read_dir(stage.journals()).unwrap();
    files.extend(journals.map(|file| file.unwrap().path()));
    assert_eq!(files.len(), 3);
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("\"with "), "{text}");
        for secret in world::PLANTED {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn the_same_world_gives_the_same_bytes() {
    let stage = planned();
    let first = fs::read(stage.folder().join("swap.json")).unwrap();
    stage.output(&PLAN);
    assert_eq!(fs::read(stage.folder().join("swap.json")).unwrap(), first);
}

#[test]
fn a_stale_plan_names_everything_that_moved() {
    let stage = planned();
    stage.set_record("files.gigadb.org", "192.0.2.7");
    let edits = [
        Edit::SetVariable {
            project: world::PROJECT.to_owned(),
            key: "HOME_URL".to_owned(),
            scope: "live".to_owned(),
            value: "https://maintenance.gigadb.org".to_owned(),
        },
        Edit::SetAddress {
            region: "ap-southeast-2".to_owned(),
            name: "eip-gigadb-live-gigadb".to_owned(),
            public_ip: "203.0.113.99".to_owned(),
        },
    ];
    for edit in edits {
        stage.simulator.edit(|world| world.apply(&edit)).unwrap();
    }
    let told = stage.run(&["apply", "swap.json"]);
    let end = told.split_once("-- stderr\n").unwrap().1;
    let end = end.split_once("Nothing was changed yet.\n").unwrap().1;
    assert_snapshot!(end, @r"
    error: 3 objects have changed since the plan was made.
      on:      environment `live`: A record of `files.gigadb.org`: planned from A `198.51.100.12` (id 7570383a62e3450621cd22583b605286), now A `192.0.2.7` (id 7570383a62e3450621cd22583b605286); variable `HOME_URL` of `gigadb-website`: planned from `https://gigadb.org`, now `https://maintenance.gigadb.org`; Elastic IP of the web endpoint of `alt-gigadb-website`: planned from 203.0.113.10 (eipalloc-4161fffef07cced8b), now 203.0.113.99 (eipalloc-4161fffef07cced8b)
      changed: Nothing was changed.
      next:    Find out who changed it, then plan again and review the new plan.
    ");
    assert!(told.starts_with("exit 4\n"), "{told}");
    assert_eq!(stage.writes(), 0);
}

#[test]
fn what_is_already_as_desired_is_no_conflict() {
    let stage = planned();
    stage.set_record("files.gigadb.org", "203.0.113.12");
    let output = stage.output(&["apply", "swap.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stage.told(&output));
}

#[test]
fn of_two_operators_with_one_plan_the_second_changes_nothing() {
    let stage = planned();
    fs::copy(
        stage.folder().join("swap.json"),
        stage.folder().join("other.json"),
    )
    .unwrap();
    stage.answer(&["apply", "swap.json"]);
    let after = stage.simulator.world().normalized();
    let told = stage.run(&["apply", "other.json"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(told.contains("No changes in live"), "{told}");
    // Somebody swapped back meanwhile: the plan holds again, for it names the world it needs.
    stage.answer(&["swap", "--environment", "live", "--yes"]);
    stage.answer(&["apply", "other.json"]);
    assert_eq!(stage.simulator.world().normalized(), after);
}

#[test]
fn what_is_no_plan_for_this_topology_is_refused() {
    let stage = planned();
    let file = stage.folder().join("swap.json");
    let whole = fs::read_to_string(&file).unwrap();
    let mut told = vec![stage.run(&["apply", "absent.json"])];
    let mut refused = |text: &str| {
        fs::write(&file, text).unwrap();
        told.push(stage.run(&["apply", "swap.json"]));
    };
    refused("");
    refused(&whole[..whole.len() / 2]);
    refused("[1, 2]");
    refused("{\"format_version\":\"1.2\",\"terraform_version\":\"1.11.4\"}");
    refused("PK\u{3}\u{4}\u{14}");
    refused(&whole.replacen("\"format_version\": 1", "\"format_version\": 2", 1));
    refused(&whole.replacen("\"reason\"", "\"surprise\": 1, \"reason\"", 1));
    fs::write(&file, &whole).unwrap();
    let topology = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    stage.write(
        "other.yaml",
        &topology.replace("data_sync: true", "data_sync: false"),
    );
    told.push(stage.run(&["apply", "swap.json", "--topology", "other.yaml"]));
    assert_snapshot!(told.join("\n\n"), @r"
    exit 1
    -- stderr
    error: The plan could not be read: No such file or directory (os error 2).
      on:      `absent.json`
      changed: Nothing was changed.
      next:    Name a file that `gigadb-roles plan --out FILE` has written.

    exit 1
    -- stderr
    error: This is not a whole plan of `gigadb-roles`: EOF while parsing a value at line 1 column 0.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Make a new plan with `gigadb-roles plan --out FILE` and review it.

    exit 1
    -- stderr
    error: This is not a whole plan of `gigadb-roles`: EOF while parsing a string at line 475 column 40.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Make a new plan with `gigadb-roles plan --out FILE` and review it.

    exit 1
    -- stderr
    error: This is not a whole plan of `gigadb-roles`: its `kind` is not `gigadb-roles plan`.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Make a new plan with `gigadb-roles plan --out FILE` and review it.

    exit 1
    -- stderr
    error: This is a plan of Terraform's, not one of `gigadb-roles`.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Apply it with `terraform apply`.

    exit 1
    -- stderr
    error: This is a plan of Terraform's, not one of `gigadb-roles`.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Apply it with `terraform apply`.

    exit 1
    -- stderr
    error: The plan has format version 2, and this program knows 1 alone.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Apply it with the version of `gigadb-roles` that made it, or plan again with this one.

    exit 1
    -- stderr
    error: This is not a whole plan of `gigadb-roles`: unknown field `surprise`, expected one of `format_version`, `kind`, `program`, `topology`, `reason`, `intent`, `observation`, `desired`, `stages`.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Make a new plan with `gigadb-roles plan --out FILE` and review it.

    exit 1
    -- stderr
    error: The plan was made for another topology, or the topology changed since.
      on:      `swap.json`
      changed: Nothing was changed.
      next:    Name the topology that it was made for with --topology, or make a new plan and review it.
    ");
    assert!(stage.simulator.requests().is_empty());
}

#[test]
fn an_edited_plan_does_not_write_what_nobody_planned() {
    let stage = planned();
    edit(&stage, |plan| {
        let steps = plan["stages"][0].as_array_mut().unwrap();
        steps.truncate(1);
    });
    let output = stage.output(&["apply", "swap.json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stage.told(&output));
    assert!(stage.simulator.requests().is_empty());
}

#[test]
fn a_plan_edited_as_a_whole_is_stale() {
    let stage = planned();
    let file = stage.folder().join("swap.json");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("203.0.113.12", "203.0.113.66")).unwrap();
    let output = stage.output(&["apply", "swap.json"]);
    assert_eq!(output.status.code(), Some(4), "{}", stage.told(&output));
    assert_eq!(stage.writes(), 0);
}

#[test]
fn a_plan_that_is_refused_is_not_saved() {
    let stage = Stage::sop();
    stage.set_record("files.gigadb.org", "192.0.2.7");
    let plan = [
        "plan",
        "--environment",
        "live",
        "--production",
        "alt-gigadb-website",
        "--out",
        "swap.json",
    ];
    let output = stage.output(&plan);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("note: The plan was not saved to `swap.json`"),
        "{told}"
    );
    assert!(!stage.folder().join("swap.json").exists());
    let nowhere = [
        "plan",
        "--environment",
        "staging",
        "--swap",
        "--out",
        "no/such/folder.json",
    ];
    assert_snapshot!(stage.run(&nowhere), @r"
    exit 1
    -- stderr
    error: The plan could not be saved: No such file or directory (os error 2).
      on:      `no/such/folder.json`
      changed: Nothing was changed.
      next:    Name a file in a folder that you may write, and plan again.
    ");
}

#[test]
fn a_rule_that_is_broken_since_stops_the_apply() {
    let stage = planned();
    let edit = Edit::SetInstanceState {
        region: "ap-southeast-2".to_owned(),
        name: "gigadb_webserver_live_gigadb".to_owned(),
        state: world::InstanceState::Stopped,
    };
    stage.simulator.edit(|world| world.apply(&edit)).unwrap();
    let output = stage.output(&["apply", "swap.json"]);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("error[known-address]"), "{told}");
    assert_eq!(stage.writes(), 0);
}

#[test]
fn an_expired_token_in_the_middle_puts_back_what_was_written() {
    let stage = planned();
    let before = stage.simulator.world().normalized();
    let expired = Fault::new(Effect::Unauthorized)
        .api(Api::Cloudflare)
        .method("POST")
        .always();
    stage.simulator.fault(expired);
    let output = stage.output(&["apply", "swap.json"]);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("undone: variable `HOME_URL`"), "{told}");
    assert!(
        told.contains("What this run had written was put back: everything reads as before."),
        "{told}"
    );
    assert_eq!(stage.simulator.world().normalized(), before);
}
