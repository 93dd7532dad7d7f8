//! `check --repository`, over the shape of GigaDB's own repository.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::stage::Stage;

const INIT: &str = r#"#!/usr/bin/env bash
set -e
source .env
rds=$(../../inventories/terraform-inventory.sh --list ./ | jq -r .all.vars.rds_instance_address)
curl --request PUT --form "value=$rds" "$PROJECT_VARIABLES_URL/gigadb_db_host"
"#;

const BASTION: &str = r#"
- hosts: name_bastion_server_{{gigadb_env}}*
  tasks:
    - name: place the restore
      copy:
        src: ../../../../tools/databaseReset.sh
        dest: /usr/local/bin/databaseReset
    - name: restore every day
      cron:
        name: "Reset the database"
        hour: "10"
        job: /usr/local/bin/databaseReset
        state: "{{ reset_database_cronjob_state }}"
    - name: sync every day
      cron:
        name: "Sync the dropboxes"
        job: /usr/local/bin/sync_dropbox --apply
    - name: restore now
      command: /usr/local/bin/databaseReset {{ backupDate }}
"#;

const RESET: &str = "#!/bin/bash\nrclone copy s3_remote:b/gigadb_gigascience-upstream-gigadb-website_live_${day}.backup .\n";

fn checkout() -> Stage {
    let stage = Stage::sop();
    for folder in [
        "theirs/ops/scripts",
        "theirs/ops/infrastructure/inventories",
        "theirs/tools",
    ] {
        fs::create_dir_all(stage.folder().join(folder)).unwrap();
    }
    for (name, text) in [
        ("ops/scripts/ansible_init.sh", INIT),
        ("ops/infrastructure/bastion_playbook.yml", BASTION),
        (
            "ops/infrastructure/inventories/hosts",
            "[type_aws_instance]\n",
        ),
        (
            "ops/infrastructure/inventories/terraform-inventory.sh",
            "#!/bin/sh\nterraform-inventory \"$@\" ./ | jq .\n",
        ),
        ("tools/databaseReset.sh", RESET),
    ] {
        stage.write(&format!("theirs/{name}"), text);
    }
    stage
}

