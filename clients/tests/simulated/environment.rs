//! What the process environment may and may not do. Each test runs itself again as a process of
//! its own, with the environment it is about.

use std::process::Command;

use gigadb_clients::Apis;
use gigadb_simulator::{Api, Options, Simulator, World as Seed, world};

use crate::setup::Bench;

/// Set in the process that runs one test again.
const INNER: &str = "GIGADB_TEST_INNER";

fn run_again(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INNER, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

fn is_inner() -> bool {
    std::env::var_os(INNER).is_some()
}

#[tokio::test]
async fn keys_and_regions_in_the_environment_cannot_merge_the_sides() {
    let bench = Bench::start().await;
    let world = bench.observe().await;
    assert!(
        world.sides.values().all(|s| s.failure().is_none()),
        "{world:?}"
    );
    let mut asked: Vec<_> = bench
        .requests(Api::Ec2, "POST")
        .into_iter()
        .map(|r| (r.region.unwrap(), r.access_key_id.unwrap()))
        .collect();
    asked.sort();
    asked.dedup();
    let upstream = (
        world::REGION_UPSTREAM.to_owned(),
        world::ACCESS_KEY_ID_UPSTREAM.to_owned(),
    );
    let alt = (
        world::REGION_ALT.to_owned(),
        world::ACCESS_KEY_ID_ALT.to_owned(),
    );
    assert_eq!(asked, [upstream, alt]);
    if !is_inner() {
        run_again(
            "environment::keys_and_regions_in_the_environment_cannot_merge_the_sides",
            &[
                ("AWS_ACCESS_KEY_ID", world::ACCESS_KEY_ID_ALT),
                ("AWS_SECRET_ACCESS_KEY", world::SECRET_KEY_ALT),
                ("AWS_SESSION_TOKEN", "token"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_DEFAULT_REGION", "us-east-1"),
                ("AWS_PROFILE", world::PROFILE_ALT),
                ("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9"),
                ("AWS_MAX_ATTEMPTS", "1"),
            ],
        );
    }
}

#[tokio::test]
async fn https_is_trusted_through_ssl_cert_file_and_not_without() {
    let options = Options {
        https: true,
        ..Options::default()
    };
    let https = Simulator::start_with(Seed::sop(), &options).unwrap();
    let bench = Bench::start().await;
    let urls = match std::env::var(INNER) {
        Ok(_) => std::env::var("GIGADB_TEST_HTTPS").unwrap(),
        Err(_) => https.https_urls().unwrap().aws.clone(),
    };
    let mut settings = bench.settings();
    settings.cloudflare.base_url = format!("{urls}/client/v4").parse().unwrap();
    settings.gitlab.base_url = format!("{urls}/api/v4").parse().unwrap();
    settings.aws.endpoint_url = Some(urls);
    let world = bench.observe_with(&Apis::new(settings)).await;
    let failures = [
        world.zones.failure().cloned(),
        world.variables["gigadb-website"].failure().cloned(),
        world.sides["gigadb-website"].failure().cloned(),
    ];
    if is_inner() {
        assert_eq!(failures, [None, None, None]);
        return;
    }
    for failure in failures {
        let message = failure.unwrap().message;
        assert!(message.contains("no connection to"), "{message}");
        assert!(message.contains("certificate"), "{message}");
    }
    run_again(
        "environment::https_is_trusted_through_ssl_cert_file_and_not_without",
        &[
            ("SSL_CERT_FILE", https.ca_file().unwrap().to_str().unwrap()),
            ("GIGADB_TEST_HTTPS", &https.https_urls().unwrap().aws),
        ],
    );
    assert!(https.requests().iter().any(|r| r.api == Api::Ec2));
}
