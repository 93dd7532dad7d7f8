//! Which kinds of AWS profile give keys, and what is said of the others.

use std::time::Duration;

use gigadb_clients::Apis;
use gigadb_engine::world::{FailureKind, World};
use gigadb_simulator::{Api, world};
use insta::assert_snapshot;

use super::setup::Bench;

/// The line of a profile whose program prints this key.
pub(crate) fn printed(bench: &Bench, id: &str, secret: &str) -> String {
    let file = bench.home.path().join(format!("{id}.json"));
    let keys = serde_json::json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret});
    std::fs::write(&file, keys.to_string()).unwrap();
    format!("credential_process = cat '{}'\n", file.display())
}

/// The world as the clients see it where the shared files hold these texts.
async fn with(bench: &Bench, config: &str, credentials: &str) -> World {
    for (name, text) in [("config", config), ("credentials", credentials)] {
        std::fs::write(bench.home.path().join(name), text).unwrap();
    }
    bench.observe().await
}

/// What is said of `Upstream` with these files; nothing may be asked for it.
async fn said(config: &str, credentials: &str) -> String {
    let bench = Bench::start().await;
    let world = with(&bench, config, credentials).await;
    let asked = bench.requests(Api::Ec2, "POST");
    assert!(
        asked
            .iter()
            .all(|r| r.region.as_deref() != Some("ap-east-1")),
        "{asked:?}"
    );
    let text = bench.show(world.sides["gigadb-website"].failure().unwrap());
    let text = text.replace(" (files: `[home]/config`, `[home]/credentials`)", "");
    let about = "AWS profile `Upstream` gives no credentials for EC2 in ap-east-1: ";
    assert!(text.contains(about), "{text}");
    text.replace(about, "")
}

#[tokio::test]
async fn a_program_gives_the_keys() {
    let bench = Bench::start().await;
    let program = printed(
        &bench,
        world::ACCESS_KEY_ID_UPSTREAM,
        world::SECRET_KEY_UPSTREAM,
    );
    let config = format!("[profile Upstream]\n{program}");
    let world = with(&bench, &config, "").await;
    assert_eq!(world.sides["gigadb-website"].failure(), None);
    let asked = bench.requests(Api::Ec2, "POST");
    let keys: Vec<_> = asked.iter().map(|r| r.access_key_id.as_deref()).collect();
    assert_eq!(keys, [Some(world::ACCESS_KEY_ID_UPSTREAM); 2]);
}

#[tokio::test]
async fn signing_in_by_browser_is_not_supported_and_the_way_out_is_named() {
    let session = "[sso-session dev]\nsso_region = us-east-1\nsso_start_url = https://x.example\n\
                   [profile Upstream]\nsso_session = dev\nsso_account_id = 1\nsso_role_name = r\n";
    assert_snapshot!(said(session, "").await, @r"Misconfigured: profile `Upstream` signs in through IAM Identity Center (SSO), which is not supported: write `credential_process = aws configure export-credentials --profile Upstream --format process` under a profile of its own, name that one in the topology, and sign in with `aws sso login --profile Upstream`");
    let older = "[profile Upstream]\nsso_start_url = https://x.example\nsso_region = us-east-1\n\
                 sso_account_id = 1\nsso_role_name = r\n";
    assert_eq!(said(older, "").await, said(session, "").await);
    let login = "[profile Upstream]\nlogin_session = arn:aws:iam::1:user/ann\n";
    assert_snapshot!(said(login, "").await, @r"Misconfigured: profile `Upstream` signs in through `aws login`, which is not supported: write `credential_process = aws configure export-credentials --profile Upstream --format process` under a profile of its own, name that one in the topology, and sign in with `aws login --profile Upstream`");
    let role = "[profile Upstream]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = people\n\
                [profile people]\nsso_session = dev\n";
    assert_snapshot!(said(role, "").await, @r"Misconfigured: profile `people` signs in through IAM Identity Center (SSO), which is not supported: write `credential_process = aws configure export-credentials --profile people --format process` under a profile of its own, name that one in the topology, and sign in with `aws sso login --profile people`");
}

