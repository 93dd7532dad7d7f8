//! The rule on what the promoted side answers, with machines that present certificates.

use std::{net::Ipv4Addr, sync::Arc};

use gigadb_simulator::{
    Api, Fault, World,
    sites::{Site, Sites},
};
use gigadb_tests::{Output, Scene, assignment, procedure::Side};

use super::as_documented;

/// The web machine of the promoted side.
const PROMOTED: Ipv4Addr = Ipv4Addr::new(127, 0, 113, 10);
const NAMES: [&str; 2] = ["gigadb.org", "portainer.gigadb.org"];
const NEXT_OF_CERTIFICATE: &str = "Put a certificate for this name on that side and rebuild it with production's variables (`prepare`), or set `https_check.mode` (`--https-check`) to ";
const NEXT_OF_SERVER: &str =
    "Look at the web server of that side: it must run, serve this name over HTTPS at port ";
const NEXT_OF_STATUS: &str = "Look at what that side answers and rebuild it with production's variables (`prepare`), or name the status in `https_check.expected_status`, or set `https_check.mode` (`--https-check`) to ";
const NEXT_OF_REQUIRE: &str = "`warn` or `off`.";
const NEXT_OF_WARN: &str = "`off`.";

/// A scene on loopback in which live is adopted, and its machines.
fn stage(site: Option<Site>) -> (Scene, Sites) {
    let mut scene = Scene::with_world(World::sop().on_loopback());
    scene.unset("GIGADB_HTTPS_CHECK");
    let sites = Sites::start().unwrap();
    let refuses = site.is_none();
    let site = site.unwrap_or_else(|| Site::of(&NAMES));
    sites.set(PROMOTED, site).unwrap();
    if refuses {
        sites.refuse(PROMOTED);
    }
    scene.adopt_live();
    (scene, sites)
}

/// Asks for the swap, with the promoted side probed and further lines.
fn ask(scene: &Scene, sites: &Sites, mode: &str, further: &str) {
    let (port, ca) = (sites.port(), sites.ca_file().display());
    let check = format!("https_check = {{ mode = \"{mode}\", port = {port}, ca_file = \"{ca}\" }}");
    scene.configure(&assignment(
        "live",
        Side::Alt,
        &format!("{check}\n{further}"),
    ));
}

#[track_caller]
fn assert_promoted(scene: &Scene) {
    let world = scene.world();
    assert_eq!(
        world.cloudflare.records("gigadb.org")[0].content,
        PROMOTED.to_string()
    );
}

#[test]
fn a_side_that_is_not_ready() {
    for (site, why, next) in [
        (
            Some(Site::of(&["x.org"])),
            "the certificate is for x.org",
            NEXT_OF_CERTIFICATE,
        ),
        (
            Some(Site::of(&NAMES).ending_in(-3)),
            "the certificate expired",
            NEXT_OF_CERTIFICATE,
        ),
        (None, "connection refused", NEXT_OF_SERVER),
        (
            Some(Site::of(&NAMES).status(502)),
            "it answers with status 502",
            NEXT_OF_STATUS,
        ),
    ] {
        let (scene, sites) = stage(site);
        let what =
            format!("`alt-gigadb-website` does not answer for `gigadb.org` as it should: {why}");
        let object = format!("https://gigadb.org:{}/ at {PROMOTED}", sites.port());
        let world = scene.world();
        let parts = |output: &Output, weight: &str| {
            let (changed, weaker) = match weight {
                "Error" => ("Nothing was changed.", NEXT_OF_REQUIRE),
                _ => ("The probe changed nothing.", NEXT_OF_WARN),
            };
            output.omits(&["bug in the provider", "panicked"]);
            output.says(&[
                &format!("{weight}: live https-ready"),
                &what,
                &format!("on: {object} changed: {changed} next: {next}"),
                weaker,
            ]);
        };

        ask(&scene, &sites, "require", "");
        parts(&scene.plan(&[]).expect(1), "Error");
        parts(&scene.apply().expect(1), "Error");
        assert!(scene.world() == world, "the world moved");
        ask(&scene, &sites, "warn", "");
        parts(&scene.plan(&[]).expect(2), "Warning");
        scene.assert_nothing_written();

        // The waiver names it, and the swap passes.
        ask(&scene, &sites, "require", "overrides = [\"https-ready\"]");
        let applied = scene.apply().expect(0);
        applied.says(&["Warning: live https-ready afterwards (waived): ", &what]);
        assert!(!scene.writes().is_empty());
        assert_promoted(&scene);
    }
}

