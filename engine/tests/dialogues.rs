//! What the executor asks for, and says at the end, in one dialogue for each thing that can become
//! of a request. The search ([`executor_search`]) judges every order of events against the world;
//! here stands what is to happen in each, for a reader, and how often and in which order.
//!
//! A dialogue is a script of what happens otherwise than well: `org: lost, old, old, new` is what
//! the requests and the readings of one transaction come to, in their order. Whatever the script
//! does not name goes well, and a reading shows the world.
//!
//! [`executor_search`]: ../executor_search/main.rs

#![expect(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use std::{
    collections::{BTreeMap, VecDeque, hash_map::DefaultHasher},
    fmt::Write as _,
    hash::{Hash, Hasher},
};

use gigadb_engine::{
    changes::ChangeSet,
    executor::{Announcement, Command, Event, Executor, Outcome, Pace, TransactionId},
    intent::{Mode, OnFailure},
};
use model::by_hand::swap;

/// Some time; the executor only keeps it.
const UNTIL: u64 = 1_795_339_925;
/// What the transactions of the swap by hand are called here, by what each writes first.
const NAMES: [(&str, &str); 4] = [
    ("v1.x", "v1"),
    ("v2.x", "v2"),
    ("alt.host", "host"),
    ("gigadb.org", "org"),
];

struct Dialogue {
    changes: ChangeSet,
    executor: Executor,
    replies: BTreeMap<String, VecDeque<String>>,
    /// The present values of each transaction's targets.
    world: Vec<Vec<Option<String>>>,
    open: VecDeque<Command>,
    /// For each transaction, the readings of the present look, and whether a pause was the last.
    readings: Vec<u8>,
    resting: Vec<bool>,
    said: Vec<(String, Vec<String>)>,
}

impl Dialogue {
    fn new(changes: ChangeSet, executor: Executor, script: &str) -> Self {
        let mut replies = BTreeMap::new();
        for line in script.split(';').filter(|line| !line.trim().is_empty()) {
            let (name, words) = line.split_once(':').unwrap();
            let words = words.split(',').map(|word| word.trim().to_owned());
            replies.insert(name.trim().to_owned(), words.collect());
        }
        let world = changes
            .transactions()
            .map(|t| t.steps.iter().map(|step| step.from.clone()).collect())
            .collect();
        Self {
            changes,
            executor,
            replies,
            world,
            open: VecDeque::new(),
            readings: vec![0; 4],
            resting: vec![false; 4],
            said: Vec::new(),
        }
    }