#[tokio::test]
async fn a_program_that_gives_no_keys_is_named() {
    let program = |command: &str| format!("[profile Upstream]\ncredential_process = {command}\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aws");
    let script = "echo Error: Token has expired and refresh failed >&2\nexit 255\n";
    std::fs::write(&file, script).unwrap();
    let expired = program(&format!("sh '{}' configure", file.display()));
    assert_snapshot!(said(&expired, "").await, @r"Refused: its `credential_process` (`sh`) ended with 255: Error: Token has expired and refresh failed");
    assert_snapshot!(said(&program("/nowhere/keys --token planted"), "").await, @r"Misconfigured: its `credential_process` (`/nowhere/keys`) ended with 127: sh: 1: /nowhere/keys: not found");
    assert_snapshot!(said(&program("echo planted"), "").await, @r"Misconfigured: its `credential_process` (`echo`) printed something else than the JSON of version 1 that AWS describes");
    assert_snapshot!(said(&program("kill $$"), "").await, @r"Refused: its `credential_process` (`kill`) was killed");
}

#[tokio::test]
async fn a_program_that_does_not_end_is_given_up_within_the_limit_of_its_side() {
    let bench = Bench::start().await;
    let config = "[profile Upstream]\ncredential_process = sleep 600\n";
    std::fs::write(bench.home.path().join("config"), config).unwrap();
    std::fs::write(bench.home.path().join("credentials"), "").unwrap();
    let mut settings = bench.settings();
    settings.timing.side_reads = Duration::from_secs(1);
    let apis = Apis::new(settings);
    let world = bench.observe_with(&apis).await;
    let failure = world.sides["gigadb-website"].failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Misconfigured, "{failure}");
    let told = bench.show(failure);
    let waits = "its `credential_process` (`sleep`) did not end within 1 s";
    assert!(told.contains(waits), "{told}");
}

#[tokio::test]
async fn a_profile_that_asks_for_a_code_is_named_before_anybody_is_asked() {
    let other = "[UpstreamAlt]\naws_access_key_id = AKIA1\naws_secret_access_key = planted\n";
    let asks = "[profile Upstream]\nrole_arn = arn:aws:iam::1:role/r\n\
                source_profile = UpstreamAlt\nmfa_serial = arn:aws:iam::1:mfa/ann\n";
    assert_snapshot!(said(asks, other).await, @r"Misconfigured: profile `Upstream` asks for an MFA code (`mfa_serial`), which is not supported: write `credential_process = aws configure export-credentials --profile Upstream --format process` under a profile of its own, and name that one in the topology");
}

#[tokio::test]
async fn a_profile_without_keys_is_named() {
    let other = "[UpstreamAlt]\naws_access_key_id = AKIA1\naws_secret_access_key = planted\n";
    assert_snapshot!(said("", other).await, @r"Misconfigured: there is no profile `Upstream`");
    assert_snapshot!(said("", &other.replace("UpstreamAlt", "Upstreem")).await, @r"Misconfigured: there is no profile `Upstream`; did you mean `Upstreem`?");
    assert_snapshot!(said("[profile Upstream]\nregion = ap-east-1\n", other).await, @r"Misconfigured: profile `Upstream` holds no key, and names nothing that gives one");
    assert_snapshot!(said("[profile Upstream]\naws_access_key_id = AKIA1\n", "").await, @r"Misconfigured: invalid credential source in `Upstream`: profile missing aws_secret_access_key");
    let source =
        "[profile Upstream]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = UpstreamAl\n";
    assert_snapshot!(said(source, other).await, @r"Misconfigured: there is no profile `UpstreamAl`, which `Upstream` names as its source; did you mean `UpstreamAlt`?");
    let ring = "[profile Upstream]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = b\n\
                [profile b]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = Upstream\n";
    assert_snapshot!(said(ring, "").await, @r#"Misconfigured: profile formed an infinite loop. first we loaded ["Upstream", "b"], then attempted to reload Upstream"#);
    assert_snapshot!(said("[profile Upstream]\nrole_arn = arn:aws:iam::1:role/r\n", "").await, @r"Misconfigured: invalid credential source in `Upstream`: profile must contain `source_profile` or `credential_source` but neither were defined");
}
