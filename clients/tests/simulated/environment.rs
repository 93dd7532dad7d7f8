//! What the process environment may and may not do. Each test runs itself again as a process of
//! its own, with the environment it is about.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    process::Command,
};

use gigadb_clients::{Apis, Scope, Secret, Which, settings::Proxy};
use gigadb_simulator::{Api, Options, Simulator, World as Seed, world};
use tokio_util::sync::CancellationToken;

use super::{
    canned::{answer, serve},
    profiles::printed,
    setup::Bench,
};

/// Set in the process that runs one test again.
const INNER: &str = "GIGADB_TEST_INNER";

fn run_again(test: &str, variables: &[(&str, &str)]) {
    let test = format!("simulated::{test}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
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

/// A proxy that notes which hosts it is asked for and connects to none.
fn refusing_proxy(answers: usize) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for stream in listener.incoming().take(answers) {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
            asked.push(line.trim().to_owned());
        }
        asked.sort();
        asked
    });
    (url, asked)
}

#[tokio::test]
async fn https_goes_through_the_proxy_and_plain_http_never_does() {
    let bench = Bench::start().await;
    let (url, asked) = refusing_proxy(4);
    let mut settings = bench.settings();
    settings.timing.attempts = 1;
    settings.proxy = Some(Proxy {
        url: Secret::new(url.replace("http://", "http://user:planted@")),
        bypass: "bypassed.example".to_owned(),
        variable: "HTTPS_PROXY",
    });
    let plain = bench.observe_with(&Apis::new(settings.clone())).await;
    assert!(plain.zones.failure().is_none());
    assert!(plain.sides["gigadb-website"].failure().is_none());

    settings.cloudflare.base_url = "https://cloudflare.invalid".parse().unwrap();
    settings.gitlab.base_url = "https://bypassed.example:9".parse().unwrap();
    settings.aws.endpoint_url = Some("https://ec2.invalid".to_owned());
    let scope = Scope {
        sides: Which::one("gigadb-website".parse().unwrap()),
        ..Scope::everything()
    };
    let cancel = CancellationToken::new();
    let apis = Apis::new(settings);
    let world = apis.observe(&bench.topology, &scope, &cancel).await;
    let shown = format!("{world:?} {apis:?}");
    assert!(!shown.contains("planted"), "{shown}");
    assert!(world.zones.failure().is_some());
    // Whether EC2 asks for both of its calls depends on which is first to be refused.
    drop(std::net::TcpStream::connect(
        url.trim_start_matches("http://"),
    ));
    drop(std::net::TcpStream::connect(
        url.trim_start_matches("http://"),
    ));
    let mut asked = asked.join().unwrap();
    asked.retain(|line| !line.is_empty());
    asked.dedup();
    assert_eq!(
        asked,
        [
            "CONNECT cloudflare.invalid:443 HTTP/1.1",
            "CONNECT ec2.invalid:443 HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn a_profile_may_assume_a_role() {
    if !is_inner() {
        let credentials = format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>\
             <AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
             <SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
             </Credentials></AssumeRoleResult></AssumeRoleResponse>",
            world::ACCESS_KEY_ID_UPSTREAM,
            world::SECRET_KEY_UPSTREAM
        );
        let answer = answer("200 OK", "", &credentials);
        let sts = serve(vec![answer.clone(), answer]);
        run_again(
            "environment::a_profile_may_assume_a_role",
            &[("AWS_ENDPOINT_URL_STS", &sts)],
        );
        return;
    }
    // With a key of the files, then with one that a program gives.
    for program in [false, true] {
        let bench = Bench::start().await;
        let config = "[profile Upstream]\nrole_arn = arn:aws:iam::111122223333:role/readonly\n\
                      source_profile = UpstreamAlt\n";
        let write = |name: &str, text: &str| {
            std::fs::write(bench.home.path().join(name), text).unwrap();
        };
        let credentials = std::fs::read_to_string(bench.home.path().join("credentials")).unwrap();
        let alone = credentials.split("[UpstreamAlt]").nth(1).unwrap();
        if program {
            let keys = printed(&bench, world::ACCESS_KEY_ID_ALT, world::SECRET_KEY_ALT);
            write("config", &format!("{config}[profile UpstreamAlt]\n{keys}"));
            write("credentials", "");
        } else {
            write("config", config);
            write("credentials", &format!("[UpstreamAlt]{alone}"));
        }
        let world = bench.observe().await;
        assert_eq!(world.sides["gigadb-website"].failure(), None);
        let asked = bench.requests(Api::Ec2, "POST");
        let mut asked = asked
            .iter()
            .filter(|r| r.region.as_deref() == Some("ap-east-1"));
        assert!(asked.all(|r| r.access_key_id.as_deref() == Some(world::ACCESS_KEY_ID_UPSTREAM)));
    }
}
