//! Bad input stops in validate or plan, says what, where and what to do, and writes nothing.

use std::time::Duration;

use gigadb_simulator::{
    Api, Effect, Fault, World,
    world::{CLOUDFLARE_ONE_ZONE_TOKEN, GITLAB_DEVELOPER_TOKEN, OptIn, PROJECT, REGION_ALT},
};
use tfplug::{Diagnostics, Value};

use crate::stage::{ALT, Stage, UPSTREAM, assignment, live, refused};

/// Plans the swap of an adopted live in a world that somebody has changed.
async fn swap_in(change: impl FnOnce(&mut World)) -> (Stage, Diagnostics) {
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    stage.simulator.edit(change);
    let planned = resource.plan(live(ALT)).await;
    (stage, planned.diagnostics)
}

fn block(group: &str, name: &str, value: &str) -> Value {
    Value::object([(group, Value::object([(name, value.into())]))])
}

async fn configured(stage: &Stage, block: Value) -> Diagnostics {
    match stage.driver().configured_with(block).walk().await {
        Ok(_) => Diagnostics::new(),
        Err(diagnostics) => diagnostics,
    }
}

#[tokio::test]
async fn a_missing_topology() {
    let stage = Stage::sop().await;
    let block = Value::object([("topology_file", "no/such/topology.yaml".into())]);
    let found = configured(&stage, block).await;
    refused(
        &stage,
        &found,
        &["no/such/topology.yaml", "(at topology_file)"],
    );
}

#[tokio::test]
async fn an_unknown_environment_or_infrastructure_names_the_nearest() {
    let stage = Stage::sop().await;
    let mut resource = stage.resource();
    let planned = resource.plan(assignment("lives", UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["`lives`", "`live`", "(at environment)"],
    );
    let planned = resource.plan(live("gigadb-websit")).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["`gigadb-websit`", "`gigadb-website`", "(at production)"],
    );
    let imported = resource.import("lvie").await;
    refused(&stage, &imported.diagnostics, &["`lvie`", "`live`"]);
}

#[tokio::test]
async fn a_plain_http_base_url_that_is_not_loopback() {
    let stage = Stage::sop().await;
    let found = configured(
        &stage,
        block("gitlab", "base_url", "http://gitlab.example.org/api/v4"),
    )
    .await;
    refused(&stage, &found, &["plain http", "(at gitlab.base_url)"]);
}

#[tokio::test]
async fn an_api_that_is_out_of_reach() {
    let stage = Stage::sop().await;
    let resource = stage.adopted().await;
    stage.simulator.stop_listening().unwrap();
    let mut resource = resource;
    let planned = resource.plan(live(ALT)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["Cloudflare could not be read"],
    );
}

#[tokio::test]
async fn what_to_do_follows_from_what_failed() {
    let token = ["API token", "CLOUDFLARE_API_TOKEN"];
    let stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let broken = Fault::new(Effect::ServerError).api(Api::Cloudflare);
    stage.simulator.fault(broken.always());
    let planned = resource.plan(live(ALT)).await.diagnostics;
    refused(&stage, &planned, &["Cloudflare could not be read", "500"]);
    assert!(
        token.iter().all(|word| !planned.to_string().contains(word)),
        "{planned}"
    );

    // Whoever asks to stop while a plan reads is told neither of the token nor of the connection.
    let stage = Stage::sop().await;
    let hangs = Fault::new(Effect::Hang).api(Api::Cloudflare);
    stage.simulator.fault(hangs.always());
    let walk = stage.driver().walk().await.unwrap();
    let mut resource = stage.resource();
    let stop = async {
        while stage.simulator.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        walk.stop().await;
    };
    let (planned, ()) = tokio::join!(resource.plan_in(&walk, live(UPSTREAM)), stop);
    let said = planned.diagnostics;
    refused(&stage, &said, &["stopped", "Run the command again."]);
    assert!(
        token.iter().all(|word| !said.to_string().contains(word)),
        "{said}"
    );
    assert!(!said.to_string().contains("connection"), "{said}");
}

#[tokio::test]
async fn a_token_without_permission() {
    let mut stage = Stage::sop().await;
    stage.set("GITLAB_TOKEN", GITLAB_DEVELOPER_TOKEN);
    let planned = stage.resource().plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["variables-visible", "Maintainer"],
    );

    let mut stage = Stage::sop().await;
    stage.set("CLOUDFLARE_API_TOKEN", "");
    let planned = stage.resource().plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["Cloudflare", "CLOUDFLARE_API_TOKEN"],
    );
}

