//! The clients of Cloudflare, GitLab and EC2, and the driver that runs the engine's executor.
//!
//! ```text
//! Settings  explicit settings and environment  -> where and how        settings
//! observe   Topology + three APIs              -> engine World         observe, shared
//! dns       hostnames                          -> zones, records    dns
//! delivery  project, environment or state      -> release, outputs delivery
//! lease     one environment                    -> held, refused        lease
//! swap      a reviewed plan                    -> how it ended         swap, the one door for writes
//! run       lease and journal around a drive   -> Outcome              run
//! write     one zone batch, one variable       -> done, not, unknown   write
//! drive     ChangeSet                          -> Outcome              drive
//! jobs      project, ref                       -> what runs, started jobs jobs
//! record    a release                          -> a state of GitLab    record
//! command   argv                               -> its end              command
//! note      a merge request, a text         -> posted, updated notes
//! probe     names, addresses                   -> ready, why not      probe
//! watch     names, servers, resolvers          -> where they lead     dns
//! tell      webhooks, what was done            -> told, why not       notify
//! journal   a run, before and after each step  -> a file, and back     journal
//! ```
//!
//! **Invariants.** Only rows and names that the topology knows are kept. A write whose outcome is
//! unknown is never sent again. Tokens, headers and bodies are in no log, error or message. The
//! process environment is read through the caller's function alone, except by the AWS SDK for
//! what no setting names.
//!
//! What this crate deliberately does not do: decide anything about roles, or talk to the user.

mod certificate;
mod cloudflare;
pub mod command;
mod delivery;
mod dns;
mod drive;
mod ec2;
mod gitlab;
pub mod history;
mod http;
mod jobs;
pub mod journal;
pub mod lease;
mod network;
mod notes;
pub mod notify;
mod observe;
mod preflight;
pub mod probe;
pub mod process;
pub mod record;
pub mod run;
mod secret;
pub mod settings;
mod shared;
mod standing;
mod survey;
pub mod swap;
mod timing;
mod topology_file;
pub mod trust;
mod write;

/// The tests over the simulator, inside the crate because writes cannot be reached from outside.
#[cfg(test)]
#[path = "../tests/simulated/main.rs"]
mod simulated;

#[cfg(test)]
extern crate self as gigadb_clients;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub(crate) use crate::{
    cloudflare::{NewRecord, Patch},
    journal::{Journal, NoJournal},
    write::Patience,
};
pub use crate::{
    dns::Lookout,
    jobs::{NotStarted, SideAsked},
    network::Network,
    notes::{MergeRequest, Noted, Unnoted},
    observe::{Scope, Which},
    secret::{Secret, tells_keys},
    settings::{
        DnsSettings, Explicit, Settings, SettingsError, dns::SERVER_VARIABLE as DNS_SERVER_VARIABLE,
    },
    shared::SharedWorld,
    standing::{AwsProfile, InProject, MAINTAINER, Token},
    timing::Timing,
    topology_file::{TOPOLOGY_DEFAULT, TOPOLOGY_VARIABLE, TopologyFile},
};

/// The three APIs. Cheap to make and to clone: clients, connections and credentials are made at
/// the first call and shared by all clones.
#[derive(Debug, Clone)]
pub struct Apis {
    timing: Timing,
    cloudflare: cloudflare::Cloudflare,
    dns: Option<dns::Dns>,
    gitlab: gitlab::Gitlab,
    transport: http::Transport,
    ec2: ec2::Ec2,
    spent: Arc<observe::SpentTime>,
    leases: Arc<lease::Leases>,
    journal_folder: Option<PathBuf>,
    operator: Arc<str>,
    waits_for_siblings: bool,
    secrets: Arc<[Secret]>,
    /// Set in a failover: what decides it, and what is not waited for.
    hurry: Option<Arc<observe::Hurry>>,
    network: network::Network,
}

impl Apis {
    /// Prepares the clients. Nothing is sent, read or checked yet.
    pub fn new(settings: Settings) -> Self {
        let services = [&settings.cloudflare, &settings.gitlab];
        let secrets = services.iter().filter_map(|s| s.token.clone()).collect();
        let trust = http::trust::Trust::new(settings.roots.clone());
        let proxy = settings.proxy.clone();
        let transport =
            http::Transport::new(settings.timing, proxy.clone(), trust.clone(), &services);
        let network = network::Network::new(&settings, trust.clone());
        Self {
            timing: settings.timing,
            dns: settings
                .dns
                .map(|dns| dns::Dns::new(dns, settings.timing.call)),
            cloudflare: cloudflare::Cloudflare::new(transport.clone(), settings.cloudflare),
            gitlab: gitlab::Gitlab::new(transport.clone(), settings.gitlab),
            transport,
            ec2: ec2::Ec2::new(settings.aws, proxy, trust, settings.timing),
            network,
            spent: Arc::default(),
            leases: Arc::default(),
            journal_folder: settings.journal_folder,
            operator: settings.operator.into(),
            waits_for_siblings: false,
            secrets,
            hurry: None,
        }
    }

    /// The same, which waits for a lease that the same program holds under the same parent
    /// process: so it is with two aliases of the provider in one run of Terraform.
    #[must_use]
    pub fn waiting_for_siblings(self) -> Self {
        Self {
            waits_for_siblings: true,
            ..self
        }
    }

    /// Why a run could keep no journal, as a clause, as far as that shows without writing.
    pub fn no_journal(&self) -> Option<String> {
        match &self.journal_folder {
            None => Some(journal::NO_FOLDER.to_owned()),
            Some(folder) => trust::not_writable(folder),
        }
    }

    /// How long one call takes at most, attempts and pauses together.
    pub fn call_within(&self) -> Duration {
        self.timing.call
    }

    fn timing(&self) -> &Timing {
        &self.timing
    }
}
