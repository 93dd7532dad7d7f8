//! Sockets: refusing connections, HTTPS, ending.

use gigadb_simulator::world::CLOUDFLARE_TOKEN;
use gigadb_simulator::{Options, Simulator, World};

use crate::client::http;

#[tokio::test]
async fn connections_are_refused_while_not_listening() {
    let simulator = Simulator::start(World::sop()).await;
    let url = format!("{}/zones", simulator.cloudflare_url());
    let client = http().build().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 400);
    simulator.stop_listening().unwrap();
    // The client may first have to learn that its pooled connection was cut.
    let _ = client.get(&url).send().await.unwrap_err();
    let error = client.get(&url).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    simulator.stop_listening().unwrap();
    simulator.listen_again().unwrap();
    simulator.listen_again().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn https_is_trusted_with_its_own_authority_only() {
    let options = Options {
        https: true,
        ..Options::default()
    };
    let simulator = Simulator::start_with(World::sop(), &options).unwrap();
    let url = format!("{}/zones", simulator.https_urls().unwrap().cloudflare);
    let file = simulator.ca_file().unwrap().to_owned();
    let authority = reqwest::Certificate::from_pem(&std::fs::read(&file).unwrap()).unwrap();
    let trusting = http().tls_certs_only([authority]).build().unwrap();
    let reply = trusting.get(&url).bearer_auth(CLOUDFLARE_TOKEN).send();
    let reply = reply.await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.version(), reqwest::Version::HTTP_2);
    let stranger = Simulator::start_with(World::sop(), &options).unwrap();
    let other = reqwest::Certificate::from_pem(stranger.ca_pem().unwrap().as_bytes()).unwrap();
    let distrusting = http().tls_certs_only([other]).build().unwrap();
    assert!(distrusting.get(&url).send().await.is_err());
    drop(simulator);
    assert!(!file.exists(), "nothing is left behind");
}

#[tokio::test]
async fn a_dropped_simulator_answers_no_more() {
    let simulator = Simulator::start(World::sop()).await;
    let url = simulator.cloudflare_url().to_owned();
    drop(simulator);
    assert!(http().build().unwrap().get(url).send().await.is_err());
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let simulator = Simulator::start(World::sop()).await;
    let port = simulator.aws_url().rsplit(':').next().unwrap();
    let options = Options {
        port: port.parse().unwrap(),
        ..Options::default()
    };
    assert!(Simulator::start_with(World::sop(), &options).is_err());
}
