//! How a carried-out plan is told to have ended: every kind of ending, object by object, with the
//! words that both programs show.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use std::fmt::Write as _;

use gigadb_engine::{
    carry::{self, Ending, Whole},
    changes::{Boundary, Target, Transaction},
    executor::{End, Outcome, Report, TransactionId, TransactionStatus as Status},
    intent::{Intent, Mode},
    object::Object,
    observation::{Observation, ProjectError},
    plan::Plan,
    rules::unchanged_since_plan::Moved,
    topology::{Missing, Topology},
    world::{Failure, FailureKind, Reading, World},
};
use model::{
    UPSTREAM, apply_step, intent, observe, planned, record_mut, row, rows_mut, topology, world,
};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";
const UNTIL: u64 = 1_795_339_925;

/// What a story says of each transaction, and what of it the world shows in the end.
type Fates = fn(&Transaction) -> (Status, bool);

struct Story {
    topology: Topology,
    intent: Intent,
    before: World,
    fates: Fates,
    undo_sent: bool,
    cause: Option<&'static str>,
    /// What others do to the world before the closing reading.
    edit: fn(&mut World),
    unread: bool,
}

fn is_batch(transaction: &Transaction, zone_name: &str) -> bool {
    matches!(&transaction.boundary, Boundary::ZoneBatch { zone, .. } if zone.name.as_str() == zone_name)
}

fn writes(transaction: &Transaction, side: &str) -> bool {
    matches!(&transaction.steps[0].target, Target::Variable { infrastructure, .. } if infrastructure.as_str() == side)
}

fn all_well(_: &Transaction) -> (Status, bool) {
    (Status::Applied, true)
}

impl Story {
    fn new(mode: Mode, fates: Fates) -> Self {
        let topology = topology(UPSTREAM);
        let mut intent = intent(&topology, "live", SYDNEY);
        intent.mode = mode;
        Self {
            before: world(&topology, HK),
            topology,
            intent,
            fates,
            undo_sent: false,
            cause: None,
            edit: |_| {},
            unread: false,
        }
    }

    fn plan(&self) -> (Observation, Plan) {
        let seen = observe(&self.topology, "live", &self.before);
        let plan = planned(&self.topology, &self.intent, &self.before).unwrap();
        (seen, plan)
    }

    fn outcome(&self, plan: &Plan) -> (Outcome, World) {
        let mut after = self.before.clone();
        let reports = plan
            .changes
            .transactions()
            .enumerate()
            .map(|(id, transaction)| {
                let (status, shown) = (self.fates)(transaction);
                if shown {
                    transaction
                        .steps
                        .iter()
                        .for_each(|step| apply_step(&mut after, step));
                }
                let open = matches!(status, Status::Open(_));
                Report {
                    transaction: TransactionId(id),
                    open_until: open.then_some(UNTIL + id as u64),
                    status,
                    undo_sent: self.undo_sent,
                }
            });
        let reports = reports.collect();
        let cause = self.cause.map(str::to_owned);
        (self.edit)(&mut after);
        let end = End::PartlyApplied;
        (
            Outcome {
                end,
                reports,
                cause,
                remedy: None,
            },
            after,
        )
    }

    fn ended(&self) -> Ending {
        let (seen, plan) = self.plan();
        let (outcome, after) = self.outcome(&plan);
        let after = if self.unread {
            Err(ProjectError::Records {
                object: "the list of zones".to_owned(),
                failure: Failure::new(FailureKind::Unreachable, "timed out"),
            })
        } else {
            Ok(observe(&self.topology, "live", &after))
        };
        carry::ended(&self.topology, &seen, plan, Some(&outcome), after)
    }

    fn agrees(&self) -> bool {
        let (_, plan) = self.plan();
        let (outcome, after) = self.outcome(&plan);
        carry::agrees(&plan, &outcome, &observe(&self.topology, "live", &after))
    }

    fn told(&self) -> String {
        told(&self.ended())
    }
}

