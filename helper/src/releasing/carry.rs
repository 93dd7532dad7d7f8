//! The next step is begun in the record, carried out, looked at, and noted.

use std::{collections::BTreeSet, time::Duration};

use gigadb_clients::{command, process::Process as ThisProcess};
use gigadb_engine::{
    intent::Arrangement,
    message::{Message, sentence},
    release::{
        Block, Entry, Facts, Interlock, Kind, Next, Override, Record, State, Step, Work, dumped,
    },
    topology::{CommandName, SwapBy},
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    Desk, key, mark,
    store::{Held, Store, Unwritten},
    terraform::Planned,
    text,
};
use crate::{
    exit::Exit, failure::Failure, outbox::Outbox, planning::https::HttpsOptions, quoting,
    running::confirm, ui::Ui,
};

/// How many looks in a row may show roles that are not clear, while a swap is waited for.
const PATIENCE: u32 = 24;

/// How far the clocks of two operators, or of the storage, may be apart, in seconds.
const CLOCKS_APART: i64 = 2 * 60 * 60;

/// A change of roles or variables that a step makes.
pub(crate) enum Roles {
    /// The hot standby of this arrangement shall carry production's variables.
    Prepare(Arrangement),
    /// This arrangement shall hold.
    Trade(Arrangement),
}

impl Roles {
    /// The change that the work is; `None` where it is none.
    fn of(record: &Record, work: &Work) -> Option<Self> {
        match work {
            Work::Prepare => Some(Self::Prepare(record.expected())),
            Work::Swap => Some(Self::Trade(record.expected().swapped())),
            Work::SwapBack => Some(Self::Trade(record.first())),
            Work::Run(_) | Work::Deploy(_) | Work::Probe | Work::Verify => None,
        }
    }
}

/// One call of `release next`.
pub(crate) struct Carry<'a> {
    pub(crate) desk: &'a Desk<'a>,
    pub(crate) store: &'a Store<'a>,
    pub(crate) ui: &'a Ui,
    pub(crate) yes: bool,
    pub(crate) interlocks: BTreeSet<Interlock>,
    pub(crate) overrides: Vec<Override>,
    /// The next step is left out, with this reason.
    pub(crate) left_out: Option<String>,
    pub(crate) https: &'a HttpsOptions,
    /// How often what goes on elsewhere is looked at.
    pub(crate) interval: Duration,
    /// Wait until facts show that a pipeline of Terraform's has changed the roles.
    pub(crate) wait: bool,
    pub(crate) outbox: &'a Outbox,
    pub(crate) cancel: &'a CancellationToken,
}

/// How the effect of a step ended: what shows it, or why it is not done.
pub(super) enum Effect {
    Done(Vec<String>),
    /// Why, in the words of a message, and the evidence that is kept.
    Failed(Box<Failure>, Vec<String>),
}

