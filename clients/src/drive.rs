//! Carries out what the engine's executor commands: a thin loop between it and the APIs.
//!
//! It decides nothing. What it adds is I/O: writes and readings side by side where the executor
//! asks for several, the journal, the clock, and the operator's wish to stop.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::stream::{FuturesUnordered, StreamExt};
use gigadb_engine::{
    advice::Asked,
    changes::{Boundary, ChangeSet, Step, Target, Transaction},
    executor::{Command, End, Event, Executor, Outcome, Pace, TransactionId},
    intent::{Intent, Mode},
    name::RecordId,
    remedy,
    topology::Policy,
    world::{CiVariable, Record, RecordType, Zone},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Apis, NewRecord, Patch, Patience,
    gitlab::Keys,
    journal::Journal,
    write::{self, WriteFailure},
};

impl Apis {
    /// [`Self::drive_beside`] nothing.
    #[cfg(test)]
    pub(crate) async fn drive(
        &self,
        changes: &ChangeSet,
        intent: &Intent,
        policy: &Policy,
        journal: &mut dyn Journal,
        cancel: &CancellationToken,
    ) -> Outcome {
        self.drive_beside(changes, intent, policy, journal, cancel, None)
            .await
    }

    /// Carries out `changes` and says how that ended. When `cancel` is triggered the executor is
    /// told at once that a stop was asked; calls in flight are finished, whatever it then decides.
    /// Requests of an earlier run with the same goal may take effect until `open_until`, in seconds
    /// since 1970.
    ///
    /// The caller forgets shared observations before and after
    /// ([`SharedWorld::invalidate`](crate::SharedWorld::invalidate)).
    pub(crate) async fn drive_beside(
        &self,
        changes: &ChangeSet,
        intent: &Intent,
        policy: &Policy,
        journal: &mut dyn Journal,
        cancel: &CancellationToken,
        open_until: Option<u64>,
    ) -> Outcome {
        let mut executor = Executor::new(changes, intent.mode, intent.on_failure);
        let transactions: Vec<&Transaction> = changes.transactions().collect();
        let run = Run {
            apis: self,
            transactions,
            intent,
            policy,
        };
        let mut open: HashMap<TransactionId, Open> = HashMap::new();
        if let Some(until) = open_until {
            executor = executor.beside(until);
            let ids = (0..run.transactions.len()).map(TransactionId);
            open.extend(ids.map(|id| (id, Open::earlier(until))));
        }
        let mut created: HashMap<(TransactionId, usize), RecordId> = HashMap::new();
        let mut in_flight = FuturesUnordered::new();
        let mut events: VecDeque<Event> = VecDeque::new();
        let mut failed = Vec::new();
        let mut stop_told = false;
        let mut commands = executor.start();
        loop {
            for command in commands {
                match command {
                    Command::Announce(what) => events.push_back(match journal.announce(&what) {
                        Ok(()) => Event::Announced(what),
                        Err(why) => Event::AnnounceFailed(what, why),
                    }),
                    Command::Note(report) => journal.note(&report),
                    Command::Write(id) => in_flight.push(run.carry_out(Work::Write(id))),
                    Command::Undo(id, steps) => {
                        let ids = steps
                            .iter()
                            .map(|step| created.get(&(id, *step)).cloned())
                            .collect();
                        in_flight.push(run.carry_out(Work::Undo(id, steps, ids)));
                    }
                    Command::ReadBack(id) => in_flight.push(run.carry_out(Work::ReadBack(id))),
                    Command::Pause(id, pace) => {
                        let pause = self.pause(pace);
                        in_flight.push(run.carry_out(Work::Pause(id, pause)));
                    }
                    Command::WaitUntilClosed(ids) => {
                        let of_these = ids.iter().filter_map(|id| open.get(id));
                        let last = of_these.max_by_key(|open| open.closes);
                        if let Some(last) = last {
                            journal.waits(&ids, last.until);
                        }
                        let closes = last.map_or_else(Instant::now, |open| open.closes);
                        in_flight.push(run.carry_out(Work::Wait(ids, closes)));
                    }
                    Command::Finish(mut outcome) => {
                        let cause = outcome.cause.as_deref().unwrap_or_default();
                        let told = failed.into_iter().find(|(why, _)| cause.starts_with(why));
                        outcome.remedy = told.map(|(_, remedy): (String, String)| remedy);
                        return outcome;
                    }
                }
            }
            let event = if !stop_told && cancel.is_cancelled() {
                stop_told = true;
                Event::StopAsked
            } else if let Some(event) = events.pop_front() {
                event
            } else {
                tokio::select! {
                    biased;
                    () = cancel.cancelled(), if !stop_told => {
                        stop_told = true;
                        Event::StopAsked
                    }
                    done = in_flight.next() => match done {
                        Some(done) => {
                            for ((id, step), record) in done.record_ids {
                                if run.creates(id, step) && !created.contains_key(&(id, step)) {
                                    journal.created(id, step, &record);
                                }
                                created.insert((id, step), record);
                            }
                            if let Some((id, new)) = done.open {
                                let known = open.entry(id).or_insert(new);
                                *known = Open {
                                    until: known.until.max(new.until),
                                    closes: known.closes.max(new.closes),
                                };
                            }
                            failed.extend(done.failed);
                            done.event
                        }
                        None => return stalled(),
                    }
                }
            };
            commands = executor.handle(event);
        }
    }
}

