//! An apply that fails half-way says what was and what was not changed, and leaves the world as the
//! policy says.

use gigadb_simulator::{Api, Effect, Fault, LoggedRequest, world::CLOUDFLARE_READ_TOKEN};
use gigadb_tests::{Scene, assignment, procedure::Side, wait_until};

use super::LIVE;

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";

#[test]
fn a_token_that_may_only_read_records_leaves_the_first_world() {
    let mut scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.set("CLOUDFLARE_API_TOKEN", CLOUDFLARE_READ_TOKEN);
    let output = scene.apply().expect(1);
    output.says(&["gigadb.host", "403"]);
    scene.assert_world(Side::Upstream, Side::Upstream);
    assert_eq!(scene.attributes(LIVE)["production"], "gigadb-website");
}

#[test]
fn a_refused_last_batch_is_undone_and_the_next_apply_succeeds() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let fault = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .template(BATCH)
        .skip(1);
    scene.simulator().fault(fault);
    let output = scene.apply().expect(1);
    output.says(&["gigadb.org", "403"]);
    scene.assert_world(Side::Upstream, Side::Upstream);
    let live = scene.attributes(LIVE);
    assert_eq!(
        (&live["production"], &live["status"]),
        (&"gigadb-website".into(), &"consistent".into())
    );

    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}

#[test]
fn the_advice_begins_with_what_the_cause_asks_for() {
    let wait = Effect::RateLimited {
        retry_after: Some(300),
    };
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let batch = |effect: Effect| {
        let fault = Fault::new(effect).api(Api::Cloudflare);
        scene.simulator().fault(fault.template(BATCH).skip(1));
        scene.apply().expect(1)
    };
    let told = batch(wait);
    told.says(&["next: Wait until ", "Then plan and apply again."]);
    let told = batch(Effect::Refuse);
    told.says(&[
        "next: Give the token Zone: Read and DNS: Edit ",
        "Then plan and apply again.",
    ]);
    scene.assert_world(Side::Upstream, Side::Upstream);
}

#[test]
fn stop_leaves_what_was_written_and_the_state_says_so() {
    let scene = Scene::new();
    scene.configure(&assignment("live", Side::Upstream, "on_failure = \"stop\""));
    let _ = scene.apply().expect(0);
    scene.configure(&assignment("live", Side::Alt, "on_failure = \"stop\""));
    let fault = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .template(BATCH)
        .skip(1);
    scene.simulator().fault(fault);
    let _ = scene.apply().expect(1);

    let live = scene.attributes(LIVE);
    assert_eq!(live["production"], "gigadb-website");
    assert_eq!(live["status"], "mixed");
    assert_eq!(
        live["variables"]["alt-gigadb-website/REMOTE_HOSTNAME"],
        "gigadb.org"
    );
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
}

#[test]
fn a_write_without_an_answer_is_read_back_and_not_sent_again() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let fault = Fault::new(Effect::ResetAfterCommit)
        .api(Api::Cloudflare)
        .template(BATCH);
    scene.simulator().fault(fault);
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Alt, Side::Upstream);
    let batches = scene
        .writes()
        .into_iter()
        .filter(|write| write.api == Api::Cloudflare);
    assert_eq!(batches.count(), 2);
}

/// The apex has moved, so that `production` set back alone is refused by `external-swap`: the advice
/// names what is not.
#[test]
fn the_way_back_from_a_batch_that_landed_without_an_answer_is_one() {
    let mut scene = Scene::new();
    scene.set("GIGADB_OPEN_FOR", "30");
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let late = Fault::new(Effect::GatewayTimeout { ms: 4000 }).template(BATCH);
    scene.simulator().fault(late.skip(1).always());
    let run = scene.start_terraform(&["apply", "-no-color", "-auto-approve"]);
    wait_until("the gateway's answer", || {
        let requests = scene.simulator().requests();
        let answered = |one: &LoggedRequest| one.template == BATCH && one.status == Some(504);
        requests.iter().any(answered)
    });
    let silent = Fault::new(Effect::ResetBeforeCommit);
    scene
        .simulator()
        .fault(silent.api(Api::Cloudflare).always());
    let output = run.end().expect(1);
    output.says(&[
        "partly done",
        "set it back at once together with `on_external_swap = \"revert\"`",
    ]);
    scene.simulator().clear_faults();
    scene.configure_live(Side::Upstream);
    let refused = scene.plan(&[]).expect(1);
    refused.says(&["or by an apply that failed: `gigadb.org` belongs to `alt-gigadb-website`"]);
    let back = "on_external_swap = \"revert\"";
    scene.configure(&assignment("live", Side::Upstream, back));
    let _ = scene.apply().expect(0);
    scene.assert_world(Side::Upstream, Side::Upstream);
}
