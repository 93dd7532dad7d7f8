//! The record of a release: what was done, when, by whom, and what shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    facts::{Facts, JobFact, JobStatus, SideFacts},
    interlock::{Block, Interlock},
    step::{Kind, Process, Step},
};
use crate::{
    intent::Arrangement,
    message::Message,
    name::{EnvironmentName, InfrastructureName, JobListName},
};

/// The version of the record that this program writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// One release of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this format.
    pub format_version: u32,
    /// The environment.
    pub environment: EnvironmentName,
    /// Which process.
    pub process: Process,
    /// What is released, as it was named.
    pub release: String,
    /// The branch or tag that carries it.
    pub reference: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who was production when it began.
    pub production: InfrastructureName,
    /// Who was hot standby when it began.
    pub hot_standby: InfrastructureName,
    /// The lists of further jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<JobListName>,
    /// Its beginning.
    pub started: Mark,
    /// The key of the dump, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The dumps that there were before, by name, with their sizes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dumps_before: BTreeMap<String, u64>,
    /// Branch B was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Back>,
    /// What became of each step; a step that is not here was not begun.
    #[serde(default)]
    pub steps: BTreeMap<Step, Entry>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<End>,
    /// The file that keeps it, as a word of a command; `None` where GitLab does. Not kept itself.
    #[serde(skip)]
    pub kept_in: Option<String>,
}

/// A command of `gigadb-roles release` about one environment, in backquotes, as it is typed;
/// `kept_in` is the file that keeps the record, as a word of a command.
pub fn command(words: &str, environment: &EnvironmentName, kept_in: Option<&str>) -> String {
    let record = kept_in.map(|file| format!(" --record {file}"));
    let record = record.unwrap_or_default();
    // What is about one step stands beside its name.
    let options = words.find(" --").unwrap_or(words.len());
    let (words, options) = words.split_at(options);
    format!("`gigadb-roles release {words} -e {environment}{record}{options}`")
}

/// Somebody at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When, RFC 3339, by the clock of whoever it was.
    pub at: String,
    /// Who.
    pub by: String,
}

/// The decision to take branch B.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// Who, when.
    #[serde(flatten)]
    pub mark: Mark,
    /// Why, where somebody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The interlocks that were overridden for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// How far it is.
    pub state: State,
    /// Who, when.
    #[serde(flatten)]
    pub mark: Mark,
    /// The process that began it, in a form that only the program which wrote it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What the person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The interlocks that were overridden for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// The ids of the jobs that had ended by then: whatever is newer came after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_jobs: Vec<u64>,
    /// Of a deployment: the commit of its pipeline, where GitLab told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Begun; how it ended is not known yet.
    Begun,
    /// It ended badly, and may be taken again.
    Failed,
    /// Done by this program.
    Done,
    /// Done by somebody else, as facts show.
    Seen,
    /// Done, as a person says.
    Confirmed,
    /// Left out, with a reason.
    LeftOut,
}

impl State {
    /// Whether nothing of it is left to do.
    pub fn is_complete(self) -> bool {
        !matches!(self, Self::Begun | Self::Failed)
    }

    /// The word, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Seen => "seen",
            Self::Confirmed => "confirmed",
            Self::LeftOut => "left out",
        }
    }
}

/// An interlock that was overridden, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Its name.
    pub interlock: Interlock,
    /// Why.
    pub reason: String,
}

/// The end of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How it ended.
    pub how: EndedAs,
    /// Who, when.
    #[serde(flatten)]
    pub mark: Mark,
    /// Why, where somebody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was open then, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
}

/// How a release ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedAs {
    /// Every step was done.
    Finished,
    /// It was given up.
    Abandoned,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableRecord {
    /// A newer program wrote it.
    #[error("it has version {0}, and this program reads up to version {FORMAT_VERSION}")]
    Newer(u32),
    /// It is no record.
    #[error("it is no record of a release (line {line}, column {column})")]
    NoRecord {
        /// Where reading it ended.
        line: usize,
        /// Where reading it ended.
        column: usize,
    },
}

/// What a release begins with.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The environment.
    pub environment: EnvironmentName,
    /// Which process.
    pub process: Process,
    /// What is released.
    pub release: String,
    /// The branch or tag that carries it.
    pub reference: String,
    /// Why.
    pub reason: Option<String>,
    /// Who has which role now.
    pub roles: Arrangement,
    /// The lists of further jobs.
    pub more: Vec<JobListName>,
    /// Who, when.
    pub mark: Mark,
}

