//! Which sides rest on one AWS access key, as the shared files say.

use gigadb_simulator::world;

use super::setup::Bench;

/// What is found with these shared files, for the two sides of the procedure.
async fn found(config: &str, credentials: &str) -> bool {
    let bench = Bench::start().await;
    for (name, text) in [("config", config), ("credentials", credentials)] {
        std::fs::write(bench.home.path().join(name), text).unwrap();
    }
    let shared = bench.apis().shared_keys(&bench.topology).await;
    assert_eq!(bench.simulator.requests(), [], "nothing is asked");
    let text = format!("{shared:?}");
    for key in [world::ACCESS_KEY_ID_UPSTREAM, world::ACCESS_KEY_ID_ALT] {
        assert!(!text.contains(key));
    }
    !shared.is_empty()
}

fn profile(name: &str, key: &str) -> String {
    format!("[{name}]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
}

#[tokio::test]
async fn one_key_is_found_wherever_both_profiles_rest_on_it() {
    let (one, other) = (world::ACCESS_KEY_ID_UPSTREAM, world::ACCESS_KEY_ID_ALT);
    let both =
        |upstream: &str, alt: &str| profile("Upstream", upstream) + &profile("UpstreamAlt", alt);
    let role = |name: &str, source: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::1:role/{name}\nsource_profile = {source}\n"
        )
    };
    for (config, credentials, shared) in [
        (String::new(), both(one, other), false),
        (String::new(), both(one, one), true),
        // Two roles taken with one key.
        (
            role("Upstream", "base") + &role("UpstreamAlt", "base"),
            profile("base", one),
            true,
        ),
        (
            role("Upstream", "base") + &role("UpstreamAlt", "spare"),
            profile("base", one) + &profile("spare", other),
            false,
        ),
        (
            role("UpstreamAlt", "Upstream"),
            profile("Upstream", one),
            true,
        ),
        // A role that names itself as its source rests on its own key; so do two in a ring.
        (role("UpstreamAlt", "UpstreamAlt"), both(one, other), false),
        (
            role("Upstream", "UpstreamAlt") + &role("UpstreamAlt", "Upstream"),
            both(one, other),
            false,
        ),
        // What is known of one side only is no comparison.
        (String::new(), profile("Upstream", one), false),
        ("[profile".to_owned(), both(one, one), false),
    ] {
        assert_eq!(
            found(&config, &credentials).await,
            shared,
            "{config}\n{credentials}"
        );
    }
}
