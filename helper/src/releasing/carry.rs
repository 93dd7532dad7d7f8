//! The next step is begun in the record, carried out, looked at, and noted.

use std::{collections::BTreeSet, time::Duration};

use gigadb_clients::{
    command::{self, Ran},
    process::Process as ThisProcess,
};
use gigadb_engine::{
    intent::Arrangement,
    message::Message,
    release::{
        Deploying, Entry, Facts, Interlock, JobStatus, Kind, Next, Override, State, Step, Work,
    },
    topology::{CommandName, SwapBy},
};
use tokio_util::sync::CancellationToken;

use super::{
    Desk, key, mark,
    store::{Held, Store},
    text,
};
use crate::{
    exit::Exit, failure::Failure, planning::https::HttpsOptions, running::confirm, surroundings,
    ui::Ui,
};

/// How often the jobs of a deployment are looked at.
const POLL: Duration = Duration::from_secs(5);
/// The variable that sets another pause, in milliseconds.
const POLL_VARIABLE: &str = "GIGADB_RELEASE_POLL";
/// How many looks in a row may show nothing that could be followed.
const PATIENCE: u32 = 24;

/// A change of roles or variables that a step makes.
pub(crate) enum Roles {
    /// The hot standby of this arrangement shall carry production's variables.
    Prepare(Arrangement),
    /// This arrangement shall hold.
    Trade(Arrangement),
}

