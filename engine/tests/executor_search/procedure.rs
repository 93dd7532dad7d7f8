//! The procedure's live environment as a table of targets, each with its value before and after the
//! swap; plans come from the engine itself, made from the world as it is.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use gigadb_engine::{
    changes::{Boundary, ChangeSet, Step, Target},
    intent::{Intent, Mode, OnFailure},
    rules::Rule,
    topology::Topology,
    world::World,
};

use crate::model;

/// What a target holds.
pub(crate) type Code = u8;
/// The value before the swap.
pub(crate) const OLD: Code = 0;
/// The value that the swap writes.
pub(crate) const NEW: Code = 1;
/// A value of neither side.
pub(crate) const FOREIGN: Code = 2;
/// Nothing at all: what no run may ever leave of a record.
pub(crate) const GONE: Code = 3;

/// Where a run leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Way {
    /// To the other side as production.
    Forward,
    /// To the side that was production at first.
    Back,
}

impl Way {
    /// The value of every target once the way has been gone.
    pub(crate) fn end(self) -> Code {
        match self {
            Self::Forward => NEW,
            Self::Back => OLD,
        }
    }
}

/// One step, by its target's place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) target: usize,
    pub(crate) from: Code,
    pub(crate) to: Code,
    pub(crate) undo: Code,
}

/// A change set of the engine, with its transactions in terms of the table.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) changes: ChangeSet,
    pub(crate) transactions: Vec<Vec<Write>>,
    /// For each target, its transaction.
    pub(crate) transaction_of: Vec<Option<usize>>,
    /// The last zone batch, after which nothing is undone.
    pub(crate) last_batch: Option<usize>,
}

/// The table, and what has been worked out from it.
pub(crate) struct Procedure {
    topology: Topology,
    base: World,
    mode: Mode,
    on_failure: OnFailure,
    /// One step for each target, in the order of writing.
    steps: Vec<Step>,
    /// For each target, the group of those that it could change places with.
    pub(crate) groups: Vec<Option<u8>>,
    plans: HashMap<(Vec<Code>, Way), Option<Arc<Planned>>>,
    sound: HashSet<Vec<Code>>,
    reached: HashSet<Vec<Code>>,
}

impl Procedure {
    pub(crate) fn new(text: &str, mode: Mode, on_failure: OnFailure) -> Self {
        let topology = model::topology(text);
        let base = model::world(&topology, "gigadb-website");
        let mut procedure = Self {
            topology,
            base,
            mode,
            on_failure,
            steps: Vec::new(),
            groups: Vec::new(),
            plans: HashMap::new(),
            sound: HashSet::new(),
            reached: HashSet::new(),
        };
        let changes = procedure.changes(&procedure.base, Way::Forward, true, false);
        procedure.steps = changes.unwrap().steps().cloned().collect();
        let group = |step: &Step| match &step.target {
            Target::Record { .. } => None,
            Target::Variable { infrastructure, .. } => match mode {
                Mode::Switchover => Some(0),
                // Written in two stages: the promoted side's, then the lost side's.
                Mode::Failover => Some(u8::from(infrastructure.as_str() == "gigadb-website")),
            },
        };
        procedure.groups = procedure.steps.iter().map(group).collect();
        procedure
    }

    /// The places of the targets whose name holds `text`.
    pub(crate) fn named(&self, text: &str) -> usize {
        let named = |step: &Step| step.target.to_string().contains(text);
        self.steps.iter().position(named).unwrap()
    }

