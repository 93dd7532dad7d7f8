//! What a finding of each rule says, all four parts of it; `rules.rs` holds when it is found.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use std::collections::BTreeMap;

use gigadb_engine::{
    intent::{Intent, Mode, Trade},
    message::Message,
    rules::{
        Rule,
        https_ready::{HttpsCheck, HttpsMode, Moment, Probe, ProbeResult, judge},
        one_swap_at_a_time::{self as lease, Holder, HoldingProcess, LeasePlace, LeftBy},
        variables_visible,
    },
    topology::Topology,
    world::{Cause, Failure, FailureKind, Reading, RecordType, World},
};
use model::{
    UPSTREAM, intent, observe, planned, record_mut, records_mut, row, rows_mut, side_mut, topology,
    world,
};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";

/// Every finding of the swap of live to Sydney in a world that `edit` has changed, in full.
fn found(edit: impl Fn(&mut Topology, &mut World, &mut Intent)) -> String {
    let mut topology = topology(UPSTREAM);
    let mut world = world(&topology, HK);
    let mut intent = intent(&topology, "live", SYDNEY);
    edit(&mut topology, &mut world, &mut intent);
    let findings = match planned(&topology, &intent, &world) {
        Ok(plan) => plan.findings,
        Err(incomputable) => incomputable.0,
    };
    let all = findings
        .iter()
        .map(|one| format!("{:?} {}: {}", one.severity, one.rule, one.message));
    all.collect::<Vec<_>>().join("\n")
}

fn unread(kind: FailureKind, cause: Cause) -> Failure {
    Failure::new(kind, "403 Forbidden").because(cause)
}

fn lost(side: &str, world: &mut World, failure: &Failure) {
    let reading = Reading::failed(failure.clone());
    world.sides.insert(side.parse().unwrap(), reading);
}

#[test]
fn one_a_record_a_name() {
    let kinds = found(|_, w, _| {
        let mut second = record_mut(w, "gigadb.org").clone();
        second.id = "second".parse().unwrap();
        second.record_type = RecordType::Aaaa;
        "2001:db8::1".clone_into(&mut second.content);
        records_mut(w, "gigadb.org").push(second);
        record_mut(w, "bastion.gigadb.org").record_type = RecordType::Cname;
        records_mut(w, "gigadb.org").retain(|r| r.name.as_str() != "files.gigadb.org");
    });
    insta::assert_snapshot!(kinds);
}

#[test]
fn addresses() {
    let mut all = vec![found(|_, w, _| {
        let eips = &mut side_mut(w, SYDNEY).elastic_ips;
        eips[1].name = eips[0].name.clone();
    })];
    all.push(found(|_, w, _| {
        let side = side_mut(w, SYDNEY);
        side.elastic_ips[0].instance_id = None;
        side.elastic_ips[1].instance_id = None;
        side.elastic_ips[1].used_by = Some("network interface `eni-1`".to_owned());
        "stopped".clone_into(&mut side.instances[2].state);
    }));
    insta::assert_snapshot!(all.join("\n"));
}

/// A side that could not be read: the hot standby or the side to be promoted, of a plan that moves
/// production or not, alone or with its twin, for a fault of the vendor's or of this machine.
#[test]
fn sides_that_were_not_read() {
    let gone = unread(FailureKind::Unreachable, Cause::Unknown);
    let refused = unread(FailureKind::Refused, Cause::Unknown);
    let profile = unread(FailureKind::Misconfigured, Cause::Profile);
    let mut all = Vec::new();
    for failure in [&gone, &refused, &profile] {
        for side in [HK, SYDNEY] {
            all.push(found(|_, w, _| lost(side, w, failure)));
        }
    }
    all.push(found(|_, w, _| {
        lost(HK, w, &gone);
        lost(SYDNEY, w, &gone);
    }));
    all.push(found(|_, w, i| {
        i.mode = Mode::Failover;
        lost(HK, w, &gone);
    }));
    for (failure, moves) in [(&gone, false), (&refused, false), (&gone, true)] {
        all.push(found(|t, w, i| {
            *i = intent(t, "live", HK);
            i.trade = if moves {
                Trade::from(true)
            } else {
                Trade::none()
            };
            lost(SYDNEY, w, failure);
        }));
    }
    insta::assert_snapshot!(all.join("\n--\n"));
}

/// A side that is silent now, with what an earlier reading gave.
fn silent(side: &str, world: &mut World, kind: FailureKind) {
    let reading = Reading::Failed {
        failure: unread(kind, Cause::Unknown),
        last_known: world.sides[side].read().cloned(),
    };
    world.sides.insert(side.parse().unwrap(), reading);
}

/// Silence is an error where something would be written, a refusal always.
#[test]
fn sides_that_are_known_from_before() {
    let mut all = Vec::new();
    for kind in [FailureKind::Unreachable, FailureKind::Refused] {
        for production in [SYDNEY, HK] {
            all.push(found(|t, w, i| {
                *i = intent(t, "live", production);
                silent(SYDNEY, w, kind);
            }));
        }
    }
    all.push(found(|_, w, _| {
        silent(SYDNEY, w, FailureKind::Unreachable);
        "192.0.2.66".clone_into(&mut record_mut(w, "gigadb.org").content);
    }));
    insta::assert_snapshot!(all.join("\n--\n"));
}

