//! A whole review, and its form for programs.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    due::{Side, Swapped},
    intent::{Mode, Pair},
    topology::Topology,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    change::{Change, Hostname, Kind, RESOURCE, Roles, Setting, Variable},
    escape::{line, name},
    findings::{DATA_SOURCE, Findings},
    regions::Sides,
    source::Source,
};

/// The version of the JSON form. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

/// Everything that a reviewer is told.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) changes: Vec<(Change, Findings)>,
    /// Everything else that the plan changes: what is done, and to what.
    pub(crate) other: BTreeMap<&'static str, Vec<String>>,
    pub(crate) outputs: Vec<String>,
    pub(crate) sides: Sides,
    pub(crate) data_sync: BTreeMap<String, bool>,
    pub(crate) certificate_variable: Option<String>,
    /// Why a policy or a finding refuses the plan.
    pub(crate) refused: Vec<String>,
}

impl Review {
    /// Reviews a plan, with what the topology adds.
    pub(crate) fn of(source: &Source, topology: Option<&Topology>) -> Self {
        let changes = source.resources.iter().filter_map(Change::of);
        let changes: Vec<(Change, Findings)> = changes
            .map(|change| {
                let findings = Findings::of(source, &change);
                (change, findings)
            })
            .collect();
        let mut other: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for one in &source.resources {
            let ours = !one.data && one.kind == RESOURCE;
            let verb = verb(&one.actions, one.imported, one.moved_from.is_some());
            if let Some(verb) = verb.filter(|_| !ours && one.kind != DATA_SOURCE) {
                other.entry(verb).or_default().push(one.address.clone());
            }
        }
        Self {
            changes,
            other,
            outputs: source.outputs.clone(),
            sides: Sides::of(topology),
            data_sync: topology
                .iter()
                .flat_map(|topology| &topology.environments)
                .map(|(name, table)| (name.to_string(), table.data_sync))
                .collect(),
            certificate_variable: topology
                .and_then(|topology| topology.certificate_variable.as_ref())
                .map(ToString::to_string),
            refused: Vec::new(),
        }
    }

    /// Changes that are not nothing.
    pub(crate) fn acting(&self) -> impl Iterator<Item = &(Change, Findings)> {
        self.changes
            .iter()
            .filter(|(change, _)| change.kind != Kind::None)
    }

    /// Whether the plan changes anything at all.
    pub(crate) fn has_changes(&self) -> bool {
        self.acting().next().is_some() || !self.outputs.is_empty() || self.others().next().is_some()
    }

    /// Everything else that is changed; what is only read does not count.
    pub(crate) fn others(&self) -> impl Iterator<Item = &String> {
        let written = self.other.iter().filter(|(verb, _)| **verb != "read");
        written.flat_map(|(_, addresses)| addresses)
    }

    /// A side with its region, as `show` writes names.
    pub(crate) fn side(&self, side: &str) -> String {
        match self.sides.region(side) {
            Some(region) => format!("{} ({})", name(side), name_of_place(region)),
            None => name(side),
        }
    }

    /// What the plan does to the roles, in one line.
    pub(crate) fn verdict(&self) -> String {
        let acting: Vec<String> = self
            .acting()
            .map(|(change, _)| self.sentence(change))
            .collect();
        if !acting.is_empty() {
            return acting.join("; ");
        }
        let stays = self.changes.iter().filter_map(|(change, _)| {
            let production = self.side(&change.to.as_ref()?.production);
            Some(format!(
                "{} stays with production {production}",
                name(&change.environment)
            ))
        });
        let stays: Vec<String> = stays.collect();
        if stays.is_empty() {
            "changes no role: the plan holds no role assignment".to_owned()
        } else {
            format!("changes no role: {}", stays.join(", "))
        }
    }

    fn sentence(&self, change: &Change) -> String {
        let environment = name(&change.environment);
        let side = |roles: &Option<Roles>| {
            roles
                .as_ref()
                .map_or_else(|| "?".to_owned(), |roles| self.side(&roles.production))
        };
        let (from, to) = (side(&change.from), side(&change.to));
        let imported = if change.imported { ", imported," } else { "" };
        let written = || {
            let (records, variables) = (change.moved().count(), change.variables.len());
            format!(
                "writes {} and {}",
                counted(records, "record"),
                counted(variables, "variable")
            )
        };
        match change.kind {
            Kind::Swap => format!("swaps {environment}{imported}: production {from} to {to}"),
            Kind::Failover => {
                let from = change.holder_before().map_or(from, |side| self.side(side));
                format!("fails over {environment}{imported}: production {from} to {to}")
            }
            Kind::TradeBack => {
                let from = change.holder_before().map_or(from, |side| self.side(side));
                format!("trades {environment} back: production's names {from} to {to}")
            }
            Kind::TakeNote => format!(
                "takes note that production of {environment} is {to}, no longer {from}: writes nothing"
            ),
            Kind::Prepare => {
                let prepared = change
                    .prepare
                    .as_deref()
                    .map_or_else(String::new, |side| self.side(side));
                format!(
                    "prepares {environment} on {prepared}: {}, production stays {to}",
                    written()
                )
            }
            Kind::Align => format!(
                "aligns {environment}{imported} with its topology: {}, production stays {to}",
                written()
            ),
            Kind::Settings => format!(
                "changes settings of {environment}: no record, no variable, production stays {to}"
            ),
            Kind::Adopt => {
                format!("adopts {environment}{imported} as it is: production stays {to}")
            }
            Kind::Forget => format!(
                "forgets {environment}: its records and variables stay as they are, production stays {from}"
            ),
            Kind::Replace => match &change.replaces {
                Some(former) => format!(
                    "forgets {} and adopts {environment} as it is: production stays {to}",
                    name(former)
                ),
                None => format!("forgets {environment} and adopts it again: production stays {to}"),
            },
            Kind::None => format!("leaves {environment} alone"),
        }
    }

