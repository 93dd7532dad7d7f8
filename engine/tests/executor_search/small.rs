//! Every order of failures of a small swap without symmetry: each call accepted, refused, lost before or
//! after it was carried out, or carried out late, after its time-out; reading back possible or
//! not; the journal full; a stop, a crash and an edit by hand at every point; both policies and
//! both modes. Seeded bugs, one at a time, make the search fail.

use std::collections::{BTreeMap, HashSet};

use gigadb_engine::{
    changes::{Boundary, ChangeSet, Step, Target, Transaction},
    executor::{
        Announcement, Command, End, Event, Executor, Outcome, TransactionId, TransactionStatus,
    },
    intent::{Mode, OnFailure},
    world::Zone,
};

type World = BTreeMap<(usize, usize), String>;

fn step(name: &str, from: &str, to: &str) -> Step {
    Step {
        target: Target::Record {
            hostname: name.parse().unwrap(),
            record_id: None,
        },
        from: Some(from.to_owned()),
        to: to.to_owned(),
        undo: from.to_owned(),
        reason: String::new(),
    }
}

fn batch(zone: &str, decisive: bool, steps: Vec<Step>) -> Transaction {
    let zone = Zone {
        id: zone.parse().unwrap(),
        name: format!("{zone}.org").parse().unwrap(),
        active: true,
        batch_limit: 200,
    };
    Transaction {
        boundary: Boundary::ZoneBatch { zone, decisive },
        steps,
    }
}

fn variable(name: &str) -> Transaction {
    Transaction {
        boundary: Boundary::Variable,
        steps: vec![step(name, "a", "b")],
    }
}

fn swap(mode: Mode) -> ChangeSet {
    let variables = vec![variable("v1.x"), variable("v2.x")];
    let other = vec![batch("host", false, vec![step("alt.host", "2", "1")])];
    let apex = vec![batch(
        "org",
        true,
        vec![
            step("gigadb.org", "1", "2"),
            step("www.gigadb.org", "1", "2"),
        ],
    )];
    let stages = match mode {
        Mode::Switchover => vec![variables, other, apex],
        Mode::Failover => vec![apex, other, variables],
    };
    ChangeSet {
        stages,
        blocked: Vec::new(),
    }
}

/// What is still to be answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Open {
    Announce(Vec<usize>, Option<(usize, Vec<usize>)>),
    Write(usize),
    Undo(usize, Vec<usize>),
    ReadBack(usize),
}

#[derive(Debug, Clone)]
struct Node {
    executor: Executor,
    world: World,
    open: Vec<Open>,
    stop_left: bool,
    edit_left: bool,
    sent: BTreeMap<usize, u32>,
    /// A transaction whose request is still on its way although its time-out has passed.
    late: Option<usize>,
    /// Transactions that were carried out late: what was reported of them was true when it was
    /// read, and the closing read-back tells the rest.
    came_late: Vec<usize>,
}

/// A bug seeded into the loop between the executor and the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    None,
    SilenceIsSuccess,
    SilenceIsFailure,
    UndoUnchecked,
    UndoForgotten,
    SentTwice,
}

struct Search {
    changes: ChangeSet,
    seen: HashSet<String>,
    ends: BTreeMap<String, usize>,
    on_failure: OnFailure,
    mode: Mode,
    bug: Bug,
}

impl Search {
    fn transactions(&self) -> Vec<&Transaction> {
        self.changes.transactions().collect()
    }

    fn step(&self, tx: usize, step: usize) -> Step {
        self.transactions()[tx].steps[step].clone()
    }

    fn run(&mut self) {
        let mut executor = Executor::new(&self.changes, self.mode, self.on_failure);
        let commands = executor.start();
        let world = self
            .transactions()
            .iter()
            .enumerate()
            .flat_map(|(t, tx)| {
                tx.steps
                    .iter()
                    .enumerate()
                    .map(move |(s, step)| ((t, s), step.from.clone().unwrap()))
            })
            .collect();
        let node = Node {
            executor,
            world,
            open: Vec::new(),
            stop_left: true,
            edit_left: true,
            sent: BTreeMap::new(),
            late: None,
            came_late: Vec::new(),
        };
        self.enter(node, commands);
    }

