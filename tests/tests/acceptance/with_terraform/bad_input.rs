//! Configuration that is wrong: stopped in validate or plan, at the attribute that caused it, with the
//! word that was probably meant, and nothing written.

use gigadb_simulator::world::{
    CLOUDFLARE_IP_BLOCKED_TOKEN, CLOUDFLARE_ONE_ZONE_TOKEN, CLOUDFLARE_REVOKED_TOKEN,
    GITLAB_DEVELOPER_TOKEN, GITLAB_EXPIRED_TOKEN,
};
use gigadb_tests::{Output, Scene, assignment, procedure::Side};

/// Plans the swap of live, which must fail without a write.
#[track_caller]
fn refused(scene: &Scene) -> Output {
    let output = scene.plan(&[]).expect(1);
    output.omits(&["bug in the provider", "panicked", "Plugin did not respond"]);
    scene.assert_nothing_written();
    output
}

/// Adopts live, then asks for the swap.
fn about_to_swap() -> Scene {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene
}

#[test]
fn a_missing_topology_is_named_at_the_attribute() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    std::fs::remove_file(scene.root().join("topology.yaml")).unwrap();
    let output = refused(&scene);
    output.says(&["topology.yaml", "topology_file", "main.tf line 8"]);
}

#[test]
fn all_faults_of_a_topology_are_shown_at_once_with_their_places() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    scene.edit_topology("environments:", "enviroments:");
    scene.edit_topology("version: 1", "version: 1\nspare: true");
    let output = scene.terraform(&["validate", "-no-color"]).expect(1);
    output.says(&["enviroments", "environments", "spare", "topology.yaml:"]);
    refused(&scene).says(&["enviroments", "spare"]);
}

#[test]
fn an_unknown_environment_is_an_error_with_the_nearest_name() {
    let scene = Scene::new();
    scene.configure(&assignment("lvie", Side::Upstream, ""));
    refused(&scene).says(&[
        "lvie",
        "`live`",
        "environment = \"lvie\"",
        "Nothing was changed",
    ]);
}

#[test]
fn an_unknown_infrastructure_is_an_error_with_the_nearest_name() {
    let scene = Scene::new();
    scene.configure(
        &assignment("live", Side::Alt, "").replace("alt-gigadb-website", "alt-gigadb-webiste"),
    );
    refused(&scene).says(&[
        "alt-gigadb-webiste",
        "`alt-gigadb-website`",
        "production = \"alt-gigadb-webiste\"",
    ]);
}

#[test]
fn a_hot_standby_that_is_production_is_told_to_go() {
    let scene = Scene::new();
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "hot_standby = \"gigadb-website\"",
    ));
    refused(&scene).says(&["hot_standby", "emove"]);
}

#[test]
fn an_unknown_rule_is_an_error_with_the_nearest_name() {
    let scene = Scene::new();
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "overrides = [\"known-adress\"]",
    ));
    refused(&scene).says(&["known-adress", "`known-address`"]);
}

#[test]
fn a_rule_that_cannot_be_waived_says_so() {
    let scene = Scene::new();
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "overrides = [\"unchanged-since-plan\"]",
    ));
    refused(&scene).says(&["unchanged-since-plan", "cannot be waived"]);
}

#[test]
fn an_unknown_mode_is_an_error() {
    let scene = Scene::new();
    scene.configure(&assignment("live", Side::Upstream, "mode = \"fail-over\""));
    refused(&scene).says(&["fail-over", "failover"]);
}

#[test]
fn a_plain_base_url_that_is_not_loopback_is_refused_before_a_token_is_sent() {
    for (variable, host) in [
        ("CLOUDFLARE_BASE_URL", "cloudflare.example.net"),
        ("GITLAB_BASE_URL", "gitlab.example.net"),
    ] {
        let mut scene = Scene::new();
        scene.configure_live(Side::Upstream);
        scene.set(variable, &format!("http://{host}/api"));
        refused(&scene).says(&["https", "loopback"]);
        assert!(scene.simulator().requests().is_empty());
    }
}

#[test]
fn a_missing_token_is_named_with_where_to_put_it() {
    for (variable, attribute) in [
        ("CLOUDFLARE_API_TOKEN", "cloudflare"),
        ("GITLAB_TOKEN", "gitlab"),
    ] {
        let mut scene = Scene::new();
        scene.configure_live(Side::Upstream);
        scene.unset(variable);
        refused(&scene).says(&[variable, attribute]);
    }
}

#[test]
fn a_cloudflare_token_that_is_not_in_force_stops_the_plan() {
    for token in [CLOUDFLARE_REVOKED_TOKEN, CLOUDFLARE_IP_BLOCKED_TOKEN] {
        let mut scene = about_to_swap();
        scene.set("CLOUDFLARE_API_TOKEN", token);
        refused(&scene).says(&["Cloudflare", "token", "Nothing was changed"]);
    }
}

#[test]
fn a_gitlab_token_without_permission_stops_the_plan_of_a_swap() {
    for token in [GITLAB_DEVELOPER_TOKEN, GITLAB_EXPIRED_TOKEN] {
        let mut scene = about_to_swap();
        scene.set("GITLAB_TOKEN", token);
        refused(&scene).says(&["GitLab", "gigadb-website", "Nothing was changed"]);
    }
}

#[test]
fn a_hostname_in_no_visible_zone_is_named_with_the_zones_that_are() {
    let mut scene = about_to_swap();
    scene.set("CLOUDFLARE_API_TOKEN", CLOUDFLARE_ONE_ZONE_TOKEN);
    refused(&scene).says(&[
        "alt-live.gigadb.host",
        "zone",
        "gigadb.org",
        "Nothing was changed",
    ]);
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let scene = about_to_swap();
    scene.edit_topology("profile: UpstreamAlt", "profile: UpstreamOld");
    refused(&scene).says(&["UpstreamOld", "Nothing was changed"]);
}

#[test]
fn a_region_that_is_not_enabled_is_named() {
    let scene = about_to_swap();
    scene.edit_topology("region: ap-southeast-2", "region: ap-southeast-3");
    refused(&scene).says(&["ap-southeast-3", "Nothing was changed"]);
}

#[test]
fn environment_keys_and_region_do_not_merge_the_two_sides() {
    let mut scene = Scene::new();
    scene
        .set(
            "AWS_ACCESS_KEY_ID",
            gigadb_simulator::world::ACCESS_KEY_ID_UPSTREAM,
        )
        .set(
            "AWS_SECRET_ACCESS_KEY",
            gigadb_simulator::world::SECRET_KEY_UPSTREAM,
        )
        .set("AWS_REGION", "us-east-1")
        .set("AWS_PROFILE", "Upstream");
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    let asked = scene.simulator().requests();
    let mut pairs: Vec<_> = asked
        .iter()
        .filter_map(|request| {
            Some((
                request.region.as_deref()?,
                request.access_key_id.as_deref()?,
            ))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!(
        pairs,
        [
            ("ap-east-1", gigadb_simulator::world::ACCESS_KEY_ID_UPSTREAM),
            ("ap-southeast-2", gigadb_simulator::world::ACCESS_KEY_ID_ALT),
        ]
    );
}
