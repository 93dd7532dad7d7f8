//! How the provider behaves under Terraform, numbered as in the contract.

use gigadb_simulator::{
    Api, Effect, Fault,
    world::{ALT_PROJECT, GITLAB_TOKEN, PROJECT, REGION_ALT, REGION_UPSTREAM},
};
use tfplug::{Value, testing::Action};

use crate::stage::{
    ALT, RESOURCE, Stage, UPSTREAM, assignment, fine, live, point, refused, says, summaries,
};

fn with(config: Value, name: &str, value: impl Into<Value>) -> Value {
    config.with(name, value)
}

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
async fn item_08_what_decides_a_plan_must_be_known() {
    let stage = Stage::sop().await;
    let mut resource = stage.resource();
    for name in ["environment", "production"] {
        let planned = resource
            .plan(with(live(UPSTREAM), name, Value::Unknown))
            .await;
        refused(
            &stage,
            &planned.diagnostics,
            &["must be known: the plan is the review", name],
        );
    }
    let planned = resource
        .plan(with(live(UPSTREAM), "reason", Value::Unknown))
        .await;
    fine(&planned.diagnostics);
}

#[tokio::test]
async fn item_08_unknown_settings_are_named_by_the_first_call_that_needs_them() {
    let stage = Stage::sop().await;
    let block = Value::object([
        ("gitlab", Value::object([("base_url", Value::Unknown)])),
        ("cloudflare", Value::object([("api_token", Value::Unknown)])),
    ]);
    let driver = stage.driver().configured_with(block);
    assert!(driver.walk().await.is_ok());
    let planned = driver.resource(RESOURCE).plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["`cloudflare.api_token`", "`gitlab.base_url`"],
    );
    assert_eq!(stage.simulator.requests(), []);

    let block = Value::object([("topology_file", Value::Unknown)]);
    let driver = stage.driver().configured_with(block);
    let planned = driver.resource(RESOURCE).plan(live(UPSTREAM)).await;
    refused(&stage, &planned.diagnostics, &["`topology_file`"]);
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

#[tokio::test]
async fn item_10_every_warning_begins_with_environment_and_rule_and_there_is_one_a_rule() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let lost = Fault::new(Effect::BadGateway)
        .api(Api::Ec2)
        .region(REGION_UPSTREAM);
    stage.simulator.fault(lost.always());
    stage.edit_topology("environments:", "lock: { gitlab_project: gigascience/upstream/gigadb-website, name: \"gigadb-roles-{environment}\" }\nenvironments:");
    let failover = with(live(ALT), "mode", "failover");
    let planned = resource.plan(failover).await;
    fine(&planned.diagnostics);
    let mut topics: Vec<String> = summaries(&planned.diagnostics)
        .iter()
        .map(|summary| {
            let summary = summary.strip_prefix("warning: live ").unwrap();
            summary.split_once(':').unwrap().0.to_owned()
        })
        .collect();
    let all = topics.len();
    topics.sort();
    topics.dedup();
    assert_eq!(topics.len(), all, "{topics:?}");
    for topic in [
        "https-ready",
        "known-address",
        "one-swap-at-a-time",
        "refresh",
    ] {
        assert!(
            topics.iter().any(|known| known == topic),
            "{topic} of {topics:?}"
        );
    }
}

#[tokio::test]
async fn item_11_an_empty_change_set_is_never_stopped_by_a_rule() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    stage.simulator.edit(|world| {
        let region = world.aws.accounts[0].regions.get_mut(REGION_ALT).unwrap();
        for instance in &mut region.instances {
            if instance.state == gigadb_simulator::world::InstanceState::Running {
                instance.state = gigadb_simulator::world::InstanceState::Stopped;
            }
        }
    });
    let planned = resource.plan(live(UPSTREAM)).await;
    fine(&planned.diagnostics);
    assert_eq!(planned.action, Action::NoOp);
    let planned = resource.plan(live(ALT)).await;
    refused(&stage, &planned.diagnostics, &["known-address", "stopped"]);
}

#[tokio::test]
async fn item_12_a_plan_walk_shares_one_observation() {
    let stage = Stage::sop().await;
    let driver = stage.driver();
    let walk = driver.walk().await.unwrap();
    let mut live_roles = driver.resource(RESOURCE);
    let mut staging = driver.resource(RESOURCE);
    fine(&live_roles.plan_in(&walk, live(UPSTREAM)).await.diagnostics);
    let alone = stage.simulator.requests().len();
    fine(
        &staging
            .plan_in(&walk, assignment("staging", UPSTREAM))
            .await
            .diagnostics,
    );
    let data = walk
        .read_data(RESOURCE, Value::object([("environment", "live".into())]))
        .await;
    fine(&data.diagnostics);
    assert_eq!(stage.simulator.requests().len(), alone);
}

