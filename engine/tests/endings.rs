//! What is said of an object: every status that the executor reports, with every reading.

#![expect(clippy::unwrap_used, reason = "a test's own fixtures")]

use gigadb_engine::{
    changes::{Step, Target},
    executor::{Report, TransactionId, TransactionStatus as Status},
    fate::{Fate, NotSeen, Seen, agrees, fate},
};

const UNTIL: u64 = 1_795_339_925;

fn step(from: Option<&str>) -> Step {
    Step {
        target: Target::Record {
            hostname: "gigadb.org".parse().unwrap(),
            record_id: None,
        },
        from: from.map(str::to_owned),
        to: "new".to_owned(),
        undo: "old".to_owned(),
        reason: String::new(),
    }
}

fn why() -> String {
    "why".to_owned()
}

fn statuses() -> [Status; 7] {
    [
        Status::NotSent,
        Status::Applied,
        Status::NotApplied(why()),
        Status::Open(why()),
        Status::Unknown(why()),
        Status::Undone,
        Status::NotUndone(why()),
    ]
}

fn report(status: &Status, undo_sent: bool) -> Report {
    Report {
        transaction: TransactionId(0),
        status: status.clone(),
        open_until: Some(UNTIL),
        undo_sent,
    }
}

fn value(text: &str) -> Seen {
    Seen::Value(Some(text.to_owned()))
}

/// A row a status; what was written, before (or what an undo writes), something else, unread.
#[test]
fn every_status_with_every_reading() {
    let readings = [
        value("new"),
        value("old"),
        value("other"),
        Seen::Unread("no answer".to_owned()),
    ];
    let rows = [
        ["in_force", "not_sent", "not_sent", "not_sent"],
        ["in_force", "accepted", "accepted", "accepted"],
        ["in_force", "not_in_force", "not_in_force", "not_in_force"],
        ["in_force", "open", "open", "open"],
        [
            "in_force",
            "not_in_force",
            "perhaps_in_force",
            "perhaps_in_force",
        ],
        ["in_force", "put_back", "perhaps_in_force", "put_back"],
        ["in_force", "put_back", "not_put_back", "not_put_back"],
    ];
    for (status, row) in statuses().iter().zip(rows) {
        for from in [Some("old"), None] {
            let words = readings
                .each_ref()
                .map(|seen| fate(&step(from), &report(status, false), seen.clone()).word());
            assert_eq!(words, row, "{status:?}");
        }
    }
    // What was not there before, and is not there now.
    let absent = |status| fate(&step(None), &report(status, false), Seen::Value(None)).word();
    let words = statuses().each_ref().map(absent);
    let old = rows.map(|row| row[1]);
    assert_eq!(words, old);
}

/// Once an undo was sent, what was written proves nothing any more.
#[test]
fn an_undo_that_was_sent_takes_the_proof_away() {
    let rows = [
        (Status::Open(why()), "open"),
        (Status::Undone, "perhaps_in_force"),
        (Status::NotUndone(why()), "not_put_back"),
    ];
    for (status, word) in rows {
        let ended = fate(&step(Some("old")), &report(&status, true), value("new"));
        assert_eq!(ended.word(), word, "{status:?}");
        assert!(!ended.is_written(), "{status:?}");
    }
}

/// Whether reading may end: what was written, before, something else, unread.
#[test]
fn reading_ends_where_it_shows_what_is_said() {
    let rows = [
        [false, true, false, false],
        [true, false, false, false],
        [false, true, false, false],
        [true, true, true, false],
        [true, false, true, false],
        [false, true, false, false],
        [true, false, true, false],
    ];
    for (status, row) in statuses().iter().zip(rows) {
        let readings = [
            value("new"),
            value("old"),
            value("other"),
            Seen::Unread("no answer".to_owned()),
        ];
        let ends = readings.map(|seen| agrees(&step(Some("old")), &report(status, false), &seen));
        assert_eq!(ends, row, "{status:?}");
    }
    let nothing = Seen::Value(None);
    assert!(agrees(
        &step(None),
        &report(&Status::NotSent, false),
        &nothing
    ));
    assert!(!agrees(
        &step(Some("old")),
        &report(&Status::NotSent, false),
        &nothing
    ));
}

/// Each failure with its own cause, in a sentence.
#[test]
fn every_ending_has_its_reason() {
    let rows = [
        (Fate::InForce, None),
        (
            Fate::Accepted(NotSeen::Unread("no answer".to_owned())),
            Some("it could not be read back: no answer"),
        ),
        (
            Fate::Accepted(NotSeen::Shows(Some("old".to_owned()))),
            Some("read back, it is `old`"),
        ),
        (
            Fate::Accepted(NotSeen::Shows(None)),
            Some("read back, it is nothing"),
        ),
        (Fate::PutBack, Some("it was put back")),
        (Fate::NotPutBack(why()), Some("why")),
        (Fate::NotInForce(why()), Some("why")),
        (Fate::Unknown(why()), Some("why")),
        (Fate::NeverSent, Some("it was never sent")),
        (
            Fate::Open {
                why: why(),
                until: UNTIL,
            },
            Some("why; it may still take effect until 09:32:05 UTC"),
        ),
    ];
    for (fate, reason) in rows {
        assert_eq!(fate.reason().as_deref(), reason, "{fate:?}");
        let written = matches!(fate, Fate::InForce | Fate::Accepted(_));
        assert_eq!(fate.is_written(), written, "{fate:?}");
    }
    let other = |status| fate(&step(Some("old")), &report(&status, true), value("other"));
    assert_eq!(
        other(Status::Undone).reason().as_deref(),
        Some("read back, it is `other`, which this run did not write")
    );
    let still = fate(
        &step(Some("old")),
        &report(&Status::Undone, true),
        value("new"),
    );
    assert_eq!(
        still.reason().as_deref(),
        Some("it was put back, and read back it is still `new`")
    );
}
