//! Which environments were planned in this walk: two resources for one environment would plan it
//! to two ends.
//!
//! Core does not say which resource it plans. What can be told apart is how a plan begins: a
//! resource is planned once in a walk, and a replacement a second time, without prior state and
//! for the same production. What cannot be seen from here: a resource under another alias of the
//! provider, which is another process, or in another root module; and a new resource beside an old
//! one for the same production, which asks for the same roles.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use gigadb_engine::name::EnvironmentName;
use tfplug::{Diagnostic, Value};

use crate::diagnostics;

/// The environments that were planned, with what was planned for them.
#[derive(Debug, Default)]
pub(crate) struct Planned(Mutex<BTreeMap<EnvironmentName, Of>>);

#[derive(Debug)]
enum Of {
    /// A resource that has a state, and the production that it asks for: it may be replaced.
    Update(Value),
    /// A resource without prior state.
    Create,
}

impl Planned {
    /// A resource that has a state is planned.
    pub(crate) fn update(
        &self,
        environment: &EnvironmentName,
        config: &Value,
    ) -> Result<(), Diagnostic> {
        let mut planned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if planned.contains_key(environment) {
            return Err(diagnostics::planned_twice(environment.as_str()));
        }
        planned.insert(
            environment.clone(),
            Of::Update(config.get("production").clone()),
        );
        Ok(())
    }

    /// A resource without prior state is planned: a new one, or the second half of a replacement.
    pub(crate) fn create(
        &self,
        environment: &EnvironmentName,
        config: &Value,
    ) -> Result<(), Diagnostic> {
        let mut planned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match planned.get(environment) {
            None => {}
            Some(Of::Update(before)) if before == config.get("production") => {}
            Some(_) => return Err(diagnostics::planned_twice(environment.as_str())),
        }
        planned.insert(environment.clone(), Of::Create);
        Ok(())
    }
}
