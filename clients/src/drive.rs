//! Carries out what the engine's executor commands: a thin loop between it and the APIs.
//!
//! It decides nothing. What it adds is I/O: writes and read-backs side by side where the executor
//! asks for several, the journal, and the operator's wish to stop.

use std::collections::{HashMap, VecDeque};

use futures::stream::{FuturesUnordered, StreamExt};
use gigadb_engine::{
    changes::{Boundary, ChangeSet, Step, Target, Transaction},
    executor::{
        Announcement, Command, End, Event, Executor, Outcome, TransactionId, TransactionStatus,
    },
    intent::{Intent, Mode},
    name::RecordId,
    topology::Policy,
    world::{CiVariable, Record, RecordType, Zone},
};
use tokio_util::sync::CancellationToken;

use crate::{Apis, NewRecord, Patch, Patience, WriteFailure, gitlab::Keys, write};

/// Where a run writes down what it is about to do, and how that ended.
///
/// Both calls are short and may block: nothing is sent before an announcement is durable.
pub trait Journal: Send {
    /// Makes the announcement durable; an error says why not, as a clause.
    fn announce(&mut self, announcement: &Announcement) -> Result<(), String>;
    /// Notes the id of a record that a step of a transaction created, as well as it can.
    fn created(&mut self, transaction: TransactionId, step: usize, record: &RecordId);
    /// Notes how a transaction ended, as well as it can.
    fn note(&mut self, transaction: TransactionId, status: &TransactionStatus);
}

/// The journal of a run that keeps none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn announce(&mut self, _: &Announcement) -> Result<(), String> {
        Ok(())
    }

    fn created(&mut self, _: TransactionId, _: usize, _: &RecordId) {}

    fn note(&mut self, _: TransactionId, _: &TransactionStatus) {}
}

