//! What `verify` and `watch` begin with: production's names of one environment, whose endpoints are asked.

use std::time::Duration;

use clap::Args;
use gigadb_clients::{Scope as Reads, Which};
use gigadb_engine::{
    name::EnvironmentName,
    observation::{Observation, environment_of},
    topology::Environment,
};
use tokio_util::sync::CancellationToken;

use crate::{
    failure::Failure,
    global::Global,
    named::OneEnvironment,
    planning,
    ports::Ports,
    session::{Session, Waiting},
};

/// How long the APIs are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whose endpoints are asked, and whom they may be certified by.
#[derive(Debug, Args)]
pub(crate) struct EndpointArgs {
    #[command(flatten)]
    environment: OneEnvironment,

    /// Trust the authorities of this PEM file in addition to the system's.
    #[arg(long = "https-ca-file", value_name = "FILE")]
    pub(crate) ca_file: Option<String>,
}

/// One environment, and what reads it.
pub(crate) struct Asking {
    pub(crate) session: Session,
    pub(crate) environment: EnvironmentName,
    pub(crate) ports: Ports,
}

impl EndpointArgs {
    /// Reads topology and settings.
    pub(crate) fn open(&self, global: &Global) -> Result<Asking, Failure> {
        let ports = Ports::set()?;
        let session = Session::open_to_read(global, Waiting::AtMost(PATIENCE))?;
        let environment = planning::environment(&session.topology, &self.environment.name()?)?;
        Ok(Asking {
            session,
            environment,
            ports,
        })
    }
}

impl Asking {
    /// What the topology says of the environment.
    pub(crate) fn table(&self) -> Result<&Environment, Failure> {
        environment_of(&self.session.topology, &self.environment)
            .map_err(|error| planning::unread(&self.environment, &error))
    }

    /// Reads records and machines of all sides.
    pub(crate) async fn observe(&self, cancel: &CancellationToken) -> Result<Observation, Failure> {
        let reads = Reads {
            environments: Which::one(self.environment.clone()),
            records: true,
            variables: Which::none(),
            sides: Which::All,
        };
        let world = self.session.observe(&reads, cancel).await.world;
        Observation::project(&self.session.topology, &self.environment, &world, None)
            .map_err(|error| planning::unread(&self.environment, &error))
    }

    /// DNS did not tell what this is about: `what` is a sentence.
    pub(crate) fn without_dns(&self, what: String, source: &str) -> Failure {
        Failure::refused(
            what,
            format!("environment `{}`, as {source} tell", self.environment),
            "Check the connection to DNS; GIGADB_DNS_SERVER=ADDRESS:PORT names a server to ask.",
        )
    }
}
