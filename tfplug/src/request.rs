//! One request and one response for each call. Values are decoded by the schema; private data is the resource's own bytes.

use crate::{AttributePath, Context, Diagnostic, Diagnostics, Value};

/// A configuration to check.
#[derive(Clone, Debug)]
pub struct ValidateConfigRequest {
    /// The configuration: an object of the schema, possibly with unknowns anywhere.
    pub config: Value,
    /// What accompanies every request.
    pub context: Context,
}

/// A provider block to take over.
#[derive(Clone, Debug)]
pub struct ConfigureRequest {
    /// The configuration: an object of the schema, possibly with unknowns in a plan.
    pub config: Value,
    /// Core's own version, Terraform's or OpenTofu's.
    pub terraform_version: String,
    /// What accompanies every request.
    pub context: Context,
}

/// A state written under an older schema version.
#[derive(Clone, Debug)]
pub struct UpgradeRequest {
    /// The version it was written under, smaller than the schema's.
    pub version: i64,
    /// The state's JSON text as it stands in the state file. Compare values, never bytes.
    pub json: Vec<u8>,
    /// What accompanies every request.
    pub context: Context,
}

/// An upgraded state, or why there is none.
#[derive(Clone, Debug)]
pub struct UpgradeResponse {
    /// The state under the present schema: a known object. Ignored beside an error.
    pub state: Value,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl UpgradeResponse {
    /// Returns an upgraded state.
    pub fn new(state: Value) -> Self {
        Self {
            state,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Returns a failure.
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            state: Value::Null,
            diagnostics: diagnostics.into(),
        }
    }
}

/// An object to read again.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The state as stored: a known object.
    pub state: Value,
    /// The private data stored with it.
    pub private: Vec<u8>,
    /// What accompanies every request.
    pub context: Context,
}

/// What reading found.
#[derive(Clone, Debug)]
pub struct ReadResponse {
    /// What became of the object. Ignored beside an error: then state and private data stay as they were.
    pub outcome: ReadOutcome,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// What became of an object.
#[derive(Clone, Debug)]
pub enum ReadOutcome {
    /// It is there.
    Found {
        /// The state now: a known object of the schema.
        state: Value,
        /// The private data to keep. Both plans will see it.
        private: Vec<u8>,
    },
    /// It certainly does not exist any more: core drops it from the state and plans to create it.
    Gone,
}

impl ReadResponse {
    /// Returns the object as it is now. Pass the request's private data on if nothing about it changed.
    pub fn found(state: Value, private: impl Into<Vec<u8>>) -> Self {
        Self {
            outcome: ReadOutcome::Found {
                state,
                private: private.into(),
            },
            diagnostics: Diagnostics::new(),
        }
    }

    /// Says that the object certainly does not exist any more. In doubt, fail.
    pub fn gone() -> Self {
        Self {
            outcome: ReadOutcome::Gone,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Returns a failure. State and private data stay as they were.
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            outcome: ReadOutcome::Found {
                state: Value::Null,
                private: Vec::new(),
            },
            diagnostics: diagnostics.into(),
        }
    }

    /// Returns the response with more diagnostics.
    #[must_use]
    pub fn with(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}

/// What a plan or an apply is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// There is no object yet, as far as core knows; also the second half of a replacement.
    Create,
    /// The object is to change in place (or to stay as it is).
    Update,
    /// The object is to go; also the first half of a replacement.
    Destroy,
}

/// A change to plan.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The state as refreshed: a known object, or null for a create.
    pub prior_state: Value,
    /// Core's proposal: the configuration where it is not null, else the prior value of computed attributes. Null for a destroy.
    pub proposed_new_state: Value,
    /// The configuration: an object, possibly with unknowns in the plan walk. Null for a destroy.
    pub config: Value,
    /// The private data that the last read left. In the create half of a replacement it is the first half's planned private data.
    pub prior_private: Vec<u8>,
    /// What accompanies every request.
    pub context: Context,
}

impl PlanRequest {
    /// Returns what is to be planned.
    pub fn kind(&self) -> ChangeKind {
        if self.config.is_null() {
            ChangeKind::Destroy
        } else if self.prior_state.is_null() {
            ChangeKind::Create
        } else {
            ChangeKind::Update
        }
    }
}

