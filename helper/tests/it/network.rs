//! Proxies, certificates, and whose fault it is, with the program as it is run.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use gigadb_simulator::{Api, Fault, Options, Simulator, World};

use crate::{check::CHECK, stage::Stage};

const PLAN: [&str; 4] = ["plan", "--environment", "live", "--swap"];

/// A server that notes the first line of each request and answers all of them alike. As a proxy,
/// it connects to no host that it is asked for.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        Self::answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_owned())
    }

    fn answering(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut line = String::new();
                let _ = BufReader::new(&stream).read_line(&mut line);
                // A connection that was given up asks for nothing.
                if !line.is_empty() {
                    noted.lock().unwrap().push(line.trim().to_owned());
                }
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

/// A stage whose APIs are the vendors' own, which only a proxy could reach.
fn public(stage: Stage) -> Stage {
    stage
        .without("CLOUDFLARE_BASE_URL")
        .without("GITLAB_BASE_URL")
        .without("AWS_ENDPOINT_URL")
}

#[test]
fn a_proxy_has_one_meaning_for_all_three_apis() {
    for (variable, prefix) in [
        ("HTTPS_PROXY", ""),
        ("https_proxy", "http://"),
        ("ALL_PROXY", "//"),
        ("all_proxy", "HTTP://user:planted@"),
    ] {
        let proxy = Proxy::start();
        let value = format!("{prefix}{}", proxy.address);
        let stage = public(Stage::sop()).with(variable, &value);
        let told = stage.run(&CHECK);
        assert!(told.starts_with("exit 1"), "{told}");
        assert_eq!(
            proxy.asked(),
            [
                "CONNECT api.cloudflare.com:443 HTTP/1.1",
                "CONNECT ec2.ap-east-1.amazonaws.com:443 HTTP/1.1",
                "CONNECT ec2.ap-southeast-2.amazonaws.com:443 HTTP/1.1",
                "CONNECT gitlab.com:443 HTTP/1.1",
            ],
            "{variable}={value}: {told}"
        );
        let shown = format!("`http://{}` (`{variable}`)", proxy.address);
        // Named in the first rows, and with each failure.
        assert!(told.matches(&shown).count() >= 4, "{told}");
        assert!(
            told.contains(&format!("Look at the proxy that `{variable}` names")),
            "{told}"
        );
        assert!(!told.contains("planted"), "{told}");
        assert!(!told.contains("_TOKEN to"), "{told}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_stops_every_command_and_nothing_goes_past_it() {
    for value in ["socks5://127.0.0.1:1", "ftp://planted:1", "http://:80"] {
        for arguments in [&PLAN[..], &CHECK, &["status"], &["--list"]] {
            let stage = public(Stage::sop()).with("HTTPS_PROXY", value);
            let told = stage.run(arguments);
            assert!(told.starts_with("exit 1"), "{told}");
            assert!(
                told.contains("environment variable `HTTPS_PROXY`"),
                "{told}"
            );
            assert!(told.contains("http://HOST:PORT"), "{told}");
            assert!(!told.contains("planted"), "{told}");
        }
    }
    // Loopback addresses are never reached through a proxy.
    let stage = Stage::sop().with("HTTPS_PROXY", "socks5://127.0.0.1:1");
    stage.answer(&["status"]);
}

#[test]
fn a_profile_may_switch_off_the_endpoint_that_the_environment_names() {
    let proxy = Proxy::start();
    let stage = Stage::sop().with("HTTPS_PROXY", &proxy.address);
    let file = &stage.environment["AWS_CONFIG_FILE"];
    let (heading, setting) = (
        "[profile UpstreamAlt]\n",
        "ignore_configured_endpoint_urls = true\n",
    );
    let config = fs::read_to_string(file).unwrap();
    assert!(config.contains(heading), "{config}");
    fs::write(
        file,
        config.replace(heading, &format!("{heading}{setting}")),
    )
    .unwrap();
    let told = stage.run(&CHECK);
    let alone = ["CONNECT ec2.ap-southeast-2.amazonaws.com:443 HTTP/1.1"];
    assert_eq!(proxy.asked(), alone, "{told}");
    assert!(told.contains("6 of 6 Elastic IPs"), "{told}");
}

#[test]
fn a_machine_without_trusted_certificates_reaches_loopback_and_says_what_is_missing() {
    for missing in ["/dev/null", "/nowhere/ca.pem"] {
        let stage = Stage::sop().with("SSL_CERT_FILE", missing);
        for arguments in [&["status"][..], &["--list"]] {
            stage.answer(arguments);
        }
        stage.answer_with(2, &PLAN);
        // Nothing is reached where it should not be: the proxy is closed.
        let proxy = Proxy::start();
        let public = public(Stage::sop())
            .with("SSL_CERT_FILE", missing)
            .with("HTTPS_PROXY", &proxy.address);
        let failover = [
            "failover",
            "--environment",
            "live",
            "--production",
            "alt-gigadb-website",
            "--yes",
        ];
        let exec = [
            "exec",
            "--role",
            "production",
            "--environment",
            "live",
            "--",
            "true",
        ];
        for arguments in [
            &["status"][..],
            &["--list"],
            &PLAN,
            &CHECK,
            &failover,
            &exec,
        ] {
            let told = public.run(arguments);
            assert!(told.starts_with("exit 1"), "{arguments:?}: {told}");
            assert!(
                told.contains("this machine has no trusted certificates"),
                "{told}"
            );
            assert!(told.contains("ca-certificates"), "{told}");
            assert!(told.contains("SSL_CERT_FILE"), "{told}");
            assert!(!told.contains("panicked"), "{told}");
        }
        assert_eq!(proxy.asked(), Vec::<String>::new());
    }
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_aws_tools_trust_it() {
    let options = Options {
        https: true,
        ..Options::default()
    };
    let https = Simulator::start_with(World::sop(), &options).unwrap();
    let pem = https.ca_file().unwrap().to_str().unwrap().to_owned();
    let stage = || Stage::sop().with("AWS_ENDPOINT_URL", &https.https_urls().unwrap().aws);

    let told = stage().run(&PLAN);
    assert!(told.contains("UnknownIssuer"), "{told}");
    assert!(told.contains("All sides failed alike"), "{told}");
    assert!(told.contains("SSL_CERT_FILE"), "{told}");
    assert!(told.contains("AWS_CA_BUNDLE"), "{told}");
    assert!(!told.contains("failover"), "{told}");

    stage().with("AWS_CA_BUNDLE", &pem).answer_with(2, &PLAN);
    let stage_with_profile = stage();
    let file = &stage_with_profile.environment["AWS_CONFIG_FILE"];
    let config = std::fs::read_to_string(file).unwrap();
    let config = config.replace("region", &format!("ca_bundle = {pem}\nregion"));
    std::fs::write(file, config).unwrap();
    stage_with_profile.answer_with(2, &PLAN);

    let told = stage().with("AWS_CA_BUNDLE", "/nowhere.pem").run(&PLAN);
    assert!(
        told.contains("`/nowhere.pem`, which `AWS_CA_BUNDLE` names, could not be read"),
        "{told}"
    );
}

#[test]
fn an_unknown_authority_of_cloudflare_or_gitlab_is_told_as_one() {
    let options = Options {
        https: true,
        ..Options::default()
    };
    let https = Simulator::start_with(World::sop(), &options).unwrap();
    let pem = https.ca_file().unwrap().to_str().unwrap().to_owned();
    let urls = https.https_urls().unwrap();
    for (variable, url) in [
        ("CLOUDFLARE_BASE_URL", &urls.cloudflare),
        ("GITLAB_BASE_URL", &urls.gitlab),
    ] {
        let stage = Stage::sop().with(variable, url);
        for arguments in [&PLAN[..], &CHECK] {
            let told = stage.run(arguments);
            assert!(told.starts_with("exit 1"), "{told}");
            assert!(told.contains("UnknownIssuer"), "{told}");
            let next = "set `SSL_CERT_FILE` to a file that holds its authority's certificate";
            assert!(told.contains(next), "{told}");
            // What only EC2 heeds is not advised, nor what heals no certificate.
            for other in ["AWS_CA_BUNDLE", "_TOKEN to", "gigadb-roles failover"] {
                assert!(!told.contains(other), "{other}: {told}");
            }
        }
        stage.with("SSL_CERT_FILE", &pem).answer_with(2, &PLAN);
    }
}

/// What `check` and `plan` say about an answer that is changed on its way.
fn changed(
    api: Api,
    change: impl Fn(&mut gigadb_simulator::Answer) + Send + Sync + 'static,
) -> [String; 2] {
    let stage = Stage::sop();
    stage.simulator.fault(Fault::reshape(change).api(api));
    [stage.run(&CHECK), stage.run(&PLAN)]
}

#[test]
fn a_page_is_named_as_one_and_no_token_is_asked_for() {
    for status in [403, 511] {
        for api in [Api::Cloudflare, Api::Gitlab, Api::Ec2] {
            let page = "<!doctype html><html><head><title>Blocked by policy</title></head></html>";
            for told in changed(api, move |answer| answer.replace(status, "text/html", page)) {
                assert!(
                    told.contains("an HTML page titled `Blocked by policy`"),
                    "{told}"
                );
                assert!(
                    told.contains("A proxy, a filter or a sign-in page"),
                    "{told}"
                );
                assert!(!told.contains("_TOKEN to"), "{told}");
                assert!(!told.contains("gigadb-roles failover"), "{told}");
            }
        }
    }
}

#[test]
fn the_vendors_text_is_kept_in_every_shape() {
    for (api, body) in [
        (
            Api::Cloudflare,
            r#"{"success":false,"error":"quota of planets"}"#,
        ),
        (
            Api::Cloudflare,
            r#"{"success":false,"errors":["quota of planets"]}"#,
        ),
        (
            Api::Cloudflare,
            r#"{"success":false,"errors":[{"code":"1234","message":"quota of planets"}]}"#,
        ),
        (Api::Gitlab, r#"{"error":"quota of planets"}"#),
        (Api::Gitlab, r#"{"message":{"base":["quota of planets"]}}"#),
        (Api::Gitlab, "quota of planets"),
        (
            Api::Ec2,
            "<Response><Errors><Error><Code>X</Code><Message>quota of planets</Message></Error></Errors></Response>",
        ),
        (
            Api::Ec2,
            "<ErrorResponse><Error><Code>X</Code><Message>quota of planets</Message></Error></ErrorResponse>",
        ),
        (Api::Ec2, r#"{"__type":"X","message":"quota of planets"}"#),
    ] {
        for told in changed(api, move |answer| answer.replace(401, "text/plain", body)) {
            assert!(told.contains("quota of planets"), "{body}: {told}");
        }
    }
}

#[test]
fn a_wait_that_was_asked_for_is_the_advice() {
    let limited = |answer: &mut gigadb_simulator::Answer| {
        answer.replace(429, "application/json", r#"{"success":false,"errors":[]}"#);
        answer.set("retry-after", "300");
    };
    for api in [Api::Cloudflare, Api::Gitlab] {
        for told in changed(api, limited) {
            assert!(told.contains("Wait until "), "{told}");
            assert!(!told.contains("_TOKEN to"), "{told}");
        }
    }
}

#[test]
fn gitlab_reached_the_wrong_way_is_told_as_that() {
    let stage = Stage::sop;
    let root = |stage: Stage| {
        let base = stage.environment["GITLAB_BASE_URL"].replace("/api/v4", "");
        stage.with("GITLAB_BASE_URL", &base)
    };
    // Where the API is not, the simulator has nothing.
    let told = root(stage()).run(&PLAN);
    assert!(told.contains("which must end in `/api/v4`"), "{told}");

    let archived = stage();
    archived.simulator.edit(|world| {
        for project in &mut world.gitlab.projects {
            project.archived = true;
        }
    });
    let told = archived.run(&CHECK);
    assert!(
        told.contains("`gigascience/upstream/gigadb-website` is archived"),
        "{told}"
    );
    assert!(!told.contains("Make the token's user Maintainer"), "{told}");
    let told = archived.run(&PLAN);
    assert!(told.contains("may be archived"), "{told}");

    let decoded = |answer: &mut gigadb_simulator::Answer| {
        answer.replace(404, "application/json", r#"{"error":"404 Not Found"}"#);
    };
    let stage = stage();
    let fault = Fault::reshape(decoded)
        .api(Api::Gitlab)
        .path_contains("/projects/");
    stage.simulator.fault(fault);
    for told in [stage.run(&CHECK), stage.run(&PLAN)] {
        assert!(told.contains("numeric id"), "{told}");
    }
}

#[test]
fn whatever_answers_where_gitlabs_api_is_not_leads_to_the_base_url() {
    const PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    for (status, further, body, told_as) in [
        (
            "302 Found",
            "location: https://gitlab.example.org/users/sign_in\r\n",
            "",
            "it leads on to `/users/sign_in`",
        ),
        (
            "200 OK",
            "content-type: text/html; charset=utf-8\r\n",
            PAGE,
            "answered with 200 and an HTML page titled `Sign in`",
        ),
        (
            "404 Not Found",
            "content-type: text/html; charset=utf-8\r\n",
            PAGE,
            "answered with 404 and an HTML page titled `Sign in`",
        ),
    ] {
        let length = body.len();
        let gitlab = Proxy::answering(format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\n{further}content-length: {length}\r\n\r\n{body}"
        ));
        let stage = Stage::sop().with("GITLAB_BASE_URL", &format!("http://{}", gitlab.address));
        for arguments in [&PLAN[..], &CHECK] {
            let told = stage.run(arguments);
            assert!(told.starts_with("exit 1"), "{told}");
            assert!(told.contains(told_as), "{told}");
            let next = "Correct `GITLAB_BASE_URL`, which must end in `/api/v4`";
            assert!(told.contains(next), "{told}");
            for other in ["has moved to", "_TOKEN to", "gigadb-roles failover"] {
                assert!(!told.contains(other), "{other}: {told}");
            }
        }
    }
}

#[test]
fn a_token_of_oauth_is_sent_as_it_must_be() {
    let stage = Stage::sop();
    stage.answer(&["status"]);
    // The simulator takes both headers: another server sees which one was sent.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(&stream).lines() {
            let line = line.unwrap();
            if line.is_empty() {
                break;
            }
            lines.push(line.to_ascii_lowercase());
        }
        let _ = stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
        lines
    });
    let stage = stage.with("GITLAB_BASE_URL", &format!("http://{address}/api/v4"));
    let _ = stage.run(&PLAN);
    let seen = seen.join().unwrap();
    assert!(
        seen.iter()
            .any(|line| line.starts_with("authorization: bearer ")),
        "no Bearer"
    );
    assert!(!seen.iter().any(|line| line.starts_with("private-token")));
}