#[tokio::test]
async fn item_12_what_is_read_after_an_apply_sees_the_new_world() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    fine(&resource.plan(live(ALT)).await.diagnostics);
    let walk = stage.driver().walk().await.unwrap();
    let who = || Value::object([("environment", "live".into())]);
    let before = walk.read_data(RESOURCE, who()).await;
    assert_eq!(before.state.get("production").as_str(), Some(UPSTREAM));
    fine(&resource.apply_in(&walk).await.diagnostics);
    let after = walk.read_data(RESOURCE, who()).await;
    fine(&after.diagnostics);
    assert_eq!(after.state.get("production").as_str(), Some(ALT));
    assert_eq!(after.state.get("hot_standby").as_str(), Some(UPSTREAM));
    assert_eq!(after.state.get("status").as_str(), Some("consistent"));
    let machine = Value::object([
        ("infrastructure", ALT.into()),
        ("environment", "live".into()),
        ("endpoint", "web".into()),
    ]);
    let machine = walk.read_data("gigadb_infrastructure", machine).await;
    fine(&machine.diagnostics);
    for (name, value) in [
        ("address", "203.0.113.10"),
        ("private_address", "10.99.0.10"),
        ("instance_state", "running"),
        ("role", "production"),
    ] {
        assert_eq!(machine.state.get(name).as_str(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn item_13_another_environment_replaces_without_touching_either() {
    let stage = Stage::sop().await;
    let first = stage.simulator.world();
    let mut resource = stage.adopted().await;
    let planned = resource.plan(assignment("staging", UPSTREAM)).await;
    fine(&planned.diagnostics);
    assert_eq!(planned.action, Action::Replace);
    assert_eq!(planned.state.get("id").as_str(), Some("staging"));
    assert!(planned.state.is_wholly_known());
    let applied = resource.apply().await;
    fine(&applied.diagnostics);
    assert_eq!(applied.state.get("id").as_str(), Some("staging"));
    assert_eq!(stage.simulator.world(), first);
}

#[tokio::test]
async fn item_14_validation_needs_neither_provider_nor_network() {
    let stage = Stage::sop().await;
    let walk = stage.driver().unconfigured_walk().await;
    for (name, value, path, said) in [
        ("mode", Value::from("switchovr"), "mode", "`switchover`"),
        (
            "on_failure",
            "undo".into(),
            "on_failure",
            "`revert`, `stop`",
        ),
        (
            "on_external_swap",
            "keeep".into(),
            "on_external_swap",
            "`keep`",
        ),
        ("hot_standby", UPSTREAM.into(), "hot_standby", "Remove it"),
        ("production", "no such".into(), "production", "is not"),
        (
            "overrides",
            Value::set(["known-adress"]),
            "overrides",
            "`known-address`",
        ),
        (
            "overrides",
            Value::set(["external-swap"]),
            "overrides",
            "cannot be waived",
        ),
        (
            "https_check",
            check("mode", "requir"),
            "https_check.mode",
            "`require`",
        ),
        (
            "https_check",
            check("port", 70_000),
            "https_check.port",
            "65535",
        ),
        (
            "https_check",
            check("path", "x"),
            "https_check.path",
            "Begin it with",
        ),
        (
            "https_check",
            check("timeout", "5"),
            "https_check.timeout",
            "`5s`",
        ),
        (
            "https_check",
            check("timeout", "61s"),
            "https_check.timeout",
            "60s",
        ),
        (
            "https_check",
            check("min_days", -1),
            "https_check.min_days",
            "3650",
        ),
        (
            "https_check",
            check("expected_status", Value::set([99])),
            "https_check.expected_status",
            "599",
        ),
    ] {
        let config = with(live(UPSTREAM), name, value);
        let found = walk.validate_resource(RESOURCE, config.clone()).await;
        assert_eq!(found.errors().count(), 1, "{name}: {found}");
        says(&found, &[&format!("(at {path})"), said]);
        refused(&stage, &found, &[said]);
        let unknown = with(live(UPSTREAM), name, Value::Unknown);
        assert!(walk.validate_resource(RESOURCE, unknown).await.is_empty());
    }
    assert_eq!(stage.simulator.requests(), []);
}

fn check(name: &str, value: impl Into<Value>) -> Value {
    Value::object([(name, value.into())])
}

#[tokio::test]
async fn item_14_the_topology_is_linted_when_its_path_is_known() {
    let stage = Stage::sop().await;
    let walk = stage.driver().unconfigured_walk().await;
    let empty = Value::object::<String>([]);
    let found = walk.validate_provider(&empty).await;
    assert_eq!(found.len(), 1, "{found}");
    says(
        &found,
        &["warning", "topology.yaml", "files.alt-live.gigadb.host"],
    );

    stage.edit_topology("profile: UpstreamAlt", "profil: UpstreamAlt");
    stage.edit_topology("portainer.gigadb.org: web", "portainer.gigadb.org: wbe");
    let found = walk.validate_provider(&empty).await;
    refused(&stage, &found, &["topology.yaml:", "profil", "`web`"]);
    let unknown = Value::object([("topology_file", Value::Unknown)]);
    assert!(walk.validate_provider(&unknown).await.is_empty());
}

#[tokio::test]
async fn item_14_an_empty_plan_warns_while_failover_or_overrides_stand() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let config = with(live(UPSTREAM), "mode", "failover");
    let config = with(config, "overrides", Value::set(["known-address"]));
    fine(&resource.plan_and_apply(config.clone()).await.diagnostics);
    let planned = resource.plan(config).await;
    assert_eq!(planned.action, Action::NoOp);
    says(&planned.diagnostics, &["warning: live mode", "failover"]);
    says(
        &planned.diagnostics,
        &["warning: live overrides", "known-address"],
    );
}

#[tokio::test]
async fn a_required_probe_is_refused_because_this_version_cannot_make_it() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let require = with(live(ALT), "https_check", check("mode", "require"));
    let planned = resource.plan(require.clone()).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["(at https_check.mode)", "cannot make one"],
    );
    let waived = with(require, "overrides", Value::set(["https-ready"]));
    let planned = resource.plan(waived).await;
    fine(&planned.diagnostics);
    says(
        &planned.diagnostics,
        &["live https-ready: not checked by this version"],
    );
}

#[tokio::test]
async fn the_state_holds_no_token_and_nothing_volatile() {
    let stage = Stage::sop().await;
    let resource = stage.adopted().await;
    let state = resource.state_json().unwrap();
    for text in [GITLAB_TOKEN, "2026-", "modified", "eipalloc"] {
        assert!(!state.contains(text), "{text}: {state}");
    }
}
