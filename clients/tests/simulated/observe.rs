//! What is read, and in how many requests.

use std::{collections::BTreeSet, time::Duration};

use gigadb_clients::{Apis, Scope, Which};
use gigadb_engine::world::{RecordType, World};
use gigadb_simulator::{
    Api, Effect, Fault, World as Seed,
    world::{self, Address, Plan, ZoneStatus},
};
use tokio_util::sync::CancellationToken;

use super::setup::{Bench, timing};

fn side<'a>(world: &'a World, name: &str) -> &'a gigadb_engine::world::Side {
    world.sides[name].read().unwrap()
}

#[tokio::test]
async fn the_world_is_read_whole_and_nothing_else_is_kept() {
    let mut seed = Seed::sop();
    let zone = seed.cloudflare.zone_mut("gigadb.org").unwrap();
    zone.add("A", "*.gigadb.org", "192.0.2.1");
    let bench = Bench::start_with(seed).await;
    let world = bench.observe().await;

    let zones = world.zones.read().unwrap();
    let zones: Vec<_> = zones
        .iter()
        .map(|z| (z.name.as_str(), z.active, z.batch_limit))
        .collect();
    assert_eq!(
        zones,
        [("gigadb.host", true, 200), ("gigadb.org", true, 3500)]
    );

    let records: Vec<_> = world
        .records
        .values()
        .flat_map(|r| r.read().unwrap())
        .collect();
    assert!(records.iter().all(|r| !r.name.as_str().contains('*')));
    let of = |kind| records.iter().filter(|r| r.record_type == kind).count();
    assert_eq!(
        (
            of(RecordType::A),
            of(RecordType::Aaaa),
            of(RecordType::Cname)
        ),
        (20, 1, 2)
    );
    let apex = records
        .iter()
        .find(|r| r.name.as_str() == "gigadb.org")
        .unwrap();
    assert_eq!(
        (apex.content.as_str(), apex.ttl, apex.proxied),
        ("198.51.100.10", 1, true)
    );

    let rows = world.variables["gigadb-website"].read().unwrap();
    let keys: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(
        keys,
        BTreeSet::from([
            "HOME_URL",
            "REMOTE_HOME_URL",
            "REMOTE_HOSTNAME",
            "remote_fileserver_hostname"
        ])
    );
    let home_url: Vec<_> = rows
        .iter()
        .filter(|row| row.key.as_str() == "HOME_URL")
        .map(|row| (row.scope.as_str(), row.value.as_deref(), row.protected))
        .collect();
    assert_eq!(
        home_url,
        [
            ("*", Some("http://localhost:9170"), false),
            ("live", Some("https://gigadb.org"), true),
            ("staging", Some("https://staging.gigadb.org"), true)
        ]
    );

    for (name, web) in [
        ("gigadb-website", "198.51.100.10"),
        ("alt-gigadb-website", "203.0.113.10"),
    ] {
        let side = side(&world, name);
        assert_eq!(
            (side.elastic_ips.len(), side.instances.len()),
            (6, 6),
            "{name}"
        );
        let eip = side
            .elastic_ips
            .iter()
            .find(|e| e.name == "eip-gigadb-live-gigadb")
            .unwrap();
        assert_eq!(eip.address.to_string(), web);
        let instance = side
            .instances
            .iter()
            .find(|i| Some(&i.id) == eip.instance_id.as_ref())
            .unwrap();
        assert_eq!(instance.name, "gigadb_webserver_live_gigadb");
        assert!(instance.is_running());
        assert_eq!(instance.tags["Environment"], "live");
    }
}

