//! What the team's scripts, shells and CI jobs bring: files, variables and words.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::Command,
    time::{Duration, Instant},
};

use gigadb_simulator::{
    Api, Effect, Fault,
    world::{ALT_PROJECT, PROJECT},
};
use serde_json::{Value, json};

use crate::stage::Stage;

fn list(stage: &Stage) -> Value {
    serde_json::from_str(&stage.answer(&["--list"])).unwrap()
}

fn hosts(listed: &Value) -> Vec<&String> {
    let hosts = listed["_meta"]["hostvars"].as_object().unwrap();
    hosts.keys().collect()
}

/// A stage whose topology has `more` at the end of each side's section.
fn with_sides(more: &str) -> Stage {
    let stage = Stage::sop();
    let plain = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let aws = "    aws: { profile: ";
    let file = stage.write(
        "topology.yaml",
        &plain.replace(aws, &format!("{more}{aws}")),
    );
    let file = file.to_str().unwrap().to_owned();
    stage.with("GIGADB_TOPOLOGY", &file)
}

fn properties(project: &str, target: &str, more: &str) -> String {
    format!("gitlab_project={project}\ndeployment_target={target}\n{more}")
}

#[test]
fn the_folders_properties_are_the_scope_where_nothing_else_is_said() {
    let stage = Stage::sop();
    stage.write(
        "ansible.properties",
        &properties(&ALT_PROJECT.replace('/', "%2F"), "live", ""),
    );
    let output = stage.output(&["--list"]);
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        told,
        "note: Only `alt-gigadb-website` in `live` is listed, because `ansible.properties` in \
         the working directory is about it and nothing else was asked for.\n"
    );
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        hosts(&listed),
        [
            "alt-gigadb-website-live-bastion",
            "alt-gigadb-website-live-files",
            "alt-gigadb-website-live-web"
        ]
    );
    assert!(listed.get("name_bastion_server_live_gigadb").is_some());
    // Whatever is said is obeyed, and guarded.
    let said = stage.output(&["inventory", "--environment", "live"]);
    assert_eq!(said.status.code(), Some(1));
    let said = stage.output(&["inventory", "--role", "production", "--environment", "live"]);
    assert_eq!(said.status.code(), Some(1));
    stage.write(
        "ansible.properties",
        &properties("somebody/fork", "live", ""),
    );
    let unknown = stage.output(&["--list"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(unknown.stdout.is_empty());
}

#[test]
fn group_all_has_what_terraform_knows_where_one_side_is_in_scope() {
    let state = "    terraform_state: { name: \"{environment}_infra\" }\n";
    let stage = with_sides(state).with("GIGADB_ENVIRONMENT", "live");
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        let state = project.terraform_states.get_mut("live_infra").unwrap();
        let text = json!({ "version": 4, "serial": 8, "outputs": {
            "rds_instance_address": { "type": "string", "value": "db.example.net" },
            "ec2_public_ip": { "type": "string", "value": "192.0.2.99" },
            "vpc_id": { "type": "string", "value": "{{ lookup('pipe', 'id') }}" },
        } });
        state.versions.insert(8, text.to_string());
    });
    assert_eq!(list(&stage).get("all"), None, "two sides are in scope");
    let stage = stage.with("GIGADB_INFRASTRUCTURE", "gigadb-website");
    assert_eq!(
        list(&stage)["all"]["vars"],
        json!({
            "rds_instance_address": "db.example.net",
            "ec2_public_ip": "198.51.100.10",
            "vpc_id": { "__ansible_unsafe": "{{ lookup('pipe', 'id') }}" },
        })
    );
}

