//! What a plan costs against the size of what it plans, and against the number of sides.

use std::fmt::Write as _;

use gigadb_simulator::{
    World,
    world::{ALT_PROJECT, PROJECT, REGION_ALT, REGION_UPSTREAM},
};
use gigadb_tests::Scene;

use crate::{
    inventory::{add_below, grow_region},
    is_rehearsal,
    measure::{Row, median, milliseconds},
};

const ZONES: usize = 10;
const TARGET: &str = "linear";

/// A plan that moves this many records and as many values of variables, in ten zones.
pub(crate) fn of_names() -> Vec<Row> {
    let measured = [100, 1_000, 10_000].map(|names| {
        let time = planned(&with_names(names), "big");
        let each = time.as_secs_f64() * 1e6 / f64::from(names);
        let what = format!("`gigadb-roles plan --swap`, {names} hostnames and {names} values");
        let text = format!("{}, {each:.0} µs a hostname", milliseconds(time));
        Row::new(&what, text, TARGET)
    });
    measured.into()
}

/// A plan of live beside sides that have nothing to do with it.
pub(crate) fn of_sides() -> Vec<Row> {
    let measured = [2, 10, 100].map(|sides| {
        let time = planned(&with_sides(sides), "live");
        let what = format!("`gigadb-roles plan --swap` of live, {sides} infrastructures");
        Row::new(&what, milliseconds(time), TARGET)
    });
    measured.into()
}

fn planned(scene: &Scene, environment: &str) -> std::time::Duration {
    let mut plan = vec!["plan", "--environment", environment];
    plan.extend(["--production", "alt-gigadb-website"]);
    plan.extend(["--hot-standby", "gigadb-website"]);
    let run = || scene.gigadb_roles(&plan).expect(2).took;
    let _ = run();
    median((0..if is_rehearsal() { 1 } else { 5 }).map(|_| run()))
}

/// The procedure's world with an environment `big`: half of its hostnames and values are production's.
fn with_names(names: u32) -> Scene {
    let mut world = World::sop();
    let big = ["big".to_owned()];
    for (region, network) in [(REGION_UPSTREAM, "198.18"), (REGION_ALT, "198.19")] {
        if let Some(region) = world.aws.region_mut(region) {
            grow_region(region, network, &big);
        }
    }
    let address = |network: &str| format!("{network}.0.10");
    let mut topology = String::from("  big:\n");
    for (role, prefix, network, project) in [
        ("production", "", "198.18", PROJECT),
        ("hot_standby", "alt-", "198.19", ALT_PROJECT),
    ] {
        let _ = writeln!(topology, "    {role}:\n      hostnames:");
        let zone_of = |n: u32| format!("zone{}.example", n as usize % ZONES);
        for n in 0..names / 2 {
            let name = format!("{prefix}h{n}.{}", zone_of(n));
            let _ = writeln!(topology, "        {name}: web");
            add_record(&mut world, &zone_of(n), &name, &address(network));
        }
        let _ = writeln!(topology, "      variables:");
        let rows = world.gitlab.projects.iter_mut();
        for project in rows.filter(|row| row.path == project) {
            for n in 0..names / 2 {
                let (key, value) = (format!("V{n}"), format!("http://{prefix}h{n}.example"));
                let _ = writeln!(topology, "        {key}: {value}");
                let row = gigadb_simulator::world::Variable::new(&key, "big", &value);
                project.variables.push(row);
            }
        }
    }
    let scene = Scene::with_world(world);
    add_below(&scene, "environments:", &topology);
    scene
}

fn add_record(world: &mut World, zone: &str, name: &str, address: &str) {
    use gigadb_simulator::world::{Plan, Zone};
    if world.cloudflare.zone(zone).is_none() {
        let account = world.cloudflare.accounts[0].id.clone();
        let empty = Zone::new(&account, zone, Plan::Pro);
        world.cloudflare.zones.push(empty);
    }
    if let Some(zone) = world.cloudflare.zone_mut(zone) {
        zone.add("A", name, address).ttl = 300;
    }
}

/// The procedure's world beside further sides, each with a project, a profile and a region of its own.
fn with_sides(sides: usize) -> Scene {
    let mut world = World::sop();
    let mut infrastructures = String::new();
    for n in 2..sides {
        // An account each, all in one region: there are fewer regions than sides.
        let (name, region) = (format!("side{n}"), "eu-west-1".to_owned());
        let mut account = world.aws.accounts[0].clone();
        account.id = format!("{n:012}");
        let mut own = account.regions[REGION_ALT].clone();
        for address in &mut own.addresses {
            let last = address.public_ip.rsplit('.').next().unwrap_or_default();
            address.public_ip = format!("198.19.{n}.{last}");
        }
        account.regions = [(region.clone(), own)].into();
        account.keys.truncate(1);
        let key = &mut account.keys[0];
        key.id = format!("AKIASIDE{n:012}");
        key.profile = Some((name.clone(), region.clone()));
        key.regions = None;
        world.aws.accounts.push(account);
        let _ = writeln!(
            infrastructures,
            "  {name}:\n    gitlab_project: gigascience/{name}\n    \
             aws: {{ profile: {name}, region: {region} }}\n    owner: gigadb"
        );
    }
    let scene = Scene::with_world(world);
    add_below(&scene, "infrastructures:", &infrastructures);
    scene
}