    fn name(&self, id: TransactionId) -> &'static str {
        let transaction = self.changes.transactions().nth(id.0).unwrap();
        let target = transaction.steps[0].target.object().key();
        NAMES.iter().find(|(name, _)| *name == target).unwrap().1
    }

    fn names(&self, ids: &[TransactionId]) -> String {
        let names: Vec<&str> = ids.iter().map(|id| self.name(*id)).collect();
        names.join(" ")
    }

    fn asked(&self, command: &Command) -> String {
        match command {
            Command::Announce(Announcement::Send(ids)) => format!("announce {}", self.names(ids)),
            Command::Announce(Announcement::Undo(id, steps)) => {
                format!("announce the undo of {} {steps:?}", self.name(*id))
            }
            Command::Note(report) => {
                let status = serde_json::to_value(&report.status).unwrap();
                let word = status["status"].as_str().unwrap();
                format!("note {} {word}", self.name(report.transaction))
            }
            Command::Write(id) => format!("write {}", self.name(*id)),
            Command::Undo(id, steps) => format!("undo {} {steps:?}", self.name(*id)),
            Command::ReadBack(id) => format!("read {}", self.name(*id)),
            Command::Pause(id, Pace::Reading(_)) => format!("rest {}", self.name(*id)),
            Command::Pause(id, Pace::Sending(nth)) => {
                format!("pause {} sent {nth}", self.name(*id))
            }
            Command::WaitUntilClosed(ids) => format!("wait for {}", self.names(ids)),
            Command::Finish(outcome) => format!("{:?}", outcome.end),
        }
    }

    /// The script's next word for `name` if it is one of these, else the first of them.
    fn reply(&mut self, name: &str, fitting: &[&str]) -> String {
        if let Some(words) = self.replies.get_mut(name)
            && words
                .front()
                .is_some_and(|word| fitting.contains(&word.as_str()))
        {
            return words.pop_front().unwrap();
        }
        fitting[0].to_owned()
    }

    fn say(&mut self, asked: String, reply: String) {
        match self.said.last_mut() {
            Some((last, replies)) if *last == asked => replies.push(reply),
            _ => self.said.push((asked, vec![reply])),
        }
    }

    /// What becomes of a request that writes these values.
    fn sent(&mut self, id: TransactionId, back: bool, steps: &[usize], reply: &str) -> Event {
        if reply == "well" || reply.ends_with('+') {
            let transaction = self.changes.transactions().nth(id.0).unwrap();
            for step in steps {
                let values = &transaction.steps[*step];
                let value = if back { &values.undo } else { &values.to };
                self.world[id.0][*step] = Some(value.clone());
            }
        }
        match reply.trim_end_matches('+') {
            "well" => Event::Answered(id),
            "refused" => Event::Refused(id, "403".to_owned(), UNTIL),
            "lost" => Event::NoAnswer(id, "504".to_owned(), UNTIL),
            _ => Event::NotSent(id, "no token".to_owned()),
        }
    }

    fn read(&mut self, id: TransactionId, reply: &str) -> Event {
        let further = std::mem::take(&mut self.resting[id.0]);
        self.readings[id.0] = if further { self.readings[id.0] + 1 } else { 1 };
        let steps = &self.changes.transactions().nth(id.0).unwrap().steps;
        let old = steps.iter().map(|step| step.from.clone());
        let new = steps.iter().map(|step| Some(step.to.clone()));
        let values = match reply {
            "world" => Ok(self.world[id.0].clone()),
            "old" => Ok(old.collect()),
            "new" => Ok(new.collect()),
            "other" => Ok(vec![Some("x".to_owned()); steps.len()]),
            "partly" => Ok(new.take(1).chain(old.skip(1)).collect()),
            _ => Err("timed out".to_owned()),
        };
        Event::ReadBack(id, values)
    }

    /// What the next command comes to; none for what asks for no answer.
    fn answer(&mut self, command: Command) -> Option<Event> {
        let asked = self.asked(&command);
        let (name, words): (_, &[&str]) = match &command {
            Command::Announce(_) => ("journal", &["well", "full"]),
            Command::Write(id) | Command::Undo(id, _) => (
                self.name(*id),
                &["well", "refused", "refused+", "lost", "lost+", "not sent"],
            ),
            Command::ReadBack(id) => (
                self.name(*id),
                &["world", "old", "new", "other", "partly", "failed"],
            ),
            Command::Note(_) | Command::Pause(..) | Command::WaitUntilClosed(_) => ("-", &["well"]),
            Command::Finish(outcome) => {
                self.finish(asked, outcome);
                return None;
            }
        };
        let reply = self.reply(name, words);
        // A pause between readings goes without a line.
        if !asked.starts_with("rest") {
            self.say(asked, reply.clone());
        }
        Some(match command {
            Command::Note(_) | Command::Finish(_) => return None,
            Command::Announce(what) if reply == "full" => {
                Event::AnnounceFailed(what, "disk full".to_owned())
            }
            Command::Announce(what) => Event::Announced(what),
            Command::Write(id) => {
                let steps: Vec<usize> = (0..self.world[id.0].len()).collect();
                self.sent(id, false, &steps, &reply)
            }
            Command::Undo(id, steps) => self.sent(id, true, &steps, &reply),
            Command::ReadBack(id) => self.read(id, &reply),
            Command::Pause(id, pace) => {
                if let Pace::Reading(nth) = pace {
                    assert_eq!(nth, self.readings[id.0], "{:?}", self.said);
                    self.resting[id.0] = true;
                }
                Event::Paused(id)
            }
            Command::WaitUntilClosed(ids) => Event::Closed(ids),
        })
    }

    fn finish(&mut self, asked: String, outcome: &Outcome) {
        assert!(self.open.is_empty(), "ended with something to do");
        let latest = outcome.reports.iter().filter_map(|r| r.open_until).max();
        assert_eq!(outcome.open_until(), latest);
        let cause = outcome.cause.as_deref().unwrap_or("-");
        self.say(asked, cause.to_owned());
        for report in &outcome.reports {
            let status = serde_json::to_value(&report.status).unwrap();
            let mut line = status["status"].as_str().unwrap().to_owned();
            if let Some(why) = status["why"].as_str() {
                let _ = write!(line, " ({why})");
            }
            if report.open_until.is_some() {
                line.push_str(", open");
            }
            if report.undo_sent {
                line.push_str(", undo sent");
            }
            if line != "applied" {
                self.say(format!("  {}", self.name(report.transaction)), line);
            }
        }
    }

    fn situation(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let (whole, each) = self.executor.situation();
        whole.hash(&mut hasher);
        each.for_each(|one| one.hash(&mut hasher));
        hasher.finish()
    }

    fn tell(&mut self, event: Event) {
        let (before, situation) = (self.executor.clone(), self.situation());
        let commands = self.executor.handle(event);
        // What decides is in what a search tells situations apart by.
        let alike = self.situation() == situation;
        assert!(!alike || self.executor == before, "{:?}", self.said);
        self.open.extend(commands);
        self.ignores_what_nobody_asked();
    }

    /// Answers to what is not open change nothing.
    fn ignores_what_nobody_asked(&self) {
        for id in [0, 1, 2, 3, 9].map(TransactionId) {
            let asked = |kind: fn(&Command) -> Option<TransactionId>| {
                self.open.iter().filter_map(kind).any(|one| one == id)
            };
            let mut answers = Vec::new();
            if !asked(|c| match c {
                Command::Write(id) | Command::Undo(id, _) => Some(*id),
                _ => None,
            }) {
                answers.push(Event::Answered(id));
                answers.push(Event::Refused(id, "403".to_owned(), UNTIL + 1));
                answers.push(Event::NoAnswer(id, "504".to_owned(), UNTIL + 1));
                answers.push(Event::NotSent(id, "no token".to_owned()));
            }
            if !asked(|c| match c {
                Command::ReadBack(id) => Some(*id),
                _ => None,
            }) {
                answers.push(Event::ReadBack(id, Ok(vec![None, None])));
                answers.push(Event::ReadBack(id, Err("timed out".to_owned())));
            }
            if !asked(|c| match c {
                Command::Pause(id, _) => Some(*id),
                _ => None,
            }) {
                answers.push(Event::Paused(id));
            }
            let announced = self.open.iter().any(|command| match command {
                Command::Announce(Announcement::Send(ids)) => ids.contains(&id),
                Command::Announce(Announcement::Undo(undone, _)) => *undone == id,
                _ => false,
            });
            if !announced {
                for what in [
                    Announcement::Send(vec![id]),
                    Announcement::Undo(id, vec![0]),
                ] {
                    answers.push(Event::Announced(what.clone()));
                    answers.push(Event::AnnounceFailed(what, "disk full".to_owned()));
                }
            }
            if self.open.is_empty() || id.0 == 9 {
                answers.push(Event::Closed(vec![id]));
            }
            for answer in answers {
                let mut executor = self.executor.clone();
                let commands = executor.handle(answer.clone());
                let ignored = commands.is_empty() && executor == self.executor;
                assert!(ignored, "{answer:?} after {:?}", self.said);
            }
        }
    }

    fn run(mut self) -> String {
        // Before which command the stop is asked.
        let mut stop = self
            .replies
            .remove("stop")
            .and_then(|mut words| words.pop_front());
        let first = self.executor.start();
        self.open.extend(first);
        while let Some(command) = self.open.pop_front() {
            let before = self.asked(&command);
            if stop.as_ref().is_some_and(|stop| before.starts_with(stop)) {
                stop = None;
                self.say("stop".to_owned(), "well".to_owned());
                let wait = matches!(command, Command::WaitUntilClosed(_));
                if !wait {
                    self.open.push_front(command);
                }
                self.tell(Event::StopAsked);
                continue;
            }
            if let Some(event) = self.answer(command) {
                self.tell(event);
            }
        }
        assert_eq!(stop, None, "the stop was never asked");
        for (name, left) in std::mem::take(&mut self.replies) {
            if !left.is_empty() {
                let left = Vec::from(left).join(", ");
                self.say(format!("not asked of {name}"), left);
            }
        }
        let mut told = String::new();
        for (asked, replies) in self.said {
            let line = [asked]
                .into_iter()
                .chain(replies)
                .filter(|word| word != "well");
            // Alike ones in a row are counted.
            let mut words: Vec<(String, usize)> = Vec::new();
            for word in line {
                match words.last_mut() {
                    Some((last, count)) if *last == word => *count += 1,
                    _ => words.push((word, 1)),
                }
            }
            let words = words.into_iter().map(|(word, count)| match count {
                1 => word,
                _ => format!("{word} x{count}"),
            });
            let _ = writeln!(told, "{}", words.collect::<Vec<_>>().join(", "));
        }
        told
    }
}

