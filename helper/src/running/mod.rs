//! Runs: a reviewed plan is carried out through the one door for writes, and what comes out of it
//! is told, the same for every command that writes.

pub(crate) mod confirm;
mod control;
mod ending;
mod progress;
pub(crate) mod view;

use gigadb_clients::swap::{Again, Carried, NotCarriedOut, Swap};
use gigadb_engine::{
    carry::Whole, earlier::EarlierRun, finding::Finding, name::EnvironmentName, plan::Plan,
};

pub(crate) use self::{control::Control, ending::Verb};
use self::{ending::Conclusion, progress::Progress, view::RunView};
use crate::{
    exit::Exit,
    failure::Failure,
    planning::{
        self,
        https::{self, HttpsOptions},
        text,
    },
    session::Session,
    ui::Ui,
};

/// The program, as journals and leases name it.
const PROGRAM: &str = concat!("gigadb-roles ", env!("CARGO_PKG_VERSION"));

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
pub(crate) type Anew<'a> = Again<'a, Failure>;

impl Job<'_> {
    /// Refuses a plan that a rule stands in the way of.
    pub(crate) fn permitted(&self, plan: &Plan) -> Result<(), Failure> {
        let blocking: Vec<&Finding> = plan.blocking().collect();
        if blocking.is_empty() {
            return Ok(());
        }
        Err(self.blocked(&plan.intent.environment, &blocking))
    }

    fn blocked(&self, environment: &EnvironmentName, findings: &[&Finding]) -> Failure {
        let blocks = match findings.len() {
            1 => "1 finding blocks it".to_owned(),
            many => format!("{many} findings block it"),
        };
        let list: Vec<String> = findings.iter().map(|one| text::finding(one)).collect();
        Failure::refused(
            format!(
                "{} was refused: {blocks}.\n{}",
                self.verb.subject(),
                list.join("\n")
            ),
            format!("environment `{environment}`"),
            "Fix what is listed, or waive a rule by name with --override, and plan again.",
        )
    }

    /// Carries out what was reviewed, from the present world, and tells how that ended.
    pub(crate) async fn carry_out(
        &self,
        reviewed: Plan,
        anew: &Anew<'_>,
        probes: Probes,
    ) -> Result<Exit, Failure> {
        self.permitted(&reviewed)?;
        self.go_on()?;
        let https = self.https.check()?;
        let follows = self.verb.follows();
        let progress = Progress::new(self.view, self.control);
        let swap = Swap {
            topology: &self.session.topology,
            reviewed: &reviewed,
            reason: self.reason,
            program: PROGRAM,
            follows: follows.as_ref(),
            completes: self.completes,
            https: &https,
            probe_first: probes == Probes::BeforeAndAfter,
            shared: None,
            watch: &progress,
        };
        let apis = &self.session.apis;
        let run = Box::pin(apis.carry_out(&swap, anew, &|_| Vec::new(), &self.control.cancel));
        let run = progress.beside(run).await;
        for told in &run.warnings {
            self.view.warning(told);
        }
        let environment = &reviewed.intent.environment;
        let carried = run
            .result
            .map_err(|why| self.not_carried_out(environment, why))?;
        let concluded = self.conclude(&carried);
        self.report(&carried, concluded.as_ref());
        concluded
    }

    /// Puts how a run ended into the outbox, where it wrote anything or tried to.
    fn report(&self, carried: &Carried, concluded: Result<&Exit, &Failure>) {
        if carried.ending.whole == Whole::NothingToWrite {
            return;
        }
        let news = ending::news(&self.verb, carried, concluded);
        let webhooks = &self.session.topology.notify;
        self.control.outbox.put(&self.session.apis, webhooks, news);
    }

    /// Tells how a run ended.
    fn conclude(&self, carried: &Carried) -> Result<Exit, Failure> {
        let stopped = self.control.cancel.is_cancelled();
        if !matches!(
            carried.ending.whole,
            Whole::NothingToWrite | Whole::Done | Whole::Owing
        ) {
            return Err(ending::not_completed(&self.verb, carried, stopped));
        }
        let conclusion = Conclusion::new(&self.verb, carried);
        self.view.concluded(&conclusion)?;
        let exit = https::conclude(self.ui, self.https, &carried.probed_after)?;
        if conclusion.exit == Exit::Success {
            return Ok(exit);
        }
        Ok(conclusion.exit)
    }

    /// Ends here when a stop was asked and nothing has been written.
    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        if self.control.cancel.is_cancelled() {
            Err(Failure::interrupted())
        } else {
            Ok(())
        }
    }

    /// Why nothing was written.
    fn not_carried_out(
        &self,
        environment: &EnvironmentName,
        why: NotCarriedOut<Failure>,
    ) -> Failure {
        match why {
            NotCarriedOut::Refused(told) => Failure::with(Exit::Failed, told.message),
            NotCarriedOut::Unread(error) => planning::unread(environment, &error),
            NotCarriedOut::Moved(finding) => Failure::with(Exit::Stale, finding.message),
            NotCarriedOut::NoPlan(failure) => failure,
            NotCarriedOut::Blocked(findings) => {
                let blocking: Vec<&Finding> = findings.iter().filter(|one| one.blocks()).collect();
                self.blocked(environment, &blocking)
            }
            NotCarriedOut::NoProbe(error) => https::impossible(&error),
            NotCarriedOut::Stopped => Failure::interrupted(),
        }
    }
}