fn told(ending: &Ending) -> String {
    let mut text = format!("{:?}\nchanged:   {}\n", ending.whole, ending.changed());
    let _ = writeln!(text, "why:       {}", ending.why());
    for line in ending.not_as_planned() {
        let _ = writeln!(text, "not so:    {line}");
    }
    for one in &ending.owed {
        let wanted = one.wanted.as_deref().unwrap_or("-");
        let _ = writeln!(text, "owed:      {} {wanted}: {}", one.object, one.reason);
    }
    let (records, variables) = ending.counts();
    let written = ending.written();
    let _ = write!(
        text,
        "in force:  {records} records, {variables} variables; written: {} steps in {} stages; apex: {}; open until: {:?}",
        written.changes.steps().count(),
        written.changes.stages.len(),
        ending.holds_apex,
        ending.open_until(),
    );
    text
}

fn no() -> String {
    "403".to_owned()
}

fn open(transaction: &Transaction) -> (Status, bool) {
    if is_batch(transaction, "gigadb.org") {
        (Status::Open("no answer in 5 s".to_owned()), false)
    } else if is_batch(transaction, "gigadb.host") {
        (Status::NotSent, false)
    } else if writes(transaction, HK) {
        (Status::Open("502".to_owned()), false)
    } else {
        (Status::Applied, true)
    }
}

fn partly(transaction: &Transaction) -> (Status, bool) {
    if is_batch(transaction, "gigadb.org") {
        (Status::NotApplied(no()), false)
    } else if is_batch(transaction, "gigadb.host") {
        (
            Status::NotUndone("it could not be read: timed out".to_owned()),
            true,
        )
    } else if writes(transaction, HK) {
        (Status::Undone, false)
    } else {
        (Status::NotUndone(no()), true)
    }
}

fn owing(transaction: &Transaction) -> (Status, bool) {
    if writes(transaction, HK) {
        (Status::NotApplied(no()), false)
    } else if writes(transaction, SYDNEY) {
        (Status::Open("504".to_owned()), false)
    } else {
        (Status::Applied, true)
    }
}

fn undone(_: &Transaction) -> (Status, bool) {
    (Status::Undone, false)
}

fn never(transaction: &Transaction) -> (Status, bool) {
    if writes(transaction, SYDNEY) {
        (Status::NotApplied(no()), false)
    } else {
        (Status::NotSent, false)
    }
}

fn unread_variables(world: &mut World) {
    let failure = Failure::new(FailureKind::Unreachable, "GitLab does not answer");
    world
        .variables
        .insert(HK.parse().unwrap(), Reading::failed(failure));
}

fn apex_elsewhere(world: &mut World) {
    "192.0.2.66".clone_into(&mut record_mut(world, "gigadb.org").content);
}

#[test]
fn everything_was_accepted() {
    for mode in [Mode::Switchover, Mode::Failover] {
        let story = Story::new(mode, all_well);
        assert!(story.agrees());
        insta::assert_snapshot!(format!("done_{mode}"), story.told());
        let shows = Story {
            edit: apex_elsewhere,
            ..Story::new(mode, all_well)
        };
        assert!(!shows.agrees());
        insta::assert_snapshot!(format!("not_shown_{mode}"), shows.told());
        let unread = Story {
            edit: unread_variables,
            ..Story::new(mode, all_well)
        };
        assert!(!unread.agrees());
        insta::assert_snapshot!(format!("unread_variables_{mode}"), unread.told());
        let none = Story {
            unread: true,
            ..Story::new(mode, all_well)
        };
        insta::assert_snapshot!(format!("unread_{mode}"), none.told());
    }
}

#[test]
fn something_may_still_take_effect() {
    for mode in [Mode::Switchover, Mode::Failover] {
        let story = Story {
            cause: Some("no answer in 5 s; nothing was undone"),
            ..Story::new(mode, open)
        };
        insta::assert_snapshot!(format!("open_{mode}"), story.told());
    }
}

#[test]
fn some_of_it_is_in_force() {
    for (name, undo_sent, unread) in [
        ("read", true, false),
        ("unread", true, true),
        ("forward", false, false),
    ] {
        let story = Story {
            cause: Some("403"),
            undo_sent,
            unread,
            ..Story::new(Mode::Switchover, partly)
        };
        insta::assert_snapshot!(format!("partly_{name}"), story.told());
    }
}

