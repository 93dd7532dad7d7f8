//! The steps of core's walks: upgrade and read, plan, plan again, apply, each with core's checks.

use super::config;
use super::proposed::proposed_new;
use super::resource::{Action, Pending, Planned, ResourceDriver};
use super::state_file::{Stored, json};
use super::walk::{StateAnswer, Walk, broken};
use crate::contract::{
    Violation, check_applied, check_plan, check_replan, path_exists, settle, value_at,
};
use crate::{Diagnostics, Schema, Value};

impl ResourceDriver {
    pub(super) fn store(&mut self, walk: &Walk, state: &Value, private: Vec<u8>, tainted: bool) {
        let version = walk.resource_schema(&self.type_name).version.into();
        self.stored = (!state.is_null()).then(|| Stored {
            json: json(state),
            version,
            private,
            tainted,
        });
    }

    /// Brings the stored state up to date: always through `UpgradeResourceState`, then through `ReadResource`.
    pub(super) async fn refreshed(&self, walk: &Walk, read: bool) -> StateAnswer {
        let Some(stored) = &self.stored else {
            return StateAnswer {
                state: Value::Null,
                private: Vec::new(),
                diagnostics: Diagnostics::new(),
            };
        };
        let (state, mut diagnostics) = walk
            .upgrade(&self.type_name, stored.version, &stored.json)
            .await;
        if !read || diagnostics.has_errors() {
            return StateAnswer {
                state,
                private: stored.private.clone(),
                diagnostics,
            };
        }
        let answer = walk.read(&self.type_name, &state, &stored.private).await;
        diagnostics.extend(answer.diagnostics);
        if !answer.state.is_wholly_known() {
            diagnostics.push(broken(
                "Provider produced invalid object",
                "the state read is not wholly known",
            ));
        }
        StateAnswer {
            diagnostics,
            ..answer
        }
    }

    pub(super) async fn plan_as(
        &mut self,
        walk: &Walk,
        config: Option<Value>,
        refresh: bool,
    ) -> Planned {
        self.pending = None;
        let schema = walk.resource_schema(&self.type_name);
        let found = self.refreshed(walk, refresh).await;
        let mut diagnostics = found.diagnostics;
        if diagnostics.has_errors() {
            return Planned::failed(found.state, diagnostics);
        }
        let Some(config) = config else {
            return self
                .plan_gone(walk, &schema, found.state, found.private, diagnostics)
                .await;
        };
        let config = config::complete(&schema, config);
        diagnostics.extend(
            walk.validate_resource(&self.type_name, config.clone())
                .await,
        );
        if diagnostics.has_errors() {
            return Planned::failed(found.state, diagnostics);
        }
        let tainted = self.tainted() && !found.state.is_null();
        let prior = if tainted {
            Value::Null
        } else {
            found.state.clone()
        };
        let proposed = proposed_new(&schema, &prior, &config);
        let private = if tainted { &[][..] } else { &found.private };
        let mut answer = walk
            .plan(&self.type_name, &prior, &proposed, &config, private)
            .await;
        checked_plan(
            &schema,
            &config,
            &prior,
            &answer.planned,
            &mut answer.diagnostics,
        );
        let mut replace = Vec::new();
        if !prior.is_null() {
            for path in answer.requires_replace {
                if !path_exists(&path, &prior, &answer.planned) {
                    let problem = format!("no attribute `{path}` to replace for");
                    answer
                        .diagnostics
                        .push(broken("Provider produced invalid plan", &problem));
                } else if value_at(&prior, &path) != value_at(&answer.planned, &path) {
                    replace.push(path);
                }
            }
        }
        diagnostics.extend(answer.diagnostics);
        if diagnostics.has_errors() {
            return Planned::failed(found.state, diagnostics);
        }
        let (mut planned, mut planned_private) = (answer.planned, answer.private);
        let action = if tainted || !replace.is_empty() {
            Action::Replace
        } else if prior.is_null() {
            Action::Create
        } else if planned == prior {
            Action::NoOp
        } else {
            Action::Update
        };
        if action == Action::Replace && !tainted {
            let proposed = proposed_new(&schema, &Value::Null, &config);
            let again = walk
                .plan(
                    &self.type_name,
                    &Value::Null,
                    &proposed,
                    &config,
                    &planned_private,
                )
                .await;
            // Core drops the warnings of this second call.
            diagnostics.extend(again.diagnostics.errors().cloned());
            checked_plan(
                &schema,
                &config,
                &Value::Null,
                &again.planned,
                &mut diagnostics,
            );
            if diagnostics.has_errors() {
                return Planned::failed(found.state, diagnostics);
            }
            (planned, planned_private) = (again.planned, again.private);
        }
        self.pending = Some(Pending {
            action,
            config,
            prior: found.state.clone(),
            private: found.private,
            planned: planned.clone(),
            planned_private,
        });
        Planned {
            action,
            prior: found.state,
            state: planned,
            requires_replace: replace,
            diagnostics,
        }
    }

    async fn plan_gone(
        &mut self,
        walk: &Walk,
        schema: &Schema,
        prior: Value,
        private: Vec<u8>,
        mut diagnostics: Diagnostics,
    ) -> Planned {
        let mut planned_private = private.clone();
        if !prior.is_null() {
            let mut answer = walk
                .plan(
                    &self.type_name,
                    &prior,
                    &Value::Null,
                    &Value::Null,
                    &private,
                )
                .await;
            checked_plan(
                schema,
                &Value::Null,
                &prior,
                &answer.planned,
                &mut answer.diagnostics,
            );
            diagnostics.extend(answer.diagnostics);
            planned_private = answer.private;
        }
        if diagnostics.has_errors() {
            return Planned::failed(prior, diagnostics);
        }
        let action = if prior.is_null() {
            Action::NoOp
        } else {
            Action::Destroy
        };
        self.pending = Some(Pending {
            action,
            config: Value::Null,
            prior: prior.clone(),
            private,
            planned: Value::Null,
            planned_private,
        });
        Planned {
            action,
            prior,
            state: Value::Null,
            requires_replace: Vec::new(),
            diagnostics,
        }
    }

