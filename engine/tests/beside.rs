//! What stands beside a hostname's own records: delegations, wildcards, service records.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use gigadb_engine::{
    topology::Missing,
    world::{BesideRecord, Does, RecordType, ServiceRecord, World},
};
use insta::assert_snapshot;
use model::{UPSTREAM, intent, planned, records_mut, sketch, topology, world};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";
const FILES: &str = "files.gigadb.org";

fn add(world: &mut World, zone: &str, name: &str, does: Does) {
    let zones = world.zones.read().unwrap();
    let zone = zones.iter().find(|one| one.name.as_str() == zone).unwrap();
    let record = BesideRecord {
        id: "beside".parse().unwrap(),
        name: name.parse().unwrap(),
        does,
    };
    world
        .beside
        .entry(zone.id.clone())
        .or_default()
        .push(record);
}

/// The findings of the plan to swap live, with the whole message of each.
fn found(edit: impl Fn(&mut World)) -> String {
    let topology = topology(UPSTREAM);
    let mut world = world(&topology, HK);
    edit(&mut world);
    let plan = planned(&topology, &intent(&topology, "live", SYDNEY), &world).unwrap();
    let findings = plan.findings.iter();
    let said: Vec<String> = findings
        .map(|one| format!("{:?} {}: {}", one.severity, one.rule, one.message))
        .collect();
    said.join("\n")
}

#[test]
fn a_delegated_name_is_refused() {
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", FILES, Does::Delegates("ns1.example.net".to_owned()));
    }), @"
    Error single-a-record: `files.gigadb.org` is delegated to another name server: NS `ns1.example.net` at `files.gigadb.org` (id beside). What Cloudflare's API shows of it is not what resolvers see.
      on:      hostname `files.gigadb.org`, zone `gigadb.org`: NS `ns1.example.net` at `files.gigadb.org` (id beside)
      changed: Nothing was changed.
      next:    Remove the NS record in the Cloudflare dashboard, or correct the hostname in the topology.
    ");
    // The zone's own name servers hand nothing on.
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", "gigadb.org", Does::Delegates("ann.ns.cloudflare.com".to_owned()));
    }), @"");
}

#[test]
fn a_wildcard_is_named_where_it_answers() {
    let wildcard = || Does::Answers(RecordType::A, "198.51.100.2".to_owned());
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", "gigadb.org", wildcard());
    }), @"");
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", "gigadb.org", wildcard());
        for reading in world.records.values_mut() {
            *reading = reading.map(|all| {
                let others = all.iter().filter(|one| one.name.as_str() != FILES);
                others.cloned().collect()
            });
        }
    }), @"
    Error single-a-record: `files.gigadb.org` has no A record of its own: the wildcard `*.gigadb.org` A `198.51.100.2` (id beside) answers for it.
      on:      hostname `files.gigadb.org`, zone `gigadb.org`
      changed: Nothing was changed.
      next:    Create the A record, or set `policy.missing_records: create` in the topology, or correct the hostname there.
    ");
}

#[test]
fn policy_creates_no_record_below_a_delegation() {
    let mut topology = topology(UPSTREAM);
    topology.policy.missing_records = Missing::Create;
    let mut world = world(&topology, HK);
    add(
        &mut world,
        "gigadb.org",
        FILES,
        Does::Delegates("ns1.example.net".to_owned()),
    );
    records_mut(&mut world, "gigadb.org").retain(|one| one.name.as_str() != FILES);
    let plan = planned(&topology, &intent(&topology, "live", SYDNEY), &world).unwrap();
    assert!(!sketch(&plan).contains(&format!("A record of `{FILES}`: ")));
    assert!(plan.blocking().next().is_some());
}

#[test]
fn an_address_hint_of_a_side_is_a_warning() {
    let hints = |text: &str| Does::Hints(ServiceRecord::Https, vec![text.parse().unwrap()]);
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", "gigadb.org", hints("198.51.100.3"));
    }), @"
    Warning single-a-record: `gigadb.org` has an HTTPS record that names 198.51.100.3, an address of `alt-gigadb-website`: browsers may use it in place of the A record, and a swap does not change it.
      on:      hostname `gigadb.org`, zone `gigadb.org`: HTTPS of `gigadb.org` (id beside)
      changed: Nothing was changed.
      next:    Remove `ipv4hint` from this HTTPS record in the Cloudflare dashboard.
    ");
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", "gigadb.org", hints("192.0.2.1"));
    }), @"");
}

#[test]
fn a_service_record_that_leads_to_another_name_is_a_warning() {
    let leads = |kind, target: &str| Does::LeadsTo(kind, target.to_owned());
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", "gigadb.org", leads(ServiceRecord::Https, "pool.other.example"));
    }), @"
    Warning single-a-record: `gigadb.org` has an HTTPS record that leads to `pool.other.example`: browsers go there in place of the A record, and a swap does not change it.
      on:      hostname `gigadb.org`, zone `gigadb.org`: HTTPS `pool.other.example` of `gigadb.org` (id beside)
      changed: Nothing was changed.
      next:    Remove this HTTPS record in the Cloudflare dashboard, or let it begin with `1 .`.
    ");
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", FILES, leads(ServiceRecord::Svcb, "gigadb.org"));
    }), @"
    Warning single-a-record: `files.gigadb.org` has an SVCB record that leads to `gigadb.org`: clients that ask for it go there in place of the A record, and a swap does not change it.
      on:      hostname `files.gigadb.org`, zone `gigadb.org`: SVCB `gigadb.org` of `files.gigadb.org` (id beside)
      changed: Nothing was changed.
      next:    Remove this SVCB record in the Cloudflare dashboard, or let it begin with `1 .`.
    ");
    // It moves with this one: another name of production's web server.
    assert_snapshot!(found(|world| {
        add(world, "gigadb.org", "gigadb.org", leads(ServiceRecord::Https, "portainer.gigadb.org"));
    }), @"");
}
