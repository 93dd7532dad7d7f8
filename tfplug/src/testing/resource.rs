//! One resource instance through its life.

use super::Driver;
use super::state_file::Stored;
use super::walk::{Walk, broken};
use crate::{AttributePath, Diagnostics, Value};

/// One resource instance: its stored state, and the plan made last.
#[derive(Clone)]
pub struct ResourceDriver {
    pub(super) driver: Driver,
    pub(super) type_name: String,
    pub(super) stored: Option<Stored>,
    pub(super) pending: Option<Pending>,
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
pub(super) struct Pending {
    pub(super) action: Action,
    pub(super) config: Value,
    /// The refreshed state, and its private data.
    pub(super) prior: Value,
    pub(super) private: Vec<u8>,
    pub(super) planned: Value,
    pub(super) planned_private: Vec<u8>,
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

    pub(super) fn tainted(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.tainted)
    }

    fn applied(&self, diagnostics: Diagnostics) -> Applied {
        Applied {
            state: self.state(),
            tainted: self.tainted(),
            diagnostics,
        }
    }
}
