//! `init`: a first topology from what is there.

use std::fs;

use gigadb_simulator::{Api, Effect, Fault, World, world};
use insta::assert_snapshot;

use crate::stage::Stage;

const PROJECTS: [&str; 4] = ["--project", world::PROJECT, "--project", world::ALT_PROJECT];

/// A stage without a topology.
fn bare() -> Stage {
    Stage::sop().without("GIGADB_TOPOLOGY")
}

/// The same in another world than the procedure's.
fn bare_of(change: impl FnOnce(&mut World)) -> Stage {
    let mut world = World::sop();
    change(&mut world);
    Stage::with_world(world).without("GIGADB_TOPOLOGY")
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
    -- stderr
    warning: In `live`, `files.alt-live.gigadb.host` is left out: it has no record that was read, and is the value of `remote_fileserver_hostname` of `alt-gigadb-website`.
    ");
    let written = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    assert_snapshot!(written, @r#"
    # A first topology, from what is there. Read it, and correct what is only guessed:
    # each guess is marked. `gigadb-roles check` tells what does not fit.
    # To do: In `live`, `files.alt-live.gigadb.host` is left out: it has no record that was read, and is the value of `remote_fileserver_hostname` of `alt-gigadb-website`.
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
        "production  = \"gigadb-website\" # guessed: gigadb.org leads there now",
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

/// What no record and no variable tells is a thing to do, and no guess with a made-up reason.
#[test]
fn what_is_not_known_is_no_guess() {
    let unread_zone = || {
        let stage = bare();
        let zone = stage
            .simulator
            .world()
            .cloudflare
            .zone("gigadb.org")
            .unwrap()
            .id
            .clone();
        let fault = Fault::new(Effect::BadGateway).path_contains(&zone).always();
        stage.simulator.fault(fault);
        stage
    };
    let unread_zones = || {
        let stage = bare();
        let fault = Fault::new(Effect::BadGateway).api(Api::Cloudflare).always();
        stage.simulator.fault(fault);
        stage
    };
    let no_profiles = || {
        bare()
            .with("AWS_CONFIG_FILE", "/dev/null")
            .with("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    };
    let no_variables = || {
        bare_of(|world| {
            for path in [world::PROJECT, world::ALT_PROJECT] {
                world.gitlab.project_mut(path).unwrap().variables.clear();
            }
        })
    };
    // Stage, whether the pairing and production are told.
    let cases = [
        (
            "no token",
            bare().without("CLOUDFLARE_API_TOKEN"),
            false,
            false,
        ),
        ("no zones", unread_zones(), false, false),
        ("no profiles", no_profiles(), false, false),
        ("one zone unread", unread_zone(), true, false),
        ("no variables", no_variables(), false, true),
    ];
    for (what, stage, paired, production) in cases {
        let told = init(&stage, &[&PROJECTS[..], &["--terraform"]].concat());
        assert!(told.starts_with("exit 0\n"), "{what}: {told}");
        let topology = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
        let main = fs::read_to_string(stage.folder().join("main.tf")).unwrap();
        let reason = "endpoints: # guessed: the words in which the names of Elastic IPs differ";
        let found = what != "no profiles";
        assert_eq!(topology.contains(reason), found, "{what}: {topology}");
        let reason = "# guessed: its variables name hosts of this side";
        assert_eq!(topology.contains(reason), paired, "{what}: {topology}");
        let mut lines = topology.lines();
        let open = lines.any(|line| line.contains("gitlab_project: group/project-1 # to do"));
        assert_eq!(open, !paired, "{what}: {topology}");
        let reason = "# guessed: its side has the shortest name";
        assert_eq!(topology.contains(reason), production, "{what}: {topology}");
        let reason = "production  = \"upstream\" # guessed: gigadb.org leads there now";
        assert_eq!(main.contains(reason), production, "{what}: {main}");
        let open = "# to do: which side is production is not known";
        assert_eq!(main.contains(open), !production, "{what}: {main}");
    }
}

/// Whatever is left out of the topology is told, on the terminal and in the file.
#[test]
fn what_is_left_out_is_told() {
    const KEYS: [&str; 4] = [
        "HOME_URL",
        "REMOTE_HOME_URL",
        "REMOTE_HOSTNAME",
        "remote_fileserver_hostname",
    ];
    let one_project = bare_of(|world| {
        let project = world.gitlab.project_mut(world::ALT_PROJECT).unwrap();
        project
            .variables
            .retain(|row| !KEYS.contains(&row.key.as_str()));
    });
    let one_zone = bare_of(|world| {
        world
            .cloudflare
            .zones
            .retain(|zone| zone.name == "gigadb.org");
    });
    let foreign = bare();
    foreign.set_record("files.gigadb.org", "192.0.2.7");
    let same = bare_of(|world| {
        let row = world.gitlab.project_mut(world::ALT_PROJECT).unwrap();
        let row = row.variable_mut("HOME_URL", "live").unwrap();
        row.value = "https://gigadb.org".to_owned();
    });
    let unread = bare_of(|world| {
        world
            .gitlab
            .projects
            .retain(|one| one.path != world::ALT_PROJECT);
    });
    let no_machine = bare_of(|world| {
        for region in ["ap-east-1", "ap-southeast-2"] {
            let region = world.aws.region_mut(region).unwrap();
            for address in &mut region.addresses {
                address.instance_id = None;
            }
        }
    });
    let cases = [
        (
            no_machine,
            &[
                "    instance: \"eip-gigadb-files-{environment}-gigadb\" # to do: no instance with such an address was found",
            ][..],
        ),
        (
            one_project,
            &[
                "In `live`, hosts are named by `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME`, `remote_fileserver_hostname` of `gigadb-website`, and no such variable was found of `alt-gigadb-website`",
            ][..],
        ),
        (
            one_zone,
            &[
                "In `staging`, names were found that lead to `gigadb-website`, and none that lead to another side",
            ],
        ),
        (
            foreign,
            &[
                "In `live`, `files.gigadb.org` is left out: it leads to 192.0.2.7, which is no Elastic IP of these endpoints, and is the value of `remote_fileserver_hostname` of `gigadb-website`",
                "In `live`, a name of the hot standby leads to endpoint `files`, and none of production does",
            ],
        ),
        (
            same,
            &["In `live`, both projects have one value for `HOME_URL`"],
        ),
        (
            unread,
            &[
                "and the variables of `upstreamalt` were not read",
                "Not read: The variables of project `gigascience/upstream/alt-gigadb-website` could not be read",
            ],
        ),
    ];
    for (stage, parts) in cases {
        let told = init(&stage, &PROJECTS);
        assert!(told.starts_with("exit 0\n"), "{told}");
        let topology = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
        for part in parts {
            let said = part.trim_start_matches("Not read: ");
            let is_in_the_file_alone = part.starts_with("    ");
            assert!(
                is_in_the_file_alone || told.contains(said),
                "{part}: {told}"
            );
            assert!(topology.contains(part), "{part}: {topology}");
        }
    }
}

#[test]
fn another_folder_is_the_way_past_a_configuration_that_is_there() {
    let stage = bare();
    stage.write("main.tf", "mine");
    let told = init(&stage, &[&PROJECTS[..], &["--terraform"]].concat());
    assert!(
        told.contains("name a file in another folder with --out"),
        "{told}"
    );
    fs::create_dir(stage.folder().join("new")).unwrap();
    let further = [
        &PROJECTS[..],
        &["--terraform", "--out", "new/topology.yaml"],
    ]
    .concat();
    let told = init(&stage, &further);
    assert!(told.starts_with("exit 0\n"), "{told}");
}
