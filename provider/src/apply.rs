//! Apply: takes the lease where anything will be written, looks again, refuses if anything moved
//! since the review, writes, reads back, and succeeds only if what was read back is what was
//! planned.

use std::{sync::Arc, time::SystemTime};

use gigadb_clients::run::UnderWay;
use gigadb_engine::{
    changes::ChangeSet,
    due,
    evidence::Evidence,
    executor::{End, Outcome},
    intent::Mode,
    message::Message,
    observation::{Observation, ProjectError, environment_of},
    plan::Plan,
    rules::{Rule, unchanged_since_plan},
    topology::Environment,
    verify::{Difference, verify_plan},
    view::View,
    world::Zone,
};
use tfplug::{ApplyRequest, ApplyResponse, ChangeKind, Diagnostic, Diagnostics, Value};

use crate::{
    config::Assignment,
    decision::{self, Decided, Decision},
    diagnostics, execution,
    plan::{forgotten, same_topology},
    private, probing,
    run::{self, Refused},
    session::{Ready, Session},
    state,
};

/// Carries out a create, an update or a destroy.
pub(crate) async fn apply(session: &Session, request: ApplyRequest) -> ApplyResponse {
    if request.kind() == ChangeKind::Destroy {
        return ApplyResponse::destroyed().with([forgotten(&request.prior_state)]);
    }
    match Reviewed::of(session, &request).await {
        Ok(reviewed) => reviewed.apply(&request).await,
        Err(diagnostics) => ApplyResponse::failed(diagnostics),
    }
}

/// What was reviewed, before the world is looked at again.
struct Reviewed {
    ready: Arc<Ready>,
    wanted: Assignment,
    /// What the review was made from.
    observation: Observation,
    decision: Decision,
    evidence: Evidence,
}

impl Reviewed {
    async fn of(session: &Session, request: &ApplyRequest) -> Result<Self, Diagnostics> {
        let wanted = Assignment::read(&request.config)?;
        let ready = session.ready()?;
        let observation = private::read(&request.planned_private)
            .filter(|observation| observation.environment == wanted.environment)
            .ok_or_else(|| no_review(&wanted))?;
        same_topology(&ready, &wanted, &observation)?;
        let evidence = ready.evidence().await;
        let decided = decide(
            &ready,
            &wanted,
            &request.prior_state,
            &observation,
            &evidence,
        )?;
        if let Decision::Change(plan) = &decided.decision
            && !state::shows(&request.planned_state, &plan.desired)
        {
            return Err(no_review(&wanted).into());
        }
        Ok(Self {
            ready,
            wanted,
            observation,
            decision: decided.decision,
            evidence,
        })
    }

    async fn apply(&self, request: &ApplyRequest) -> ApplyResponse {
        let plan = match &self.decision {
            Decision::Change(plan) if !plan.changes.stages.is_empty() => plan,
            Decision::Change(plan) => {
                let mut response = self.go_on(request, None, None).await;
                if !response.diagnostics.has_errors() {
                    let told = run::settle_left_lease(&self.ready, plan).await;
                    response.diagnostics.extend(told);
                }
                return response;
            }
            Decision::Keep(_) => return self.go_on(request, None, None).await,
        };
        let reach = match self.ready.reach() {
            Ok(reach) => reach,
            Err(diagnostic) => return ApplyResponse::failed(diagnostic),
        };
        let reason = run::reason(&request.config);
        let cancel = &request.context.cancel;
        let begun = run::begin(&self.ready, reach, plan, reason.as_deref(), cancel).await;
        let (mut run, zones) = match begun {
            Ok(begun) => begun,
            Err(Refused::InTheWay(why)) => return ApplyResponse::failed(why),
            Err(Refused::Stopped) => return ApplyResponse::failed(stopped(&self.wanted)),
        };
        let mut response = self.go_on(request, zones, Some(&mut run)).await;
        let environment = self.wanted.environment.as_str();
        let told = run::end(environment, run).await;
        response.diagnostics.extend(told);
        response
    }

    async fn go_on(
        &self,
        request: &ApplyRequest,
        zones: Option<Vec<Zone>>,
        run: Option<&mut UnderWay<'_>>,
    ) -> ApplyResponse {
        match self.look_again(request, zones.as_deref()).await {
            Ok(job) => job.run(request, run).await,
            Err(diagnostics) => ApplyResponse::failed(diagnostics),
        }
    }

