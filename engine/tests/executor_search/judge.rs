//! What must hold: of every line of the journal at any moment, of every report at the end.

use gigadb_engine::{
    executor::{End, Outcome, Report, TransactionStatus},
    fate::{Fate, Seen, agrees, fate},
    intent::{Mode, OnFailure},
};

use crate::{
    node::{Node, Noted, Work},
    table::{Code, Table, Way, Write},
};

/// The present world, and every world that requests on their way may make of it.
fn worlds(node: &Node) -> Vec<Node> {
    let mut worlds = vec![node.clone()];
    let mut next = 0;
    while next < worlds.len() {
        let world = worlds[next].clone();
        for index in 0..world.flying.len() {
            let mut landed = world.clone();
            landed.land(index);
            worlds.push(landed);
        }
        next += 1;
    }
    worlds
}

/// A statement is true now, stays true whatever still arrives, and names the time until which
/// something may.
fn is_true(node: &Node, run: usize, transaction: usize, writes: &[Write], report: &Report) {
    if writes.iter().any(|write| node.touched[write.target]) {
        return;
    }
    let status = &report.status;
    for world in worlds(node) {
        let all = |holds: &dyn Fn(&Write) -> bool| writes.iter().all(holds);
        let value = |write: &Write| world.values[write.target];
        let holds = match status {
            TransactionStatus::Applied => all(&|w| value(w) == w.to),
            TransactionStatus::NotSent | TransactionStatus::NotApplied(_) => {
                all(&|w| value(w) == w.from)
            }
            TransactionStatus::Undone => all(&|w| value(w) == w.undo || value(w) == w.from),
            TransactionStatus::Open(_)
            | TransactionStatus::Unknown(_)
            | TransactionStatus::NotUndone(_) => true,
        };
        assert!(holds, "{report:?} of run {run}, but {world:#?}");
    }
    let of_this = node.flying.iter().filter(|flying| {
        let own = flying.by == Some((run, transaction));
        let same = |w: &Write| flying.writes.iter().any(|(target, _)| *target == w.target);
        own || (flying.by.is_none() && writes.iter().any(same))
    });
    let open = of_this.count() > 0;
    assert!(
        !open || report.open_until.is_some(),
        "nothing says that it is open: {report:?}: {node:#?}"
    );
    let says_open = matches!(status, TransactionStatus::Open(_));
    assert!(!says_open || report.open_until.is_some(), "{report:?}");
}

/// What the journal says, should the run be killed now.
pub(crate) fn journal(node: &Node, run: usize, work: &Work) {
    if work.journal_failed {
        return;
    }
    let transactions = work.planned.transactions.iter().zip(&work.tracks);
    for (index, (writes, track)) in transactions.enumerate() {
        if let Noted::Ended(report) = &track.noted {
            is_true(node, run, index, writes, report);
        }
    }
}

/// A stated end is the end.
pub(crate) fn finished(table: &Table, node: &Node, run: usize, work: &Work, outcome: &Outcome) {
    assert!(work.open.iter().all(idle), "finished with calls in flight");
    assert_eq!(outcome.reports.len(), work.planned.transactions.len());
    let transactions = work.planned.transactions.iter().zip(&outcome.reports);
    for (index, (writes, report)) in transactions.clone().enumerate() {
        is_true(node, run, index, writes, report);
    }
    let untouched = !node.touched.contains(&true);
    let all = |holds: &dyn Fn(&Node, &Write) -> bool| {
        let worlds = worlds(node);
        let mut writes = work.planned.transactions.iter().flatten();
        writes.all(|write| worlds.iter().all(|world| holds(world, write)))
    };
    match outcome.end {
        End::Completed => {
            assert!(!untouched || all(&|world, w| world.values[w.target] == w.to));
        }
        End::NothingChanged | End::Reverted => {
            assert!(outcome.cause.is_some(), "no cause: {outcome:?}");
            let before = all(&|world, w| {
                let value = world.values[w.target];
                value == w.from || value == w.undo
            });
            assert!(!untouched || before, "as before: {node:#?}");
        }
        End::PartlyApplied | End::Open => assert!(outcome.cause.is_some(), "{outcome:?}"),
    }
    policy(table, work, outcome);
    one_side(table, node, outcome);
    endings(table, node, work, outcome);
}