impl Record {
    /// A release that begins.
    pub fn begin(begin: Begin) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            environment: begin.environment,
            process: begin.process,
            release: begin.release,
            reference: begin.reference,
            reason: begin.reason,
            production: begin.roles.production,
            hot_standby: begin.roles.hot_standby,
            more: begin.more,
            started: begin.mark,
            key: None,
            dumps_before: BTreeMap::new(),
            back: None,
            steps: BTreeMap::new(),
            ended: None,
            kept_in: None,
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// Where a newer program wrote it, or it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let no_record = |error: serde_json::Error| UnreadableRecord::NoRecord {
            line: error.line(),
            column: error.column(),
        };
        let version: Version = serde_json::from_slice(bytes).map_err(no_record)?;
        if version.format_version > FORMAT_VERSION {
            return Err(UnreadableRecord::Newer(version.format_version));
        }
        serde_json::from_slice(bytes).map_err(no_record)
    }

    /// Every step of it, in order; those of branch A or B as it stands.
    pub fn all_steps(&self) -> Vec<Step> {
        let all = Step::all(self.process, self.back.is_some(), &self.more);
        if self.back.is_none() {
            return all;
        }
        // On the way back, what was not done before is not done any more.
        let counts = |step: &Step| {
            step.kind == Kind::SwapBack
                || step.kind.is_for_always()
                || self.steps.contains_key(step)
        };
        all.into_iter().filter(|step| counts(step)).collect()
    }

    /// The steps that are left to do, in order.
    pub fn left(&self) -> Vec<Step> {
        let past = |step: &Step| {
            self.is_complete(step)
                || (self.back.is_some()
                    && step.kind != Kind::SwapBack
                    && !step.kind.is_for_always())
        };
        let all = self.all_steps().into_iter();
        all.filter(|step| !past(step)).collect()
    }

    /// Whether a step is done, seen, confirmed or left out.
    pub fn is_complete(&self, step: &Step) -> bool {
        let entry = self.steps.get(step);
        entry.is_some_and(|entry| entry.state.is_complete())
    }

    /// The same for a step without a list of jobs.
    pub fn is_past(&self, kind: Kind) -> bool {
        self.is_complete(&kind.into())
    }

    /// The step that was begun and has not ended, as far as the record tells.
    pub fn under_way(&self) -> Option<(&Step, &Entry)> {
        let mut steps = self.steps.iter();
        steps.find(|(_, entry)| entry.state == State::Begun)
    }

    /// Who should have which role, as the last step left it.
    pub fn expected(&self) -> Arrangement {
        let swapped = self.is_past(Kind::Swap) && !self.is_past(Kind::SwapBack);
        let first = self.first();
        if swapped { first.swapped() } else { first }
    }

    /// Who had which role when it began.
    pub fn first(&self) -> Arrangement {
        Arrangement {
            production: self.production.clone(),
            hot_standby: self.hot_standby.clone(),
        }
    }

    /// The side that a deployment goes to.
    pub fn target(&self, kind: Kind) -> &InfrastructureName {
        match kind {
            Kind::DeployFormer | Kind::DeployProduction => &self.production,
            _ => &self.hot_standby,
        }
    }

    /// The other side.
    pub fn beside(&self, side: &InfrastructureName) -> &InfrastructureName {
        if *side == self.production {
            &self.hot_standby
        } else {
            &self.production
        }
    }

    /// The ids of the jobs of `side` that do not count for `step`, because they had ended when it
    /// was begun. Where a deployment is taken again, what went well since its first attempt counts.
    pub fn ended_before(&self, step: &Step, side: &SideFacts) -> Vec<u64> {
        let taken = self.steps.get(step).filter(|_| step.kind.is_deployment());
        let counts = |job: &&JobFact| {
            taken.is_some_and(|entry| {
                job.status == JobStatus::Success && !entry.ended_jobs.contains(&job.id)
            })
        };
        let ended = side.jobs.iter().filter(|job| job.status.has_ended());
        ended.filter(|job| !counts(job)).map(|job| job.id).collect()
    }

    /// Notes what became of a step. Overrides of an attempt before stay.
    pub fn note(&mut self, step: &Step, mut entry: Entry) {
        if let Some(before) = self.steps.remove(step) {
            let kept = before.overrides.into_iter();
            let new = std::mem::take(&mut entry.overrides);
            let again = |one: &Override| !new.contains(one);
            entry.overrides = kept.filter(again).collect();
            entry.overrides.extend(new);
        }
        self.steps.insert(step.clone(), entry);
    }

    /// Notes a person's word.
    ///
    /// # Errors
    ///
    /// Where an earlier step is open, the step is not one of it, facts can show it, or one person
    /// would have given both validations.
    pub fn confirm(
        &mut self,
        step: &Step,
        mark: Mark,
        note: Option<String>,
        overrides: &[Override],
    ) -> Result<(), Block> {
        self.may_be_confirmed(step, &mark.by, overrides)?;
        // What stood in nobody's way was not overridden.
        let needed = self.may_be_confirmed(step, &mark.by, &[]).is_err();
        let entry = Entry {
            state: State::Confirmed,
            mark,
            process: None,
            evidence: Vec::new(),
            note,
            overrides: if needed {
                overrides.to_vec()
            } else {
                Vec::new()
            },
            ended_jobs: Vec::new(),
            commit: None,
        };
        self.note(step, entry);
        Ok(())
    }

    fn may_be_confirmed(&self, step: &Step, by: &str, overrides: &[Override]) -> Result<(), Block> {
        let refuse = |interlock, what: String, next: String| {
            Err(Block {
                interlock,
                message: Message::nothing_changed(what, self.object(step), next),
            })
        };
        let left = self.left();
        if !left.contains(step) {
            let what = if self.is_complete(step) {
                format!("Step `{step}` is complete already.")
            } else {
                format!("Step `{step}` is none of this release's.")
            };
            let next = format!("Run {} to see what is next.", self.command("status"));
            return refuse(None, what, next);
        }
        let validates = |kind| matches!(kind, Kind::ValidateBusiness | Kind::ValidateTechnical);
        let before = left.iter().take_while(|one| *one != step);
        let mut before = before.filter(|one| !(validates(one.kind) && validates(step.kind)));
        if let Some(open) = before.next() {
            return refuse(
                None,
                format!("Step `{step}` comes after `{open}`, which is open."),
                format!("Complete `{open}` first: run {}.", self.command("next")),
            );
        }
        let by_command = step.kind.command().is_some() || step.kind == Kind::Probe;
        if !step.kind.is_a_persons() && !by_command {
            return refuse(
                None,
                format!("Step `{step}` is not a matter of anybody's word: facts show it."),
                format!(
                    "Run {}: what was done by hand is recognized.",
                    self.command("next")
                ),
            );
        }
        let other = match step.kind {
            Kind::ValidateBusiness => Some(Kind::ValidateTechnical),
            Kind::ValidateTechnical => Some(Kind::ValidateBusiness),
            _ => None,
        };
        let other = other.and_then(|other| self.steps.get(&other.into()));
        let plain = |name: &str| {
            let words: Vec<&str> = name.split_whitespace().collect();
            words.join(" ").to_lowercase()
        };
        let same =
            |other: &&Entry| other.state == State::Confirmed && plain(&other.mark.by) == plain(by);
        let waived = |one: &Override| one.interlock == Interlock::TwoPeople;
        if let Some(other) = other.filter(same)
            && !overrides.iter().any(waived)
        {
            return refuse(
                Some(Interlock::TwoPeople),
                format!(
                    "`{}` gave the other validation too, and the two are two people's.",
                    other.mark.by
                ),
                "Have somebody else validate it and confirm that with --by.".to_owned(),
            );
        }
        Ok(())
    }

    /// Whether branch B may be taken.
    ///
    /// # Errors
    ///
    /// Where no roles are traded, somebody is at work on a step, or the former production does not
    /// carry any more what it had.
    pub fn may_go_back(&self, facts: &Facts, overrides: &[Override]) -> Result<(), Block> {
        let refuse = |interlock, what: String, next: String| {
            Err(Block {
                interlock,
                message: Message::nothing_changed(what, self.whole(), next),
            })
        };
        let waived = |one| overrides.iter().any(|given| given.interlock == one);
        if self.process == Process::Simple {
            return refuse(
                None,
                "A simple release trades no roles, so there is no way back by roles.".to_owned(),
                format!(
                    "Run {}, then start a simple release of the release before.",
                    self.command("abandon")
                ),
            );
        }
        if self.back.is_some() {
            return Ok(());
        }
        if let Some(held) = self.held(facts)
            && !waived(Interlock::StepHeld)
        {
            return Err(held);
        }
        let as_before = facts.roles.as_ref().is_ok_and(|now| *now == self.first());
        if as_before && !self.steps.contains_key(&Kind::Swap.into()) {
            return refuse(
                None,
                format!(
                    "No roles were traded: `{}` is production, as before this release.",
                    self.production
                ),
                format!(
                    "Fix what is wrong and run {}, or give the release up with {}: it lists what \
                     is open.",
                    self.command("next"),
                    self.command("abandon")
                ),
            );
        }
        let former = Kind::DeployFormer;
        if self.steps.contains_key(&former.into()) && !waived(Interlock::FormerUntouched) {
            return refuse(
                Some(Interlock::FormerUntouched),
                format!(
                    "`{}` may not carry any more what it carried as production: `{}` was begun.",
                    self.production,
                    former.as_str()
                ),
                "Deploy the release before on it first, or go back all the same with --override \
                 former-untouched and --reason."
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// What stands in the way where somebody has begun a step and may be at work on it.
    pub fn held(&self, facts: &Facts) -> Option<Block> {
        let (step, entry) = self.under_way()?;
        if facts.holder_is_gone {
            return None;
        }
        let Mark { at, by } = &entry.mark;
        let message = Message::nothing_changed(
            format!("`{by}` began step `{step}` at {at}, and it is not known to have ended."),
            self.object(step),
            format!(
                "Ask `{by}`. Where that run is surely over, run the command again with \
                 --override step-held and --reason."
            ),
        );
        Some(Block {
            interlock: Some(Interlock::StepHeld),
            message,
        })
    }

    /// The release as the object of a message.
    pub fn whole(&self) -> String {
        format!(
            "release `{}` in environment `{}`",
            self.release, self.environment
        )
    }

    /// A command of `gigadb-roles release` that goes on with this release, in backquotes, as it
    /// is typed.
    pub fn command(&self, words: &str) -> String {
        command(words, &self.environment, self.kept_in.as_deref())
    }

    /// A step of it as the object of a message.
    pub fn object(&self, step: &Step) -> String {
        format!("step `{step}` of {}", self.whole())
    }
}
