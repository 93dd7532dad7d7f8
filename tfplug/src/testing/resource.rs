//! One resource instance through its life.

use super::proposed::proposed_new;
use super::state_file::{Stored, json};
use super::walk::{StateAnswer, Walk, broken};
use super::{Driver, config};
use crate::contract::{
    Violation, check_applied, check_plan, check_replan, path_exists, settle, value_at,
};
use crate::{AttributePath, Diagnostics, Schema, Value};

/// One resource instance: its stored state, and the plan made last.
#[derive(Clone)]
pub struct ResourceDriver {
    driver: Driver,
    type_name: String,
    stored: Option<Stored>,
    pending: Option<Pending>,
}

/// What Terraform would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the plan is empty.
    NoOp,
    /// Create the object.
    Create,
    /// Change it in place.
    Update,
    /// Destroy it and create it anew.
    Replace,
    /// Destroy it.
    Destroy,
}

/// A plan as a reviewer sees it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What Terraform would do; [`Action::NoOp`] beside errors.
    pub action: Action,
    /// The state as refreshed; null for a create.
    pub prior: Value,
    /// The planned state; null for a destroy and beside errors.
    pub state: Value,
    /// The attributes that force the replacement.
    pub requires_replace: Vec<AttributePath>,
    /// Errors and warnings of upgrade, read, validation and plan.
    pub diagnostics: Diagnostics,
}

/// What an apply left behind.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The state as stored now; null if there is none.
    pub state: Value,
    /// Whether the stored object is tainted: its creation failed half-way.
    pub tainted: bool,
    /// Errors and warnings of the apply walk.
    pub diagnostics: Diagnostics,
}

/// What a refresh found.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The state as stored now; null if the object is gone.
    pub state: Value,
    /// Errors and warnings of upgrade and read.
    pub diagnostics: Diagnostics,
}

/// A saved plan: what the plan file holds.
#[derive(Clone)]
struct Pending {
    action: Action,
    config: Value,
    /// The refreshed state, and its private data.
    prior: Value,
    private: Vec<u8>,
    planned: Value,
    planned_private: Vec<u8>,
}

impl ResourceDriver {
    pub(super) fn new(driver: Driver, type_name: &str) -> Self {
        Self {
            driver,
            type_name: type_name.to_owned(),
            stored: None,
            pending: None,
        }
    }

    /// Plans as `terraform plan` does: upgrade, refresh, validate, plan. Attributes left out of the configuration are null.
    pub async fn plan(&mut self, config: Value) -> Planned {
        match self.driver.walk().await {
            Ok(walk) => self.plan_in(&walk, config).await,
            Err(diagnostics) => Planned::failed(Value::Null, diagnostics),
        }
    }

    /// Plans as `terraform plan -refresh=false` does.
    pub async fn plan_without_refresh(&mut self, config: Value) -> Planned {
        match self.driver.walk().await {
            Ok(walk) => self.plan_as(&walk, Some(config), false).await,
            Err(diagnostics) => Planned::failed(Value::Null, diagnostics),
        }
    }

    /// Plans within a walk that other resources and data sources share.
    pub async fn plan_in(&mut self, walk: &Walk, config: Value) -> Planned {
        self.plan_as(walk, Some(config), true).await
    }

    /// Plans without refresh within a walk that other resources and data sources share.
    pub async fn plan_without_refresh_in(&mut self, walk: &Walk, config: Value) -> Planned {
        self.plan_as(walk, Some(config), false).await
    }

    /// Plans as `terraform plan -destroy` does.
    pub async fn plan_destroy(&mut self) -> Planned {
        match self.driver.walk().await {
            Ok(walk) => self.plan_as(&walk, None, true).await,
            Err(diagnostics) => Planned::failed(Value::Null, diagnostics),
        }
    }

    /// Applies the plan made last, as `terraform apply PLANFILE` does in a process of its own.
    pub async fn apply(&mut self) -> Applied {
        match self.driver.walk().await {
            Ok(walk) => self.apply_in(&walk).await,
            Err(diagnostics) => self.applied(diagnostics),
        }
    }

    /// Applies the plan made last, with a configuration whose unknowns have become known.
    pub async fn apply_with(&mut self, config: Value) -> Applied {
        match self.driver.walk().await {
            Ok(walk) => {
                let config = config::complete(&walk.resource_schema(&self.type_name), config);
                let Some(pending) = &mut self.pending else {
                    panic!("apply needs a plan first")
                };
                pending.config = config;
                self.apply_in(&walk).await
            }
            Err(diagnostics) => self.applied(diagnostics),
        }
    }

    /// Applies the plan made last within a walk that other resources share.
    pub async fn apply_in(&mut self, walk: &Walk) -> Applied {
        let Some(pending) = self.pending.take() else {
            panic!("apply needs a plan first")
        };
        let mut diagnostics = Diagnostics::new();
        match pending.action {
            Action::NoOp => self.store(walk, &pending.prior, pending.private, false),
            Action::Create => self.create(walk, &pending, &mut diagnostics).await,
            Action::Update => self.update(walk, &pending, &mut diagnostics).await,
            Action::Destroy => self.destroy_object(walk, &pending, &mut diagnostics).await,
            Action::Replace => {
                self.destroy_object(walk, &pending, &mut diagnostics).await;
                if !diagnostics.has_errors() {
                    self.create(walk, &pending, &mut diagnostics).await;
                }
            }
        }
        self.applied(diagnostics)
    }

