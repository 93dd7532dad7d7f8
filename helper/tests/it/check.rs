//! `check`.

use std::{fs, path::Path, process::Command};

use gigadb_simulator::{
    Api, Edit, Effect, Fault,
    world::{self, AccessLevel, ZoneStatus},
};
use insta::assert_snapshot;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::{lease::locked, stage::Stage};

pub(crate) const CHECK: [&str; 3] = ["check", "--checkouts", "checkouts"];
pub(crate) const SIDES: [(&str, &str); 2] = [
    ("gigadb-upstream", "gigadb-website"),
    ("gigadb-alt-upstream", "alt-gigadb-website"),
];

pub(crate) fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
}

/// A machine that is set up as the procedure asks.
pub(crate) fn set_up() -> Stage {
    let stage = Stage::sop();
    let base = stage.simulator.gitlab_url();
    for (checkout, name) in SIDES {
        let folder = stage.folder().join("checkouts").join(checkout);
        fs::create_dir_all(&folder).unwrap();
        git(&folder, &["init", "--quiet"]);
        let url = "git@github.com:gigascience/gigadb-website.git";
        git(&folder, &["remote", "add", "origin", url]);
        let settings = format!(
            "REPO_NAME=\"{name}\"\n\
             GROUP_VARIABLES_URL=\"{base}/groups/gigascience/variables?per_page=100\"\n\
             FORK_VARIABLES_URL=\"{base}/groups/3506500/variables\"\n\
             PROJECT_VARIABLES_URL=\"{base}/projects/gigascience%2Fupstream%2F$REPO_NAME/variables\"\n\
             MISC_VARIABLES_URL=\"{base}/projects/gigascience%2Fcnhk-infra/variables\"\n\
             GITLAB_PRIVATE_TOKEN={}\n",
            world::GITLAB_TOKEN
        );
        fs::write(folder.join(".env"), settings).unwrap();
    }
    // Tables are laid out for the name that is shown, so it must not depend on where this is built.
    fs::copy(
        &stage.environment["GIGADB_TOPOLOGY"],
        stage.folder().join("topology.yaml"),
    )
    .unwrap();
    stage.with("GIGADB_TOPOLOGY", "topology.yaml")
}

/// The exit code, and every check as `result check object: found`.
pub(crate) fn told(stage: &Stage, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let mut all = CHECK.to_vec();
    all.extend(["--format", "json"]);
    all.extend(arguments);
    let output = stage.output(&all);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let document: Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", stage.told(&output)));
    let checks = document["checks"].as_array().unwrap();
    let failed = checks.iter().any(|check| check["result"] == "failed");
    assert_eq!(output.status.code(), Some(i32::from(failed)));
    assert_eq!(document["ok"], !failed);
    let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    for check in checks {
        let advised = check["next"]
            .as_str()
            .is_some_and(|next| next.ends_with(['.', '?']));
        assert!(advised || check["result"] == "ok", "{check}");
    }
    let lines = checks.iter().map(|check| {
        let words = ["result", "check", "object"].map(|key| word(check, key));
        format!("{}: {}", words.join(" "), word(check, "found"))
            .replace(stage.folder().to_str().unwrap(), "$HOME")
    });
    (output.status.code(), lines.collect())
}

/// What a run says beyond what the procedure's machine says.
pub(crate) fn difference(stage: &Stage) -> String {
    let (_, usual) = told(&set_up(), &[]);
    let (code, now) = told(stage, &[]);
    let new = now.into_iter().filter(|line| !usual.contains(line));
    format!(
        "exit {}\n{}",
        code.unwrap(),
        new.collect::<Vec<_>>().join("\n")
    )
}