fn found(stage: &Stage) -> String {
    let arguments = ["check", "--repository", "theirs", "--format", "json"];
    let output = stage.output(&arguments);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap().iter();
    let lines = checks.map(|check| {
        let text = |key: &str| check[key].as_str().unwrap_or("").to_owned();
        format!(
            "{} {} | {} | {}",
            text("result"),
            text("object"),
            text("found"),
            text("next")
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_in_the_way_is_named_by_file_and_line() {
    let stage = checkout();
    let found = found(&stage);
    assert_snapshot!(found, @r#"
    warning ops/infrastructure/inventories/terraform-inventory.sh | The inventory is still the older one | Run `git mv ops/infrastructure/inventories/terraform-inventory.sh ops/infrastructure/inventories/terraform-inventory.sh.orig`, then `gigadb-roles inventory --wrapper ops/infrastructure/inventories/terraform-inventory.sh`: whatever calls it keeps working.
    warning ops/scripts/ansible_init.sh:4 | A failing inventory gives an empty value here, and the script goes on with it | Write `set -eo pipefail` at the top of the script, and `jq -er` for `jq -r` here.
    warning ansible.cfg | Nothing sets `any_unparsed_is_failed`: where the inventory fails, a play does nothing and ends with 0 | Have an `ansible.cfg` with `[inventory]` and `any_unparsed_is_failed = true`, and name it in ANSIBLE_CONFIG.
    failed ops/infrastructure/bastion_playbook.yml:7 | This task puts a `databaseReset` without a guard in the place of `data_sync`'s | Remove the task once `data_sync` is in use: the role places the program.
    warning ops/infrastructure/bastion_playbook.yml:19 | This task runs `databaseReset` wherever the play runs, production too | Have the role `gigascience.gigadb.role_guard` with `role_guard_role: hot_standby` in its play.
    warning ops/infrastructure/bastion_playbook.yml:15 | "Sync the dropboxes" is set on both sides, whichever role they have | Remove the task once `data_sync` is in use, or write `state: "{{ sync_dropboxes_cronjob_state }}"`.
    warning tools/databaseReset.sh:2 | It names the dumps of one side, whoever is production: after a swap they are old | Take the name from the host variable `backup_source_project_string`, or use `databaseReset` of `data_sync`.
    "#);
}

#[test]
fn a_checkout_after_the_guide_has_nothing_in_the_way() {
    let stage = checkout();
    let inventories = "theirs/ops/infrastructure/inventories";
    let wrapper = format!("{inventories}/terraform-inventory.sh");
    fs::rename(
        stage.folder().join(&wrapper),
        stage.folder().join(format!("{wrapper}.orig")),
    )
    .unwrap();
    stage.answer(&["inventory", "--wrapper", &wrapper]);
    stage.write(
        "theirs/ops/scripts/ansible_init.sh",
        &INIT
            .replace("set -e", "set -eo pipefail")
            .replace("jq -r", "jq -er"),
    );
    fs::create_dir_all(stage.folder().join("theirs/ops/infrastructure/envs/live")).unwrap();
    stage.write(
        "theirs/ops/infrastructure/envs/live/ansible.cfg",
        "[inventory]\nany_unparsed_is_failed = true\n",
    );
    stage.write("theirs/ops/infrastructure/bastion_playbook.yml", "[]\n");
    stage.write("theirs/tools/databaseReset.sh", "#!/bin/sh\n");
    let output = stage.output(&["check", "--repository", "theirs"]);
    assert!(output.status.success());
    let found = found(&stage);
    assert!(found.lines().all(|line| line.starts_with("ok ")), "{found}");
    // The program itself in the inventory directory is a fault of its own.
    let link = stage.folder().join(inventories).join("gigadb-roles");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gigadb-roles"), link).unwrap();
    let output = stage.output(&["check", "--repository", "theirs"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_was_changed_half_way_is_still_named() {
    let stage = checkout();
    stage.write(
        "theirs/ops/scripts/ansible_init.sh",
        // The word in a comment guards nothing, and a list without the key is no failure to `jq -r`.
        &INIT.replace("set -e", "# not set -o pipefail\nset -e"),
    );
    assert!(found(&stage).contains("ansible_init.sh:5 | A failing inventory gives an empty value"));
    let guarded = INIT.replace("set -e", "set -eo pipefail");
    stage.write("theirs/ops/scripts/ansible_init.sh", &guarded);
    let told = found(&stage);
    let null = "warning ops/scripts/ansible_init.sh:4 | An inventory without this value gives the text `null` here, and the script goes on with it | Write `jq -er` for `jq -r` here.";
    assert!(told.contains(null), "{told}");
    for option in ["jq -er", "jq -e -r", "jq --exit-status -r"] {
        let script = guarded.replace("jq -r", option);
        stage.write("theirs/ops/scripts/ansible_init.sh", &script);
        let told = found(&stage);
        assert!(!told.contains("ansible_init.sh"), "{option}: {told}");
    }

    let playbook = "theirs/ops/infrastructure/bastion_playbook.yml";
    let guard = |role: &str| {
        let roles = format!(
            "  roles:\n    - role: gigascience.gigadb.role_guard\n      role_guard_role: {role}\n  tasks:"
        );
        BASTION.replace("  tasks:", &roles)
    };
    stage.write(playbook, &guard("production"));
    assert!(found(&stage).contains("This task runs `databaseReset` wherever the play runs"));
    stage.write(playbook, &guard("hot_standby"));
    assert!(!found(&stage).contains("This task runs"));
    // The guard of one play guards no other.
    let other = "- hosts: all\n  tasks:\n    - command: /usr/local/bin/s3backup now\n";
    stage.write(playbook, &format!("{}{other}", guard("hot_standby")));
    let told = found(&stage);
    assert!(
        told.contains("This task runs `s3backup` wherever the play runs, the hot standby too")
            && told.contains("`role_guard_role: production`"),
        "{told}"
    );
}

#[test]
fn a_setting_at_the_root_counts_where_ansible_is_told_of_it() {
    let stage = checkout();
    let file = stage.write(
        "theirs/ansible.cfg",
        "[inventory]\nany_unparsed_is_failed = true\n",
    );
    assert!(found(&stage).contains("Ansible runs in `envs/<environment>` and does not look"));
    let stage = stage.with("ANSIBLE_CONFIG", file.to_str().unwrap());
    let told = found(&stage);
    assert!(
        told.contains("ok ansible.cfg | A failed inventory fails"),
        "{told}"
    );
}
