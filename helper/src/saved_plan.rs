//! A plan in a file: what was reviewed, to be carried out later or elsewhere.
//!
//! The file is for its owner alone and replaced as a whole. It holds no secrets and no times: the
//! same inputs give the same bytes. What it says is never believed by itself: a plan is computed
//! again from the observation in the file, and must come out as the file says. An unknown key is
//! refused, because nobody can tell what ignoring it would mean.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::Ipv4Addr,
    path::Path,
};

use gigadb_clients::trust;
use gigadb_engine::{
    changes::Transaction,
    evidence::Evidence,
    intent::{Arrangement, Intent, Mode, OnFailure, Trade},
    name::{EnvironmentName, Hostname, InfrastructureName, VariableKey},
    observation::Observation,
    plan::{Plan, plan},
    rules::Rule,
    topology::{Topology, TopologyDigest},
    view::{Status, View},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{failure::Failure, replace::replace};

/// The version of the file. Another one is refused: a plan does not outlive its program by much.
const FORMAT_VERSION: u32 = 1;
/// Tells the file from any other JSON.
const KIND: &str = "gigadb-roles plan";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format_version: u32,
    kind: String,
    /// The program that made it.
    program: String,
    topology: TopologyDigest,
    reason: Option<String>,
    intent: SavedIntent,
    /// What the plan was made from.
    observation: Observation,
    desired: Desired,
    /// The writes.
    stages: Vec<Vec<Transaction>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedIntent {
    environment: EnvironmentName,
    arrangement: Arrangement,
    mode: Mode,
    prepare: Option<InfrastructureName>,
    on_failure: OnFailure,
    /// Rules that are waived.
    overrides: BTreeSet<Rule>,
    changes_production: Trade,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Desired {
    status: Status,
    hostnames: BTreeMap<Hostname, Option<Ipv4Addr>>,
    variables: BTreeMap<InfrastructureName, BTreeMap<VariableKey, Option<String>>>,
}

/// A plan with what was said of it.
pub(crate) struct Saved {
    pub(crate) plan: Plan,
    pub(crate) reason: Option<String>,
}

/// Saves a plan.
pub(crate) fn write(
    file: &Path,
    topology: &Topology,
    plan: &Plan,
    reason: Option<&str>,
) -> Result<(), Failure> {
    let intent = &plan.intent;
    let document = Document {
        format_version: FORMAT_VERSION,
        kind: KIND.to_owned(),
        program: format!("gigadb-roles {}", env!("CARGO_PKG_VERSION")),
        topology: topology.digest(),
        reason: reason.map(str::to_owned),
        intent: SavedIntent {
            environment: intent.environment.clone(),
            arrangement: intent.arrangement.clone(),
            mode: intent.mode,
            prepare: intent.prepare.clone(),
            on_failure: intent.on_failure,
            overrides: intent.overrides.clone(),
            changes_production: intent.trade,
        },
        observation: plan.observation.clone(),
        desired: Desired::of(&plan.desired),
        stages: plan.changes.stages.clone(),
    };
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string());
    text.and_then(|text| {
        replace(file, (text + "\n").as_bytes(), 0o600).map_err(|error| error.to_string())
    })
    .map_err(|error| {
        Failure::refused(
            format!("The plan could not be saved: {error}."),
            format!("`{}`", file.display()),
            "Name a file in a folder that you may write, and plan again.",
        )
    })
}

/// Reads a plan that was made for `topology`, and computes it again.
pub(crate) fn read(
    file: &Path,
    topology: &Topology,
    evidence: &Evidence,
) -> Result<Saved, Failure> {
    let refused = |what: String, next: &str| {
        Failure::refused(what, format!("`{}`", file.display()), next.to_owned())
    };
    const AGAIN: &str = "Make a new plan with `gigadb-roles plan --out FILE` and review it.";
    if let Ok(Some(why)) = trust::writable_by_others(file) {
        return Err(refused(
            format!("The plan is not trusted: {why}. Applying it does not ask again."),
            "Make a new plan, or look through this one and make it yours alone: `chmod go-w FILE`.",
        ));
    }
    let bytes = fs::read(file).map_err(|error| {
        refused(
            format!("The plan could not be read: {error}."),
            "Name a file that `gigadb-roles plan --out FILE` has written.",
        )
    })?;
    let document = match parse(&bytes) {
        Ok(document) => document,
        Err(NoPlan::Terraform) => {
            return Err(refused(
                "This is a plan of Terraform's, not one of `gigadb-roles`.".to_owned(),
                "Apply it with `terraform apply`.",
            ));
        }
        Err(NoPlan::Broken(why)) => {
            return Err(refused(
                format!("This is not a whole plan of `gigadb-roles`: {why}."),
                AGAIN,
            ));
        }
        Err(NoPlan::Version(version)) => {
            return Err(refused(
                format!(
                    "The plan has format version {version}, and this program knows \
                     {FORMAT_VERSION} alone."
                ),
                "Apply it with the version of `gigadb-roles` that made it, or plan again with \
                 this one.",
            ));
        }
    };
    if document.topology != topology.digest() || document.observation.topology != document.topology
    {
        return Err(refused(
            "The plan was made for another topology, or the topology changed since.".to_owned(),
            "Name the topology that it was made for with --topology, or make a new plan and \
             review it.",
        ));
    }
    let made = plan(
        topology,
        &document.intent.parse(),
        &document.observation,
        evidence,
    )
    .ok();
    let made = made.filter(|made| {
        made.changes.stages == document.stages
            && Desired::of(&made.desired) == document.desired
            && made.observation.environment == made.intent.environment
    });
    let plan = made.ok_or_else(|| {
        refused(
            format!(
                "What the plan says does not follow from what it was made from: it was edited, or \
                 made by another version ({}).",
                document.program
            ),
            AGAIN,
        )
    })?;
    Ok(Saved {
        plan,
        reason: document.reason,
    })
}

enum NoPlan {
    Terraform,
    Version(Value),
    Broken(String),
}

fn parse(bytes: &[u8]) -> Result<Document, NoPlan> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(NoPlan::Terraform);
    }
    let broken = |error: serde_json::Error| NoPlan::Broken(error.to_string());
    let value: Value = serde_json::from_slice(bytes).map_err(broken)?;
    if value.get("terraform_version").is_some() {
        return Err(NoPlan::Terraform);
    }
    if value.get("kind").and_then(Value::as_str) != Some(KIND) {
        return Err(NoPlan::Broken(format!("its `kind` is not `{KIND}`")));
    }
    match value.get("format_version") {
        Some(version) if version.as_u64() == Some(FORMAT_VERSION.into()) => {}
        version => return Err(NoPlan::Version(version.cloned().unwrap_or_default())),
    }
    serde_json::from_value(value).map_err(broken)
}

impl SavedIntent {
    fn parse(&self) -> Intent {
        Intent {
            environment: self.environment.clone(),
            arrangement: self.arrangement.clone(),
            mode: self.mode,
            prepare: self.prepare.clone(),
            on_failure: self.on_failure,
            overrides: self.overrides.clone(),
            trade: self.changes_production,
        }
    }
}

impl Desired {
    fn of(view: &View) -> Self {
        let mut variables: BTreeMap<InfrastructureName, BTreeMap<_, _>> = BTreeMap::new();
        for ((side, key), value) in &view.variables {
            let of_side = variables.entry(side.clone()).or_default();
            of_side.insert(key.clone(), value.clone());
        }
        let hostnames = view.hostnames.iter();
        Self {
            status: view.status,
            hostnames: hostnames.map(|(h, n)| (h.clone(), n.address)).collect(),
            variables,
        }
    }
}
