//! The one door for writes: from a reviewed plan to how it ended.
//!
//! ```text
//! lease       taken, while the zones are listed; in a failover beside the reads
//! look        everything is read again; what moved since the review stops the run
//! again       the same intent, planned anew: what is left to do, judged by every rule
//! probe       the promoted side answers for production's names
//! write       journal and drive
//! read back   until it shows what the executor says, or reading often enough did not show it
//! probe       once more, now that it is production
//! give back   the lease, unless something may still take effect
//! ```
//!
//! Provider and helper translate what comes out; neither writes by itself, and nothing else of
//! this crate that writes can be reached from outside.

use std::time::{Duration, SystemTime};

use gigadb_engine::{
    carry::{self, Ending, Whole},
    due::due,
    earlier::EarlierRun,
    executor::{End, Outcome},
    finding::Finding,
    intent::Mode,
    observation::{Observation, ProjectError},
    plan::Plan,
    rules::{
        https_ready::{HttpsCheck, Moment},
        one_swap_at_a_time::LeasePlace,
        unchanged_since_plan::Moved,
    },
    topology::Topology,
    verify::verify_plan,
    world::{World, Zone},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Apis, Scope, SharedWorld, Which,
    journal::{Follows, Leftover, RunId},
    probe::{ProbeError, https_ready},
    run::{NotBegun, Start, Told, UnderWay, Watch},
};

/// A reviewed plan, with everything that carrying it out needs.
pub struct Swap<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// The plan as it was reviewed.
    pub reviewed: &'a Plan,
    /// Why, in the operator's words.
    pub reason: Option<&'a str>,
    /// The program and its version: `gigadb-roles 0.1.0`.
    pub program: &'a str,
    /// The run that this one takes further or takes back.
    pub follows: Option<&'a Follows>,
    /// The run that this one completes: what is due, and what is probed afterwards, counts as a
    /// whole.
    pub completes: Option<&'a EarlierRun>,
    /// How the promoted side is probed.
    pub https: &'a HttpsCheck,
    /// Whether it is probed before the first write too.
    pub probe_first: bool,
    /// A shared observation, which forgets what it holds when something is written.
    pub shared: Option<&'a SharedWorld>,
    /// Who hears of the run.
    pub watch: &'a dyn Watch,
}

/// The same intent, planned anew from the present world; `E` says why the caller has no plan.
pub type Again<'a, E> = dyn Fn(&Observation) -> Result<Plan, E> + Sync + 'a;

/// What the caller alone can compare with the present world.
pub type Further<'a> = dyn Fn(&Observation) -> Vec<Moved> + Sync + 'a;

/// A run, whether it wrote or not.
#[derive(Debug)]
pub struct Run<E> {
    /// How it ended, or why nothing was written.
    pub result: Result<Carried, NotCarriedOut<E>>,
    /// What else there is to know, of lease and journal.
    pub warnings: Vec<Told>,
}

/// A run that went to its end.
#[derive(Debug)]
pub struct Carried {
    /// How it ended, object by object.
    pub ending: Ending,
    /// The id of its journal, where something may have been written and a journal holds all of it.
    pub run: Option<RunId>,
    /// What the probes after the last write found, or why none could be made.
    pub probed_after: Result<Vec<Finding>, ProbeError>,
    /// What is due now, the most urgent first.
    pub due: Vec<String>,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum NotCarriedOut<E> {
    /// The lease or the journal is in the way.
    Refused(Told),
    /// The records could not be read again.
    Unread(ProjectError),
    /// Something moved since the review.
    Moved(Box<Finding>),
    /// The caller has no plan for the present world.
    NoPlan(E),
    /// Rules stop the plan as it is now, or the promoted side does not answer. Never empty.
    Blocked(Vec<Finding>),
    /// No probe can be made.
    NoProbe(ProbeError),
    /// The operator asked to stop.
    Stopped,
}

impl Apis {
    /// Carries out a reviewed plan: the only way to write.
    pub async fn carry_out<E>(
        &self,
        swap: &Swap<'_>,
        again: &Again<'_, E>,
        further: &Further<'_>,
        cancel: &CancellationToken,
    ) -> Run<E> {
        let intent = &swap.reviewed.intent;
        if swap.reviewed.changes.stages.is_empty() {
            let fresh = self.look(swap, None, cancel).await;
            let mut run = Run {
                result: fresh.and_then(|fresh| nothing_to_write(swap, fresh, again, further)),
                warnings: Vec::new(),
            };
            if let Ok(carried) = &mut run.result {
                // Of a run that is completed, all that it moved is probed.
                let whole = swap.as_a_whole(carried.ending.plan.clone());
                carried.probed_after = self.probe_afterwards(swap, &whole, cancel).await;
                let left = self.settle_left_lease(swap.topology, intent);
                run.warnings.extend(left.await);
            }
            return run;
        }
        let start = Start {
            topology: swap.topology,
            intent,
            reason: swap.reason,
            program: swap.program,
            follows: swap.follows,
        };
        let (begun, fresh) = if intent.mode == Mode::Failover {
            let promoted = &intent.arrangement.production;
            let hurried = self.for_failover(promoted, Some(&swap.reviewed.observation));
            tokio::join!(self.begin(start, cancel), hurried.look(swap, None, cancel))
        } else {
            let leased = LeasePlace::of(swap.topology, intent).is_some();
            if leased {
                // It is asked for, and given up where nobody answered.
                let at_most = self.timing().call * 2;
                swap.watch.waits("the lease is asked for", at_most);
            }
            let zones = async {
                if leased {
                    self.zones(cancel).await.ok()
                } else {
                    None
                }
            };
            let (begun, zones) = tokio::join!(self.begin(start, cancel), zones);
            let fresh = match &begun {
                Ok(_) => self.look(swap, zones.as_deref(), cancel).await,
                Err(_) => Err(NotCarriedOut::Stopped),
            };
            (begun, fresh)
        };
        let mut under_way = match begun {
            Ok(under_way) => under_way,
            Err(why) => {
                return Run {
                    result: Err(match why {
                        NotBegun::Refused(told) => NotCarriedOut::Refused(told),
                        NotBegun::Stopped => NotCarriedOut::Stopped,
                    }),
                    warnings: Vec::new(),
                };
            }
        };
        let result = match fresh {
            Ok(fresh) => {
                self.write(swap, fresh, again, further, &mut under_way, cancel)
                    .await
            }
            Err(why) => Err(why),
        };
        let open_until = result
            .as_ref()
            .ok()
            .and_then(|carried| carried.open_until());
        if open_until.is_none()
            && let Some(at_most) = under_way.gives_back_within()
        {
            swap.watch.waits("the lease is given back", at_most);
        }
        Run {
            result,
            warnings: under_way.end(open_until).await,
        }
    }

