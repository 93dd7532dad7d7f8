//! Ansible sees the new roles after an apply, without a change of its own.

use gigadb_tests::{Scene, procedure::Side};

use crate::inventory::{hosts_of, list};

#[test]
fn the_six_live_hosts_change_their_role_groups_with_the_swap() {
    let mut scene = Scene::new();
    scene.set("GIGADB_ENVIRONMENT", "live");
    scene.adopt_live();
    let before = list(&scene);
    assert_eq!(
        hosts_of(&before, "role_production"),
        [
            "gigadb-website-live-bastion",
            "gigadb-website-live-files",
            "gigadb-website-live-web"
        ]
    );
    assert_eq!(
        hosts_of(&before, "role_hot_standby"),
        [
            "alt-gigadb-website-live-bastion",
            "alt-gigadb-website-live-files",
            "alt-gigadb-website-live-web"
        ]
    );

    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);
    let after = list(&scene);
    assert_eq!(
        hosts_of(&after, "role_production"),
        hosts_of(&before, "role_hot_standby")
    );
    assert_eq!(
        hosts_of(&after, "role_hot_standby"),
        hosts_of(&before, "role_production")
    );
    assert_eq!(
        hosts_of(&after, "production_live_bastion"),
        ["alt-gigadb-website-live-bastion"]
    );
    let bastion = &after["_meta"]["hostvars"]["alt-gigadb-website-live-bastion"];
    assert_eq!(bastion["gigadb_role"], "production");
    assert_eq!(bastion["ansible_host"], "203.0.113.11");

    scene
        .gigadb_roles(&["status", "--environment", "live"])
        .expect(0)
        .says(&["alt-gigadb-website"]);
}
