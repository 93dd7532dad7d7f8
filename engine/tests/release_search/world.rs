//! The world of the search: two sides with one job each, roles, variables, a record, and the run
//! that holds a step.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    intent::Arrangement,
    name::InfrastructureName,
    release::{
        Active, Back, Begin, Deploying, Entry, Facts, Interlock, JobFact, JobStatus, Kind, Mark,
        Next, Process, Record, SideFacts, State, Step, Work, next,
    },
};

pub(crate) const NEW: &str = "new";
pub(crate) const OLD: &str = "old";
const JOB: &str = "deploy";
/// The job of the list of further jobs, which is a step of its own behind each deployment.
const FURTHER: &str = "warm";
/// What tells its runs from those of the other job.
const FURTHER_IDS: u64 = 500;

/// One side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) id: u64,
    pub(crate) status: JobStatus,
    pub(crate) deployed: &'static str,
    /// A deployment by hand, of another pipeline, is under way.
    pub(crate) by_hand: bool,
    /// The further job, where the topology lists one.
    pub(crate) further: Option<(u64, JobStatus)>,
}

/// What cannot be read at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// GitLab does not answer for a side.
    Side(usize),
    /// Nobody knows who has which role, and what the variables hold.
    Roles,
}

/// Everything at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) record: Record,
    pub(crate) swapped: bool,
    pub(crate) prepared: bool,
    /// Green, which was production at first, then blue.
    pub(crate) sides: [Side; 2],
    /// The run that began the step under way still lives.
    pub(crate) alive: bool,
    pub(crate) unread: Option<Unread>,
    pub(crate) misfortunes: u8,
}

pub(crate) fn name(side: usize) -> InfrastructureName {
    ["green", "blue"][side].parse().unwrap()
}

fn mark(by: &str) -> Mark {
    Mark {
        at: "then".to_owned(),
        by: by.to_owned(),
    }
}

pub(crate) fn entry(state: State, ended_jobs: Vec<u64>) -> Entry {
    Entry {
        state,
        mark: mark("operator"),
        process: None,
        evidence: Vec::new(),
        note: None,
        overrides: Vec::new(),
        ended_jobs,
        commit: None,
    }
}

impl Node {
    /// A release that begins; `further` lists one more job, in a list of its own.
    pub(crate) fn start(process: Process, misfortunes: u8, further: bool) -> Self {
        let side = || Side {
            id: 1,
            status: JobStatus::Manual,
            deployed: OLD,
            by_hand: false,
            further: further.then_some((FURTHER_IDS, JobStatus::Manual)),
        };
        Self {
            record: Record::begin(Begin {
                environment: "live".parse().unwrap(),
                process,
                release: NEW.to_owned(),
                reference: NEW.to_owned(),
                reason: None,
                roles: Arrangement {
                    production: name(0),
                    hot_standby: name(1),
                },
                more: further
                    .then(|| FURTHER.parse().unwrap())
                    .into_iter()
                    .collect(),
                mark: mark("operator"),
            }),
            swapped: false,
            prepared: false,
            sides: [side(), side()],
            alive: false,
            unread: None,
            misfortunes,
        }
    }

    pub(crate) fn key(&self) -> String {
        let record = serde_json::to_string(&self.record).unwrap();
        format!(
            "{record} {} {} {:?} {} {:?} {}",
            self.swapped, self.prepared, self.sides, self.alive, self.unread, self.misfortunes
        )
    }

    pub(crate) fn roles(&self) -> Arrangement {
        let first = Arrangement {
            production: name(0),
            hot_standby: name(1),
        };
        if self.swapped { first.swapped() } else { first }
    }