    async fn look_again(
        &self,
        request: &ApplyRequest,
        zones: Option<&[Zone]>,
    ) -> Result<Job<'_>, Diagnostics> {
        let Self {
            ready,
            wanted,
            observation: reviewed,
            decision,
            evidence,
        } = self;
        let cancel = &request.context.cancel;
        let fresh = ready
            .observe_afresh(&wanted.environment, reviewed, zones, cancel)
            .await;
        if cancel.is_cancelled() {
            return Err(stopped(wanted).into());
        }
        let fresh = fresh?;
        let work = match decision {
            Decision::Keep(_) => Work::Keep,
            Decision::Change(plan) => {
                unmoved(ready, wanted, request, plan, reviewed, &fresh)?;
                match decide(ready, wanted, &request.prior_state, &fresh, evidence)?.decision {
                    Decision::Change(now) => Work::Change {
                        reviewed: plan,
                        now,
                    },
                    Decision::Keep(_) => return Err(no_review(wanted).into()),
                }
            }
        };
        Ok(Job {
            ready,
            wanted,
            fresh,
            work,
        })
    }
}

/// Everything that an apply needs, after it has looked again and found nothing moved.
struct Job<'a> {
    ready: &'a Ready,
    wanted: &'a Assignment,
    /// What is there now.
    fresh: Observation,
    work: Work<'a>,
}

enum Work<'a> {
    /// The plan as reviewed, and as it is now.
    Change { reviewed: &'a Plan, now: Box<Plan> },
    /// Roles were traded elsewhere, and that is left alone.
    Keep,
}

fn decide(
    ready: &Ready,
    wanted: &Assignment,
    prior: &Value,
    observation: &Observation,
    evidence: &Evidence,
) -> Result<Decided, Diagnostics> {
    let topology = &ready.topology;
    match prior.get("production").as_str() {
        Some(established) => decision::update(topology, wanted, established, observation, evidence),
        None => decision::create(topology, wanted, observation, evidence),
    }
}

/// Rule `unchanged-since-plan`, against private data and against the reviewed from-values.
fn unmoved(
    ready: &Ready,
    wanted: &Assignment,
    request: &ApplyRequest,
    plan: &Plan,
    reviewed: &Observation,
    fresh: &Observation,
) -> Result<(), Diagnostics> {
    let sides = sides(plan);
    let mut moved = unchanged_since_plan::moved(reviewed, fresh, &plan.desired, sides);
    let present = View::observed(table(ready, wanted)?, sides, fresh);
    for change in state::moved(&request.prior_state, &plan.desired, &present, fresh) {
        if !moved.iter().any(|known| known.object == change.object) {
            moved.push(change);
        }
    }
    match unchanged_since_plan::finding(&moved, wanted.environment.as_str()) {
        None => Ok(()),
        Some(finding) => Err(diagnostics::findings(
            wanted.environment.as_str(),
            [&finding],
        )),
    }
}

fn table<'a>(ready: &'a Ready, wanted: &Assignment) -> Result<&'a Environment, Diagnostic> {
    environment_of(&ready.topology, &wanted.environment)
        .map_err(|error| diagnostics::unobservable(wanted.environment.as_str(), &error))
}

fn sides(plan: &Plan) -> [&gigadb_engine::name::InfrastructureName; 2] {
    let pair = &plan.intent.arrangement;
    [&pair.production, &pair.hot_standby]
}

/// How a run ended.
struct Ended<'a> {
    plan: &'a Plan,
    changes: ChangeSet,
    /// None where there was nothing to write.
    outcome: Option<Outcome>,
    /// What is there now, or why that could not be read.
    after: Result<Observation, ProjectError>,
    /// What probes before and after writing found.
    probed: Diagnostics,
}