#[test]
fn the_way_there_is_set_only_where_the_topology_names_it() {
    let plain = Stage::sop().with("GIGADB_SSH_KEY", "/own/key");
    let listed = list(&plain);
    let web = &listed["_meta"]["hostvars"]["gigadb-website-live-web"];
    for name in [
        "ansible_ssh_common_args",
        "ansible_ssh_private_key_file",
        "ansible_user",
    ] {
        assert_eq!(web.get(name), None, "{name}");
    }
    let ssh = "    ssh: { user: centos, private_key: \"~/.ssh/shared.pem\" }\n";
    let key = |stage: &Stage, host: &str| {
        let listed = list(stage);
        let variables = &listed["_meta"]["hostvars"][host];
        let key = variables["ansible_ssh_private_key_file"].as_str().unwrap();
        let arguments = variables["ansible_ssh_common_args"].as_str().unwrap();
        assert!(
            arguments.contains(key) || host.ends_with("bastion"),
            "{arguments}"
        );
        key.to_owned()
    };
    let stage = with_sides(ssh);
    assert_eq!(key(&stage, "gigadb-website-live-web"), "~/.ssh/shared.pem");
    stage.write(
        "ansible.properties",
        &properties(PROJECT, "live", "ssh_private_key_file = /home/me/hk.pem\n"),
    );
    assert_eq!(key(&stage, "gigadb-website-live-web"), "/home/me/hk.pem");
    let stage = stage.with("GIGADB_SSH_KEY", "/own/key");
    assert_eq!(key(&stage, "gigadb-website-live-web"), "/own/key");
    fs::remove_file(stage.folder().join("ansible.properties")).unwrap();
    let stage = stage.with("GIGADB_SSH_KEY_ALT_GIGADB_WEBSITE", "/own/sydney");
    assert_eq!(key(&stage, "gigadb-website-live-web"), "/own/key");
    assert_eq!(
        key(&stage, "alt-gigadb-website-live-bastion"),
        "/own/sydney"
    );
}

#[test]
fn every_host_has_a_connection_of_its_own() {
    let paths = |stage: &Stage| -> Vec<String> {
        let listed = list(stage);
        let hosts = listed["_meta"]["hostvars"].as_object().unwrap();
        let paths = hosts
            .values()
            .map(|host| host["ansible_control_path"].as_str());
        paths.map(|path| path.unwrap().to_owned()).collect()
    };
    let stage = Stage::sop();
    let mut found = paths(&stage);
    assert_eq!(found, paths(&stage), "the same at every call");
    assert!(found.iter().all(|path| path.starts_with("%(directory)s/")));
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 12);
    // A home whose sockets would have too long a name.
    let home = stage.folder().join("a-rather-long-name/".repeat(6));
    fs::create_dir_all(&home).unwrap();
    let runtime = stage.folder().to_str().unwrap().to_owned();
    let stage = stage
        .with("HOME", home.to_str().unwrap())
        .with("XDG_RUNTIME_DIR", &runtime);
    let mut found = paths(&stage);
    for path in &found {
        let folder = path.rsplit_once('/').unwrap().0;
        assert!(path.len() < 83, "{path}");
        let mode = fs::metadata(folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 12);
}

