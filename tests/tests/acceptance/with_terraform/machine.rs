//! A machine that is not set up: the provider says what is missing, and never crashes.

use gigadb_tests::{Scene, procedure::Side};

#[test]
fn without_trusted_certificates_loopback_is_reached_and_what_is_missing_is_told() {
    for missing in ["/dev/null", "/nowhere/ca.pem"] {
        let mut scene = Scene::new();
        scene.set("SSL_CERT_FILE", missing);
        scene.adopt_live();
        scene.configure_live(Side::Alt);
        let _ = scene.plan(&[]).expect(2);

        // Nothing is reached where it should not be: nobody listens there.
        scene.set("HTTPS_PROXY", "http://127.0.0.1:9");
        for variable in ["AWS_ENDPOINT_URL", "GITLAB_BASE_URL", "CLOUDFLARE_BASE_URL"] {
            scene.unset(variable);
            let output = scene.plan(&[]).expect(1);
            output.says(&[
                "this machine has no trusted certificates",
                "Install the package `ca-certificates`, or set `SSL_CERT_FILE`",
                "Nothing was changed",
            ]);
            output.omits(&["panicked", "crashed", "bug in the provider"]);
            output.omits(&["gigadb-roles failover", "127.0.0.1:9"]);
        }
        scene.assert_nothing_written();
    }
}
