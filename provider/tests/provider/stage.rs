//! What a test plays on: a simulator with the procedure's world, a home, a topology, a driver.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use gigadb_clients::Timing;
use gigadb_simulator::{
    Simulator, World,
    world::{CLOUDFLARE_TOKEN, GITLAB_TOKEN},
};
use tempfile::TempDir;
use terraform_provider_gigadb::Gigadb;
use tfplug::{
    Diagnostics, Value,
    testing::{Driver, ResourceDriver},
};

/// The side that is production at the start.
pub(crate) const UPSTREAM: &str = "gigadb-website";
/// The side that is hot standby at the start.
pub(crate) const ALT: &str = "alt-gigadb-website";
/// The resource type.
pub(crate) const RESOURCE: &str = "gigadb_role_assignment";

const TOPOLOGY: &str = include_str!("../../../examples/terraform/upstream/topology.yaml");

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    environment: BTreeMap<String, String>,
    topology: PathBuf,
    home: TempDir,
}

impl Stage {
    /// The procedure's own world.
    pub(crate) async fn sop() -> Self {
        Self::with_world(World::sop()).await
    }

    /// Another world.
    pub(crate) async fn with_world(world: World) -> Self {
        let simulator = Simulator::start(world).await;
        let home = TempDir::new().unwrap();
        let (config, credentials) = simulator.world().aws.write_profiles(home.path()).unwrap();
        let topology = home.path().join("topology.yaml");
        std::fs::write(&topology, TOPOLOGY).unwrap();
        let environment = [
            ("CLOUDFLARE_API_TOKEN", CLOUDFLARE_TOKEN.to_owned()),
            ("CLOUDFLARE_BASE_URL", simulator.cloudflare_url().to_owned()),
            ("GITLAB_TOKEN", GITLAB_TOKEN.to_owned()),
            ("GITLAB_BASE_URL", simulator.gitlab_url().to_owned()),
            ("AWS_ENDPOINT_URL", simulator.aws_url().to_owned()),
            ("AWS_CONFIG_FILE", config.display().to_string()),
            (
                "AWS_SHARED_CREDENTIALS_FILE",
                credentials.display().to_string(),
            ),
            ("GIGADB_TOPOLOGY", topology.display().to_string()),
            (
                "GIGADB_JOURNAL_DIR",
                home.path().join("journal").display().to_string(),
            ),
            ("GIGADB_HTTPS_CHECK", "off".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        Self {
            simulator,
            environment,
            topology,
            home,
        }
    }

    /// Sets an environment variable of the provider.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Where the provider keeps its journals.
    pub(crate) fn journals(&self) -> PathBuf {
        self.home.path().join("journal")
    }

    /// Changes the topology file.
    pub(crate) fn edit_topology(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.topology).unwrap();
        assert!(text.contains(from), "the topology has no {from:?}");
        std::fs::write(&self.topology, text.replacen(from, to, 1)).unwrap();
    }

    pub(crate) fn driver(&self) -> Driver {
        let environment = self.environment.clone();
        Driver::new(move || {
            let environment = environment.clone();
            let find = move |name: &str| environment.get(name).cloned();
            Arc::new(Gigadb::with_timing(Arc::new(find), quick()))
        })
    }

    /// The driver of a provider that `terraform validate` started.
    pub(crate) fn linting_driver(&self) -> Driver {
        let environment = self.environment.clone();
        Driver::new(move || {
            let environment = environment.clone();
            let find = move |name: &str| environment.get(name).cloned();
            Arc::new(Gigadb::linting(Arc::new(find)))
        })
    }

    pub(crate) fn resource(&self) -> ResourceDriver {
        self.driver().resource(RESOURCE)
    }

    /// The role assignment of live, adopted as it is.
    pub(crate) async fn adopted(&self) -> ResourceDriver {
        let mut resource = self.resource();
        let applied = resource.plan_and_apply(live(UPSTREAM)).await;
        assert!(!applied.diagnostics.has_errors(), "{}", applied.diagnostics);
        self.simulator.clear_requests();
        resource
    }

    /// Writes of the request log, as `cloudflare POST /zones/... 200`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.simulator.requests();
        let writes = requests.iter().filter(|request| request.is_write());
        writes.map(ToString::to_string).collect()
    }