#[test]
fn projects_that_were_not_read() {
    let mut all = Vec::new();
    for kind in [FailureKind::Unreachable, FailureKind::Refused] {
        for (mode, production) in [
            (Mode::Switchover, SYDNEY),
            (Mode::Failover, SYDNEY),
            (Mode::Switchover, HK),
        ] {
            all.push(found(|t, w, i| {
                *i = intent(t, "live", production);
                i.mode = mode;
                let rows = w.variables[SYDNEY].read().cloned();
                let failure = unread(kind, Cause::Unknown);
                let reading = Reading::Failed {
                    failure,
                    last_known: rows,
                };
                w.variables.insert(SYDNEY.parse().unwrap(), reading);
            }));
        }
    }
    insta::assert_snapshot!(all.join("\n--\n"));
}

#[test]
fn values_of_neither_side() {
    let all = [
        found(|_, w, _| "192.0.2.66".clone_into(&mut record_mut(w, "gigadb.org").content)),
        found(|_, w, _| {
            let mut rows = rows_mut(w, HK).iter_mut();
            rows.find(|r| r.scope == "live").unwrap().value = Some("foreign".to_owned());
        }),
        // Where a side's address is not known, nobody can tell whose this one is.
        found(|_, w, i| {
            i.mode = Mode::Failover;
            lost(HK, w, &unread(FailureKind::Unreachable, Cause::Unknown));
            "192.0.2.66".clone_into(&mut record_mut(w, "gigadb.org").content);
            "192.0.2.67".clone_into(&mut record_mut(w, "portainer.gigadb.org").content);
        }),
    ];
    insta::assert_snapshot!(all.join("\n--\n"));
}

#[test]
fn rows_of_variables() {
    let edited: [fn(&mut gigadb_engine::world::CiVariable); 5] = [
        |row| row.hidden = true,
        |row| row.value = None,
        |row| row.file = true,
        |row| row.value = Some("two\nlines".to_owned()),
        |row| "li*".clone_into(&mut row.scope),
    ];
    let mut all: Vec<String> = edited
        .iter()
        .map(|edit| {
            found(|_, w, _| {
                let mut rows = rows_mut(w, SYDNEY).iter_mut();
                edit(rows.find(|row| row.scope == "live").unwrap());
            })
        })
        .collect();
    all.push(found(|_, w, _| {
        let second = rows_mut(w, SYDNEY)
            .iter()
            .find(|row| row.scope == "live")
            .unwrap()
            .clone();
        rows_mut(w, SYDNEY).push(second);
    }));
    all.push(found(|_, w, _| {
        rows_mut(w, SYDNEY).retain(|row| row.scope != "live" && row.scope != "*");
    }));
    insta::assert_snapshot!(all.join("\n--\n"));
}

/// Which values GitLab takes for a masked row: by letter, by length, and raw or not.
#[test]
fn masked_rows() {
    let yaml = |value: &str| {
        UPSTREAM.replace(
            "HOME_URL: https://gigadb.org",
            &format!("HOME_URL: \"{value}\""),
        )
    };
    let fits = |value: &str, raw: bool, scope: &str, masked: bool| {
        let topology = topology(&yaml(value));
        let mut one = row("HOME_URL", scope, "x");
        (one.masked, one.raw) = (masked, raw);
        let rows = BTreeMap::from([("HOME_URL".parse().unwrap(), vec![one])]);
        let live = "live".parse().unwrap();
        let messages = variables_visible::unmaskable(&topology, &live, &HK.parse().unwrap(), &rows);
        let whole: Vec<String> = messages.iter().map(Message::to_string).collect();
        whole.join("\n")
    };
    // The hot standby's value fits always.
    for (value, raw, refused) in [
        ("https://gigadb.org", false, false),
        ("gigadb-8", false, false),
        ("gigadb7", false, true),
        ("gigadb_+=/@:.~-9", false, false),
        ("https://gigadb.org?a", false, true),
        ("https://gigadb.org?a", true, false),
        ("gigadb org", true, true),
    ] {
        let said = fits(value, raw, "live", true);
        assert_eq!(!said.is_empty(), refused, "{value} {raw}: {said}");
        assert_eq!(fits(value, raw, "live", false), "");
        assert_eq!(fits(value, raw, "*", true), "");
    }
    insta::assert_snapshot!(fits("gigadb7", false, "live", true));
    let found = found(|t, w, _| {
        *t = topology(&yaml("gigadb7"));
        let mut rows = rows_mut(w, HK).iter_mut();
        let row = rows.find(|r| r.scope == "live" && r.key.as_str() == "HOME_URL");
        row.unwrap().masked = true;
    });
    assert!(found.contains("is masked"), "{found}");
}