    pub(crate) fn targets(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    fn apex(&self) -> usize {
        let apex = |step: &Step| matches!(&step.target, Target::Record { hostname, .. } if hostname.as_str() == "gigadb.org");
        self.steps.iter().position(apex).unwrap()
    }

    pub(crate) fn text(&self, target: usize, code: Code) -> String {
        let step = &self.steps[target];
        match (code, &step.target) {
            (OLD, _) => step.from.clone().unwrap(),
            (NEW, _) => step.to.clone(),
            (_, Target::Record { .. }) => "192.0.2.99".to_owned(),
            (_, Target::Variable { .. }) => "by-hand".to_owned(),
        }
    }

    fn code(&self, target: usize, text: &str) -> Code {
        let is = |code: &Code| self.text(target, *code) == text;
        [OLD, NEW, FOREIGN].into_iter().find(is).unwrap()
    }

    /// The engine's world that holds these values.
    fn world(&self, values: &[Code]) -> World {
        let mut world = self.base.clone();
        for (target, code) in values.iter().enumerate() {
            let step = Step {
                to: self.text(target, *code),
                ..self.steps[target].clone()
            };
            match &step.target {
                Target::Record { hostname, .. } if *code == GONE => {
                    let name = hostname.clone();
                    model::records_mut(&mut world, name.as_str()).retain(|r| r.name != name);
                }
                _ => model::apply_step(&mut world, &step),
            }
        }
        world
    }

    fn intent(&self, way: Way, changes_production: bool, foreign: bool) -> Intent {
        let production = match way {
            Way::Forward => "alt-gigadb-website",
            Way::Back => "gigadb-website",
        };
        let mut intent = model::intent(&self.topology, "live", production);
        intent.mode = self.mode;
        intent.on_failure = self.on_failure;
        intent.changes_production = changes_production;
        if foreign {
            // Somebody edited by hand, and the operator says that it may be overwritten.
            intent.overrides.insert(Rule::Permutation);
        }
        intent
    }

    fn changes(&self, world: &World, way: Way, changing: bool, foreign: bool) -> Option<ChangeSet> {
        let intent = self.intent(way, changing, foreign);
        let plan = model::planned(&self.topology, &intent, world).unwrap();
        let blocking: Vec<_> = plan.blocking().collect();
        assert!(blocking.is_empty(), "{blocking:?}");
        assert!(plan.changes.blocked.is_empty());
        (!plan.changes.is_empty()).then_some(plan.changes)
    }

    /// What the engine plans from these values; none where there is nothing to write.
    pub(crate) fn plan(&mut self, values: &[Code], way: Way) -> Option<Arc<Planned>> {
        let key = (values.to_vec(), way);
        if let Some(known) = self.plans.get(&key) {
            return known.clone();
        }
        let foreign = values.contains(&FOREIGN);
        // The way back is one of production only where the apex has gone the way forward.
        let changing = way == Way::Forward || values[self.apex()] != OLD;
        let changes = self.changes(&self.world(values), way, changing, foreign);
        let planned = changes.map(|changes| Arc::new(self.in_terms_of_the_table(changes)));
        self.plans.insert(key, planned.clone());
        planned
    }

    fn in_terms_of_the_table(&self, changes: ChangeSet) -> Planned {
        let mut transaction_of = vec![None; self.steps.len()];
        let mut transactions = Vec::new();
        let mut last_batch = None;
        for (index, transaction) in changes.transactions().enumerate() {
            if matches!(transaction.boundary, Boundary::ZoneBatch { .. }) {
                last_batch = Some(index);
            }
            let write = |step: &Step| {
                let same = |known: &Step| known.target == step.target;
                let target = self.steps.iter().position(same);
                // No step is outside of the procedure's table.
                let target = target.unwrap();
                transaction_of[target] = Some(index);
                Write {
                    target,
                    from: self.code(target, step.from.as_ref().unwrap()),
                    to: self.code(target, &step.to),
                    undo: self.code(target, &step.undo),
                }
            };
            transactions.push(transaction.steps.iter().map(write).collect());
        }
        Planned {
            changes,
            transactions,
            transaction_of,
            last_batch,
        }
    }

    /// `never-unresolvable`: each name has exactly one address, one of the two sides'. A foreign
    /// one is the doing of whoever edited by hand, and may stay until the name's own step.
    pub(crate) fn check_resolvable(&mut self, values: &[Code]) {
        let of_a_name = |target: usize| self.groups[target].is_none();
        let ours: Vec<Code> = values
            .iter()
            .enumerate()
            .map(|(t, code)| {
                if of_a_name(t) && *code != FOREIGN {
                    *code
                } else {
                    OLD
                }
            })
            .collect();
        if self.sound.contains(&ours) {
            return;
        }
        let intent = self.intent(Way::Forward, true, false);
        assert!(
            model::every_name_has_one_address_of_the_two_sides(
                &self.topology,
                &intent,
                &self.world(&ours)
            ),
            "never-unresolvable: {ours:?}"
        );
        self.sound.insert(ours);
    }

    /// Remembers a world; tells whether it is new.
    pub(crate) fn first_seen(&mut self, values: &[Code]) -> bool {
        self.reached.insert(values.to_vec())
    }

    /// How many worlds were seen.
    pub(crate) fn worlds(&self) -> usize {
        self.reached.len()
    }
}
