//! The walk: from every situation, everything that can happen next.

use std::collections::{BTreeMap, HashSet};

use gigadb_engine::executor::{
    Announcement, Command, End, Event, Executor, Outcome, TransactionId, TransactionStatus,
};

use crate::{
    judge,
    procedure::{Code, FOREIGN, GONE, OLD, Procedure, Way},
    run::{Late, Life, Node, Open, Run, Touched, Work},
};

/// A bug seeded into the loop between the executor and the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    /// No answer is taken for success.
    SilenceIsSuccess,
    /// No answer is taken for a refusal.
    SilenceIsFailure,
    /// A request is sent again when no answer came.
    SentAgain,
    /// A request changes a name beside its own.
    WritesBeside,
    /// An undo takes the record away.
    UndoDeletes,
    /// An undo writes every step, whoever changed it since.
    UndoTooMuch,
    /// What was refused is reported as in force.
    RefusalIsReportedAsDone,
    /// A restart plans from what the first run meant to do, not from what is there.
    RestartFromMemory,
    /// A second run begins while the lease is held.
    LeaseIgnored,
}

/// What may happen beside the answers.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a kind of trouble of its own"
)]
pub(crate) struct Adversity {
    /// Edits by hand, of which one may happen at any moment: target and value.
    pub(crate) edits: Vec<(usize, Code)>,
    /// Whether one request may be carried out after its time-out.
    pub(crate) late: bool,
    /// Whether a process may end at any moment, with others beside it.
    pub(crate) crash: bool,
    /// Whether what a crash leaves is taken up by another run that may fail too.
    pub(crate) restart: bool,
    /// Whether a run waits while another holds the lease.
    pub(crate) lease: bool,
}

/// What a process that is gone leaves: values, and what of its requests comes late.
type Left = (Vec<Code>, Option<Vec<(usize, Code)>>);

pub(crate) struct Search {
    pub(crate) procedure: Procedure,
    adversity: Adversity,
    bug: Bug,
    seen: HashSet<u64>,
    restarted: HashSet<Left>,
    pub(crate) ends: BTreeMap<String, usize>,
    stack: Vec<Node>,
}

impl Search {
    pub(crate) fn new(procedure: Procedure, adversity: Adversity, bug: Bug) -> Self {
        Self {
            procedure,
            adversity,
            bug,
            seen: HashSet::new(),
            restarted: HashSet::new(),
            ends: BTreeMap::new(),
            stack: Vec::new(),
        }
    }

    /// How many situations were seen.
    pub(crate) fn states(&self) -> usize {
        self.seen.len()
    }

    /// Walks everything that can happen to these runs in the world before the swap.
    pub(crate) fn explore(&mut self, runs: Vec<Run>) {
        let values = vec![OLD; self.procedure.targets()];
        let edit = !self.adversity.edits.is_empty();
        self.begin_from(values, None, runs, edit);
        while let Some(node) = self.stack.pop() {
            self.expand(&node);
        }
    }

    fn begin_from(&mut self, values: Vec<Code>, late: Option<Late>, runs: Vec<Run>, edit: bool) {
        let touched = vec![Touched::No; values.len()];
        let node = Node {
            writer: vec![None; values.len()],
            touched,
            values,
            runs,
            late_left: self.adversity.late && late.is_none(),
            late,
            edit_left: edit,
            crash_left: self.adversity.crash,
        };
        if node.runs.len() == 1 {
            self.begin(node, 0);
        } else {
            self.settle(node);
        }
    }

    /// A run plans from the world as it is, and begins.
    fn begin(&mut self, mut node: Node, run: usize) {
        let way = node.runs[run].way;
        let Some(planned) = self.procedure.plan(&node.values, way) else {
            node.runs[run].life = Life::Finished;
            self.settle(node);
            return;
        };
        let mode = self.procedure.mode();
        let mut executor = Executor::new(&planned.changes, mode, self.procedure.on_failure());
        let commands = executor.start();
        node.runs[run].life = Life::Running;
        node.runs[run].work = Some(Work::new(planned, executor));
        self.obey(node, run, commands);
    }