/// A planned change.
#[derive(Clone, Debug)]
pub struct PlanResponse {
    /// The planned object, with unknowns for what only apply can tell. Null for a destroy. Ignored beside an error.
    pub planned_state: Value,
    /// Attributes whose change forces a replacement; those that did not change have no effect.
    pub requires_replace: Vec<AttributePath>,
    /// The private data for the apply of the same walk.
    pub planned_private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl PlanResponse {
    /// Returns a plan. Pass the request's private data on, or what apply is to see.
    pub fn new(planned_state: Value, planned_private: impl Into<Vec<u8>>) -> Self {
        Self {
            planned_state,
            requires_replace: Vec::new(),
            planned_private: planned_private.into(),
            diagnostics: Diagnostics::new(),
        }
    }

    /// Returns the plan of a destroy.
    pub fn destroy() -> Self {
        Self::new(Value::Null, Vec::new())
    }

    /// Returns a failure.
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            diagnostics: diagnostics.into(),
            ..Self::new(Value::Null, Vec::new())
        }
    }

    /// Returns the plan with an attribute whose change forces a replacement.
    #[must_use]
    pub fn replace(mut self, path: impl Into<AttributePath>) -> Self {
        self.requires_replace.push(path.into());
        self
    }

    /// Returns the plan with more diagnostics.
    #[must_use]
    pub fn with(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}

/// A change to carry out.
#[derive(Clone, Debug)]
pub struct ApplyRequest {
    /// The state the plan started from: a known object, or null for a create.
    pub prior_state: Value,
    /// What was planned, with unknowns only where the plan left them. Null for a destroy.
    pub planned_state: Value,
    /// The configuration, wholly known. Null for a destroy.
    pub config: Value,
    /// The private data of the plan made in this same walk.
    pub planned_private: Vec<u8>,
    /// What accompanies every request.
    pub context: Context,
}

impl ApplyRequest {
    /// Returns what is to be done.
    pub fn kind(&self) -> ChangeKind {
        if self.planned_state.is_null() {
            ChangeKind::Destroy
        } else if self.prior_state.is_null() {
            ChangeKind::Create
        } else {
            ChangeKind::Update
        }
    }
}

/// What is true after an apply.
#[derive(Clone, Debug)]
pub struct ApplyResponse {
    /// The object as it is now, wholly known; null once destroyed.
    ///
    /// Beside an error: what is true. Null then means "nothing was created", and of an update or destroy "as before".
    pub new_state: Value,
    /// The private data to store with it.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl ApplyResponse {
    /// Returns the object as it is now.
    pub fn new(new_state: Value, private: impl Into<Vec<u8>>) -> Self {
        Self {
            new_state,
            private: private.into(),
            diagnostics: Diagnostics::new(),
        }
    }

    /// Says that the object is gone, after a destroy.
    pub fn destroyed() -> Self {
        Self::new(Value::Null, Vec::new())
    }

    /// Returns a failure that changed nothing: no object after a create, the prior one after an update or destroy.
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            diagnostics: diagnostics.into(),
            ..Self::destroyed()
        }
    }

    /// Returns the response with more diagnostics.
    #[must_use]
    pub fn with(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}

/// An existing object to find.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// What the user typed.
    pub id: String,
    /// What accompanies every request.
    pub context: Context,
}

/// The object found, or why there is none.
#[derive(Clone, Debug)]
pub struct ImportResponse {
    /// Enough of the object for a read to complete it: a known object. Ignored beside an error.
    pub state: Value,
    /// The private data that the following read receives.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl ImportResponse {
    /// Returns the object found.
    pub fn new(state: Value, private: impl Into<Vec<u8>>) -> Self {
        Self {
            state,
            private: private.into(),
            diagnostics: Diagnostics::new(),
        }
    }

    /// Returns a failure.
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            diagnostics: diagnostics.into(),
            ..Self::new(Value::Null, Vec::new())
        }
    }
}

/// A data source to read.
#[derive(Clone, Debug)]
pub struct ReadDataRequest {
    /// The configuration, wholly known.
    pub config: Value,
    /// What accompanies every request.
    pub context: Context,
}

/// The data, or why there is none.
#[derive(Clone, Debug)]
pub struct ReadDataResponse {
    /// The data: a known object with the configuration's values in it. Ignored beside an error.
    pub state: Value,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl ReadDataResponse {
    /// Returns the data.
    pub fn new(state: Value) -> Self {
        Self {
            state,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Returns a failure.
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            state: Value::Null,
            diagnostics: diagnostics.into(),
        }
    }

    /// Returns the response with more diagnostics.
    #[must_use]
    pub fn with(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}
