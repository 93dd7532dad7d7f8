//! The lease that keeps two operators from swapping at once: the lock of a GitLab Terraform state.
//!
//! **Invariants.** A lease is deleted under its id alone, so that nobody deletes another's by
//! mistake. One that was left behind is taken over only where its process is surely gone from
//! this machine. The runs of one process share one lease, given back by the last of them; two
//! processes of one run of Terraform take it one after the other.

mod id;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use gigadb_engine::{
    rules::one_swap_at_a_time::{Holder, LeasePlace},
    world::{Failure, FailureKind},
};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use self::id::LeaseId;
use crate::{
    Apis, Patience,
    gitlab::{Locked, Unlocked},
    http::stoppable,
    journal::RunId,
};

/// How long a stop, or a failover, waits for a lease to be given back.
const A_MOMENT: Duration = Duration::from_millis(300);
/// How long the lease of another process of the same run is waited for: a swap that waits for an
/// answer of its own takes some minutes at most.
const SIBLING_WAIT: Duration = Duration::from_mins(10);
const SIBLING_PAUSE: Duration = Duration::from_secs(1);
/// The reason of who asks for a lease only to see who holds it, and how long that is waited for.
const LOOKING: &str = "looking";
const LOOK_WAIT: Duration = Duration::from_secs(3);

/// The leases of this process, by place.
#[derive(Debug, Default)]
pub(crate) struct Leases(std::sync::Mutex<BTreeMap<LeasePlace, Arc<Mutex<Shared>>>>);

/// One lease, as the runs of this process share it. Whoever asks GitLab holds the mutex, so that
/// a run does not begin on a lease that another is giving back.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    users: usize,
    /// The id under which it is, or may still be, held.
    id: Option<String>,
}

/// A lease that is held, to be given back with `Apis::release_lease`.
#[derive(Debug)]
#[must_use = "a lease is held until it is given back"]
pub struct Lease {
    place: LeasePlace,
    id: String,
    /// Who held it before and is gone.
    pub left_by: Option<Holder>,
}

impl Lease {
    /// Where it is kept.
    pub fn place(&self) -> &LeasePlace {
        &self.place
    }

    /// Its id at GitLab.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Why a lease was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// Somebody else holds it.
    Held(Holder),
    /// GitLab refused, or could not be asked.
    Failed(Failure),
    /// The operator asked to stop.
    Stopped,
}

/// How giving a lease back ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// It is free.
    Free,
    /// Another run of this process goes on under it.
    Shared,
    /// It was not held under its id any more.
    NotHeld,
    /// It may still be held.
    Failed(Failure),
}

impl Leases {
    pub(crate) fn at(&self, place: &LeasePlace) -> Arc<Mutex<Shared>> {
        let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(leases.entry(place.clone()).or_default())
    }
}

impl Apis {
    /// Takes the lease, or joins the one that another run of this process holds.
    pub(crate) async fn take_lease(
        &self,
        place: &LeasePlace,
        run: &RunId,
        reason: Option<&str>,
        patience: Patience,
        cancel: &CancellationToken,
    ) -> Result<Lease, NotTaken> {
        let slot = self.leases.at(place);
        let mut shared = slot.lock().await;
        let lease = |id: String, left_by| Lease {
            place: place.clone(),
            id,
            left_by,
        };
        if shared.users > 0
            && let Some(id) = shared.id.clone()
        {
            shared.users += 1;
            return Ok(lease(id, None));
        }
        let id = LeaseId::new(run, reason).text();
        let (id, left_by) = self
            .ask_for_lease(place, id, shared.id.as_deref(), patience, cancel)
            .await?;
        *shared = Shared {
            users: 1,
            id: Some(id.clone()),
        };
        Ok(lease(id, left_by))
    }