impl Apis {
    /// Carries out `changes` and says how that ended. When `cancel` is triggered the executor is
    /// told that a stop was asked; calls in flight are finished, whatever it then decides.
    ///
    /// The caller forgets shared observations before and after
    /// ([`SharedWorld::invalidate`](crate::SharedWorld::invalidate)).
    pub async fn drive(
        &self,
        changes: &ChangeSet,
        intent: &Intent,
        policy: &Policy,
        journal: &mut dyn Journal,
        cancel: &CancellationToken,
    ) -> Outcome {
        let mut executor = Executor::new(changes, intent.mode, intent.on_failure);
        let transactions: Vec<&Transaction> = changes.transactions().collect();
        let run = Run {
            apis: self,
            transactions,
            intent,
            policy,
        };
        let mut expected: HashMap<TransactionId, Expected> = HashMap::new();
        let mut created: HashMap<(TransactionId, usize), RecordId> = HashMap::new();
        let mut in_flight = FuturesUnordered::new();
        let mut events: VecDeque<Event> = VecDeque::new();
        let mut stop_told = false;
        let mut commands = executor.start();
        loop {
            for command in commands {
                match command {
                    Command::Announce(what) => events.push_back(match journal.announce(&what) {
                        Ok(()) => Event::Announced(what),
                        Err(why) => Event::AnnounceFailed(what, why),
                    }),
                    Command::Note(id, status) => journal.note(id, &status),
                    Command::Write(id) => {
                        expected.insert(id, Expected::Written);
                        in_flight.push(run.carry_out(Work::Write(id)));
                    }
                    Command::Undo(id, steps) => {
                        expected.insert(id, Expected::Undone(steps.clone()));
                        let ids = steps
                            .iter()
                            .map(|step| created.get(&(id, *step)).cloned())
                            .collect();
                        in_flight.push(run.carry_out(Work::Undo(id, steps, ids)));
                    }
                    Command::ReadBack(id) => {
                        let expected = expected.get(&id).cloned().unwrap_or(Expected::Written);
                        in_flight.push(run.carry_out(Work::ReadBack(id, expected)));
                    }
                    Command::Finish(outcome) => return outcome,
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

/// What the last request of a transaction, if carried out, leaves behind.
#[derive(Debug, Clone)]
enum Expected {
    Written,
    Undone(Vec<usize>),
}

/// One request, or one read-back.
enum Work {
    Write(TransactionId),
    /// Steps, each with the id of the record that this run created for it, if it did.
    Undo(TransactionId, Vec<usize>, Vec<Option<RecordId>>),
    ReadBack(TransactionId, Expected),
}

/// A request that has ended.
struct Done {
    event: Event,
    /// Ids of records: of those that were created, and of all that were read back.
    record_ids: Vec<((TransactionId, usize), RecordId)>,
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
                Ok(created) => Done {
                    event: Event::Answered(id),
                    record_ids: created.into_iter().map(|(s, r)| ((id, s), r)).collect(),
                },
                Err(failure) => Done::of(id, Err(failure)),
            },
            Work::Undo(id, steps, ids) => Done::of(id, self.undo(id, &steps, &ids).await),
            Work::ReadBack(id, expected) => {
                let present = self.read_back_settled(id, &expected).await;
                let record_ids = present.as_ref().map_or_else(
                    |_| Vec::new(),
                    |present| {
                        let ids = present.record_ids.iter().enumerate();
                        ids.filter_map(|(step, found)| Some(((id, step), found.clone()?)))
                            .collect()
                    },
                );
                Done {
                    event: Event::ReadBack(id, present.map(|present| present.values)),
                    record_ids,
                }
            }
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

    /// Reads back until what is expected is there, or reading often enough did not show it: a
    /// read right after a write may still show the world before it.
    async fn read_back_settled(
        &self,
        id: TransactionId,
        expected: &Expected,
    ) -> Result<Present, String> {
        let transaction = self.transaction(id).map_err(|e| e.failure.message)?;
        let timing = self.apis.timing();
        let mut reads = 1;
        loop {
            let present = self.read_back(transaction).await?;
            if expected.holds(transaction, &present.values) || reads >= timing.read_backs {
                return Ok(present);
            }
            tokio::time::sleep(timing.settle(reads)).await;
            reads += 1;
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
    fn of(id: TransactionId, result: Result<(), WriteFailure>) -> Self {
        let event = match result {
            Ok(()) => Event::Answered(id),
            Err(failure) => match failure.outcome {
                write::Outcome::NotApplied => Event::Refused(id, failure.failure.message),
                write::Outcome::Unknown => Event::NoAnswer(id, failure.failure.message),
            },
        };
        Self {
            event,
            record_ids: Vec::new(),
        }
    }
}

impl Expected {
    fn holds(&self, transaction: &Transaction, values: &[Option<String>]) -> bool {
        let is = |index: usize, wanted: &str| {
            values.get(index).and_then(Option::as_deref) == Some(wanted)
        };
        match self {
            Self::Written => {
                let mut steps = transaction.steps.iter().enumerate();
                steps.all(|(index, step)| is(index, &step.to))
            }
            Self::Undone(indices) => indices.iter().all(|index| {
                let step = transaction.steps.get(*index);
                step.is_some_and(|step| is(*index, &step.undo))
            }),
        }
    }
}

/// The record of a step: by id, or, where it was created, the A record of that name, the one
/// with the content that was written first.
fn record_of<'a>(step: &Step, records: &'a [Record]) -> Option<&'a Record> {
    let Target::Record {
        hostname,
        record_id,
    } = &step.target
    else {
        return None;
    };
    match record_id {
        Some(id) => records.iter().find(|record| record.id == *id),
        None => records
            .iter()
            .filter(|r| r.name == *hostname && r.record_type == RecordType::A)
            .min_by_key(|record| record.content != step.to),
    }
}

impl Apis {
    async fn read_records(&self, zone: &Zone) -> Result<Vec<Record>, String> {
        self.cloudflare
            .list_records(zone, self.budget(Patience::Ordinary))
            .await
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
    }
}