fn dialogue(mode: Mode, on_failure: OnFailure, script: &str) -> String {
    let changes = swap(mode);
    let executor = Executor::new(&changes, mode, on_failure);
    Dialogue::new(changes, executor, script).run()
}

fn switchover(script: &str) -> String {
    dialogue(Mode::Switchover, OnFailure::Revert, script)
}

fn failover(script: &str) -> String {
    dialogue(Mode::Failover, OnFailure::Revert, script)
}

/// The same beside requests of an earlier run.
fn beside(mode: Mode, script: &str) -> String {
    let changes = swap(mode);
    let executor = Executor::new(&changes, mode, OnFailure::Revert).beside(UNTIL);
    Dialogue::new(changes, executor, script).run()
}

/// Every script with its dialogue.
fn told(tell: impl Fn(&str) -> String, scripts: &[&str]) -> String {
    let all = scripts
        .iter()
        .map(|script| format!("## {script}\n{}", tell(script)));
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_transaction_is_found_by_its_id() {
    let changes = swap(Mode::Switchover);
    let executor = Executor::new(&changes, Mode::Switchover, OnFailure::Stop);
    let found = (0..4).map(|id| executor.transaction(TransactionId(id)).unwrap());
    assert!(found.eq(changes.transactions()));
    assert_eq!(executor.transaction(TransactionId(4)), None);
}

/// What a look comes to after each kind of answer.
const LOOKS: [&str; 15] = [
    "refused+, new",
    "refused, old, old, old, old",
    "refused, other",
    "refused, failed, failed, failed, failed",
    "refused, old, old, old, failed, old, old, old, world",
    "lost, new",
    "lost, other",
    "lost, failed, failed, failed, failed",
    "lost, old, old, old, failed, old, old, failed, old, old, old, old",
    "lost, failed, failed, failed, failed, other",
    "lost, failed, failed, failed, failed, failed, failed, failed, failed",
    "lost, failed, failed, failed, failed, old, old, old, failed, old, old, old",
    "lost, old, old, old, old, refused, old, old, old, old",
    "lost, old, old, old, old, refused, other, failed, failed, failed, failed",
    "lost, old, old, old, old, lost, old, old, old, old, lost, old, old, old, old, lost, old, \
     old, old, old",
];

/// Each of them, after `before`.
fn looks(tell: impl Fn(&str) -> String, before: &str) -> String {
    let scripts = LOOKS.map(|look| format!("{before}{look}"));
    told(tell, &scripts.each_ref().map(String::as_str))
}

#[test]
fn a_variable_of_a_switchover() {
    insta::assert_snapshot!(looks(switchover, "v1: "));
}

#[test]
fn the_undo_of_a_variable() {
    // Back, what was before the undo is what the run wrote.
    let back = LOOKS.map(|look| {
        let look = look
            .replace("old", "was")
            .replace("new", "old")
            .replace("was", "new");
        format!("host: not sent; v1: well, world, {look}")
    });
    insta::assert_snapshot!(told(switchover, &back.each_ref().map(String::as_str)));
}

#[test]
fn the_batch_that_decides() {
    insta::assert_snapshot!(looks(switchover, "org: "));
}

#[test]
fn in_a_failover() {
    let all = ["org: ", "host: ", "v1: "].map(|name| looks(failover, name));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_is_undone() {
    let scripts = [
        "org: not sent",
        // What was created does not show, then does; or somebody removed it.
        "host: not sent; v2: well, old, old, world",
        "host: not sent; v2: well, old, old, old, old",
        "host: not sent; v1: well, failed, failed, failed, failed",
        "host: not sent; v1: well, other",
        "org: lost, failed, failed, failed, failed, partly; host: well, other",
        "host: not sent; v1: well, world, not sent",
        "host: not sent; v1: well, world, lost, failed, failed, failed, failed, failed, old",
        "host: not sent; v1: well, world, lost, new, new, new, new, not sent, old",
        "host: not sent; v1: well, world, lost, new, new, new, new, not sent, other",
        "host: lost, old, old, old, old, not sent, failed, failed, failed, failed, new",
    ];
    insta::assert_snapshot!(told(switchover, &scripts));
}

#[test]
fn where_the_journal_is_full() {
    let scripts = [
        "journal: full",
        "journal: well, full",
        "journal: well, full; v1: lost, old, old, old, old",
        "journal: well, well, well, full; org: not sent",
    ];
    let told = [told(switchover, &scripts), told(failover, &scripts[..3])];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn where_it_is_asked_to_stop() {
    let scripts = [
        "stop: announce",
        "stop: write v1",
        "stop: read v1; v1: lost, old",
        "stop: rest v1; v1: lost, old, old, old, old",
        "stop: pause v1; v1: lost, old, old, old, old",
        "stop: wait; v1: lost, failed, failed, failed, failed",
        "stop: announce the undo; org: not sent",
        "stop: pause host; org: not sent; host: well, world, lost, new, new, \
         new, new",
        "stop: wait; org: not sent; host: well, world, lost, failed, failed, failed, \
         failed",
        "stop: write org",
    ];
    let told = [told(switchover, &scripts), told(failover, &scripts[..5])];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn beside_an_earlier_run() {
    let scripts = [
        "",
        "v1: refused, old, old, old, old, old, old, old, old",
        "v1: lost, new",
        "journal: well, full",
        "journal: well, full; host: other",
        "v1: not sent, failed, failed, failed, failed, old, old, old, old",
    ];
    let both = [Mode::Switchover, Mode::Failover];
    let told = both.map(|mode| told(|script| beside(mode, script), &scripts));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn where_nothing_is_to_be_undone() {
    let scripts = [
        "v1: not sent",
        "host: not sent",
        "org: lost, failed, failed, failed, failed, other",
        "v1: lost, failed, failed, failed, failed, failed, failed, failed, failed",
    ];
    let stop = |script: &str| dialogue(Mode::Switchover, OnFailure::Stop, script);
    insta::assert_snapshot!(told(stop, &scripts));
}