    fn obey(&mut self, mut node: Node, run: usize, commands: Vec<Command>) {
        for command in commands {
            assert_eq!(
                node.runs[run].life,
                Life::Running,
                "a command after the end"
            );
            if let Command::Note(id, status) = &command {
                judge::noted(&node, run, id.0, status);
            }
            let work = node.runs[run].work.as_mut().unwrap();
            match command {
                Command::Announce(what) => work.open.push(Open::Announce(what)),
                Command::Note(..) => {}
                Command::Write(id) => {
                    work.sent[id.0] += 1;
                    assert_eq!(work.sent[id.0], 1, "a transaction was sent twice");
                    work.open.push(Open::Write(id.0));
                }
                Command::Undo(id, steps) => work.open.push(Open::Undo(id.0, steps)),
                Command::ReadBack(id) => work.open.push(Open::ReadBack(id.0)),
                Command::Finish(outcome) => {
                    node.runs[run].life = Life::Finished;
                    self.finished(&node, run, outcome);
                }
            }
        }
        let running = node.runs[run].life == Life::Running;
        let idle = node.runs[run].work.as_ref().unwrap().open.is_empty();
        assert!(!running || !idle, "stuck: {node:?}");
        self.settle(node);
    }

    fn finished(&mut self, node: &Node, run: usize, mut outcome: Outcome) {
        if self.bug == Bug::RefusalIsReportedAsDone {
            for report in &mut outcome.reports {
                if matches!(report.status, TransactionStatus::NotApplied(_)) {
                    report.status = TransactionStatus::Applied;
                }
            }
        }
        *self.ends.entry(format!("{:?}", outcome.end)).or_default() += 1;
        if self.adversity.lease || node.runs.len() == 1 {
            judge::finished(&self.procedure, node, run, &outcome);
        }
    }

    /// Judges a situation, and keeps it for later if it is new.
    fn settle(&mut self, node: Node) {
        self.procedure.check_resolvable(&node.values);
        let at_work = node.runs.iter().filter(|run| run.life == Life::Running);
        let at_work = at_work.count();
        assert!(!self.adversity.lease || at_work <= 1, "two runs at once");
        let (key, _) = node.key(&self.procedure.groups);
        if self.seen.insert(key) {
            self.stack.push(node);
        }
    }

    fn expand(&mut self, node: &Node) {
        self.one_more_run(node);
        self.restart(node);
        self.edits(node);
        if let Some(late) = &node.late {
            let mut next = node.clone();
            next.late = None;
            for (target, code) in &late.writes {
                next.values[*target] = *code;
                next.writer[*target] = late.run;
                next.touched[*target] = Touched::Late;
            }
            if let (Some(run), Some(transaction)) = (late.run, late.forward) {
                next.runs[run].work.as_mut().unwrap().carried_out[transaction] = true;
            }
            self.settle(next);
        }
        let (_, locals) = node.key(&self.procedure.groups);
        for run in 0..node.runs.len() {
            self.go_on(node, run, &locals);
        }
    }

    fn go_on(&mut self, node: &Node, index: usize, locals: &[u64]) {
        let run = &node.runs[index];
        match run.life {
            Life::Finished | Life::Dead => return,
            Life::Waiting => {
                let held = node.runs.iter().any(|run| run.life == Life::Running);
                if !self.adversity.lease || !held || self.bug == Bug::LeaseIgnored {
                    self.begin(node.clone(), index);
                }
                return;
            }
            Life::Running => {}
        }
        if node.crash_left {
            let mut next = node.clone();
            next.crash_left = false;
            next.runs[index].life = Life::Dead;
            next.runs[index].work.as_mut().unwrap().open.clear();
            self.settle(next);
        }
        if run.stop_left {
            let mut next = node.clone();
            next.runs[index].stop_left = false;
            self.tell(next, index, Event::StopAsked);
        }
        let work = run.work.as_ref().unwrap();
        let mut alike = HashSet::new();
        for (place, open) in work.open.iter().enumerate() {
            // Of several requests that differ in nothing but their variable, one stands for all.
            if let Some(transaction) = open.transaction()
                && let [write] = work.planned.transactions[transaction].as_slice()
                && self.procedure.groups[write.target].is_some()
                && !alike.insert(locals[write.target])
            {
                continue;
            }
            let mut next = node.clone();
            next.runs[index].work.as_mut().unwrap().open.remove(place);
            self.branch(&next, index, open.clone());
        }
    }

