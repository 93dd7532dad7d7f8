//! Rule `https-ready`: the promoted side is probed in plan, before the first write, and after.

use std::net::Ipv4Addr;

use gigadb_simulator::{
    Api, Effect, Fault, World,
    sites::{Site, Sites},
    world::{ALT_PROJECT, PROJECT, REGION_UPSTREAM, Variable, VariableType},
};
use tfplug::{Diagnostics, Value};

use crate::stage::{ALT, Stage, UPSTREAM, fine, live, refused, says, summaries, with};

/// The web machine of the promoted side.
const PROMOTED: Ipv4Addr = Ipv4Addr::new(127, 0, 113, 10);
const NAMES: [&str; 2] = ["gigadb.org", "portainer.gigadb.org"];
const KEY: &str = "tls_fullchain_pem";

struct Play {
    stage: Stage,
    sites: Sites,
}

impl Play {
    /// The procedure's world on loopback, with this site at the promoted side.
    async fn with(site: Site) -> Self {
        let stage = Stage::with_world(World::sop().on_loopback()).await;
        let sites = Sites::start().unwrap();
        sites.set(PROMOTED, site).unwrap();
        Self { stage, sites }
    }

    fn check(&self, mode: &str) -> Value {
        Value::object([
            ("mode", mode.into()),
            ("port", Value::from(i64::from(self.sites.port()))),
            ("ca_file", self.sites.ca_file().display().to_string().into()),
        ])
    }

    fn swap(&self, mode: &str) -> Value {
        with(live(ALT), "https_check", self.check(mode))
    }
}

fn https(diagnostics: &Diagnostics) -> Vec<String> {
    let mut all = summaries(diagnostics);
    all.retain(|summary| summary.contains("https-ready"));
    all
}

#[tokio::test]
async fn a_side_that_is_ready_is_asked_by_name_and_nothing_is_said() {
    let play = Play::with(Site::of(&NAMES)).await;
    let mut roles = play.stage.adopted().await;
    assert_eq!(play.sites.asked(), []);
    let planned = roles.plan(play.swap("require")).await;
    assert_eq!(summaries(&planned.diagnostics), Vec::<String>::new());
    let mut hosts: Vec<_> = play
        .sites
        .asked()
        .into_iter()
        .map(|asked| (asked.address, asked.host.unwrap()))
        .collect();
    hosts.sort();
    assert_eq!(hosts, NAMES.map(|name| (PROMOTED, name.to_owned())));

    let applied = roles.apply().await;
    fine(&applied.diagnostics);
    assert_eq!(https(&applied.diagnostics), Vec::<String>::new());
    assert_eq!(play.stage.address("gigadb.org"), PROMOTED.to_string());
    // Nothing moves any more, so nothing is asked.
    play.sites.clear_asked();
    fine(&roles.plan(play.swap("require")).await.diagnostics);
    assert_eq!(play.sites.asked(), []);
}

#[tokio::test]
async fn what_is_not_ready_warns_or_stops_as_the_mode_says() {
    for (site, says_why) in [
        (Site::of(&["x.org"]), "the certificate is for x.org"),
        (
            Site::of(&NAMES).ending_in(5),
            "its certificate ends in 5 days, and 14 are asked for",
        ),
        (Site::of(&NAMES).status(502), "it answers with status 502"),
        (Site::of(&NAMES).untrusted(), "trusted authority"),
    ] {
        let play = Play::with(site).await;
        let mut roles = play.stage.adopted().await;
        let planned = roles.plan(play.swap("require")).await;
        refused(
            &play.stage,
            &planned.diagnostics,
            &["error", "live https-ready", ALT, "`gigadb.org`", says_why],
        );
        let waived = with(
            play.swap("require"),
            "overrides",
            Value::set(["https-ready"]),
        );
        let planned = roles.plan(waived).await;
        fine(&planned.diagnostics);
        says(
            &planned.diagnostics,
            &["warning: live https-ready (waived)", says_why],
        );
        let planned = roles.plan(play.swap("warn")).await;
        fine(&planned.diagnostics);
        says(
            &planned.diagnostics,
            &["warning: live https-ready", says_why],
        );
        let applied = roles.apply().await;
        fine(&applied.diagnostics);
        says(&applied.diagnostics, &[says_why, "stays as it is"]);
        assert_eq!(play.stage.address("gigadb.org"), PROMOTED.to_string());
    }
}