    /// Reads everything anew. Nothing that was read before counts, but the zones where they were
    /// just listed.
    async fn look<E>(
        &self,
        swap: &Swap<'_>,
        zones: Option<&[Zone]>,
        cancel: &CancellationToken,
    ) -> Result<Observation, NotCarriedOut<E>> {
        let environment = &swap.reviewed.intent.environment;
        let scope = Scope {
            environments: Which::one(environment.clone()),
            ..Scope::everything()
        };
        let at_most = self.reads_within(swap.topology, &scope);
        swap.watch.waits("everything is read again", at_most);
        let world = match zones {
            Some(zones) => {
                self.observe_within(swap.topology, &scope, zones, cancel)
                    .await
            }
            None => self.observe(swap.topology, &scope, cancel).await,
        };
        if cancel.is_cancelled() {
            return Err(NotCarriedOut::Stopped);
        }
        projected(swap, &world).map_err(NotCarriedOut::Unread)
    }

    async fn write<E>(
        &self,
        swap: &Swap<'_>,
        fresh: Observation,
        again: &Again<'_, E>,
        further: &Further<'_>,
        under_way: &mut UnderWay<'_>,
        cancel: &CancellationToken,
    ) -> Result<Carried, NotCarriedOut<E>> {
        let plan = still_to_do(swap, &fresh, again, further)?;
        if plan.changes.stages.is_empty() {
            return Ok(Carried::without_writes(swap, plan, fresh));
        }
        if swap.probe_first {
            swap.watch
                .waits("the promoted side is probed", swap.https.timeout);
            self.probe_before(swap, &plan, cancel).await?;
        }
        if cancel.is_cancelled() {
            return Err(NotCarriedOut::Stopped);
        }
        let forget = || {
            if let Some(shared) = swap.shared {
                shared.invalidate();
            }
        };
        forget();
        let outcome = under_way
            .write(&plan, swap.watch, cancel)
            .await
            .map_err(NotCarriedOut::Refused)?;
        swap.watch
            .waits("what was written is read back", self.timing().call);
        let after = self.closing_reading(swap, &plan, &outcome, &fresh).await;
        forget();
        let reviewed = &swap.reviewed.observation;
        let ending = carry::ended(swap.topology, reviewed, plan, Some(&outcome), after);
        under_way.left(Leftover::of(&ending, &outcome));
        let written = swap.as_a_whole(ending.written());
        let is_done = matches!(ending.whole, Whole::Done | Whole::Owing);
        let probed_after = if is_done {
            swap.watch
                .waits("the promoted side is probed", swap.https.timeout);
            self.probe_afterwards(swap, &written, cancel).await
        } else {
            Ok(Vec::new())
        };
        let promoted = ending.plan.intent.changes_production() && ending.holds_apex;
        let due = if is_done || promoted {
            due(swap.topology, &written, now())
        } else {
            Vec::new()
        };
        Ok(Carried {
            run: under_way.journal(),
            ending,
            probed_after,
            due,
        })
    }