/// Until when a request without an answer may take effect: for people and journals, and by the
/// clock that nobody can set.
#[derive(Debug, Clone, Copy)]
struct Open {
    until: u64,
    closes: Instant,
}

impl Open {
    /// What another run says to be open.
    fn earlier(until: u64) -> Self {
        let left = Duration::from_secs(until).saturating_sub(since_1970());
        Self {
            until,
            closes: Instant::now() + left,
        }
    }
}

fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

/// One request, one reading, or one wait.
enum Work {
    Write(TransactionId),
    /// Steps, each with the id of the record that this run created for it, if it did.
    Undo(TransactionId, Vec<usize>, Vec<Option<RecordId>>),
    ReadBack(TransactionId),
    Pause(TransactionId, Duration),
    Wait(Vec<TransactionId>, Instant),
}

/// What has ended.
struct Done {
    event: Event,
    /// Ids of records: of those that were created, and of all that were read back.
    record_ids: Vec<((TransactionId, usize), RecordId)>,
    /// A request that may take effect all the same.
    open: Option<(TransactionId, Open)>,
    /// A request that did not succeed: what it said, and what helps.
    failed: Option<(String, String)>,
}

/// What all requests of a run share.
struct Run<'a> {
    apis: &'a Apis,
    transactions: Vec<&'a Transaction>,
    intent: &'a Intent,
    policy: &'a Policy,
}

/// The present values of a transaction's targets, and the ids of its records.
struct Present {
    values: Vec<Option<String>>,
    record_ids: Vec<Option<RecordId>>,
}