#[test]
fn a_failover_owes_the_rest() {
    let story = Story {
        cause: Some("403"),
        edit: |world| {
            record_mut(world, "portainer.gigadb.org").content = "192.0.2.66".to_owned();
            rows_mut(world, HK).retain(|row| row.key.as_str() != "HOME_URL" || row.scope != "live");
        },
        ..Story::new(Mode::Failover, owing)
    };
    insta::assert_snapshot!(story.told());
    // Who wrote nothing promoted nobody, whoever holds the apex.
    let mut before = world(&story.topology, HK);
    let (_, plan) = story.plan();
    for step in plan
        .changes
        .steps()
        .filter(|step| step.target.object().key() == "gigadb.org")
    {
        apply_step(&mut before, step);
    }
    let nothing = Story {
        before,
        ..Story::new(Mode::Failover, never)
    };
    let ending = nothing.ended();
    assert!(ending.holds_apex);
    assert_eq!(ending.whole, Whole::NothingChanged);
}

#[test]
fn it_is_as_before() {
    for (name, fates, undo_sent) in [
        ("put_back", undone as Fates, true),
        ("nothing_changed", never, false),
    ] {
        for unread in [false, true] {
            let story = Story {
                cause: Some("403"),
                undo_sent,
                unread,
                ..Story::new(Mode::Switchover, fates)
            };
            let how = if unread { "_unread" } else { "" };
            insta::assert_snapshot!(format!("{name}{how}"), story.told());
        }
    }
}

/// What was never sent may have been changed by somebody else.
#[test]
fn as_before_is_said_where_everything_reads_so() {
    let fates: Fates = |transaction| {
        if is_batch(transaction, "gigadb.org") {
            (Status::NotSent, false)
        } else {
            (Status::Undone, false)
        }
    };
    for (edit, as_before) in [
        ((|_| {}) as fn(&mut World), true),
        (apex_elsewhere, false),
        (unread_variables, false),
    ] {
        let story = Story {
            undo_sent: true,
            edit,
            ..Story::new(Mode::Switchover, fates)
        };
        let ending = story.ended();
        assert_eq!(ending.whole, Whole::PutBack);
        assert_eq!(ending.changed().contains("reads as before"), as_before);
    }
}

/// What was created keeps the value of the undo: that is not as before.
#[test]
fn what_was_created_is_not_as_before() {
    let mut story = Story {
        undo_sent: true,
        edit: |world| rows_mut(world, HK).push(row("HOME_URL", "live", "https://gigadb.org")),
        ..Story::new(Mode::Switchover, undone)
    };
    story.topology.policy.missing_variables = Missing::Create;
    rows_mut(&mut story.before, HK).retain(|row| row.key.as_str() != "HOME_URL");
    let ending = story.ended();
    assert_eq!(ending.whole, Whole::PutBack);
    let changed = ending.changed();
    assert!(changed.starts_with("Put back (16 of 16)"), "{changed}");
}

#[test]
fn there_was_nothing_to_write() {
    let story = Story::new(Mode::Switchover, all_well);
    let (seen, plan) = story.plan();
    let after = Ok(observe(&story.topology, "live", &story.before));
    let ending = carry::ended(&story.topology, &seen, plan, None, after);
    assert_eq!(ending.whole, Whole::NothingToWrite);
    assert_eq!(ending.changed(), "Nothing was changed.");
    assert_eq!(ending.account(), []);
}

#[test]
fn what_the_caller_alone_compares_is_named_once() {
    let story = Story::new(Mode::Switchover, all_well);
    let (seen, plan) = story.plan();
    assert_eq!(carry::moved(&plan, &seen, Vec::new()), None);
    let mut now = story.before.clone();
    apex_elsewhere(&mut now);
    let fresh = observe(&story.topology, "live", &now);
    let further = ["gigadb.org", "bastion.gigadb.org"].map(|name| Moved {
        object: Object::Name(name.parse().unwrap()),
        planned_from: "what the state shows".to_owned(),
        present: "something else".to_owned(),
    });
    let finding = carry::moved(&plan, &fresh, further.to_vec()).unwrap();
    insta::assert_snapshot!(finding.message);
}
