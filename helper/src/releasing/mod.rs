//! A release: facts are read, the engine says what is next, it is carried out and recorded.

pub(crate) mod carry;
mod deploy;
mod facts;
pub(crate) mod key;
mod look;
pub(crate) mod store;
mod terraform;
pub(crate) mod text;

use std::{collections::BTreeSet, path::Path};

use futures::future::join_all;
use gigadb_clients::{notify::News, settings};
use gigadb_engine::{
    intent::Arrangement,
    name::{EnvironmentName, JobListName},
    observation::environment_of,
    release::{Block, Facts, Interlock, Mark, Next, Record, Step, next},
    topology::{CommandName, Filling, NotifyEvent, Release},
    view,
};
use jiff::{Timestamp, tz::TimeZone};
use tokio_util::sync::CancellationToken;

use self::store::Store;
use crate::{failure::Failure, outbox::Outbox, planning, session::Session, surroundings, ui::Ui};

/// Where a release is worked on: the session, the environment, and what the topology says of it.
pub(crate) struct Desk<'a> {
    pub(crate) session: &'a Session,
    pub(crate) environment: &'a EnvironmentName,
    pub(crate) release: &'a Release,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        session: &'a Session,
        environment: &'a EnvironmentName,
    ) -> Result<Self, Failure> {
        let missing = |what: String, next: &str| {
            Failure::refused(what, format!("`{}`", session.topology_file.display()), next)
        };
        let release = session.topology.release.as_ref().ok_or_else(|| {
            missing(
                "The topology does not say how a release is deployed.".to_owned(),
                "Add `release: { deploy_jobs: [build_live, ld_gigadb] }` with the names of your \
                 jobs.",
            )
        })?;
        if release.deploy_jobs.of(environment).is_empty() {
            return Err(missing(
                format!("`release.deploy_jobs` names no job of environment `{environment}`."),
                "Add the jobs that deploy to it.",
            ));
        }
        Ok(Self {
            session,
            environment,
            release,
        })
    }

    /// The names of the lists of further jobs that say something of the environment.
    pub(crate) fn more(&self) -> Vec<JobListName> {
        let lists = self.release.more_jobs.iter();
        lists
            .filter(|(_, jobs)| !jobs.of(self.environment).is_empty())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The jobs of a deployment's step.
    pub(crate) fn jobs(&self, step: &Step) -> Vec<String> {
        let jobs = match &step.jobs {
            None => Some(&self.release.deploy_jobs),
            Some(list) => self.release.more_jobs.get(list),
        };
        jobs.map_or(&[][..], |jobs| jobs.of(self.environment))
            .to_vec()
    }

    /// The line of Terraform's configuration that gives these roles: with more than two sides it
    /// names both.
    pub(crate) fn assigned(&self, then: &Arrangement) -> String {
        let production = format!("`production = \"{}\"`", then.production);
        if self.session.topology.infrastructures.len() > 2 {
            format!("{production} and `hot_standby = \"{}\"`", then.hot_standby)
        } else {
            production
        }
    }

    /// What is next.
    pub(crate) fn next(
        &self,
        record: &Record,
        facts: &Facts,
        overrides: &BTreeSet<Interlock>,
    ) -> Next {
        next(record, facts, &|step| self.jobs(step), overrides)
    }

    /// Who has which role now.
    pub(crate) async fn roles(&self, cancel: &CancellationToken) -> Result<Arrangement, Failure> {
        let topology = &self.session.topology;
        let observation = planning::observe(self.session, self.environment, None, cancel).await?;
        let table = environment_of(topology, self.environment)
            .map_err(|error| planning::unread(self.environment, &error))?;
        view::roles(topology, table, &observation).map_err(|why| {
            Failure::refused(
                format!("It is not clear who has which role: {why}."),
                format!("environment `{}`", self.environment),
                "Run `gigadb-roles status`, correct what it lists, then start the release again.",
            )
        })
    }

    /// Tells webhooks of a step, or of the release: how it ended in a word, and in a sentence.
    pub(crate) fn tell(
        &self,
        outbox: &Outbox,
        record: &Record,
        (outcome, step, text): (&str, Option<&Step>, String),
    ) {
        let news = News {
            event: NotifyEvent::Release,
            outcome: outcome.replace(' ', "_"),
            environment: record.environment.to_string(),
            production: None,
            hot_standby: None,
            run: None,
            step: step.map(ToString::to_string),
            text,
        };
        let webhooks = &self.session.topology.notify;
        outbox.put(&self.session.apis, webhooks, news);
    }

    /// The words of a command.
    pub(crate) fn argv(&self, record: &Record, name: CommandName) -> Vec<String> {
        let now = record.expected();
        self.release.argv(
            name,
            &Filling {
                key: record.key.as_deref().unwrap_or_default(),
                release: &record.release,
                environment: self.environment,
                production: &now.production,
                hot_standby: &now.hot_standby,
            },
        )
    }
}

