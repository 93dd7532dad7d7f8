//! Each rule, broken: what the plan says then. One case a defect, with the whole plan as sketch.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use gigadb_engine::{
    evidence::{Evidence, SharedKeys},
    intent::{Intent, Mode, Trade},
    plan::plan,
    rules::Rule,
    topology::{Missing, Topology},
    world::{Failure, FailureKind, Reading, RecordType, World},
};
use model::{
    UPSTREAM, intent, observe, planned, record_mut, records_mut, row, rows_mut, side_mut, sketch,
    topology, world,
};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";

/// Plans the swap of live to Sydney in a world that `edit` has changed, and gives every line of
/// the sketch that is not a step, then the number of steps.
fn check(edit: impl Fn(&mut Topology, &mut World, &mut Intent)) -> String {
    let mut topology = topology(UPSTREAM);
    let mut world = world(&topology, HK);
    let mut intent = intent(&topology, "live", SYDNEY);
    edit(&mut topology, &mut world, &mut intent);
    match planned(&topology, &intent, &world) {
        Ok(plan) => {
            let steps = plan.changes.steps().count();
            let said: Vec<String> = sketch(&plan)
                .lines()
                .skip(steps)
                .map(str::to_owned)
                .collect();
            format!("{steps} steps\n{}", said.join("\n"))
        }
        Err(incomputable) => incomputable
            .0
            .iter()
            .map(|f| format!("{:?} {}: {}", f.severity, f.rule, f.message.what))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn refused(message: &str) -> Failure {
    Failure::new(FailureKind::Refused, message)
}

fn unreachable(message: &str) -> Failure {
    Failure::new(FailureKind::Unreachable, message)
}

#[test]
fn a_clean_swap_in_the_order_of_writing() {
    let topology = topology(UPSTREAM);
    let plan = planned(
        &topology,
        &intent(&topology, "live", SYDNEY),
        &world(&topology, HK),
    )
    .unwrap();
    insta::assert_snapshot!(sketch(&plan), @r"
    1 variable `HOME_URL` of `alt-gigadb-website`: http://alt-live.gigadb.host -> https://gigadb.org
    1 variable `REMOTE_HOME_URL` of `alt-gigadb-website`: http://alt-live.gigadb.host -> https://gigadb.org
    1 variable `REMOTE_HOSTNAME` of `alt-gigadb-website`: alt-live.gigadb.host -> gigadb.org
    1 variable `remote_fileserver_hostname` of `alt-gigadb-website`: files.alt-live.gigadb.host -> files.gigadb.org
    1 variable `HOME_URL` of `gigadb-website`: https://gigadb.org -> http://alt-live.gigadb.host
    1 variable `REMOTE_HOME_URL` of `gigadb-website`: https://gigadb.org -> http://alt-live.gigadb.host
    1 variable `REMOTE_HOSTNAME` of `gigadb-website`: gigadb.org -> alt-live.gigadb.host
    1 variable `remote_fileserver_hostname` of `gigadb-website`: files.gigadb.org -> files.alt-live.gigadb.host
    2 A record of `alt-live.gigadb.host`: 198.51.100.3 -> 198.51.101.3
    2 A record of `bastion.alt-live.gigadb.host`: 198.51.100.1 -> 198.51.101.1
    2 A record of `portainer.alt-live.gigadb.host`: 198.51.100.3 -> 198.51.101.3
    3 A record of `bastion.gigadb.org`: 198.51.101.1 -> 198.51.100.1
    3 A record of `files.alt-live.gigadb.org`: 198.51.100.2 -> 198.51.101.2
    3 A record of `files.gigadb.org`: 198.51.101.2 -> 198.51.100.2
    3 A record of `gigadb.org`: 198.51.101.3 -> 198.51.100.3
    3 A record of `portainer.gigadb.org`: 198.51.101.3 -> 198.51.100.3
    consistent -> consistent
    ");
}

#[test]
fn a_failover_begins_with_the_apex() {
    let topology = topology(UPSTREAM);
    let mut intent = intent(&topology, "live", SYDNEY);
    intent.mode = Mode::Failover;
    let mut world = world(&topology, HK);
    world.sides.insert(
        HK.parse().unwrap(),
        Reading::failed(unreachable("no answer")),
    );
    let plan = planned(&topology, &intent, &world).unwrap();
    insta::assert_snapshot!(sketch(&plan), @r"
    1 A record of `bastion.gigadb.org`: 198.51.101.1 -> 198.51.100.1
    1 A record of `files.alt-live.gigadb.org`: 198.51.100.2 -> 198.51.101.2
    1 A record of `files.gigadb.org`: 198.51.101.2 -> 198.51.100.2
    1 A record of `gigadb.org`: 198.51.101.3 -> 198.51.100.3
    1 A record of `portainer.gigadb.org`: 198.51.101.3 -> 198.51.100.3
    2 A record of `alt-live.gigadb.host`: 198.51.100.3 -> 198.51.101.3
    2 A record of `bastion.alt-live.gigadb.host`: 198.51.100.1 -> 198.51.101.1
    2 A record of `portainer.alt-live.gigadb.host`: 198.51.100.3 -> 198.51.101.3
    3 variable `HOME_URL` of `alt-gigadb-website`: http://alt-live.gigadb.host -> https://gigadb.org
    3 variable `REMOTE_HOME_URL` of `alt-gigadb-website`: http://alt-live.gigadb.host -> https://gigadb.org
    3 variable `REMOTE_HOSTNAME` of `alt-gigadb-website`: alt-live.gigadb.host -> gigadb.org
    3 variable `remote_fileserver_hostname` of `alt-gigadb-website`: files.alt-live.gigadb.host -> files.gigadb.org
    4 variable `HOME_URL` of `gigadb-website`: https://gigadb.org -> http://alt-live.gigadb.host
    4 variable `REMOTE_HOME_URL` of `gigadb-website`: https://gigadb.org -> http://alt-live.gigadb.host
    4 variable `REMOTE_HOSTNAME` of `gigadb-website`: gigadb.org -> alt-live.gigadb.host
    4 variable `remote_fileserver_hostname` of `gigadb-website`: files.gigadb.org -> files.alt-live.gigadb.host
    Warning known-address: The Elastic IPs of `gigadb-website` could not be read: no answer.
    notice mode: A failover may lose data. What was written on `gigadb-website` since the last synchronization to `alt-gigadb-website` (database, dropboxes, files) is not on `alt-gigadb-website`: a failover loses it.
    notice last-known: The addresses of `gigadb-website` do not come from EC2, which could not be read. They are: bastion `198.51.101.1`, read now from the record of `bastion.gigadb.org`; files `198.51.101.2`, read now from the record of `files.gigadb.org`; web `198.51.101.3`, read now from the records of `gigadb.org`, `portainer.gigadb.org`.
    consistent -> consistent
    ");
}

#[test]
fn single_a_record() {
    insta::assert_snapshot!(check(|_, w, _| records_mut(w, "gigadb.org").retain(|r| r.name.as_str() != "gigadb.org")), @r"
    15 steps
    Error single-a-record: `gigadb.org` has no A record.
    unknown -> consistent
    ");
    insta::assert_snapshot!(check(|t, w, _| {
        t.policy.missing_records = Missing::Create;
        records_mut(w, "gigadb.org").retain(|r| r.name.as_str() != "gigadb.org");
    }), @r"
    16 steps
    unknown -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| {
        let mut second = record_mut(w, "gigadb.org").clone();
        second.id = "second".parse().unwrap();
        second.content = "192.0.2.9".to_owned();
        records_mut(w, "gigadb.org").push(second);
    }), @r"
    15 steps
    Error single-a-record: `gigadb.org` has 2 records where exactly one A record must be.
    unknown -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| record_mut(w, "gigadb.org").record_type = RecordType::Cname), @r"
    15 steps
    Error single-a-record: The only record of `gigadb.org` is not an A record.
    unknown -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| {
        let Reading::Read(zones) = &mut w.zones else { unreachable!() };
        for zone in zones { zone.active = zone.name.as_str() == "gigadb.org"; }
    }), @r"
    Error single-a-record: No active zone is visible for `alt-live.gigadb.host`: zone `gigadb.host` is visible and not active.
    Error single-a-record: No active zone is visible for `bastion.alt-live.gigadb.host`: zone `gigadb.host` is visible and not active.
    Error single-a-record: No active zone is visible for `portainer.alt-live.gigadb.host`: zone `gigadb.host` is visible and not active.
    ");
}

#[test]
fn no_waiver_moves_the_other_names_without_the_apex() {
    for mode in [Mode::Switchover, Mode::Failover] {
        for kind in [RecordType::A, RecordType::Aaaa, RecordType::Cname] {
            let topology = topology(UPSTREAM);
            let mut intent = intent(&topology, "live", SYDNEY);
            intent.mode = mode;
            intent.overrides = Rule::ALL.iter().copied().collect();
            let mut world = world(&topology, HK);
            let mut second = record_mut(&mut world, "gigadb.org").clone();
            second.id = "second".parse().unwrap();
            second.record_type = kind;
            records_mut(&mut world, "gigadb.org").push(second);
            let plan = planned(&topology, &intent, &world).unwrap();
            let blocking: Vec<&str> = plan.blocking().map(|f| f.message.what.as_str()).collect();
            assert_eq!(
                blocking,
                ["`gigadb.org` has 2 records where exactly one A record must be."]
            );
            assert_eq!(plan.owed, []);
        }
    }
}

#[test]
fn a_waiver_may_leave_a_secondary_name() {
    insta::assert_snapshot!(check(|_, w, i| {
        i.overrides.insert(Rule::SingleARecord);
        record_mut(w, "bastion.gigadb.org").record_type = RecordType::Aaaa;
    }), @r"
    15 steps
    Error single-a-record (waived): The only record of `bastion.gigadb.org` is not an A record.
    owed A record of `bastion.gigadb.org`: the only record of it is not an A record: AAAA `198.51.101.1` (id rec-bastion.gigadb.org)
    unknown -> unknown
    ");
}

#[test]
fn a_missing_name_points_to_the_record_that_was_meant() {
    let topology = topology(UPSTREAM);
    let mut world = world(&topology, HK);
    record_mut(&mut world, "files.alt-live.gigadb.org").name =
        "files.alt-life.gigadb.org".parse().unwrap();
    let plan = planned(&topology, &intent(&topology, "live", SYDNEY), &world).unwrap();
    let finding = plan.blocking().next().unwrap();
    insta::assert_snapshot!(finding.message, @r"
    `files.alt-live.gigadb.org` has no A record.
      on:      hostname `files.alt-live.gigadb.org`, zone `gigadb.org`
      changed: Nothing was changed.
      next:    Compare with `files.alt-life.gigadb.org` (198.51.100.2), which holds an address expected of it: rename that record, or correct the hostname in the topology.
    ");
}

#[test]
fn known_address() {
    insta::assert_snapshot!(check(|_, w, _| side_mut(w, SYDNEY).elastic_ips.clear()), @r"
    Error known-address: `alt-gigadb-website` has no Elastic IP with the Name tag `eip-gigadb-bastion-live-gigadb`.
    Error known-address: `alt-gigadb-website` has no Elastic IP with the Name tag `eip-gigadb-files-live-gigadb`.
    Error known-address: `alt-gigadb-website` has no Elastic IP with the Name tag `eip-gigadb-live-gigadb`.
    ");
    insta::assert_snapshot!(check(|_, w, _| {
        let eips = &mut side_mut(w, SYDNEY).elastic_ips;
        let name = eips[0].name.clone();
        eips[1].name = name;
    }), @r"
    Error known-address: `alt-gigadb-website` has 2 Elastic IPs with the Name tag `eip-gigadb-bastion-live-gigadb`.
    Error known-address: `alt-gigadb-website` has no Elastic IP with the Name tag `eip-gigadb-files-live-gigadb`.
    ");
    insta::assert_snapshot!(check(|_, w, _| side_mut(w, SYDNEY).elastic_ips.iter_mut().for_each(|e| e.instance_id = None)), @r"
    16 steps
    Error known-address: The Elastic IP `eip-gigadb-bastion-live-gigadb` of `alt-gigadb-website` is associated with no instance.
    Error known-address: The Elastic IP `eip-gigadb-files-live-gigadb` of `alt-gigadb-website` is associated with no instance.
    Error known-address: The Elastic IP `eip-gigadb-live-gigadb` of `alt-gigadb-website` is associated with no instance.
    consistent -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| side_mut(w, HK).instances.iter_mut().for_each(|i| i.state = "stopped".to_owned())), @r"
    16 steps
    Error known-address: The instance behind `eip-gigadb-bastion-live-gigadb` of `gigadb-website` is stopped, not running.
    Error known-address: The instance behind `eip-gigadb-files-live-gigadb` of `gigadb-website` is stopped, not running.
    Error known-address: The instance behind `eip-gigadb-live-gigadb` of `gigadb-website` is stopped, not running.
    consistent -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, i| {
        i.mode = Mode::Failover;
        side_mut(w, HK).instances.clear();
    }), @r"
    16 steps
    Warning known-address: The Elastic IP `eip-gigadb-bastion-live-gigadb` of `gigadb-website` is associated with an instance that EC2 does not show.
    Warning known-address: The Elastic IP `eip-gigadb-files-live-gigadb` of `gigadb-website` is associated with an instance that EC2 does not show.
    Warning known-address: The Elastic IP `eip-gigadb-live-gigadb` of `gigadb-website` is associated with an instance that EC2 does not show.
    notice mode: A failover may lose data. What was written on `gigadb-website` since the last synchronization to `alt-gigadb-website` (database, dropboxes, files) is not on `alt-gigadb-website`: a failover loses it.
    consistent -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| { w.sides.insert(SYDNEY.parse().unwrap(), Reading::failed(refused("401 AuthFailure"))); }), @r"Error known-address: The addresses of `alt-gigadb-website` are not known: 401 AuthFailure.");
}

#[test]
fn permutation() {
    insta::assert_snapshot!(check(|_, w, _| record_mut(w, "gigadb.org").content = "192.0.2.66".to_owned()), @r"
    16 steps
    Error permutation: The present value of the A record of `gigadb.org` belongs to neither side: `192.0.2.66`.
    unknown -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, i| {
        i.overrides.insert("permutation".parse().unwrap());
        record_mut(w, "gigadb.org").content = "192.0.2.66".to_owned();
    }), @r"
    16 steps
    Error permutation (waived): The present value of the A record of `gigadb.org` belongs to neither side: `192.0.2.66`.
    unknown -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| {
        rows_mut(w, HK).iter_mut().find(|r| r.scope == "live").unwrap().value = Some("foreign".to_owned());
    }), @r"
    16 steps
    Error permutation: The present value of the variable `HOME_URL` of `gigadb-website` belongs to neither side: `foreign`.
    mixed -> consistent
    ");
    insta::assert_snapshot!(check(|t, w, i| {
        *i = intent(t, "live", HK);
        i.trade = Trade::none();
        record_mut(w, "bastion.gigadb.org").content = "192.0.2.66".to_owned();
    }), @r"
    1 steps
    Warning permutation: The present value of the A record of `bastion.gigadb.org` belongs to neither side: `192.0.2.66`.
    unknown -> consistent
    ");
}

#[test]
fn external_swap() {
    insta::assert_snapshot!(check(|_, _, i| i.trade = Trade::none()), @r"
    16 steps
    Error external-swap: Roles were traded outside Terraform, or by an apply that failed: `gigadb.org` belongs to `gigadb-website`, while the configuration says `alt-gigadb-website`.
    consistent -> consistent
    ");
    insta::assert_snapshot!(check(|_, _, i| {
        i.trade = Trade::none();
        i.overrides.insert("external-swap".parse().unwrap());
    }), @r"
    16 steps
    Error external-swap: Roles were traded outside Terraform, or by an apply that failed: `gigadb.org` belongs to `gigadb-website`, while the configuration says `alt-gigadb-website`.
    consistent -> consistent
    ");
}

#[test]
fn never_unresolvable() {
    insta::assert_snapshot!(check(|_, w, _| {
        let Reading::Read(zones) = &mut w.zones else { unreachable!() };
        for zone in zones { zone.batch_limit = 3; }
    }), @r"
    16 steps
    Error never-unresolvable: 5 records of zone `gigadb.org` must change at once, and a batch holds 3.
    consistent -> consistent
    ");
}

#[test]
fn variables_visible() {
    insta::assert_snapshot!(check(|_, w, _| rows_mut(w, HK).retain(|r| r.scope != "live")), @r"
    12 steps
    Error variables-visible: `HOME_URL` is stored only under the wildcard scope `*`.
    Error variables-visible: `REMOTE_HOME_URL` is stored only under the wildcard scope `*`.
    Error variables-visible: `REMOTE_HOSTNAME` is stored only under the wildcard scope `*`.
    Error variables-visible: `remote_fileserver_hostname` is stored only under the wildcard scope `*`.
    mixed -> consistent
    ");
    insta::assert_snapshot!(check(|t, w, _| {
        t.policy.missing_variables = Missing::Create;
        rows_mut(w, HK).retain(|r| r.scope != "live");
    }), @r"
    16 steps
    mixed -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| {
        for (i, row) in rows_mut(w, SYDNEY).iter_mut().filter(|r| r.scope == "live").enumerate() {
            match i {
                0 => { row.hidden = true; row.value = None; }
                1 => row.file = true,
                2 => row.value = Some("two\nlines".to_owned()),
                _ => row.protected = true,
            }
        }
    }), @r"
    14 steps
    3 A record of `portainer.gigadb.org`: 198.51.101.3 -> 198.51.100.3
    Error permutation: The present value of the variable `REMOTE_HOSTNAME` of `alt-gigadb-website` belongs to neither side: `two
    lines`.
    Error variables-visible: `HOME_URL` is hidden, so that its present value can be neither reviewed nor restored.
    Error variables-visible: `REMOTE_HOME_URL` is of type file.
    Error variables-visible: `REMOTE_HOSTNAME` has more than one line.
    Warning variables-visible: `remote_fileserver_hostname` is protected on `alt-gigadb-website` and not on `gigadb-website`.
    mixed -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| { w.variables.insert(HK.parse().unwrap(), Reading::failed(refused("403 Forbidden"))); }), @r"
    12 steps
    Error variables-visible: The variables of `gigadb-website` could not be read: 403 Forbidden.
    unknown -> consistent
    ");
    insta::assert_snapshot!(check(|_, w, _| rows_mut(w, HK).push(row("HOME_URL", "live/*", "beside"))), @r"
    16 steps
    consistent -> consistent
    ");
}

#[test]
fn a_failover_owes_what_is_out_of_reach() {
    insta::assert_snapshot!(check(|_, w, i| {
        i.mode = Mode::Failover;
        w.sides.insert(HK.parse().unwrap(), Reading::failed(unreachable("no answer")));
        w.variables.insert(HK.parse().unwrap(), Reading::failed(unreachable("no answer")));
        record_mut(w, "portainer.gigadb.org").content = "192.0.2.66".to_owned();
    }), @r"
    10 steps
    Warning known-address: The Elastic IPs of `gigadb-website` could not be read: no answer.
    Warning variables-visible: The variables of `gigadb-website` could not be read: no answer.
    owed A record of `alt-live.gigadb.host`: the address of the web endpoint of `gigadb-website` is not known
    owed A record of `portainer.alt-live.gigadb.host`: the address of the web endpoint of `gigadb-website` is not known
    owed variable `HOME_URL` of `gigadb-website`: no answer
    owed variable `REMOTE_HOME_URL` of `gigadb-website`: no answer
    owed variable `REMOTE_HOSTNAME` of `gigadb-website`: no answer
    owed variable `remote_fileserver_hostname` of `gigadb-website`: no answer
    notice mode: A failover may lose data. What was written on `gigadb-website` since the last synchronization to `alt-gigadb-website` (database, dropboxes, files) is not on `alt-gigadb-website`: a failover loses it.
    notice last-known: The addresses of `gigadb-website` do not come from EC2, which could not be read. They are: bastion `198.51.101.1`, read now from the record of `bastion.gigadb.org`; files `198.51.101.2`, read now from the record of `files.gigadb.org`.
    unknown -> mixed
    ");
}

#[test]
fn a_stopped_standby_does_not_block_an_empty_plan() {
    insta::assert_snapshot!(check(|t, w, i| {
        *i = intent(t, "live", HK);
        side_mut(w, SYDNEY).instances.clear();
        w.variables.insert(SYDNEY.parse().unwrap(), Reading::Failed {
            failure: unreachable("no answer"),
            last_known: w.variables[SYDNEY].read().cloned(),
        });
    }), @r"
    0 steps
    Warning variables-visible: The variables of `alt-gigadb-website` could not be read: no answer.
    consistent -> consistent
    ");
}

#[test]
fn preparing_moves_variables_and_no_record() {
    insta::assert_snapshot!(check(|t, _, i| {
        *i = intent(t, "live", HK);
        i.prepare = Some(SYDNEY.parse().unwrap());
        i.trade = Trade::none();
    }), @r"
    4 steps
    consistent -> prepared
    ");
}

#[test]
fn what_moved_since_the_plan_is_named() {
    let topology = topology(UPSTREAM);
    let intent = intent(&topology, "live", SYDNEY);
    let before = world(&topology, HK);
    let seen = observe(&topology, "live", &before);
    let plan = plan(&topology, &intent, &seen, &Evidence::none()).unwrap();
    let mut now = before;
    record_mut(&mut now, "gigadb.org").content = "192.0.2.9".to_owned();
    let desired = plan.desired.hostnames["alt-live.gigadb.host"]
        .address
        .unwrap();
    record_mut(&mut now, "alt-live.gigadb.host").content = desired.to_string();
    rows_mut(&mut now, HK)
        .iter_mut()
        .find(|r| r.scope == "live")
        .unwrap()
        .value = Some("x".to_owned());
    side_mut(&mut now, SYDNEY).elastic_ips[0].allocation_id = "eipalloc-new".parse().unwrap();
    let sides = [
        &intent.arrangement.production,
        &intent.arrangement.hot_standby,
    ];
    let moved = gigadb_engine::rules::unchanged_since_plan::moved(
        &seen,
        &observe(&topology, "live", &now),
        &plan.desired,
        sides,
    );
    let finding = gigadb_engine::rules::unchanged_since_plan::finding(&moved, "live").unwrap();
    insta::assert_snapshot!(finding.message, @r"
    3 objects have changed since the plan was made.
      on:      environment `live`: A record of `gigadb.org`: planned from A `198.51.101.3` (id rec-gigadb.org), now A `192.0.2.9` (id rec-gigadb.org); variable `HOME_URL` of `gigadb-website`: planned from `https://gigadb.org`, now `x`; Elastic IP of the bastion endpoint of `alt-gigadb-website`: planned from 198.51.100.1 (eipalloc-0-1), now 198.51.100.1 (eipalloc-new)
      changed: Nothing was changed.
      next:    Find out who changed it, then plan again and review the new plan.
    ");
}

#[test]
fn only_productions_https_names_that_move_are_probed() {
    let topology = topology(UPSTREAM);
    let plan = planned(
        &topology,
        &intent(&topology, "live", SYDNEY),
        &world(&topology, HK),
    )
    .unwrap();
    let probes: Vec<String> = gigadb_engine::readiness::probes(&topology, &plan)
        .iter()
        .map(|p| format!("{} at {} ({})", p.hostname, p.address, p.infrastructure))
        .collect();
    insta::assert_snapshot!(probes.join("\n"), @r"
    gigadb.org at 198.51.100.3 (alt-gigadb-website)
    portainer.gigadb.org at 198.51.100.3 (alt-gigadb-website)
    ");
}

#[test]
fn one_access_key_for_both_sides_stops_a_switchover_that_changes_something() {
    let topology = topology(UPSTREAM);
    let keys = |a: &str, b: &str| {
        SharedKeys::among(&[
            (HK.parse().unwrap(), a.to_owned()),
            (SYDNEY.parse().unwrap(), b.to_owned()),
        ])
    };
    let said = |production: &str, edit: fn(&mut Intent), keys: &SharedKeys| {
        let mut intent = intent(&topology, "live", production);
        edit(&mut intent);
        let seen = observe(&topology, "live", &world(&topology, HK));
        let evidence = Evidence { keys: keys.clone() };
        let plan = plan(&topology, &intent, &seen, &evidence).unwrap();
        plan.findings
            .iter()
            .map(|f| format!("{:?} {} blocks: {}", f.severity, f.rule, f.blocks()))
            .collect::<Vec<_>>()
    };
    let waive = |i: &mut Intent| {
        i.overrides.insert(Rule::SeparateCredentials);
    };
    let one = keys("one", "one");
    assert_eq!(said(SYDNEY, |_| {}, &keys("one", "other")), [""; 0]);
    assert_eq!(said(HK, |_| {}, &one), [""; 0]);
    for (edit, expected) in [
        (
            (|_| {}) as fn(&mut Intent),
            "Error separate-credentials blocks: true",
        ),
        (waive, "Error separate-credentials blocks: false"),
        (
            |i| i.mode = Mode::Failover,
            "Warning separate-credentials blocks: false",
        ),
    ] {
        assert_eq!(said(SYDNEY, edit, &one), [expected]);
    }
}