impl Run<'_> {
    async fn carry_out(&self, work: Work) -> Done {
        match work {
            Work::Write(id) => match self.write(id).await {
                Ok(created) => {
                    let ids = created.into_iter();
                    let record_ids = ids.map(|(step, record)| ((id, step), record)).collect();
                    Done {
                        record_ids,
                        ..Done::of(Event::Answered(id))
                    }
                }
                Err(failure) => self.failed(id, failure),
            },
            Work::Undo(id, steps, ids) => match self.undo(id, &steps, &ids).await {
                Ok(()) => Done::of(Event::Answered(id)),
                Err(failure) => self.failed(id, failure),
            },
            Work::ReadBack(id) => {
                let present = match self.transaction(id) {
                    Ok(transaction) => self.read_back(transaction).await,
                    Err(bug) => Err(bug.failure.message),
                };
                let record_ids = present.as_ref().map_or_else(
                    |_| Vec::new(),
                    |present| {
                        let ids = present.record_ids.iter().enumerate();
                        ids.filter_map(|(step, found)| Some(((id, step), found.clone()?)))
                            .collect()
                    },
                );
                Done {
                    record_ids,
                    ..Done::of(Event::ReadBack(id, present.map(|present| present.values)))
                }
            }
            Work::Pause(id, pause) => {
                tokio::time::sleep(pause).await;
                Done::of(Event::Paused(id))
            }
            Work::Wait(ids, closes) => {
                tokio::time::sleep_until(closes).await;
                Done::of(Event::Closed(ids))
            }
        }
    }

    /// What is known after a request that did not succeed.
    fn failed(&self, id: TransactionId, failure: WriteFailure) -> Done {
        let remedy = self.transaction(id).ok().and_then(|transaction| {
            let asked = match &transaction.steps.first()?.target {
                Target::Record { .. } => Asked::Records,
                Target::Variable { project, .. } => Asked::Project(project),
            };
            remedy::of_request(asked, &failure.failure)
        });
        let why = failure.failure.message;
        let failed = remedy.map(|remedy| (why.clone(), remedy));
        let open_for = self.apis.timing().open_for;
        let closes = failure.sent + open_for;
        let left = closes.saturating_duration_since(Instant::now());
        // Rounded up: what is said to be over is over.
        let until = (since_1970() + left).as_secs() + 1;
        let event = match failure.outcome {
            write::Outcome::NotSent => {
                return Done {
                    failed,
                    ..Done::of(Event::NotSent(id, why))
                };
            }
            write::Outcome::Refused => Event::Refused(id, why, until),
            write::Outcome::Unknown => Event::NoAnswer(id, why, until),
        };
        Done {
            open: Some((id, Open { until, closes })),
            failed,
            ..Done::of(event)
        }
    }

    /// Sends a transaction; returns the ids of the records that it created, by step.
    async fn write(&self, id: TransactionId) -> Result<Vec<(usize, RecordId)>, WriteFailure> {
        let transaction = self.transaction(id)?;
        match &transaction.boundary {
            Boundary::ZoneBatch { zone, .. } => {
                let mut patches = Vec::new();
                let mut posts = Vec::new();
                let mut posted = Vec::new();
                for (index, step) in transaction.steps.iter().enumerate() {
                    let Target::Record {
                        hostname,
                        record_id,
                    } = &step.target
                    else {
                        return Err(write::bug("a variable in a zone's batch"));
                    };
                    match record_id {
                        Some(record_id) => patches.push(Patch {
                            record_id: record_id.clone(),
                            content: step.to.clone(),
                        }),
                        None => {
                            posted.push(index);
                            posts.push(NewRecord {
                                name: hostname.clone(),
                                address: step
                                    .address()
                                    .ok_or_else(|| write::bug("a record without an address"))?,
                                ttl: self.policy.record_ttl,
                                proxied: self.policy.proxied,
                            });
                        }
                    }
                }
                let ids = self
                    .apis
                    .write_zone_batch(&zone.id, &patches, &posts, Patience::Ordinary)
                    .await?;
                Ok(posted
                    .into_iter()
                    .zip(ids)
                    .filter_map(|(step, id)| Some((step, id?)))
                    .collect())
            }
            Boundary::Variable => {
                let [step] = transaction.steps.as_slice() else {
                    return Err(write::bug("not one step for a variable"));
                };
                let create = matches!(step.target, Target::Variable { create: true, .. });
                self.write_variable(step, &step.to, create).await?;
                Ok(Vec::new())
            }
        }
    }

    async fn undo(
        &self,
        id: TransactionId,
        steps: &[usize],
        created: &[Option<RecordId>],
    ) -> Result<(), WriteFailure> {
        let transaction = self.transaction(id)?;
        let mut patches = Vec::new();
        for (index, created) in steps.iter().zip(created) {
            let step = transaction
                .steps
                .get(*index)
                .ok_or_else(|| write::bug("an unknown step"))?;
            match &step.target {
                Target::Record { record_id, .. } => patches.push(Patch {
                    record_id: record_id
                        .as_ref()
                        .or(created.as_ref())
                        .cloned()
                        .ok_or_else(|| write::bug("a created record without an id"))?,
                    content: step.undo.clone(),
                }),
                Target::Variable { .. } => {
                    return self.write_variable(step, &step.undo, false).await;
                }
            }
        }
        let Boundary::ZoneBatch { zone, .. } = &transaction.boundary else {
            return Err(write::bug("an undo without a step"));
        };
        self.apis
            .write_zone_batch(&zone.id, &patches, &[], Patience::Ordinary)
            .await
            .map(|_| ())
    }

    async fn write_variable(
        &self,
        step: &Step,
        value: &str,
        create: bool,
    ) -> Result<(), WriteFailure> {
        let Target::Variable {
            project,
            key,
            scope,
            ..
        } = &step.target
        else {
            return Err(write::bug("a record outside of a zone's batch"));
        };
        let patience = self.patience(step);
        let scope = scope.as_str();
        if create {
            self.apis
                .create_variable(project, key, scope, value, patience)
                .await
        } else {
            self.apis
                .write_variable(project, key, scope, value, patience)
                .await
        }
    }

    async fn read_back(&self, transaction: &Transaction) -> Result<Present, String> {
        let mut present = Present {
            values: Vec::new(),
            record_ids: Vec::new(),
        };
        match &transaction.boundary {
            Boundary::ZoneBatch { zone, .. } => {
                let records = self.apis.read_records(zone).await?;
                for step in &transaction.steps {
                    let record = record_of(step, &records);
                    present.values.push(record.map(|r| r.content.clone()));
                    present.record_ids.push(record.map(|r| r.id.clone()));
                }
            }
            Boundary::Variable => {
                for step in &transaction.steps {
                    let Target::Variable {
                        project,
                        key,
                        scope,
                        ..
                    } = &step.target
                    else {
                        return Err("a record outside of a zone's batch".to_owned());
                    };
                    let rows = self
                        .apis
                        .read_variables(project, key, self.patience(step))
                        .await?;
                    let value = rows
                        .into_iter()
                        .find(|row: &CiVariable| row.scope == scope.as_str())
                        .and_then(|row| row.value);
                    present.values.push(value);
                    present.record_ids.push(None);
                }
            }
        }
        Ok(present)
    }

    fn transaction(&self, id: TransactionId) -> Result<&Transaction, WriteFailure> {
        self.transactions
            .get(id.0)
            .copied()
            .ok_or_else(|| write::bug("an unknown transaction"))
    }

    /// Whether a step of a transaction creates a record.
    fn creates(&self, id: TransactionId, step: usize) -> bool {
        let step = self.transactions.get(id.0).and_then(|t| t.steps.get(step));
        step.is_some_and(|s| {
            matches!(
                s.target,
                Target::Record {
                    record_id: None,
                    ..
                }
            )
        })
    }

    /// In a failover, what concerns the lost side does not hold it up.
    fn patience(&self, step: &Step) -> Patience {
        let lost = &self.intent.arrangement.hot_standby;
        match &step.target {
            Target::Variable { infrastructure, .. }
                if self.intent.mode == Mode::Failover && infrastructure == lost =>
            {
                Patience::LostSide
            }
            _ => Patience::Ordinary,
        }
    }
}