    pub(super) async fn create(
        &mut self,
        walk: &Walk,
        pending: &Pending,
        diagnostics: &mut Diagnostics,
    ) {
        let Some((planned, private)) = self
            .replan(walk, pending, &Value::Null, &[], diagnostics)
            .await
        else {
            return;
        };
        let answer = walk
            .apply(
                &self.type_name,
                &Value::Null,
                &planned,
                &pending.config,
                &private,
            )
            .await;
        let (state, private) = checked_result(&planned, answer, diagnostics);
        self.store(walk, &state, private, diagnostics.has_errors());
    }

    pub(super) async fn update(
        &mut self,
        walk: &Walk,
        pending: &Pending,
        diagnostics: &mut Diagnostics,
    ) {
        let Some((planned, private)) = self
            .replan(walk, pending, &pending.prior, &pending.private, diagnostics)
            .await
        else {
            self.store(walk, &pending.prior, pending.private.clone(), false);
            return;
        };
        if planned == pending.prior {
            self.store(walk, &pending.prior, pending.private.clone(), false);
            return;
        }
        let answer = walk
            .apply(
                &self.type_name,
                &pending.prior,
                &planned,
                &pending.config,
                &private,
            )
            .await;
        let (state, private) = checked_result(&planned, answer, diagnostics);
        if state.is_null() && diagnostics.has_errors() {
            self.store(walk, &pending.prior, pending.private.clone(), false);
        } else {
            self.store(walk, &state, private, false);
        }
    }

    pub(super) async fn destroy_object(
        &mut self,
        walk: &Walk,
        pending: &Pending,
        diagnostics: &mut Diagnostics,
    ) {
        let (prior, private) = (&pending.prior, &pending.planned_private);
        let (upgraded, found) = walk
            .upgrade(&self.type_name, self.version(walk), &json(prior))
            .await;
        diagnostics.extend(found);
        if diagnostics.has_errors() {
            return;
        }
        let answer = walk
            .apply(
                &self.type_name,
                &upgraded,
                &Value::Null,
                &Value::Null,
                private,
            )
            .await;
        let (state, private) = checked_result(&Value::Null, answer, diagnostics);
        if state.is_null() && diagnostics.has_errors() {
            self.store(walk, prior, pending.private.clone(), false);
        } else {
            self.store(walk, &state, private, false);
        }
    }

    fn version(&self, walk: &Walk) -> i64 {
        walk.resource_schema(&self.type_name).version.into()
    }

    /// Plans once more in the apply walk. Its private data is what Apply receives.
    async fn replan(
        &self,
        walk: &Walk,
        pending: &Pending,
        prior: &Value,
        private: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Option<(Value, Vec<u8>)> {
        if !prior.is_null() {
            let (_, found) = walk
                .upgrade(&self.type_name, self.version(walk), &json(prior))
                .await;
            diagnostics.extend(found);
        }
        let schema = walk.resource_schema(&self.type_name);
        diagnostics.extend(
            walk.validate_resource(&self.type_name, pending.config.clone())
                .await,
        );
        if diagnostics.has_errors() {
            return None;
        }
        let proposed = proposed_new(&schema, prior, &pending.config);
        let answer = walk
            .plan(&self.type_name, prior, &proposed, &pending.config, private)
            .await;
        diagnostics.extend(answer.diagnostics);
        checked_plan(
            &schema,
            &pending.config,
            prior,
            &answer.planned,
            diagnostics,
        );
        if !diagnostics.has_errors() && answer.planned != *prior {
            let found = check_replan(&pending.planned, &answer.planned);
            report(
                "Provider produced inconsistent final plan",
                found,
                diagnostics,
            );
        }
        (!diagnostics.has_errors()).then_some((answer.planned, answer.private))
    }
}

impl Planned {
    pub(super) fn failed(prior: Value, diagnostics: Diagnostics) -> Self {
        Self {
            action: Action::NoOp,
            prior,
            state: Value::Null,
            requires_replace: Vec::new(),
            diagnostics,
        }
    }
}

fn checked_plan(
    schema: &Schema,
    config: &Value,
    prior: &Value,
    planned: &Value,
    diagnostics: &mut Diagnostics,
) {
    if !diagnostics.has_errors() {
        report(
            "Provider produced invalid plan",
            check_plan(schema, config, prior, planned),
            diagnostics,
        );
    }
}

/// Does what core does with the result of an apply: nulls what is unknown, then compares with the plan.
fn checked_result(
    planned: &Value,
    answer: StateAnswer,
    diagnostics: &mut Diagnostics,
) -> (Value, Vec<u8>) {
    diagnostics.extend(answer.diagnostics);
    let (state, unknown) = settle(answer.state, &Value::Null);
    report(
        "Provider returned invalid result object after apply",
        unknown,
        diagnostics,
    );
    if !diagnostics.has_errors() {
        report(
            "Provider produced inconsistent result after apply",
            check_applied(planned, &state),
            diagnostics,
        );
    }
    (state, answer.private)
}

fn report(summary: &str, found: Vec<Violation>, diagnostics: &mut Diagnostics) {
    diagnostics.extend(found.into_iter().map(|violation| {
        broken(
            summary,
            &format!("`{}` {}", violation.path, violation.problem),
        )
        .at(violation.path)
    }));
}
