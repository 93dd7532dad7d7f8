//! The walk: from every situation, everything that can happen next.

use std::collections::{BTreeMap, HashMap, HashSet};

use gigadb_engine::executor::{
    Announcement, Command, End, Event, Executor, Outcome, TransactionId,
};

use crate::{
    judge,
    node::{Flying, Life, Node, Noted, Open, Run, Seen, Troubles, Work},
    table::{Code, FOREIGN, NEW, OLD, Table, Way},
};

/// Some time; the executor only keeps it.
const UNTIL: u64 = 1_795_339_925;
/// Sendings of one transaction in one direction, at most.
const SENDINGS: u8 = 4;

pub(crate) struct Search {
    pub(crate) table: Table,
    seen: HashSet<u64>,
    /// The situation that is being expanded, and every step from one situation to the next.
    at: Option<u64>,
    steps: Vec<(u64, u64)>,
    taken_up: HashSet<(Vec<Code>, Vec<Flying>)>,
    pub(crate) ends: BTreeMap<String, usize>,
    stack: Vec<Node>,
    /// Without a lease two runs overtake each other, and what they say need not stay true.
    judged: bool,
}

impl Search {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table,
            seen: HashSet::new(),
            at: None,
            steps: Vec::new(),
            taken_up: HashSet::new(),
            ends: BTreeMap::new(),
            stack: Vec::new(),
            judged: true,
        }
    }

    /// How many situations were seen.
    pub(crate) fn states(&self) -> usize {
        self.seen.len()
    }

    /// Walks everything that can happen to these runs in the world before the swap.
    pub(crate) fn explore(&mut self, runs: Vec<Run>, troubles: Troubles) {
        self.judged = runs.len() == 1;
        let targets = self.table.targets();
        self.settle(Node {
            values: vec![OLD; targets],
            runs,
            flying: Vec::new(),
            left: troubles,
            touched: vec![false; targets],
            again: false,
        });
        while let Some(node) = self.stack.pop() {
            self.at = Some(node.key());
            self.expand(&node);
        }
        self.every_run_ends();
    }

    /// No situation comes up again on the way from it: nothing is read, sent or waited for without
    /// end. What is left once every situation without a way to it is taken away would be a circle.
    fn every_run_ends(&mut self) {
        let mut ways_to: HashMap<u64, usize> = HashMap::new();
        let mut next: HashMap<u64, Vec<u64>> = HashMap::new();
        for (from, to) in self.steps.drain(..) {
            *ways_to.entry(to).or_default() += 1;
            next.entry(from).or_default().push(to);
        }
        let mut free: Vec<u64> = self.seen.iter().copied().collect();
        free.retain(|key| !ways_to.contains_key(key));
        let mut left = self.seen.len();
        while let Some(key) = free.pop() {
            left -= 1;
            for to in next.remove(&key).unwrap_or_default() {
                let ways = ways_to.get_mut(&to).unwrap();
                *ways -= 1;
                if *ways == 0 {
                    free.push(to);
                }
            }
        }
        assert_eq!(left, 0, "situations that come up again and again");
    }

    /// Keeps a situation for later if it is new.
    fn settle(&mut self, node: Node) {
        let key = node.key();
        self.steps.extend(self.at.map(|at| (at, key)));
        if !self.seen.insert(key) {
            return;
        }
        if self.judged {
            for (index, run) in node.runs.iter().enumerate() {
                if let Some(work) = &run.work {
                    judge::journal(&node, index, work);
                }
            }
        }
        self.stack.push(node);
    }

    fn expand(&mut self, node: &Node) {
        self.take_up(node);
        for index in 0..node.flying.len() {
            let mut next = node.clone();
            next.land(index);
            self.settle(next);
        }
        if node.left.edits > 0 {
            for code in [FOREIGN, OLD, NEW] {
                self.edit(node, 0, code);
            }
        }
        for run in 0..node.runs.len() {
            match node.runs[run].life {
                Life::Waiting => self.begin(node.clone(), run, false),
                Life::Running => self.go_on(node, run),
                Life::Finished => {}
            }
        }
    }

    fn edit(&mut self, node: &Node, target: usize, code: Code) {
        if node.values[target] != code {
            let mut next = node.clone();
            next.left.edits -= 1;
            next.touched[target] = true;
            next.write(&[(target, code)]);
            self.settle(next);
        }
    }

    /// A run plans from the world as it is, and begins; perhaps beside an earlier run's requests.
    fn begin(&mut self, mut node: Node, run: usize, beside: bool) {
        let way = node.runs[run].way;
        let Some(planned) = self.table.plan(&node.values, way) else {
            node.runs[run].life = Life::Finished;
            return self.settle(node);
        };
        let mut executor = Executor::new(&planned.changes, self.table.mode, self.table.on_failure);
        if beside {
            executor = executor.beside(UNTIL);
        }
        let commands = executor.start();
        let fresh = Seen {
            sent: [0, 0],
            read: true,
            foreign: false,
            past: Vec::new(),
            stale_in_a_row: 0,
            noted: Noted::Nothing,
        };
        node.runs[run].life = Life::Running;
        node.runs[run].work = Some(Work {
            tracks: vec![fresh; planned.transactions.len()],
            planned,
            executor,
            open: Vec::new(),
            journal_failed: false,
        });
        self.obey(node, run, commands);
    }

    fn tell(&mut self, mut node: Node, run: usize, event: Event) {
        let work = node.runs[run].work.as_mut().unwrap();
        let commands = work.executor.handle(event);
        self.obey(node, run, commands);
    }

    fn obey(&mut self, mut node: Node, run: usize, commands: Vec<Command>) {
        for command in commands {
            assert_eq!(
                node.runs[run].life,
                Life::Running,
                "a command after the end"
            );
            let open_beside = node.flying.iter().any(|flying| !flying.undo);
            // Where somebody else wrote the same value, a reading cannot tell whose it is.
            let judged = self.judged && !node.touched.contains(&true);
            let work = node.runs[run].work.as_mut().unwrap();
            match command {
                Command::Announce(what) => work.open.push(Open::Announce(what)),
                Command::Note(report) => {
                    let track = &mut work.tracks[report.transaction.0];
                    track.noted = Noted::Ended(report);
                }
                Command::Write(id) => {
                    let track = &mut work.tracks[id.0];
                    track.sent[0] += 1;
                    assert!(track.sent[0] <= SENDINGS, "sent without end");
                    assert!(track.read, "sent again before it was read");
                    assert!(!track.foreign, "overwrites what somebody else wrote");
                    assert_eq!(track.sent[1], 0, "sent after its undo");
                    track.read = false;
                    work.open.push(Open::Write(id.0));
                }
                Command::Undo(id, steps) => {
                    assert!(!judged || !open_beside, "an undo beside an open request");
                    let track = &mut work.tracks[id.0];
                    track.sent[1] += 1;
                    assert!(track.sent[1] <= SENDINGS, "sent without end");
                    assert!(track.read, "undone before it was read");
                    track.read = false;
                    let foreign = |step: &usize| {
                        let target = work.planned.transactions[id.0][*step].target;
                        track.foreign && node.touched[target]
                    };
                    assert!(!steps.iter().any(foreign), "undid somebody else's change");
                    work.open.push(Open::Undo(id.0, steps));
                }
                Command::ReadBack(id) => work.open.push(Open::ReadBack(id.0)),
                Command::Pause(id, pace) => work.open.push(Open::Pause(id.0, pace)),
                Command::WaitUntilClosed(ids) => {
                    let ids = ids.into_iter().map(|id| id.0).collect();
                    work.open.push(Open::Wait(ids));
                }
                Command::Finish(outcome) => {
                    node.runs[run].life = Life::Finished;
                    self.finished(&node, run, &outcome);
                    let work = node.runs[run].work.as_mut().unwrap();
                    work.open.clear();
                    for report in outcome.reports {
                        let track = &mut work.tracks[report.transaction.0];
                        track.noted = Noted::Ended(report);
                    }
                }
            }
        }
        let stuck = node.runs[run].life == Life::Running
            && node.runs[run].work.as_ref().unwrap().open.is_empty();
        assert!(!stuck, "stuck: {node:#?}");
        self.settle(node);
    }

    fn finished(&mut self, node: &Node, run: usize, outcome: &Outcome) {
        *self.ends.entry(format!("{:?}", outcome.end)).or_default() += 1;
        if self.judged {
            let work = node.runs[run].work.as_ref().unwrap();
            judge::finished(&self.table, node, run, work, outcome);
        }
    }

    fn go_on(&mut self, node: &Node, run: usize) {
        if node.runs[run].stop_left {
            let mut next = node.clone();
            next.runs[run].stop_left = false;
            self.tell(next, run, Event::StopAsked);
        }
        let open = &node.runs[run].work.as_ref().unwrap().open;
        for (place, one) in open.iter().enumerate() {
            let mut next = node.clone();
            next.runs[run].work.as_mut().unwrap().open.remove(place);
            self.branch(next, run, one.clone());
        }
    }

    fn branch(&mut self, mut node: Node, run: usize, open: Open) {
        match open {
            Open::Announce(what) => self.announce(node, run, what),
            Open::Write(index) => {
                let writes = Self::writes(&node, run, index, None);
                self.send(&node, run, index, &writes, false);
            }
            Open::Undo(index, steps) => {
                let writes = Self::writes(&node, run, index, Some(&steps));
                self.send(&node, run, index, &writes, true);
            }
            Open::ReadBack(index) => self.read(&node, run, index),
            Open::Pause(index, _) => self.tell(node, run, Event::Paused(TransactionId(index))),
            Open::Wait(ids) => {
                // Whatever was to be carried out has been, or never is.
                node.flying.retain(|flying| {
                    flying
                        .by
                        .is_some_and(|(by, transaction)| by != run || !ids.contains(&transaction))
                });
                let ids = ids.into_iter().map(TransactionId).collect();
                self.tell(node, run, Event::Closed(ids));
            }
        }
    }

    fn writes(
        node: &Node,
        run: usize,
        index: usize,
        undone: Option<&[usize]>,
    ) -> Vec<(usize, Code)> {
        let writes = &node.runs[run].work.as_ref().unwrap().planned.transactions[index];
        match undone {
            None => writes.iter().map(|w| (w.target, w.to)).collect(),
            Some(steps) => steps
                .iter()
                .map(|step| (writes[*step].target, writes[*step].undo))
                .collect(),
        }
    }

    fn announce(&mut self, mut node: Node, run: usize, what: Announcement) {
        if node.left.faults > 0 {
            let mut full = node.clone();
            full.left.faults -= 1;
            full.runs[run].work.as_mut().unwrap().journal_failed = true;
            let event = Event::AnnounceFailed(what.clone(), "disk full".to_owned());
            self.tell(full, run, event);
        }
        let work = node.runs[run].work.as_mut().unwrap();
        let ids = match &what {
            Announcement::Send(ids) => ids.clone(),
            Announcement::Undo(id, _) => vec![*id],
        };
        for id in ids {
            work.tracks[id.0].noted = Noted::Announced;
        }
        self.tell(node, run, Event::Announced(what));
    }

    /// Everything that can become of one request.
    fn send(
        &mut self,
        node: &Node,
        run: usize,
        index: usize,
        writes: &[(usize, Code)],
        undo: bool,
    ) {
        let id = TransactionId(index);
        let mut done = node.clone();
        done.write(writes);
        self.tell(done.clone(), run, Event::Answered(id));
        if node.left.faults == 0 {
            return;
        }
        for mut world in [done, node.clone()] {
            world.left.faults -= 1;
            let lie = Event::Refused(id, "403".to_owned(), UNTIL);
            self.tell(world.clone(), run, lie);
            self.tell(world, run, Event::NoAnswer(id, "lost".to_owned(), UNTIL));
        }
        let mut never = node.clone();
        never.left.faults -= 1;
        self.tell(
            never.clone(),
            run,
            Event::NotSent(id, "no token".to_owned()),
        );
        if never.left.late > 0 {
            never.left.late -= 1;
            never.flying.push(Flying {
                by: Some((run, index)),
                undo,
                writes: writes.to_vec(),
            });
            self.tell(never, run, Event::NoAnswer(id, "504".to_owned(), UNTIL));
        }
    }

    /// The present values, an older world's, or none.
    fn read(&mut self, node: &Node, run: usize, index: usize) {
        let id = TransactionId(index);
        let work = node.runs[run].work.as_ref().unwrap();
        let writes = &work.planned.transactions[index];
        let text = |codes: &[Code]| -> Vec<Option<String>> {
            let pairs = writes.iter().zip(codes);
            pairs
                .map(|(w, code)| self.table.text(w.target, *code))
                .collect()
        };
        let present: Vec<Code> = writes.iter().map(|w| node.values[w.target]).collect();
        let shown = text(&present);
        let track = &work.tracks[index];
        let older: Vec<Vec<Option<String>>> = track
            .past
            .iter()
            .filter(|past| **past != present)
            .map(|past| text(past))
            .collect();
        let may_be_stale = node.left.stale > 0 && track.stale_in_a_row < 3;
        let is_foreign = |w: &&crate::table::Write| {
            let value = node.values[w.target];
            node.touched[w.target] && value != w.to && value != w.from && value != w.undo
        };
        let foreign = writes.iter().any(|w| is_foreign(&w));
        let mut fresh = node.clone();
        let track = &mut fresh.runs[run].work.as_mut().unwrap().tracks[index];
        track.read = true;
        track.stale_in_a_row = 0;
        track.foreign = foreign;
        // Between a check and its request lies one call, in which the last writer wins: no API
        // here writes on a condition.
        fresh.left.edits = 0;
        self.tell(fresh, run, Event::ReadBack(id, Ok(shown)));
        if may_be_stale {
            for values in older {
                let mut stale = node.clone();
                stale.left.stale -= 1;
                let track = &mut stale.runs[run].work.as_mut().unwrap().tracks[index];
                track.read = true;
                track.stale_in_a_row += 1;
                self.tell(stale, run, Event::ReadBack(id, Ok(values)));
            }
        }
        if node.left.faults > 0 {
            let mut unread = node.clone();
            unread.left.faults -= 1;
            let event = Event::ReadBack(id, Err("unreachable".to_owned()));
            self.tell(unread, run, event);
        }
    }

    /// Whatever is left, at any moment: another run reaches its goal, if nothing fails any more;
    /// and meets everything that may.
    fn take_up(&mut self, node: &Node) {
        let mut flying = node.flying.clone();
        flying.sort();
        if !self.taken_up.insert((node.values.clone(), flying)) {
            return;
        }
        let closed = closed(node);
        let mut written = node.flying.iter().flat_map(|flying| &flying.writes);
        // Forward at once beside what writes the same; else once nothing is open any more.
        let resumed = if written.all(|(_, code)| *code == NEW) {
            vec![node.clone()]
        } else {
            closed.clone()
        };
        for (way, from) in [(Way::Forward, resumed), (Way::Back, closed)] {
            for node in from {
                let mut values = self.undisturbed(&node, way);
                for flying in &node.flying {
                    for (target, code) in &flying.writes {
                        values[*target] = *code;
                    }
                }
                let mut all = values.iter().enumerate();
                let reached = all.all(|(t, value)| self.table.is_at(t, way, *value));
                assert!(reached, "{way:?}: {values:?} after {node:#?}");
                if node.left.restarts > 0 && self.judged && !node.touched.contains(&true) {
                    let mut next = node.clone();
                    next.left.restarts -= 1;
                    next.again = true;
                    for flying in &mut next.flying {
                        flying.by = None;
                    }
                    let beside = !next.flying.is_empty();
                    next.runs = vec![Run::new(way)];
                    self.begin(next, 0, beside);
                }
            }
        }
    }

    /// What one more run makes of it that meets no trouble.
    fn undisturbed(&mut self, node: &Node, way: Way) -> Vec<Code> {
        let mut values = node.values.clone();
        let Some(planned) = self.table.plan(&values, way) else {
            return values;
        };
        let mut executor = Executor::new(&planned.changes, self.table.mode, self.table.on_failure);
        if !node.flying.is_empty() {
            executor = executor.beside(UNTIL);
        }
        let mut commands = executor.start();
        while let Some(command) = commands.pop() {
            let event = match command {
                Command::Announce(what) => Event::Announced(what),
                Command::Write(id) => {
                    for write in &planned.transactions[id.0] {
                        values[write.target] = write.to;
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
        values
    }
}

/// The situations once nothing is open any more: each request was carried out, or never is.
fn closed(node: &Node) -> Vec<Node> {
    let Some(last) = node.flying.len().checked_sub(1) else {
        return vec![node.clone()];
    };
    let mut landed = node.clone();
    landed.land(last);
    let mut never = node.clone();
    never.flying.remove(last);
    [landed, never].iter().flat_map(closed).collect()
}
