//! Under Terraform, items 6, 7 and 9 of the contract: create, apply, destroy.

use gigadb_simulator::{Api, Effect, Fault, world::ALT_PROJECT};
use tfplug::{Value, testing::Action};

use crate::stage::{ALT, Stage, UPSTREAM, fine, live, point, refused, says, with};

#[tokio::test]
async fn item_06_create_adopts_and_never_changes_a_present_value() {
    let stage = Stage::sop().await;
    let first = stage.simulator.world();
    let mut resource = stage.resource();
    let planned = resource.plan(live(UPSTREAM)).await;
    assert_eq!(planned.action, Action::Create);
    assert_eq!(planned.state.get("status").as_str(), Some("consistent"));
    fine(&resource.apply().await.diagnostics);
    assert_eq!(stage.simulator.world(), first);

    let mut other = stage.resource();
    let planned = other.plan(live(ALT)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &[
            "adopt",
            &format!("production = \"{UPSTREAM}\""),
            "terraform import",
            "gigadb.org",
        ],
    );
    assert_eq!(other.state(), Value::Null);
}

#[tokio::test]
async fn item_06_a_mixed_world_is_listed_and_a_prepared_one_needs_prepare() {
    let stage = Stage::sop().await;
    stage.point("bastion.gigadb.org", "203.0.113.11");
    let mut resource = stage.resource();
    let planned = resource.plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["mixed", "bastion.gigadb.org", "203.0.113.11"],
    );

    let stage = Stage::sop().await;
    for (key, value) in [
        ("HOME_URL", "https://gigadb.org"),
        ("REMOTE_HOME_URL", "https://gigadb.org"),
        ("REMOTE_HOSTNAME", "gigadb.org"),
        ("remote_fileserver_hostname", "files.gigadb.org"),
    ] {
        stage.set_variable(ALT_PROJECT, key, value);
    }
    let planned = stage.resource().plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["prepared", &format!("prepare = \"{ALT}\"")],
    );
    let mut resource = stage.resource();
    let prepared = with(live(UPSTREAM), "prepare", ALT);
    fine(&resource.plan_and_apply(prepared).await.diagnostics);
    assert_eq!(resource.state().get("status").as_str(), Some("prepared"));
    assert_eq!(stage.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn item_06_a_world_that_moves_under_a_create_leaves_no_state() {
    let stage = Stage::sop().await;
    let mut resource = stage.resource();
    fine(&resource.plan(live(UPSTREAM)).await.diagnostics);
    stage.point("gigadb.org", "192.0.2.77");
    let applied = resource.apply().await;
    refused(&stage, &applied.diagnostics, &["192.0.2.77"]);
    assert_eq!(applied.state, Value::Null);
    assert!(!applied.tainted);
}

#[tokio::test]
async fn item_06_policy_may_add_what_is_missing() {
    let stage = Stage::sop().await;
    stage.edit_topology(
        "environments:",
        "policy: { missing_records: create }\nenvironments:",
    );
    let first = stage.simulator.world();
    stage.simulator.edit(|world| {
        for zone in &mut world.cloudflare.zones {
            zone.records
                .retain(|record| record.name != "files.alt-live.gigadb.org");
        }
    });
    let mut resource = stage.resource();
    fine(&resource.plan_and_apply(live(UPSTREAM)).await.diagnostics);
    assert_eq!(stage.writes().len(), 1);
    assert_eq!(stage.address("files.alt-live.gigadb.org"), "203.0.113.12");
    let world = stage.simulator.world();
    assert_eq!(
        world.cloudflare.a_records().len(),
        first.cloudflare.a_records().len()
    );
    assert_eq!(resource.plan(live(UPSTREAM)).await.action, Action::NoOp);
}

#[tokio::test]
async fn item_07_a_stop_before_the_last_batch_puts_everything_back() {
    let stage = Stage::sop().await;
    let first = stage.simulator.world().normalized();
    let mut resource = stage.adopted().await;
    fine(&resource.plan(live(ALT)).await.diagnostics);
    let slow = Fault::new(Effect::Delay { ms: 300 }).api(Api::Gitlab);
    stage.simulator.fault(slow.method("PUT").times(8));
    let walk = stage.driver().walk().await.unwrap();
    let stop = async {
        while stage.writes().is_empty() {
            tokio::task::yield_now().await;
        }
        walk.stop().await;
    };
    let (applied, ()) = tokio::join!(resource.apply_in(&walk), stop);
    says(
        &applied.diagnostics,
        &["live apply: what was changed was put back", "asked to stop"],
    );
    assert_eq!(stage.simulator.world().normalized(), first);
    assert_eq!(applied.state.get("production").as_str(), Some(UPSTREAM));
}

#[tokio::test]
async fn item_07_apply_fails_with_what_was_read_back_where_that_is_not_the_plan() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    fine(&resource.plan(live(ALT)).await.diagnostics);
    let meddled = Effect::HookAfter(std::sync::Arc::new(|world| {
        point(world, "files.gigadb.org", "192.0.2.66");
    }));
    let last = Fault::new(meddled).api(Api::Cloudflare).method("POST");
    stage.simulator.fault(last.skip(1));
    let applied = resource.apply().await;
    assert!(applied.diagnostics.has_errors());
    says(
        &applied.diagnostics,
        &[
            "not as planned",
            "files.gigadb.org",
            "192.0.2.66",
            "203.0.113.12",
        ],
    );
    let files = applied.state.get("hostnames").get("files.gigadb.org");
    assert_eq!(files.get("address").as_str(), Some("192.0.2.66"));
    let again = resource.plan(live(ALT)).await;
    assert!(again.diagnostics.has_errors() || again.action == Action::Update);
    // What failed half-way is not traded back by setting the line back: item 4.
    let back = resource.plan(live(UPSTREAM)).await;
    assert!(back.diagnostics.has_errors());
    says(&back.diagnostics, &["external-swap", ALT]);
}

