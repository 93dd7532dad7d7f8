//! AWS profiles of every kind, as an operator meets them.

use std::{fs, os::unix::fs::PermissionsExt as _};

use gigadb_simulator::{Api, Effect, Fault, world};
use insta::assert_snapshot;
use serde_json::json;

use crate::stage::{Stage, text};

const PLAN: [&str; 4] = ["plan", "--environment", "live", "--swap"];

/// The page whose profile this runs.
const PAGE: &str = include_str!("../../../docs/guides/least-privilege.md");

/// A stage with these shared files.
fn with(config: &str, credentials: &str) -> Stage {
    let stage = Stage::sop();
    for (name, text) in [
        ("AWS_CONFIG_FILE", config),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials),
    ] {
        fs::write(&stage.environment[name], text).unwrap();
    }
    stage
}

const SIGNS_IN: &str = "[sso-session dev]\nsso_region = us-east-1\nsso_start_url = https://x.example\n\
    [profile Upstream]\nsso_session = dev\nsso_account_id = 1\nsso_role_name = r\n\
    [profile UpstreamAlt]\nsso_session = dev\nsso_account_id = 1\nsso_role_name = r\n";

#[test]
fn without_credentials_there_is_no_inventory() {
    let stage = with("", "");
    assert_snapshot!(stage.run(&["--list"]), @r"
    exit 1
    -- stderr
    error: There is no inventory: no side in scope could be read: `alt-gigadb-website`: AWS profile `UpstreamAlt` gives no credentials for EC2 in ap-southeast-2: there is no profile `UpstreamAlt` (files: `$HOME/config`, `$HOME/credentials`); `gigadb-website`: AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: there is no profile `Upstream` (files: `$HOME/config`, `$HOME/credentials`).
      on:      the hosts in scope
      changed: Nothing was changed.
      next:    Check the AWS profiles and whether EC2 can be reached in the named regions, then run the command again.
    ");
    let graph = ["inventory", "--environment", "live", "--graph"];
    assert_snapshot!(with(SIGNS_IN, "").run(&graph), @r"
    exit 1
    -- stderr
    error: There is no inventory: no side in scope could be read: `alt-gigadb-website`: AWS profile `UpstreamAlt` gives no credentials for EC2 in ap-southeast-2: profile `UpstreamAlt` signs in through IAM Identity Center (SSO), which is not supported: write `credential_process = aws configure export-credentials --profile UpstreamAlt --format process` under a profile of its own, name that one in the topology, and sign in with `aws sso login --profile UpstreamAlt` (files: `$HOME/config`, `$HOME/credentials`); `gigadb-website`: AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: profile `Upstream` signs in through IAM Identity Center (SSO), which is not supported: write `credential_process = aws configure export-credentials --profile Upstream --format process` under a profile of its own, name that one in the topology, and sign in with `aws sso login --profile Upstream` (files: `$HOME/config`, `$HOME/credentials`).
      on:      the hosts in scope
      changed: Nothing was changed.
      next:    Check the AWS profiles and whether EC2 can be reached in the named regions, then run the command again.
    ");
    // Nor without the files.
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        fs::remove_file(&stage.environment[name]).unwrap();
    }
    assert_snapshot!(stage.run(&["--list"]), @r"
    exit 1
    -- stderr
    error: There is no inventory: no side in scope could be read: `alt-gigadb-website`: AWS profile `UpstreamAlt` gives no credentials for EC2 in ap-southeast-2: there is no profile `UpstreamAlt` (files: `$HOME/config`, `$HOME/credentials`); `gigadb-website`: AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: there is no profile `Upstream` (files: `$HOME/config`, `$HOME/credentials`).
      on:      the hosts in scope
      changed: Nothing was changed.
      next:    Check the AWS profiles and whether EC2 can be reached in the named regions, then run the command again.
    ");
}

/// AWS's own programs do the same: the file of settings may be missing while the other has the keys.
#[test]
fn a_missing_config_file_is_no_fault_where_the_other_file_has_the_keys() {
    let stage = Stage::sop();
    fs::remove_file(&stage.environment["AWS_CONFIG_FILE"]).unwrap();
    let planned = stage.run(&["plan", "--environment", "live", "--swap"]);
    assert!(planned.starts_with("exit 2\n"), "{planned}");
    assert!(!planned.contains("AWS_CONFIG_FILE"), "{planned}");
    // What is missing for AWS's own programs is the region, which the topology has.
    let checked = stage.run(&["check"]);
    for part in ["It has no region.", "6 of 6 Elastic IPs"] {
        assert!(checked.contains(part), "{part}: {checked}");
    }
}

#[test]
fn a_plan_says_what_to_do_about_a_profile_that_signs_in() {
    let stage = with(SIGNS_IN, "");
    assert_snapshot!(stage.run(&["plan", "--environment", "live", "--swap"]), @"
    exit 1
    -- stderr
    error: The roles cannot be traded, because it is not clear who has which: `gigadb.org` leads to 198.51.100.10, and it is not known whose that is: the Elastic IPs of `alt-gigadb-website` and `gigadb-website` could not be read: AWS profile `UpstreamAlt` gives no credentials for EC2 in ap-southeast-2: profile `UpstreamAlt` signs in through IAM Identity Center (SSO), which is not supported: write `credential_process = aws configure export-credentials --profile UpstreamAlt --format process` under a profile of its own, name that one in the topology, and sign in with `aws sso login --profile UpstreamAlt` (files: `$HOME/config`, `$HOME/credentials`); AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: profile `Upstream` signs in through IAM Identity Center (SSO), which is not supported: write `credential_process = aws configure export-credentials --profile Upstream --format process` under a profile of its own, name that one in the topology, and sign in with `aws sso login --profile Upstream` (files: `$HOME/config`, `$HOME/credentials`).
      on:      environment `live`
      changed: Nothing was changed.
      next:    Correct profile `UpstreamAlt` in `$HOME/config` (`AWS_CONFIG_FILE`) and `$HOME/credentials` (`AWS_SHARED_CREDENTIALS_FILE`), or its name in the topology. Correct profile `Upstream` in `$HOME/config` (`AWS_CONFIG_FILE`) and `$HOME/credentials` (`AWS_SHARED_CREDENTIALS_FILE`), or its name in the topology. Then plan again.
    ");
}

/// What to do names the files that are in force, and no others.
#[test]
fn advice_on_keys_and_regions_names_the_files_in_force() {
    let keys = |key: &str, secret: &str| {
        format!("aws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    };
    let one = keys(world::ACCESS_KEY_ID_UPSTREAM, world::SECRET_KEY_UPSTREAM);
    let both = format!("[Upstream]\n{one}[UpstreamAlt]\n{one}");
    for (credentials, arguments, told) in [
        (&*both, &PLAN[..], "put it into `$HOME/credentials`."),
        (&both, &["check"], "put it into `$HOME/credentials`."),
        (
            &both,
            &["check"],
            "under `[profile Upstream]` in `$HOME/config`.",
        ),
        (
            "",
            &["check"],
            "Write the side's own key under `[Upstream]` in `$HOME/credentials`, and",
        ),
    ] {
        let said = with("", credentials).run(arguments);
        assert!(said.contains(told), "{told}: {said}");
        assert!(!said.contains("~/.aws"), "{said}");
    }
}

/// boto3 refuses these lines too.
#[test]
fn a_line_that_no_program_takes_is_named_with_its_file() {
    for (config, credentials, place) in [
        (
            "[profile Upstream]\nregion = ap-east-1\n\nregion ap-east-1\n",
            "",
            "`$HOME/config`, line 4: ",
        ),
        ("", "# keys\n[Upstream\n", "`$HOME/credentials`, line 2: "),
        (
            "",
            "[Upstream]\n[UpstreamAlt]\n[Upstream]\n",
            "`$HOME/credentials`, line 3: ",
        ),
        (
            "",
            "[Upstream]\naws_access_key_id =\n  AKIAX\n",
            "`$HOME/credentials`, line 3: ",
        ),
    ] {
        let stage = with(config, credentials);
        for arguments in [&PLAN[..], &["check"]] {
            let told = stage.run(arguments);
            assert!(told.starts_with("exit 1\n"), "{told}");
            assert!(told.contains(place), "{told}");
            assert!(told.contains("Correct that file at that line"), "{told}");
            for other in ["Write the side's own key", "gigadb-roles failover"] {
                assert!(!told.contains(other), "{other}: {told}");
            }
        }
    }
}

#[test]
fn check_gives_a_program_that_does_not_end_the_time_of_its_sides_reads() {
    let waits = "credential_process = sleep 100\n";
    let stage = with(
        &format!("[profile Upstream]\n{waits}[profile UpstreamAlt]\n{waits}"),
        "",
    );
    let told = stage.run(&["check"]);
    assert!(told.starts_with("exit 1\n"), "{told}");
    let limit = "its `credential_process` (`sleep`) did not end within 20 s";
    assert!(told.matches(limit).count() >= 2, "{told}");
    assert!(
        told.contains("Run the `credential_process` of profile `Upstream` by hand"),
        "{told}"
    );
}

#[test]
fn a_refusal_of_sts_is_told_in_awss_words() {
    let role = "[profile Upstream]\nregion = ap-east-1\nrole_arn = arn:aws:iam::1:role/r\n\
                source_profile = people\n";
    let keys = |name: &str, id: &str, secret: &str| {
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    };
    let alt = keys(
        "UpstreamAlt",
        world::ACCESS_KEY_ID_ALT,
        world::SECRET_KEY_ALT,
    );
    let (id, secret) = (world::ACCESS_KEY_ID_UPSTREAM, world::SECRET_KEY_UPSTREAM);
    let printed = json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret});
    let program = format!("[profile people]\ncredential_process = echo '{printed}'\n");
    for (config, credentials) in [
        // The SDK asks for the role, and the clients do.
        (role.to_owned(), keys("people", id, secret) + &alt),
        (format!("{role}{program}"), alt),
    ] {
        let stage = with(&config, &credentials);
        let refused = Fault::new(Effect::Refuse).api(Api::Sts);
        stage.simulator.fault(refused.always());
        for arguments in [&PLAN[..], &["check"]] {
            let told = stage.run(arguments);
            assert!(
                told.contains(
                    "AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: \
                     AccessDenied: User is not authorized to perform this operation (files: "
                ),
                "{told}"
            );
            for notation in ["Error {", "code: ", "unhandled", "service error"] {
                assert!(!told.contains(notation), "{notation}: {told}");
            }
            assert!(!told.contains("Write the side's own key"), "{told}");
        }
        let asked = stage.simulator.requests();
        assert!(asked.iter().any(|one| one.api == Api::Sts), "{config}");
    }
}

/// The `ini` block of the page, with a program in place of AWS's own.
#[test]
fn the_profile_that_the_guide_shows_gives_the_keys() {
    let ini = PAGE.split("```ini\n").nth(1).unwrap();
    let ini = ini.split("```").next().unwrap();
    assert!(ini.contains("[profile Upstream]") && ini.contains("--profile UpstreamPerson"));
    let alt = format!(
        "[UpstreamAlt]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        world::ACCESS_KEY_ID_ALT,
        world::SECRET_KEY_ALT
    );
    let stage = with(ini, &alt);
    let keys = json!({
        "Version": 1,
        "AccessKeyId": world::ACCESS_KEY_ID_UPSTREAM,
        "SecretAccessKey": world::SECRET_KEY_UPSTREAM,
        "Expiration": "2099-01-01T00:00:00Z",
    });
    let aws = stage.write(
        "aws",
        &format!(
            "#!/bin/sh\ntest \"$*\" = \"configure export-credentials --profile UpstreamPerson --format process\" \
             && echo '{keys}'\n"
        ),
    );
    fs::set_permissions(&aws, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", stage.folder().display());
    let stage = stage.with("PATH", &path);
    let hosts = stage.answer(&["inventory", "--infrastructure", "gigadb-website", "--list"]);
    assert!(hosts.contains("gigadb-website-live-web"), "{hosts}");

    // The person's session has ended.
    let failing = "#!/bin/sh\necho 'Error loading SSO Token: Token for Upstream does not exist' >&2\nexit 255\n";
    fs::write(&aws, failing).unwrap();
    let again = [
        "inventory",
        "--infrastructure",
        "gigadb-website",
        "--refresh",
        "--strict",
        "--graph",
    ];
    assert_snapshot!(stage.run(&again), @"
    exit 1
    -- stderr
    error: There is no inventory, because a side in scope could not be read: `gigadb-website`: AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: its `credential_process` (`aws`) ended with 255: Error loading SSO Token: Token for Upstream does not exist (files: `$HOME/config`, `$HOME/credentials`).
      on:      `gigadb-website`
      changed: Nothing was changed.
      next:    Correct that and run the command again, or leave --strict out to use what is last known.
    ");
}

/// As a service or a job that is started with an empty environment.
#[test]
fn without_a_home_folder_it_is_said_that_no_file_is_named() {
    for home in [None, Some("")] {
        let stage = Stage::sop()
            .without("AWS_CONFIG_FILE")
            .without("AWS_SHARED_CREDENTIALS_FILE")
            .without("HOME");
        let stage = match home {
            None => stage,
            Some(home) => stage.with("HOME", home),
        };
        for (code, arguments) in [
            (1, &["plan", "-e", "live", "--swap"][..]),
            (1, &["check"]),
            (0, &["init", "--out", home.map_or("a.yaml", |_| "b.yaml")]),
            (
                1,
                &[
                    "failover",
                    "-e",
                    "live",
                    "--production",
                    "alt-gigadb-website",
                    "--yes",
                ],
            ),
            (
                1,
                &["exec", "-e", "live", "--role", "production", "--", "true"],
            ),
            (1, &["--list"]),
            (0, &["status", "-e", "live"]),
        ] {
            let output = stage.output(arguments);
            let told = text(&output.stdout) + &text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
            // `exec` leads to `status`, which says why.
            let says = arguments[0] != "exec";
            assert!(
                !says || told.contains("`HOME` is not set, and neither `AWS_CONFIG_FILE` nor"),
                "{arguments:?}: {told}"
            );
        }
        assert_eq!(stage.writes(), 0);
    }
}