#[test]
fn faults_of_one_side_whatever_is_planned() {
    let topology = topology(UPSTREAM);
    let mut world = world(&topology, HK);
    rows_mut(&mut world, HK)
        .iter_mut()
        .find(|r| r.scope == "live")
        .unwrap()
        .file = true;
    let observation = observe(&topology, "live", &world);
    let rows = observation.variables[HK].known().unwrap();
    let live = "live".parse().unwrap();
    let faults = variables_visible::faults(&topology, &live, &HK.parse().unwrap(), rows);
    let faults: Vec<String> = faults.iter().map(Message::to_string).collect();
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn probes() {
    let topology = topology(UPSTREAM);
    let mut intent = intent(&topology, "live", SYDNEY);
    let probe = Probe {
        hostname: "gigadb.org".parse().unwrap(),
        infrastructure: SYDNEY.parse().unwrap(),
        address: [198, 51, 100, 3].into(),
    };
    let well = ProbeResult::Answered {
        status: 200,
        has_text: None,
        days_left: 30,
    };
    let results = [
        (probe.clone(), well),
        (
            probe,
            ProbeResult::Failed("no connection in 5 s".to_owned()),
        ),
    ];
    let mut told = Vec::new();
    for mode in ["require", "warn", "off"] {
        let check = HttpsCheck {
            mode: mode.parse().unwrap(),
            ..HttpsCheck::default()
        };
        for moment in [Moment::BeforeWriting, Moment::Afterwards] {
            for one in judge(&intent, &check, moment, &results) {
                assert!(!one.waived);
                told.push(format!(
                    "{mode}, {moment:?}: {:?}: {}",
                    one.severity, one.message
                ));
            }
        }
    }
    insta::assert_snapshot!(told.join("\n"));
    intent.overrides.insert(Rule::HttpsReady);
    let check = HttpsCheck::default();
    let [one] = &judge(&intent, &check, Moment::BeforeWriting, &results)[..] else {
        panic!("one finding");
    };
    assert!(one.waived);
    let unknown = "maybe".parse::<HttpsMode>().unwrap_err();
    assert_eq!(unknown.allowed, ["require", "warn", "off"]);
}

#[test]
fn leases() {
    let lock = "lock:\n  gitlab_project: gigascience/forks/roles\n  name: roles-{environment}\n";
    let topology = topology(&format!("{UPSTREAM}\n{lock}"));
    let intent = intent(&topology, "live", SYDNEY);
    let place = LeasePlace::of(&topology, &intent).unwrap();
    let process = HoldingProcess {
        host: "bastion".to_owned(),
        pid: 7,
        run: "20261123T093205Z".to_owned(),
        reason: Some("release 4.5.1".to_owned()),
    };
    let ours = Holder {
        id: "gigadb-roles:1".to_owned(),
        who: Some("operator".to_owned()),
        since: Some("2026-11-23T09:32:05Z".to_owned()),
        process: Some(process.clone()),
    };
    let quiet = Holder {
        who: None,
        since: None,
        process: Some(HoldingProcess {
            reason: None,
            ..process
        }),
        ..ours.clone()
    };
    let terraform = Holder {
        id: "d2a1".to_owned(),
        process: None,
        ..ours.clone()
    };
    let mut said: Vec<Message> = [&ours, &quiet, &terraform, &Holder::default()]
        .into_iter()
        .map(|holder| lease::held(&intent, &place, holder))
        .collect();
    said.extend([
        lease::passed(&intent, &place, &ours),
        lease::taken_over(&intent, &place, &ours, LeftBy::Killed),
        lease::given_back(&intent, &place, &ours, LeftBy::Killed),
        lease::left(&intent, &place, "20261123T093205Z", "no answer"),
        lease::unavailable(
            &intent,
            &place,
            &Failure::new(FailureKind::Unreachable, "no answer"),
        ),
        lease::without(&intent, &place, "no answer"),
        lease::not_released(&intent, &place, "gigadb-roles:1", "no answer"),
        lease::kept(&intent, &place, "gigadb-roles:1", "09:32:05 UTC"),
        lease::lost(&intent, &place),
    ]);
    let said: Vec<String> = said.iter().map(Message::to_string).collect();
    insta::assert_snapshot!(said.join("\n"));
    let left = [LeftBy::Completed, LeftBy::Ended, LeftBy::NoJournal];
    let left = left.map(|left| {
        let taken = lease::taken_over(&intent, &place, &ours, left).next;
        format!(
            "{taken}\n{}",
            lease::given_back(&intent, &place, &ours, left).next
        )
    });
    insta::assert_snapshot!(left.join("\n"), @r"
    That run completed, and only its lease was left. This one was compared with what it left; `gigadb-roles history` shows what it did.
    Nothing. That run completed, and only its lease was left. `gigadb-roles history` shows what it did.
    That run came to its end, and only its lease was left. This one was compared with what it left; `gigadb-roles history` shows what it did.
    Nothing. That run came to its end, and only its lease was left. `gigadb-roles history` shows what it did.
    This machine has no journal of that run: it was ended before it wrote anything, or kept none. This one was compared with what it left.
    Nothing: that run was ended after its last write. `gigadb-roles history` shows what it did.
    ");
    let none = Topology {
        lock: None,
        ..topology
    };
    assert_eq!(LeasePlace::of(&none, &intent), None);
}