    /// The facts, as the run that holds the step sees them (`own`), or somebody else.
    pub(crate) fn facts(&self, own: bool) -> Facts {
        let sides: BTreeMap<_, _> = self
            .sides
            .iter()
            .enumerate()
            .map(|(number, side)| {
                if self.unread == Some(Unread::Side(number)) {
                    return (name(number), Err("GitLab does not answer".to_owned()));
                }
                let mut active = Vec::new();
                if side.by_hand {
                    active.push(Active {
                        id: 900,
                        what: "job `other` (900) is running".to_owned(),
                    });
                }
                if side.status == JobStatus::Active {
                    active.push(Active {
                        id: side.id,
                        what: format!("job `{JOB}` ({}) is running", side.id),
                    });
                }
                let job = |name: &str, (id, status)| JobFact {
                    name: name.to_owned(),
                    id,
                    status,
                    word: String::new(),
                    page: None,
                };
                let further = side.further.map(|further| job(FURTHER, further));
                let facts = SideFacts {
                    active,
                    pipeline: Some(1),
                    jobs: std::iter::once(job(JOB, (side.id, side.status)))
                        .chain(further)
                        .collect(),
                    deployed: Some(side.deployed.to_owned()),
                    ..SideFacts::default()
                };
                (name(number), Ok(facts))
            })
            .collect();
        let is_read = self.unread != Some(Unread::Roles);
        Facts {
            roles: is_read
                .then(|| self.roles())
                .ok_or_else(|| "DNS does not answer".to_owned()),
            consistent: is_read && !self.prepared,
            prepared: is_read && self.prepared,
            sides,
            dumps: Err("nobody lists them".to_owned()),
            holder_is_gone: own || !self.alive,
        }
    }

    pub(crate) fn next(&self, own: bool) -> Next {
        let jobs = |step: &Step| {
            let name = step.jobs.as_ref().map_or(JOB, |_| FURTHER);
            vec![name.to_owned()]
        };
        next(&self.record, &self.facts(own), &jobs, &BTreeSet::new())
    }

    pub(crate) fn number(side: &InfrastructureName) -> usize {
        usize::from(*side == name(1))
    }

    /// Whether what stands in the way tells a person what to do.
    pub(crate) fn is_told_what_to_do(&self) -> bool {
        match self.next(false) {
            Next::Blocked { blocks, .. } => blocks.iter().all(|block| {
                let next = &block.message.next;
                next.contains("gigadb-roles") || next.contains("GitLab") || next.contains("Ask")
            }),
            _ => true,
        }
    }

    fn noted(&self, step: &Step, state: State) -> Self {
        let mut node = self.clone();
        let side = match step.kind {
            Kind::Swap => 0,
            kind => Self::number(self.record.target(kind)),
        };
        let side = &self.sides[side];
        let (id, status) = match (&step.jobs, side.further) {
            (Some(_), Some(further)) => further,
            _ => (side.id, side.status),
        };
        let ended = status.has_ended().then_some(id);
        node.record
            .note(step, entry(state, ended.into_iter().collect()));
        node.alive = state == State::Begun;
        node
    }

    fn unlucky(&self) -> Option<Self> {
        let mut node = self.clone();
        node.misfortunes = self.misfortunes.checked_sub(1)?;
        Some(node)
    }

    /// Everything that may happen next.
    pub(crate) fn successors(&self) -> Vec<Self> {
        let mut all = self.jobs_move();
        if self.unread.is_some() {
            let mut node = self.clone();
            node.unread = None;
            all.push(node);
        } else {
            for unread in [Unread::Side(0), Unread::Side(1), Unread::Roles] {
                all.extend(self.unlucky().map(|mut node| {
                    node.unread = Some(unread);
                    node
                }));
            }
        }
        all.extend(if self.alive {
            self.run_goes_on()
        } else {
            self.somebody_takes_the_next()
        });
        all.extend(self.by_hand());
        if !self.alive
            && self.record.back.is_none()
            && self.record.may_go_back(&self.facts(false), &[]).is_ok()
        {
            all.extend(self.unlucky().map(|mut node| {
                node.record.back = Some(Back {
                    mark: mark("operator"),
                    reason: None,
                    overrides: Vec::new(),
                });
                node
            }));
        }
        all
    }

    fn somebody_takes_the_next(&self) -> Vec<Self> {
        match self.next(false) {
            Next::Seen { step, .. } => vec![self.noted(&step, State::Seen)],
            Next::Person(step) => {
                let mut node = self.clone();
                let by = format!("somebody for {step}");
                node.record.confirm(&step, mark(&by), None, &[]).unwrap();
                vec![node]
            }
            Next::Do { step, .. } => {
                let begun = self.noted(&step, State::Begun);
                // Further jobs may be left out, with a reason.
                let left_out = step.jobs.is_some();
                let left_out = left_out.then(|| self.noted(&step, State::LeftOut));
                std::iter::once(begun).chain(left_out).collect()
            }
            Next::Blocked { .. } | Next::Over | Next::Finish => Vec::new(),
        }
    }

