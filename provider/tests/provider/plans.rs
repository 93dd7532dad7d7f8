//! Under Terraform, items 1 to 5 of the contract: plans, what state holds, swaps made elsewhere, refresh.

use gigadb_simulator::{
    Api, Effect, Fault,
    world::{ALT_PROJECT, PROJECT, REGION_ALT, REGION_UPSTREAM},
};
use tfplug::testing::Action;

use crate::stage::{ALT, Stage, UPSTREAM, fine, live, refused, says, with};

#[tokio::test]
async fn item_01_a_plan_of_an_existing_resource_calls_no_api_and_hands_private_data_on() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let planned = resource.plan_without_refresh(live(ALT)).await;
    fine(&planned.diagnostics);
    assert_eq!(planned.action, Action::Update);
    assert_eq!(stage.simulator.requests(), []);

    stage.point("portainer.gigadb.org", "192.0.2.99");
    let applied = resource.apply().await;
    refused(
        &stage,
        &applied.diagnostics,
        &[
            "unchanged-since-plan",
            "portainer.gigadb.org",
            "198.51.100.10",
            "192.0.2.99",
        ],
    );
}

#[tokio::test]
async fn item_01_another_topology_stops_a_plan_without_refresh() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    stage.edit_topology("data_sync: true", "data_sync: false");
    let planned = resource.plan_without_refresh(live(ALT)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["The topology changed since the last refresh; plan again, with refresh"],
    );
    fine(&resource.plan(live(ALT)).await.diagnostics);
    stage.edit_topology("data_sync: false", "data_sync: true");
    let applied = resource.apply().await;
    refused(&stage, &applied.diagnostics, &["topology changed"]);
}

#[tokio::test]
async fn item_01_without_an_observation_in_private_data_the_plan_observes() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let state = resource.state_json().unwrap().to_owned();
    resource.set_state(0, state, Vec::new());
    let planned = resource.plan_without_refresh(live(ALT)).await;
    fine(&planned.diagnostics);
    assert!(!stage.simulator.requests().is_empty());
    fine(&resource.apply().await.diagnostics);
}

#[tokio::test]
async fn item_01_an_elastic_ip_that_moved_between_plan_and_apply_stops_it() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    fine(&resource.plan(live(ALT)).await.diagnostics);
    stage.simulator.edit(|world| {
        let region = world.aws.accounts[0].regions.get_mut(REGION_ALT).unwrap();
        for address in &mut region.addresses {
            if address.public_ip == "203.0.113.12" {
                address.public_ip = "203.0.113.99".to_owned();
            }
        }
    });
    let applied = resource.apply().await;
    refused(
        &stage,
        &applied.diagnostics,
        &["unchanged-since-plan", "203.0.113.12", "203.0.113.99"],
    );
}

#[tokio::test]
async fn item_02_drift_plans_an_update_to_the_desired_world_and_is_repaired() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let first = stage.simulator.world().normalized();
    stage.point("files.gigadb.org", "203.0.113.12");
    stage.set_variable(PROJECT, "REMOTE_HOSTNAME", "alt-live.gigadb.host");
    let planned = resource.plan(live(UPSTREAM)).await;
    fine(&planned.diagnostics);
    assert_eq!(planned.action, Action::Update);
    assert_eq!(planned.prior.get("status").as_str(), Some("mixed"));
    assert_eq!(planned.state.get("status").as_str(), Some("consistent"));
    fine(&resource.apply().await.diagnostics);
    assert_eq!(stage.simulator.world().normalized(), first);
    assert_eq!(resource.plan(live(UPSTREAM)).await.action, Action::NoOp);
}

#[tokio::test]
async fn item_02_a_line_taken_out_plans_the_default_and_not_the_prior_value() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let odd = with(
        with(live(UPSTREAM), "mode", "failover"),
        "on_failure",
        "stop",
    );
    let odd = with(with(odd, "on_external_swap", "keep"), "reason", "a test");
    fine(&resource.plan_and_apply(odd.clone()).await.diagnostics);
    assert_eq!(resource.state().get("mode").as_str(), Some("failover"));
    assert_eq!(resource.state().get("reason").as_str(), Some("a test"));
    let planned = resource.plan(live(UPSTREAM)).await;
    assert_eq!(planned.action, Action::Update);
    for (name, default) in [
        ("mode", Some("switchover")),
        ("on_failure", Some("revert")),
        ("on_external_swap", Some("error")),
        ("hot_standby", Some(ALT)),
        ("reason", None),
    ] {
        assert_eq!(planned.state.get(name).as_str(), default, "{name}");
    }
    fine(&resource.apply().await.diagnostics);
    assert_eq!(stage.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn item_03_neither_a_refresh_nor_a_failed_apply_changes_the_roles_in_state() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    fine(&resource.plan(live(ALT)).await.diagnostics);
    let batch = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(batch.skip(1));
    let applied = resource.apply().await;
    says(
        &applied.diagnostics,
        &["live apply: what was changed was put back"],
    );
    assert_eq!(applied.state.get("production").as_str(), Some(UPSTREAM));
    assert_eq!(applied.state.get("status").as_str(), Some("consistent"));

    stage.swap_elsewhere().await;
    let refreshed = resource.refresh().await;
    fine(&refreshed.diagnostics);
    assert_eq!(refreshed.state.get("production").as_str(), Some(UPSTREAM));
    let apex = refreshed.state.get("hostnames").get("gigadb.org");
    assert_eq!(apex.get("infrastructure").as_str(), Some(ALT));
}

