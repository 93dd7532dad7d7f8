//! What one configuration of the provider sets up: the topology, and one shared observation.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use gigadb_clients::{
    Apis, Scope, Settings, SharedWorld, TOPOLOGY_VARIABLE, Timing, TopologyFile, Which,
};
use gigadb_engine::{
    evidence::Evidence,
    message::Message,
    name::EnvironmentName,
    observation::Observation,
    rules::https_ready::HttpsMode,
    topology::{Parsed, Topology},
    world::World,
};
use tfplug::{CancellationToken, Diagnostic, Diagnostics, Secrets, Value};

use crate::{
    diagnostics,
    planned::Planned,
    probed::Probed,
    settings::{self, Block, Environment},
    validate,
};

/// What `configure` sets up, replaceable: in debug mode one process serves several walks.
pub(crate) struct Session {
    environment: Environment,
    timing: Timing,
    /// Whether the linter's warnings are told.
    lints: bool,
    current: RwLock<Current>,
}

enum Current {
    /// Not configured, or not with what is needed.
    Unusable(Diagnostic),
    /// Configured.
    Ready(Arc<Ready>),
}

/// A configured provider.
pub(crate) struct Ready {
    /// The topology.
    pub(crate) topology: Arc<Topology>,
    /// The mode of HTTPS probes where no configuration names one.
    pub(crate) https_mode: HttpsMode,
    /// What was probed in this walk.
    pub(crate) probed: Probed,
    /// What was planned in this walk.
    pub(crate) planned: Planned,
    apis: Result<Reach, Diagnostic>,
}

/// The three APIs, with the observation that everybody in a walk shares.
pub(crate) struct Reach {
    /// The clients, for reading afresh and for writing.
    pub(crate) apis: Apis,
    /// The shared observation.
    pub(crate) world: SharedWorld,
}

impl Session {
    pub(crate) fn new(environment: Environment, timing: Timing, lints: bool) -> Self {
        let unusable = Diagnostic::error(
            "the provider is not configured",
            "Nothing was changed. This is a bug in the program that runs the provider: it asked before it configured.",
        );
        Self {
            environment,
            timing,
            lints,
            current: RwLock::new(Current::Unusable(unusable)),
        }
    }

    /// Checks a provider block: the topology where its path is known, and the settings that are known.
    pub(crate) fn validate(&self, config: &Value) -> Diagnostics {
        let block = Block::read(config);
        let mut found = Diagnostics::new();
        if !block.topology_unknown {
            match self.load(&block) {
                Ok((path, parsed)) if self.lints => found.extend(lint(&path, &parsed, &block)),
                Ok(_) => {}
                Err(_) if self.may_be_missing(&block) => {}
                Err(diagnostic) => found.push(diagnostic),
            }
        }
        if let Err(error) = Settings::resolve(block.explicit, &*self.environment) {
            found.push(settings::fault(&error));
        }
        found.extend(validate::empty(config, &["cloudflare", "gitlab", "aws"]));
        found
    }

    /// Takes over a provider block.
    pub(crate) fn configure(&self, config: &Value, secrets: &Secrets) -> Diagnostics {
        let (current, diagnostics) = match self.prepare(config, secrets) {
            Ok(current) => (current, Diagnostics::new()),
            Err(diagnostic) => (
                Current::Unusable(diagnostic.clone()),
                Diagnostics::from(diagnostic),
            ),
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        diagnostics
    }

    fn prepare(&self, config: &Value, secrets: &Secrets) -> Result<Current, Diagnostic> {
        let block = Block::read(config);
        let mut settings = Settings::resolve(block.explicit.clone(), &*self.environment)
            .map_err(|error| settings::fault(&error))?;
        let named = settings.timing.open_for;
        settings.timing = self.timing;
        // What `GIGADB_OPEN_FOR` says beats the program's own waits.
        if named != Timing::default().open_for {
            settings.timing.open_for = named;
        }
        for token in [&settings.cloudflare.token, &settings.gitlab.token]
            .into_iter()
            .flatten()
        {
            secrets.register(token.expose());
        }
        let https_mode =
            settings::default_mode((self.environment)(settings::MODE_VARIABLE).as_deref())?;
        if block.topology_unknown {
            return Ok(Current::Unusable(not_known(&["topology_file".to_owned()])));
        }
        let (_, parsed) = self.load(&block)?;
        let topology = Arc::new(parsed.topology);
        let apis = if block.unknown.is_empty() {
            // Each alias of the provider in one configuration is a process of its own.
            let apis = Apis::new(settings).waiting_for_siblings();
            let world = SharedWorld::new(apis.clone(), Arc::clone(&topology), Scope::everything());
            Ok(Reach { apis, world })
        } else {
            Err(not_known(&block.unknown))
        };
        Ok(Current::Ready(Arc::new(Ready {
            topology,
            https_mode,
            probed: Probed::default(),
            planned: Planned::default(),
            apis,
        })))
    }

    /// What was configured, or why it cannot be used.
    pub(crate) fn ready(&self) -> Result<Arc<Ready>, Diagnostic> {
        match &*self.current.read().unwrap_or_else(PoisonError::into_inner) {
            Current::Unusable(diagnostic) => Err(Diagnostic {
                // The path is one of the provider block, not of who asks.
                path: tfplug::AttributePath::root(),
                ..diagnostic.clone()
            }),
            Current::Ready(ready) => Ok(Arc::clone(ready)),
        }
    }

    fn topology_file(&self, block: &Block) -> TopologyFile {
        let named = block.topology_file.as_deref().map(Path::new);
        TopologyFile::here(named, &*self.environment)
    }

    /// Whether nothing names a topology and there is none in the default place: then validation,
    /// which often runs elsewhere than plans do, says nothing.
    fn may_be_missing(&self, block: &Block) -> bool {
        let file = self.topology_file(block);
        !file.is_named() && !file.path().exists()
    }

    fn load(&self, block: &Block) -> Result<(String, Parsed), Diagnostic> {
        let file = self.topology_file(block);
        let path = file.path().display().to_string();
        let blame = |diagnostic: Diagnostic| match block.topology_file {
            Some(_) => diagnostic.at("topology_file"),
            None => diagnostic,
        };
        let text = std::fs::read_to_string(file.path()).map_err(|error| {
            blame(diagnostics::error(
                "the topology file cannot be read",
                &Message::nothing_changed(
                    format!("The topology file cannot be read: {error}."),
                    file.place(),
                    format!("Name the file in `topology_file` or in `{TOPOLOGY_VARIABLE}`, relative to where Terraform runs."),
                ),
            ))
        })?;
        let parsed = Topology::parse(&text).map_err(|faults| {
            blame(diagnostics::error(
                diagnostics::summary_of(&format!("{path}: {faults}")),
                &Message::nothing_changed(
                    faults.render(&path, &text),
                    format!("topology file `{path}`"),
                    "Correct the file at these places.",
                ),
            ))
        })?;
        Ok((path, parsed))
    }
}

impl Ready {
    /// The APIs, or which setting is not known yet.
    pub(crate) fn reach(&self) -> Result<&Reach, Diagnostic> {
        self.apis.as_ref().map_err(Clone::clone)
    }

