//! `check --repository`, over the shape of GigaDB's own repository.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

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

pub(crate) fn found(stage: &Stage) -> String {
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

/// A checkout in which nothing is left to do.
pub(crate) fn finished() -> Stage {
    let stage = Stage::sop();
    for (path, text) in [
        (
            "ops/infrastructure/inventories/hosts",
            "[type_aws_instance]\n",
        ),
        (
            "ops/infrastructure/envs/live/ansible.cfg",
            "[inventory]\nany_unparsed_is_failed = true\n",
        ),
    ] {
        put(&stage, path, text);
    }
    stage.answer(&["inventory", "--wrapper", &format!("theirs/{WRAPPER}")]);
    stage
}

const WRAPPER: &str = "ops/infrastructure/inventories/terraform-inventory.sh";

/// Writes a file of the checkout, with its folder.
pub(crate) fn put(stage: &Stage, path: &str, text: &str) {
    let file = stage.folder().join("theirs").join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// What stands in the way.
pub(crate) fn in_the_way(stage: &Stage) -> String {
    let told = found(stage);
    let lines = told.lines().filter(|line| !line.starts_with("ok "));
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

#[test]
fn an_inventory_is_right_only_where_ansible_can_read_it() {
    let mode = |stage: &Stage, mode: u32| {
        let file = stage.folder().join("theirs").join(WRAPPER);
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    };
    let rewritten = |stage: &Stage, from: &str, to: &str| {
        let file = stage.folder().join("theirs").join(WRAPPER);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text.replace(from, to)).unwrap();
    };
    let program = env!("CARGO_BIN_EXE_gigadb-roles");
    let source = "plugin: gigascience.gigadb.gigadb # ours\nenvironment: live\n";
    let removed =
        |stage: &Stage| fs::remove_file(stage.folder().join("theirs").join(WRAPPER)).unwrap();
    let folder = "ops/infrastructure/inventories";
    type Case<'a> = (&'a str, &'a dyn Fn(&Stage), &'a str);
    let cases: [Case<'_>; 14] = [
        ("as it is", &|_| {}, ""),
        (
            "no mode",
            &|stage| mode(stage, 0o644),
            "failed ops/infrastructure/inventories/terraform-inventory.sh | It is not executable",
        ),
        (
            "crlf",
            &|stage| rewritten(stage, "\n", "\r\n"),
            "| Its lines end in CRLF",
        ),
        (
            "no program",
            &|stage| rewritten(stage, program, "/home/somebody/bin/gigadb-roles"),
            "| It runs `/home/somebody/bin/gigadb-roles`, which could not be read: No such file",
        ),
        (
            "a folder",
            &|stage| rewritten(stage, program, "/tmp//gigadb-roles/.."),
            "| It runs `/tmp//gigadb-roles/..`",
        ),
        (
            "by name",
            &|stage| rewritten(stage, program, "gigadb-roles"),
            "",
        ),
        (
            "no topology",
            &|stage| {
                rewritten(
                    stage,
                    " \"$@\"",
                    " --topology '/no where/topology.yaml' \"$@\"",
                );
            },
            "| It reads the topology `/no where/topology.yaml`, which could not be read",
        ),
        (
            "source alone",
            &|stage| {
                removed(stage);
                put(stage, &format!("{folder}/live.gigadb.yml"), source);
            },
            "",
        ),
        (
            "source beside",
            &|stage| put(stage, &format!("{folder}/live.gigadb.yml"), source),
            "| `ops/infrastructure/inventories/live.gigadb.yml` lists the same machines |",
        ),
        (
            "another's source",
            &|stage| {
                removed(stage);
                put(
                    stage,
                    &format!("{folder}/live.gigadb.yml"),
                    "plugin: other\n",
                );
            },
            "| It has no inventory program",
        ),
        (
            "a source by another name",
            &|stage| {
                removed(stage);
                put(stage, &format!("{folder}/live.yml"), source);
            },
            "| It has no inventory program",
        ),
        (
            "notes",
            &|stage| put(stage, "docs/inventories/notes.yml", "a: 1\n"),
            "",
        ),
        (
            "a copy that Ansible passes over",
            &|stage| {
                put(
                    stage,
                    &format!("{folder}/w.bak"),
                    "#!/bin/sh\nexec gigadb-roles \"$@\"\n",
                );
            },
            "",
        ),
        (
            "older beside",
            &|stage| {
                put(
                    stage,
                    &format!("{folder}/terraform-inventory.sh"),
                    "#!/bin/sh\nterraform-inventory \"$@\" ./\n",
                );
            },
            "warning ops/infrastructure/inventories/terraform-inventory.sh | The inventory is still the older one",
        ),
    ];
    for (name, change, expected) in cases {
        let stage = finished();
        change(&stage);
        let told = in_the_way(&stage);
        assert!(told.contains(expected), "{name}: {told}");
        assert_eq!(
            told.lines().count(),
            usize::from(!expected.is_empty()),
            "{name}: {told}"
        );
    }
    let stage = finished();
    removed(&stage);
    put(&stage, &format!("{folder}/gigadb.yaml"), source);
    assert!(found(&stage).contains("It has a source of the collection's plugin"));
}

#[test]
fn who_calls_the_inventory_is_told_from_who_names_it() {
    let call = "../../inventories/terraform-inventory.sh --list ./";
    let empty = "ansible_init.sh:3 | A failing inventory gives an empty value here";
    let null = "gives the text `null` here";
    let stage = finished();
    for (script, expected) in [
        (
            format!("set -eo pipefail\n\ndb=$({call} | jq -er .x)\n"),
            "",
        ),
        (
            format!("set -e -o pipefail\r\n\r\ndb=$({call} | jq -er .x)\r\n"),
            "",
        ),
        (
            format!("set -eo pipefail\n\ndb=$({call} \\\n  | jq -r .x)\n"),
            null,
        ),
        (
            format!("set -eo pipefail\n\ndb=\"$({call} |\n  jq -r .x)\"\n"),
            null,
        ),
        (
            format!("set -eo pipefail\n\n{call} > list\njq -r .x other\n"),
            "",
        ),
        (
            format!("set -e\n\ndb=$({call} | jq -er .x)\nset -o pipefail\n"),
            empty,
        ),
        (
            format!("set -eo pipefail\nset +o pipefail\ndb=$({call} | jq -er .x)\n"),
            empty,
        ),
        (
            format!("set -e # no pipefail\n\ndb=`{call} | jq -er .x`\n"),
            empty,
        ),
        (
            "set -e\necho \"terraform-inventory.sh is gone\"\n".to_owned(),
            "",
        ),
        (
            "set -e\nls -l ../../inventories/terraform-inventory.sh # terraform-inventory.sh\n"
                .to_owned(),
            "",
        ),
        (
            "set -e\ncat ../../inventories/terraform-inventory.sh.orig\n".to_owned(),
            "",
        ),
    ] {
        put(&stage, "ops/scripts/ansible_init.sh", &script);
        let told = in_the_way(&stage);
        assert!(told.contains(expected), "{script}: {told}");
        assert_eq!(
            told.lines().count(),
            usize::from(!expected.is_empty()),
            "{script}: {told}"
        );
    }
}

#[test]
fn the_setting_counts_where_ansible_looks_for_it() {
    let set = "[inventory]\nany_unparsed_is_failed = yes\n";
    let other = "[defaults]\nany_unparsed_is_failed = true\n";
    let (live, staging) = (
        "ops/infrastructure/envs/live",
        "ops/infrastructure/envs/staging",
    );
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[(live, set)], ""),
        (&[(live, set), (staging, set)], ""),
        (
            &[(live, other)],
            "warning ops/infrastructure/envs/live/ansible.cfg | Nothing sets `any_unparsed_is_failed`: where",
        ),
        (
            &[(live, set), (staging, other)],
            "warning ops/infrastructure/envs/staging | Nothing sets `any_unparsed_is_failed` here",
        ),
        (
            &[(live, other), ("ops", set)],
            "warning ops/ansible.cfg | Ansible runs in `envs/<environment>`",
        ),
        (&[(live, set), ("", other)], ""),
    ];
    for (files, expected) in cases {
        let stage = finished();
        for (folder, text) in files {
            put(
                &stage,
                format!("{folder}/ansible.cfg").trim_start_matches('/'),
                text,
            );
        }
        let told = in_the_way(&stage);
        assert!(told.contains(expected), "{files:?}: {told}");
        assert_eq!(
            told.lines().count(),
            usize::from(!expected.is_empty()),
            "{files:?}: {told}"
        );
    }
    let stage = finished();
    fs::create_dir_all(stage.folder().join("theirs").join(staging)).unwrap();
    assert!(in_the_way(&stage).contains("envs/staging | Nothing sets"));
    // What is named decides alone, wherever it is.
    let named = stage.write("named.cfg", other);
    let stage = stage.with("ANSIBLE_CONFIG", named.to_str().unwrap());
    assert!(
        in_the_way(&stage).contains("named.cfg | ANSIBLE_CONFIG names it, and it does not set")
    );
    fs::write(named, set).unwrap();
    assert_eq!(in_the_way(&stage), "");
    // Ansible passes over a file where everybody may write.
    let stage = finished();
    let folder = stage.folder().join("theirs").join(live);
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(
        in_the_way(&stage).contains("envs/live/ansible.cfg | Everybody may write in its folder")
    );
}