    /// The run that holds a step: its effect, what it notes, or that it ends at once.
    fn run_goes_on(&self) -> Vec<Self> {
        let mut all = Vec::new();
        all.extend(self.unlucky().map(|mut node| {
            node.alive = false;
            node
        }));
        let (step, _) = self.record.under_way().unwrap();
        let step = step.clone();
        let mut work = match self.next(true) {
            Next::Seen { .. } => return [all, vec![self.noted(&step, State::Done)]].concat(),
            Next::Do { work, .. } => work,
            Next::Blocked { .. } => return [all, vec![self.noted(&step, State::Failed)]].concat(),
            other => panic!("{step} is under way, and next is {other:?}"),
        };
        if let Work::Deploy(next) = &work {
            let side = Self::number(self.record.target(step.kind));
            let mut node = self.clone();
            let target = &mut node.sides[side];
            let (id, status) = match (&step.jobs, &mut target.further) {
                (Some(_), Some((id, status))) => (id, status),
                _ => (&mut target.id, &mut target.status),
            };
            match next {
                Deploying::Play(_) => *status = JobStatus::Active,
                Deploying::Retry(_) => {
                    *id += 1;
                    *status = JobStatus::Active;
                }
                Deploying::Follow(_) => return all,
                Deploying::Failed(_) | Deploying::Another(_) | Deploying::Missing(_) => {
                    node = self.noted(&step, State::Failed);
                }
            }
            all.push(node);
            return all;
        }
        let mut after = self.clone();
        match &mut work {
            Work::Prepare => after.prepared = true,
            Work::Swap => (after.swapped, after.prepared) = (true, false),
            Work::SwapBack => (after.swapped, after.prepared) = (false, false),
            _ => {
                // Its effect shows in no fact: it is noted, or the run ends before.
                all.push(self.noted(&step, State::Done));
                all.extend(self.unlucky().map(|node| node.noted(&step, State::Failed)));
                return all;
            }
        }
        // The effect first: what is noted comes with the next event, or never.
        all.push(after);
        all
    }

    /// Jobs that run end, well or badly.
    fn jobs_move(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for side in 0..2 {
            if self.sides[side].status == JobStatus::Active {
                let mut node = self.clone();
                node.sides[side].status = JobStatus::Success;
                node.sides[side].deployed = NEW;
                all.push(node);
                all.extend(self.unlucky().map(|mut node| {
                    node.sides[side].status = JobStatus::Failed;
                    node
                }));
            }
            if let Some((id, JobStatus::Active)) = self.sides[side].further {
                let mut node = self.clone();
                node.sides[side].further = Some((id, JobStatus::Success));
                all.push(node);
                all.extend(self.unlucky().map(|mut node| {
                    node.sides[side].further = Some((id, JobStatus::Failed));
                    node
                }));
            }
            if self.sides[side].by_hand {
                let mut node = self.clone();
                node.sides[side].by_hand = false;
                node.sides[side].deployed = OLD;
                all.push(node);
            }
        }
        all
    }

    /// What others do without this program.
    fn by_hand(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut push = |change: &dyn Fn(&mut Self)| {
            all.extend(self.unlucky().map(|mut node| {
                change(&mut node);
                node
            }));
        };
        push(&|node| (node.swapped, node.prepared) = (!node.swapped, false));
        push(&|node| node.prepared = !node.prepared);
        for side in 0..2 {
            if !self.sides[side].by_hand {
                push(&move |node| node.sides[side].by_hand = true);
            }
            if self.sides[side].status == JobStatus::Manual {
                push(&move |node| node.sides[side].status = JobStatus::Active);
            }
        }
        all
    }

    /// The interlocks that stand in the way of whoever asks.
    pub(crate) fn in_the_way(&self) -> BTreeSet<Interlock> {
        match self.next(false) {
            Next::Blocked { blocks, .. } => {
                blocks.iter().filter_map(|block| block.interlock).collect()
            }
            _ => BTreeSet::new(),
        }
    }
}
