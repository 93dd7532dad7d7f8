//! A world in which a swap is not safe: the plan stops with what is wrong, where, and what to do.

use gigadb_simulator::{
    Api, Edit, Effect, Fault, World,
    world::{InstanceState, Plan, Variable, Zone},
};
use gigadb_tests::{Output, Scene, procedure::Side};

const WEB: &str = "eip-gigadb-live-gigadb";
const STANDBY_REGION: &str = "ap-southeast-2";

/// Adopts live, changes the world, and plans the swap, which must fail without a write.
#[track_caller]
fn refused(change: impl FnOnce(&mut World)) -> Output {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.simulator().edit(change);
    let output = scene.plan(&[]).expect(1);
    scene.assert_nothing_written();
    output.says(&["Nothing was changed"]);
    output.omits(&["bug in the provider", "panicked", "Plugin did not respond"]);
    output
}

fn edit(edit: Edit) -> impl FnOnce(&mut World) {
    move |world| world.apply(&edit).unwrap()
}

#[test]
fn two_active_zones_of_one_name() {
    let told = [
        "Two active zones named `gigadb.org` are visible (id ",
        "Limit the token to the zone that is in use",
    ];
    let twin = Zone::new("another account", "gigadb.org", Plan::Free);
    refused(|world| world.cloudflare.zones.push(twin.clone())).says(&told);

    // Whose they are is kept nowhere, so that only a plan that reads the zones itself can tell.
    let scene = Scene::new();
    scene
        .simulator()
        .edit(|world| world.cloudflare.zones.push(twin));
    scene.configure_live(Side::Upstream);
    let output = scene.plan(&[]).expect(1);
    output.says(&told).says(&[" in account `another account`"]);
    scene.assert_nothing_written();
}

#[test]
fn a_name_that_is_delegated() {
    refused(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.add("NS", "files.gigadb.org", "ns1.example.net");
    })
    .says(&[
        "Error: live single-a-record: `files.gigadb.org` is delegated to another name server",
        "NS `ns1.example.net` at `files.gigadb.org` (id ",
        "Remove the NS record in the Cloudflare dashboard",
    ]);
}

#[test]
fn a_name_that_a_wildcard_answers_for() {
    refused(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.host").unwrap();
        zone.records
            .retain(|record| record.name != "portainer.alt-live.gigadb.host");
        zone.add("A", "*.alt-live.gigadb.host", "203.0.113.10");
    })
    .says(&[
        "`portainer.alt-live.gigadb.host` has no A record of its own: the wildcard `*.alt-live.gigadb.host` A `203.0.113.10`",
        "Create the A record",
    ]);
}

#[test]
fn an_https_record_with_an_address_of_its_own_is_a_warning() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.add("HTTPS", "gigadb.org", "1 . ipv4hint=\"198.51.100.10\"");
    });
    // It stands in the way of nothing.
    let _ = scene.plan(&[]).expect(0);
    scene.configure_live(Side::Alt);
    let output = scene.plan(&[]).expect(2);
    output.says(&[
        "Warning: live single-a-record: `gigadb.org` has an HTTPS record that names 198.51.100.10",
        "Remove `ipv4hint` from this HTTPS record",
    ]);
}

#[test]
fn an_elastic_ip_that_is_missing() {
    refused(edit(Edit::ReleaseAddress {
        region: STANDBY_REGION.to_owned(),
        name: WEB.to_owned(),
    }))
    .says(&["known-address", WEB, "alt-gigadb-website", STANDBY_REGION]);
}

#[test]
fn an_elastic_ip_that_is_there_twice() {
    refused(|world| {
        let region = world.aws.region_mut(STANDBY_REGION).unwrap();
        let mut twin = region.addresses_named(WEB)[0].clone();
        twin.public_ip = "203.0.113.99".to_owned();
        twin.allocation_id = "eipalloc-0123456789abcdef0".to_owned();
        region.addresses.push(twin);
    })
    .says(&["known-address", WEB, "203.0.113.10", "203.0.113.99"]);
}

#[test]
fn an_instance_that_is_stopped() {
    refused(edit(Edit::SetInstanceState {
        region: STANDBY_REGION.to_owned(),
        name: "gigadb_webserver_live_gigadb".to_owned(),
        state: InstanceState::Stopped,
    }))
    .says(&["known-address", "alt-gigadb-website", "stopped"]);
}

#[test]
fn a_name_without_a_record() {
    refused(edit(Edit::DeleteRecords {
        name: "files.gigadb.org".to_owned(),
        kind: "A".to_owned(),
    }))
    .says(&["single-a-record", "files.gigadb.org"]);
}

#[test]
fn a_name_with_several_records() {
    refused(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.add("A", "bastion.gigadb.org", "192.0.2.44");
    })
    .says(&[
        "single-a-record",
        "bastion.gigadb.org",
        "192.0.2.44",
        "198.51.100.11",
    ]);
}

#[test]
fn a_name_with_mixed_records() {
    refused(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.add("AAAA", "gigadb.org", "2001:db8::1");
    })
    .says(&["single-a-record", "gigadb.org", "AAAA", "2001:db8::1"]);
}

#[test]
fn a_variable_that_is_hidden() {
    refused(|world| {
        let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
        project
            .variable_mut("REMOTE_HOSTNAME", "live")
            .unwrap()
            .hidden = true;
    })
    .says(&[
        "variables-visible",
        "REMOTE_HOSTNAME",
        "alt-gigadb-website",
        "hidden",
    ]);
}

#[test]
fn a_variable_that_is_missing() {
    refused(edit(Edit::DeleteVariable {
        project: Side::Upstream.project().to_owned(),
        key: "REMOTE_HOME_URL".to_owned(),
        scope: "live".to_owned(),
    }))
    .says(&[
        "variables-visible",
        "REMOTE_HOME_URL",
        "gigadb-website",
        "live",
    ]);
}

#[test]
fn a_variable_that_is_there_only_for_a_pattern_of_environments() {
    refused(|world| {
        let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
        project
            .variables
            .retain(|row| row.key != "HOME_URL" || row.environment_scope != "live");
        project.variables.push(Variable::new(
            "HOME_URL",
            "li*",
            "http://alt-live.gigadb.host",
        ));
    })
    .says(&["variables-visible", "HOME_URL", "li*"]);
}

#[test]
fn a_stopped_standby_does_not_block_an_empty_plan() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(edit(Edit::SetInstanceState {
        region: STANDBY_REGION.to_owned(),
        name: "gigadb_webserver_live_gigadb".to_owned(),
        state: InstanceState::Stopped,
    }));
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn an_api_that_cannot_be_reached() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.simulator().stop_listening().unwrap();
    scene
        .plan(&[])
        .expect(1)
        .says(&["Cloudflare", "Nothing was changed"]);
    scene.simulator().listen_again().unwrap();
    scene.assert_nothing_written();
    let _ = scene.plan(&[]).expect(2);
}

#[test]
fn a_region_that_cannot_be_reached_stops_a_swap_but_no_empty_plan() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().fault(
        Fault::new(Effect::ResetBeforeCommit)
            .api(Api::Ec2)
            .region(STANDBY_REGION)
            .always(),
    );
    scene
        .plan(&[])
        .expect(0)
        .says(&["Warning:", "alt-gigadb-website"]);
    scene.configure_live(Side::Alt);
    scene
        .plan(&[])
        .expect(1)
        .says(&["alt-gigadb-website", "Nothing was changed"]);
    scene.assert_nothing_written();
}
