//! One observation for everybody in a walk.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use gigadb_engine::{
    topology::Topology,
    world::{Pipeline, Reading, World},
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::{Apis, Scope};

type PipelineFlight = Arc<OnceCell<Reading<Vec<Pipeline>>>>;

/// A single-flight cache of [`Apis::observe`] for one topology and scope.
///
/// **Invariant.** Nothing is shared across a write: after [`Self::invalidate`] nobody sees what
/// was read, or was being read, before it.
#[derive(Debug)]
pub struct SharedWorld {
    apis: Apis,
    topology: Arc<Topology>,
    scope: Scope,
    flight: Mutex<Arc<OnceCell<Arc<World>>>>,
    pipelines: Mutex<BTreeMap<String, PipelineFlight>>,
    writes: AtomicU64,
}

impl SharedWorld {
    /// A cache that holds nothing yet.
    pub fn new(apis: Apis, topology: Arc<Topology>, scope: Scope) -> Self {
        Self {
            apis,
            topology,
            scope,
            flight: Mutex::default(),
            pipelines: Mutex::default(),
            writes: AtomicU64::new(0),
        }
    }

    /// The topology that is observed.
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// The world: read by the first caller, shared by all others until [`Self::invalidate`].
    /// An observation that was cut short by `cancel` is given, but not kept.
    pub async fn get(&self, cancel: &CancellationToken) -> Arc<World> {
        loop {
            let writes = self.writes.load(Ordering::SeqCst);
            let flight = Arc::clone(&self.lock());
            let world = flight
                .get_or_init(|| async {
                    Arc::new(self.apis.observe(&self.topology, &self.scope, cancel).await)
                })
                .await
                .clone();
            if cancel.is_cancelled() {
                self.forget(&flight);
                return world;
            }
            if self.writes.load(Ordering::SeqCst) == writes {
                return world;
            }
        }
    }

    /// The pipelines of a project that have not ended: read and shared like the world, but only
    /// if somebody asks.
    pub(crate) async fn active_pipelines(
        &self,
        project: &str,
        cancel: &CancellationToken,
    ) -> Reading<Vec<Pipeline>> {
        let flight = Arc::clone(self.lock_pipelines().entry(project.to_owned()).or_default());
        let reading = flight
            .get_or_init(|| self.apis.active_pipelines(project, cancel))
            .await
            .clone();
        if cancel.is_cancelled() {
            self.lock_pipelines().remove(project);
        }
        reading
    }

    /// Forgets what was read. To be called after any write, done or perhaps done, and before it
    /// as well where others may be reading.
    pub fn invalidate(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
        *self.lock() = Arc::default();
        self.lock_pipelines().clear();
    }

    /// Forgets `flight`, unless another has taken its place.
    fn forget(&self, flight: &Arc<OnceCell<Arc<World>>>) {
        let mut current = self.lock();
        if Arc::ptr_eq(&current, flight) {
            *current = Arc::default();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<OnceCell<Arc<World>>>> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn lock_pipelines(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, PipelineFlight>> {
        self.pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
