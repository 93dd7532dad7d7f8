//! What must hold: of every write, of every note, of every report.

use gigadb_engine::{
    executor::{End, Outcome, TransactionStatus},
    intent::{Mode, OnFailure},
};

use crate::{
    procedure::{Code, Procedure, Write},
    run::{Node, Touched, Work},
};

fn work(node: &Node, run: usize) -> &Work {
    node.runs[run].work.as_ref().unwrap()
}

/// No step outside of the change set: what changed is what the transaction is about.
pub(crate) fn within(before: &[Code], after: &[Code], writes: &[Write]) {
    for (target, (before, after)) in before.iter().zip(after).enumerate() {
        let meant = writes.iter().any(|write| write.target == target);
        assert!(meant || before == after, "target {target} was not planned");
    }
}

/// Undo touches only what this run changed and still finds as it left it. A request of an earlier
/// run that is carried out only now cannot be told from this run's own of unknown outcome, and may
/// even come between the check and the undo.
pub(crate) fn may_undo(node: &Node, run: usize, transaction: usize, write: &Write) {
    assert!(
        work(node, run).sent[transaction] > 0,
        "undid what was never sent"
    );
    let late = node.writer[write.target].is_none() && node.touched[write.target] == Touched::Late;
    assert!(
        late || (node.values[write.target] == write.to && node.writer[write.target] == Some(run)),
        "undid what is not this run's: {node:?}"
    );
}

/// A note is true when it is made.
pub(crate) fn noted(node: &Node, run: usize, transaction: usize, status: &TransactionStatus) {
    let work = work(node, run);
    let writes = &work.planned.transactions[transaction];
    let all = |is: &dyn Fn(&Write) -> Code| writes.iter().all(|w| node.values[w.target] == is(w));
    let true_now = match status {
        TransactionStatus::Applied => all(&|w| w.to),
        TransactionStatus::NotApplied(_) => !work.carried_out[transaction] || all(&|w| w.from),
        TransactionStatus::Undone => {
            let by_hand = |w: &Write| node.touched[w.target] != Touched::No;
            let back = |w: &Write| node.values[w.target] == w.undo;
            writes.iter().all(|w| back(w) || by_hand(w))
        }
        TransactionStatus::NotSent => false,
        TransactionStatus::Unknown(_) | TransactionStatus::NotUndone(_) => true,
    };
    assert!(true_now, "noted {status:?} of {transaction}: {node:?}");
}

/// What is reported at the end is what is, except of what somebody else touched meanwhile.
pub(crate) fn finished(procedure: &Procedure, node: &Node, run: usize, outcome: &Outcome) {
    let work = work(node, run);
    assert!(work.open.is_empty(), "finished with calls in flight");
    assert_eq!(outcome.reports.len(), work.planned.transactions.len());
    let alone = node.runs.len() == 1;
    for (writes, report) in work.planned.transactions.iter().zip(&outcome.reports) {
        let touched = writes.iter().any(|w| node.touched[w.target] != Touched::No);
        let all =
            |is: &dyn Fn(&Write) -> Code| writes.iter().all(|w| node.values[w.target] == is(w));
        let fits = match &report.status {
            TransactionStatus::Applied => all(&|w| w.to),
            TransactionStatus::NotSent
            | TransactionStatus::NotApplied(_)
            | TransactionStatus::Undone => all(&|w| w.undo),
            TransactionStatus::Unknown(_) | TransactionStatus::NotUndone(_) => true,
        };
        assert!(fits || touched, "{report:?}: {node:?}");
    }
    let end = node.runs[run].way.end();
    match outcome.end {
        End::Completed => {
            // What comes late may be of an earlier run, and of what this one had no need to write.
            let mut all = node.values.iter().zip(&node.touched);
            let reached = all.all(|(value, touched)| *value == end || *touched != Touched::No);
            assert!(reached || !alone, "completed: {node:?}");
        }
        End::NothingChanged | End::Reverted | End::PartlyApplied => {
            assert!(outcome.cause.is_some(), "no cause: {outcome:?}");
        }
    }
    let undone = |status: &TransactionStatus| {
        matches!(
            status,
            TransactionStatus::Undone | TransactionStatus::NotUndone(_)
        )
    };
    let any_undone = outcome.reports.iter().any(|r| undone(&r.status));
    let may_undo =
        procedure.mode() == Mode::Switchover && procedure.on_failure() == OnFailure::Revert;
    let passed = work.planned.last_batch.is_some_and(|last| {
        matches!(
            outcome.reports[last].status,
            TransactionStatus::Applied | TransactionStatus::Unknown(_)
        )
    });
    assert!(
        !any_undone || (may_undo && !passed),
        "undone although it must not be: {outcome:?}"
    );
}
