//! What was probed in this walk.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use gigadb_engine::{
    name::EnvironmentName,
    rules::https_ready::{HttpsCheck, Probe},
};

/// What the plan of this walk has probed. Core plans each resource again right before it applies
/// it, in the same process: that plan's probes are those before the first write.
#[derive(Debug, Default)]
pub(crate) struct Probed(Mutex<BTreeMap<EnvironmentName, (Vec<Probe>, HttpsCheck)>>);

impl Probed {
    pub(crate) fn remember(
        &self,
        environment: &EnvironmentName,
        probes: Vec<Probe>,
        check: HttpsCheck,
    ) {
        let mut probed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        probed.insert(environment.clone(), (probes, check));
    }

    pub(crate) fn take(&self, environment: &EnvironmentName) -> Option<(Vec<Probe>, HttpsCheck)> {
        let mut probed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        probed.remove(environment)
    }
}