/// Core plans once more before it applies, and shows what that plan warned of below what was applied.
#[test]
fn nothing_that_an_apply_says_of_the_probes_is_untrue_at_its_end() {
    let (scene, sites) = stage(Some(Site::of(&["x.org"])));
    ask(&scene, &sites, "warn", "");
    let _ = scene.plan(&["-out=swap.tfplan"]).expect(2);
    let applied = scene.terraform(&["apply", "-no-color", "swap.tfplan"]);
    let applied = applied.expect(0);
    applied.says(&[
        "Warning: live https-ready",
        "Warning: live https-ready afterwards",
        "changed: What was written stays as it is.",
    ]);
    applied.omits(&["Nothing was changed", "`warn` or `off`"]);
    assert_promoted(&scene);
}

#[test]
fn a_side_that_is_ready() {
    let (scene, sites) = stage(Some(Site::of(&NAMES)));
    ask(&scene, &sites, "require", "");
    let applied = scene.apply().expect(0);
    applied.omits(&["https-ready"]);
    // In plan, before the first write, and after the swap.
    let asked = sites.asked();
    for name in NAMES {
        let times = asked
            .iter()
            .filter(|asked| asked.host.as_deref() == Some(name) && asked.address == PROMOTED);
        assert!(times.count() >= 2, "{name}: {asked:#?}");
    }
    assert_promoted(&scene);
}

#[test]
fn a_side_that_breaks_between_plan_and_apply() {
    let (scene, sites) = stage(Some(Site::of(&NAMES)));
    ask(&scene, &sites, "require", "");
    scene
        .plan(&["-out=swap.tfplan"])
        .expect(2)
        .omits(&["https-ready"]);
    let world = scene.world();
    sites.refuse(PROMOTED);
    let refused = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(1);
    refused.says(&[
        "Error: live https-ready",
        "connection refused. on: ",
        &format!("changed: Nothing was changed. next: {NEXT_OF_SERVER}"),
        NEXT_OF_REQUIRE,
    ]);
    scene.assert_nothing_written();
    assert!(scene.world() == world, "the world moved");
}

#[test]
fn a_side_that_breaks_while_it_is_promoted() {
    let (scene, sites) = stage(Some(Site::of(&NAMES)));
    ask(&scene, &sites, "require", "");
    let sites = Arc::new(sites);
    let breaking = Arc::clone(&sites);
    let batch = Fault::hook(move |_| breaking.refuse(PROMOTED));
    scene
        .simulator()
        .fault(batch.api(Api::Cloudflare).method("POST"));
    let applied = scene.apply().expect(0);
    applied.says(&[
        "Warning: live https-ready afterwards",
        "connection refused. on: ",
        "changed: What was written stays as it is. next: Look at the web server and the certificate of that side now; trade the roles back if users are affected.",
    ]);
    assert_promoted(&scene);
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn preflight_tells_what_is_not_ready() {
    let (scene, sites) = stage(Some(Site::of(&["x.org"])));
    let (port, ca) = (sites.port(), sites.ca_file().display().to_string());
    scene.configure(&format!(
        r#"
data "gigadb_preflight" "swap" {{
  environment = "live"
  production  = "alt-gigadb-website"
  https_check = {{ mode = "require", port = {port}, ca_file = "{ca}" }}
}}

output "swap" {{
  value = data.gigadb_preflight.swap
}}
"#
    ));
    let _ = scene.apply().expect(0);
    let swap = scene.show("")["values"]["outputs"]["swap"]["value"].clone();
    assert_eq!(swap["ok"], false);
    let findings = swap["findings"].as_array().unwrap();
    let mut objects: Vec<_> = findings
        .iter()
        .filter(|finding| finding["rule"] == "https-ready")
        .map(|finding| {
            assert_eq!(finding["severity"], "error");
            finding["object"].as_str().unwrap()
        })
        .collect();
    objects.sort_unstable();
    let expected = NAMES.map(|name| format!("https://{name}:{port}/ at {PROMOTED}"));
    assert_eq!(objects, expected);
    scene.assert_nothing_written();
}

#[test]
fn the_page_shows_what_terraform_shows() {
    let (scene, sites) = stage(Some(Site::of(&["x.org"])));
    ask(&scene, &sites, "require", "");
    let mut shown = scene.plan(&[]).expect(1);
    // Of the machines, whose addresses and port are of this test.
    let here = format!("{}/ at {PROMOTED}", sites.port());
    shown.stderr = shown.stderr.replace(&here, "443/ at 203.0.113.10");
    as_documented("https-ready", &shown);
}