    fn enter(&mut self, mut node: Node, commands: Vec<Command>) {
        let mut finished = None;
        for command in commands {
            assert!(finished.is_none(), "a command after Finish");
            match command {
                Command::Announce(Announcement::Send(ids)) => {
                    node.open
                        .push(Open::Announce(ids.iter().map(|i| i.0).collect(), None));
                }
                Command::Announce(Announcement::Undo(id, steps)) => {
                    node.open
                        .push(Open::Announce(Vec::new(), Some((id.0, steps))));
                }
                Command::Note(..) => {}
                Command::Write(id) => {
                    let count = node.sent.entry(id.0).or_default();
                    *count += 1;
                    assert_eq!(*count, 1, "a transaction was sent twice");
                    node.open.push(Open::Write(id.0));
                    if self.bug == Bug::SentTwice {
                        node.open.push(Open::Write(id.0));
                    }
                }
                Command::Undo(id, _) if self.bug == Bug::UndoForgotten => {
                    node.open.push(Open::Undo(id.0, Vec::new()));
                }
                Command::Undo(id, steps) => {
                    for s in &steps {
                        assert!(
                            node.sent.contains_key(&id.0),
                            "undid what was never sent: {s}"
                        );
                    }
                    node.open.push(Open::Undo(id.0, steps));
                }
                Command::ReadBack(id) => node.open.push(Open::ReadBack(id.0)),
                Command::Finish(outcome) => finished = Some(outcome),
            }
        }
        if let Some(outcome) = finished {
            assert!(
                node.open.is_empty(),
                "finished with calls in flight: {:?}",
                node.open
            );
            self.judge(&node, &outcome);
            return;
        }
        assert!(!node.open.is_empty(), "stuck: {:?}", node.executor);
        self.one_more_run(&node.world);
        node.open.sort_by_key(|o| format!("{o:?}"));
        let key = format!(
            "{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
            node.executor,
            node.world,
            node.open,
            node.stop_left,
            node.edit_left,
            node.sent,
            node.late,
            node.came_late
        );
        if !self.seen.insert(key) {
            return;
        }
        if node.stop_left {
            let mut next = node.clone();
            next.stop_left = false;
            let commands = next.executor.handle(Event::StopAsked);
            self.enter(next, commands);
        }
        if node.edit_left {
            let mut next = node.clone();
            next.edit_left = false;
            next.world.insert((0, 0), "foreign".to_owned());
            self.enter(next, Vec::new());
        }
        if let Some(t) = node.late {
            let mut next = node.clone();
            self.carry_out(&mut next.world, t);
            next.late = None;
            next.came_late.push(t);
            self.enter(next, Vec::new());
        }
        for index in 0..node.open.len() {
            let mut next = node.clone();
            let open = next.open.remove(index);
            self.branch(&next, open);
        }
    }

    fn branch(&mut self, node: &Node, open: Open) {
        match open {
            Open::Announce(ids, undo) => {
                let what = match undo {
                    Some((id, steps)) => Announcement::Undo(TransactionId(id), steps),
                    None => Announcement::Send(ids.into_iter().map(TransactionId).collect()),
                };
                self.go(node, Event::Announced(what.clone()));
                self.go(node, Event::AnnounceFailed(what, "disk full".to_owned()));
            }
            Open::Write(t) => {
                let id = TransactionId(t);
                let mut done = node.clone();
                self.carry_out(&mut done.world, t);
                self.go(&done, Event::Answered(id));
                self.go(node, Event::Refused(id, "403".to_owned()));
                self.go(&done, Event::NoAnswer(id, "reset".to_owned()));
                self.go(node, Event::NoAnswer(id, "reset".to_owned()));
                if node.came_late.is_empty() && node.late.is_none() {
                    let mut late = node.clone();
                    late.late = Some(t);
                    self.go(&late, Event::NoAnswer(id, "timed out".to_owned()));
                }
            }
            Open::Undo(t, steps) => {
                let id = TransactionId(t);
                let mut done = node.clone();
                for s in steps {
                    let ours = node.world[&(t, s)] == self.step(t, s).to;
                    assert!(
                        ours || node.came_late.contains(&t),
                        "undid somebody's change"
                    );
                    done.world.insert((t, s), self.step(t, s).undo);
                }
                self.go(&done, Event::Answered(id));
                self.go(node, Event::Refused(id, "403".to_owned()));
                self.go(&done, Event::NoAnswer(id, "reset".to_owned()));
                self.go(node, Event::NoAnswer(id, "reset".to_owned()));
            }
            Open::ReadBack(t) => {
                let id = TransactionId(t);
                let values = (0..self.transactions()[t].steps.len())
                    .map(|s| match self.bug {
                        Bug::UndoUnchecked => Some(self.step(t, s).to),
                        _ => Some(node.world[&(t, s)].clone()),
                    })
                    .collect();
                self.go(node, Event::ReadBack(id, Ok(values)));
                self.go(node, Event::ReadBack(id, Err("unreachable".to_owned())));
            }
        }
    }

    fn go(&mut self, node: &Node, event: Event) {
        let mut next = node.clone();
        // Between a check and its undo lies one call; an edit in between is what
        // last-writer-wins allows, and is not part of this model.
        if matches!(event, Event::ReadBack(..)) {
            next.edit_left = false;
        }
        let event = match (self.bug, event) {
            (Bug::SilenceIsSuccess, Event::NoAnswer(id, _)) => Event::Answered(id),
            (Bug::SilenceIsFailure, Event::NoAnswer(id, why)) => Event::Refused(id, why),
            (_, event) => event,
        };
        let commands = next.executor.handle(event);
        self.enter(next, commands);
    }

    fn carry_out(&self, world: &mut World, t: usize) {
        for s in 0..self.transactions()[t].steps.len() {
            world.insert((t, s), self.step(t, s).to);
        }
    }