#[tokio::test]
async fn a_side_that_breaks_between_plan_and_apply_is_not_promoted() {
    let play = Play::with(Site::of(&NAMES)).await;
    let mut roles = play.stage.adopted().await;
    fine(&roles.plan(play.swap("require")).await.diagnostics);
    play.sites.refuse(PROMOTED);
    let applied = roles.apply().await;
    refused(
        &play.stage,
        &applied.diagnostics,
        &["live https-ready", "connection refused"],
    );
}

#[tokio::test]
async fn a_side_that_breaks_while_it_is_promoted_is_a_warning() {
    let play = Play::with(Site::of(&NAMES)).await;
    let mut roles = play.stage.adopted().await;
    fine(&roles.plan(play.swap("require")).await.diagnostics);
    let sites = std::sync::Arc::new(play.sites);
    let breaking = std::sync::Arc::clone(&sites);
    let batch = Fault::hook(move |_| breaking.refuse(PROMOTED));
    play.stage
        .simulator
        .fault(batch.api(Api::Cloudflare).method("POST"));
    let applied = roles.apply().await;
    fine(&applied.diagnostics);
    says(
        &applied.diagnostics,
        &[
            "warning: live https-ready afterwards",
            "connection refused",
            "What was written stays as it is.",
            "trade the roles back",
        ],
    );
    drop(sites);
}

#[tokio::test]
async fn status_text_and_path_are_as_configured() {
    let play = Play::with(Site::of(&NAMES).status(418).body("GigaDB is well")).await;
    let mut roles = play.stage.adopted().await;
    let check = |status: i64, text: &str| {
        let check = play.check("require");
        let check = check.with("path", "/health?deep=1");
        let check = check.with("expected_status", Value::set([status]));
        let check = check.with("expected_text", text);
        with(live(ALT), "https_check", check)
    };
    let planned = roles.plan(check(418, "is well")).await;
    assert_eq!(https(&planned.diagnostics), Vec::<String>::new());
    assert_eq!(play.sites.asked()[0].path, "/health?deep=1");
    let planned = roles.plan(check(418, "is unwell")).await;
    refused(&play.stage, &planned.diagnostics, &["expected text"]);
    let planned = roles.plan(check(200, "is well")).await;
    refused(&play.stage, &planned.diagnostics, &["status 418"]);
}

#[tokio::test]
async fn a_failover_is_probed_too() {
    let play = Play::with(Site::of(&["x.org"])).await;
    let mut roles = play.stage.adopted().await;
    let lost = Fault::new(Effect::BadGateway)
        .api(Api::Ec2)
        .region(REGION_UPSTREAM);
    play.stage.simulator.fault(lost.always());
    let failover = |mode| with(play.swap(mode), "mode", "failover");
    let planned = roles.plan(failover("require")).await;
    refused(&play.stage, &planned.diagnostics, &["is for x.org"]);
    let applied = roles.plan_and_apply(failover("warn")).await;
    fine(&applied.diagnostics);
    says(&applied.diagnostics, &["is for x.org", "stays as it is"]);
    assert_eq!(play.stage.address("gigadb.org"), PROMOTED.to_string());
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let play = Play::with(Site::of(&NAMES)).await;
    let mut roles = play.stage.adopted().await;
    let check = play.check("warn").with("ca_file", "no-such.pem");
    let planned = roles.plan(with(live(ALT), "https_check", check)).await;
    refused(
        &play.stage,
        &planned.diagnostics,
        &["(at https_check.ca_file)", "no-such.pem", "No such file"],
    );
}

