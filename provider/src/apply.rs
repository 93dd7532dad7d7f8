//! Apply: carries out what was reviewed through the one door for writes, and succeeds only if what
//! was read back is what was planned.

use std::{collections::BTreeMap, sync::Arc};

use gigadb_clients::{
    run::{Nobody, Told},
    swap::{Carried, NotCarriedOut, Swap},
};
use gigadb_engine::{
    carry::{Ending, Whole},
    evidence::Evidence,
    finding::Rule,
    message::{Message, clock, sentence},
    observation::{Observation, environment_of},
    plan::Plan,
    rules::unchanged_since_plan::Moved,
    topology::Environment,
    view::View,
};
use tfplug::{ApplyRequest, ApplyResponse, ChangeKind, Diagnostic, Diagnostics, Value};

use crate::{
    config::Assignment,
    decision::{self, Decided, Decision},
    diagnostics,
    plan::{forgotten, same_topology},
    private, probing,
    session::{Ready, Session},
    state,
};

/// The program, as leases and journals name it.
const PROGRAM: &str = concat!("terraform-provider-gigadb ", env!("CARGO_PKG_VERSION"));

/// Carries out a create, an update or a destroy.
pub(crate) async fn apply(session: &Session, request: ApplyRequest) -> ApplyResponse {
    if request.kind() == ChangeKind::Destroy {
        return ApplyResponse::destroyed().with([forgotten(&request.prior_state)]);
    }
    let reviewed = match Reviewed::of(session, &request).await {
        Ok(reviewed) => reviewed,
        Err(diagnostics) => return ApplyResponse::failed(diagnostics),
    };
    let applied = match &reviewed.decision {
        Decision::Change(plan) => Box::pin(reviewed.carry_out(&request, plan)).await,
        Decision::Keep(_) => reviewed.keep(&request).await,
    };
    applied.unwrap_or_else(ApplyResponse::failed)
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
    /// Every configured attribute comes from the planned state: under `ignore_changes` core plans
    /// with another configuration than the one that it hands to an apply.
    async fn of(session: &Session, request: &ApplyRequest) -> Result<Self, Diagnostics> {
        let wanted = Assignment::read(&request.planned_state)?;
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

    /// Roles were traded elsewhere, and that is left alone: as long as it still is so.
    async fn keep(&self, request: &ApplyRequest) -> Result<ApplyResponse, Diagnostics> {
        let cancel = &request.context.cancel;
        let fresh = self
            .ready
            .observe_afresh(&self.wanted.environment, &self.observation, cancel)
            .await;
        if cancel.is_cancelled() {
            return Err(stopped(&self.wanted).into());
        }
        let fresh = fresh?;
        let shown = self.table().ok().and_then(|environment| {
            let sides = state::arrangement(&request.prior_state)?;
            let view = state::observed(environment, &sides, &fresh, &request.prior_state);
            Some(state::shows(&request.planned_state, &view))
        });
        if shown != Some(true) {
            return Err(no_review(&self.wanted).into());
        }
        let state = request.planned_state.clone();
        Ok(ApplyResponse::new(state, private::write(&fresh)))
    }

    async fn carry_out(
        &self,
        request: &ApplyRequest,
        plan: &Plan,
    ) -> Result<ApplyResponse, Diagnostics> {
        let reach = self.ready.reach()?;
        let https = self.wanted.https_check(self.ready.https_mode);
        let probed = probing::probed_in_this_walk(&self.ready, &self.wanted, plan);
        let swap = Swap {
            topology: &self.ready.topology,
            reviewed: plan,
            reason: request.planned_state.get("reason").as_str(),
            program: PROGRAM,
            follows: None,
            completes: None,
            https: &https,
            probe_first: !probed,
            shared: Some(&reach.world),
            watch: &Nobody,
        };
        let again = |fresh: &Observation| self.again(request, fresh);
        let further = |fresh: &Observation| self.further(request, plan, fresh);
        let cancel = &request.context.cancel;
        let run = reach.apis.carry_out(&swap, &again, &further, cancel).await;
        let mut response = match run.result {
            Ok(carried) => self.ended(request, &carried),
            Err(why) => ApplyResponse::failed(self.refused(why)),
        };
        let environment = self.wanted.environment.as_str();
        response
            .diagnostics
            .extend(told(environment, &run.warnings));
        Ok(response)
    }

    /// The same intent, planned from the world as it is now.
    fn again(&self, request: &ApplyRequest, fresh: &Observation) -> Result<Plan, Diagnostics> {
        let (ready, wanted) = (&self.ready, &self.wanted);
        match decide(ready, wanted, &request.prior_state, fresh, &self.evidence)?.decision {
            Decision::Change(now) => Ok(*now),
            Decision::Keep(_) => Err(no_review(wanted).into()),
        }
    }

    /// What the state that was reviewed shows, and is neither there now nor what was planned.
    fn further(&self, request: &ApplyRequest, plan: &Plan, fresh: &Observation) -> Vec<Moved> {
        let Ok(environment) = self.table() else {
            return Vec::new();
        };
        let pair = &plan.intent.arrangement;
        let sides = [&pair.production, &pair.hot_standby];
        let present = View::observed(environment, sides, fresh);
        state::moved(&request.prior_state, &plan.desired, &present, fresh)
    }

    fn table(&self) -> Result<&Environment, Diagnostic> {
        environment_of(&self.ready.topology, &self.wanted.environment)
            .map_err(|error| diagnostics::unobservable(self.wanted.environment.as_str(), &error))
    }

    /// Why nothing was written.
    fn refused(&self, why: NotCarriedOut<Diagnostics>) -> Diagnostics {
        let environment = self.wanted.environment.as_str();
        match why {
            NotCarriedOut::Refused(told) => {
                diagnostics::error(summary(environment, &told), &told.message).into()
            }
            NotCarriedOut::Unread(error) => diagnostics::unobservable(environment, &error).into(),
            NotCarriedOut::Moved(finding) => diagnostics::findings(environment, [&*finding]),
            NotCarriedOut::NoPlan(diagnostics) => diagnostics,
            NotCarriedOut::Blocked(findings) => diagnostics::findings(environment, &findings),
            NotCarriedOut::NoProbe(error) => probing::impossible(&self.wanted, &error).into(),
            NotCarriedOut::Stopped => stopped(&self.wanted).into(),
        }
    }

    fn ended(&self, request: &ApplyRequest, carried: &Carried) -> ApplyResponse {
        let ending = &carried.ending;
        let environment = self.wanted.environment.as_str();
        let due = diagnostics::due(environment, &carried.due);
        let as_planned = matches!(ending.whole, Whole::Done | Whole::NothingToWrite);
        if let (Ok(after), true) = (&ending.after, as_planned && ending.differences.is_empty()) {
            let state = request.planned_state.clone();
            let mut response = ApplyResponse::new(state, private::write(after));
            let told = &mut response.diagnostics;
            told.extend(diagnostics::owed(environment, &ending.owed));
            told.extend(self.uneven(ending));
            told.extend(probing::afterwards(&self.wanted, &carried.probed_after));
            told.extend(due);
            return response;
        }
        let diagnostic = self.failure(carried);
        if request.prior_state.is_null() {
            return ApplyResponse::failed(diagnostic);
        }
        let mut state = request.prior_state.clone();
        let mut private = request.planned_private.clone();
        if let Ok(after) = &ending.after {
            private = private::write(after);
            let roles = state::arrangement(&request.prior_state);
            if let (Ok(environment), Some(roles)) = (self.table(), roles) {
                let view = state::observed(environment, &roles, after, &request.prior_state);
                state::show(&mut state, &view);
            }
        }
        let mut response = ApplyResponse::new(state, private);
        response.diagnostics.push(diagnostic);
        response.diagnostics.extend(due);
        response
    }

    /// The world is as planned, although the run did not go as planned.
    fn uneven(&self, ending: &Ending) -> Option<Diagnostic> {
        let cause = ending.cause.as_ref()?;
        Some(Diagnostic::warning(
            format!(
                "{} apply: some requests got no answer, but the result matches the plan",
                self.wanted.environment
            ),
            format!(
                "{} What was read back is what was planned.\n{}",
                sentence(cause),
                ending.changed()
            ),
        ))
    }

    fn failure(&self, carried: &Carried) -> Diagnostic {
        let ending = &carried.ending;
        let environment = &self.wanted.environment;
        let production = &ending.plan.intent.arrangement.production;
        let remedy = &ending.remedy;
        let again = || remedy.then("plan and apply again");
        let first = remedy.before();
        let (summary, next) = match ending.whole {
            Whole::Owing => (
                format!(
                    "failover done: production is {production}; {} owed",
                    diagnostics::items(ending.owed.len())
                ),
                "Remove each cause, then plan and apply again: the next plan shows what is owed as drift.".to_owned(),
            ),
            Whole::NothingChanged => (
                format!("{environment} apply: nothing was changed"),
                again(),
            ),
            Whole::PutBack => (
                format!("{environment} apply: what was changed was put back"),
                again(),
            ),
            Whole::Partly => (
                format!("{environment} apply: partly done"),
                // Where the apex has moved, or may have, `production` set back alone is refused: rule
                // `external-swap`.
                if ending.plan.intent.changes_production() && ending.may_hold_apex {
                    format!("{first}Plan again: the plan shows what is left. Apply it; to go back, set `production` back after that, or set it back at once together with `on_external_swap = \"revert\"`.")
                } else {
                    format!("{first}Plan again: the plan shows what is left. Apply it, or set `production` back to go back.")
                },
            ),
            Whole::Open(until) => {
                let until = clock(until);
                let resume = carried.run.as_ref().map_or_else(String::new, |run| {
                    format!(" To go on at once, run `gigadb-roles resume {run}`.")
                });
                (
                    format!("{environment} apply: open until {until}"),
                    format!("After {until}, plan again: the plan shows what took effect.{resume}"),
                )
            }
            Whole::Unread => (
                format!("{environment} apply: what was written could not be read back"),
                format!("{first}Plan again when it can be read: the plan shows what is left. Until then the state keeps the former value of what could not be read."),
            ),
            Whole::NotShown | Whole::Done | Whole::NothingToWrite => (
                format!("{environment} apply: written, but not as planned when read back"),
                "A reading may lag behind a write: plan again in a minute. If they still differ, find out who else writes them.".to_owned(),
            ),
        };
        let list: Vec<String> = ending
            .not_as_planned()
            .iter()
            .map(|one| format!("\n             {one}"))
            .collect();
        let undone = matches!(ending.whole, Whole::NothingChanged | Whole::PutBack);
        let object = match (&ending.after, undone) {
            (Ok(_), true) if ending.differences.iter().all(|one| one.unread.is_none()) => {
                format!("environment `{environment}`; nothing of this run is in force")
            }
            _ if list.is_empty() => format!("environment `{environment}`"),
            _ => format!(
                "environment `{environment}`, not as planned:{}",
                list.concat()
            ),
        };
        diagnostics::error(
            summary,
            &Message {
                what: sentence(&ending.why()),
                object,
                changed: ending.changed(),
                next,
            },
        )
    }
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

/// What is told of lease and journal: one warning a topic.
fn told(environment: &str, warnings: &[Told]) -> Diagnostics {
    let mut topics: BTreeMap<&str, Diagnostic> = BTreeMap::new();
    for told in warnings {
        let detail = told.message.to_string();
        topics
            .entry(told.topic)
            .and_modify(|warning| {
                warning.detail.push_str("\n\n");
                warning.detail.push_str(&detail);
            })
            .or_insert_with(|| Diagnostic::warning(summary(environment, told), detail.clone()));
    }
    topics.into_values().collect()
}

fn summary(environment: &str, told: &Told) -> String {
    format!(
        "{environment} {}: {}",
        told.topic,
        diagnostics::summary_of(&told.message.what)
    )
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
