//! The targets of a swap as a table, each with its values; plans are made from what is there.

use std::{collections::HashMap, rc::Rc};

use gigadb_engine::{
    changes::{Boundary, ChangeSet, Step, Transaction},
    intent::{Mode, OnFailure},
};

/// What a target holds.
pub(crate) type Code = u8;
/// The value before the swap, or none.
pub(crate) const OLD: Code = 0;
/// The value that the swap writes.
pub(crate) const NEW: Code = 1;
/// A value of neither side.
pub(crate) const FOREIGN: Code = 2;
/// What the arrangement before the swap requires where there was nothing.
pub(crate) const BACK: Code = 3;

/// Where a run leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// To the other side as production.
    Forward,
    /// To the side that was production at first.
    Back,
}

/// One step, by its target's place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) target: usize,
    pub(crate) from: Code,
    pub(crate) to: Code,
    pub(crate) undo: Code,
}

/// A change set, with its transactions in terms of the table.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) changes: ChangeSet,
    pub(crate) transactions: Vec<Vec<Write>>,
}

/// The table.
pub(crate) struct Table {
    pub(crate) mode: Mode,
    pub(crate) on_failure: OnFailure,
    changes: ChangeSet,
    /// One for each target, in the order of writing.
    steps: Vec<Step>,
    plans: HashMap<(Vec<Code>, Way), Option<Rc<Planned>>>,
}

impl Table {
    pub(crate) fn new(changes: ChangeSet, mode: Mode, on_failure: OnFailure) -> Self {
        Self {
            mode,
            on_failure,
            steps: changes.steps().cloned().collect(),
            changes,
            plans: HashMap::new(),
        }
    }

    pub(crate) fn targets(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn text(&self, target: usize, code: Code) -> Option<String> {
        let step = &self.steps[target];
        match code {
            OLD => step.from.clone(),
            NEW => Some(step.to.clone()),
            BACK => Some(step.undo.clone()),
            _ => Some("foreign".to_owned()),
        }
    }

    /// The value of a target once a way has been gone.
    pub(crate) fn goal(&self, target: usize, way: Way) -> Code {
        match way {
            Way::Forward => NEW,
            Way::Back if self.steps[target].from.is_none() => BACK,
            Way::Back => OLD,
        }
    }

    /// Whether a target is where the way leads; nothing where there was nothing is the way back.
    pub(crate) fn is_at(&self, target: usize, way: Way, code: Code) -> bool {
        code == self.goal(target, way) || (way == Way::Back && code == OLD)
    }

    /// What leads from these values along the way; none where there is nothing to write.
    pub(crate) fn plan(&mut self, values: &[Code], way: Way) -> Option<Rc<Planned>> {
        let key = (values.to_vec(), way);
        if let Some(known) = self.plans.get(&key) {
            return known.clone();
        }
        let planned = self.make(values, way).map(Rc::new);
        self.plans.insert(key, planned.clone());
        planned
    }

    fn make(&self, values: &[Code], way: Way) -> Option<Planned> {
        let mut target = 0;
        let mut transactions = Vec::new();
        let mut stages = Vec::new();
        for stage in &self.changes.stages {
            let mut kept = Vec::new();
            for transaction in stage {
                let mut writes = Vec::new();
                let mut steps = Vec::new();
                for step in &transaction.steps {
                    let from = values[target];
                    let to = self.goal(target, way);
                    if !self.is_at(target, way, from) {
                        let undo = if self.text(target, from).is_none() {
                            BACK
                        } else {
                            from
                        };
                        writes.push(Write {
                            target,
                            from,
                            to,
                            undo,
                        });
                        steps.push(Step {
                            from: self.text(target, from),
                            to: self.text(target, to).unwrap(),
                            undo: self.text(target, undo).unwrap(),
                            ..step.clone()
                        });
                    }
                    target += 1;
                }
                if !steps.is_empty() {
                    transactions.push(writes);
                    kept.push(Transaction {
                        boundary: transaction.boundary.clone(),
                        steps,
                    });
                }
            }
            if !kept.is_empty() {
                stages.push(kept);
            }
        }
        let changes = ChangeSet {
            stages,
            blocked: Vec::new(),
        };
        (!changes.stages.is_empty()).then_some(Planned {
            changes,
            transactions,
        })
    }
}

impl Planned {
    /// The last zone batch, after which nothing is undone.
    pub(crate) fn last_batch(&self) -> Option<usize> {
        let transactions: Vec<&Transaction> = self.changes.transactions().collect();
        transactions
            .iter()
            .rposition(|t| matches!(t.boundary, Boundary::ZoneBatch { .. }))
    }
}
