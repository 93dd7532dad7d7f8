//! Configuration that is wrong: stopped in validate or plan, at the attribute that caused it, with the
//! word that was probably meant, and nothing written.

use gigadb_simulator::world::{
    CLOUDFLARE_IP_BLOCKED_TOKEN, CLOUDFLARE_ONE_ZONE_TOKEN, CLOUDFLARE_REVOKED_TOKEN,
    GITLAB_DEVELOPER_TOKEN, GITLAB_EXPIRED_TOKEN,
};
use gigadb_tests::{Output, Scene, assignment, procedure::Side};

/// What to do about a GitLab token that does not suffice.
const NEXT_PERMISSION: &str = "Give the token scope `api` and the role Maintainer in `PROJECT`. If it has both, `PROJECT` may be archived: `gigadb-roles check` tells. Then plan again.";
/// What to do about one that has ended.
const NEXT_TOKEN: &str = "Make an access token in GitLab with scope `api` and the role Maintainer in `PROJECT`, and set `GITLAB_TOKEN` to it. Then plan again.";

/// The four parts of a message; the third says in each that nothing was changed.
struct Parts<'a> {
    /// Texts of what failed.
    what: &'a [&'a str],
    object: &'a str,
    next: &'a str,
}

/// Plans the swap of live, which must fail without a write, with one error of exactly these messages.
#[track_caller]
fn refused(scene: &Scene, messages: &[Parts<'_>]) -> Output {
    let output = scene.plan(&[]).expect(1);
    output.omits(&["bug in the provider", "panicked", "Plugin did not respond"]);
    scene.assert_nothing_written();
    for Parts { what, object, next } in messages {
        output.says(what);
        let rest = format!("on: {object} changed: Nothing was changed. next: {next}");
        output.says(&[&rest]);
    }
    let flat = output.flat();
    assert_eq!(flat.matches("Error: ").count(), 1, "{output:?}");
    let third = " changed: Nothing was changed. next: ";
    assert_eq!(flat.matches(third).count(), messages.len(), "{output:?}");
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
    let file = scene.root().join("topology.yaml");
    std::fs::remove_file(&file).unwrap();
    let object = format!("`./topology.yaml` (looked for at `{}`)", file.display());
    let output = refused(
        &scene,
        &[Parts {
            what: &["The topology file cannot be read: No such file or directory (os error 2)."],
            object: &object,
            next: "Name the file in `topology_file` or in `GIGADB_TOPOLOGY`, relative to where Terraform runs.",
        }],
    );
    output.says(&["topology_file = ", "main.tf line 8"]);
}

#[test]
fn an_attribute_whose_keys_are_all_mistyped_is_a_warning() {
    let scene = Scene::new();
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "https_check = { modus = \"require\" }",
    ));
    let main = scene.read("main.tf");
    let block = "provider \"gigadb\" {";
    assert!(main.contains(block), "{main}");
    let mistyped = format!("{block}\n  gitlab = {{ url = \"https://gitlab.example.org\" }}");
    scene.write("main.tf", &main.replace(block, &mistyped));
    let told = scene.terraform(&["validate", "-no-color"]).expect(0);
    told.says(&[
        "Warning: `https_check` sets nothing",
        "Its keys are `ca_file`,",
        "Warning: `gitlab` sets nothing",
        "Its keys are `base_url`,",
    ]);
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "https_check = { mode = \"off\" }",
    ));
    let told = scene.terraform(&["validate", "-no-color"]).expect(0);
    told.omits(&["sets nothing"]);
}

#[test]
fn all_faults_of_a_topology_are_shown_at_once_with_their_places() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    scene.edit_topology("environments:", "enviroments:");
    scene.edit_topology("version: 1", "version: 1\nspare: true");
    let output = scene.terraform(&["validate", "-no-color"]).expect(1);
    output.says(&["enviroments", "environments", "spare", "topology.yaml:"]);
    let _ = refused(
        &scene,
        &[Parts {
            what: &[
                "./topology.yaml:3:1: `spare` is not a key here. Write one of `version`,",
                "./topology.yaml:30:1: `enviroments` is not a key here. Did you mean `environments`?",
            ],
            object: "topology file `./topology.yaml`",
            next: "Correct the file at these places.",
        }],
    );
}

#[test]
fn an_unknown_environment_is_an_error_with_the_nearest_name() {
    let scene = Scene::new();
    scene.configure(&assignment("lvie", Side::Upstream, ""));
    let output = refused(
        &scene,
        &[Parts {
            what: &["The topology has no environment `lvie`; did you mean `live`?"],
            object: "environment `lvie`",
            next: "Write `live` if that is meant, or add the environment to the topology.",
        }],
    );
    output.says(&["environment = \"lvie\""]);
}

