//! HTTPS probes, against sites with every kind of fault.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use gigadb_clients::probe::{ProbeError, probe};
use gigadb_engine::rules::https_ready::{HttpsCheck, Probe, ProbeResult};
use gigadb_simulator::sites::{Asked, Silence, Site, Sites};
use tokio_util::sync::CancellationToken;

const NAME: &str = "gigadb.org";

fn asking(address: Ipv4Addr) -> Probe {
    Probe {
        hostname: NAME.parse().unwrap(),
        infrastructure: "alt-gigadb-website".parse().unwrap(),
        address,
    }
}

fn check(sites: &Sites) -> HttpsCheck {
    HttpsCheck {
        port: sites.port(),
        ca_file: Some(sites.ca_file().display().to_string()),
        timeout: Duration::from_secs(10),
        ..HttpsCheck::default()
    }
}

async fn results(addresses: &[Ipv4Addr], check: &HttpsCheck) -> Vec<ProbeResult> {
    let probes: Vec<Probe> = addresses.iter().map(|address| asking(*address)).collect();
    let results = probe(&probes, check, &CancellationToken::new())
        .await
        .unwrap();
    let asked: Vec<&Probe> = results.iter().map(|(probe, _)| probe).collect();
    assert_eq!(asked, probes.iter().collect::<Vec<_>>());
    results.into_iter().map(|(_, result)| result).collect()
}

fn answered(status: u16, has_text: Option<bool>, days_left: i64) -> ProbeResult {
    ProbeResult::Answered {
        status,
        has_text,
        days_left,
    }
}

fn untrusted(why: &str) -> ProbeResult {
    ProbeResult::Untrusted(why.to_owned())
}

fn failed(why: &str) -> ProbeResult {
    ProbeResult::Failed(why.to_owned())
}

#[tokio::test]
async fn every_kind_of_site_is_told_apart() {
    let sites = Sites::start().unwrap();
    let well = || Site::of(&[NAME]);
    let cases = [
        (well(), answered(200, Some(true), 90)),
        (
            Site::of(&["*.org", "gigadb.org"]),
            answered(200, Some(true), 90),
        ),
        (well().ending_in(3), answered(200, Some(true), 3)),
        (well().ending_in(0), answered(200, Some(true), 0)),
        (well().status(503), answered(503, Some(true), 90)),
        (well().status(302), answered(302, Some(true), 90)),
        (well().body("nothing here"), answered(200, Some(false), 90)),
        (well().body(""), answered(200, Some(false), 90)),
        (
            well().body(&format!("{}simulated", "x".repeat(300_000))),
            answered(200, Some(true), 90),
        ),
        (
            well().body(&format!("{}simulated", "x".repeat(3_000_000))),
            answered(200, Some(false), 90),
        ),
        (
            Site::of(&["x.org", "*.x.org"]),
            untrusted("the certificate is for x.org, *.x.org"),
        ),
        (
            Site::of(&["a.x.org", "b.x.org", "c.x.org", "d.x.org", "e.x.org"]),
            untrusted("the certificate is for a.x.org, b.x.org, c.x.org and 2 more"),
        ),
        (Site::of(&[]), untrusted("the certificate is for no name")),
        (
            well().ending_in(-3),
            untrusted("the certificate expired 3 days ago"),
        ),
        (
            well().untrusted(),
            untrusted(
                "the certificate's chain does not lead to a trusted authority (its issuer is `CN=gigadb-simulator stranger`)",
            ),
        ),
        (
            well().silent(Silence::Closing),
            failed("the connection was closed during the TLS handshake"),
        ),
    ];
    let address = |index: usize| Ipv4Addr::new(127, 77, 1, u8::try_from(index + 1).unwrap());
    let mut addresses = Vec::new();
    for (index, (site, _)) in cases.iter().enumerate() {
        sites.set(address(index), site.clone()).unwrap();
        addresses.push(address(index));
    }
    // Nothing listens there.
    addresses.push(address(cases.len()));
    let mut expected: Vec<ProbeResult> = cases.into_iter().map(|(_, result)| result).collect();
    expected.push(failed("connection refused"));

    let check = HttpsCheck {
        expected_text: Some("simulated".to_owned()),
        ..check(&sites)
    };
    let results = results(&addresses, &check).await;
    for ((address, result), expected) in addresses.iter().zip(&results).zip(&expected) {
        assert_eq!(result, expected, "at {address}");
    }
    assert_eq!(results.len(), expected.len());
}

