//! The inventory, cold and warm, against a script that prints a constant.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use gigadb_simulator::{
    World,
    world::{AccountRegion, REGION_ALT, REGION_UPSTREAM},
};
use gigadb_tests::{Scene, programs};

use crate::{
    measure::{Row, median, milliseconds, timed_in_turn},
    requests, short_runs, terraform_runs,
};

/// Environments beside the procedure's two: a hundred of three endpoints on two sides.
const FURTHER_ENVIRONMENTS: usize = 98;

/// The procedure's own world.
pub(crate) fn of_12_hosts() -> Vec<Row> {
    measured(&Scene::new(), 12)
}

/// A hundred environments, each with hosts and records like those of `live`.
pub(crate) fn of_600_hosts() -> Vec<Row> {
    let mut world = World::sop();
    let names: Vec<String> = (0..FURTHER_ENVIRONMENTS).map(|n| format!("e{n}")).collect();
    for (region, network) in [(REGION_UPSTREAM, "198.18"), (REGION_ALT, "198.19")] {
        if let Some(region) = world.aws.region_mut(region) {
            grow_region(region, network, &names);
        }
    }
    let zone = world.cloudflare.zones.iter_mut();
    for zone in zone.filter(|zone| zone.name == "gigadb.org") {
        for (n, name) in names.iter().enumerate() {
            for (host, last) in [("web", 10), ("bastion", 11), ("files", 12)] {
                let (here, there) = (format!("198.18.{n}.{last}"), format!("198.19.{n}.{last}"));
                zone.add("A", &format!("{host}.{name}.gigadb.org"), &here);
                zone.add("A", &format!("{host}.alt-{name}.gigadb.org"), &there);
            }
        }
    }
    let scene = Scene::with_world(world);
    let mut topology = String::new();
    for name in &names {
        let _ = writeln!(topology, "  {name}:");
        for (role, prefix) in [("production", ""), ("hot_standby", "alt-")] {
            let domain = format!("{prefix}{name}.gigadb.org");
            let _ = writeln!(
                topology,
                "    {role}:\n      hostnames:\n        web.{domain}: web\n        \
                 bastion.{domain}: bastion\n        files.{domain}: files\n      \
                 variables: {{ HOME_URL: \"https://web.{domain}\" }}"
            );
        }
    }
    add_below(&scene, "environments:", &topology);
    measured(&scene, 600)
}

/// Adds entries to a map of the scene's topology, right below its `key`.
pub(crate) fn add_below(scene: &Scene, key: &str, entries: &str) {
    let text = scene.read("topology.yaml");
    let key = format!("\n{key}\n");
    assert!(text.contains(&key), "the topology has no {key:?}");
    scene.write(
        "topology.yaml",
        &text.replacen(&key, &format!("{key}{entries}"), 1),
    );
}

/// Adds copies of the addresses and machines of `live` for each name.
pub(crate) fn grow_region(region: &mut AccountRegion, network: &str, names: &[String]) {
    let of_live = |tags: &std::collections::BTreeMap<String, String>| {
        tags.get("Environment").is_some_and(|tag| tag == "live")
    };
    let addresses = region.addresses.clone();
    let instances = region.instances.clone();
    for (n, name) in names.iter().enumerate() {
        let id = |text: &str| {
            let keep = text.len().saturating_sub(3);
            format!("{}{n:03x}", &text[..keep])
        };
        for instance in instances.iter().filter(|instance| of_live(&instance.tags)) {
            let mut instance = instance.clone();
            instance.id = id(&instance.id);
            instance.private_ip = instance
                .private_ip
                .replacen("10.99.0", &format!("10.98.{n}"), 1);
            for tag in instance.tags.values_mut() {
                *tag = tag.replace("live", name);
            }
            region.instances.push(instance);
        }
        for address in addresses.iter().filter(|address| of_live(&address.tags)) {
            let mut address = address.clone();
            let last = address.public_ip.rsplit('.').next().unwrap_or_default();
            address.public_ip = format!("{network}.{n}.{last}");
            address.allocation_id = id(&address.allocation_id);
            address.instance_id = address.instance_id.as_deref().map(id);
            for tag in address.tags.values_mut() {
                *tag = tag.replace("live", name);
            }
            region.addresses.push(address);
        }
    }
}

fn measured(scene: &Scene, hosts: usize) -> Vec<Row> {
    let alone = |arguments: &[&str]| {
        // The scene looks for secrets in every answer, which takes longer than a large one itself.
        let run = |_| scene.gigadb_roles(arguments).expect(0).took;
        median((0..short_runs()).map(run))
    };
    let cold = alone(&["inventory", "--list", "--refresh"]);
    let warm = alone(&["--list"]);
    scene.simulator().clear_requests();
    let refreshed = ["inventory", "--list", "--refresh"];
    let listed = scene.gigadb_roles(&refreshed).expect(0).stdout;
    let per_region = requests::most_in_a_region(&scene.simulator().requests());
    let found = with_a_role(&listed);
    assert_eq!(found, hosts, "hosts with a clear role");

    let constant = script(&scene.root(), "constant", |answer| {
        std::fs::write(&answer, &listed).map(|()| format!("exec cat '{}'", answer.display()))
    });
    let ours = programs::ours("gigadb-roles");
    let reading = script(&scene.root(), "cold", |_| {
        Ok(format!(
            "exec '{}' inventory --refresh \"$@\"",
            ours.display()
        ))
    });
    let list = |program: &Path| {
        scene
            .ansible_inventory_of(program, &["--list"])
            .expect(0)
            .took
    };
    let (warm_list, floor) = timed_in_turn(terraform_runs(), || list(&ours), || list(&constant));
    let (cold_list, floor_beside) =
        timed_in_turn(terraform_runs(), || list(&reading), || list(&constant));
    let row = |what: &str, measured: String, target: &str| {
        Row::new(&format!("{what}, {hosts} hosts"), measured, target)
    };
    vec![
        row(
            "`gigadb-roles inventory --list --refresh` alone",
            milliseconds(cold),
            "< 30 ms",
        ),
        row(
            "`gigadb-roles --list` alone, hosts cached",
            milliseconds(warm),
            "< 30 ms",
        ),
        row("requests to a region, cold", per_region.to_string(), "<= 2"),
        row(
            "`ansible-inventory --list` of a constant script (the floor)",
            milliseconds(floor),
            "",
        ),
        row(
            "`ansible-inventory --list` of ours, hosts cached",
            milliseconds(warm_list),
            "floor + 50 ms",
        ),
        row(
            "`ansible-inventory --list` of ours, cold",
            format!(
                "{}, beside a floor of {}",
                milliseconds(cold_list),
                milliseconds(floor_beside)
            ),
            "floor + 50 ms",
        ),
    ]
}

/// How many hosts of the answer have a role.
fn with_a_role(listed: &str) -> usize {
    let list: serde_json::Value = serde_json::from_str(listed).unwrap_or_default();
    let hosts = list["_meta"]["hostvars"].as_object();
    let roles = hosts.into_iter().flatten();
    roles
        .filter(|(_, vars)| vars["gigadb_role"].is_string())
        .count()
}

/// A program of that name for Ansible to run; `body` may write its answer to the given file.
fn script(
    folder: &Path,
    name: &str,
    body: impl FnOnce(PathBuf) -> std::io::Result<String>,
) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let script = folder.join(name);
    let written = body(folder.join(format!("{name}.json")))
        .and_then(|body| std::fs::write(&script, format!("#!/bin/sh\n{body}\n")))
        .and_then(|()| std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)));
    if let Err(error) = written {
        panic!("cannot write {}: {error}", script.display());
    }
    script
}