    /// Probes before the first write, for what stops the run. What does not was told by the plan, and is told by the
    /// probes at the end as it is then.
    async fn probe_before<E>(
        &self,
        swap: &Swap<'_>,
        plan: &Plan,
        cancel: &CancellationToken,
    ) -> Result<(), NotCarriedOut<E>> {
        let moment = Moment::BeforeWriting;
        let found = https_ready(swap.topology, plan, swap.https, moment, cancel)
            .await
            .map_err(NotCarriedOut::NoProbe)?;
        if found.iter().any(Finding::blocks) {
            return Err(NotCarriedOut::Blocked(found));
        }
        Ok(())
    }

    /// Probes once more, now that the promoted side is production, unless a stop was asked.
    async fn probe_afterwards(
        &self,
        swap: &Swap<'_>,
        plan: &Plan,
        cancel: &CancellationToken,
    ) -> Result<Vec<Finding>, ProbeError> {
        if cancel.is_cancelled() {
            return Ok(Vec::new());
        }
        https_ready(swap.topology, plan, swap.https, Moment::Afterwards, cancel).await
    }

    /// Reads records and variables once more after a run that wrote, until they show what is to be
    /// said, or reading often enough did not show it: a read right after a write may still show
    /// the world before it. A stop does not end it.
    async fn closing_reading(
        &self,
        swap: &Swap<'_>,
        plan: &Plan,
        outcome: &Outcome,
        fresh: &Observation,
    ) -> Result<Observation, ProjectError> {
        let environment = &plan.intent.environment;
        let table = gigadb_engine::observation::environment_of(swap.topology, environment)?;
        let never = CancellationToken::new();
        let mut reads = 1;
        loop {
            let zones = &plan.observation.zones;
            let world = self
                .read_back(swap.topology, environment, zones, &never)
                .await;
            let after = Observation::project_as_far_as_read(
                swap.topology,
                environment,
                &world,
                Some(&plan.observation),
            )
            .map(|after| Observation {
                // EC2 is not asked again. What an assumption said of a lost side is not what it said.
                sides: fresh.sides.clone(),
                ..after
            });
            let shows = after.as_ref().is_ok_and(|after| {
                let planned = || verify_plan(table, plan, &swap.reviewed.observation, after);
                match outcome.end {
                    End::Completed => planned().holds(),
                    _ => carry::agrees(plan, outcome, after),
                }
            });
            if shows || reads >= self.timing().read_backs {
                return after;
            }
            tokio::time::sleep(self.timing().settle(reads)).await;
            reads += 1;
        }
    }
}

impl Swap<'_> {
    /// The plan, or where an earlier run is completed, that run with it.
    fn as_a_whole(&self, plan: Plan) -> Plan {
        match self.completes {
            Some(earlier) => earlier.as_a_whole(&plan),
            None => plan,
        }
    }
}

impl Carried {
    fn without_writes(swap: &Swap<'_>, plan: Plan, fresh: Observation) -> Self {
        let reviewed = &swap.reviewed.observation;
        Self {
            ending: carry::ended(swap.topology, reviewed, plan, None, Ok(fresh)),
            run: None,
            probed_after: Ok(Vec::new()),
            due: Vec::new(),
        }
    }

    /// Until when something of it may still take effect, in seconds since 1970.
    fn open_until(&self) -> Option<u64> {
        self.ending.open_until()
    }
}

fn nothing_to_write<E>(
    swap: &Swap<'_>,
    fresh: Observation,
    again: &Again<'_, E>,
    further: &Further<'_>,
) -> Result<Carried, NotCarriedOut<E>> {
    let mut plan = still_to_do(swap, &fresh, again, further)?;
    // Nothing was reviewed, so nothing is written, whatever became possible since.
    plan.changes.stages.clear();
    Ok(Carried::without_writes(swap, plan, fresh))
}

/// What is left to do of the reviewed plan in the world as it is now.
fn still_to_do<E>(
    swap: &Swap<'_>,
    fresh: &Observation,
    again: &Again<'_, E>,
    further: &Further<'_>,
) -> Result<Plan, NotCarriedOut<E>> {
    if let Some(moved) = carry::moved(swap.reviewed, fresh, further(fresh)) {
        return Err(NotCarriedOut::Moved(Box::new(moved)));
    }
    let now = again(fresh).map_err(NotCarriedOut::NoPlan)?;
    let blocking: Vec<Finding> = now.blocking().cloned().collect();
    if !blocking.is_empty() {
        return Err(NotCarriedOut::Blocked(blocking));
    }
    Ok(carry::left_of(swap.reviewed, now))
}

fn projected(swap: &Swap<'_>, world: &World) -> Result<Observation, ProjectError> {
    let environment = &swap.reviewed.intent.environment;
    let previous = Some(&swap.reviewed.observation);
    Observation::project(swap.topology, environment, world, previous)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}