#[test]
fn the_wrapper_is_two_lines_and_replaces_nothing_of_others() {
    let stage = Stage::sop();
    fs::create_dir(stage.folder().join("inventories")).unwrap();
    let file = "inventories/terraform-inventory.sh";
    stage.write(file, "#!/bin/sh\nterraform-inventory \"$@\" ./\n");
    let refused = stage.output(&["inventory", "--wrapper", file]);
    assert_eq!(refused.status.code(), Some(1));
    fs::remove_file(stage.folder().join(file)).unwrap();
    for _ in 0..2 {
        stage.answer(&["inventory", "--wrapper", file]);
    }
    let path = stage.folder().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    // What would not be written into it is not taken.
    for (more, code) in [
        (&["--environment", "live"][..], 64),
        (&["--role", "hot_standby"], 64),
        (&["--infrastructure", "gigadb-website"], 64),
        (&["--strict"], 64),
        (&["--refresh"], 64),
        (&["--max-age", "5"], 64),
        (&["--topology", "nowhere.yaml"], 1),
    ] {
        let refused = stage.output(&[&["inventory", "--wrapper", file], more].concat());
        assert_eq!(refused.status.code(), Some(code), "{more:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let run = Command::new(&path)
        .args(["--list", "./"])
        .env_clear()
        .envs(&stage.environment)
        .current_dir(stage.folder())
        .output()
        .unwrap();
    assert!(run.status.success());
    let listed: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(hosts(&listed).len(), 12);
}

#[test]
fn a_variable_sets_how_old_hosts_may_be() {
    let reads = |stage: &Stage| {
        let requests = stage.simulator.requests();
        requests.iter().filter(|r| r.api == Api::Ec2).count()
    };
    let stage = Stage::sop();
    list(&stage);
    list(&stage);
    assert_eq!(reads(&stage), 4);
    let stage = stage.with("GIGADB_MAX_AGE", "0");
    list(&stage);
    assert_eq!(reads(&stage), 8);
    let stage = stage.with("GIGADB_MAX_AGE", "soon");
    assert_eq!(stage.output(&["--list"]).status.code(), Some(64));
}

#[test]
fn the_topology_is_found_by_a_tilde_and_in_folders_above() {
    let stage = Stage::sop();
    let plain = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    stage.write("kept.yaml", &plain);
    let home = stage.folder().to_str().unwrap().to_owned();
    let stage = stage
        .with("HOME", &home)
        .with("GIGADB_TOPOLOGY", "~/kept.yaml");
    assert_eq!(hosts(&list(&stage)).len(), 12);
    let stage = stage.without("GIGADB_TOPOLOGY");
    stage.write("topology.yaml", &plain);
    let below = stage.folder().join("ops/infrastructure/envs/live");
    fs::create_dir_all(&below).unwrap();
    let mut command = stage.command(&["--list"]);
    let output = command.current_dir(below).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// As a job of GitLab CI or GitHub with OIDC has them, or one in a container.
#[test]
fn exec_takes_away_whatever_beats_the_profile() {
    let stage = [
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_SECRET_KEY",
        "EC2_ACCESS_KEY",
    ]
    .iter()
    .fold(Stage::sop(), |stage, name| stage.with(name, "another"));
    let arguments = [
        "exec",
        "--role",
        "hot_standby",
        "--environment",
        "live",
        "--",
        "sh",
        "-c",
        "env | grep another; printenv AWS_PROFILE",
    ];
    assert_eq!(stage.answer(&arguments).trim(), "UpstreamAlt");
}

#[test]
fn another_word_for_a_role_is_named() {
    let stage = Stage::sop();
    for (word, meant) in [
        ("standby", "hot_standby"),
        ("hot-standby", "hot_standby"),
        ("Hot standby", "hot_standby"),
        ("prod", "production"),
        ("Production", "production"),
    ] {
        for arguments in [
            vec!["inventory", "--role", word],
            vec![
                "exec",
                "--role",
                word,
                "--environment",
                "live",
                "--",
                "true",
            ],
        ] {
            let output = stage.output(&arguments);
            assert_eq!(output.status.code(), Some(64));
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(told.contains(&format!("did you mean `{meant}`?")), "{told}");
        }
    }
}

/// One standby name in doubt: status, inventory and exec all know who is production.
#[test]
fn roles_are_clear_when_only_a_standby_name_is_in_doubt() {
    let stage = Stage::sop();
    stage.set_record("files.alt-live.gigadb.org", "192.0.2.77");
    let shown = stage.answer(&["status", "--environment", "live"]);
    assert!(
        shown.contains("unknown  production   gigadb-website"),
        "{shown}"
    );
    assert!(shown.contains("files.alt-live.gigadb.org"), "{shown}");
    let exec = [
        "exec",
        "--role",
        "production",
        "--environment",
        "live",
        "--",
        "printenv",
        "GIGADB_INFRASTRUCTURE",
    ];
    let output = stage.output(&exec);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "gigadb-website\n");
    let told = "warning: The roles in `live` are clear, but `files.alt-live.gigadb.org` leads to \
                192.0.2.77, no Elastic IP of any known side.\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), told);
    let scoped = [
        "inventory",
        "--list",
        "--role",
        "production",
        "--environment",
        "live",
    ];
    let output = stage.output(&scoped);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), told);
}