    /// Plans and applies, as `terraform apply -auto-approve` does. Nothing is applied after an error in the plan.
    pub async fn plan_and_apply(&mut self, config: Value) -> Applied {
        let planned = self.plan(config).await;
        if planned.diagnostics.has_errors() {
            return self.applied(planned.diagnostics);
        }
        let mut applied = self.apply().await;
        applied.diagnostics.extend(planned.diagnostics);
        applied
    }

    /// Plans the destroy and applies it, as `terraform destroy -auto-approve` does.
    pub async fn destroy(&mut self) -> Applied {
        let planned = self.plan_destroy().await;
        if planned.diagnostics.has_errors() {
            return self.applied(planned.diagnostics);
        }
        let mut applied = self.apply().await;
        applied.diagnostics.extend(planned.diagnostics);
        applied
    }

    /// Refreshes and stores what was found, as `terraform apply -refresh-only` does.
    pub async fn refresh(&mut self) -> Refreshed {
        match self.driver.walk().await {
            Ok(walk) => self.refresh_in(&walk).await,
            Err(diagnostics) => Refreshed {
                state: self.state(),
                diagnostics,
            },
        }
    }

    /// Refreshes within a walk that other resources and data sources share.
    pub async fn refresh_in(&mut self, walk: &Walk) -> Refreshed {
        let found = self.refreshed(walk, true).await;
        if !found.diagnostics.has_errors() {
            let tainted = self.tainted();
            self.store(walk, &found.state, found.private, tainted);
        }
        Refreshed {
            state: self.state(),
            diagnostics: found.diagnostics,
        }
    }

    /// Imports by id and reads, as `terraform import` does.
    pub async fn import(&mut self, id: &str) -> Refreshed {
        let walk = match self.driver.walk().await {
            Ok(walk) => walk,
            Err(diagnostics) => {
                return Refreshed {
                    state: Value::Null,
                    diagnostics,
                };
            }
        };
        let imported = walk.import(&self.type_name, id).await;
        let mut diagnostics = imported.diagnostics;
        if !diagnostics.has_errors() {
            let read = walk
                .read(&self.type_name, &imported.state, &imported.private)
                .await;
            diagnostics.extend(read.diagnostics);
            if read.state.is_null() && !diagnostics.has_errors() {
                diagnostics.push(broken("Cannot import non-existent remote object", id));
            }
            if !diagnostics.has_errors() {
                self.store(&walk, &read.state, read.private, false);
            }
        }
        Refreshed {
            state: self.state(),
            diagnostics,
        }
    }

    /// Returns the stored state; null if there is none.
    ///
    /// It is read back from JSON text; call it only with a state of the present schema version.
    pub fn state(&self) -> Value {
        let Some(stored) = &self.stored else {
            return Value::Null;
        };
        let resources = (self.driver.new_provider)().resources();
        let resource = resources
            .iter()
            .find(|resource| resource.type_name() == self.type_name);
        let ty = resource
            .unwrap_or_else(|| panic!("no resource `{}`", self.type_name))
            .schema()
            .ty();
        crate::codec::decode_state(stored.json.as_bytes(), &ty)
            .unwrap_or_else(|error| panic!("the stored state does not fit the schema: {error}"))
    }

    /// Returns the JSON text of the stored state, as the state file would hold it.
    pub fn state_json(&self) -> Option<&str> {
        self.stored.as_ref().map(|stored| stored.json.as_str())
    }

    /// Returns the stored private data.
    pub fn private(&self) -> &[u8] {
        self.stored.as_ref().map_or(&[], |stored| &stored.private)
    }

    /// Stores a state of any schema version, as an earlier release of the provider would have left it.
    pub fn set_state(
        &mut self,
        version: i64,
        json: impl Into<String>,
        private: impl Into<Vec<u8>>,
    ) {
        let (json, private) = (json.into(), private.into());
        self.stored = Some(Stored {
            json,
            version,
            private,
            tainted: false,
        });
    }

    /// Marks the stored object for replacement, as `terraform taint` does.
    pub fn taint(&mut self) {
        let Some(stored) = &mut self.stored else {
            panic!("taint needs a state")
        };
        stored.tainted = true;
    }

    /// Forgets the stored object, as `terraform state rm` does.
    pub fn forget(&mut self) {
        self.stored = None;
    }

    fn tainted(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.tainted)
    }

    fn applied(&self, diagnostics: Diagnostics) -> Applied {
        Applied {
            state: self.state(),
            tainted: self.tainted(),
            diagnostics,
        }
    }

    fn store(&mut self, walk: &Walk, state: &Value, private: Vec<u8>, tainted: bool) {
        let version = walk.resource_schema(&self.type_name).version.into();
        self.stored = (!state.is_null()).then(|| Stored {
            json: json(state),
            version,
            private,
            tainted,
        });
    }

    /// Brings the stored state up to date: always through `UpgradeResourceState`, then through `ReadResource`.
    async fn refreshed(&self, walk: &Walk, read: bool) -> StateAnswer {
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

    async fn plan_as(&mut self, walk: &Walk, config: Option<Value>, refresh: bool) -> Planned {
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

    async fn create(&mut self, walk: &Walk, pending: &Pending, diagnostics: &mut Diagnostics) {
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

    async fn update(&mut self, walk: &Walk, pending: &Pending, diagnostics: &mut Diagnostics) {
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

    async fn destroy_object(
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
    fn failed(prior: Value, diagnostics: Diagnostics) -> Self {
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
