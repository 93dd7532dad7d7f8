//! What core may receive, whatever a resource returned. Pure functions: response in, truthful answer and broken rules out.

use crate::contract::{self, Violation, check_applied, check_plan, conform, path_exists, settle};
use crate::{
    ApplyRequest, ApplyResponse, AttributePath, ChangeKind, PlanRequest, PlanResponse, ReadOutcome,
    ReadRequest, ReadResponse, Schema, Type, Value,
};

/// A plan that core may receive.
pub(super) struct Plan {
    pub(super) planned_state: Value,
    pub(super) requires_replace: Vec<AttributePath>,
    pub(super) planned_private: Vec<u8>,
    pub(super) found: Vec<Violation>,
}

/// Guards a plan. Beside an error of any kind it is core's own proposal, which plans nothing.
pub(super) fn plan(
    schema: &Schema,
    ty: &Type,
    request: &PlanRequest,
    response: PlanResponse,
) -> Plan {
    let refused = |found| Plan {
        planned_state: request.proposed_new_state.clone(),
        requires_replace: Vec::new(),
        planned_private: request.prior_private.clone(),
        found,
    };
    if response.diagnostics.has_errors() {
        return refused(Vec::new());
    }
    let (planned, mut found) = conform(response.planned_state, ty, &request.proposed_new_state);
    if found.is_empty() {
        found = check_plan(schema, &request.config, &request.prior_state, &planned);
    }
    for path in &response.requires_replace {
        if request.kind() == ChangeKind::Update
            && !path_exists(path, &request.prior_state, &planned)
        {
            let problem =
                "is to force a replacement, but is neither in the prior nor in the planned state";
            found.push(Violation {
                path: path.clone(),
                problem: problem.to_owned(),
            });
        }
    }
    if !found.is_empty() {
        return refused(found);
    }
    // What a failed destroy puts back must be what was there.
    let forgotten = request.kind() == ChangeKind::Destroy && response.planned_private.is_empty();
    Plan {
        planned_state: planned,
        requires_replace: response.requires_replace,
        planned_private: if forgotten {
            request.prior_private.clone()
        } else {
            response.planned_private
        },
        found,
    }
}

/// A state that core may receive, with its private data.
pub(super) struct Settled {
    pub(super) state: Value,
    pub(super) private: Vec<u8>,
    pub(super) found: Vec<Violation>,
}

/// Guards the result of an apply. What a resource says of an object is kept as far as it can be written down.
pub(super) fn apply(ty: &Type, request: &ApplyRequest, response: ApplyResponse) -> Settled {
    let failed = response.diagnostics.has_errors();
    if failed && response.new_state.is_null() {
        return unchanged(request, Vec::new());
    }
    let (state, mut found) = conform(response.new_state, ty, &request.prior_state);
    let (state, unknown) = settle(state, &request.prior_state);
    found.extend(unknown);
    if !failed && found.is_empty() {
        found = match request.kind() {
            ChangeKind::Destroy if !state.is_null() => {
                vec![at_root(
                    "was to be destroyed, but is still there, and no error says why",
                )]
            }
            _ => check_applied(&request.planned_state, &state),
        };
    }
    if state.is_null() && !found.is_empty() {
        return unchanged(request, found);
    }
    Settled {
        state,
        private: response.private,
        found,
    }
}

/// The state as before an apply that returned nothing: an existing object is never lost.
pub(super) fn unchanged(request: &ApplyRequest, found: Vec<Violation>) -> Settled {
    Settled {
        state: request.prior_state.clone(),
        private: request.planned_private.clone(),
        found,
    }
}

/// Guards what a read found. In doubt the state stays as it was.
pub(super) fn read(ty: &Type, request: &ReadRequest, response: ReadResponse) -> Settled {
    let before = |found| Settled {
        state: request.state.clone(),
        private: request.private.clone(),
        found,
    };
    if response.diagnostics.has_errors() {
        return before(Vec::new());
    }
    match response.outcome {
        ReadOutcome::Gone => Settled {
            state: Value::Null,
            private: Vec::new(),
            found: Vec::new(),
        },
        ReadOutcome::Found { state, private } => match known(state, ty, &request.state) {
            Ok(state) => Settled {
                state,
                private,
                found: Vec::new(),
            },
            Err(found) => before(found),
        },
    }
}

/// Returns an object that is there, fits and is wholly known, or what is wrong with it.
pub(super) fn known(state: Value, ty: &Type, fallback: &Value) -> Result<Value, Vec<Violation>> {
    if state.is_null() {
        return Err(vec![at_root(
            "is null, but neither an error nor a `gone` says so",
        )]);
    }
    let (state, mut found) = conform(state, ty, fallback);
    let (state, unknown) = settle(state, fallback);
    found.extend(unknown);
    if found.is_empty() {
        Ok(state)
    } else {
        Err(found)
    }
}

fn at_root(problem: &str) -> Violation {
    contract::Violation {
        path: AttributePath::root(),
        problem: problem.to_owned(),
    }
}