/// Production's region is lost and nothing was read before: what a failover deduces, all do.
#[test]
fn status_inventory_and_exec_deduce_what_a_failover_deduces() {
    let stage = Stage::sop();
    let lost = Fault::new(Effect::Refuse).api(Api::Ec2).region("ap-east-1");
    stage.simulator.fault(lost.always());
    let shown = stage.answer(&["status", "--environment", "live"]);
    assert!(shown.contains("production   gigadb-website"), "{shown}");
    assert!(
        shown.contains("its addresses are those of production's names"),
        "{shown}"
    );
    assert!(!shown.contains("in the way"), "{shown}");
    let exec = [
        "exec",
        "--role",
        "production",
        "--environment",
        "live",
        "--",
        "printenv",
        "GIGADB_INFRASTRUCTURE",
    ];
    assert_eq!(stage.answer(&exec).trim(), "gigadb-website");
    let scoped = [
        "inventory",
        "--list",
        "--role",
        "hot_standby",
        "--environment",
        "live",
    ];
    let listed: Value = serde_json::from_slice(&stage.output(&scoped).stdout).unwrap();
    assert_eq!(hosts(&listed).len(), 3);
}

#[test]
fn what_gitlab_does_not_tell_is_not_shown_as_wrong() {
    let stage = Stage::sop();
    let lost = Fault::new(Effect::Refuse).api(Api::Gitlab);
    stage.simulator.fault(lost.always());
    let shown = stage.answer(&["status", "--environment", "live"]);
    assert!(
        shown.contains("unknown  production   gigadb-website"),
        "{shown}"
    );
    for side in ["alt-gigadb-website", "gigadb-website"] {
        let line = format!("  - 4 variables of `{side}` could not be read: GitLab refused ");
        assert_eq!(shown.matches(&line).count(), 1, "{shown}");
    }
    assert!(!shown.contains("expected"), "{shown}");
    let required = ["status", "--environment", "live", "--require"];
    let require = |what| {
        let arguments = [&required[..], &[what]].concat();
        stage.output(&arguments).status.code()
    };
    assert_eq!(require("clear"), Some(0));
    assert_eq!(require("consistent"), Some(1));
    assert_eq!(require("so"), Some(64));
}

#[test]
fn status_can_be_required_to_be_consistent() {
    let stage = Stage::sop();
    let require = ["status", "--environment", "live", "--require", "consistent"];
    assert!(stage.output(&require).status.success());
    stage.trade_records();
    let shown = stage.run(&require);
    assert!(shown.starts_with("exit 1\n-- stdout\n"), "{shown}");
    assert!(
        shown.contains("error: The status is not as required: `live` is mixed, and --require asks for `consistent`."),
        "{shown}"
    );
}

/// How long `status` takes, at best.
fn best_of_three(stage: &Stage) -> Duration {
    let took = (0..3).map(|_| {
        let started = Instant::now();
        stage.output(&["status", "--environment", "live"]);
        started.elapsed()
    });
    took.min().unwrap()
}

#[test]
fn what_hangs_holds_up_no_role() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    let at_best = best_of_three(&stage);
    stage
        .simulator
        .fault(Fault::new(Effect::Hang).api(Api::Gitlab).always());
    let output = stage.output(&["status", "--environment", "live"]);
    // The best of three, less what it takes where everything answers: a slow machine is slow twice.
    let added = best_of_three(&stage).saturating_sub(at_best);
    assert!(added < Duration::from_secs(2), "{added:?}");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        shown.contains("unknown  production   gigadb-website"),
        "{shown}"
    );
    assert!(
        shown.contains("4 variables of `gigadb-website` could not be read: GitLab had not answered 1.5 s after what decides the roles had."),
        "{shown}"
    );
    stage.simulator.fault(
        Fault::new(Effect::Hang)
            .api(Api::Ec2)
            .region("ap-east-1")
            .always(),
    );
    let output = stage.output(&["status", "--environment", "live"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        shown.contains("unknown  production   gigadb-website"),
        "{shown}"
    );
    assert!(
        shown.contains("its addresses are those that are last known"),
        "{shown}"
    );
}