#[tokio::test]
async fn a_hostname_in_no_visible_zone() {
    let mut stage = Stage::sop().await;
    stage.set("CLOUDFLARE_API_TOKEN", CLOUDFLARE_ONE_ZONE_TOKEN);
    let planned = stage.resource().plan(live(UPSTREAM)).await;
    refused(
        &stage,
        &planned.diagnostics,
        &["alt-live.gigadb.host", "visible zones: `gigadb.org`"],
    );
}

#[tokio::test]
async fn an_elastic_ip_that_is_missing_or_there_twice() {
    let name = "eip-gigadb-files-live-gigadb";
    let (stage, found) = swap_in(|world| {
        let region = world.aws.accounts[0].regions.get_mut(REGION_ALT).unwrap();
        region
            .addresses
            .retain(|a| a.tags.get("Name").map(String::as_str) != Some(name));
    })
    .await;
    refused(
        &stage,
        &found,
        &["known-address", name, "has no Elastic IP"],
    );

    let (stage, found) = swap_in(|world| {
        let region = world.aws.accounts[0].regions.get_mut(REGION_ALT).unwrap();
        let mut second = region.addresses_named(name)[0].clone();
        second.allocation_id = "eipalloc-0123456789abcdef0".to_owned();
        second.public_ip = "203.0.113.55".to_owned();
        region.addresses.push(second);
    })
    .await;
    refused(
        &stage,
        &found,
        &["known-address", "has 2 Elastic IPs", "203.0.113.55"],
    );
}

#[tokio::test]
async fn a_name_with_no_several_or_mixed_records() {
    let org = |world: &mut World| {
        world
            .cloudflare
            .zones
            .iter()
            .position(|z| z.name == "gigadb.org")
            .unwrap()
    };
    let (stage, found) = swap_in(|world| {
        let zone = org(world);
        world.cloudflare.zones[zone]
            .records
            .retain(|r| r.name != "files.gigadb.org");
    })
    .await;
    refused(&stage, &found, &["single-a-record", "files.gigadb.org"]);
    let (stage, found) = swap_in(|world| {
        let zone = org(world);
        world.cloudflare.zones[zone].add("A", "files.gigadb.org", "192.0.2.1");
    })
    .await;
    refused(
        &stage,
        &found,
        &["single-a-record", "files.gigadb.org", "192.0.2.1"],
    );
    let (stage, found) = swap_in(|world| {
        let zone = org(world);
        world.cloudflare.zones[zone].add("AAAA", "gigadb.org", "2001:db8::1");
    })
    .await;
    refused(&stage, &found, &["single-a-record", "AAAA"]);
}

#[tokio::test]
async fn an_ambiguous_or_hidden_variable() {
    let (stage, found) = swap_in(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        project.variable_mut("HOME_URL", "live").unwrap().hidden = true;
    })
    .await;
    refused(&stage, &found, &["variables-visible", "HOME_URL", "hidden"]);
    let (stage, found) = swap_in(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        project
            .variables
            .retain(|v| v.key != "HOME_URL" || v.environment_scope != "live");
    })
    .await;
    refused(
        &stage,
        &found,
        &["variables-visible", "HOME_URL", "wildcard scope `*`"],
    );
}

#[tokio::test]
async fn a_region_that_is_not_enabled() {
    let (stage, found) = swap_in(|world| {
        let region = world.aws.accounts[0].regions.get_mut("ap-east-1").unwrap();
        region.opt_in = OptIn::NotOptedIn;
    })
    .await;
    refused(
        &stage,
        &found,
        &["known-address", "ap-east-1", "enabled for the account"],
    );
}

#[tokio::test]
async fn data_sources_name_the_nearest_too() {
    let stage = Stage::sop().await;
    let machine = |side: &str, environment: &str, endpoint: &str| {
        Value::object([
            ("infrastructure", side.into()),
            ("environment", environment.into()),
            ("endpoint", endpoint.into()),
        ])
    };
    for (config, texts) in [
        (
            machine("gigadb-websites", "live", "web"),
            ["`gigadb-website`", "(at infrastructure)"],
        ),
        (machine(ALT, "liv", "web"), ["`live`", "(at environment)"]),
        (machine(ALT, "live", "wep"), ["`web`", "(at endpoint)"]),
    ] {
        let read = stage
            .driver()
            .read_data("gigadb_infrastructure", config)
            .await;
        refused(&stage, &read.diagnostics, &texts);
    }
}