impl Job<'_> {
    /// `run` is the run that was begun because something was to be written.
    async fn run(self, request: &ApplyRequest, run: Option<&mut UnderWay<'_>>) -> ApplyResponse {
        match &self.work {
            Work::Keep => self.keep(request),
            Work::Change { reviewed, now } => {
                let changes = now.changes.towards(&reviewed.desired);
                let ended = if changes.is_empty() {
                    Ended {
                        plan: reviewed,
                        changes,
                        outcome: None,
                        after: Ok(self.fresh.clone()),
                        probed: Diagnostics::new(),
                    }
                } else {
                    let Some(run) = run else {
                        return ApplyResponse::failed(no_review(self.wanted));
                    };
                    let cancel = &request.context.cancel;
                    let probed =
                        probing::before_writing(self.ready, self.wanted, now, cancel).await;
                    let written = match &probed {
                        Ok(_) => self.write(reviewed, now, changes, run, request).await,
                        Err(unready) => return ApplyResponse::failed(unready.clone()),
                    };
                    match written {
                        Ok(mut ended) => {
                            ended.probed.extend(probed.unwrap_or_default());
                            ended
                        }
                        Err(diagnostic) => return ApplyResponse::failed(diagnostic),
                    }
                };
                self.judged(request, &ended)
            }
        }
    }

    fn keep(&self, request: &ApplyRequest) -> ApplyResponse {
        let shown = table(self.ready, self.wanted).ok().and_then(|environment| {
            let sides = state::arrangement(&request.prior_state)?;
            let view = state::observed(environment, &sides, &self.fresh, &request.prior_state);
            Some(state::shows(&request.planned_state, &view))
        });
        if shown != Some(true) {
            return ApplyResponse::failed(no_review(self.wanted));
        }
        ApplyResponse::new(request.planned_state.clone(), private::write(&self.fresh))
    }

    async fn write<'a>(
        &self,
        reviewed: &'a Plan,
        now: &Plan,
        changes: ChangeSet,
        run: &mut UnderWay<'_>,
        request: &ApplyRequest,
    ) -> Result<Ended<'a>, Diagnostic> {
        let reach = self.ready.reach()?;
        reach.world.invalidate();
        let outcome = run
            .carry_out(&changes, &request.context.cancel)
            .await
            .map_err(|told| run::error(self.wanted.environment.as_str(), &told))?;
        let completed = outcome.end == End::Completed;
        let settled = |after: &Observation| !completed || self.missing(reviewed, after).is_empty();
        let after = self
            .ready
            .read_back(
                &reach.apis,
                &self.wanted.environment,
                &now.observation,
                settled,
            )
            .await
            .map(|after| Observation {
                // What an assumption said of the lost side is not what EC2 said.
                sides: self.fresh.sides.clone(),
                ..after
            });
        reach.world.invalidate();
        let probed = if completed {
            probing::afterwards(self.ready, self.wanted, now, &request.context.cancel).await
        } else {
            Diagnostics::new()
        };
        Ok(Ended {
            plan: reviewed,
            changes,
            outcome: Some(outcome),
            after,
            probed,
        })
    }

    /// Everything that was planned and is not there.
    fn missing(&self, plan: &Plan, after: &Observation) -> Vec<Difference> {
        let Ok(environment) = table(self.ready, self.wanted) else {
            return Vec::new();
        };
        verify_plan(environment, plan, after).differences
    }

    fn judged(&self, request: &ApplyRequest, ended: &Ended<'_>) -> ApplyResponse {
        let missing = match &ended.after {
            Ok(after) => self.missing(ended.plan, after),
            Err(unread) => return self.unread(request, ended, unread),
        };
        let private = ended.after.as_ref().map(private::write).unwrap_or_default();
        let environment = self.wanted.environment.as_str();
        if missing.is_empty() {
            let mut response = ApplyResponse::new(request.planned_state.clone(), private);
            response
                .diagnostics
                .extend(diagnostics::owed(environment, &ended.plan.owed));
            response.diagnostics.extend(self.uneven(ended));
            response.diagnostics.extend(ended.probed.clone());
            response.diagnostics.extend(self.due(ended));
            return response;
        }
        let diagnostic = self.failure(ended, &missing);
        if request.prior_state.is_null() {
            return ApplyResponse::failed(diagnostic);
        }
        let mut state = request.prior_state.clone();
        if let (Ok(after), Ok(environment), Some(roles)) = (
            &ended.after,
            table(self.ready, self.wanted),
            state::arrangement(&request.prior_state),
        ) {
            let view = state::observed(environment, &roles, after, &request.prior_state);
            state::show(&mut state, &view);
        }
        let mut response = ApplyResponse::new(state, private);
        response.diagnostics.push(diagnostic);
        if ended.plan.intent.changes_production && self.holds_apex(ended) {
            response.diagnostics.extend(self.due(ended));
        }
        response
    }

    /// What no record and no variable does by itself, once something was written.
    fn due(&self, ended: &Ended<'_>) -> Option<Diagnostic> {
        ended.outcome.as_ref()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs());
        let due = due::due(&self.ready.topology, ended.plan, now);
        diagnostics::due(self.wanted.environment.as_str(), &due)
    }

    /// The world is as planned, although the run did not go as planned.
    fn uneven(&self, ended: &Ended<'_>) -> Option<Diagnostic> {
        let outcome = ended.outcome.as_ref()?;
        let cause = outcome.cause.as_ref()?;
        Some(Diagnostic::warning(
            format!(
                "{} apply: not everything was answered, yet all is as planned",
                self.wanted.environment
            ),
            format!(
                "{} What was read back is what was planned.\n{}",
                diagnostics::sentence(cause),
                execution::account(&ended.changes, outcome)
            ),
        ))
    }

    fn failure(&self, ended: &Ended<'_>, missing: &[Difference]) -> Diagnostic {
        let environment = &self.wanted.environment;
        let production = &ended.plan.intent.arrangement.production;
        let nothing = "Nothing was changed.".to_owned();
        let changed = ended.outcome.as_ref().map_or(nothing, |outcome| {
            execution::account(&ended.changes, outcome)
        });
        let unread = ended.after.as_ref();
        let unread = unread.map(|after| execution::unread(after, &ended.plan.desired));
        let unread = unread.unwrap_or_default();
        let all_unread = missing.iter().all(|one| unread.contains_key(&one.object));
        let cause = ended
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.cause.clone())
            .unwrap_or_else(|| match unread.values().next() {
                Some(why) if all_unread => {
                    format!("what was written could not be read back: {why}")
                }
                _ => "what was read back is not what was planned".to_owned(),
            });
        let end = ended.outcome.as_ref().map(|outcome| outcome.end);
        let promoted = self.wanted.mode == Mode::Failover && self.holds_apex(ended);
        let (summary, next) = if promoted {
            (
                format!(
                    "failover done: production is {production}; {} owed",
                    diagnostics::items(missing.len())
                ),
                "Plan and apply again once what is owed can be reached: the next plan shows it as drift.",
            )
        } else {
            match end {
                Some(End::NothingChanged) | None => (
                    format!("{environment} apply: nothing was changed"),
                    "Remove the cause, then plan and apply again.",
                ),
                Some(End::Reverted) => (
                    format!("{environment} apply: what was changed was put back"),
                    "Remove the cause, then plan and apply again.",
                ),
                Some(End::PartlyApplied | End::Open) => (
                    format!("{environment} apply: partly done"),
                    "Plan again: the plan shows what is left. Apply it, or set `production` back to go back.",
                ),
                Some(End::Completed) if all_unread => (
                    format!("{environment} apply: what was written could not be read back"),
                    "Plan again when GitLab answers: the plan shows what is left. Until then the state keeps the former values.",
                ),
                Some(End::Completed) => (
                    format!("{environment} apply: written, but not as planned when read back"),
                    "Find out who else writes these, then plan again.",
                ),
            }
        };
        let undone = matches!(end, Some(End::NothingChanged | End::Reverted));
        let object = if undone {
            format!("environment `{environment}`; nothing of this run is in force")
        } else {
            format!(
                "environment `{environment}`, not as planned:{}",
                execution::differences(missing, &unread)
            )
        };
        let what = diagnostics::sentence(&cause);
        diagnostics::error(
            summary,
            &Message {
                what,
                object,
                changed,
                next: next.to_owned(),
            },
        )
    }

    fn holds_apex(&self, ended: &Ended<'_>) -> bool {
        let (Ok(after), Ok(environment)) = (&ended.after, table(self.ready, self.wanted)) else {
            return false;
        };
        after.apex_holder(environment) == Some(&ended.plan.intent.arrangement.production)
    }

    /// Reading back failed: the state stays as it was, and the message says what was done.
    fn unread(
        &self,
        request: &ApplyRequest,
        ended: &Ended<'_>,
        unread: &ProjectError,
    ) -> ApplyResponse {
        let environment = &self.wanted.environment;
        let changed = ended.outcome.as_ref().map_or_else(
            || "Nothing was changed.".to_owned(),
            |outcome| execution::account(&ended.changes, outcome),
        );
        let diagnostic = diagnostics::not_read_back(environment.as_str(), unread, changed);
        if request.prior_state.is_null() {
            return ApplyResponse::failed(diagnostic);
        }
        let mut response =
            ApplyResponse::new(request.prior_state.clone(), request.planned_private.clone());
        response.diagnostics.push(diagnostic);
        response
    }
}

fn no_review(wanted: &Assignment) -> Diagnostic {
    diagnostics::error(
        format!(
            "{} {}: the plan is not of the world as it is now",
            wanted.environment,
            Rule::UnchangedSincePlan
        ),
        &Message::nothing_changed(
            "What was planned does not follow any more from what was observed.",
            format!("environment `{}`", wanted.environment),
            "Plan again and review the new plan.",
        ),
    )
}

fn stopped(wanted: &Assignment) -> Diagnostic {
    diagnostics::error(
        format!(
            "{} apply: stopped before anything was written",
            wanted.environment
        ),
        &Message::nothing_changed(
            "The run was stopped.",
            format!("environment `{}`", wanted.environment),
            "Plan and apply again.",
        ),
    )
}