#[test]
fn an_unknown_infrastructure_is_an_error_with_the_nearest_name() {
    let scene = Scene::new();
    scene.configure(
        &assignment("live", Side::Alt, "").replace("alt-gigadb-website", "alt-gigadb-webiste"),
    );
    let output = refused(
        &scene,
        &[Parts {
            what: &[
                "The topology has no infrastructure `alt-gigadb-webiste`; did you mean `alt-gigadb-website`?",
            ],
            object: "attribute `production` of environment `live`",
            next: "Write `alt-gigadb-website` if that is meant, or add the infrastructure to the topology.",
        }],
    );
    output.says(&["production = \"alt-gigadb-webiste\""]);
}

#[test]
fn a_hot_standby_that_is_production_is_told_to_go() {
    let scene = Scene::new();
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "hot_standby = \"gigadb-website\"",
    ));
    let _ = refused(
        &scene,
        &[Parts {
            what: &["`gigadb-website` cannot be production and hot standby at once."],
            object: "attribute `hot_standby`",
            next: "Remove it: where the topology has two infrastructures, `hot_standby` is the other one by itself. Generated import configuration writes it down. Where it stands under `ignore_changes`, take it out there: it keeps the state's value.",
        }],
    );
}

#[test]
fn an_unknown_rule_is_an_error_with_the_nearest_name() {
    let scene = Scene::new();
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "overrides = [\"known-adress\"]",
    ));
    let _ = refused(
        &scene,
        &[Parts {
            what: &["No rule is called `known-adress`; did you mean `known-address`?"],
            object: "attribute `overrides`",
            next: "Name one of `single-a-record`, `known-address`, `permutation`, `https-ready`, `separate-credentials`, `variables-visible`, `one-swap-at-a-time`.",
        }],
    );
}

#[test]
fn a_rule_that_cannot_be_waived_says_so() {
    let scene = Scene::new();
    scene.configure(&assignment(
        "live",
        Side::Upstream,
        "overrides = [\"unchanged-since-plan\"]",
    ));
    let _ = refused(
        &scene,
        &[Parts {
            what: &["The rule `unchanged-since-plan` cannot be waived."],
            object: "attribute `overrides`",
            next: "Take `unchanged-since-plan` out of `overrides`.",
        }],
    );
}

#[test]
fn an_unknown_mode_is_an_error() {
    let scene = Scene::new();
    scene.configure(&assignment("live", Side::Upstream, "mode = \"fail-over\""));
    let _ = refused(
        &scene,
        &[Parts {
            what: &["`fail-over` is none of `switchover`, `failover`."],
            object: "attribute `mode`",
            next: "Write `failover` if that is meant.",
        }],
    );
}

#[test]
fn a_plain_base_url_that_is_not_loopback_is_refused_before_a_token_is_sent() {
    for (variable, service, host) in [
        (
            "CLOUDFLARE_BASE_URL",
            "Cloudflare",
            "cloudflare.example.net",
        ),
        ("GITLAB_BASE_URL", "GitLab", "gitlab.example.net"),
    ] {
        let mut scene = Scene::new();
        scene.configure_live(Side::Upstream);
        scene.set(variable, &format!("http://{host}/api"));
        let what = format!(
            "The {service} base URL (from environment variable `{variable}`) is plain http to an address that is not loopback, which would show the token to the network; use https."
        );
        let _ = refused(
            &scene,
            &[Parts {
                what: &[&what],
                object: &format!("the {service} base URL (environment variable `{variable}`)"),
                next: "Correct the setting.",
            }],
        );
        assert!(scene.simulator().requests().is_empty());
    }
}

#[test]
fn a_missing_cloudflare_token_is_named_with_where_to_put_it() {
    let mut scene = Scene::new();
    scene.configure_live(Side::Upstream);
    scene.unset("CLOUDFLARE_API_TOKEN");
    let _ = refused(
        &scene,
        &[Parts {
            what: &[
                "The list of zones could not be read: the Cloudflare API token is not set; set `CLOUDFLARE_API_TOKEN` in the environment, or `cloudflare.api_token` in the provider block.",
            ],
            object: "the list of zones, environment `live`",
            next: "Set or correct what is named; the token needs Zone: Read and DNS: Edit on the zones of the topology's hostnames. Then plan again.",
        }],
    );
}