    /// Asks until GitLab has answered. Asking again after an answer that was lost is how it is
    /// found out whether the first request was carried out: the id is this run's own, so that a
    /// lease held under it was taken by that request.
    async fn ask_for_lease(
        &self,
        place: &LeasePlace,
        id: String,
        own: Option<&str>,
        patience: Patience,
        cancel: &CancellationToken,
    ) -> Result<(String, Option<Holder>), NotTaken> {
        let mut budget = self.budget(patience);
        let timing = self.timing();
        let LeasePlace { project, name } = place;
        let asked = Instant::now();
        let mut left_by: Option<Holder> = None;
        let mut unanswered = 0;
        loop {
            if cancel.is_cancelled() && unanswered == 0 {
                return Err(NotTaken::Stopped);
            }
            let lock = self.gitlab.lock(project, name, &id, budget);
            let Some(answer) = stoppable(lock, Some(cancel)).await else {
                // A stop is answered at once: what this request may have taken is given back
                // beside, and a lease that stays belongs to a process that is gone.
                self.give_up_lease_beside(place, &id).await;
                return Err(NotTaken::Stopped);
            };
            let error = match answer {
                Ok(Locked::Taken) => return Ok((id, left_by)),
                Ok(Locked::Held(holder)) if holder.id == id => return Ok((id, left_by)),
                // Left by an earlier run of this process, which could not give it back.
                Ok(Locked::Held(holder)) if Some(holder.id.as_str()) == own => {
                    return Ok((holder.id, left_by));
                }
                Ok(Locked::Held(holder)) if self.waits_for(&holder, asked) => {
                    stoppable(tokio::time::sleep(SIBLING_PAUSE), Some(cancel)).await;
                    budget = self.budget(patience);
                    continue;
                }
                Ok(Locked::Held(holder)) => {
                    let (holder, gone) = recognized(holder);
                    if !gone || left_by.is_some() {
                        // A request whose answer was lost may hold it, where nobody can read who does.
                        let own = unanswered > 0 && holder.id.is_empty();
                        self.give_up_lease(place, &id, own).await;
                        return Err(NotTaken::Held(holder));
                    }
                    // Whether this deletes it, or somebody else was faster, the next answer tells.
                    match self.gitlab.unlock(project, name, &holder.id, budget).await {
                        Ok(_) => {
                            left_by = Some(holder);
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            unanswered += 1;
            let pause = timing.settle(unanswered);
            let surely_not = error.fault.surely_not_applied();
            // A gateway may answer in the API's words to what was carried out.
            let perhaps_taken = !error.fault.surely_not_sent();
            let last = unanswered >= timing.attempts || Instant::now() + pause >= budget.until;
            if surely_not || last {
                if patience == Patience::Hurried && perhaps_taken {
                    self.give_up_lease_beside(place, &id).await;
                } else {
                    self.give_up_lease(place, &id, perhaps_taken).await;
                }
                return Err(NotTaken::Failed(error.failure()));
            }
            stoppable(tokio::time::sleep(pause), Some(cancel)).await;
        }
    }

    /// The same, and not waited for longer than a moment: the run goes on, or ends.
    async fn give_up_lease_beside(&self, place: &LeasePlace, id: &str) {
        let (apis, place, id) = (self.clone(), place.clone(), id.to_owned());
        let given_up = tokio::spawn(async move { apis.give_up_lease(&place, &id, true).await });
        if tokio::time::timeout(A_MOMENT, given_up).await.is_err() {
            tracing::warn!("giving a lease back goes on beside the run");
        }
    }

    /// Whether the holder is another process of the same run, or only looks who holds it, so that
    /// its end is worth waiting for: it gives the lease back by itself, and then this run looks at
    /// the world again.
    fn waits_for(&self, holder: &Holder, asked: Instant) -> bool {
        let Some(id) = LeaseId::parse(&holder.id) else {
            return false;
        };
        let looks = id.reason.as_deref() == Some(LOOKING) && asked.elapsed() < LOOK_WAIT;
        let goes_on = self.waits_for_siblings && asked.elapsed() < SIBLING_WAIT;
        looks || goes_on && id.is_of_a_sibling()
    }

    /// Gives back what a request that was not answered with the lease may have taken after all.
    async fn give_up_lease(&self, place: &LeasePlace, id: &str, perhaps_taken: bool) {
        if perhaps_taken {
            let budget = self.budget(Patience::LostSide);
            let LeasePlace { project, name } = place;
            if let Err(error) = self.gitlab.unlock(project, name, id, budget).await {
                tracing::warn!(%place, id, %error, "a lease that may have been taken could not be given back");
            }
        }
    }

    /// Gives the lease back, unless another run of this process goes on under it. It takes no
    /// longer than a write to the lost side of a failover may.
    pub(crate) async fn release_lease(&self, lease: Lease) -> Released {
        let slot = self.leases.at(&lease.place);
        let mut shared = slot.lock().await;
        shared.users = shared.users.saturating_sub(1);
        if shared.users > 0 {
            return Released::Shared;
        }
        let released = self.delete_lease(&lease.place, &lease.id).await;
        if !matches!(released, Released::Failed(_)) {
            shared.id = None;
        }
        released
    }

    /// Deletes the lease where it is held under `id`, whoever took it.
    pub async fn delete_lease(&self, place: &LeasePlace, id: &str) -> Released {
        let budget = self.budget(Patience::LostSide);
        let LeasePlace { project, name } = place;
        let mut failed = 0;
        loop {
            let error = match self.gitlab.unlock(project, name, id, budget).await {
                Ok(Unlocked::Free) => return Released::Free,
                // The request before, whose answer was lost, has deleted it.
                Ok(Unlocked::NotHeld) if failed > 0 => return Released::Free,
                Ok(Unlocked::NotHeld) => return Released::NotHeld,
                Err(error) => error,
            };
            failed += 1;
            let timing = self.timing();
            let pause = timing.settle(failed);
            let last = failed >= timing.attempts || Instant::now() + pause >= budget.until;
            if error.fault.surely_not_applied() || last {
                return Released::Failed(error.failure());
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Who holds the lease; `None` where nobody does.
    ///
    /// GitLab has no call that only looks: this one asks for the lease, and gives it back at once
    /// where it was free. It takes nothing over. When `cancel` is triggered, what this request may
    /// have taken is given back: go on waiting for that, as long as there is time.
    pub async fn lease_holder(
        &self,
        place: &LeasePlace,
        run: &RunId,
        cancel: &CancellationToken,
    ) -> Result<Option<Holder>, Failure> {
        let looking = self.look_at_lease(place, run, Patience::Ordinary, cancel);
        let found = looking.await?;
        Ok(found.map(|(holder, _)| holder))
    }

    /// Gives back a lease that was left by a process which is surely gone from this machine, and
    /// returns who that was. Any other lease is left alone.
    pub(crate) async fn give_back_left_lease(
        &self,
        place: &LeasePlace,
        run: &RunId,
        patience: Patience,
    ) -> Result<Option<Holder>, Failure> {
        let never = CancellationToken::new();
        let looking = self.look_at_lease(place, run, patience, &never);
        let Some((holder, true)) = looking.await? else {
            return Ok(None);
        };
        match self.delete_lease(place, &holder.id).await {
            Released::Free | Released::Shared => Ok(Some(holder)),
            Released::NotHeld => Ok(None),
            Released::Failed(failure) => Err(failure),
        }
    }

    /// The holder, and whether it is surely gone from this machine.
    async fn look_at_lease(
        &self,
        place: &LeasePlace,
        run: &RunId,
        patience: Patience,
        cancel: &CancellationToken,
    ) -> Result<Option<(Holder, bool)>, Failure> {
        let slot = self.leases.at(place);
        let _alone = slot.lock().await;
        let id = LeaseId::new(run, Some(LOOKING)).text();
        let LeasePlace { project, name } = place;
        let budget = self.budget(patience);
        let asking = self.gitlab.lock(project, name, &id, budget);
        let Some(answer) = stoppable(asking, Some(cancel)).await else {
            self.give_up_lease(place, &id, true).await;
            let why = "it was not waited for".to_owned();
            return Err(Failure::new(FailureKind::Unreachable, why));
        };
        match answer {
            Ok(Locked::Held(holder)) => Ok(Some(recognized(holder))),
            Ok(Locked::Taken) => match self.delete_lease(place, &id).await {
                Released::Failed(failure) => Err(failure),
                _ => Ok(None),
            },
            Err(error) => {
                let perhaps_taken = !error.fault.surely_not_sent();
                self.give_up_lease(place, &id, perhaps_taken).await;
                Err(error.failure())
            }
        }
    }
}

/// The holder with what its id tells, and whether it is surely gone from this machine.
fn recognized(holder: Holder) -> (Holder, bool) {
    let Some(id) = LeaseId::parse(&holder.id) else {
        return (holder, false);
    };
    let gone = id.is_left_behind();
    let holder = Holder {
        process: Some(id.holding()),
        ..holder
    };
    (holder, gone)
}
