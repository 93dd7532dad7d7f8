//! Runs: from a plan that was reviewed to its end, the same for every command that writes.
//!
//! Takes the lease, looks again, refuses what moved since the review, keeps a journal, writes,
//! reads back, gives the lease back, and tells how that ended.

pub(crate) mod confirm;
mod ending;
mod progress;
pub(crate) mod view;

use std::{collections::BTreeMap, sync::OnceLock};

use gigadb_clients::{
    journal::RunId,
    run::{NotBegun, Start, UnderWay},
};
use gigadb_engine::{
    due::due,
    earlier::EarlierRun,
    executor::{End, Outcome},
    intent::Mode,
    object::Object,
    observation::{Observation, environment_of},
    plan::{Owed, Plan},
    rules::unchanged_since_plan::{finding, moved},
    verify::{Difference, verify_plan},
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::ending::Verb;
use self::{
    ending::{Conclusion, Owing},
    progress::Progress,
    view::RunView,
};
use crate::{
    exit::Exit,
    failure::Failure,
    planning::{self, https::HttpsOptions, text},
    session::Session,
    surroundings,
    ui::Ui,
};

/// The program, as journals and leases name it.
const PROGRAM: &str = concat!("gigadb-roles ", env!("CARGO_PKG_VERSION"));

/// How a run hears of Ctrl-C, and what is known of it when the second one ends it.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// Triggered by the first Ctrl-C.
    pub(crate) cancel: CancellationToken,
    /// Set when the first request is about to be sent: the run's journal, where there is one.
    pub(crate) began: OnceLock<Option<RunId>>,
}

/// A run of one command.
pub(crate) struct Job<'a> {
    pub(crate) session: &'a Session,
    pub(crate) ui: &'a Ui,
    pub(crate) view: &'a dyn RunView,
    pub(crate) control: &'a Control,
    pub(crate) verb: Verb,
    pub(crate) reason: Option<&'a str>,
    /// How the promoted side is probed.
    pub(crate) https: &'a HttpsOptions,
    /// The run that this one completes: what it leaves to do counts as a whole.
    pub(crate) completes: Option<&'a EarlierRun>,
}

/// When the promoted side is probed in a run; it is afterwards in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probes {
    /// Before the first write too: time has passed since the plan was made.
    BeforeAndAfter,
    /// Just probed for the plan, or nothing that a probe may stand in the way of.
    After,
}

/// Makes a plan anew from the present world.
pub(crate) type Anew<'a> = dyn Fn(&Observation) -> Result<Plan, Failure> + 'a;

