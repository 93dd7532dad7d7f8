//! A simulator with the procedure's world, and the provider that works on it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use gigadb_clients::Timing;
use gigadb_simulator::{
    Api, LoggedRequest, Simulator, World,
    world::{CLOUDFLARE_TOKEN, GITLAB_TOKEN},
};
use gigadb_tests::{procedure::Side, scene::example};
use tempfile::TempDir;
use terraform_provider_gigadb::Gigadb;
use tfplug::{
    Diagnostics, Value,
    testing::{Driver, Planned, ResourceDriver},
};

use crate::gate::Gate;

const LOCK: &str = "lock: { gitlab_project: gigascience/upstream/gigadb-website, name: \"gigadb-roles-{environment}\" }";

/// Which policy a swap runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Policy {
    Revert,
    Stop,
    Failover,
}

impl Policy {
    pub(crate) const ALL: [Self; 3] = [Self::Revert, Self::Stop, Self::Failover];

    /// The configuration of an environment with this production.
    pub(crate) fn config(self, environment: &str, production: Side) -> Value {
        let config = Value::object([
            ("environment", environment.into()),
            ("production", production.name().into()),
        ]);
        match self {
            Self::Revert => config.with("on_failure", "revert"),
            Self::Stop => config.with("on_failure", "stop"),
            Self::Failover => config.with("mode", "failover"),
        }
    }
}

/// What a walk is started with.
struct Setup {
    environment: BTreeMap<String, String>,
    timing: Timing,
}

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    setup: Arc<Mutex<Setup>>,
    driver: Driver,
    _home: TempDir,
}