#[tokio::test]
async fn each_thing_is_asked_for_once() {
    let bench = Bench::start().await;
    bench.observe().await;
    // 112 unrelated variables make the first project's list two pages long.
    insta::assert_snapshot!(bench.tally(), @r"
    1 x cloudflare GET /zones 200
    2 x cloudflare GET /zones/{zone_id}/dns_records 200
    2 x ec2 POST DescribeAddresses 200
    2 x ec2 POST DescribeInstances 200
    3 x gitlab GET /projects/{id}/variables 200
    ");
}

#[tokio::test]
async fn a_scope_leaves_out_what_it_does_not_name() {
    let bench = Bench::start().await;
    let observe = async |scope: Scope| {
        bench.simulator.clear_requests();
        let cancel = CancellationToken::new();
        bench.apis().observe(&bench.topology, &scope, &cancel).await
    };
    let world = observe(Scope {
        records: false,
        variables: Which::none(),
        sides: Which::one("gigadb-website".parse().unwrap()),
        environments: Which::one("live".parse().unwrap()),
    })
    .await;
    assert_eq!(side(&world, "gigadb-website").elastic_ips.len(), 3);
    assert!(world.variables.is_empty() && world.records.is_empty());
    insta::assert_snapshot!(bench.tally(), @r"
    1 x ec2 POST DescribeAddresses 200
    1 x ec2 POST DescribeInstances 200
    ");

    observe(Scope::written(Which::All)).await;
    insta::assert_snapshot!(bench.tally(), @r"
    1 x cloudflare GET /zones 200
    2 x cloudflare GET /zones/{zone_id}/dns_records 200
    3 x gitlab GET /projects/{id}/variables 200
    ");
}

#[tokio::test]
async fn zones_without_a_managed_hostname_are_not_read() {
    let mut seed = Seed::sop();
    let account = seed.cloudflare.accounts[0].id.clone();
    // More zones than a page holds, and the longest match not active.
    for number in 0..60 {
        let name = format!("other-{number:02}.example");
        let zone = world::Zone::new(&account, &name, Plan::Free);
        seed.cloudflare.zones.insert(0, zone);
    }
    let mut moved = world::Zone::new(&account, "files.gigadb.org", Plan::Free);
    moved.status = ZoneStatus::Moved;
    seed.cloudflare.zones.push(moved);
    let bench = Bench::start_with(seed).await;
    let world = bench.observe().await;
    assert_eq!(world.zones.read().unwrap().len(), 63);
    assert_eq!(world.records.len(), 2);
    assert_eq!(bench.requests(Api::Cloudflare, "GET").len(), 2 + 2);
}

#[tokio::test]
async fn what_takes_long_holds_nothing_else_up() {
    let bench = Bench::start().await;
    let template = "/zones";
    let slow = Fault::new(Effect::Hang).template(template).always();
    bench.simulator.fault(slow);
    let mut settings = bench.settings();
    settings.timing.attempts = 1;
    settings.timing.attempt = Duration::from_secs(4);
    let world = bench.observe_with(&Apis::new(settings)).await;
    assert!(world.zones.failure().is_some());
    let requests = bench.simulator.requests();
    let zones = requests.iter().find(|r| r.template == template).unwrap();
    let gave_up = zones.started + Duration::from_secs(4);
    assert_eq!(requests.len(), 1 + 3 + 4);
    assert!(requests.iter().all(|r| r.started < gave_up));
}

#[tokio::test]
async fn an_instance_of_another_name_that_holds_an_elastic_ip_is_known() {
    let bench = Bench::start().await;
    bench.simulator.edit(|world| {
        let region = world.aws.region_mut(world::REGION_ALT).unwrap();
        for instance in &mut region.instances {
            if instance.tags["Name"] == "bastion_server_live_gigadb" {
                instance
                    .tags
                    .insert("Name".to_owned(), "renamed".to_owned());
            }
        }
    });
    let world = bench.observe().await;
    let side = side(&world, "alt-gigadb-website");
    assert!(side.instances.iter().any(|i| i.name == "renamed"));
    assert_eq!(side.instances.len(), 6);
}

#[tokio::test]
async fn more_names_than_a_filter_holds_are_still_found() {
    let bench = Bench::start().await;
    bench.simulator.edit(|world| {
        let region = world.aws.region_mut(world::REGION_ALT).unwrap();
        for number in 0..70 {
            region.addresses.push(Address {
                public_ip: format!("192.0.2.{number}"),
                allocation_id: format!("eipalloc-{number:017x}"),
                instance_id: None,
                other_association: false,
                tags: [(
                    "Name".to_owned(),
                    format!("eip-gigadb-env{number:02}-gigadb"),
                )]
                .into(),
            });
        }
    });
    let mut topology = bench.topology.clone();
    let staging = topology.environments["staging"].clone();
    for number in 0..70 {
        let name = format!("env{number:02}").parse().unwrap();
        topology.environments.insert(name, staging.clone());
    }
    let cancel = CancellationToken::new();
    let world = bench
        .apis()
        .observe(&topology, &Scope::everything(), &cancel)
        .await;
    assert_eq!(side(&world, "alt-gigadb-website").elastic_ips.len(), 76);
    assert_eq!(side(&world, "gigadb-website").elastic_ips.len(), 6);
}

#[tokio::test]
async fn more_instances_than_a_page_holds_are_all_seen() {
    let bench = Bench::start().await;
    bench.simulator.edit(|world| {
        let region = world.aws.region_mut(world::REGION_ALT).unwrap();
        let ours = std::mem::take(&mut region.instances);
        for number in 0..2_000 {
            let mut other = ours[0].clone();
            other.id = format!("i-{number:017x}");
            other.tags.insert("Name".to_owned(), "other".to_owned());
            region.instances.push(other);
        }
        // Where a client that reads one page, or two, does not see them.
        region.instances.extend(ours);
    });
    let world = bench.observe().await;
    assert_eq!(side(&world, "alt-gigadb-website").instances.len(), 6);
    assert_eq!(
        side(&world, "alt-gigadb-website"),
        side(&Bench::start().await.observe().await, "alt-gigadb-website")
    );
    let pages = bench.requests(Api::Ec2, "POST");
    let pages = pages.iter().filter(|r| {
        r.template == "DescribeInstances" && r.region.as_deref() == Some("ap-southeast-2")
    });
    assert_eq!(pages.count(), 3);
}

#[tokio::test]
async fn a_stop_ends_reads_at_once() {
    let bench = Bench::start().await;
    bench.simulator.fault(Fault::new(Effect::Hang).always());
    let cancel = CancellationToken::new();
    let mut settings = bench.settings();
    settings.timing = gigadb_clients::Timing {
        attempt: Duration::from_mins(10),
        call: Duration::from_mins(10),
        side_reads: Duration::from_mins(10),
        ..timing()
    };
    let apis = Apis::new(settings);
    let scope = Scope::everything();
    let observing = apis.observe(&bench.topology, &scope, &cancel);
    let stopping = async {
        while bench.simulator.requests().len() < 7 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (world, ()) = tokio::join!(observing, stopping);
    insta::assert_snapshot!(bench.show(world.zones.failure().unwrap()), @"Unreachable: the run was stopped before Cloudflare answered GET /zones");
    insta::assert_snapshot!(bench.show(world.sides["gigadb-website"].failure().unwrap()), @"Unreachable: the run was stopped before EC2 in ap-east-1 answered");
}