impl Done {
    fn of(event: Event) -> Self {
        Self {
            event,
            record_ids: Vec::new(),
            open: None,
            failed: None,
        }
    }
}

/// The record of a step: by id, or, where it was created or somebody made it anew, the A record of
/// that name, the one with the content that was written first.
fn record_of<'a>(step: &Step, records: &'a [Record]) -> Option<&'a Record> {
    let Target::Record {
        hostname,
        record_id,
    } = &step.target
    else {
        return None;
    };
    let by_id = |id: &RecordId| records.iter().find(|record| record.id == *id);
    record_id.as_ref().and_then(by_id).or_else(|| {
        let of_name = |r: &&Record| r.name == *hostname && r.record_type == RecordType::A;
        let of_name = records.iter().filter(of_name);
        of_name.min_by_key(|record| record.content != step.to)
    })
}

impl Apis {
    /// Readings come as after any write; a sending after one pause more.
    fn pause(&self, pace: Pace) -> Duration {
        const LONGEST: u32 = 3;
        match pace {
            Pace::Reading(n) => self.timing().settle(u32::from(n).min(LONGEST)),
            Pace::Sending(n) => self.timing().settle(u32::from(n) + 1),
        }
    }

    async fn read_records(&self, zone: &Zone) -> Result<Vec<Record>, String> {
        self.cloudflare
            .list_records(zone, self.budget(Patience::Ordinary))
            .await
            .map(|(records, _)| records)
            .map_err(|e| e.to_string())
    }

    async fn read_variables(
        &self,
        project: &str,
        key: &gigadb_engine::name::VariableKey,
        patience: Patience,
    ) -> Result<Vec<CiVariable>, String> {
        self.gitlab
            .list_variables(project, &Keys::one(key.clone()), self.budget(patience))
            .await
            .map(|rows| rows.variables)
            .map_err(|e| e.to_string())
    }
}

/// What is said where the executor waits for something that nobody does.
fn stalled() -> Outcome {
    Outcome {
        end: End::PartlyApplied,
        reports: Vec::new(),
        cause: Some(
            "the executor waits for nothing that is under way, which is a bug; plan again to see what was changed"
                .to_owned(),
        ),
        remedy: None,
    }
}
