//! `status`.

use gigadb_simulator::{Api, Edit, Effect, Fault, world};
use insta::assert_snapshot;
use serde_json::Value;

use crate::stage::Stage;

#[test]
fn status_follows_the_records() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&["status"]), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS      ROLE         INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    live         consistent  production   gigadb-website      ap-east-1       Upstream     v4.3.4
    live         consistent  hot standby  alt-gigadb-website  ap-southeast-2  UpstreamAlt  v0337-alt-upstream-beta
    staging      consistent  production   gigadb-website      ap-east-1       Upstream     v4.3.4
    staging      consistent  hot standby  alt-gigadb-website  ap-southeast-2  UpstreamAlt  v0337-alt-upstream-beta
    ");
    stage.trade_records();
    assert_snapshot!(stage.run(&["status", "--environment", "live"]), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS  ROLE         INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    live         mixed   production   alt-gigadb-website  ap-southeast-2  UpstreamAlt  v0337-alt-upstream-beta
    live         mixed   hot standby  gigadb-website      ap-east-1       Upstream     v4.3.4

    live is mixed:
      - variable `HOME_URL` of `alt-gigadb-website` is http://alt-live.gigadb.host, expected https://gigadb.org
      - variable `REMOTE_HOME_URL` of `alt-gigadb-website` is http://alt-live.gigadb.host, expected https://gigadb.org
      - variable `REMOTE_HOSTNAME` of `alt-gigadb-website` is alt-live.gigadb.host, expected gigadb.org
      - variable `remote_fileserver_hostname` of `alt-gigadb-website` is files.alt-live.gigadb.host, expected files.gigadb.org
      - variable `HOME_URL` of `gigadb-website` is https://gigadb.org, expected http://alt-live.gigadb.host
      - variable `REMOTE_HOME_URL` of `gigadb-website` is https://gigadb.org, expected http://alt-live.gigadb.host
      - variable `REMOTE_HOSTNAME` of `gigadb-website` is gigadb.org, expected alt-live.gigadb.host
      - variable `remote_fileserver_hostname` of `gigadb-website` is files.gigadb.org, expected files.alt-live.gigadb.host
    ");
}

#[test]
fn what_disagrees_is_listed() {
    let stage = Stage::sop();
    let edit = Edit::SetVariable {
        project: gigadb_simulator::world::PROJECT.to_owned(),
        key: "HOME_URL".to_owned(),
        scope: "live".to_owned(),
        value: "https://elsewhere.example".to_owned(),
    };
    stage.simulator.edit(|world| world.apply(&edit)).unwrap();
    stage.set_record("files.gigadb.org", "203.0.113.12");
    assert_snapshot!(stage.run(&["status", "--environment", "live"]), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS  ROLE     INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    live         mixed   unclear  alt-gigadb-website  ap-southeast-2  UpstreamAlt  v0337-alt-upstream-beta
    live         mixed   unclear  gigadb-website      ap-east-1       Upstream     v4.3.4

    live is mixed:
      - It is not clear who has which role: `files.gigadb.org` is a name of the production but leads to `alt-gigadb-website`, while `gigadb.org` leads to `gigadb-website`.
      - variable `HOME_URL` of `gigadb-website` is https://elsewhere.example, expected https://gigadb.org
      - A record of `files.gigadb.org` is 203.0.113.12, expected 198.51.100.12
    ");
    stage.set_record("gigadb.org", "192.0.2.1");
    assert_snapshot!(stage.run(&["status", "--environment", "live"]), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS   ROLE     INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    live         unknown  unclear  alt-gigadb-website  ap-southeast-2  UpstreamAlt  v0337-alt-upstream-beta
    live         unknown  unclear  gigadb-website      ap-east-1       Upstream     v4.3.4

    live is unknown:
      - It is not clear who has which role: `gigadb.org` leads to 192.0.2.1, no Elastic IP of any known side.
    ");
}

#[test]
fn the_roles_stand_below_what_leaves_the_screen() {
    let stage = Stage::sop().with("COLUMNS", "100");
    let last = |stage: &Stage| {
        let told = stage.answer(&["status"]);
        told.trim_end().lines().last().unwrap().to_owned()
    };
    assert!(!last(&stage).contains("hot standby"));
    stage.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            for variable in &mut project.variables {
                "nothing".clone_into(&mut variable.value);
            }
        }
    });
    assert_eq!(
        last(&stage),
        "staging is mixed: production gigadb-website, hot standby alt-gigadb-website"
    );
}