#[test]
fn what_is_no_file_is_not_opened_and_what_could_not_be_read_is_said() {
    let stage = finished();
    let folder = stage.folder().join("theirs/ops/infrastructure");
    for name in ["inventories/pipe.sh", "inventories/pipe", "pipe.yml"] {
        let made = Command::new("mkfifo").arg(folder.join(name)).status();
        assert!(made.unwrap().success());
    }
    assert_eq!(in_the_way(&stage), "");
    std::os::unix::fs::symlink("nowhere.yml", folder.join("gone.yml")).unwrap();
    assert_eq!(in_the_way(&stage), "");
    // A link to itself can be read by nobody, whoever asks.
    std::os::unix::fs::symlink("loop.yml", folder.join("loop.yml")).unwrap();
    let told = in_the_way(&stage);
    let lines: Vec<&str> = told.lines().collect();
    assert!(
        lines[0].starts_with("not_checked ops/infrastructure/loop.yml | It could not be read: "),
        "{told}"
    );
    assert_eq!(lines.len(), 4, "{told}");
    let rest = "not_checked repository | Not all of its files could be read";
    assert!(
        lines[1..].iter().all(|line| line.starts_with(rest)),
        "{told}"
    );

    for (path, reason) in [
        ("nonexistent", "No such file"),
        ("theirs/ops/infrastructure/gone.yml", "No such file"),
        ("plain", "Not a directory"),
    ] {
        stage.write("plain", "");
        let output = stage.output(&["check", "--repository", path]);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains(&format!("It could not be read: {reason}")),
            "{text}"
        );
    }
}
