//! What is said when an API refuses, is out of reach, or talks nonsense.

use std::time::Duration;

use gigadb_clients::{Apis, Secret};
use gigadb_engine::world::World;
use gigadb_simulator::{
    Api, Effect, Fault,
    world::{self, OptIn},
};
use insta::assert_snapshot;

use super::setup::Bench;

fn error(status: u16, code: &str, message: &str) -> Effect {
    Effect::Error {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

async fn zones_after(effect: Effect) -> (String, usize) {
    let bench = Bench::start().await;
    bench
        .simulator
        .fault(Fault::new(effect).template("/zones").always());
    let world = bench.observe().await;
    let failure = bench.show(world.zones.failure().unwrap());
    // Another API's trouble is not this one's.
    assert!(world.variables.values().all(|v| v.failure().is_none()));
    assert!(world.sides.values().all(|s| s.failure().is_none()));
    (failure, bench.requests(Api::Cloudflare, "GET").len())
}

fn variables(bench: &Bench, world: &World, side: &str) -> String {
    bench.show(world.variables[side].failure().unwrap())
}

fn machines(bench: &Bench, world: &World, side: &str) -> String {
    bench.show(world.sides[side].failure().unwrap())
}

#[tokio::test]
async fn cloudflare_refuses_in_many_ways() {
    let (text, requests) = zones_after(Effect::Refuse).await;
    assert_snapshot!(text, @"Refused: Cloudflare refused GET /zones with 403, code 10000: Authentication error");
    assert_eq!(requests, 1);
    let (text, _) = zones_after(error(400, "9106", "Authentication failed")).await;
    assert_snapshot!(text, @"Refused: Cloudflare refused GET /zones with 400, code 9106: Authentication failed");
    let (text, _) = zones_after(error(
        403,
        "9109",
        "Cannot use the access token from location: 192.0.2.7",
    ))
    .await;
    assert_snapshot!(text, @"Refused: Cloudflare refused GET /zones with 403, code 9109: Cannot use the access token from location: 192.0.2.7");
}

#[tokio::test]
async fn cloudflare_in_trouble_is_asked_three_times() {
    let (text, requests) = zones_after(Effect::BadGateway).await;
    assert_snapshot!(text, @"Unreachable: GET /zones to Cloudflare was answered with 502 and an HTML page titled `502 Bad Gateway`, which is not the API's answer (3 attempts)");
    assert_eq!(requests, 3);
    let (text, requests) = zones_after(Effect::ResetBeforeCommit).await;
    assert!(
        text.starts_with("Unreachable: the connection to Cloudflare broke during GET /zones: "),
        "{text}"
    );
    assert!(text.ends_with(" (3 attempts)"), "{text}");
    assert_eq!(requests, 3);
}

#[tokio::test]
async fn one_bad_moment_is_not_noticed() {
    for effect in [
        Effect::BadGateway,
        Effect::ServerError,
        Effect::ResetBeforeCommit,
        Effect::RateLimited {
            retry_after: Some(0),
        },
        Effect::RateLimited { retry_after: None },
    ] {
        let bench = Bench::start().await;
        for api in [Api::Cloudflare, Api::Gitlab, Api::Ec2] {
            bench.simulator.fault(Fault::new(effect.clone()).api(api));
        }
        let world = bench.observe().await;
        assert_eq!(bench.simulator.pending_faults(), 0);
        assert!(world.zones.failure().is_none(), "{effect:?}");
        assert!(
            world.variables.values().all(|v| v.failure().is_none()),
            "{effect:?}"
        );
        assert!(
            world.sides.values().all(|s| s.failure().is_none()),
            "{effect:?}"
        );
        assert_eq!(bench.simulator.requests().len(), 10 + 3, "{effect:?}");
    }
}

#[tokio::test]
async fn a_long_pause_that_is_asked_for_ends_the_call_and_gives_the_time() {
    let (text, requests) = zones_after(Effect::RateLimited {
        retry_after: Some(7200),
    })
    .await;
    assert_eq!(requests, 1);
    let (before, after) = text.split_once("; it asks to wait 7200 s, until ").unwrap();
    assert_snapshot!(before, @"Unreachable: Cloudflare limits the rate of requests: GET /zones was answered with 429, code 10300: More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed");
    assert!(after.ends_with(" GMT"), "{after}");
}

#[tokio::test]
async fn a_missing_token_is_named_when_it_is_needed() {
    let bench = Bench::start().await;
    let mut settings = bench.settings();
    settings.cloudflare.token = None;
    settings.gitlab.token = None;
    let world = bench.observe_with(&Apis::new(settings)).await;
    assert_snapshot!(bench.show(world.zones.failure().unwrap()), @"Misconfigured: the Cloudflare API token is not set; set `CLOUDFLARE_API_TOKEN` in the environment, or `cloudflare.api_token` in the provider block");
    assert_snapshot!(variables(&bench, &world, "gigadb-website"), @"Misconfigured: the GitLab token is not set; set `GITLAB_TOKEN` or `GITLAB_PRIVATE_TOKEN` in the environment, or `gitlab.token` in the provider block");
    assert!(bench.requests(Api::Cloudflare, "GET").is_empty());
    assert!(bench.requests(Api::Gitlab, "GET").is_empty());
}

#[tokio::test]
async fn gitlab_refuses_one_project_and_the_other_is_read() {
    let bench = Bench::start().await;
    bench.simulator.edit(|world| {
        let token = world.gitlab.tokens.iter_mut().next().unwrap();
        token.access.remove(world::ALT_PROJECT);
    });
    let world = bench.observe().await;
    assert!(world.variables["gigadb-website"].failure().is_none());
    assert_snapshot!(variables(&bench, &world, "alt-gigadb-website"), @"Refused: GitLab refused GET /projects/{id}/variables with 404, 404 Project Not Found (project `gigascience/upstream/alt-gigadb-website`, request id [id])");
}

#[tokio::test]
async fn gitlab_tokens_that_are_not_enough() {
    let bench = Bench::start().await;
    let with = async |token: &str| {
        let mut settings = bench.settings();
        settings.gitlab.token = Some(Secret::new(token));
        let world = bench.observe_with(&Apis::new(settings)).await;
        variables(&bench, &world, "gigadb-website")
    };
    assert_snapshot!(with(world::GITLAB_DEVELOPER_TOKEN).await, @"Refused: GitLab refused GET /projects/{id}/variables with 403, 403 Forbidden (project `gigascience/upstream/gigadb-website`, request id [id])");
    assert_snapshot!(with(world::GITLAB_EXPIRED_TOKEN).await, @"Refused: GitLab refused GET /projects/{id}/variables with 401, invalid_token: Token is expired. You can either do re-authorization or token refresh (project `gigascience/upstream/gigadb-website`, request id [id])");
}

#[tokio::test]
async fn a_renamed_project_is_not_followed_but_named() {
    let mut bench = Bench::start().await;
    let side = "gigadb-website".parse().unwrap();
    let side = bench
        .topology
        .infrastructures
        .get_mut::<gigadb_engine::name::InfrastructureName>(&side)
        .unwrap();
    side.gitlab_project = "gigascience/former/gigadb-website".to_owned();
    let world = bench.observe().await;
    assert_snapshot!(variables(&bench, &world, "gigadb-website"), @"Refused: GitLab answered GET /projects/{id}/variables with 301: the project has moved to `gigascience/upstream/gigadb-website` (project `gigascience/former/gigadb-website`, request id [id])");
}

#[tokio::test]
async fn nobody_listens() {
    let bench = Bench::start().await;
    bench.simulator.stop_listening().unwrap();
    let world = bench.observe().await;
    let zones = bench.show(world.zones.failure().unwrap());
    assert!(
        zones
            .starts_with("Unreachable: no connection to Cloudflare at [endpoint] for GET /zones: "),
        "{zones}"
    );
    let variables = variables(&bench, &world, "gigadb-website");
    assert!(
        variables.starts_with(
            "Unreachable: no connection to GitLab at [endpoint] for GET /projects/{id}/variables: "
        ),
        "{variables}"
    );
    let machines = machines(&bench, &world, "gigadb-website");
    assert!(
        machines.starts_with(
            "Unreachable: no connection to EC2 in ap-east-1 (profile `Upstream`) for "
        ),
        "{machines}"
    );
}

#[tokio::test]
async fn a_side_that_does_not_answer_is_given_up_and_not_asked_again() {
    let bench = Bench::start().await;
    bench
        .simulator
        .fault(Fault::new(Effect::Hang).region("ap-east-1").always());
    let mut settings = bench.settings();
    settings.timing.side_reads = Duration::from_secs(2);
    let apis = Apis::new(settings);
    let world = bench.observe_with(&apis).await;
    assert!(world.sides["alt-gigadb-website"].failure().is_none());
    let first = machines(&bench, &world, "gigadb-website");
    assert!(
        first.starts_with("Unreachable: EC2 in ap-east-1 (profile `Upstream`) did not answer"),
        "{first}"
    );

    bench.simulator.clear_requests();
    let world = bench.observe_with(&apis).await;
    assert_snapshot!(machines(&bench, &world, "gigadb-website"), @"Unreachable: EC2 was not asked again for gigadb-website: it did not answer for 2 s before");
    let asked = bench.simulator.requests();
    assert!(
        asked
            .iter()
            .all(|r| r.region.as_deref() != Some("ap-east-1"))
    );
}

#[tokio::test]
async fn a_slow_answer_is_given_up_after_the_attempts() {
    let bench = Bench::start().await;
    let slow = Fault::new(Effect::Hang).api(Api::Gitlab).always();
    bench.simulator.fault(slow);
    let mut settings = bench.settings();
    settings.timing.attempt = Duration::from_millis(200);
    let world = bench.observe_with(&Apis::new(settings)).await;
    assert_snapshot!(variables(&bench, &world, "gigadb-website"), @"Unreachable: GitLab did not answer GET /projects/{id}/variables within 0.2 s (project `gigascience/upstream/gigadb-website`, 3 attempts)");
}

#[tokio::test]
async fn ec2_refuses() {
    let bench = Bench::start().await;
    bench.simulator.edit(|world| {
        let account = &mut world.aws.accounts[0];
        account.regions.get_mut("ap-east-1").unwrap().opt_in = OptIn::NotOptedIn;
        let key = account
            .keys
            .iter_mut()
            .find(|k| k.id == world::ACCESS_KEY_ID_ALT);
        key.unwrap().denied.push("ec2:DescribeInstances".to_owned());
    });
    let world = bench.observe().await;
    let text = machines(&bench, &world, "gigadb-website");
    assert!(text.ends_with("ap-east-1 is a region that each account must enable: it may not be enabled for the account of profile `Upstream` (request id [id])"), "{text}");
    assert!(
        text.starts_with("Refused: EC2 in ap-east-1 (profile `Upstream`) refused Describe"),
        "{text}"
    );
    let text = machines(&bench, &world, "alt-gigadb-website");
    assert!(text.starts_with("Refused: EC2 in ap-southeast-2 (profile `UpstreamAlt`) refused DescribeInstances with 403, code UnauthorizedOperation: "), "{text}");
}

#[tokio::test]
async fn a_missing_profile_is_named_with_the_files() {
    let bench = Bench::start().await;
    std::fs::write(bench.home.path().join("config"), "").unwrap();
    std::fs::write(bench.home.path().join("credentials"), "[Other]\n").unwrap();
    let world = bench.observe().await;
    let text = machines(&bench, &world, "gigadb-website");
    assert_snapshot!(text, @r"Misconfigured: AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: there is no profile `Upstream` (files: `[home]/config`, `[home]/credentials`)");
    assert!(bench.requests(Api::Ec2, "POST").is_empty());
}

#[tokio::test]
async fn what_is_no_matter_of_rights_asks_for_none() {
    use gigadb_engine::{
        advice::{self, Asked},
        world::Cause,
    };
    let project = "gigascience/upstream/gigadb-website";
    for status in [400, 409, 422, 451] {
        let bench = Bench::start().await;
        for api in [Api::Cloudflare, Api::Gitlab, Api::Ec2] {
            let fault = Fault::new(error(status, "7", "x")).api(api).always();
            bench.simulator.fault(fault);
        }
        let world = bench.observe().await;
        let side = "gigadb-website";
        let failures = [
            (Asked::Records, world.zones.failure().unwrap()),
            (
                Asked::Project(project),
                world.variables[side].failure().unwrap(),
            ),
            (
                Asked::Region {
                    profile: "Upstream",
                    region: "ap-east-1",
                },
                world.sides[side].failure().unwrap(),
            ),
        ];
        for (asked, failure) in failures {
            assert_eq!(failure.cause, Cause::Request, "{status}: {failure}");
            let next = advice::next(asked, failure);
            for word in ["Give", "TOKEN", "failover", "Maintainer", "ec2:"] {
                assert!(!next.contains(word), "{status}: {next}");
            }
        }
    }
}