    fn branch(&mut self, node: &Node, run: usize, open: Open) {
        let faulty = node.runs[run].faulty;
        let silent = |id| Event::NoAnswer(id, "no answer".to_owned());
        match open {
            Open::Announce(what) => {
                self.tell(node.clone(), run, Event::Announced(what.clone()));
                if faulty {
                    let event = Event::AnnounceFailed(what, "disk full".to_owned());
                    self.tell(node.clone(), run, event);
                }
            }
            Open::Write(transaction) => {
                let id = TransactionId(transaction);
                let done = self.carried_out(node, run, transaction);
                self.tell(done.clone(), run, Event::Answered(id));
                if !faulty {
                    return;
                }
                self.tell(node.clone(), run, Event::Refused(id, "403".to_owned()));
                self.tell(done, run, silent(id));
                self.tell(node.clone(), run, silent(id));
                let work = node.runs[run].work.as_ref().unwrap();
                let writes = &work.planned.transactions[transaction];
                let writes = writes.iter().map(|w| (w.target, w.to)).collect();
                self.late(node, run, id, Some(transaction), writes);
            }
            Open::Undo(transaction, steps) => {
                let id = TransactionId(transaction);
                let writes = self.undo_writes(node, run, transaction, &steps);
                let mut done = node.clone();
                for (target, code) in &writes {
                    done.values[*target] = *code;
                    done.writer[*target] = Some(run);
                }
                self.tell(done.clone(), run, Event::Answered(id));
                if !faulty {
                    return;
                }
                self.tell(node.clone(), run, Event::Refused(id, "403".to_owned()));
                self.tell(done, run, silent(id));
                self.tell(node.clone(), run, silent(id));
                self.late(node, run, id, None, writes);
            }
            Open::ReadBack(transaction) => {
                let id = TransactionId(transaction);
                let writes = &node.runs[run].work.as_ref().unwrap().planned.transactions;
                let read = writes[transaction].iter().map(|write| {
                    let code = node.values[write.target];
                    Some(self.procedure.text(write.target, code))
                });
                let read = read.collect();
                self.tell(node.clone(), run, Event::ReadBack(id, Ok(read)));
                if faulty {
                    let unread = Event::ReadBack(id, Err("unreachable".to_owned()));
                    self.tell(node.clone(), run, unread);
                }
            }
        }
    }

    fn carried_out(&self, node: &Node, run: usize, transaction: usize) -> Node {
        let mut done = node.clone();
        let work = done.runs[run].work.as_mut().unwrap();
        work.carried_out[transaction] = true;
        let planned = work.planned.clone();
        let writes = &planned.transactions[transaction];
        for write in writes {
            done.values[write.target] = write.to;
            done.writer[write.target] = Some(run);
        }
        if self.bug == Bug::WritesBeside {
            let beside = (writes[0].target + 1) % done.values.len();
            done.values[beside] = writes[0].to;
        }
        judge::within(&node.values, &done.values, writes);
        done
    }

    fn undo_writes(
        &self,
        node: &Node,
        run: usize,
        transaction: usize,
        steps: &[usize],
    ) -> Vec<(usize, Code)> {
        let work = node.runs[run].work.as_ref().unwrap();
        let writes = &work.planned.transactions[transaction];
        let all: Vec<usize> = (0..writes.len()).collect();
        let steps = if self.bug == Bug::UndoTooMuch {
            &all
        } else {
            steps
        };
        let undone = steps.iter().map(|step| {
            let write = &writes[*step];
            if self.adversity.lease || node.runs.len() == 1 {
                judge::may_undo(node, run, transaction, write);
            }
            let record = self.procedure.groups[write.target].is_none();
            let code = if self.bug == Bug::UndoDeletes && record {
                GONE
            } else {
                write.undo
            };
            (write.target, code)
        });
        undone.collect()
    }

    /// The request is given up, and carried out at any later moment.
    fn late(
        &mut self,
        node: &Node,
        run: usize,
        id: TransactionId,
        forward: Option<usize>,
        writes: Vec<(usize, Code)>,
    ) {
        if !node.late_left {
            return;
        }
        let mut next = node.clone();
        next.late_left = false;
        next.late = Some(Late {
            run: Some(run),
            forward,
            writes,
        });
        self.tell(next, run, Event::NoAnswer(id, "timed out".to_owned()));
    }

    fn tell(&mut self, mut node: Node, run: usize, event: Event) {
        let event = match (self.bug, event) {
            (Bug::SilenceIsSuccess, Event::NoAnswer(id, _)) => Event::Answered(id),
            (Bug::SilenceIsFailure, Event::NoAnswer(id, why)) => Event::Refused(id, why),
            (Bug::SentAgain, Event::NoAnswer(id, _)) => {
                return self.obey(node, run, vec![Command::Write(id)]);
            }
            (_, event) => event,
        };
        let work = node.runs[run].work.as_mut().unwrap();
        let commands = work.executor.handle(event);
        self.obey(node, run, commands);
    }