#[tokio::test]
async fn item_03_import_takes_the_roles_from_dns() {
    let stage = Stage::sop().await;
    stage.swap_elsewhere().await;
    let mut resource = stage.resource();
    let imported = resource.import("live").await;
    fine(&imported.diagnostics);
    assert_eq!(imported.state.get("production").as_str(), Some(ALT));
    assert_eq!(imported.state.get("hot_standby").as_str(), Some(UPSTREAM));
    assert_eq!(resource.plan(live(ALT)).await.action, Action::NoOp);

    stage.point("files.gigadb.org", "203.0.113.11");
    let mut mixed = stage.resource();
    let imported = mixed.import("live").await;
    fine(&imported.diagnostics);
    assert_eq!(imported.state.get("production").as_str(), Some(ALT));
    assert_eq!(imported.state.get("status").as_str(), Some("mixed"));
}

#[tokio::test]
async fn item_04_roles_traded_outside_are_refused_traded_back_or_kept() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let first = stage.simulator.world().normalized();
    stage.swap_elsewhere().await;

    let planned = resource.plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["external-swap", "(at production)", ALT],
    );
    assert_eq!(planned.diagnostics.errors().count(), 1);

    let keep = with(live(UPSTREAM), "on_external_swap", "keep");
    let kept = resource.plan(keep.clone()).await;
    fine(&kept.diagnostics);
    says(&kept.diagnostics, &["warning: live external-swap"]);
    for name in ["hostnames", "variables", "status"] {
        assert_eq!(kept.state.get(name), kept.prior.get(name), "{name}");
    }
    fine(&resource.apply().await.diagnostics);
    assert_eq!(stage.writes(), Vec::<String>::new());
    assert_eq!(resource.plan(keep).await.action, Action::NoOp);

    let revert = with(live(UPSTREAM), "on_external_swap", "revert");
    let planned = resource.plan(revert).await;
    fine(&planned.diagnostics);
    fine(&resource.apply().await.diagnostics);
    assert_eq!(stage.simulator.world().normalized(), first);
}

#[tokio::test]
async fn item_04_accepting_an_external_swap_writes_nothing() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    stage.swap_elsewhere().await;
    let applied = resource.plan_and_apply(live(ALT)).await;
    fine(&applied.diagnostics);
    assert_eq!(applied.state.get("production").as_str(), Some(ALT));
    assert_eq!(stage.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn item_05_refresh_keeps_what_it_cannot_read_and_plan_decides() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let before = resource.state();
    let gitlab = |effect| Fault::new(effect).api(Api::Gitlab).always();
    stage.simulator.fault(gitlab(Effect::Refuse));
    let refreshed = resource.refresh().await;
    fine(&refreshed.diagnostics);
    assert_eq!(refreshed.diagnostics.len(), 1);
    says(
        &refreshed.diagnostics,
        &["live refresh", PROJECT, ALT_PROJECT],
    );
    assert_eq!(refreshed.state, before);

    let planned = resource.plan(live(UPSTREAM)).await;
    refused(&stage, &planned.diagnostics, &["variables-visible"]);

    stage.simulator.clear_faults();
    stage.simulator.fault(gitlab(Effect::BadGateway));
    let planned = resource.plan(live(UPSTREAM)).await;
    fine(&planned.diagnostics);
    assert_eq!(planned.action, Action::NoOp);
    let planned = resource.plan(live(ALT)).await;
    refused(&stage, &planned.diagnostics, &["variables-visible"]);

    stage.simulator.clear_faults();
    stage
        .simulator
        .fault(Fault::new(Effect::Refuse).api(Api::Cloudflare).always());
    let refreshed = resource.refresh().await;
    refused(
        &stage,
        &refreshed.diagnostics,
        &["Cloudflare could not be read"],
    );
}

#[tokio::test]
async fn item_05_in_failover_a_lost_region_stops_nothing() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let lost = Fault::new(Effect::BadGateway)
        .api(Api::Ec2)
        .region(REGION_UPSTREAM);
    stage.simulator.fault(lost.always());
    let planned = resource.plan(live(ALT)).await;
    refused(&stage, &planned.diagnostics, &["known-address", UPSTREAM]);
    let failover = with(live(ALT), "mode", "failover");
    let planned = resource.plan(failover.clone()).await;
    fine(&planned.diagnostics);
    says(&planned.diagnostics, &["warning: live known-address"]);
    fine(&resource.apply().await.diagnostics);
    assert_eq!(stage.address("gigadb.org"), "203.0.113.10");
    assert_eq!(stage.address("alt-live.gigadb.host"), "198.51.100.10");
}