#[tokio::test]
async fn what_does_not_answer_in_time_is_given_up() {
    let sites = Sites::start().unwrap();
    let (mute, slow) = (Ipv4Addr::new(127, 77, 2, 1), Ipv4Addr::new(127, 77, 2, 2));
    let site = Site::of(&[NAME]);
    sites
        .set(mute, site.clone().silent(Silence::Handshake))
        .unwrap();
    sites.set(slow, site.silent(Silence::Answer)).unwrap();
    let check = HttpsCheck {
        timeout: Duration::from_millis(1500),
        ..check(&sites)
    };
    assert_eq!(
        results(&[mute, slow], &check).await,
        [
            failed("no TLS handshake in 1.5 s"),
            failed("no answer in 1.5 s")
        ]
    );

    // A stop does not wait for the time-out.
    let stop = CancellationToken::new();
    stop.cancel();
    let check = HttpsCheck {
        timeout: Duration::from_mins(1),
        ..check
    };
    let stopped = probe(&[asking(mute)], &check, &stop).await.unwrap();
    assert_eq!(
        stopped[0].1,
        failed("the run was stopped before it answered")
    );
}

#[tokio::test]
async fn the_name_is_shown_in_sni_and_host_and_no_redirect_is_followed() {
    let sites = Sites::start().unwrap();
    let address = Ipv4Addr::new(127, 77, 3, 1);
    sites.set(address, Site::of(&[NAME]).status(301)).unwrap();
    let check = HttpsCheck {
        path: "/dataset?page=2".to_owned(),
        ..check(&sites)
    };
    assert_eq!(results(&[address], &check).await, [answered(301, None, 90)]);
    assert_eq!(
        sites.asked(),
        [Asked {
            address,
            sni: Some(NAME.to_owned()),
            host: Some(NAME.to_owned()),
            path: "/dataset?page=2".to_owned(),
        }]
    );
}

#[tokio::test]
async fn what_is_no_tls_at_all_is_said_so() {
    let bench = super::setup::Bench::start().await;
    let port = url::Url::parse(bench.simulator.aws_url())
        .unwrap()
        .port()
        .unwrap();
    let check = HttpsCheck {
        port,
        ..HttpsCheck::default()
    };
    assert_eq!(
        results(&[Ipv4Addr::LOCALHOST], &check).await,
        [failed("what answers there does not speak TLS")]
    );
}

#[tokio::test]
async fn without_the_file_the_authority_is_not_trusted() {
    let sites = Sites::start().unwrap();
    let address = Ipv4Addr::new(127, 77, 4, 1);
    sites.set(address, Site::of(&[NAME])).unwrap();
    let check = HttpsCheck {
        ca_file: None,
        ..check(&sites)
    };
    assert_eq!(
        results(&[address], &check).await,
        [untrusted(
            "the certificate's chain does not lead to a trusted authority (its issuer is `CN=gigadb-simulator sites`)"
        )]
    );
}

#[tokio::test]
async fn a_file_that_holds_no_authority_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let pem =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    for (path, why) in [
        (folder.path().join("missing.pem"), "No such file"),
        (file("empty.pem", ""), "no certificate in PEM"),
        (file("text.pem", "hello\n"), "no certificate in PEM"),
        (file("broken.pem", &pem("!!!!")), "not valid PEM"),
        (file("none.pem", &pem("AAAA")), "as certificate 1 is none"),
    ] {
        let refused = probe_trusting(&path).await;
        let ProbeError::CaFile { file, reason } = &refused else {
            panic!("{refused}");
        };
        assert_eq!(file, path.to_str().unwrap());
        assert!(reason.contains(why), "{reason}");
    }
}

async fn probe_trusting(file: &Path) -> ProbeError {
    let check = HttpsCheck {
        ca_file: Some(file.display().to_string()),
        ..HttpsCheck::default()
    };
    let never = CancellationToken::new();
    probe(&[asking(Ipv4Addr::LOCALHOST)], &check, &never)
        .await
        .unwrap_err()
}