#[tokio::test]
async fn the_environment_may_set_the_mode_and_the_configuration_goes_before_it() {
    let mut play = Play::with(Site::of(&["x.org"])).await;
    let without_mode = |play: &Play| {
        let check = play.check("off").with("mode", Value::Null);
        with(live(ALT), "https_check", check)
    };
    for (set, count) in [("off", 0), ("", 1), ("warn", 1)] {
        play.stage.set("GIGADB_HTTPS_CHECK", set);
        let mut roles = play.stage.adopted().await;
        let planned = roles.plan(without_mode(&play)).await;
        fine(&planned.diagnostics);
        assert_eq!(https(&planned.diagnostics).len(), count, "{set:?}");
    }
    play.stage.set("GIGADB_HTTPS_CHECK", "require");
    let mut roles = play.stage.adopted().await;
    fine(&roles.plan(play.swap("warn")).await.diagnostics);
    refused(
        &play.stage,
        &roles.plan(without_mode(&play)).await.diagnostics,
        &["is for x.org"],
    );
    play.stage.set("GIGADB_HTTPS_CHECK", "yes");
    let planned = play.stage.resource().plan(live(UPSTREAM)).await;
    refused(&play.stage, &planned.diagnostics, &["GIGADB_HTTPS_CHECK"]);
}

#[tokio::test]
async fn stored_certificates_are_judged_and_their_text_is_kept_nowhere() {
    let lists = |play: &Play| {
        let requests = play.stage.simulator.requests();
        let variables = requests
            .iter()
            .filter(|request| request.path.contains("/variables"));
        variables.count()
    };
    let play = Play::with(Site::of(&NAMES)).await;
    let mut roles = play.stage.adopted().await;
    fine(&roles.plan(play.swap("warn")).await.diagnostics);
    let plain = lists(&play);
    play.stage.edit_topology(
        "environments:",
        "certificate_variable: tls_fullchain_pem\nenvironments:",
    );
    // The promoted side's will do until it ends; the other side's is still production's.
    let promoted = play.sites.certificate_pem(&NAMES, 9).unwrap();
    let standby = play.sites.certificate_pem(&["gigadb.org"], 90).unwrap();
    play.stage.simulator.edit(|world| {
        for (project, scope, pem) in [(ALT_PROJECT, "li*", &promoted), (PROJECT, "*", &standby)] {
            let project = world.gitlab.project_mut(project).unwrap();
            project.variables.retain(|row| row.key != KEY);
            let mut row = Variable::new(KEY, scope, pem);
            row.masked = true;
            row.variable_type = VariableType::File;
            project.variables.push(row);
        }
    });
    let mut roles = play.stage.adopted().await;
    let planned = roles.plan(play.swap("warn")).await;
    fine(&planned.diagnostics);
    says(
        &planned.diagnostics,
        &[
            "warning: live https-ready",
            "the certificate stored for `alt-gigadb-website` ends in 9 days, and 14 are asked for",
            "the certificate stored for `gigadb-website` does not cover `alt-live.gigadb.host`, `portainer.alt-live.gigadb.host` (it is for gigadb.org)",
            "variable `tls_fullchain_pem` of `alt-gigadb-website`, GitLab project `gigascience/upstream/alt-gigadb-website`, scope `live`",
        ],
    );
    assert_eq!(lists(&play), plain);
    let applied = roles.apply().await;
    fine(&applied.diagnostics);
    let kept = format!(
        "{}{}{}{}",
        roles.state_json().unwrap(),
        String::from_utf8_lossy(roles.private()),
        planned.diagnostics,
        applied.diagnostics
    );
    for pem in [&promoted, &standby] {
        for line in pem.lines().filter(|line| line.len() > 20) {
            assert!(!kept.contains(line), "{line}");
        }
    }
    assert!(kept.contains("not_after"), "{kept}");
}
