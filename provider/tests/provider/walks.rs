//! Under Terraform, the other items of the contract: unknown values, warnings, rules, sharing, validation.

use gigadb_simulator::{
    Api, Effect, Fault,
    world::{GITLAB_TOKEN, REGION_ALT, REGION_UPSTREAM},
};
use tfplug::{Value, testing::Action};

use crate::stage::{
    ALT, RESOURCE, Stage, UPSTREAM, assignment, fine, live, refused, says, summaries, with,
};

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

/// Terraform refuses a null that is written down; one that was unknown while validating comes here.
#[tokio::test]
async fn what_must_be_set_and_is_null_is_named() {
    let stage = Stage::sop().await;
    let machine = || {
        let names = [
            ("infrastructure", UPSTREAM),
            ("environment", "live"),
            ("endpoint", "web"),
        ];
        Value::object(names.map(|(name, value)| (name, value.into())))
    };
    let null = |attribute: &str, diagnostics: &tfplug::Diagnostics| {
        let told = format!("`{attribute}` must be set, and what it comes from is null");
        refused(&stage, diagnostics, &[&told, "Write the value down"]);
        assert_eq!(diagnostics.errors().count(), 1, "{diagnostics}");
    };
    for attribute in ["environment", "production"] {
        let config = || with(live(UPSTREAM), attribute, Value::Null);
        let planned = stage.resource().plan(config()).await;
        null(attribute, &planned.diagnostics);
        let judged = stage.driver().read_data("gigadb_preflight", config()).await;
        null(attribute, &judged.diagnostics);
    }
    for attribute in ["environment", "infrastructure", "endpoint"] {
        let config = with(machine(), attribute, Value::Null);
        let driver = stage.driver();
        let told = driver.read_data("gigadb_infrastructure", config).await;
        null(attribute, &told.diagnostics);
    }
    let config = Value::object([("environment", Value::Null)]);
    let told = stage.driver().read_data(RESOURCE, config).await;
    null("environment", &told.diagnostics);
    assert_eq!(stage.simulator.requests(), []);
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
        &[
            "`cloudflare.api_token`, `gitlab.base_url` must be known",
            "it needs what they say.",
            "Take them from",
        ],
    );
    assert_eq!(stage.simulator.requests(), []);

    let block = Value::object([("topology_file", Value::Unknown)]);
    let driver = stage.driver().configured_with(block);
    let planned = driver.resource(RESOURCE).plan(live(UPSTREAM)).await;
    let told = [
        "`topology_file` must be known",
        "it needs what it says.",
        "Take it from",
    ];
    refused(&stage, &planned.diagnostics, &told);
}

#[tokio::test]
async fn item_10_every_warning_begins_with_environment_and_rule_and_there_is_one_a_rule() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let lost = Fault::new(Effect::BadGateway)
        .api(Api::Ec2)
        .region(REGION_UPSTREAM);
    stage.simulator.fault(lost.always());
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
    for topic in ["known-address", "mode", "refresh"] {
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
async fn item_13_a_state_without_a_later_attribute_is_read() {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let state = resource.state_json().unwrap();
    let mut state: serde_json::Value = serde_json::from_str(state).unwrap();
    state.as_object_mut().unwrap().remove("reason").unwrap();
    let private = resource.private().to_vec();
    resource.set_state(0, state.to_string(), private);
    let planned = resource.plan(live(UPSTREAM)).await;
    assert_eq!(planned.action, Action::NoOp, "{}", planned.diagnostics);
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
    let empty = Value::object::<String>([]);
    let plan = stage.driver().unconfigured_walk().await;
    assert!(plan.validate_provider(&empty).await.is_empty());
    let walk = stage.linting_driver().unconfigured_walk().await;
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
async fn with_three_infrastructures_the_standby_is_named_and_the_third_keeps_what_it_has() {
    let stage = Stage::sop().await;
    stage.edit_topology(
        "environments:",
        "  third:\n    gitlab_project: gigascience/upstream/third\n    aws: { profile: Upstream, region: us-east-1 }\n    owner: third\nenvironments:",
    );
    let mut resource = stage.resource();
    let planned = resource.plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["`hot_standby` must be named", "(at hot_standby)"],
    );
    let named = |production, standby: &str| with(live(production), "hot_standby", standby);
    fine(
        &resource
            .plan_and_apply(named(UPSTREAM, ALT))
            .await
            .diagnostics,
    );
    let planned = resource.plan(named(ALT, UPSTREAM)).await;
    fine(&planned.diagnostics);
    says(
        &planned.diagnostics,
        &["warning: live other-sides", "`third`"],
    );
    fine(&resource.apply().await.diagnostics);
    let imported = stage.resource().import("live").await;
    fine(&imported.diagnostics);
    assert_eq!(imported.state.get("hot_standby").as_str(), Some(UPSTREAM));
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