    /// Somebody edits by hand. Between the check and the undo of a request lies one call, in which
    /// the last writer wins: no API here writes on a condition.
    fn edits(&mut self, node: &Node) {
        if !node.edit_left {
            return;
        }
        for (target, code) in self.adversity.edits.clone() {
            let being_undone = node
                .runs
                .iter()
                .filter_map(|run| run.work.as_ref())
                .any(|work| {
                    work.open.iter().any(|open| {
                        let undo = matches!(
                            open,
                            Open::Undo(..) | Open::Announce(Announcement::Undo(..))
                        );
                        undo && open.transaction() == work.planned.transaction_of[target]
                    })
                });
            if being_undone || node.values[target] == code {
                continue;
            }
            let mut next = node.clone();
            next.edit_left = false;
            next.values[target] = code;
            next.writer[target] = None;
            next.touched[target] = Touched::ByHand;
            self.settle(next);
        }
    }

    /// Whatever is left, at any moment: one more run, planned from what is there and not disturbed,
    /// reaches what is asked for, whichever side that is.
    fn one_more_run(&mut self, node: &Node) {
        let (values, _) = self.folded(&node.values, &[]);
        if !self.procedure.first_seen(&values) {
            return;
        }
        for way in [Way::Forward, Way::Back] {
            let from = match self.bug {
                Bug::RestartFromMemory => vec![OLD; values.len()],
                _ => values.clone(),
            };
            let left = match self.procedure.plan(&from, way) {
                None => values.clone(),
                Some(planned) => {
                    let mode = self.procedure.mode();
                    let mut executor =
                        Executor::new(&planned.changes, mode, self.procedure.on_failure());
                    let mut values = values.clone();
                    let mut commands = executor.start();
                    while let Some(command) = commands.pop() {
                        let event = match command {
                            Command::Announce(what) => Event::Announced(what),
                            Command::Write(id) => {
                                for write in &planned.transactions[id.0] {
                                    values[write.target] = write.to;
                                }
                                self.procedure.check_resolvable(&values);
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
            };
            let end = way.end();
            assert!(
                left.iter().all(|v| *v == end),
                "{way:?} from {values:?}: {left:?}"
            );
        }
    }

    /// The process is gone: another run, which may fail as well, plans from what it left.
    fn restart(&mut self, node: &Node) {
        if !self.adversity.restart {
            return;
        }
        let writes = node.late.as_ref().map_or(&[][..], |late| &late.writes);
        let (values, writes) = self.folded(&node.values, writes);
        let late = node.late.is_some().then_some(writes);
        if !self.restarted.insert((values.clone(), late.clone())) {
            return;
        }
        let late = late.map(|writes| Late {
            run: None,
            forward: None,
            writes,
        });
        self.begin_from(values, late, vec![Run::new(Way::Forward, true)], false);
    }

    /// Values, and what comes late, with the members of each group in order.
    fn folded(&self, values: &[Code], late: &[(usize, Code)]) -> (Vec<Code>, Vec<(usize, Code)>) {
        let of = |target: usize| {
            late.iter()
                .find(|(t, _)| *t == target)
                .map(|(_, code)| *code)
        };
        let mut folded: Vec<(Code, Option<Code>)> = values
            .iter()
            .enumerate()
            .map(|(t, v)| (*v, of(t)))
            .collect();
        for group in [Some(0), Some(1)] {
            let places = (0..values.len()).filter(|t| self.procedure.groups[*t] == group);
            let places: Vec<usize> = places.collect();
            let mut members: Vec<_> = places.iter().map(|place| folded[*place]).collect();
            members.sort_unstable();
            for (place, member) in places.into_iter().zip(members) {
                folded[place] = member;
            }
        }
        let late = folded.iter().enumerate();
        let late = late.filter_map(|(target, (_, code))| Some((target, (*code)?)));
        let late = late.collect();
        (folded.into_iter().map(|(value, _)| value).collect(), late)
    }

    /// Edits that differ in more than their names: a variable, a standby's name, the apex, and
    /// another name beside the apex; each to a value of neither side, and back to the old one.
    pub(crate) fn edits_of(procedure: &Procedure) -> Vec<(usize, Code)> {
        let names = [
            "`HOME_URL` of `gigascience/upstream/alt",
            "`bastion.alt-live",
            "`gigadb.org`",
            "`files.gigadb.org`",
        ];
        let places = names.map(|name| procedure.named(name));
        places
            .into_iter()
            .flat_map(|p| [(p, FOREIGN), (p, OLD)])
            .collect()
    }
}
