//! What most commands need first: the topology, and clients that are made when they are needed.

use std::{fs, path::PathBuf, time::Duration};

use gigadb_clients::{
    Apis, DNS_SERVER_VARIABLE, DnsSettings, Explicit, Scope, Settings, TOPOLOGY_DEFAULT,
    TOPOLOGY_VARIABLE, Timing, TopologyFile, Which,
};
use gigadb_engine::{
    message::capitalized,
    topology::Topology,
    world::{Reading, World},
};
use tokio_util::sync::CancellationToken;

use crate::{
    failure::Failure,
    global::Global,
    last_known::{self, Ages},
    surroundings,
    ui::{self, Ui, Within},
};

/// A topology with the clients that observe it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) topology: Topology,
    /// The file that it was read from, as it was named.
    pub(crate) topology_file: PathBuf,
    pub(crate) apis: Apis,
    /// The base URL of GitLab's API, without a trailing slash.
    pub(crate) gitlab_base: String,
    /// Who tells of the records in place of Cloudflare's API, in words.
    dns: Option<String>,
    /// Where the machines as last read are kept; `None` without a home.
    last_known: Option<PathBuf>,
}

/// What was read, with the ages of what was not read now but before.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) world: World,
    pub(crate) ages: Ages,
    pub(crate) source: RecordSource,
}

/// Where the records come from, when not from Cloudflare's API, and what is doubtful about them.
#[derive(Debug, Default)]
pub(crate) struct RecordSource {
    dns: Option<String>,
    doubts: Vec<String>,
}

impl RecordSource {
    /// Says so, where there is something to say.
    pub(crate) fn tell(&self, ui: &Ui) {
        if let Some(source) = &self.dns {
            ui.note(&format!(
                "Roles come from DNS ({source}), because CLOUDFLARE_API_TOKEN is not set."
            ));
        }
        self.tell_doubts(ui);
    }

    /// Says only what is doubtful.
    pub(crate) fn tell_doubts(&self, ui: &Ui) {
        for doubt in &self.doubts {
            ui.warning(doubt);
        }
    }
}

/// How long a command may wait for the APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// As the contract's timing says.
    Ordinary,
    /// At most this long for every call and every region.
    AtMost(Duration),
}

impl Session {
    /// For a command that only reads: without a Cloudflare token, records come from DNS.
    pub(crate) fn open_to_read(global: &Global, waiting: Waiting) -> Result<Self, Failure> {
        Self::open_with(global, waiting, true)
    }

    /// The same; `None` where no topology is named, and there is none.
    pub(crate) fn open_if_any(global: &Global, waiting: Waiting) -> Result<Option<Self>, Failure> {
        let file = topology_file(global);
        if !file.is_named() && !file.path().exists() {
            return Ok(None);
        }
        Self::open_to_read(global, waiting).map(Some)
    }

    /// For a command that may write, which only Cloudflare's API can.
    pub(crate) fn open(global: &Global, waiting: Waiting) -> Result<Self, Failure> {
        Self::open_with(global, waiting, false)
    }

    /// Reads the topology and the settings. Nothing is sent.
    fn open_with(global: &Global, waiting: Waiting, reads_only: bool) -> Result<Self, Failure> {
        let file = topology_file(global);
        let topology = read_topology(&file)?;
        let topology_file = file.path().to_owned();
        let mut settings = settings()?;
        if reads_only && settings.cloudflare.token.is_none() {
            settings.dns = Some(dns_settings()?);
        }
        if let Waiting::AtMost(limit) = waiting {
            let usual = settings.timing;
            settings.timing = Timing {
                attempt: usual.attempt.min(limit),
                call: usual.call.min(limit),
                side_reads: usual.side_reads.min(limit),
                ..usual
            };
        }
        let gitlab_base = settings
            .gitlab
            .base_url
            .as_str()
            .trim_end_matches('/')
            .to_owned();
        let last_known = last_known::path(&topology, &settings.aws);
        Ok(Self {
            last_known,
            topology,
            topology_file,
            dns: settings.dns.map(|dns| dns.source()),
            apis: Apis::new(settings),
            gitlab_base,
        })
    }

    /// Who tells of the records, in words.
    pub(crate) fn source(&self) -> String {
        match &self.dns {
            Some(dns) => format!("DNS ({dns})"),
            None => "Cloudflare's API".to_owned(),
        }
    }

    /// An operator's reason, without the tokens that this process uses, should one be in it.
    pub(crate) fn reason(&self, given: Option<&str>) -> Option<String> {
        given.map(|text| self.apis.redacted(text))
    }

