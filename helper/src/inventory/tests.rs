//! World in, inventory out.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    name::{EndpointName, InfrastructureName},
    topology::Topology,
    world::{
        ElasticIp, Failure, FailureKind, Instance, Reading, Record, RecordType, Side, World, Zone,
    },
};
use insta::assert_snapshot;
use serde_json::Value;

use super::{
    AddressKind, Inventory, Settings, Sockets, build, facts, properties, render, scope::Scope,
};

pub(super) const TOPOLOGY: &str = r#"
version: 1
endpoints:
  web: { eip: "eip-web-{environment}", instance: "web_{environment}" }
  bastion: { eip: "eip-bastion-{environment}", instance: "bastion_{environment}" }
infrastructures:
  blue:
    gitlab_project: group/blue-site
    aws: { profile: Blue, region: ap-east-1 }
    ssh: { user: centos, private_key: "~/.ssh/blue key.pem", bastion_user: jump }
  green-2:
    gitlab_project: group/sub/green
    aws: { profile: Green, region: ap-southeast-2 }
    owner: gigadbalt
environments:
  live:
    data_sync: true
    production:
      hostnames: { site.example: web, bastion.site.example: bastion }
      variables: {}
    hot_standby:
      hostnames: { alt.site.example: web }
      variables: {}
  staging:
    production:
      hostnames: { staging.site.example: web }
      variables: {}
    hot_standby:
      hostnames: { alt-staging.site.example: web }
      variables: {}
"#;

fn topology() -> Topology {
    Topology::parse(TOPOLOGY).unwrap().topology
}

/// Blue is production everywhere; private addresses are the same on both sides.
fn world() -> World {
    let zone = Zone {
        id: "z1".parse().unwrap(),
        name: "site.example".parse().unwrap(),
        active: true,
        batch_limit: 200,
        account: None,
    };
    let records = [
        ("site.example", "198.51.100.10"),
        ("bastion.site.example", "198.51.100.11"),
        ("alt.site.example", "203.0.113.10"),
        ("staging.site.example", "198.51.100.20"),
        ("alt-staging.site.example", "203.0.113.20"),
    ];
    let records = records.map(|(name, address)| Record {
        id: name.parse().unwrap(),
        name: name.parse().unwrap(),
        record_type: RecordType::A,
        content: address.to_owned(),
        ttl: 1,
        proxied: false,
    });
    World {
        certificates: BTreeMap::new(),
        beside: BTreeMap::new(),
        zones: Reading::Read(vec![zone]),
        records: BTreeMap::from([("z1".parse().unwrap(), Reading::Read(records.to_vec()))]),
        variables: BTreeMap::new(),
        sides: BTreeMap::from([
            (name("blue"), Reading::Read(side("198.51.100"))),
            (name("green-2"), Reading::Read(side("203.0.113"))),
        ]),
    }
}

fn side(network: &str) -> Side {
    let mut side = Side::default();
    for (environment, ten) in [("live", 1), ("staging", 2)] {
        for (endpoint, one) in [("web", 0), ("bastion", 1)] {
            let id: gigadb_engine::name::InstanceId =
                format!("i-{environment}-{endpoint}").parse().unwrap();
            side.elastic_ips.push(ElasticIp {
                allocation_id: format!("eipalloc-{environment}-{endpoint}")
                    .parse()
                    .unwrap(),
                name: format!("eip-{endpoint}-{environment}"),
                address: format!("{network}.{ten}{one}").parse().unwrap(),
                instance_id: Some(id.clone()),
                used_by: None,
            });
            side.instances.push(Instance {
                id,
                name: format!("{endpoint}_{environment}"),
                state: "running".to_owned(),
                private_address: Some(format!("10.99.0.{ten}{one}").parse().unwrap()),
                public_address: None,
                tags: BTreeMap::new(),
            });
        }
    }
    side
}

fn name(text: &str) -> InfrastructureName {
    text.parse().unwrap()
}

fn read_side<'a>(world: &'a mut World, side: &str) -> &'a mut Side {
    match world.sides.get_mut(side) {
        Some(Reading::Read(side)) => side,
        _ => panic!("no side {side}"),
    }
}