/// What is said of each object once a closing reading is there: the present value, none, or an
/// older one, where that ends the reading.
fn endings(table: &Table, node: &Node, work: &Work, outcome: &Outcome) {
    let worlds = worlds(node);
    let planned = work.planned.transactions.iter();
    let planned = planned.zip(work.planned.changes.transactions());
    let reports = outcome.reports.iter().zip(&work.tracks);
    for ((writes, transaction), (report, track)) in planned.zip(reports) {
        for (place, (write, step)) in writes.iter().zip(&transaction.steps).enumerate() {
            if node.touched[write.target] {
                continue;
            }
            let text = |code| Seen::Value(table.text(write.target, code));
            let mut readings = vec![
                text(node.values[write.target]),
                Seen::Unread("unreachable".to_owned()),
            ];
            if node.left.stale > 0 {
                let older = track.past.iter().map(|codes| text(codes[place]));
                readings.extend(older.filter(|seen| agrees(step, report, seen)));
            }
            for seen in readings {
                let ended = fate(step, report, seen.clone());
                let holds = |value: Code| match &ended {
                    Fate::InForce | Fate::Accepted(_) | Fate::NotPutBack(_) => value == write.to,
                    Fate::PutBack | Fate::NotInForce(_) | Fate::NeverSent => {
                        value == write.from || value == write.undo
                    }
                    Fate::Open { .. } | Fate::Unknown(_) => true,
                };
                let all = worlds.iter().all(|world| holds(world.values[write.target]));
                assert!(all, "{ended:?} of {report:?}, seen {seen:?}: {node:#?}");
            }
        }
    }
}

/// Pauses and waits need not be over.
fn idle(open: &crate::node::Open) -> bool {
    use crate::node::Open;
    matches!(open, Open::Pause(..) | Open::Wait(_))
}

/// Undo is for those who asked for it, and not once the last batch may be in force.
fn policy(table: &Table, work: &Work, outcome: &Outcome) {
    let undone = |report: &Report| {
        matches!(
            report.status,
            TransactionStatus::Undone | TransactionStatus::NotUndone(_)
        )
    };
    let any_undone = outcome.reports.iter().any(undone);
    let allowed = table.mode == Mode::Switchover && table.on_failure == OnFailure::Revert;
    let passed = work.planned.last_batch().is_some_and(|last| {
        matches!(
            outcome.reports[last].status,
            TransactionStatus::Applied | TransactionStatus::Open(_) | TransactionStatus::Unknown(_)
        )
    });
    assert!(!any_undone || (allowed && !passed), "undone: {outcome:?}");
}

/// A switchover that takes back what it did leaves everything on one side, wherever the API
/// answered in the end and nobody stopped it.
fn one_side(table: &Table, node: &Node, outcome: &Outcome) {
    let known = outcome.reports.iter().all(|report| {
        let definite = matches!(
            report.status,
            TransactionStatus::Applied
                | TransactionStatus::NotSent
                | TransactionStatus::NotApplied(_)
                | TransactionStatus::Undone
        );
        definite && report.open_until.is_none()
    });
    let goes_back = table.mode == Mode::Switchover && table.on_failure == OnFailure::Revert;
    // A run that takes up another's leaves what that one has done.
    if !known || !goes_back || node.again || node.touched.contains(&true) {
        return;
    }
    let sides = [Way::Forward, Way::Back];
    let on_one_side = sides.iter().any(|way| {
        let mut values = node.values.iter().enumerate();
        values.all(|(target, value)| table.is_at(target, *way, *value))
    });
    assert!(on_one_side, "split: {outcome:?}: {node:#?}");
}
