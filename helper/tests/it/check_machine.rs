//! `check`: checkouts, keys, the lease, and how the table is laid out.

use std::{fs, os::unix::fs::PermissionsExt as _};

use gigadb_simulator::{
    sites::Sites,
    world::{self, StateLock, Variable},
};
use insta::assert_snapshot;

use crate::{
    check::{CHECK, SIDES, difference, git, set_up, told},
    stage::{Stage, no_secret},
    terminal::show,
};

#[test]
fn checkouts_are_held_against_the_topology() {
    let stage = set_up();
    let [first, second] =
        SIDES.map(|(checkout, _)| stage.folder().join("checkouts").join(checkout));
    let planted = format!(
        "https://{}@github.com/gigascience/gigadb-website.git",
        "glpat-of-mine"
    );
    git(&first, &["remote", "set-url", "origin", &planted]);
    fs::copy(second.join(".env"), first.join(".env")).unwrap();
    fs::remove_file(second.join(".env")).unwrap();
    fs::remove_dir_all(second.join(".git")).unwrap();
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed checkout gigadb-alt-upstream: `checkouts/gigadb-alt-upstream` is no checkout of its own
    failed checkout .env gigadb-alt-upstream: `checkouts/gigadb-alt-upstream/.env` could not be read: No such file or directory (os error 2)
    failed checkout gigadb-upstream: `origin` is not reached by SSH but by https
    failed checkout .env gigadb-upstream: REPO_NAME is another; PROJECT_VARIABLES_URL is another
    ");
    assert!(!stage.run(&CHECK).contains("glpat-of-mine"));
    git(&first, &["remote", "remove", "origin"]);
    fs::remove_dir_all(&second).unwrap();
    fs::write(first.join(".env"), "REPO_NAME=gigadb-website\n").unwrap();
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed checkout gigadb-alt-upstream: There is no folder `checkouts/gigadb-alt-upstream`
    not_checked checkout .env gigadb-alt-upstream: The checkout is not there
    failed checkout gigadb-upstream: It has no remote `origin`
    failed checkout .env gigadb-upstream: PROJECT_VARIABLES_URL is not set; GROUP_VARIABLES_URL is not set; FORK_VARIABLES_URL is not set; MISC_VARIABLES_URL is not set; GITLAB_PRIVATE_TOKEN is not set
    ");
}

#[test]
fn checkouts_that_nobody_pointed_at_are_not_checked() {
    let stage = Stage::sop();
    let output = stage.output(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stage.told(&output));
    let said = stage.told(&output);
    assert!(
        said.contains("not checked: checkout gigadb-alt-upstream"),
        "{said}"
    );
}

#[test]
fn a_lease_that_somebody_holds_fails_and_a_free_one_stays_free() {
    let stage = set_up();
    let plain = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    let lock = format!(
        "\nlock: {{ gitlab_project: {}, name: \"gigadb-roles-{{environment}}\" }}\n",
        world::PROJECT
    );
    stage.write("topology.yaml", &(plain + &lock));
    let lines = || {
        let (code, checks) = told(&stage, &[]);
        let leases = checks.into_iter().filter(|line| line.contains(" lease "));
        format!("{code:?}\n{}", leases.collect::<Vec<_>>().join("\n"))
    };
    assert_snapshot!(lines(), @r"
    Some(0)
    ok lease live: free
    ok lease staging: free
    ");
    let states = || {
        let world = stage.simulator.world();
        let project = world.gitlab.project(world::PROJECT).unwrap().clone();
        project.terraform_states
    };
    assert!(states().values().all(|state| state.lock.is_none()));
    let held = StateLock {
        id: "somebody's".to_owned(),
        username: "deployer".to_owned(),
        created: "2026-08-20T09:00:00Z".to_owned(),
    };
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(world::PROJECT).unwrap();
        let state = project
            .terraform_states
            .entry("gigadb-roles-live".to_owned());
        state.or_default().lock = Some(held.clone());
    });
    assert_snapshot!(lines(), @r"
    Some(1)
    failed lease live: It is held by `deployer` since 2026-08-20T09:00:00Z; a swap would be refused
    ok lease staging: free
    ");
    assert_eq!(states()["gigadb-roles-live"].lock, Some(held));
}

#[test]
fn keys_that_others_may_read_fail() {
    let stage = set_up();
    let plain = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    let aws = "    aws: { profile: Upstream, region";
    let ssh = format!("    ssh: {{ user: centos, private_key: ~/key.pem }}\n{aws}");
    stage.write("topology.yaml", &plain.replace(aws, &ssh));
    let line = |stage: &Stage| {
        let (_, checks) = told(stage, &[]);
        checks
            .into_iter()
            .find(|line| line.contains("ssh key"))
            .unwrap()
    };
    assert_snapshot!(line(&stage), @r"failed ssh key gigadb-website: `~/key.pem` could not be read: No such file or directory (os error 2)");
    let key = stage.write("key.pem", "a key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_snapshot!(line(&stage), @r"failed ssh key gigadb-website: Others may read `~/key.pem`, so that ssh refuses it");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_snapshot!(line(&stage), @r"ok ssh key gigadb-website: `~/key.pem`");
}

#[test]
fn the_table_fits_a_narrow_terminal() {
    let stage = set_up();
    for columns in [40, 80, 160] {
        let shown = show(&stage, columns, &CHECK);
        assert_eq!(shown.code, 0, "{}", shown.text);
        let table = shown.text.split("\n\n").next().unwrap();
        for line in table.lines() {
            assert!(line.chars().count() <= usize::from(columns), "{line}");
        }
        assert!(table.contains("alt-gigadb-website staging"), "{table}");
        // A column that does not fit is named.
        let said = shown.text.contains("Left out: what was found.");
        assert_ne!(table.contains("FOUND"), said, "{columns}: {}", shown.text);
    }
    let piped = stage.output(&CHECK);
    no_secret(&piped);
}

#[test]
fn stored_certificates_are_held_against_a_swap() {
    let stage = set_up();
    let plain = fs::read_to_string(stage.folder().join("topology.yaml")).unwrap();
    let named = format!("{plain}\ncertificate_variable: tls_fullchain_pem\n");
    stage.write("topology.yaml", &named);
    let lines = || {
        let (_, checks) = told(&stage, &[]);
        let found = checks
            .into_iter()
            .filter(|line| line.contains(" certificate "));
        found.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(lines(), @r"
    warning certificate live: After the swap, the certificate stored for `alt-gigadb-website` cannot be read: what the variable holds as a certificate is none
    warning certificate live: After the swap, the certificate stored for `gigadb-website` cannot be read: what the variable holds as a certificate is none
    warning certificate staging: After the swap, the certificate stored for `alt-gigadb-website` is not there
    warning certificate staging: After the swap, the certificate stored for `gigadb-website` is not there
    ");
    let names = [
        "gigadb.org",
        "alt-live.gigadb.host",
        "portainer.gigadb.org",
        "portainer.alt-live.gigadb.host",
    ];
    let sites = Sites::start().unwrap();
    let both = sites.certificate_pem(&names, 90).unwrap();
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            project
                .variables
                .retain(|row| row.key != "tls_fullchain_pem");
            project
                .variables
                .push(Variable::new("tls_fullchain_pem", "live", &both));
        }
    });
    assert_snapshot!(lines(), @r"
    ok certificate live: both sides' cover a swap
    warning certificate staging: After the swap, the certificate stored for `alt-gigadb-website` is not there
    warning certificate staging: After the swap, the certificate stored for `gigadb-website` is not there
    ");
}