impl Carry<'_> {
    /// Takes one step.
    pub(crate) async fn next(
        &self,
        mut held: Held,
        roles: &impl AsyncFn(Roles) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let mut asked = None;
        let mut unclear = 0;
        let mut planned: Option<(Step, Planned)> = None;
        loop {
            let facts = self.desk.facts(&held.record, self.cancel).await;
            if self.cancel.is_cancelled() {
                return Err(Failure::interrupted());
            }
            let next = self.desk.next(&held.record, &facts, &self.interlocks);
            if let Some(reason) = &self.left_out {
                return self.leave_out(held, &next, Some(reason.clone())).await;
            }
            let (step, work) = match next {
                Next::Over => return Ok(Exit::Success),
                Next::Finish => {
                    self.ui.answer(&text::then(&held.record))?;
                    return Ok(Exit::Success);
                }
                Next::Person(step) => {
                    self.ui.answer(&text::persons(&held.record, &step))?;
                    return Ok(Exit::ChangesPending);
                }
                // In the middle of a swap that is waited for, roles are not clear for a moment.
                Next::Blocked { blocks, .. }
                    if asked.is_some() && self.wait && unclear < PATIENCE && moving(&blocks) =>
                {
                    unclear += 1;
                    self.pause().await;
                    continue;
                }
                Next::Blocked { blocks, .. } => {
                    return text::all_blocked(blocks).map_or(Ok(Exit::Failed), Err);
                }
                Next::Seen { step, evidence } => {
                    let entry = self.entry(&step, State::Seen, evidence, &held, &facts);
                    self.noted(&mut held, &step, entry).await?;
                    return self.told(&held, &step);
                }
                Next::Do { step, work } => (step, work),
            };
            let change = Roles::of(&held.record, &work);
            match change.filter(|_| self.desk.release.swap == SwapBy::Terraform) {
                Some(change) if self.wait => {
                    self.waiting(&held, &step, &change, &mut asked).await;
                    continue;
                }
                Some(change) if planned.as_ref().is_none_or(|(of, _)| *of != step) => {
                    let Some(plan) = self.planned(&held, &step, &change).await? else {
                        return Ok(Exit::ChangesPending);
                    };
                    planned = Some((step, plan));
                    continue;
                }
                Some(_) => asked = Some(step.clone()),
                None => {}
            }
            if self.yes || asked.as_ref() == Some(&step) {
                let plan = planned.map(|(_, plan)| plan);
                return self
                    .carry_out(held, &facts, step, (work, plan), roles)
                    .await;
            }
            self.asked(&held, &step, &work).await?;
            // Time has passed at the question, and something may have moved.
            asked = Some(step);
        }
    }

    async fn leave_out(
        &self,
        mut held: Held,
        next: &Next,
        reason: Option<String>,
    ) -> Result<Exit, Failure> {
        let step = match next {
            Next::Do { step, .. } | Next::Blocked { step, .. } | Next::Seen { step, .. } => step,
            Next::Person(step) => step,
            Next::Over | Next::Finish => return Ok(Exit::Success),
        };
        if step.jobs.is_none() {
            return Err(Failure::refused(
                format!("Step `{step}` cannot be left out: only lists of further jobs can."),
                held.record.object(step),
                format!("Run {} without --leave-out.", held.record.command("next")),
            ));
        }
        // Whoever is at it may have started a job, and will note how that ends.
        if let Next::Blocked { blocks, .. } = next {
            let held = |block: &&Block| block.interlock == Some(Interlock::StepHeld);
            let held = blocks.iter().filter(held).cloned().collect();
            if let Some(failure) = text::all_blocked(held) {
                return Err(failure);
            }
        }
        let entry = Entry {
            note: reason,
            ..plain(State::LeftOut, Vec::new())
        };
        self.noted(&mut held, step, entry).await?;
        self.told(&held, step)
    }

    async fn carry_out(
        &self,
        mut held: Held,
        facts: &Facts,
        step: Step,
        (work, plan): (Work, Option<Planned>),
        roles: &impl AsyncFn(Roles) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        if work == Work::Run(CommandName::Backup) {
            let listed = match &facts.dumps {
                Err(why) if self.desk.lists_dumps() => {
                    let what = format!("Step `{step}` was not begun: {why}.");
                    let next = format!(
                        "Correct the command `backups` of the topology: what it lists before and \
                         after shows whether the dump is whole. Or make the dump by hand, see that \
                         it is whole, and note it with {}.",
                        held.record.command("confirm backup --by WHO --key KEY")
                    );
                    return Err(Failure::refused(what, held.record.object(&step), next));
                }
                listed => listed.iter().flatten(),
            };
            held.record.key = Some(key());
            held.record.dumps_before = listed.map(|one| (one.name.clone(), one.size)).collect();
        }
        self.begun(&mut held, &step, facts).await?;
        let effect = match &work {
            // Ctrl-C came while the record was written, which is not cut off.
            _ if self.cancel.is_cancelled() => {
                let what = "It was stopped before it began.".to_owned();
                self.failed(&held, &step, what, "Nothing was run.", Vec::new())
            }
            Work::Run(name) => self.run(&held, &step, *name).await,
            Work::Deploy(_) => self.deploy(&held, &step).await,
            Work::Probe => self.probe(&held, &step).await,
            Work::Verify => self.verify(&held, &step).await,
            Work::Prepare | Work::Swap | Work::SwapBack => {
                let Some(change) = Roles::of(&held.record, &work) else {
                    return Ok(Exit::Success);
                };
                match plan {
                    Some(plan) => self.applied(&held, &step, &plan).await,
                    None => self.trade(&held, &step, change, roles).await,
                }
            }
        };
        self.ended(held, facts, &step, effect).await
    }

    /// Notes that a step begins: from here on nobody else takes it.
    async fn begun(&self, held: &mut Held, step: &Step, facts: &Facts) -> Result<(), Failure> {
        let mut begun = self.entry(step, State::Begun, Vec::new(), held, facts);
        begun.process = serde_json::to_string(&ThisProcess::this()).ok();
        self.noted(held, step, begun).await
    }

    /// Notes how a step ended, whatever was asked meanwhile; `before` is what was so at its begin.
    async fn ended(
        &self,
        mut held: Held,
        before: &Facts,
        step: &Step,
        effect: Effect,
    ) -> Result<Exit, Failure> {
        let never = CancellationToken::new();
        let (state, evidence, failure) = match effect {
            Effect::Done(evidence) => (State::Done, evidence, None),
            Effect::Failed(failure, evidence) => (State::Failed, evidence, Some(failure)),
        };
        let mut entry = self.entry(step, state, evidence, &held, before);
        if failure.is_none() && matches!(step.kind, Kind::Prepare | Kind::Swap) {
            // What ended meanwhile may have been built with the variables of before.
            let after = self.desk.facts(&held.record, &never).await;
            let meanwhile = self.entry(step, state, Vec::new(), &held, &after);
            entry.ended_jobs.extend(meanwhile.ended_jobs);
        }
        held.record.note(step, entry);
        let written = self.store.write_end(self.desk.session, &mut held, step);
        let unwritten = written.await.err().map(|why| {
            let (why, next) = match why {
                Unwritten::Over(why) => (
                    sentence(&why),
                    format!(
                        "See what {} and GitLab show: what the step did is nobody's step now.",
                        held.record.command("status")
                    ),
                ),
                Unwritten::Failed(failure) => (
                    failure.message.what,
                    text::after_no_note(&held.record, step),
                ),
            };
            let what = format!(
                "Step `{step}` ended ({}), and that is not noted. {why}",
                state.as_str()
            );
            (what, next)
        });
        let failure = match (failure, unwritten) {
            (None, None) => return self.told(&held, step),
            (None, Some((what, next))) => {
                let message = Message {
                    what,
                    object: held.record.object(step),
                    changed: "What the step did stands.".to_owned(),
                    next,
                };
                Box::new(Failure::with(Exit::PartlyApplied, message))
            }
            (Some(failure), unwritten) => {
                if let Some((what, _)) = unwritten {
                    self.ui.warning(&what);
                }
                failure
            }
        };
        let what = &failure.message.what;
        let news = (
            state.as_str(),
            Some(step),
            format!("{}: {what}", text::whole(&held.record)),
        );
        self.desk.tell(self.outbox, &held.record, news);
        Err(*failure)
    }

    /// Tells how a step ended that is done, seen or left out.
    fn told(&self, held: &Held, step: &Step) -> Result<Exit, Failure> {
        let done = text::done(&held.record, step);
        self.ui.answer(&done)?;
        let entry = held.record.steps.get(step);
        let outcome = entry.map_or("done", |entry| entry.state.as_str());
        let news = (
            outcome,
            Some(step),
            format!("{}: {done}", text::whole(&held.record)),
        );
        self.desk.tell(self.outbox, &held.record, news);
        Ok(Exit::Success)
    }

    /// Asks before a step is carried out; a change of roles asks by itself.
    async fn asked(&self, held: &Held, step: &Step, work: &Work) -> Result<(), Failure> {
        confirm::needs_somebody(
            self.ui,
            self.desk.environment.as_str(),
            &format!("Run {} with --yes.", held.record.command("next")),
        )?;
        if Roles::of(&held.record, work).is_some() {
            return Ok(());
        }
        let question = format!("Type `{step}` to {}: ", step.kind.title());
        let typed = self.ui.ask(&question).await;
        if typed.as_deref() == Some(step.to_string().as_str()) {
            return Ok(());
        }
        Err(Failure::refused(
            format!("The step was not confirmed: `{step}` was not typed."),
            held.record.object(step),
            "Run the command again when you are sure.",
        ))
    }

    fn entry(
        &self,
        step: &Step,
        state: State,
        evidence: Vec<String>,
        held: &Held,
        facts: &Facts,
    ) -> Entry {
        // What had ended before the hot standby was prepared, or the roles traded, was built with
        // other variables.
        let side = match step.kind {
            Kind::Swap => &held.record.production,
            kind => held.record.target(kind),
        };
        let keeps = step.kind.is_deployment() || matches!(step.kind, Kind::Prepare | Kind::Swap);
        let ended = facts.side(side).filter(|_| keeps);
        Entry {
            overrides: self.overrides.clone(),
            ended_jobs: ended.map_or_else(Vec::new, |side| held.record.ended_before(step, side)),
            commit: ended.and_then(|side| side.commit.clone()),
            ..plain(state, evidence)
        }
    }

    async fn noted(&self, held: &mut Held, step: &Step, entry: Entry) -> Result<(), Failure> {
        held.record.note(step, entry);
        let written = self.store.write_again(self.desk.session, held, self.cancel);
        written.await
    }

    async fn run(&self, held: &Held, step: &Step, name: CommandName) -> Effect {
        let argv = self.desk.argv(&held.record, name);
        let shown = quoting::command(&argv);
        self.ui.note(&format!("Running: {shown}"));
        let apis = &self.desk.session.apis;
        let mut live = |line: &str| self.ui.conversation(line);
        let ran = match command::run(&argv, apis.secrets(), &mut live, self.cancel).await {
            Ok(ran) => ran,
            Err(error) => {
                let what = format!("`{}` could not be started: {error}.", argv[0]);
                return self.failed(held, step, what, "Nothing was run.", Vec::new());
            }
        };
        let mut evidence = vec![format!("`{shown}` {}", command::ended(ran.code))];
        if ran.code != Some(0) {
            let what = format!("`{}` {}.", argv[0], command::ended(ran.code));
            let changed = "What the command did before it ended stands.";
            evidence.extend(ran.tail);
            return self.failed(held, step, what, changed, evidence);
        }
        if name == CommandName::Backup && self.desk.lists_dumps() {
            let facts = self.own_facts(held).await;
            return match dumped(&held.record, &facts, younger_than(&held.record)) {
                Some(seen) => {
                    evidence.push(seen);
                    Effect::Done(evidence)
                }
                None => {
                    let key = held.record.key.clone().unwrap_or_default();
                    let why = match &facts.dumps {
                        Ok(_) => format!(
                            "no new dump with the key `{key}` is listed that is younger than the \
                             pause and at least half as large as the largest of the others"
                        ),
                        Err(why) => format!("the dumps are not known: {why}"),
                    };
                    let what = format!("The backup ended, and {why}.");
                    self.failed(held, step, what, "The command ran.", evidence)
                }
            };
        }
        evidence.extend(ran.tail.into_iter().rev().take(1));
        Effect::Done(evidence)
    }

    /// Waits until it is time to look again, or to stop.
    pub(super) async fn pause(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.interval) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    /// What may stand in the way of everybody but this run, which holds the step.
    pub(super) fn own(&self) -> BTreeSet<Interlock> {
        let mut own = self.interlocks.clone();
        own.insert(Interlock::StepHeld);
        own
    }

    pub(super) async fn own_facts(&self, held: &Held) -> Facts {
        Facts {
            holder_is_gone: true,
            ..self.desk.facts(&held.record, self.cancel).await
        }
    }

    async fn trade(
        &self,
        held: &Held,
        step: &Step,
        change: Roles,
        roles: &impl AsyncFn(Roles) -> Result<Exit, Failure>,
    ) -> Effect {
        let line = match &change {
            Roles::Prepare(now) => format!("`prepare = \"{}\"`", now.hot_standby),
            Roles::Trade(then) => self.desk.assigned(then),
        };
        match roles(change).await {
            Err(failure) => {
                let evidence = vec![failure.message.what.clone()];
                return Effect::Failed(Box::new(failure), evidence);
            }
            Ok(Exit::Success) => {}
            Ok(exit) => {
                let what = format!("The change of roles ended with exit code {}.", exit as u8);
                let changed = "What was written stands above.";
                return self.failed(held, step, what, changed, Vec::new());
            }
        }
        let effect = self.traded(held, step).await;
        if matches!(effect, Effect::Done(_)) {
            self.ui.note(&format!(
                "Where Terraform knows this environment, its configuration follows: {line}."
            ));
        }
        effect
    }

    /// What records and variables say after a change of roles.
    pub(super) async fn traded(&self, held: &Held, step: &Step) -> Effect {
        let facts = self.own_facts(held).await;
        match self.desk.next(&held.record, &facts, &self.own()) {
            Next::Seen { evidence, .. } => Effect::Done(evidence),
            _ => {
                let what = "Records and variables do not read as they should.".to_owned();
                let changed = "What was written stands above.";
                self.failed(held, step, what, changed, Vec::new())
            }
        }
    }

    /// A step that is not done. Where nothing else shows that, `what` does: whoever comes next reads
    /// the record alone.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers make the text for it"
    )]
    pub(super) fn failed(
        &self,
        held: &Held,
        step: &Step,
        what: String,
        changed: &str,
        mut evidence: Vec<String>,
    ) -> Effect {
        if evidence.is_empty() {
            let clauses = what
                .lines()
                .map(|line| line.trim_end_matches('.').to_owned());
            evidence.extend(clauses.filter(|clause| !clause.is_empty()));
        }
        let message = Message {
            what: format!("Step `{step}` is not done. {what}"),
            object: held.record.object(step),
            changed: changed.to_owned(),
            next: text::after_failure(&held.record),
        };
        let exit = if self.cancel.is_cancelled() {
            Exit::Interrupted
        } else {
            Exit::Failed
        };
        Effect::Failed(Box::new(Failure::with(exit, message)), evidence)
    }
}

/// When a dump was made at the earliest, in seconds since 1970: once syncs were paused.
pub(super) fn younger_than(record: &Record) -> Option<i64> {
    let paused = record.steps.get(&Kind::PauseSync.into())?;
    let paused: Timestamp = paused.mark.at.parse().ok()?;
    Some(paused.as_second().saturating_sub(CLOCKS_APART))
}

/// Whether roles stand in the way, and nothing else does.
fn moving(blocks: &[Block]) -> bool {
    let mut blocks = blocks.iter();
    blocks.all(|block| block.interlock == Some(Interlock::RolesAsLeft))
}

fn plain(state: State, evidence: Vec<String>) -> Entry {
    Entry {
        state,
        mark: mark(),
        process: None,
        evidence,
        note: None,
        overrides: Vec::new(),
        ended_jobs: Vec::new(),
        commit: None,
    }
}
