//! The whole of it in one glance: each API answers over HTTP, faults hit, nothing leaks between tests.

use gigadb_simulator::world::{CLOUDFLARE_TOKEN, GITLAB_TOKEN};
use gigadb_simulator::{Api, Effect, Fault, Options, Simulator, World};
use serde_json::Value;

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

#[tokio::test]
async fn serves_the_procedures_world() {
    let simulator = Simulator::start(World::sop()).await;
    let url = format!("{}/zones", simulator.cloudflare_url());
    let body: Value = client()
        .get(url)
        .bearer_auth(CLOUDFLARE_TOKEN)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(body["result_info"]["total_count"], 2);
    let url = format!(
        "{}/projects/gigascience%2Fupstream%2Fgigadb-website/variables?per_page=100",
        simulator.gitlab_url()
    );
    let reply = client()
        .get(url)
        .header("PRIVATE-TOKEN", GITLAB_TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.headers()["x-next-page"], "2");
    assert_eq!(simulator.requests().len(), 2);
    assert_eq!(simulator.world(), World::sop());
}

#[tokio::test]
async fn a_reset_connection_fails_the_call_and_is_logged_without_a_status() {
    let simulator = Simulator::start(World::sop()).await;
    simulator.fault(Fault::new(Effect::ResetBeforeCommit).api(Api::Cloudflare));
    let url = format!("{}/zones", simulator.cloudflare_url());
    let result = client().get(&url).bearer_auth(CLOUDFLARE_TOKEN).send();
    assert!(result.await.is_err());
    assert_eq!(simulator.requests()[0].status, None);
    assert_eq!(simulator.pending_faults(), 0);
    let again = client().get(&url).bearer_auth(CLOUDFLARE_TOKEN).send();
    assert_eq!(again.await.unwrap().status(), 200);
}

#[tokio::test]
async fn connections_are_refused_while_not_listening() {
    let simulator = Simulator::start(World::sop()).await;
    let url = format!("{}/zones", simulator.cloudflare_url());
    simulator.stop_listening().unwrap();
    let error = client().get(&url).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    simulator.listen_again().unwrap();
    assert_eq!(client().get(&url).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn https_is_trusted_with_its_own_authority_only() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options {
        https: true,
        ..Options::default()
    };
    let simulator = Simulator::start_with(World::sop(), &options).unwrap();
    let url = format!("{}/zones", simulator.https_urls().unwrap().cloudflare);
    let pem = std::fs::read(simulator.ca_file().unwrap()).unwrap();
    let authority = reqwest::Certificate::from_pem(&pem).unwrap();
    let trusting = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([authority])
        .build()
        .unwrap();
    let reply = trusting.get(&url).bearer_auth(CLOUDFLARE_TOKEN).send();
    assert_eq!(reply.await.unwrap().status(), 200);
    let file = simulator.ca_file().unwrap().to_owned();
    drop(simulator);
    assert!(!file.exists());
}
