//! The swap of live through the clients and the engine alone, as the provider makes it.

use std::{collections::BTreeSet, fmt::Write as _};

use gigadb_clients::{Apis, Explicit, NoJournal, Scope, Settings};
use gigadb_engine::{
    executor::End,
    intent::{Intent, Mode, OnFailure, arrange},
    name::EnvironmentName,
    observation::Observation,
    plan::{Plan, plan},
    rules::Finding,
    topology::Topology,
};
use gigadb_tests::Scene;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::Failure;

/// A swap that makes `alt-gigadb-website` production of live.
pub(crate) struct Swap {
    runtime: Runtime,
    topology: Topology,
    intent: Intent,
    apis: Apis,
}

/// What will be written, and how a person reads it.
pub(crate) struct Changes {
    plan: Plan,
    /// One line a change; empty without one.
    pub(crate) text: String,
}

impl Swap {
    /// Reads the scene's topology and settings; sends nothing.
    pub(crate) fn new(scene: &Scene) -> Result<Self, Failure> {
        let topology = Topology::parse(&scene.read("topology.yaml"))
            .map_err(|faults| faults.to_string())?
            .topology;
        let (arrangement, prepare) =
            arrange(&topology, "alt-gigadb-website", None, None).map_err(|e| e.to_string())?;
        let intent = Intent {
            environment: "live"
                .parse::<EnvironmentName>()
                .map_err(|e| e.to_string())?,
            arrangement,
            mode: Mode::Switchover,
            prepare,
            on_failure: OnFailure::Revert,
            overrides: BTreeSet::new(),
            changes_production: true,
        };
        let (config, credentials) = scene.aws_files();
        let explicit = Explicit {
            aws_shared_config_files: vec![config],
            aws_shared_credentials_files: vec![credentials],
            ..Explicit::default()
        };
        let settings =
            Settings::resolve(explicit, &|name| scene.variable(name)).map_err(|e| e.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self {
            runtime,
            topology,
            intent,
            apis: Apis::new(settings),
        })
    }

    /// Observes the world and plans; findings that stop the plan are a failure.
    pub(crate) fn plan(&self) -> Result<Changes, Failure> {
        let (scope, stop) = (Scope::everything(), CancellationToken::new());
        let observing = self.apis.observe(&self.topology, &scope, &stop);
        let world = self.runtime.block_on(observing);
        let observation =
            Observation::project(&self.topology, &self.intent.environment, &world, None)
                .map_err(|e| e.to_string())?;
        let plan = plan(&self.topology, &self.intent, &observation)
            .map_err(|incomputable| messages(incomputable.0.iter()))?;
        if plan.blocking().next().is_some() {
            return Err(messages(plan.blocking()));
        }
        let mut text = String::new();
        for step in plan.changes.steps() {
            let from = step.from.as_deref().unwrap_or("nothing");
            let _ = writeln!(text, "~ {}\n    {from} -> {}", step.target, step.to);
        }
        Ok(Changes { plan, text })
    }

    /// Writes what was planned.
    pub(crate) fn carry_out(&self, changes: &Changes) -> Result<(), Failure> {
        let mut journal = NoJournal;
        let stop = CancellationToken::new();
        let driving = self.apis.drive(
            &changes.plan.changes,
            &self.intent,
            &self.topology.policy,
            &mut journal,
            &stop,
        );
        let outcome = self.runtime.block_on(driving);
        match outcome.end {
            End::Completed => Ok(()),
            _ => Err(outcome
                .cause
                .unwrap_or_else(|| "the swap did not complete".to_owned())),
        }
    }
}

fn messages<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let messages: Vec<_> = findings
        .map(|finding| finding.message.to_string())
        .collect();
    messages.join("\n")
}
