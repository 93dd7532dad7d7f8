//! A simulator, settings that reach it, and fast timing.

use std::{fmt::Write as _, time::Duration};

use gigadb_clients::{Apis, Explicit, Scope, Settings, Timing};
use gigadb_engine::{
    topology::Topology,
    world::{Failure, World},
};
use gigadb_simulator::{Api, LoggedRequest, Options, Simulator, World as Seed, world};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) struct Bench {
    pub(crate) simulator: Simulator,
    pub(crate) topology: Topology,
    pub(crate) home: TempDir,
}

/// Time-outs that a busy machine keeps, and pauses that nobody notices.
pub(crate) fn timing() -> Timing {
    Timing {
        attempt: Duration::from_secs(10),
        call: Duration::from_secs(20),
        side_reads: Duration::from_secs(20),
        backoff: Duration::from_millis(1),
        ..Timing::default()
    }
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_with(Seed::sop()).await
    }

    #[expect(
        clippy::unused_async,
        reason = "starting is asynchronous for callers, whatever it takes"
    )]
    pub(crate) async fn start_with(seed: Seed) -> Self {
        Self::start_as(seed, &Options::default())
    }

    pub(crate) fn start_as(seed: Seed, options: &Options) -> Self {
        let text = include_str!("../../../examples/terraform/upstream/topology.yaml");
        let home = tempfile::tempdir().unwrap();
        let mut config = String::new();
        let mut credentials = String::new();
        for key in &seed.aws.accounts[0].keys {
            let (profile, region) = key.profile.clone().unwrap();
            // The profile's region is wrong on purpose: the topology's counts.
            writeln!(
                config,
                "[profile {profile}]\nregion = us-east-1\n# not {region}"
            )
            .unwrap();
            writeln!(
                credentials,
                "[{profile}]\naws_access_key_id = {}\naws_secret_access_key = {}",
                key.id, key.secret
            )
            .unwrap();
        }
        std::fs::write(home.path().join("config"), config).unwrap();
        std::fs::write(home.path().join("credentials"), credentials).unwrap();
        Self {
            simulator: Simulator::start_with(seed, options).unwrap(),
            topology: Topology::parse(text).unwrap().topology,
            home,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        let file = |name: &str| self.home.path().join(name).display().to_string();
        let env = |name: &str| {
            Some(match name {
                "CLOUDFLARE_API_TOKEN" => world::CLOUDFLARE_TOKEN.to_owned(),
                "CLOUDFLARE_BASE_URL" => self.simulator.cloudflare_url().to_owned(),
                "GITLAB_TOKEN" => world::GITLAB_TOKEN.to_owned(),
                "GITLAB_BASE_URL" => self.simulator.gitlab_url().to_owned(),
                "AWS_ENDPOINT_URL" => self.simulator.aws_url().to_owned(),
                "AWS_CONFIG_FILE" => file("config"),
                "AWS_SHARED_CREDENTIALS_FILE" => file("credentials"),
                _ => return None,
            })
        };
        let mut settings = Settings::resolve(Explicit::default(), &env).unwrap();
        settings.timing = timing();
        settings
    }

    pub(crate) fn apis(&self) -> Apis {
        Apis::new(self.settings())
    }

    /// Observes everything with fresh clients.
    pub(crate) async fn observe(&self) -> World {
        self.observe_with(&self.apis()).await
    }

    pub(crate) async fn observe_with(&self, apis: &Apis) -> World {
        apis.observe(
            &self.topology,
            &Scope::everything(),
            &CancellationToken::new(),
        )
        .await
    }

    /// How often each request was sent, sorted: `2 x cloudflare GET /zones 200`.
    pub(crate) fn tally(&self) -> String {
        let mut lines: Vec<String> = self
            .simulator
            .requests()
            .iter()
            .map(ToString::to_string)
            .collect();
        lines.sort();
        lines
            .chunk_by(|a, b| a == b)
            .map(|same| format!("{} x {}", same.len(), same[0]))
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub(crate) fn requests(&self, api: Api, method: &str) -> Vec<LoggedRequest> {
        let mut requests = self.simulator.requests();
        requests.retain(|r| r.api == api && r.method == method);
        requests
    }

    /// `kind: message`, with what differs from run to run replaced.
    pub(crate) fn show(&self, failure: &Failure) -> String {
        let text = format!("{:?}: {}", failure.kind, failure.message);
        let text = text
            .replace(self.simulator.aws_url(), "[endpoint]")
            .replace(&self.home.path().display().to_string(), "[home]");
        hide_request_id(&text)
    }
}

fn hide_request_id(text: &str) -> String {
    match text.split_once("request id ") {
        None => text.to_owned(),
        Some((before, after)) => {
            let rest = after.find([',', ')']).map_or("", |end| &after[end..]);
            format!("{before}request id [id]{rest}")
        }
    }
}
