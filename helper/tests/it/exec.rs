//! `exec`.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Output, Stdio},
};

use gigadb_simulator::{Effect, Fault, world};
use insta::assert_snapshot;

use crate::runs::interrupt;
use crate::stage::Stage;

/// Shows what the command was given.
const SHOW: &str = "env | grep -E '^(AWS_(PROFILE|REGION|DEFAULT|ACCESS|SECRET|SESSION)|GIGADB_|REPO_NAME|PROJECT_VARIABLES_URL)' | sort";

fn arguments<'a>(role: &'a str, command: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["exec", "--role", role, "--environment", "live", "--"];
    all.extend(command);
    all
}

/// Runs a shell script for whoever has the role in `live`.
fn script(stage: &Stage, role: &str, text: &str) -> Output {
    stage.output(&arguments(role, &["sh", "-c", text]))
}

#[test]
fn the_command_has_the_settings_of_whoever_holds_the_role() {
    let stage = Stage::sop()
        .with("AWS_PROFILE", "Wrong")
        .with("AWS_DEFAULT_PROFILE", "Wrong")
        .with("GIGADB_INFRASTRUCTURE", "wrong")
        .without("GIGADB_DNS_SERVER")
        .without("GIGADB_OPEN_FOR")
        .with("REPO_NAME", "wrong");
    let shown = |role| stage.told(&script(&stage, role, SHOW));
    assert_snapshot!(shown("production"), @"
    exit 0
    -- stdout
    AWS_DEFAULT_REGION=ap-east-1
    AWS_PROFILE=Upstream
    AWS_REGION=ap-east-1
    GIGADB_ENVIRONMENT=live
    GIGADB_HTTPS_CHECK=off
    GIGADB_INFRASTRUCTURE=gigadb-website
    GIGADB_ROLE=production
    GIGADB_TOPOLOGY=$TOPOLOGY
    PROJECT_VARIABLES_URL=http://simulator/api/v4/projects/gigascience%2Fupstream%2Fgigadb-website/variables
    REPO_NAME=gigadb-website
    ");
    assert_snapshot!(shown("hot_standby"), @r"
    exit 0
    -- stdout
    AWS_DEFAULT_REGION=ap-southeast-2
    AWS_PROFILE=UpstreamAlt
    AWS_REGION=ap-southeast-2
    GIGADB_ENVIRONMENT=live
    GIGADB_HTTPS_CHECK=off
    GIGADB_INFRASTRUCTURE=alt-gigadb-website
    GIGADB_ROLE=hot_standby
    GIGADB_TOPOLOGY=$TOPOLOGY
    PROJECT_VARIABLES_URL=http://simulator/api/v4/projects/gigascience%2Fupstream%2Falt-gigadb-website/variables
    REPO_NAME=alt-gigadb-website
    ");
    stage.trade_records();
    assert_snapshot!(shown("production"), @r"
    exit 0
    -- stdout
    AWS_DEFAULT_REGION=ap-southeast-2
    AWS_PROFILE=UpstreamAlt
    AWS_REGION=ap-southeast-2
    GIGADB_ENVIRONMENT=live
    GIGADB_HTTPS_CHECK=off
    GIGADB_INFRASTRUCTURE=alt-gigadb-website
    GIGADB_ROLE=production
    GIGADB_TOPOLOGY=$TOPOLOGY
    PROJECT_VARIABLES_URL=http://simulator/api/v4/projects/gigascience%2Fupstream%2Falt-gigadb-website/variables
    REPO_NAME=alt-gigadb-website
    ");
}

#[test]
fn keys_that_would_beat_the_profile_are_removed() {
    let mut stage = Stage::sop();
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        stage = stage.with(name, "of-another-account");
    }
    let output = script(&stage, "production", SHOW);
    assert!(output.status.success(), "{}", stage.told(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains("of-another-account"), "{shown}");
    assert!(shown.contains("AWS_PROFILE=Upstream\n"), "{shown}");
}

#[test]
fn the_tokens_of_cloudflare_and_gitlab_stay_and_so_do_variables_of_others() {
    let stage = Stage::sop().with("AWS_PAGER", "less");
    let tell = "echo $CLOUDFLARE_API_TOKEN/$GITLAB_TOKEN/$AWS_PAGER > kept";
    let output = script(&stage, "production", tell);
    assert!(output.status.success(), "{}", stage.told(&output));
    let kept = fs::read_to_string(stage.folder().join("kept")).unwrap();
    let token = |name: &str| stage.environment[name].clone();
    let expected = [
        token("CLOUDFLARE_API_TOKEN"),
        token("GITLAB_TOKEN"),
        "less".to_owned(),
    ];
    assert_eq!(kept.trim().split('/').collect::<Vec<_>>(), expected);
}

#[test]
fn exit_status_signals_and_process_are_the_commands_own() {
    let stage = Stage::sop();
    assert_eq!(
        script(&stage, "production", "exit 7").status.code(),
        Some(7)
    );
    let killed = script(&stage, "production", "kill -TERM $$");
    assert_eq!(killed.status.signal(), Some(15));
    let child = stage
        .command(&arguments("production", &["sh", "-c", "echo $$; exec cat"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), id);
}

#[test]
fn ctrl_c_reaches_the_command() {
    let stage = Stage::sop();
    let script = "trap 'exit 9' INT; : > started; while :; do sleep 0.05; done";
    let mut child = stage
        .command(&arguments("production", &["sh", "-c", script]))
        .spawn()
        .unwrap();
    while !stage.folder().join("started").exists() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn where_roles_are_unclear_nothing_runs() {
    let stage = Stage::sop();
    stage.set_record("files.gigadb.org", "203.0.113.12");
    let marked = arguments("production", &["touch", "ran"]);
    assert_snapshot!(stage.run(&marked), @"
    exit 1
    -- stderr
    error: The command was not run, because it is not clear who is production in `live`: `files.gigadb.org` is a name of the production but leads to `alt-gigadb-website`, while `gigadb.org` leads to `gigadb-website`.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Run `gigadb-roles status --environment live`, correct what disagrees, then run the command again.
    ");
    assert!(!stage.folder().join("ran").exists());
    let stage = Stage::sop().with("CLOUDFLARE_API_TOKEN", world::CLOUDFLARE_REVOKED_TOKEN);
    assert_snapshot!(stage.run(&marked), @r"
    exit 1
    -- stderr
    error: It is not known who has which role: the list of zones could not be read: Cloudflare refused GET /zones with 403, code 10000: Authentication error (request id a5237d6cb6aba451-SIM).
      on:      environment `live`
      changed: Nothing was changed.
      next:    Make a token in Cloudflare's dashboard (My Profile, API Tokens) with Zone: Read and DNS: Edit on the zones of the topology's hostnames, and set `CLOUDFLARE_API_TOKEN` to it. Then run the command again.
    ");
    assert!(!stage.folder().join("ran").exists());
    let stage = Stage::sop();
    stage.simulator.fault(Fault::new(Effect::Refuse).always());
    assert_eq!(stage.output(&marked).status.code(), Some(1));
    assert!(!stage.folder().join("ran").exists());
}

#[test]
fn a_lost_region_leaves_the_last_known_addresses() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    let fault = Fault::new(Effect::Refuse).api(gigadb_simulator::Api::Ec2);
    stage.simulator.fault(fault.region("ap-east-1").always());
    let output = script(&stage, "hot_standby", "echo $AWS_PROFILE");
    // Both calls are refused; which of them is told is a matter of which ends first.
    let told = stage
        .told(&output)
        .replace("DescribeInstances", "DescribeAddresses");
    assert_snapshot!(told, @"
    exit 0
    -- stdout
    UpstreamAlt
    -- stderr
    warning: `gigadb-website` could not be read: EC2 in ap-east-1 (profile `Upstream`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff). Who is hot standby follows the records and what is last known of its addresses.
    ");
}

#[test]
fn what_cannot_be_run_is_named() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&arguments("production", &["./no-such-program"])), @"
    exit 1
    -- stderr
    error: The command could not be started: No such file or directory (os error 2).
      on:      `./no-such-program`
      changed: Nothing was changed.
      next:    Correct its name, or name the file by its whole path.
    ");
    assert_snapshot!(stage.run(&arguments("standby", &["true"])), @"
    exit 64
    -- stderr
    error: Invalid value 'standby' for '--role <ROLE>': `standby` is no role; did you mean `hot_standby`?
      on:      the command line
      changed: Nothing was changed.
      next:    Correct it, and run the command again; --help shows all that it takes.
    ");
    let no_command = ["exec", "--role", "production", "--environment", "live"];
    assert_eq!(stage.output(&no_command).status.code(), Some(64));
    let mut markdown = vec!["--format", "markdown"];
    markdown.extend(arguments("production", &["true"]));
    assert_eq!(stage.output(&markdown).status.code(), Some(64));
}