#[test]
fn a_machine_as_the_procedure_asks_is_well() {
    let stage = set_up();
    assert_snapshot!(stage.run(&CHECK), @r#"
    exit 0
    -- stdout
    RESULT       CHECK             OBJECT                              FOUND
    ok           topology          topology.yaml                       2 infrastructures and 2 environments
    warning      topology          topology.yaml:53:37                 see below
    ok           network           proxy                               not needed: every API is asked on this machine, over plain http
    ok           network           certificates                        not needed: every API is asked on this machine, over plain http
    ok           aws profile       UpstreamAlt                         in ap-southeast-2
    ok           aws profile       Upstream                            in ap-east-1
    ok           aws keys          alt-gigadb-website, gigadb-website  they differ
    ok           ec2               alt-gigadb-website                  6 of 6 Elastic IPs
    ok           ec2               gigadb-website                      6 of 6 Elastic IPs
    ok           cloudflare token  CLOUDFLARE_API_TOKEN                accepted, without an end
    ok           zone              gigadb.host                         active, holds 8 hostnames
    ok           zone              gigadb.org                          active, holds 8 hostnames
    ok           dns records       gigadb.host                         10 records can be read
    not checked  dns write         gigadb.host                         see below
    ok           dns records       gigadb.org                          13 records can be read
    not checked  dns write         gigadb.org                          see below
    ok           gitlab token      GITLAB_TOKEN                        scope `api`, without an end
    ok           gitlab project    alt-gigadb-website                  Maintainer of `gigascience/upstream/alt-gigadb-website`
    ok           gitlab project    gigadb-website                      Maintainer of `gigascience/upstream/gigadb-website`
    ok           gitlab variables  alt-gigadb-website live             4 can be read
    ok           gitlab variables  alt-gigadb-website staging          4 can be read
    not checked  gitlab write      alt-gigadb-website                  see below
    ok           gitlab variables  gigadb-website live                 4 can be read
    ok           gitlab variables  gigadb-website staging              4 can be read
    not checked  gitlab write      gigadb-website                      see below
    ok           checkout          gigadb-alt-upstream                 `origin` is reached by SSH
    ok           checkout .env     gigadb-alt-upstream                 as its project asks
    ok           checkout          gigadb-upstream                     `origin` is reached by SSH
    ok           checkout .env     gigadb-upstream                     as its project asks
    not checked  certificate       alt-gigadb-website                  see below
    not checked  certificate       gigadb-website                      see below
    warning      lease             none                                see below

    warning: topology topology.yaml:53:37
      `files.alt-live.gigadb.host` in `remote_fileserver_hostname` is a hostname of neither role of `live`.
      next: Did you mean `files.alt-live.gigadb.org`? If it is meant, accept `unpublished-hostname` at `live/hot_standby/remote_fileserver_hostname`.

    warning: lease none
      The topology has no `lock`: nothing keeps two operators from swapping at once but the rule `unchanged-since-plan`.
      next: Add `lock: { gitlab_project: …, name: "gigadb-roles-{environment}" }` to the topology.

    not checked: dns write gigadb.host, gigadb.org
      Only a write can prove that the token may write.
      next: See in Cloudflare's dashboard that the token has DNS: Edit on this zone.

    not checked: gitlab write alt-gigadb-website
      Only a write can prove that the token may write.
      next: See that the token has scope `api`, and the role Maintainer in `gigascience/upstream/alt-gigadb-website`.

    not checked: gitlab write gigadb-website
      Only a write can prove that the token may write.
      next: See that the token has scope `api`, and the role Maintainer in `gigascience/upstream/gigadb-website`.

    not checked: certificate alt-gigadb-website, gigadb-website
      The topology does not say which variable holds the certificate.
      next: Name it as `certificate_variable`, such as `tls_fullchain_pem`, or look at the certificate yourself before a swap.

    32 checks: 24 ok, 2 warning, 6 not checked.
    "#);
    assert_eq!(stage.writes(), 0);
}

#[test]
fn json_begins_with_its_version() {
    let stage = set_up();
    let mut arguments = CHECK.to_vec();
    arguments.extend(["--format", "json"]);
    let answer = stage.answer(&arguments);
    assert!(
        answer.starts_with("{\n  \"format_version\": 1,\n  \"ok\": true,"),
        "{answer}"
    );
    let markdown = stage.output(&["check", "--format", "markdown"]);
    assert_eq!(markdown.status.code(), Some(64));
}

#[test]
fn faults_of_the_topology_come_with_their_places() {
    let stage = set_up();
    stage.write(
        "topology.yaml",
        "version: 1\nendpoint: {}\nenvironments: {}\n",
    );
    let stage = stage.with("GIGADB_TOPOLOGY", "topology.yaml");
    assert_snapshot!(stage.run(&CHECK), @r"
    exit 1
    -- stdout
    RESULT       CHECK            OBJECT              FOUND
    failed       topology         topology.yaml:1:1   see below
    failed       topology         topology.yaml:2:1   see below
    failed       topology         topology.yaml:3:15  see below
    not checked  everything else  all                 see below

    failed: topology topology.yaml:1:1
      The file has no `infrastructures`.
      next: Add `infrastructures: { gigadb-website: { gitlab_project: …, aws: … }, … }`.

    failed: topology topology.yaml:2:1
      `endpoint` is not a key here.
      next: Did you mean `endpoints`?

    failed: topology topology.yaml:3:15
      `environments` is empty.
      next: Write `environments: { live: { production: …, hot_standby: … } }`.

    not checked: everything else all
      It needs a topology.
      next: Correct the topology first, then check again.

    4 checks: 3 failed, 1 not checked.
    ");
    let missing = stage.with("GIGADB_TOPOLOGY", "missing.yaml");
    assert_snapshot!(missing.run(&CHECK), @r"
    exit 1
    -- stdout
    RESULT       CHECK            OBJECT        FOUND
    failed       topology         missing.yaml  see below
    not checked  everything else  all           see below

    failed: topology missing.yaml
      The file could not be read: No such file or directory (os error 2); looked for at `$HOME/missing.yaml`.
      next: Name it with --topology or GIGADB_TOPOLOGY, or run the command in the folder of `topology.yaml` or below it.

    not checked: everything else all
      It needs a topology.
      next: Correct the topology first, then check again.

    2 checks: 1 failed, 1 not checked.
    ");
    assert!(missing.simulator.requests().is_empty());
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    let stage = set_up().with("CLOUDFLARE_BASE_URL", "http://api.example/client/v4");
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed settings the Cloudflare base URL: A setting cannot be used: the Cloudflare base URL (from environment variable `CLOUDFLARE_BASE_URL`) is plain http to an address that is not loopback, which would show the token to the network; use https
    not_checked everything else all: It needs settings that can be used
    ");
}

#[test]
fn profiles_without_keys_or_with_another_region_fail() {
    let stage = set_up();
    let config = Path::new(&stage.environment["AWS_CONFIG_FILE"]).to_owned();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("ap-southeast-2", "eu-west-1")).unwrap();
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed aws profile UpstreamAlt: Its region is eu-west-1, the topology's is ap-southeast-2
    ");
    let lines = text.lines().filter(|line| !line.starts_with("region"));
    fs::write(&config, lines.collect::<Vec<_>>().join("\n")).unwrap();
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed aws profile UpstreamAlt: It has no region
    failed aws profile Upstream: It has no region
    ");
    let credentials = Path::new(&stage.environment["AWS_SHARED_CREDENTIALS_FILE"]);
    let keys = fs::read_to_string(credentials).unwrap();
    fs::write(config, text).unwrap();
    fs::write(credentials, keys.replace("[UpstreamAlt]", "[Elsewhere]")).unwrap();
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed aws profile UpstreamAlt: AWS profile `UpstreamAlt` gives no credentials for EC2 in ap-southeast-2: profile `UpstreamAlt` holds no key, and names nothing that gives one (files: `$HOME/config`, `$HOME/credentials`)
    not_checked aws keys alt-gigadb-website, gigadb-website: Not both keys are known
    not_checked ec2 alt-gigadb-website: There is no key to ask EC2 with
    ");
}

#[test]
fn one_key_for_both_sides_fails_and_one_from_elsewhere_is_a_warning() {
    let stage = set_up();
    let file = Path::new(&stage.environment["AWS_SHARED_CREDENTIALS_FILE"]);
    let keys = fs::read_to_string(file).unwrap();
    let developer = format!(
        "{keys}\n[GigaDB]\naws_access_key_id={}\naws_secret_access_key={}\n",
        world::ACCESS_KEY_ID_ALT,
        world::SECRET_KEY_ALT
    );
    fs::write(file, developer).unwrap();
    assert_snapshot!(difference(&stage), @r"
    exit 0
    warning aws keys alt-gigadb-website: Its key is that of `GigaDB` too
    ");
    let same = keys
        .replace(world::ACCESS_KEY_ID_ALT, world::ACCESS_KEY_ID_UPSTREAM)
        .replace(world::SECRET_KEY_ALT, world::SECRET_KEY_UPSTREAM);
    fs::write(file, same).unwrap();
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed aws keys alt-gigadb-website, gigadb-website: Both sides use one AWS access key
    ");
    for id in [world::ACCESS_KEY_ID_ALT, world::ACCESS_KEY_ID_UPSTREAM] {
        assert!(!stage.run(&CHECK).contains(id));
    }
}

#[test]
fn a_region_out_of_reach_fails_and_missing_addresses_are_a_warning() {
    let stage = set_up();
    let edit = Edit::ReleaseAddress {
        region: "ap-southeast-2".to_owned(),
        name: "eip-gigadb-files-live-gigadb".to_owned(),
    };
    stage.simulator.edit(|world| world.apply(&edit)).unwrap();
    let fault = Fault::new(Effect::Refuse).api(Api::Ec2).region("ap-east-1");
    stage.simulator.fault(fault.always());
    assert_snapshot!(difference(&stage), @r"
    exit 1
    warning ec2 alt-gigadb-website: 5 of 6 Elastic IPs: `eip-gigadb-files-live-gigadb` missing
    failed ec2 gigadb-website: EC2 in ap-east-1 (profile `Upstream`) refused DescribeAddresses with 403, code UnauthorizedOperation: You are not authorized to perform this operation (request id 5a1f3c9e-0000-4444-8888-ffffffffffff)
    ");
}

/// As with the names of another owner: nothing of the side would ever be found.
#[test]
fn a_side_without_any_of_its_addresses_fails() {
    let stage = set_up();
    stage.simulator.edit(|world| {
        for account in &mut world.aws.accounts {
            if let Some(region) = account.regions.get_mut("ap-southeast-2") {
                region.addresses.clear();
            }
        }
    });
    let told = difference(&stage);
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(
        told.contains("failed ec2 alt-gigadb-website: 0 of 6 Elastic IPs: "),
        "{told}"
    );
}

#[test]
fn tokens_of_cloudflare_are_told_apart() {
    let with = |token: &str| set_up().with("CLOUDFLARE_API_TOKEN", token);
    // Owned by an account: refused where users' tokens are verified, and well all the same.
    assert_snapshot!(difference(&with(world::CLOUDFLARE_ACCOUNT_TOKEN)), @r"exit 0");
    // Whether a token may write, no read can tell.
    assert_snapshot!(difference(&with(world::CLOUDFLARE_READ_TOKEN)), @r"exit 0");
    assert_snapshot!(difference(&with(world::CLOUDFLARE_ONE_ZONE_TOKEN)), @r"
    exit 1
    failed zone alt-live.gigadb.host: No zone that the Cloudflare token can see holds `alt-live.gigadb.host`: it sees `gigadb.org`
    failed zone alt-staging.gigadb.host: No zone that the Cloudflare token can see holds `alt-staging.gigadb.host`: it sees `gigadb.org`
    failed zone bastion-stg.gigadb.host: No zone that the Cloudflare token can see holds `bastion-stg.gigadb.host`: it sees `gigadb.org`
    failed zone bastion.alt-live.gigadb.host: No zone that the Cloudflare token can see holds `bastion.alt-live.gigadb.host`: it sees `gigadb.org`
    failed zone bastion.alt-staging.gigadb.host: No zone that the Cloudflare token can see holds `bastion.alt-staging.gigadb.host`: it sees `gigadb.org`
    failed zone files.alt-staging.gigadb.host: No zone that the Cloudflare token can see holds `files.alt-staging.gigadb.host`: it sees `gigadb.org`
    failed zone portainer.alt-live.gigadb.host: No zone that the Cloudflare token can see holds `portainer.alt-live.gigadb.host`: it sees `gigadb.org`
    failed zone portainer.alt-staging.gigadb.host: No zone that the Cloudflare token can see holds `portainer.alt-staging.gigadb.host`: it sees `gigadb.org`
    ");
    assert_snapshot!(difference(&with(world::CLOUDFLARE_REVOKED_TOKEN)), @r"
    exit 1
    failed cloudflare token CLOUDFLARE_API_TOKEN: Cloudflare refused GET /zones with 403, code 10000: Authentication error (request id a5237d6cb6aba451-SIM)
    not_checked zone all: The zones could not be read
    not_checked dns records all: The zones could not be read
    not_checked dns write all: The zones could not be read
    ");
    assert_snapshot!(difference(&set_up().without("CLOUDFLARE_API_TOKEN")), @r"
    exit 1
    failed cloudflare token CLOUDFLARE_API_TOKEN: The Cloudflare API token is not set; set `CLOUDFLARE_API_TOKEN` in the environment, or `cloudflare.api_token` in the provider block
    not_checked zone all: The zones could not be read
    not_checked dns records all: The zones could not be read
    not_checked dns write all: The zones could not be read
    ");
}

#[test]
fn zones_that_cloudflare_does_not_serve_and_records_out_of_sight_fail() {
    let stage = set_up();
    stage.simulator.edit(|world| {
        world.cloudflare.zone_mut("gigadb.host").unwrap().status = ZoneStatus::Pending;
    });
    let fault = Fault::new(Effect::Unauthorized).api(Api::Cloudflare);
    let records = fault.template("/zones/{zone_id}/dns_records");
    stage.simulator.fault(records.always());
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed zone gigadb.host: No active zone is visible for `alt-live.gigadb.host`: zone `gigadb.host` is visible and not active
    failed dns records gigadb.org: Cloudflare refused GET /zones/{zone_id}/dns_records with 401, code 1000: Invalid API Token (zone `gigadb.org`)
    ");
}

#[test]
fn tokens_of_gitlab_are_told_apart() {
    let with = |token: &str| set_up().with("GITLAB_TOKEN", token);
    assert_snapshot!(difference(&with(world::GITLAB_READ_TOKEN)), @r"
    exit 1
    failed gitlab token GITLAB_TOKEN: It has not scope `api` but `read_api`
    ");
    assert_snapshot!(difference(&with(world::GITLAB_DEVELOPER_TOKEN)), @r"
    exit 1
    failed gitlab project alt-gigadb-website: The token's role in `gigascience/upstream/alt-gigadb-website` is Developer
    failed gitlab project gigadb-website: The token's role in `gigascience/upstream/gigadb-website` is Developer
    failed gitlab variables alt-gigadb-website live: GitLab refused GET /projects/{id}/variables with 403, 403 Forbidden (project `gigascience/upstream/alt-gigadb-website`, request id 2493323aede2c463be3e92d52e3f5993)
    failed gitlab variables alt-gigadb-website staging: GitLab refused GET /projects/{id}/variables with 403, 403 Forbidden (project `gigascience/upstream/alt-gigadb-website`, request id 2493323aede2c463be3e92d52e3f5993)
    failed gitlab variables gigadb-website live: GitLab refused GET /projects/{id}/variables with 403, 403 Forbidden (project `gigascience/upstream/gigadb-website`, request id 4af762e75e5ace07923e4a4fcc396ac8)
    failed gitlab variables gigadb-website staging: GitLab refused GET /projects/{id}/variables with 403, 403 Forbidden (project `gigascience/upstream/gigadb-website`, request id 4af762e75e5ace07923e4a4fcc396ac8)
    ");
    assert_snapshot!(difference(&with(world::GITLAB_EXPIRED_TOKEN)), @r"
    exit 1
    failed gitlab token GITLAB_TOKEN: GitLab refused GET /personal_access_tokens/self with 401, invalid_token: Token is expired. You can either do re-authorization or token refresh (the token, request id cda89fc293a779d2653ca1da4df19590)
    not_checked gitlab project all: The token was not accepted
    not_checked gitlab variables all: The token was not accepted
    not_checked gitlab write all: The token was not accepted
    ");
    assert_snapshot!(difference(&set_up().without("GITLAB_TOKEN")), @r"
    exit 1
    failed gitlab token GITLAB_TOKEN: The GitLab token is not set; set `GITLAB_TOKEN` or `GITLAB_PRIVATE_TOKEN` in the environment, or `gitlab.token` in the provider block
    not_checked gitlab project all: GitLab could not be asked
    not_checked gitlab variables all: GitLab could not be asked
    not_checked gitlab write all: GitLab could not be asked
    ");
}

#[test]
fn tokens_that_end_soon_are_a_warning() {
    let stage = set_up();
    let soon = Timestamp::now() + (24 * 5).hours();
    let day = soon.to_string().split('T').next().unwrap().to_owned();
    stage.simulator.edit(|world| {
        world.cloudflare.tokens[0].expires_on = Some(soon.to_string());
        world.gitlab.tokens[0].expires_at = Some(day.clone());
    });
    let said = difference(&stage).replace(&day, "DAY");
    assert_snapshot!(said, @r"
    exit 0
    warning cloudflare token CLOUDFLARE_API_TOKEN: It ends on DAY
    warning gitlab token GITLAB_TOKEN: It ends on DAY
    ");
    stage.simulator.edit(|world| {
        let later = Timestamp::now() + (24 * 300).hours();
        world.cloudflare.tokens[0].expires_on = Some(later.to_string());
    });
    assert!(
        difference(&stage).contains("ok cloudflare token CLOUDFLARE_API_TOKEN: accepted, until")
    );
}

#[test]
fn a_project_that_is_not_visible_or_lends_another_role_fails() {
    let stage = set_up();
    stage.simulator.edit(|world| {
        let access = &mut world.gitlab.tokens[0].access;
        access.remove(world::PROJECT);
        access.insert(world::ALT_PROJECT.to_owned(), AccessLevel::Owner);
    });
    assert_snapshot!(difference(&stage), @r"
    exit 1
    ok gitlab project alt-gigadb-website: Owner of `gigascience/upstream/alt-gigadb-website`
    failed gitlab project gigadb-website: GitLab refused GET /projects/{id} with 404, 404 Project Not Found (project `gigascience/upstream/gigadb-website`, request id 80edce00b680e35f03fd1d9016c629c1)
    failed gitlab variables gigadb-website live: GitLab refused GET /projects/{id}/variables with 404, 404 Project Not Found (project `gigascience/upstream/gigadb-website`, request id 4af762e75e5ace07923e4a4fcc396ac8)
    failed gitlab variables gigadb-website staging: GitLab refused GET /projects/{id}/variables with 404, 404 Project Not Found (project `gigascience/upstream/gigadb-website`, request id 4af762e75e5ace07923e4a4fcc396ac8)
    ");
}

#[test]
fn variables_out_of_sight_fail_by_name() {
    let stage = set_up();
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(world::PROJECT).unwrap();
        project.variable_mut("HOME_URL", "live").unwrap().hidden = true;
        project.variables.retain(|row| {
            (row.key.as_str(), row.environment_scope.as_str()) != ("REMOTE_HOSTNAME", "staging")
        });
    });
    assert_snapshot!(difference(&stage), @r"
    exit 1
    failed gitlab variables gigadb-website live: `HOME_URL` is hidden, so that its present value can be neither reviewed nor restored
    failed gitlab variables gigadb-website staging: `REMOTE_HOSTNAME` is stored only under the wildcard scope `review/*`
    ");
}

#[test]
fn an_api_that_does_not_answer_is_no_pass() {
    for api in [Api::Cloudflare, Api::Gitlab, Api::Ec2] {
        let stage = set_up();
        stage
            .simulator
            .fault(Fault::new(Effect::Refuse).api(api).always());
        let (code, checks) = told(&stage, &[]);
        assert_eq!(code, Some(1), "{checks:#?}");
        let of_it = |line: &&String| match api {
            Api::Cloudflare => line.contains("zone") || line.contains("dns"),
            Api::Gitlab => line.contains("gitlab variables") || line.contains("gitlab project"),
            _ => line.contains(" ec2 "),
        };
        // The path of the topology may hold any word.
        let checks = checks.iter().filter(|line| !line.contains(" topology "));
        let found: Vec<_> = checks.filter(of_it).collect();
        assert!(!found.is_empty());
        for line in found {
            assert!(!line.starts_with("ok"), "{line}");
        }
    }
}

#[test]
fn what_gitlab_answers_is_advised_on_by_its_kind() {
    let answer = |status, path: &str| {
        let effect = Effect::Error {
            status,
            code: String::new(),
            message: "maintenance".to_owned(),
        };
        let fault = Fault::new(effect).api(Api::Gitlab).always();
        fault.path_contains(path)
    };
    let rows = |stage: &Stage| {
        let output = stage.output(&["check", "--format", "json"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["checks"].as_array().unwrap().clone()
    };
    let of = |rows: &[Value], check: &str| {
        let mut rows = rows.iter().filter(|row| row["check"] == check);
        rows.next().unwrap().clone()
    };
    for (status, path, check, result) in [
        (503, "gigadb-roles-live/lock", "lease", "failed"),
        (503, "personal_access_tokens", "gitlab token", "warning"),
    ] {
        let stage = locked();
        stage.simulator.fault(answer(status, path));
        let row = of(&rows(&stage), check);
        assert_eq!(row["result"], result, "{row}");
        let next = row["next"].as_str().unwrap();
        assert!(next.contains("status.gitlab.com"), "{row}");
    }
    for (status, because) in [
        (503, "GitLab could not be asked"),
        (401, "The token was not accepted"),
    ] {
        let stage = locked();
        stage.simulator.fault(answer(status, "/"));
        let row = of(&rows(&stage), "gitlab variables");
        assert_eq!(row["result"], "not_checked", "{row}");
        let found = row["found"].as_str().unwrap();
        assert!(found.starts_with(because), "{row}");
    }
}

#[test]
fn a_hostname_without_a_zone_is_named_with_its_place() {
    let stage = set_up();
    let file = stage.environment["GIGADB_TOPOLOGY"].clone();
    let text = std::fs::read_to_string(stage.folder().join(file)).unwrap();
    let text = text.replace("bastion.gigadb.org", "Bastion_gigadb.org");
    let line = text.lines().position(|line| line.contains("Bastion_"));
    let column = text.lines().find_map(|line| line.find("Bastion_"));
    let (line, column) = (line.unwrap() + 1, column.unwrap() + 1);
    let own = stage.write("topology.yaml", &text);
    let stage = stage.with("GIGADB_TOPOLOGY", own.to_str().unwrap());
    let output = stage.output(&["check"]);
    let told = stage.told(&output);
    let place = format!("It stands at `$HOME/topology.yaml:{line}:{column}`.");
    assert!(
        told.contains("holds `bastion_gigadb.org`") && told.contains(&place),
        "{place} is not in {told}"
    );
}
