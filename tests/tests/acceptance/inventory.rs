//! `ansible-inventory -i gigadb-roles`, as an operator runs it.

use gigadb_tests::{Scene, procedure, procedure::Side};
use serde_json::Value;

/// Returns what `ansible-inventory --list` says.
#[track_caller]
pub(crate) fn list(scene: &Scene) -> Value {
    let output = scene.ansible_inventory(&["--list"]).expect(0);
    serde_json::from_str(&output.stdout).unwrap()
}

/// Returns the hosts of a group, sorted; none if there is no such group.
pub(crate) fn hosts_of(inventory: &Value, group: &str) -> Vec<String> {
    let hosts = inventory[group]["hosts"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut hosts: Vec<_> = hosts
        .iter()
        .map(|host| host.as_str().unwrap().to_owned())
        .collect();
    hosts.sort();
    hosts
}

#[test]
fn both_environments_have_six_hosts_each_in_the_groups_of_their_roles() {
    let scene = Scene::new();
    let inventory = list(&scene);
    assert_eq!(
        inventory["_meta"]["hostvars"].as_object().unwrap().len(),
        12
    );
    for (group, count) in [
        ("env_live", 6),
        ("env_staging", 6),
        ("role_production", 6),
        ("infra_alt_gigadb_website", 6),
        ("endpoint_web", 4),
        ("region_ap_east_1", 6),
        ("production_live_web", 1),
        ("hot_standby_staging_files", 1),
    ] {
        assert_eq!(hosts_of(&inventory, group).len(), count, "{group}");
    }
    scene.assert_nothing_written();
}

#[test]
fn roles_follow_the_records_not_a_cache() {
    let scene = Scene::new();
    let before = list(&scene);
    scene
        .simulator()
        .edit(|world| *world = procedure::world(Side::Alt, Side::Upstream));
    let after = list(&scene);
    assert_eq!(
        hosts_of(&before, "production_live_web"),
        ["gigadb-website-live-web"]
    );
    assert_eq!(
        hosts_of(&after, "production_live_web"),
        ["alt-gigadb-website-live-web"]
    );
    assert_eq!(
        hosts_of(&after, "production_staging_web"),
        ["gigadb-website-staging-web"]
    );
}

#[test]
fn unclear_roles_leave_the_role_groups_of_that_environment_empty() {
    let scene = Scene::new();
    scene.simulator().edit(|world| {
        world
            .cloudflare
            .record_mut("gigadb.org", "A")
            .unwrap()
            .content = "192.0.2.1".to_owned();
    });
    let inventory = list(&scene);
    assert!(hosts_of(&inventory, "production_live_web").is_empty());
    assert_eq!(hosts_of(&inventory, "production_staging_web").len(), 1);
    assert_eq!(hosts_of(&inventory, "env_live").len(), 6);
    let host = &inventory["_meta"]["hostvars"]["gigadb-website-live-web"];
    assert!(host.get("gigadb_role").is_none(), "{host}");
}

#[test]
fn old_group_names_appear_only_within_one_infrastructure() {
    let mut scene = Scene::new();
    let old = "name_gigadb_webserver_live_gigadb";
    assert!(hosts_of(&list(&scene), old).is_empty());
    scene
        .set("GIGADB_ENVIRONMENT", "live")
        .set("GIGADB_ROLE", "production");
    assert_eq!(hosts_of(&list(&scene), old), ["gigadb-website-live-web"]);
}