    /// What the A record of a name holds.
    pub(crate) fn address(&self, name: &str) -> String {
        let world = self.simulator.world();
        world.cloudflare.records(name)[0].content.clone()
    }

    /// Points the A record of a name elsewhere, as somebody else would.
    pub(crate) fn point(&self, name: &str, address: &str) {
        self.simulator.edit(|world| point(world, name, address));
    }

    /// Sets a GitLab variable of live, as somebody else would.
    pub(crate) fn set_variable(&self, project: &str, key: &str, value: &str) {
        self.simulator.edit(|world| {
            let project = world.gitlab.project_mut(project).unwrap();
            value.clone_into(&mut project.variable_mut(key, "live").unwrap().value);
        });
    }

    /// Trades the apex, and all that belongs to it, by another tool: here, by a second state.
    pub(crate) async fn swap_elsewhere(&self) {
        let mut elsewhere = self.resource();
        let imported = elsewhere.import("live").await;
        assert!(!imported.diagnostics.has_errors());
        let applied = elsewhere.plan_and_apply(live(ALT)).await;
        assert!(!applied.diagnostics.has_errors(), "{}", applied.diagnostics);
        self.simulator.clear_requests();
    }
}

pub(crate) fn point(world: &mut World, name: &str, address: &str) {
    for zone in &mut world.cloudflare.zones {
        let records = zone.records.iter_mut();
        for record in records.filter(|record| record.kind == "A" && record.name == name) {
            address.clone_into(&mut record.content);
        }
    }
}

/// Short waits: what does not answer here never will.
fn quick() -> Timing {
    Timing {
        connect: Duration::from_secs(2),
        attempt: Duration::from_secs(4),
        attempts: 2,
        call: Duration::from_secs(10),
        side_reads: Duration::from_secs(10),
        failover_reads: Duration::from_secs(2),
        lost_side_writes: Duration::from_secs(4),
        backoff: Duration::from_millis(5),
        read_backs: 2,
        open_for: Duration::from_secs(1),
    }
}

/// The configuration of live, with this production.
pub(crate) fn live(production: &str) -> Value {
    assignment("live", production)
}

/// A configuration with one attribute more.
pub(crate) fn with(config: Value, name: &str, value: impl Into<Value>) -> Value {
    config.with(name, value)
}

pub(crate) fn assignment(environment: &str, production: &str) -> Value {
    Value::object([
        ("environment", environment.into()),
        ("production", production.into()),
    ])
}

/// The summaries, `error: ...` or `warning: ...`.
pub(crate) fn summaries(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let severity = format!("{:?}", diagnostic.severity).to_lowercase();
            format!("{severity}: {}", diagnostic.summary)
        })
        .collect()
}

/// Asserts that some diagnostic holds every one of these texts.
pub(crate) fn says(diagnostics: &Diagnostics, texts: &[&str]) {
    let fits = |text: &str| texts.iter().all(|part| text.contains(part));
    assert!(
        diagnostics.iter().any(|one| fits(&one.to_string())),
        "none says {texts:?}:\n{diagnostics}"
    );
}

/// Asserts that there is an error, that each error has its four parts, and that nothing was written.
pub(crate) fn refused(stage: &Stage, diagnostics: &Diagnostics, texts: &[&str]) {
    assert!(diagnostics.has_errors(), "no error: {diagnostics}");
    says(diagnostics, texts);
    for error in diagnostics.errors() {
        for part in ["\n  on:      ", "\n  changed: ", "\n  next:    "] {
            assert!(error.detail.contains(part), "{part:?} is missing: {error}");
        }
    }
    assert_eq!(stage.writes(), Vec::<String>::new());
}

/// Asserts that there is no error.
pub(crate) fn fine(diagnostics: &Diagnostics) {
    assert!(!diagnostics.has_errors(), "{diagnostics}");
}