/// One call of `release next`.
pub(crate) struct Carry<'a> {
    pub(crate) desk: &'a Desk<'a>,
    pub(crate) store: &'a Store,
    pub(crate) ui: &'a Ui,
    pub(crate) yes: bool,
    pub(crate) interlocks: BTreeSet<Interlock>,
    pub(crate) overrides: Vec<Override>,
    /// The next step is left out, with this reason.
    pub(crate) left_out: Option<String>,
    pub(crate) https: &'a HttpsOptions,
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
        let facts = self.desk.facts(&held.record, self.cancel).await;
        let next = self.desk.next(&held.record, &facts, &self.interlocks);
        if let Some(reason) = &self.left_out {
            return self.leave_out(held, &next, Some(reason.clone())).await;
        }
        match next {
            Next::Over => Ok(Exit::Success),
            Next::Finish => {
                self.ui.answer(&text::then(&held.record))?;
                Ok(Exit::Success)
            }
            Next::Person(step) => {
                self.ui.answer(&text::persons(&held.record, &step))?;
                Ok(Exit::ChangesPending)
            }
            Next::Blocked { blocks, .. } => text::all_blocked(blocks).map_or(Ok(Exit::Failed), Err),
            Next::Seen { step, evidence } => {
                let entry = self.entry(&step, State::Seen, evidence, &held, &facts);
                self.noted(&mut held, &step, entry).await?;
                self.ui.answer(&text::done(&held.record, &step))?;
                Ok(Exit::Success)
            }
            Next::Do { step, work } => self.carry_out(held, &facts, step, work, roles).await,
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
                "Run `gigadb-roles release next` without --leave-out.",
            ));
        }
        let entry = Entry {
            note: reason,
            ..plain(State::LeftOut, Vec::new())
        };
        self.noted(&mut held, step, entry).await?;
        self.ui.answer(&text::done(&held.record, step))?;
        Ok(Exit::Success)
    }

    async fn carry_out(
        &self,
        mut held: Held,
        facts: &Facts,
        step: Step,
        work: Work,
        roles: &impl AsyncFn(Roles) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let trades = matches!(work, Work::Prepare | Work::Swap | Work::SwapBack);
        if trades && self.desk.release.swap == SwapBy::Terraform {
            return self.terraforms(&held, &step, &work);
        }
        if !self.yes {
            self.asked(&held, &step, trades).await?;
        }
        if work == Work::Run(CommandName::Backup) {
            held.record.key = Some(key());
            let dumps = facts.dumps.iter().flatten();
            held.record.dumps_before = dumps.map(|one| (one.name.clone(), one.size)).collect();
        }
        let mut begun = self.entry(&step, State::Begun, Vec::new(), &held, facts);
        begun.process = serde_json::to_string(&ThisProcess::this()).ok();
        self.noted(&mut held, &step, begun).await?;
        let effect = match &work {
            Work::Run(name) => self.run(&held, &step, *name).await,
            Work::Deploy(_) => self.deploy(&held, &step).await,
            Work::Probe => self.probe(&held, &step).await,
            Work::Verify => self.verify(&held, &step).await,
            Work::Prepare => {
                self.trade(&held, &step, Roles::Prepare(held.record.expected()), roles)
                    .await
            }
            Work::Swap => {
                let then = held.record.expected().swapped();
                self.trade(&held, &step, Roles::Trade(then), roles).await
            }
            Work::SwapBack => {
                let then = Arrangement {
                    production: held.record.production.clone(),
                    hot_standby: held.record.hot_standby.clone(),
                };
                self.trade(&held, &step, Roles::Trade(then), roles).await
            }
        };
        // The end is noted whatever was asked meanwhile.
        let never = CancellationToken::new();
        let (state, evidence, failure) = match effect {
            Effect::Done(evidence) => (State::Done, evidence, None),
            Effect::Failed(failure, evidence) => (State::Failed, evidence, Some(failure)),
        };
        let after = self.desk.facts(&held.record, &never).await;
        let entry = self.entry(&step, state, evidence, &held, &after);
        held.record.note(&step, entry);
        let written = self.store.write_again(self.desk.session, &mut held, &never);
        if let Err(unwritten) = written.await {
            self.ui.warning(&format!(
                "Step `{step}` ended ({}), and that is not in the record: {}",
                state.as_str(),
                unwritten.message
            ));
        }
        match failure {
            Some(failure) => Err(*failure),
            None => {
                self.ui.answer(&text::done(&held.record, &step))?;
                Ok(Exit::Success)
            }
        }
    }

    /// Asks before a step is carried out; a change of roles asks by itself.
    async fn asked(&self, held: &Held, step: &Step, trades: bool) -> Result<(), Failure> {
        confirm::needs_somebody(
            self.ui,
            self.desk.environment.as_str(),
            "Run `gigadb-roles release next` with --yes.",
        )?;
        if trades {
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

    /// Says which line of Terraform's configuration to change; the step is done when it reads so.
    fn terraforms(&self, held: &Held, step: &Step, work: &Work) -> Result<Exit, Failure> {
        let record = &held.record;
        let lines = match work {
            Work::Prepare => format!(
                "add `prepare = \"{}\"` beside `production = \"{}\"`",
                record.hot_standby, record.production
            ),
            Work::Swap => format!(
                "set `production = \"{}\"` (was \"{}\"), and take `prepare` out",
                record.hot_standby, record.production
            ),
            _ => format!(
                "set `production = \"{}\"`, and take `prepare` out",
                record.production
            ),
        };
        self.ui.answer(&format!(
            "`{step}`: {}. Terraform does it: in the `gigadb_role_assignment` of `{}`, {lines}; \
             plan, review and apply. Then run `gigadb-roles release next -e {}` again: it \
             recognizes the step by records and variables.",
            step.kind.title(),
            self.desk.environment,
            self.desk.environment
        ))?;
        Ok(Exit::ChangesPending)
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
            ended_jobs: ended.map_or_else(Vec::new, |side| side.ended()),
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
        let shown = argv.join(" ");
        self.ui.note(&format!("Running: {shown}"));
        let apis = &self.desk.session.apis;
        let mut live = |line: &str| self.ui.conversation(&apis.redacted(line));
        let ran = match command::run(&argv, &mut live, self.cancel).await {
            Ok(ran) => ran,
            Err(error) => {
                let what = format!("`{}` could not be started: {error}.", argv[0]);
                return self.failed(held, step, what, "Nothing was run.", Vec::new());
            }
        };
        let tail: Vec<String> = ran.tail.iter().map(|line| apis.redacted(line)).collect();
        let mut evidence = vec![format!("`{shown}` {}", status(&ran))];
        if ran.code != Some(0) {
            let what = format!("`{}` {}.", argv[0], status(&ran));
            let changed = "What the command did before it ended stands.";
            evidence.extend(tail);
            return self.failed(held, step, what, changed, evidence);
        }
        if name == CommandName::Backup
            && !self
                .desk
                .argv(&held.record, CommandName::Backups)
                .is_empty()
        {
            let facts = self.own_facts(held).await;
            return match self.desk.next(&held.record, &facts, &self.own()) {
                Next::Seen { evidence: seen, .. } => {
                    evidence.extend(seen);
                    Effect::Done(evidence)
                }
                _ => {
                    let key = held.record.key.clone().unwrap_or_default();
                    let why = match &facts.dumps {
                        Ok(_) => format!(
                            "no new dump with the key `{key}` is listed that is at least half as \
                             large as the largest before"
                        ),
                        Err(why) => format!("the dumps are not known: {why}"),
                    };
                    let what = format!("The backup ended, and {why}.");
                    self.failed(held, step, what, "The command ran.", evidence)
                }
            };
        }
        evidence.extend(tail.into_iter().rev().take(1));
        Effect::Done(evidence)
    }

    /// What may stand in the way of everybody but this run, which holds the step.
    fn own(&self) -> BTreeSet<Interlock> {
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

    /// Plays the jobs one after the other, and follows them.
    async fn deploy(&self, held: &Held, step: &Step) -> Effect {
        let record = &held.record;
        let target = record.target(step.kind);
        let project = self.desk.session.topology.infrastructures.get(target);
        let project = project.map_or_else(String::new, |side| side.gitlab_project.clone());
        let pause = surroundings::variable(POLL_VARIABLE).and_then(|text| text.parse().ok());
        let pause = pause.map_or(POLL, Duration::from_millis);
        let apis = &self.desk.session.apis;
        let mut told = String::new();
        let mut idle = 0;
        loop {
            if self.cancel.is_cancelled() {
                let what = "The deployment is no longer followed.".to_owned();
                let changed = "A job that was started goes on in GitLab.";
                return self.failed(held, step, what, changed, Vec::new());
            }
            let facts = self.own_facts(held).await;
            let next = match self.desk.next(record, &facts, &self.own()) {
                Next::Seen { evidence, .. } => return Effect::Done(evidence),
                Next::Do {
                    work: Work::Deploy(next),
                    ..
                } => next,
                Next::Blocked { blocks, .. } => {
                    let failure = text::all_blocked(blocks);
                    let what = failure.map_or_else(String::new, |failure| failure.message.what);
                    let changed = "No further job was started.";
                    return self.failed(held, step, what, changed, Vec::new());
                }
                _ => {
                    let what = "The deployment cannot be followed any more.".to_owned();
                    return self.failed(
                        held,
                        step,
                        what,
                        "No further job was started.",
                        Vec::new(),
                    );
                }
            };
            match next {
                Deploying::Play(job) | Deploying::Retry(job) => {
                    let page = job.page.as_deref().unwrap_or("its page is not known");
                    self.ui.note(&format!(
                        "Starting job `{}` of `{target}`: {page}",
                        job.name
                    ));
                    let started = if job.status == JobStatus::Manual {
                        apis.play_job(&project, job.id).await
                    } else {
                        apis.retry_job(&project, job.id).await
                    };
                    if let Err(failure) = started {
                        // Whether it was started after all, or by somebody else, a look tells.
                        let facts = self.own_facts(held).await;
                        let now = facts.side(target).and_then(|side| side.job(&job.name));
                        if now == Some(&job) || now.is_none() {
                            let what = format!("Job `{}` was not started: {failure}.", job.name);
                            return self.failed(
                                held,
                                step,
                                what,
                                "No job was started.",
                                Vec::new(),
                            );
                        }
                    }
                }
                Deploying::Follow(job) => {
                    let line = format!("Job `{}` of `{target}` is {}.", job.name, job.word);
                    if line != told {
                        self.ui.conversation(&line);
                        told = line;
                    }
                    idle = if job.status == JobStatus::NotReady {
                        idle + 1
                    } else {
                        0
                    };
                    if idle > PATIENCE {
                        let what = format!(
                            "Job `{}` stays {}: it waits for a job that nobody starts.",
                            job.name, job.word
                        );
                        return self.failed(held, step, what, "No job runs.", Vec::new());
                    }
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.cancel.cancelled() => {}
                    }
                }
                Deploying::Failed(job) => {
                    let page = job.page.clone().unwrap_or_default();
                    let what = format!("Job `{}` is {}: {page}.", job.name, job.word);
                    let changed = "What the job did before it ended stands.";
                    return self.failed(held, step, what, changed, vec![page]);
                }
                Deploying::Missing(None) => {
                    let what = format!("`{}` has no pipeline of `{}`.", target, record.reference);
                    return self.failed(held, step, what, "No job was started.", Vec::new());
                }
                Deploying::Missing(Some(name)) => {
                    let what = format!(
                        "The pipeline of `{}` has no job `{name}`.",
                        record.reference
                    );
                    return self.failed(held, step, what, "No job was started.", Vec::new());
                }
                Deploying::Another(reference) => {
                    idle += 1;
                    if idle > 3 {
                        let what = format!(
                            "The jobs ended well, and GitLab says that `{reference}` was deployed \
                             to `{target}` last."
                        );
                        let changed = "The jobs ran.";
                        return self.failed(held, step, what, changed, Vec::new());
                    }
                    tokio::time::sleep(pause).await;
                }
            }
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
            Roles::Trade(then) => format!("`production = \"{}\"`", then.production),
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
        let facts = self.own_facts(held).await;
        match self.desk.next(&held.record, &facts, &self.own()) {
            Next::Seen { evidence, .. } => {
                self.ui.note(&format!(
                    "Where Terraform knows this environment, its configuration follows: {line}."
                ));
                Effect::Done(evidence)
            }
            _ => {
                let what = "Records and variables do not read as they should.".to_owned();
                self.failed(
                    held,
                    step,
                    what,
                    "What was written stands above.",
                    Vec::new(),
                )
            }
        }
    }

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
        evidence: Vec<String>,
    ) -> Effect {
        let environment = self.desk.environment;
        let message = Message {
            what: format!("Step `{step}` is not done. {what}"),
            object: held.record.object(step),
            changed: changed.to_owned(),
            next: format!(
                "Remove the cause and run `gigadb-roles release next -e {environment}` again, or \
                 go back with `gigadb-roles release back -e {environment}`."
            ),
        };
        Effect::Failed(Box::new(Failure::with(Exit::Failed, message)), evidence)
    }
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
    }
}

/// How a command ended, as a verb with its object.
pub(super) fn status(ran: &Ran) -> String {
    match ran.code {
        Some(code) => format!("ended with exit status {code}"),
        None => "was ended by a signal".to_owned(),
    }
}