    /// Reads the world, and completes what could not be read with what is last known of it.
    pub(crate) async fn observe(&self, reads: &Scope, cancel: &CancellationToken) -> Observed {
        let reading = self.apis.observe_with_doubts(&self.topology, reads, cancel);
        let what = "Reading what is there";
        let at_most = self.apis.reads_within(&self.topology, reads);
        let (mut world, doubts) = ui::waiting(what, Within::All(at_most), Box::pin(reading)).await;
        let source = RecordSource {
            dns: self.dns.clone().filter(|_| reads.records),
            doubts,
        };
        let Some(file) = &self.last_known else {
            return Observed {
                world,
                ages: Ages::new(),
                source,
            };
        };
        let now = surroundings::now();
        // A side that was read for one environment alone is not kept: the others would be lost.
        if reads.environments == Which::All
            && let Err(error) = last_known::keep(&world, file, now)
        {
            tracing::warn!(%error, file = %file.display(), "the last known hosts could not be kept");
        }
        let ages = last_known::complete(&mut world, file, now);
        Observed {
            world,
            ages,
            source,
        }
    }

    /// Completes what could not be read with what is last known of it, and tells how old that is.
    pub(crate) fn complete(&self, world: &mut World) -> Ages {
        self.last_known.as_deref().map_or_else(Ages::new, |file| {
            last_known::complete(world, file, surroundings::now())
        })
    }

    /// Reads records, and the hosts of every environment unless they were read less than
    /// `max_age` seconds ago. Records, on which roles rest, are read in any case.
    pub(crate) async fn observe_hosts(&self, max_age: u64, cancel: &CancellationToken) -> Observed {
        let fresh = self
            .last_known
            .as_deref()
            .map(|file| last_known::fresh(file, max_age, surroundings::now()))
            .unwrap_or_default();
        let sides = self.topology.infrastructures.keys();
        let not_fresh = sides.filter(|name| !fresh.contains_key(*name));
        let reads = Scope {
            environments: Which::All,
            records: true,
            variables: Which::none(),
            sides: Which::Only(not_fresh.cloned().collect()),
        };
        let mut observed = self.observe(&reads, cancel).await;
        for (name, (side, age)) in fresh {
            if self.topology.infrastructures.contains_key(&name) {
                observed.ages.insert(name.clone(), age);
                observed.world.sides.insert(name, Reading::Read(side));
            }
        }
        observed
    }
}

/// Where the APIs are and how they are asked, as the environment says.
pub(crate) fn settings() -> Result<Settings, Failure> {
    Settings::resolve(Explicit::default(), &surroundings::variable).map_err(|error| {
        Failure::refused(
            format!("A setting cannot be used: {error}."),
            error.setting.to_string(),
            format!("Correct {}, then run the command again.", error.source_name),
        )
    })
}

/// Whom to ask of DNS, as the environment says.
pub(crate) fn dns_settings() -> Result<DnsSettings, Failure> {
    DnsSettings::from_environment(&surroundings::variable).map_err(|fault| {
        Failure::usage(
            format!("{DNS_SERVER_VARIABLE} cannot be used: {fault}."),
            DNS_SERVER_VARIABLE,
            "Correct it, or unset it to ask the zones' authoritative servers.",
        )
    })
}

/// `--topology`, else `GIGADB_TOPOLOGY`, else `topology.yaml` here or in a folder above.
pub(crate) fn topology_file(global: &Global) -> TopologyFile {
    TopologyFile::here_or_above(global.topology.as_deref(), &surroundings::variable)
}

/// The topology that is named, or that lies where one is looked for; `None` where none is named
/// and there is none.
pub(crate) fn topology_if_any(global: &Global) -> Result<Option<Topology>, Failure> {
    let file = topology_file(global);
    if !file.is_named() && !file.path().exists() {
        return Ok(None);
    }
    read_topology(&file).map(Some)
}

fn read_topology(file: &TopologyFile) -> Result<Topology, Failure> {
    let name = file.path().display().to_string();
    let text = fs::read_to_string(file.path()).map_err(|error| {
        Failure::refused(
            format!("The topology could not be read: {error}."),
            file.place(),
            format!(
                "Name the file with --topology or {TOPOLOGY_VARIABLE}, or run the command in the \
                 folder of `{TOPOLOGY_DEFAULT}` or below it."
            ),
        )
    })?;
    match Topology::parse(&text) {
        Ok(parsed) => Ok(parsed.topology),
        Err(faults) => Err(Failure::refused(
            format!(
                "{}:\n{}",
                capitalized(&faults.to_string()),
                faults.render(&name, &text)
            ),
            format!("`{name}`"),
            "Correct every place that is named, then run the command again.",
        )),
    }
}