#[tokio::test]
async fn item_07_in_failover_what_is_out_of_reach_is_planned_as_it_was_and_owed() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let out = Fault::new(Effect::BadGateway).api(Api::Gitlab);
    stage.simulator.fault(out.always());
    let failover = with(live(ALT), "mode", "failover");
    let planned = resource.plan(failover.clone()).await;
    fine(&planned.diagnostics);
    says(&planned.diagnostics, &["live owed: 8 items", "HOME_URL"]);
    assert_eq!(
        planned.state.get("variables"),
        planned.prior.get("variables")
    );
    let applied = resource.apply().await;
    fine(&applied.diagnostics);
    says(&applied.diagnostics, &["live owed: 8 items"]);
    assert_eq!(stage.address("gigadb.org"), "203.0.113.10");

    stage.simulator.clear_faults();
    let settled = resource.plan(failover).await;
    assert_eq!(settled.action, Action::Update, "{}", settled.diagnostics);
    fine(&resource.apply().await.diagnostics);
    assert_eq!(resource.state().get("status").as_str(), Some("consistent"));
}

#[tokio::test]
async fn item_07_what_fails_only_at_apply_is_owed_in_an_error() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let failover = with(live(ALT), "mode", "failover");
    fine(&resource.plan(failover).await.diagnostics);
    let refused = Fault::new(Effect::Refuse).api(Api::Gitlab).method("PUT");
    stage.simulator.fault(
        refused
            .path_contains("gigadb-website/variables/HOME_URL")
            .always(),
    );
    let applied = resource.apply().await;
    says(
        &applied.diagnostics,
        &[&format!(
            "error: failover done: production is {ALT}; 2 items owed"
        )],
    );
    assert_eq!(stage.address("gigadb.org"), "203.0.113.10");
    assert_eq!(applied.state.get("production").as_str(), Some(UPSTREAM));
}

#[tokio::test]
async fn item_07_what_cannot_be_read_back_is_said_to_be_unread_and_not_to_be_otherwise() {
    for (mode, summary) in [
        (
            "switchover",
            "live apply: what was written could not be read back",
        ),
        (
            "failover",
            "failover done: production is alt-gigadb-website; 4 items owed",
        ),
    ] {
        let stage = Stage::sop().await;
        let mut resource = stage.adopted().await;
        let swap = with(live(ALT), "mode", mode);
        fine(&resource.plan(swap.clone()).await.diagnostics);
        let refused = Fault::new(Effect::Refuse).api(Api::Gitlab).method("GET");
        let refused = refused.path_contains("upstream/gigadb-website/variables");
        // Two pages are read before anything is written.
        stage.simulator.fault(refused.skip(2).always());
        let applied = resource.apply().await;
        says(
            &applied.diagnostics,
            &[
                summary,
                "could not be read back: GitLab refused",
                "could not be read back: gigadb-website/HOME_URL, gigadb-website/REMOTE_HOME_URL, ",
            ],
        );
        assert!(!applied.diagnostics.to_string().contains("there is"));
        let before = applied
            .state
            .get("variables")
            .get("gigadb-website/HOME_URL");
        assert_eq!(before.as_str(), Some("https://gigadb.org"));

        stage.simulator.clear_faults();
        fine(&resource.plan_and_apply(swap).await.diagnostics);
        assert_eq!(resource.state().get("status").as_str(), Some("consistent"));
    }
}

#[tokio::test]
async fn item_09_destroy_forgets_and_calls_no_api() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let walk = stage.driver().walk().await.unwrap();
    fine(&resource.refresh_in(&walk).await.diagnostics);
    let reads = stage.simulator.requests().len();
    let destroyed = resource.destroy().await;
    fine(&destroyed.diagnostics);
    says(
        &destroyed.diagnostics,
        &[
            "live destroy",
            "No DNS record and no GitLab variable is changed",
        ],
    );
    assert_eq!(destroyed.state, Value::Null);
    // The refresh before the plan of a destroy is Terraform's; the destroy itself asks nobody.
    assert_eq!(stage.simulator.requests().len(), 2 * reads);
    assert_eq!(stage.writes(), Vec::<String>::new());
}