/// This moment.
pub(crate) fn now() -> String {
    let seconds = i64::try_from(surroundings::now()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), |now| now.to_string())
}

/// This moment as the key of a dump: date and time, UTC.
pub(crate) fn key() -> String {
    let seconds = i64::try_from(surroundings::now()).unwrap_or(i64::MAX);
    let now = Timestamp::from_second(seconds).unwrap_or_default();
    now.to_zoned(TimeZone::UTC)
        .strftime("%Y%m%d%H%M")
        .to_string()
}

/// This operator, now.
pub(crate) fn mark() -> Mark {
    Mark {
        at: now(),
        by: settings::operator(&surroundings::variable),
    }
}

/// Asks before a release is given up in the middle of somebody's step, and says whose.
pub(crate) async fn in_the_middle(
    record: &Record,
    mut held: Block,
    yes: bool,
    ui: &Ui,
) -> Result<(), Failure> {
    let what = format!(
        "{} Where that run goes on, it starts no further job, and how the step ends is told there \
         and not noted.",
        held.message.what
    );
    if yes {
        ui.warning(&what);
        return Ok(());
    }
    let abandon = record.command("abandon");
    if !ui.can_ask() {
        held.message.next = format!(
            "{} To give the release up in the middle of it, run {abandon} with --yes.",
            held.message.next
        );
        return Err(text::blocked(held));
    }
    ui.conversation(&what);
    let typed = ui
        .ask("Type `abandon` to give the release up in the middle of it: ")
        .await;
    if typed.as_deref() == Some("abandon") {
        return Ok(());
    }
    Err(Failure::refused(
        "The release was not given up: `abandon` was not typed.",
        record.whole(),
        format!("Wait until the step has ended, or run {abandon} again when you are sure."),
    ))
}

/// No release is under way: the failure names the environments in which one is.
pub(crate) async fn none(
    session: &Session,
    environment: &EnvironmentName,
    file: Option<&Path>,
    cancel: &CancellationToken,
) -> Failure {
    let others = session.topology.environments.keys();
    let others = others.filter(|other| file.is_none() && *other != environment);
    let read = others.map(async |other| {
        let store = Store::new(session, other, None, None).ok()?;
        let held = store.read(session, cancel).await.ok()??;
        let under_way = held.record.ended.is_none();
        under_way.then(|| format!("`{}` in `{other}`", held.record.release))
    });
    let others: Vec<String> = join_all(read).await.into_iter().flatten().collect();
    if cancel.is_cancelled() {
        return Failure::interrupted();
    }
    let elsewhere = if others.is_empty() {
        String::new()
    } else {
        format!(" Under way is {}.", others.join(", "))
    };
    Failure::refused(
        format!("No release is under way in `{environment}`.{elsewhere}"),
        format!("environment `{environment}`"),
        "Start one with `gigadb-roles release start`, or name the environment that you mean.",
    )
}