/// `environment/role/infrastructure`, each empty for any.
fn scope(text: &str) -> Scope {
    let parts: Vec<&str> = text.split('/').collect();
    Scope {
        environment: parts[0].parse().ok(),
        role: gigadb_engine::name::Role::ALL
            .into_iter()
            .find(|r| r.as_str() == parts[1]),
        infrastructure: parts[2].parse().ok(),
    }
}

fn inventory(world: &World, asked: &str, address: AddressKind) -> Result<Inventory, String> {
    let topology = topology();
    let settings = Settings {
        gitlab_base: "https://gitlab.example/api/v4".to_owned(),
        address,
        ages: BTreeMap::new(),
        outputs: BTreeMap::new(),
        keys: BTreeMap::new(),
        sockets: Sockets::default(),
    };
    let facts = facts(&topology, world);
    build(&topology, &facts, &scope(asked), &settings).map_err(|error| error.to_string())
}

fn groups_of<'a>(inventory: &'a Inventory, host: &str) -> BTreeSet<&'a str> {
    let groups = inventory.groups.iter();
    groups
        .filter(|(_, hosts)| hosts.iter().any(|member| member == host))
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Hosts with the groups that tell roles and sides, then what is said about them.
fn hosts(edit: impl FnOnce(&mut World), asked: &str) -> String {
    let mut world = world();
    edit(&mut world);
    let inventory = match inventory(&world, asked, AddressKind::ByEndpoint) {
        Ok(inventory) => inventory,
        Err(error) => return format!("error: {error}"),
    };
    let told = |group: &&str| {
        ["role_", "name_", "production_", "hot_"]
            .iter()
            .any(|p| group.starts_with(p))
    };
    let hosts = inventory.hosts.keys().map(|name| {
        let groups: Vec<&str> = groups_of(&inventory, name)
            .into_iter()
            .filter(told)
            .collect();
        format!("{name}: {}", groups.join(" "))
            .trim_end()
            .to_owned()
    });
    let said = inventory
        .warnings
        .iter()
        .map(|warning| format!("! {warning}"));
    hosts.chain(said).collect::<Vec<_>>().join("\n")
}

fn set_record(world: &mut World, hostname: &str, address: &str) {
    for reading in world.records.values_mut() {
        if let Reading::Read(records) = reading {
            for record in records.iter_mut().filter(|r| r.name.as_str() == hostname) {
                address.clone_into(&mut record.content);
            }
        }
    }
}

fn swap_live(world: &mut World) {
    set_record(world, "site.example", "203.0.113.10");
    set_record(world, "bastion.site.example", "203.0.113.11");
    set_record(world, "alt.site.example", "198.51.100.10");
}