    /// What the rules judge in addition to an observation, as this machine says now.
    pub(crate) async fn evidence(&self) -> Evidence {
        match &self.apis {
            Ok(reach) => reach.apis.evidence(&self.topology).await,
            Err(_) => Evidence::none(),
        }
    }

    /// Observes one environment through the walk's shared observation.
    pub(crate) async fn observe(
        &self,
        environment: &EnvironmentName,
        previous: Option<&Observation>,
        cancel: &CancellationToken,
    ) -> Result<Observation, Diagnostic> {
        // An unknown environment is told without asking anybody.
        gigadb_engine::observation::environment_of(&self.topology, environment)
            .map_err(|error| diagnostics::unobservable(environment.as_str(), &error))?;
        let world = self.reach()?.world.get(cancel).await;
        self.projected(environment, &world, previous)
    }

    /// Observes one environment anew: nothing that was read before counts.
    pub(crate) async fn observe_afresh(
        &self,
        environment: &EnvironmentName,
        previous: &Observation,
        cancel: &CancellationToken,
    ) -> Result<Observation, Diagnostic> {
        let scope = Scope {
            environments: Which::one(environment.clone()),
            ..Scope::everything()
        };
        let apis = &self.reach()?.apis;
        let world = apis.observe(&self.topology, &scope, cancel).await;
        self.projected(environment, &world, Some(previous))
    }

    fn projected(
        &self,
        environment: &EnvironmentName,
        world: &World,
        previous: Option<&Observation>,
    ) -> Result<Observation, Diagnostic> {
        Observation::project(&self.topology, environment, world, previous)
            .map_err(|error| diagnostics::unobservable(environment.as_str(), &error))
    }
}

/// One warning for everything that is suspicious in a topology.
fn lint(path: &str, parsed: &Parsed, block: &Block) -> Option<Diagnostic> {
    if parsed.warnings.is_empty() {
        return None;
    }
    let list: Vec<String> = parsed
        .warnings
        .iter()
        .map(|warning| format!("{path}:{}: {}", warning.place, warning.message))
        .collect();
    let s = if list.len() == 1 { "" } else { "s" };
    let warning = Diagnostic::warning(
        format!("{path}: {} suspicious place{s} in the topology", list.len()),
        list.join("\n"),
    );
    Some(match block.topology_file {
        Some(_) => warning.at("topology_file"),
        None => warning,
    })
}

fn not_known(settings: &[String]) -> Diagnostic {
    let names: Vec<String> = settings.iter().map(|name| format!("`{name}`")).collect();
    let (says, them, depends) = match names.len() {
        1 => ("it says", "it", "it depends"),
        _ => ("they say", "them", "they depend"),
    };
    let names = names.join(", ");
    diagnostics::error(
        format!("a provider setting is not known yet: {names}"),
        &Message::nothing_changed(
            format!("{names} must be known: the plan is the review, and it needs what {says}."),
            "the provider block".to_owned(),
            format!(
                "Take {them} from a variable or an environment variable, or apply what {depends} on first (`-target`)."
            ),
        ),
    )
}