impl Job<'_> {
    /// Refuses a plan that a rule stands in the way of.
    pub(crate) fn permitted(&self, plan: &Plan) -> Result<(), Failure> {
        let findings: Vec<String> = plan.blocking().map(text::finding).collect();
        if findings.is_empty() {
            return Ok(());
        }
        let s = if findings.len() == 1 { "" } else { "s" };
        Err(Failure::refused(
            format!(
                "{} is refused: {} finding{s} in the way.\n{}",
                self.verb.subject(),
                findings.len(),
                findings.join("\n")
            ),
            format!("environment `{}`", plan.intent.environment),
            "Settle what is listed, or waive a rule by name with --override, and plan again.",
        ))
    }

    /// Carries out what was reviewed, from the present world.
    pub(crate) async fn carry_out(
        &self,
        reviewed: Plan,
        anew: &Anew<'_>,
        probes: Probes,
    ) -> Result<Exit, Failure> {
        self.permitted(&reviewed)?;
        self.go_on()?;
        let promoting = self.as_a_whole(&reviewed);
        let intent = reviewed.intent.clone();
        let follows = self.verb.follows();
        let start = Start {
            topology: &self.session.topology,
            intent: &intent,
            reason: self.reason,
            program: PROGRAM,
            follows: follows.as_ref(),
        };
        let mut run = None;
        let nothing_to_write = reviewed.changes.is_empty();
        if !nothing_to_write {
            let begun = self.session.apis.begin(start, &self.control.cancel).await;
            run = Some(begun.map_err(not_begun)?);
        }
        let concluded = self.write(reviewed, anew, probes, run.as_mut()).await;
        if let Some(run) = run {
            for told in run.end().await {
                self.view.warning(&told);
            }
        }
        let conclusion = concluded?;
        if nothing_to_write {
            let apis = &self.session.apis;
            let left = apis.settle_left_lease(&self.session.topology, &intent);
            if let Some(told) = left.await {
                self.view.warning(&told);
            }
        }
        self.view.concluded(&conclusion)?;
        let cancel = &self.control.cancel;
        if !cancel.is_cancelled() {
            let topology = &self.session.topology;
            let exit = planning::https::conclude(self.ui, topology, &promoting, self.https, cancel)
                .await?;
            if conclusion.exit == Exit::Success {
                return Ok(exit);
            }
        }
        Ok(conclusion.exit)
    }

    /// The plan, or where an earlier run is completed, that run.
    fn as_a_whole(&self, plan: &Plan) -> Plan {
        self.completes
            .map_or_else(|| plan.clone(), |earlier| earlier.as_a_whole(plan))
    }

    /// Looks again, writes what is left to write, and reads back.
    async fn write(
        &self,
        reviewed: Plan,
        anew: &Anew<'_>,
        probes: Probes,
        run: Option<&mut UnderWay<'_>>,
    ) -> Result<Conclusion, Failure> {
        let environment = reviewed.intent.environment.clone();
        let cancel = &self.control.cancel;
        let previous = Some(&reviewed.observation);
        let present = planning::observe(self.session, &environment, previous, cancel).await;
        self.go_on()?;
        let plan = self.unmoved(reviewed, &present?, anew)?;
        let Some(run) = run.filter(|_| !plan.changes.is_empty()) else {
            return Ok(self.conclusion(&plan, None, Vec::new()));
        };
        if probes == Probes::BeforeAndAfter {
            let topology = &self.session.topology;
            planning::https::still_ready(topology, &plan, self.https, cancel).await?;
            self.go_on()?;
        }
        let progress = Progress::new(self.view, self.control, &plan.changes);
        let carried_out = run.carry_out_watched(&plan.changes, &progress, cancel);
        let outcome = progress
            .beside(carried_out)
            .await
            .map_err(|told| Failure::with(Exit::Failed, told.message))?;
        let journal = self.control.began.get().and_then(Option::as_ref);
        self.read_back_and_conclude(&plan, &outcome, journal).await
    }

    async fn read_back_and_conclude(
        &self,
        plan: &Plan,
        outcome: &Outcome,
        run: Option<&RunId>,
    ) -> Result<Conclusion, Failure> {
        let environment = &plan.intent.environment;
        let complete = outcome.end == End::Completed;
        let stopped = self.control.cancel.is_cancelled();
        let failed = || ending::not_completed(&self.verb, plan, outcome, run, stopped);
        if !complete && plan.intent.mode == Mode::Switchover {
            return Err(failed());
        }
        let table = environment_of(&self.session.topology, environment)
            .map_err(|error| planning::unread(environment, &error.to_string()))?;
        let after = match self.read_back(plan).await {
            Ok(after) => after,
            Err(_) if !complete => return Err(failed()),
            Err(why) => return Err(ending::not_verified(&self.verb, plan, run, &why)),
        };
        let differences = verify_plan(table, plan, &after).differences;
        let promoted = after.apex_holder(table) == Some(&plan.intent.arrangement.production);
        if plan.intent.mode == Mode::Failover && promoted {
            return Ok(self.conclusion(plan, run, owed_by(outcome, differences)));
        }
        if !complete {
            return Err(failed());
        }
        if !differences.is_empty() {
            let differs = ending::told(&differences);
            return Err(ending::not_verified(&self.verb, plan, run, &differs));
        }
        Ok(self.conclusion(plan, run, Vec::new()))
    }

    /// Ends here when a stop was asked and nothing has been written.
    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        if self.control.cancel.is_cancelled() {
            Err(Failure::interrupted())
        } else {
            Ok(())
        }
    }

    /// The reviewed plan, as far as it is still to be carried out. Refuses what moved since.
    fn unmoved(
        &self,
        reviewed: Plan,
        present: &Observation,
        anew: &Anew<'_>,
    ) -> Result<Plan, Failure> {
        let pair = &reviewed.intent.arrangement;
        let sides = [&pair.production, &pair.hot_standby];
        let moved = moved(&reviewed.observation, present, &reviewed.desired, sides);
        if let Some(finding) = finding(&moved, reviewed.intent.environment.as_str()) {
            return Err(Failure::with(Exit::Stale, finding.message));
        }
        let now = anew(present)?;
        self.permitted(&now)?;
        // What was owed at the review still is; looking again may have found more.
        let mut owed: BTreeMap<Object, Owed> = BTreeMap::new();
        for one in reviewed.owed.into_iter().chain(now.owed) {
            owed.entry(one.object.clone()).or_insert(one);
        }
        Ok(Plan {
            changes: now.changes.towards(&reviewed.desired),
            desired: reviewed.desired,
            owed: owed.into_values().collect(),
            intent: reviewed.intent,
            observation: now.observation,
            observed: now.observed,
            findings: now.findings,
            notices: now.notices,
        })
    }

    /// Reads records and variables again, until what was planned is there or reading often enough
    /// did not show it. An error is a clause.
    async fn read_back(&self, plan: &Plan) -> Result<Observation, String> {
        let topology = &self.session.topology;
        let environment = &plan.intent.environment;
        let table = environment_of(topology, environment).map_err(|error| error.to_string())?;
        let timing = self.session.timing;
        let mut pause = timing.backoff;
        let mut reads = 1;
        loop {
            // What was written is read back even when a stop was asked meanwhile.
            let cancel = CancellationToken::new();
            let zones = &plan.observation.zones;
            let apis = &self.session.apis;
            let world = apis.read_back(topology, environment, zones, &cancel).await;
            let previous = Some(&plan.observation);
            let mut after = Observation::project(topology, environment, &world, previous)
                .map_err(|error| error.to_string())?;
            after.sides.clone_from(&plan.observation.sides);
            let settled = verify_plan(table, plan, &after).holds();
            if settled || reads >= timing.read_backs || plan.intent.mode == Mode::Failover {
                return Ok(after);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            reads += 1;
        }
    }

    fn conclusion(&self, plan: &Plan, run: Option<&RunId>, left: Vec<Owing>) -> Conclusion {
        let planned = plan.owed.iter().map(|owed| Owing {
            object: owed.object.to_string(),
            wanted: owed.wanted.clone(),
            reason: owed.reason.clone(),
        });
        let owed: Vec<Owing> = planned.chain(left).collect();
        let mut conclusion = Conclusion::new(&self.verb, plan, &plan.changes, run, owed);
        let whole = self.as_a_whole(plan);
        conclusion.due = due(&self.session.topology, &whole, surroundings::now());
        conclusion
    }
}

fn not_begun(why: NotBegun) -> Failure {
    match why {
        NotBegun::Stopped => Failure::interrupted(),
        NotBegun::Refused(told) => Failure::with(Exit::Failed, told.message),
    }
}

/// What a failover that was carried out did not bring about.
fn owed_by(outcome: &Outcome, differences: Vec<Difference>) -> Vec<Owing> {
    let why = outcome.cause.as_deref();
    ending::owing(differences, why.unwrap_or("reading back does not show it")).collect()
}