#[test]
fn groups_follow_the_roles() {
    assert_snapshot!(hosts(|_| {}, "live//"), @"
    blue-live-bastion: production_live_bastion role_production
    blue-live-web: production_live_web role_production
    green-2-live-bastion: hot_standby_live_bastion role_hot_standby
    green-2-live-web: hot_standby_live_web role_hot_standby
    ");
    assert_snapshot!(hosts(swap_live, "live//"), @"
    blue-live-bastion: hot_standby_live_bastion role_hot_standby
    blue-live-web: hot_standby_live_web role_hot_standby
    green-2-live-bastion: production_live_bastion role_production
    green-2-live-web: production_live_web role_production
    ");
}

#[test]
fn a_scope_by_role_follows_the_swap_and_brings_the_groups_of_old_plays() {
    assert_snapshot!(hosts(|_| {}, "live/production/"), @"
    blue-live-bastion: name_bastion_live production_live_bastion role_production
    blue-live-web: name_web_live production_live_web role_production
    ");
    assert_snapshot!(hosts(swap_live, "live/production/"), @"
    green-2-live-bastion: name_bastion_live production_live_bastion role_production
    green-2-live-web: name_web_live production_live_web role_production
    ");
    assert_snapshot!(hosts(swap_live, "//green-2"), @"
    green-2-live-bastion: name_bastion_live production_live_bastion role_production
    green-2-live-web: name_web_live production_live_web role_production
    green-2-staging-bastion: hot_standby_staging_bastion name_bastion_staging role_hot_standby
    green-2-staging-web: hot_standby_staging_web name_web_staging role_hot_standby
    ");
    assert_snapshot!(hosts(swap_live, "/hot_standby/blue"), @"
    blue-live-bastion: hot_standby_live_bastion name_bastion_live role_hot_standby
    blue-live-web: hot_standby_live_web name_web_live role_hot_standby
    ");
}

#[test]
fn an_empty_scope_is_an_error_and_never_an_empty_inventory() {
    assert_snapshot!(hosts(|_| {}, "live/production/green-2"), @"error: no side is in scope: `blue` is production in `live`");
    assert_snapshot!(hosts(|_| {}, "//blu"), @"error: the topology has no infrastructure `blu`; did you mean `blue`?");
    assert_snapshot!(hosts(|_| {}, "lively//"), @"error: the topology has no environment `lively`; did you mean `live`?");
    let unclear = |world: &mut World| set_record(world, "site.example", "192.0.2.1");
    assert_snapshot!(hosts(unclear, "live/production/"), @"error: no side is in scope: it is not clear who is production in `live`: `site.example` leads to 192.0.2.1, no Elastic IP of any known side");
}

#[test]
fn unclear_roles_put_nobody_in_a_role_group_of_that_environment() {
    let mixed = |world: &mut World| set_record(world, "alt.site.example", "198.51.100.10");
    assert_snapshot!(hosts(mixed, "//"), @"
    blue-live-bastion:
    blue-live-web:
    blue-staging-bastion: production_staging_bastion role_production
    blue-staging-web: production_staging_web role_production
    green-2-live-bastion:
    green-2-live-web:
    green-2-staging-bastion: hot_standby_staging_bastion role_hot_standby
    green-2-staging-web: hot_standby_staging_web role_hot_standby
    ! It is not clear who has which role in `live`: `alt.site.example` is a name of the hot standby but leads to `blue`, while `site.example` leads to `blue`. No host of `live` is in a role group.
    ");
}

#[test]
fn what_derives_from_the_role_is_missing_without_one() {
    let mut world = world();
    set_record(&mut world, "site.example", "192.0.2.1");
    let inventory = inventory(&world, "live//", AddressKind::ByEndpoint).unwrap();
    for (name, host) in &inventory.hosts {
        for variable in [
            "gigadb_role",
            "backup_source_project_string",
            "reset_database_cronjob_state",
            "upload_database_backup_to_S3_cronjob_state",
            "sync_dropboxes_cronjob_state",
        ] {
            assert!(
                host.variables.get(variable).is_none(),
                "{name} has {variable}"
            );
        }
    }
}

#[test]
fn without_records_hosts_are_known_and_roles_are_not() {
    let refuse = |world: &mut World| {
        world.zones = Reading::failed(Failure::new(
            FailureKind::Misconfigured,
            "there is no token".to_owned(),
        ));
    };
    assert_snapshot!(hosts(refuse, "live//"), @"
    blue-live-bastion:
    blue-live-web:
    green-2-live-bastion:
    green-2-live-web:
    ! It is not clear who has which role in `live`: the list of zones could not be read: there is no token. No host of `live` is in a role group.
    ");
    assert_snapshot!(hosts(refuse, "live/production/"), @"error: no side is in scope: it is not clear who is production in `live`: the list of zones could not be read: there is no token");
}

#[test]
fn a_region_out_of_reach_loses_its_hosts_alone() {
    let lose = |sides: &'static [&'static str]| {
        move |world: &mut World| {
            for side in sides {
                let failure =
                    Failure::new(FailureKind::Unreachable, "EC2 did not answer".to_owned());
                world.sides.insert(name(side), Reading::failed(failure));
            }
        }
    };
    assert_snapshot!(hosts(lose(&["green-2"]), "live//"), @"
    blue-live-bastion: production_live_bastion role_production
    blue-live-web: production_live_web role_production
    ! The roles in `live` are clear, but `alt.site.example` leads to 203.0.113.10, and it is not known whose that is: the Elastic IPs of `green-2` could not be read.
    ! `green-2` could not be read: EC2 did not answer. Its hosts are not listed.
    ");
    assert_snapshot!(hosts(lose(&["blue", "green-2"]), "live//"), @"error: no side in scope could be read: `blue`: EC2 did not answer; `green-2`: EC2 did not answer");
}

#[test]
fn what_is_last_known_of_a_region_is_served_and_marked() {
    let mut world = world();
    let failure = Failure::new(FailureKind::Unreachable, "EC2 did not answer".to_owned());
    let last_known = Some(side("203.0.113"));
    world.sides.insert(
        name("green-2"),
        Reading::Failed {
            failure,
            last_known,
        },
    );
    let inventory = inventory(&world, "live//", AddressKind::ByEndpoint).unwrap();
    let seen = |host: &str| {
        let variables = &inventory.hosts[host].variables;
        (
            variables.get("gigadb_stale").cloned().unwrap(),
            variables.get("gigadb_role").cloned().unwrap(),
        )
    };
    assert_eq!(
        seen("green-2-live-web"),
        (true.into(), "hot_standby".into())
    );
    assert_eq!(seen("blue-live-web"), (false.into(), "production".into()));
}

#[test]
fn doubtful_machines_are_named() {
    let one = |edit: fn(&mut Side)| move |world: &mut World| edit(read_side(world, "blue"));
    assert_snapshot!(hosts(one(|side| side.instances[0].state = "stopped".to_owned()), "live//blue"), @"
    blue-live-bastion: name_bastion_live production_live_bastion role_production
    blue-live-web: name_web_live production_live_web role_production
    ! `blue-live-web`: i-live-web is stopped.
    ");
    assert_snapshot!(hosts(one(|side| side.instances.retain(|i| i.name != "web_live")), "live//blue"), @"
    blue-live-bastion: name_bastion_live production_live_bastion role_production
    ! `blue-live-web` is not listed: there is no instance named `web_live`.
    ");
    assert_snapshot!(hosts(one(|side| {
        let mut twin = side.instances[0].clone();
        twin.id = "i-twin".parse().unwrap();
        side.instances.push(twin);
    }), "live//blue"), @"
    blue-live-bastion: name_bastion_live production_live_bastion role_production
    blue-live-web: name_web_live production_live_web role_production
    ! `blue-live-web`: 2 instances are named `web_live`; i-live-web holds the Elastic IP and is used.
    ");
    assert_snapshot!(hosts(one(|side| {
        let mut twin = side.instances[0].clone();
        twin.id = "i-twin".parse().unwrap();
        side.instances.push(twin);
        side.elastic_ips[0].instance_id = None;
    }), "live//blue"), @"
    blue-live-bastion: name_bastion_live production_live_bastion role_production
    ! `blue-live-web` is not listed: 2 instances are named `web_live` (i-live-web, i-twin), and none holds the Elastic IP.
    ");
    assert_snapshot!(hosts(one(|side| side.elastic_ips[1].instance_id = None), "live//blue"), @"
    blue-live-bastion: name_bastion_live production_live_bastion role_production
    blue-live-web: name_web_live production_live_web role_production
    ! `blue-live-bastion` has no public address, so it has no `ansible_host` and cannot be reached.
    ! `blue-live-bastion`: Elastic IP 198.51.100.11 is not associated with i-live-bastion, the instance named `bastion_live`.
    ! `blue-live-web` is reached through the bastion of `blue`, which has no public address; it has no `ansible_host` and cannot be reached.
    ");
}

#[test]
fn a_host_has_everything_that_plays_read() {
    let inventory = inventory(&world(), "live//", AddressKind::ByEndpoint).unwrap();
    assert_snapshot!(render::host(&inventory.hosts["blue-live-web"]), @r#"
    {
      "ansible_control_path": "%(directory)s/e867f26ac6%%r",
      "ansible_host": "10.99.0.10",
      "ansible_ssh_common_args": "-o HostKeyAlias=blue-live-web -o 'ProxyCommand=ssh -W %h:%p -i '\\''~/.ssh/blue key.pem'\\'' -o HostKeyAlias=blue-live-bastion -l jump 198.51.100.11'",
      "ansible_ssh_private_key_file": "~/.ssh/blue key.pem",
      "ansible_user": "centos",
      "aws_profile": "Blue",
      "aws_region": "ap-east-1",
      "backup_source_project_string": "group-blue-site",
      "ec2_bastion_private_ip": "10.99.0.11",
      "ec2_bastion_public_ip": "198.51.100.11",
      "ec2_private_ip": "10.99.0.10",
      "ec2_public_ip": "198.51.100.10",
      "gigadb_age_seconds": 0,
      "gigadb_apex": "site.example",
      "gigadb_endpoint": "web",
      "gigadb_environment": "live",
      "gigadb_infrastructure": "blue",
      "gigadb_instance_id": "i-live-web",
      "gigadb_private_ip": "10.99.0.10",
      "gigadb_public_ip": "198.51.100.10",
      "gigadb_role": "production",
      "gigadb_stale": false,
      "gitlab_project": "group/blue-site",
      "gitlab_project_string": "group-blue-site",
      "gitlab_url": "https://gitlab.example/api/v4/projects/group%2Fblue-site",
      "reset_database_cronjob_state": "absent",
      "sync_dropboxes_cronjob_state": "absent",
      "upload_database_backup_to_S3_cronjob_state": "present"
    }
    "#);
    assert_snapshot!(render::host(&inventory.hosts["green-2-live-bastion"]), @r#"
    {
      "ansible_control_path": "%(directory)s/8e4f5f9403%%r",
      "ansible_host": "203.0.113.11",
      "aws_profile": "Green",
      "aws_region": "ap-southeast-2",
      "backup_source_project_string": "group-blue-site",
      "ec2_bastion_private_ip": "10.99.0.11",
      "ec2_bastion_public_ip": "203.0.113.11",
      "ec2_private_ip": "10.99.0.10",
      "ec2_public_ip": "203.0.113.10",
      "gigadb_age_seconds": 0,
      "gigadb_apex": "site.example",
      "gigadb_endpoint": "bastion",
      "gigadb_environment": "live",
      "gigadb_infrastructure": "green-2",
      "gigadb_instance_id": "i-live-bastion",
      "gigadb_private_ip": "10.99.0.11",
      "gigadb_public_ip": "203.0.113.11",
      "gigadb_role": "hot_standby",
      "gigadb_stale": false,
      "gitlab_project": "group/sub/green",
      "gitlab_project_string": "group-sub-green",
      "gitlab_url": "https://gitlab.example/api/v4/projects/group%2Fsub%2Fgreen",
      "reset_database_cronjob_state": "present",
      "sync_dropboxes_cronjob_state": "present",
      "upload_database_backup_to_S3_cronjob_state": "absent"
    }
    "#);
}

#[test]
fn a_slip_in_a_tag_loses_no_group() {
    let mut world = world();
    let blue = read_side(&mut world, "blue").instances.iter_mut();
    for (instance, owner) in blue.zip(["GigaDB", "gigadb"].into_iter().cycle()) {
        instance.tags.insert("Owner".to_owned(), owner.to_owned());
        instance.name.clear();
    }
    let inventory = inventory(&world, "live//blue", AddressKind::ByEndpoint).unwrap();
    for (host, name) in [("web", "name_web_live"), ("bastion", "name_bastion_live")] {
        let groups = groups_of(&inventory, &format!("blue-live-{host}"));
        assert!(groups.contains("owner_gigadb") && groups.contains(name));
    }
}

#[test]
fn the_addresses_without_an_endpoint_in_their_names_are_those_of_the_apex() {
    let parse = |text: &str| Topology::parse(text).unwrap().topology;
    let renamed = TOPOLOGY.replace(": web", ": jump-host");
    let renamed = parse(&renamed.replace("  web:", "  jump-host:"));
    let other = parse(&TOPOLOGY.replace(
        "{ site.example: web, bastion.site.example: bastion }",
        "{ site.example: bastion, bastion.site.example: web }",
    ));
    for (topology, apex, of) in [
        (topology(), Some("site.example"), "web"),
        // Where no zone is known, the shortest hostname stands for the apex.
        (topology(), None, "web"),
        (renamed.clone(), Some("site.example"), "jump-host"),
        (renamed, None, "jump-host"),
        (other, Some("site.example"), "bastion"),
    ] {
        let apex = apex.map(|name| name.parse().unwrap());
        let live = &topology.environments["live"];
        let found = live.main_endpoint(apex.as_ref());
        assert_eq!(found.map(EndpointName::as_str), Some(of));
    }
    let mut world = world();
    read_side(&mut world, "blue")
        .instances
        .retain(|i| i.name != "web_live");
    let inventory = inventory(&world, "live//blue", AddressKind::ByEndpoint).unwrap();
    let bastion = &inventory.hosts["blue-live-bastion"].variables;
    assert!(bastion.get("ec2_bastion_public_ip").is_some());
    assert!(bastion.get("ec2_public_ip").is_none());
}

#[test]
fn the_older_tools_variable_changes_the_address_alone() {
    let host = |address, name: &str| {
        let inventory = inventory(&world(), "live//", address).unwrap();
        let variables = &inventory.hosts[name].variables;
        variables.get("ansible_host").cloned().unwrap()
    };
    for (address, web, bastion) in [
        (AddressKind::ByEndpoint, "10.99.0.10", "198.51.100.11"),
        (AddressKind::Private, "10.99.0.10", "10.99.0.11"),
        (AddressKind::Public, "198.51.100.10", "198.51.100.11"),
    ] {
        assert_eq!(host(address, "blue-live-web"), web);
        assert_eq!(host(address, "blue-live-bastion"), bastion);
    }
}

#[test]
fn the_order_of_the_world_changes_nothing() {
    let text =
        |world: &World| render::list(&inventory(world, "//", AddressKind::ByEndpoint).unwrap());
    let mut reversed = world();
    for side in ["blue", "green-2"] {
        let side = read_side(&mut reversed, side);
        side.instances.reverse();
        side.elastic_ips.reverse();
    }
    assert_eq!(text(&reversed), text(&world()));
    let listed: Value = serde_json::from_str(&text(&world())).unwrap();
    assert_eq!(listed["_meta"]["hostvars"].as_object().unwrap().len(), 8);
}

#[test]
fn another_sides_properties_are_refused() {
    let check = |text: &str, asked: &str| {
        let inventory = inventory(&world(), asked, AddressKind::ByEndpoint).unwrap();
        properties::check(text, &topology(), &inventory.sides)
            .err()
            .unwrap_or_else(|| "fine".to_owned())
    };
    let blue = "[all]\n# a comment\ngitlab_project = group/blue-site\ndeployment_target=\"live\"\n";
    let cases = [
        (blue, "live//blue"),
        ("gitlab_project=group%2Fblue-site\n", "live/production/"),
        ("something_else=1\ngitlab_project=\n", "live//blue"),
        (blue, "live//"),
        (blue, "live//green-2"),
        (blue, "//blue"),
        (blue, "staging//blue"),
        // As Ansible's reader finds them.
        ("gitlab_project: group/blue-site\n", "live//green-2"),
        ("gitlab_project : group/blue-site\n", "live//green-2"),
        ("GitLab_Project=group/blue-site\n", "live//green-2"),
        ("\u{feff}gitlab_project=group/blue-site\n", "live//green-2"),
        ("DEPLOYMENT_TARGET: staging\n", "live//green-2"),
        ("gitlab_project: group/blue-site\n", "live//blue"),
        ("a=gitlab_project: group/blue-site\n", "live//green-2"),
        (
            "gitlab_project=group/blue-site\ngitlab_project=group/sub/green\n",
            "live//green-2",
        ),
        (
            "gitlab_project=group/blue-site\ngitlab_project=group/blue-site\n",
            "live//blue",
        ),
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|(text, asked)| format!("{asked}: {}", check(text, asked)))
        .collect();
    assert_snapshot!(said.join("\n"), @"
    live//blue: fine
    live/production/: fine
    live//blue: fine
    live//: it belongs to one side, and `blue` and `green-2` are in scope
    live//green-2: its `gitlab_project` is `group/blue-site`, and that of `green-2`, which is in scope, is `group/sub/green`
    //blue: its `deployment_target` is `live`, and `staging` is in scope
    staging//blue: its `deployment_target` is `live`, and `staging` is in scope
    live//green-2: its `gitlab_project` is `group/blue-site`, and that of `green-2`, which is in scope, is `group/sub/green`
    live//green-2: its `gitlab_project` is `group/blue-site`, and that of `green-2`, which is in scope, is `group/sub/green`
    live//green-2: its `gitlab_project` is `group/blue-site`, and that of `green-2`, which is in scope, is `group/sub/green`
    live//green-2: its `gitlab_project` is `group/blue-site`, and that of `green-2`, which is in scope, is `group/sub/green`
    live//green-2: its `deployment_target` is `staging`, and `live` is in scope
    live//blue: fine
    live//green-2: fine
    live//green-2: it has two values of `gitlab_project`, `group/blue-site` and `group/sub/green`
    live//blue: fine
    ");
}