impl Stage {
    /// The procedure's own world, with a lock in the topology.
    pub(crate) async fn sop() -> Self {
        let simulator = Simulator::start(World::sop()).await;
        let home = TempDir::new().unwrap();
        let (config, credentials) = simulator.world().aws.write_profiles(home.path()).unwrap();
        let topology = home.path().join("topology.yaml");
        let text = format!("{}\n{LOCK}\n", example("upstream/topology.yaml"));
        std::fs::write(&topology, text).unwrap();
        let folder = |name: &str| home.path().join(name).display().to_string();
        let environment = [
            ("CLOUDFLARE_API_TOKEN", CLOUDFLARE_TOKEN.to_owned()),
            ("GITLAB_TOKEN", GITLAB_TOKEN.to_owned()),
            ("AWS_CONFIG_FILE", config.display().to_string()),
            (
                "AWS_SHARED_CREDENTIALS_FILE",
                credentials.display().to_string(),
            ),
            ("GIGADB_TOPOLOGY", topology.display().to_string()),
            ("GIGADB_JOURNAL_DIR", folder("journal")),
            ("XDG_STATE_HOME", folder("state")),
            ("HOME", folder("")),
            // The world's addresses are nobody's.
            ("GIGADB_HTTPS_CHECK", "off".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let setup = Arc::new(Mutex::new(Setup {
            environment,
            timing: calm(),
        }));
        let shared = Arc::clone(&setup);
        let driver = Driver::new(move || {
            let setup = shared.lock().unwrap();
            let environment = setup.environment.clone();
            let find = move |name: &str| environment.get(name).cloned();
            Arc::new(Gigadb::with_timing(Arc::new(find), setup.timing))
        });
        let stage = Self {
            simulator,
            setup,
            driver,
            _home: home,
        };
        stage.directly();
        stage
    }

    /// What a program needs to reach this stage.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        self.setup.lock().unwrap().environment.clone()
    }

    /// The address at which all three APIs live.
    pub(crate) fn address(&self) -> SocketAddr {
        let url = self.simulator.aws_url().trim_start_matches("http://");
        url.parse().unwrap()
    }

    /// Walks that start from now on ask the APIs themselves, and are patient.
    pub(crate) fn directly(&self) {
        for api in [Api::Cloudflare, Api::Gitlab, Api::Ec2] {
            self.reach(api, self.address());
        }
        self.setup.lock().unwrap().timing = calm();
    }

    /// Walks that start from now on do not wait long for an answer.
    pub(crate) fn impatient(&self) {
        self.setup.lock().unwrap().timing = Timing {
            attempt: Duration::from_millis(1200),
            call: Duration::from_secs(6),
            side_reads: Duration::from_secs(6),
            failover_reads: Duration::from_secs(2),
            lost_side_writes: Duration::from_millis(1600),
            ..calm()
        };
    }

    /// Walks that start from now on reach an API through a gate.
    pub(crate) fn through(&self, api: Api, gate: &Gate) {
        self.reach(api, gate.address());
    }

    fn reach(&self, api: Api, address: SocketAddr) {
        let (name, path) = match api {
            Api::Cloudflare => ("CLOUDFLARE_BASE_URL", "/client/v4"),
            Api::Gitlab => ("GITLAB_BASE_URL", "/api/v4"),
            Api::Ec2 | Api::Sts => ("AWS_ENDPOINT_URL", ""),
        };
        let url = format!("http://{address}{path}");
        let mut setup = self.setup.lock().unwrap();
        setup.environment.insert(name.to_owned(), url);
    }

    /// The swap of these environments, adopted as they are and planned.
    pub(crate) async fn planned(&self, environments: &[&'static str], policy: Policy) -> Swap {
        let mut swap = Swap {
            policy,
            driver: self.driver.clone(),
            parts: Vec::new(),
        };
        for environment in environments {
            let mut resource = self.driver.resource("gigadb_role_assignment");
            let config = policy.config(environment, Side::Upstream);
            let adopted = resource.plan_and_apply(config).await;
            assert!(!adopted.diagnostics.has_errors(), "{}", adopted.diagnostics);
            swap.parts.push((environment, resource));
        }
        for planned in swap.plan().await {
            assert!(!planned.diagnostics.has_errors(), "{}", planned.diagnostics);
        }
        swap
    }

    /// Sets the first world up again.
    pub(crate) fn reset(&self) {
        self.simulator.clear_faults();
        self.simulator.edit(|world| *world = World::sop());
        self.simulator.clear_requests();
    }

    /// What was asked since the log was last cleared.
    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        self.simulator.requests()
    }
}

/// Waits that no answer here exceeds.
fn calm() -> Timing {
    Timing {
        connect: Duration::from_secs(5),
        attempt: Duration::from_secs(10),
        attempts: 2,
        call: Duration::from_secs(20),
        side_reads: Duration::from_secs(20),
        failover_reads: Duration::from_secs(20),
        lost_side_writes: Duration::from_secs(10),
        backoff: Duration::from_millis(5),
        read_backs: 4,
        open_for: Duration::from_secs(2),
    }
}

/// A swap that is under way: one resource for each environment, in one root module.
#[derive(Clone)]
pub(crate) struct Swap {
    pub(crate) policy: Policy,
    driver: Driver,
    pub(crate) parts: Vec<(&'static str, ResourceDriver)>,
}

/// What an apply left and said about one environment.
pub(crate) struct Told {
    pub(crate) environment: &'static str,
    pub(crate) state: Value,
    pub(crate) diagnostics: Diagnostics,
}

impl Swap {
    /// One more plan and its apply, each by a provider that has been there for nothing else.
    pub(crate) async fn once_more(&mut self) -> (Vec<Planned>, Vec<Told>) {
        let planned = self.plan().await;
        let failed = planned.iter().any(|one| one.diagnostics.has_errors());
        let told = if failed {
            Vec::new()
        } else {
            self.apply().await
        };
        (planned, told)
    }

    /// Plans every environment in one walk.
    pub(crate) async fn plan(&mut self) -> Vec<Planned> {
        let walk = self.driver.walk().await.unwrap();
        let mut all = Vec::new();
        for (environment, resource) in &mut self.parts {
            let config = self.policy.config(environment, Side::Alt);
            all.push(resource.plan_in(&walk, config).await);
        }
        all
    }

    /// Applies what was planned, all environments side by side in one walk.
    pub(crate) async fn apply(&mut self) -> Vec<Told> {
        let walk = self.driver.walk().await.unwrap();
        let walk = &walk;
        let told = |environment, applied: tfplug::testing::Applied| Told {
            environment,
            state: applied.state,
            diagnostics: applied.diagnostics,
        };
        match self.parts.as_mut_slice() {
            [(environment, resource)] => vec![told(*environment, resource.apply_in(walk).await)],
            [(one, first), (two, second)] => {
                let (first, second) = tokio::join!(first.apply_in(walk), second.apply_in(walk));
                vec![told(*one, first), told(*two, second)]
            }
            _ => panic!("one environment or two"),
        }
    }
}