    /// Whatever a crash leaves, one more run, planned from what is there, reaches what was
    /// desired.
    fn one_more_run(&self, left: &World) {
        let mut world = left.clone();
        let mut index = 0;
        let mut stages = Vec::new();
        let mut places = Vec::new();
        for stage in &self.changes.stages {
            let mut again = Vec::new();
            for transaction in stage {
                let mut transaction = transaction.clone();
                let mut place = Vec::new();
                let steps = std::mem::take(&mut transaction.steps);
                for (s, step) in steps.into_iter().enumerate() {
                    if world[&(index, s)] != step.to {
                        place.push((index, s));
                        transaction.steps.push(step);
                    }
                }
                if !transaction.steps.is_empty() {
                    again.push(transaction);
                    places.push(place);
                }
                index += 1;
            }
            if !again.is_empty() {
                stages.push(again);
            }
        }
        let changes = ChangeSet {
            stages,
            blocked: Vec::new(),
        };
        let mut executor = Executor::new(&changes, self.mode, self.on_failure);
        let mut commands = executor.start();
        while let Some(command) = commands.pop() {
            let event = match command {
                Command::Announce(what) => Event::Announced(what),
                Command::Write(id) => {
                    for place in &places[id.0] {
                        world.insert(*place, self.step(place.0, place.1).to);
                    }
                    Event::Answered(id)
                }
                Command::Note(..) => continue,
                Command::Finish(outcome) => {
                    assert_eq!(outcome.end, End::Completed);
                    break;
                }
                other => panic!("a run without a failure asks for {other:?}"),
            };
            commands.extend(executor.handle(event));
        }
        assert!(
            world
                .iter()
                .all(|((t, s), value)| *value == self.step(*t, *s).to)
        );
    }

    /// What is reported is what is.
    fn judge(&mut self, node: &Node, outcome: &Outcome) {
        *self.ends.entry(format!("{:?}", outcome.end)).or_default() += 1;
        let edited = node.world.values().any(|v| v == "foreign");
        for (t, report) in outcome.reports.iter().enumerate() {
            let steps = self.transactions()[t].steps.clone();
            let values: Vec<&String> = (0..steps.len()).map(|s| &node.world[&(t, s)]).collect();
            let all_to = steps.iter().zip(&values).all(|(s, v)| s.to == **v);
            let all_from = steps.iter().zip(&values).all(|(s, v)| s.undo == **v);
            let fits = match &report.status {
                TransactionStatus::Applied => all_to,
                TransactionStatus::NotSent
                | TransactionStatus::NotApplied(_)
                | TransactionStatus::Undone => all_from,
                TransactionStatus::Unknown(_) | TransactionStatus::NotUndone(_) => true,
            };
            let late = node.came_late.contains(&t);
            assert!(
                fits || late || (edited && t == 0),
                "{report:?} but {values:?}"
            );
        }
        match outcome.end {
            End::Completed => {
                assert!(outcome.cause.is_none() || node.sent.len() == outcome.reports.len());
            }
            _ => assert!(outcome.cause.is_some(), "{outcome:?}"),
        }
        if self.mode == Mode::Failover {
            let undone = |s: &TransactionStatus| {
                matches!(
                    s,
                    TransactionStatus::Undone | TransactionStatus::NotUndone(_)
                )
            };
            assert!(
                !outcome.reports.iter().any(|r| undone(&r.status)),
                "a failover undid something"
            );
        }
        if self.mode == Mode::Switchover && self.on_failure == OnFailure::Revert {
            let status = |t: usize| &outcome.reports[t].status;
            let decided = matches!(
                status(3),
                TransactionStatus::Applied | TransactionStatus::Unknown(_)
            );
            let undone = outcome
                .reports
                .iter()
                .any(|r| r.status == TransactionStatus::Undone);
            assert!(!(decided && undone), "undone although the apex moved");
        }
    }
}

fn search(mode: Mode, on_failure: OnFailure, bug: Bug) -> Search {
    let mut search = Search {
        changes: swap(mode),
        seen: HashSet::new(),
        ends: BTreeMap::new(),
        on_failure,
        mode,
        bug,
    };
    search.run();
    search
}

#[test]
fn every_order_of_failures_ends_in_a_world_that_is_reported_as_it_is() {
    let mut states = 0;
    for mode in [Mode::Switchover, Mode::Failover] {
        for on_failure in [OnFailure::Revert, OnFailure::Stop] {
            let search = search(mode, on_failure, Bug::None);
            crate::tell(format_args!(
                "small, {mode} {on_failure}: {} states, ends {:?}",
                search.seen.len(),
                search.ends
            ));
            states += search.seen.len();
            assert!(search.ends.contains_key("Completed"));
            assert_eq!(
                search.ends.contains_key("Reverted"),
                mode == Mode::Switchover && on_failure == OnFailure::Revert
            );
        }
    }
    assert!(states > 10_000);
}

#[test]
fn a_seeded_bug_makes_the_search_fail() {
    for bug in [
        Bug::SilenceIsSuccess,
        Bug::SilenceIsFailure,
        Bug::UndoUnchecked,
        Bug::UndoForgotten,
        Bug::SentTwice,
    ] {
        let found = std::panic::catch_unwind(|| search(Mode::Switchover, OnFailure::Revert, bug));
        assert!(found.is_err(), "{bug:?} went unnoticed");
    }
}
