//! `init`: a first topology from what is there.

use std::fs;

use gigadb_simulator::{World, world};
use insta::assert_snapshot;

use crate::stage::Stage;

const PROJECTS: [&str; 4] = ["--project", world::PROJECT, "--project", world::ALT_PROJECT];

/// A stage without a topology.
fn bare() -> Stage {
    Stage::sop().without("GIGADB_TOPOLOGY")
}

fn init(stage: &Stage, further: &[&str]) -> String {
    stage.run(&[&["init"], further].concat())
}

#[test]
fn the_procedures_world_becomes_a_topology_that_plans_nothing() {
    let stage = bare();
    let told = init(&stage, &[&PROJECTS[..], &["--terraform"]].concat());
    assert_snapshot!(told, @"
    exit 0
    -- stdout
    Wrote `topology.yaml` and `main.tf`. Read what is marked as a guess, then run `gigadb-roles check`.
    ");
    let written = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    assert_snapshot!(written, @r#"
    # A first topology, from what is there. Read it, and correct what is only guessed:
    # each guess is marked. `gigadb-roles check` tells what does not fit.
    version: 1

    endpoints: # guessed: the words in which the names of Elastic IPs differ
      bastion:
        eip: "eip-gigadb-bastion-{environment}-gigadb"
        instance: "bastion_server_{environment}_gigadb"
        # protocols: [ssh] # what it answers by, where that is not HTTPS
      files:
        eip: "eip-gigadb-files-{environment}-gigadb"
        instance: "gigadb_filesserver_{environment}_gigadb"
        # protocols: [ssh] # what it answers by, where that is not HTTPS
      web:
        eip: "eip-gigadb-{environment}-gigadb"
        instance: "gigadb_webserver_{environment}_gigadb"
        # protocols: [ssh] # what it answers by, where that is not HTTPS

    infrastructures:
      gigadb-website:
        gitlab_project: gigascience/upstream/gigadb-website # guessed: its variables name hosts of this side
        aws: { profile: Upstream, region: ap-east-1 }
      alt-gigadb-website:
        gitlab_project: gigascience/upstream/alt-gigadb-website # guessed: its variables name hosts of this side
        aws: { profile: UpstreamAlt, region: ap-southeast-2 }

    environments:
      live:
        # data_sync: true # where the hot standby's data follows production's
        production: # guessed: its side has the shortest name
          hostnames:
            bastion.gigadb.org: bastion
            files.gigadb.org: files
            gigadb.org: web
            portainer.gigadb.org: web
          variables:
            HOME_URL: https://gigadb.org
            REMOTE_HOME_URL: https://gigadb.org
            REMOTE_HOSTNAME: gigadb.org
            remote_fileserver_hostname: files.gigadb.org
        hot_standby:
          hostnames:
            alt-live.gigadb.host: web
            bastion.alt-live.gigadb.host: bastion
            files.alt-live.gigadb.org: files
            portainer.alt-live.gigadb.host: web
          variables:
            HOME_URL: http://alt-live.gigadb.host
            REMOTE_HOME_URL: http://alt-live.gigadb.host
            REMOTE_HOSTNAME: alt-live.gigadb.host
            remote_fileserver_hostname: files.alt-live.gigadb.host
      staging:
        # data_sync: true # where the hot standby's data follows production's
        production: # guessed: its side has the shortest name
          hostnames:
            bastion-stg.gigadb.host: bastion
            files.staging.gigadb.org: files
            portainer.staging.gigadb.org: web
            staging.gigadb.org: web
          variables:
            HOME_URL: https://staging.gigadb.org
            REMOTE_HOME_URL: https://staging.gigadb.org
            REMOTE_HOSTNAME: staging.gigadb.org
            remote_fileserver_hostname: files.staging.gigadb.org
        hot_standby:
          hostnames:
            alt-staging.gigadb.host: web
            bastion.alt-staging.gigadb.host: bastion
            files.alt-staging.gigadb.host: files
            portainer.alt-staging.gigadb.host: web
          variables:
            HOME_URL: http://alt-staging.gigadb.host
            REMOTE_HOME_URL: http://alt-staging.gigadb.host
            REMOTE_HOSTNAME: alt-staging.gigadb.host
            remote_fileserver_hostname: files.alt-staging.gigadb.host

    # Keeps two people from swapping at once: a GitLab Terraform state that nothing else uses.
    # lock: { gitlab_project: gigascience/upstream/gigadb-website, name: "gigadb-roles-{environment}" }
    "#);
    for environment in ["live", "staging"] {
        let told = stage.run(&["status", "--environment", environment]);
        assert!(told.contains(" consistent "), "{told}");
        let plan = [
            "plan",
            "--environment",
            environment,
            "--production",
            "gigadb-website",
        ];
        let told = stage.run(&plan);
        assert!(told.starts_with("exit 0\n"), "{told}");
    }
    let checked = stage.run(&["check"]);
    let fits = "ok           topology          topology.yaml ";
    assert!(checked.contains(fits), "{checked}");
    assert!(!checked.contains("\nfailed "), "{checked}");
    let main = fs::read_to_string(stage.folder().join("main.tf")).unwrap();
    for part in [
        "backend \"http\"",
        "/projects/gigascience%2Fupstream%2Fgigadb-website/terraform/state/gigadb-roles\"",
        "resource \"gigadb_role_assignment\" \"live\"",
        "production  = \"gigadb-website\"",
    ] {
        assert!(main.contains(part), "{part}: {main}");
    }
    for secret in world::PLANTED {
        assert!(!written.contains(secret) && !main.contains(secret));
    }
}

#[test]
fn the_projects_come_from_dot_env() {
    let stage = bare();
    stage.write(
        ".env",
        "REPO_NAME=\"gigadb-website\"\nPROJECT_VARIABLES_URL=\"https://gitlab.com/api/v4/projects/gigascience%2Fupstream%2F$REPO_NAME/variables\"\n",
    );
    let told = init(&stage, &[]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    let written = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    for project in [world::PROJECT, world::ALT_PROJECT] {
        assert!(
            written.contains(&format!("gitlab_project: {project}")),
            "{written}"
        );
    }
}

#[test]
fn nothing_is_overwritten() {
    for (file, further) in [("topology.yaml", &[][..]), ("main.tf", &["--terraform"])] {
        let stage = bare();
        stage.write(file, "mine");
        let told = init(&stage, &[&PROJECTS[..], further].concat());
        assert!(told.starts_with("exit 1\n"), "{told}");
        assert!(told.contains("nothing is overwritten"), "{told}");
        assert_eq!(
            fs::read_to_string(stage.folder().join(file)).unwrap(),
            "mine"
        );
        assert!(stage.simulator.requests().is_empty());
    }
}

/// What is missing is said, and what is written is a topology all the same.
#[test]
fn half_configured_worlds_become_a_topology_with_things_to_do() {
    let stages = [
        (
            "no tokens",
            bare()
                .without("GITLAB_TOKEN")
                .without("CLOUDFLARE_API_TOKEN"),
        ),
        (
            "no profiles",
            bare()
                .with("AWS_CONFIG_FILE", "/dev/null")
                .with("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ),
        (
            "nothing",
            Stage::with_world(World::default()).without("GIGADB_TOPOLOGY"),
        ),
    ];
    for (what, stage) in stages {
        let told = init(&stage, &PROJECTS);
        assert!(told.starts_with("exit 0\n"), "{what}: {told}");
        assert!(told.contains("warning: "), "{what}: {told}");
        assert!(!told.contains("topology.yaml:"), "{what}: {told}");
        let written = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
        assert!(written.contains("# To do: "), "{what}: {written}");
    }
}

#[test]
fn a_profile_without_a_region_is_asked_with_one() {
    let stage = bare();
    let told = init(&stage, &["--profile", "Nobody"]);
    assert!(told.starts_with("exit 64\n"), "{told}");
    assert!(told.contains("--profile Nobody:ap-east-1"), "{told}");
}
