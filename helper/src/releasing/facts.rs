//! What is so now, read for a release.

use std::collections::BTreeMap;

use gigadb_clients::{
    SideAsked,
    process::{Liveness, Process as ThisProcess},
};
use gigadb_engine::{
    name::Role,
    observation::environment_of,
    release::{Dump, Facts, Record},
    topology::CommandName,
    view::{self, Status, View},
};
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::{
    dumps, planning,
    ui::{self, Within},
};

impl Desk<'_> {
    /// Reads everything that the release is judged by.
    pub(crate) async fn facts(&self, record: &Record, cancel: &CancellationToken) -> Facts {
        let topology = &self.session.topology;
        let deploying = self.release.deploy_jobs.of(self.environment);
        let more = self.more();
        let more = more
            .iter()
            .filter_map(|name| self.release.more_jobs.get(name))
            .flat_map(|jobs| jobs.of(self.environment));
        let deploying: Vec<String> = deploying.iter().chain(more).cloned().collect();
        let sides = [&record.production, &record.hot_standby].map(|name| {
            let deploying = &deploying;
            async move {
                let Some(side) = topology.infrastructures.get(name) else {
                    return (name.clone(), Err(format!("the topology has no `{name}`")));
                };
                let asked = SideAsked {
                    project: &side.gitlab_project,
                    environment: self.environment,
                    reference: &record.reference,
                    deploying,
                };
                let read = self.session.apis.side_facts(asked, cancel).await;
                (name.clone(), read.map_err(|failure| failure.to_string()))
            }
        });
        let observed = planning::observe(self.session, self.environment, None, cancel);
        let read = async {
            tokio::join!(
                observed,
                futures::future::join_all(sides),
                self.dumps(record, cancel)
            )
        };
        let within = Within::Each(self.session.apis.call_within());
        let what = "Reading what the release is judged by";
        let (observed, sides, dumps) = ui::waiting(what, within, Box::pin(read)).await;
        let (roles, consistent, prepared) =
            match (observed, environment_of(topology, self.environment)) {
                (Ok(observation), Ok(table)) => {
                    let pair = [&record.production, &record.hot_standby];
                    let seen = View::observed(table, pair, &observation);
                    let standby = |key| seen.variables.get(&(record.hot_standby.clone(), key));
                    let holds = |(key, value): (&_, &String)| {
                        standby(Clone::clone(key)).is_some_and(|held| held.as_ref() == Some(value))
                    };
                    (
                        view::roles(topology, table, &observation).map_err(|why| why.to_string()),
                        seen.status == Status::Consistent,
                        table.table(Role::Production).variables.iter().all(holds),
                    )
                }
                (Err(failure), _) => (Err(first_sentence(&failure.message.what)), false, false),
                (_, Err(error)) => (Err(error.to_string()), false, false),
            };
        Facts {
            roles,
            consistent,
            prepared,
            sides: sides.into_iter().collect::<BTreeMap<_, _>>(),
            dumps,
            holder_is_gone: holder_is_gone(record),
        }
    }

    /// Production's dumps, as the topology's command lists them.
    pub(crate) async fn dumps(
        &self,
        record: &Record,
        cancel: &CancellationToken,
    ) -> Result<Vec<Dump>, String> {
        let filling = (
            record.release.as_str(),
            record.key.as_deref().unwrap_or_default(),
        );
        let topology = &self.session.topology;
        let roles = record.expected();
        let listing = dumps::list(topology, self.environment, &roles, filling);
        let listed = tokio::select! {
            listed = listing => listed,
            () = cancel.cancelled() => Some(Err("it was not waited for".to_owned())),
        };
        listed.unwrap_or_else(|| Err("the topology names no command that lists them".to_owned()))
    }

    /// Whether the topology names a command that lists dumps.
    pub(crate) fn lists_dumps(&self) -> bool {
        self.release.commands.contains_key(&CommandName::Backups)
    }
}

/// Whether the process that began the step under way no longer runs on this machine.
fn holder_is_gone(record: &Record) -> bool {
    let Some((_, entry)) = record.under_way() else {
        return true;
    };
    let process = entry.process.as_deref();
    let process = process.and_then(|text| serde_json::from_str::<ThisProcess>(text).ok());
    process.is_some_and(|process| process.liveness() == Liveness::Gone)
}

/// A sentence as a clause.
fn first_sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    text.strip_prefix("It is not known who has which role: ")
        .unwrap_or(text)
        .to_owned()
}