    /// What is due once a change is carried out.
    pub(crate) fn due<'a>(&'a self, change: &'a Change) -> Vec<String> {
        let Some(to) = &change.to else {
            return Vec::new();
        };
        let mut hostnames: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for name in change.moved().filter(|name| name.role == "production") {
            let names = hostnames.entry(name.endpoint.as_str()).or_default();
            names.insert(&name.hostname);
        }
        let traded = matches!(change.kind, Kind::Swap | Kind::Failover | Kind::TradeBack);
        let side = |name: &'a str| Side {
            name,
            project: self.sides.project(name).unwrap_or(name),
            variables: change
                .variables
                .iter()
                .filter(|one| one.infrastructure == name)
                .map(|one| one.variable.as_str())
                .collect(),
        };
        Swapped {
            sides: Pair {
                production: side(&to.production),
                hot_standby: side(&to.hot_standby),
            },
            moves: traded && !hostnames.is_empty(),
            lost: change.mode == Mode::Failover.as_str(),
            // Without a topology it is not known, and a forgotten reset drops production's database.
            data_sync: self
                .data_sync
                .get(&change.environment)
                .copied()
                .unwrap_or(true),
            certificate_variable: self.certificate_variable.as_deref(),
            hostnames,
            at: None,
        }
        .due()
    }

    /// A digest of the change of roles alone: whatever else the plan holds, and however the
    /// resource is called, the same change has the same digest.
    pub(crate) fn digest(&self) -> String {
        let mut parts: Vec<serde_json::Value> = self
            .acting()
            .map(|(change, _)| {
                serde_json::json!([
                    change.environment,
                    change.replaces,
                    change.kind,
                    change.from,
                    change.to,
                    change.mode,
                    change.prepare,
                    change.overrides,
                    change
                        .settings
                        .iter()
                        .map(|one| (one.name, &one.from, &one.to))
                        .collect::<Vec<_>>(),
                    change.names,
                    change.variables,
                ])
            })
            .collect();
        parts.sort_by_key(ToString::to_string);
        let text = serde_json::Value::Array(parts).to_string();
        format!("sha256:{:x}", Sha256::digest(text))
    }
}

/// `1 record`, `2 records`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A place as text: unlike a name it may have letters of any script.
fn name_of_place(place: &str) -> String {
    if place.chars().all(|c| c.is_alphabetic() || c == ' ') {
        place.to_owned()
    } else {
        name(&line(place))
    }
}

fn verb(actions: &[String], imported: bool, moved: bool) -> Option<&'static str> {
    let acts = |action: &str| actions.iter().any(|one| one == action);
    Some(match () {
        () if acts("create") && (acts("delete") || acts("forget")) => "replace",
        () if acts("create") => "create",
        () if acts("delete") => "destroy",
        () if acts("forget") => "forget",
        () if acts("update") => "update",
        () if acts("read") => "read",
        () if imported => "import",
        () if moved => "move",
        () if actions.iter().all(|one| one == "no-op") => return None,
        () => "change",
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    verdict: String,
    digest: String,
    changes_pending: bool,
    refused: &'a [String],
    role_changes: Vec<RoleChange<'a>>,
    other_changes: &'a BTreeMap<&'static str, Vec<String>>,
    outputs: &'a [String],
}

#[derive(Serialize)]
struct RoleChange<'a> {
    address: &'a str,
    environment: &'a str,
    kind: Kind,
    mode: &'a str,
    from: &'a Option<Roles>,
    to: &'a Option<Roles>,
    prepare: &'a Option<String>,
    reason: &'a Option<String>,
    overrides: &'a BTreeSet<String>,
    settings: &'a [Setting],
    hostnames: Vec<&'a Hostname>,
    variables: &'a [Variable],
    findings: &'a Findings,
    due: Vec<String>,
}

/// Renders one document, `format_version` first.
pub(crate) fn json(review: &Review) -> String {
    let document = Document {
        format_version: FORMAT_VERSION,
        verdict: review.verdict(),
        digest: review.digest(),
        changes_pending: review.has_changes(),
        refused: &review.refused,
        role_changes: review
            .acting()
            .map(|(change, findings)| RoleChange {
                address: &change.address,
                environment: &change.environment,
                kind: change.kind,
                mode: &change.mode,
                from: &change.from,
                to: &change.to,
                prepare: &change.prepare,
                reason: &change.reason,
                overrides: &change.overrides,
                settings: &change.settings,
                hostnames: change.moved().collect(),
                variables: &change.variables,
                findings,
                due: review.due(change),
            })
            .collect(),
        other_changes: &review.other,
        outputs: &review.outputs,
    };
    // Strings and lists alone: there is nothing that could not be written as JSON.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