/// Plans, and finds for each side that its variables cannot be read for a reason.
#[track_caller]
fn refused_by_gitlab(scene: &Scene, why: &str, next: &str) {
    let sides = [Side::Alt, Side::Upstream].map(|side| {
        (
            format!(
                "The variables of `{}` could not be read: {why}",
                side.name()
            ),
            format!("GitLab project `{}`", side.project()),
        )
    });
    let [(first, one), (second, other)] = &sides;
    let [next_of_one, next_of_other] =
        [Side::Alt, Side::Upstream].map(|side| next.replace("PROJECT", side.project()));
    let _ = refused(
        scene,
        &[
            Parts {
                what: &[first],
                object: one,
                next: &next_of_one,
            },
            Parts {
                what: &[second],
                object: other,
                next: &next_of_other,
            },
        ],
    );
}

#[test]
fn a_missing_gitlab_token_is_named_with_where_to_put_it() {
    let mut scene = Scene::new();
    scene.configure_live(Side::Upstream);
    scene.unset("GITLAB_TOKEN");
    refused_by_gitlab(
        &scene,
        "the GitLab token is not set; set `GITLAB_TOKEN` or `GITLAB_PRIVATE_TOKEN` in the environment, or `gitlab.token` in the provider block.",
        "Set or correct what is named; the token needs scope `api` and the role Maintainer in `PROJECT`. Then plan again.",
    );
}

#[test]
fn a_cloudflare_token_that_is_not_in_force_stops_the_plan() {
    for (token, why, next) in [
        (
            CLOUDFLARE_REVOKED_TOKEN,
            "code 10000: Authentication error (request id ",
            "Make a token in Cloudflare's dashboard (My Profile, API Tokens) with Zone: Read and DNS: Edit on the zones of the topology's hostnames, and set `CLOUDFLARE_API_TOKEN` to it. Then plan again.",
        ),
        (
            CLOUDFLARE_IP_BLOCKED_TOKEN,
            "code 9109: Cannot use the access token from location: 127.0.0.1 (request id ",
            "Allow this machine's address in the token's list of addresses at Cloudflare, or run from one that is on it. Then plan again.",
        ),
    ] {
        let mut scene = about_to_swap();
        scene.set("CLOUDFLARE_API_TOKEN", token);
        let what = format!(
            "The list of zones could not be read: Cloudflare refused GET /zones with 403, {why}"
        );
        let _ = refused(
            &scene,
            &[Parts {
                what: &[&what],
                object: "the list of zones, environment `live`",
                next,
            }],
        );
    }
}

#[test]
fn a_gitlab_token_without_permission_stops_the_plan_of_a_swap() {
    for (token, why, next) in [
        (
            GITLAB_DEVELOPER_TOKEN,
            "403, 403 Forbidden (project ",
            NEXT_PERMISSION,
        ),
        (
            GITLAB_EXPIRED_TOKEN,
            "401, invalid_token: Token is expired. You can either do re-authorization or token refresh (project ",
            NEXT_TOKEN,
        ),
    ] {
        let mut scene = about_to_swap();
        scene.set("GITLAB_TOKEN", token);
        refused_by_gitlab(
            &scene,
            &format!("GitLab refused GET /projects/{{id}}/variables with {why}"),
            next,
        );
    }
}

#[test]
fn a_hostname_in_no_visible_zone_is_named_with_the_zones_that_are() {
    let mut scene = about_to_swap();
    scene.set("CLOUDFLARE_API_TOKEN", CLOUDFLARE_ONE_ZONE_TOKEN);
    let told = [
        "alt-live.gigadb.host",
        "bastion.alt-live.gigadb.host",
        "portainer.alt-live.gigadb.host",
    ]
    .map(|name| {
        (
            format!("No zone that the Cloudflare token can see holds `{name}`."),
            format!("hostname `{name}` of environment `live`; visible zones: `gigadb.org`"),
        )
    });
    let whats = told.each_ref().map(|(what, _)| [what.as_str()]);
    let messages: Vec<_> = whats
        .iter()
        .zip(&told)
        .map(|(what, (_, object))| Parts {
            what,
            object,
            next: "Correct the hostname in the topology, or give the token Zone: Read and DNS: Edit on its zone.",
        })
        .collect();
    let _ = refused(&scene, &messages);
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let scene = about_to_swap();
    scene.edit_topology("profile: UpstreamAlt", "profile: UpstreamOld");
    let _ = refused(
        &scene,
        &[Parts {
            what: &[
                "The addresses of `alt-gigadb-website` are not known: AWS profile `UpstreamOld` gives no credentials for EC2 in ap-southeast-2: there is no profile `UpstreamOld`; did you mean `UpstreamAlt`? (files: `~/.aws/config`, `~/.aws/credentials`).",
            ],
            object: "infrastructure `alt-gigadb-website` (profile `UpstreamOld`, region ap-southeast-2)",
            next: "Correct profile `UpstreamOld` in `~/.aws/config` and `~/.aws/credentials`, or its name in the topology. Then plan again.",
        }],
    );
}