#[test]
fn markdown_is_the_procedures_table() {
    assert_snapshot!(Stage::sop().run(&["status", "--format", "markdown"]), @"
    exit 0
    -- stdout
    | Gitlab project     | AWS profile | Local checkout name | AWS region     | current role       | current release         | status     |
    |--------------------|-------------|---------------------|----------------|--------------------|-------------------------|------------|
    | alt-gigadb-website | UpstreamAlt | gigadb-alt-upstream | ap-southeast-2 | hot stand-by       | v0337-alt-upstream-beta | consistent |
    | gigadb-website     | Upstream    | gigadb-upstream     | ap-east-1      | current production | v4.3.4                  | consistent |
    ");
}

#[test]
fn the_release_is_the_last_that_succeeded_in_the_environment() {
    let stage = Stage::sop();
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(gigadb_simulator::world::PROJECT);
        let deployments = &mut project.unwrap().deployments;
        deployments.retain(|one| one.environment == "staging" || one.status != "success");
        let staging = deployments.first_mut().unwrap();
        "v4.4.0|rc".clone_into(&mut staging.reference);
    });
    assert_snapshot!(stage.run(&["status", "--format", "markdown"]), @"
    exit 0
    -- stdout
    | Gitlab project     | AWS profile | Local checkout name | AWS region     | current role       | current release         | status     |
    |--------------------|-------------|---------------------|----------------|--------------------|-------------------------|------------|
    | alt-gigadb-website | UpstreamAlt | gigadb-alt-upstream | ap-southeast-2 | hot stand-by       | v0337-alt-upstream-beta | consistent |
    | gigadb-website     | Upstream    | gigadb-upstream     | ap-east-1      | current production | none                    | consistent |
    ");
    let environment = ["status", "--format", "markdown", "--environment", "staging"];
    assert_snapshot!(stage.run(&environment), @r#"
    exit 0
    -- stdout
    | Gitlab project     | AWS profile | Local checkout name | AWS region     | current role       | current release         | status     |
    |--------------------|-------------|---------------------|----------------|--------------------|-------------------------|------------|
    | alt-gigadb-website | UpstreamAlt | gigadb-alt-upstream | ap-southeast-2 | hot stand-by       | v0337-alt-upstream-beta | consistent |
    | gigadb-website     | Upstream    | gigadb-upstream     | ap-east-1      | current production | `v4.4.0\|rc`            | consistent |
    "#);
}

#[test]
fn a_release_that_gitlab_does_not_tell_is_no_failure() {
    let stage = Stage::sop();
    let fault = Fault::new(Effect::Refuse).api(Api::Gitlab);
    stage
        .simulator
        .fault(fault.template("/projects/{id}/deployments").always());
    assert_snapshot!(stage.run(&["status", "--environment", "live"]), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS      ROLE         INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    live         consistent  production   gigadb-website      ap-east-1       Upstream     unknown
    live         consistent  hot standby  alt-gigadb-website  ap-southeast-2  UpstreamAlt  unknown
    -- stderr
    note: The release of `alt-gigadb-website` in `live` is unknown: GitLab refused GET /projects/{id}/deployments with 403, 403 Forbidden (environment `live` of project `gigascience/upstream/alt-gigadb-website`).
    note: The release of `gigadb-website` in `live` is unknown: GitLab refused GET /projects/{id}/deployments with 403, 403 Forbidden (environment `live` of project `gigascience/upstream/gigadb-website`).
    ");
    let answer = stage.answer(&["status", "--format", "json"]);
    let document: Value = serde_json::from_str(&answer).unwrap();
    let side = &document["environments"]["live"]["infrastructures"]["gigadb-website"];
    assert_eq!(side["release"], Value::Null);
}

#[test]
fn json_begins_with_its_version() {
    let answer = Stage::sop().answer(&["status", "--format", "json"]);
    assert!(
        answer.starts_with("{\n  \"format_version\": 1,"),
        "{answer}"
    );
    let document: Value = serde_json::from_str(&answer).unwrap();
    let live = &document["environments"]["live"];
    assert_eq!(live["status"], "consistent");
    assert_eq!(live["production"], "gigadb-website");
    assert_eq!(live["hostnames"]["gigadb.org"]["address"], "198.51.100.10");
    assert_eq!(live["variables"].as_object().unwrap().len(), 8);
    assert_eq!(
        live["infrastructures"]["gigadb-website"]["release"],
        "v4.3.4"
    );
    assert_eq!(live["disagreements"].as_array().unwrap().len(), 0);
}

#[test]
fn a_narrow_terminal_loses_columns_and_never_folds_a_name() {
    let narrow = |columns| {
        let stage = Stage::sop().with("COLUMNS", columns);
        stage.run(&["status", "--environment", "live"])
    };
    assert_snapshot!(narrow("80"), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS      ROLE         INFRASTRUCTURE      REGION
    live         consistent  production   gigadb-website      ap-east-1
    live         consistent  hot standby  alt-gigadb-website  ap-southeast-2

    Left out: AWS profile, release
    ");
    assert_snapshot!(narrow("60"), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS      ROLE         INFRASTRUCTURE
    live         consistent  production   gigadb-website
    live         consistent  hot standby  alt-gigadb-website

    Left out: region, AWS profile, release
    ");
    assert_snapshot!(narrow("40"), @"
    exit 0
    -- stdout
    live consistent production
      gigadb-website
    live consistent hot standby
      alt-gigadb-website

    Left out: region, AWS profile, release
    ");
}

#[test]
fn colors_come_only_when_asked_for() {
    let colored = |stage: Stage, when: &str| {
        let output = stage.output(&["status", "--environment", "nowhere", "--color", when]);
        output.stderr.contains(&0x1b)
    };
    assert!(colored(Stage::sop(), "always"));
    assert!(!colored(Stage::sop(), "never"));
    assert!(!colored(Stage::sop(), "auto"));
    assert!(!colored(Stage::sop().with("NO_COLOR", "1"), "auto"));
}

#[test]
fn with_a_token_that_is_refused_nobody_guesses() {
    let stage = Stage::sop().with("CLOUDFLARE_API_TOKEN", world::CLOUDFLARE_REVOKED_TOKEN);
    assert_snapshot!(stage.run(&["status"]), @r"
    exit 1
    -- stderr
    error: It is not known who has which role: the list of zones could not be read: Cloudflare refused GET /zones with 403, code 10000: Authentication error (request id a5237d6cb6aba451-SIM).
      on:      environment `live`
      changed: Nothing was changed.
      next:    Make a token in Cloudflare's dashboard (My Profile, API Tokens) with Zone: Read and DNS: Edit on the zones of the topology's hostnames, and set `CLOUDFLARE_API_TOKEN` to it. Then run the command again.
    ");
}

#[test]
fn without_a_gitlab_token_the_roles_are_still_told() {
    let stage = Stage::sop().without("GITLAB_TOKEN");
    assert_snapshot!(stage.run(&["status", "--environment", "staging"]), @"
    exit 0
    -- stdout
    ENVIRONMENT  STATUS   ROLE         INFRASTRUCTURE      REGION          AWS PROFILE  RELEASE
    staging      unknown  production   gigadb-website      ap-east-1       Upstream     unknown
    staging      unknown  hot standby  alt-gigadb-website  ap-southeast-2  UpstreamAlt  unknown

    staging is unknown:
      - 4 variables of `alt-gigadb-website` could not be read: the GitLab token is not set; set `GITLAB_TOKEN` or `GITLAB_PRIVATE_TOKEN` in the environment, or `gitlab.token` in the provider block.
      - 4 variables of `gigadb-website` could not be read: the GitLab token is not set; set `GITLAB_TOKEN` or `GITLAB_PRIVATE_TOKEN` in the environment, or `gitlab.token` in the provider block.
    -- stderr
    note: The release of `alt-gigadb-website` in `staging`, `gigadb-website` in `staging` is unknown: the GitLab token is not set; set `GITLAB_TOKEN` or `GITLAB_PRIVATE_TOKEN` in the environment, or `gitlab.token` in the provider block.
    ");
}

#[test]
fn logs_hold_no_secret() {
    let stage = Stage::sop().with("GIGADB_LOG", "trace");
    let output = stage.output(&["status"]);
    assert!(output.status.success());
    assert!(!output.stderr.is_empty());
}