#[test]
fn a_line_of_a_profile_file_that_nobody_takes_is_named() {
    let scene = about_to_swap();
    let file = scene.folder().join("home/.aws/config");
    let text = std::fs::read_to_string(&file).unwrap();
    let number = text.trim_end().lines().count() + 1;
    std::fs::write(&file, format!("{}\nregion ap-east-1\n", text.trim_end())).unwrap();
    let output = scene.plan(&[]).expect(1);
    let place = format!("`{}`, line {number}: ", file.display());
    output.says(&[&place, "Correct that file at that line"]);
    output.omits(&["gigadb-roles failover", "panicked"]);
    scene.assert_nothing_written();
}

#[test]
fn a_region_that_is_not_enabled_is_named() {
    let scene = about_to_swap();
    scene.edit_topology("region: ap-southeast-2", "region: ap-southeast-3");
    let _ = refused(
        &scene,
        &[Parts {
            what: &[
                // Of two questions beside each other, either may be answered first.
                "The addresses of `alt-gigadb-website` are not known: EC2 in ap-southeast-3 (profile `UpstreamAlt`) refused Describe",
                " with 401, code AuthFailure: AWS was not able to validate the provided access credentials; ap-southeast-3 is a region that each account must enable: it may not be enabled for the account of profile `UpstreamAlt` (request id ",
            ],
            object: "infrastructure `alt-gigadb-website` (profile `UpstreamAlt`, region ap-southeast-3)",
            next: "See in the AWS console that ap-southeast-3 is enabled for the account of profile `UpstreamAlt`, and that its key is in force. Then plan again.",
        }],
    );
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

/// A setting that is refused is to be corrected where it was set: the provider block beats the
/// environment.
#[test]
fn advice_names_the_place_that_the_setting_came_from() {
    const ALT: &str = "`UpstreamAlt`";
    let cases: [(&str, &str, &[&str]); 7] = [
        (
            "cloudflare = { api_token = \"wrong\" }",
            "",
            &["and set `cloudflare.api_token` of the provider block to it. Then plan again."],
        ),
        (
            "gitlab = { token = \"wrong\" }",
            "",
            &["and set `gitlab.token` of the provider block to it. Then plan again."],
        ),
        (
            "cloudflare = { base_url = \"CLOUDFLARE/x\" }",
            "",
            &["`cloudflare.base_url` of the provider block, which must end in `/client/v4`."],
        ),
        (
            "gitlab = { base_url = \"GITLAB/x\" }",
            "",
            &["`gitlab.base_url` of the provider block, which must end in `/api/v4`."],
        ),
        (
            "aws = { shared_config_files = [\"/nope\"], shared_credentials_files = [\"/no\"] }",
            "",
            &[
                ALT,
                "in `/nope` (`aws.shared_config_files` of the provider block) and `/no` (`aws.shared_credentials_files` of the provider block), or its name in the topology.",
            ],
        ),
        (
            "",
            "AWS_SHARED_CREDENTIALS_FILE=/no",
            &[
                ALT,
                "in `~/.aws/config` and `/no` (`AWS_SHARED_CREDENTIALS_FILE`)",
            ],
        ),
        (
            "",
            "GITLAB_PRIVATE_TOKEN=wrong",
            &["and set `GITLAB_PRIVATE_TOKEN` to it. Then plan again."],
        ),
    ];
    for (block, variable, said) in cases {
        let mut scene = about_to_swap();
        let block = block
            .replace("CLOUDFLARE", scene.simulator().cloudflare_url())
            .replace("GITLAB", scene.simulator().gitlab_url());
        let named = "topology_file = \"${path.module}/topology.yaml\"\n";
        let text = scene.read("main.tf");
        let changed = text.replacen(named, &format!("{named}  {block}\n"), 1);
        assert!(block.is_empty() || changed != text);
        scene.write("main.tf", &changed);
        if let Some((name, value)) = variable.split_once('=') {
            if name.starts_with("GITLAB") {
                scene.unset("GITLAB_TOKEN");
            }
            scene.set(name, value);
        }
        let output = scene.plan(&[]).expect(1);
        output.says(said);
        scene.assert_nothing_written();
    }
}
