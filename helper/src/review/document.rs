//! A whole review, and its form for programs.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    due::{Side, Swapped},
    intent::{Mode, Pair},
    topology::{Missing, Topology},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    change::{Change, Holder, Hostname, Kind, Roles, Setting, Variable},
    escape::{line, name},
    findings::{Counts, DATA_SOURCE, Findings},
    made::Made,
    read,
    regions::Sides,
    shape::RESOURCE,
    source::Source,
    unseen::{Unseen, What},
};

/// The version of the JSON form. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

/// Everything that a reviewer is told.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) changes: Vec<(Change, Findings)>,
    /// Everything else that the plan changes: what is done, and to what.
    pub(crate) other: BTreeMap<&'static str, Vec<String>>,
    /// What happens at the apply beside changes of resources.
    pub(crate) unseen: Vec<Unseen>,
    pub(crate) outputs: Vec<String>,
    /// Who made the plan, and when.
    pub(crate) made: Made,
    pub(crate) sides: Sides,
    pub(crate) data_sync: BTreeMap<String, bool>,
    /// The endpoints that answer SSH, and each environment's variables that playbooks read.
    pub(crate) ssh: BTreeSet<String>,
    pub(crate) playbooks: BTreeMap<String, BTreeSet<String>>,
    pub(crate) certificate_variable: Option<String>,
    /// Whether an adoption may add what is missing; so it is where no topology says.
    pub(crate) may_add: bool,
    /// Why a policy or a finding refuses the plan.
    pub(crate) refused: Vec<String>,
}

impl Review {
    /// Reviews a plan, with what the topology adds.
    pub(crate) fn of(source: &Source, topology: Option<&Topology>) -> Self {
        let sides = Sides::of(topology);
        let planned = source.resources.iter().filter_map(|one| {
            let mut drifted = source.drifted.iter();
            let drifted = drifted.find(|drifted| drifted.address == one.address);
            read::change(one, drifted, &sides)
        });
        let mut changes: Vec<Change> = planned.collect();
        // What only the state takes up is told where the plan does nothing else to it.
        let drifted = source.drifted.iter();
        for drifted in drifted.filter_map(|one| read::change(one, None, &sides)) {
            if changes.iter().all(|one| one.address != drifted.address) && drifted.differs() {
                changes.push(drifted);
            }
        }
        changes.sort_by(|a, b| (&a.address, a.kind).cmp(&(&b.address, b.kind)));
        let changes: Vec<(Change, Findings)> = changes
            .into_iter()
            .map(|change| {
                let findings = Findings::of(source, &change);
                (change, findings)
            })
            .collect();
        let mut other: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for one in &source.resources {
            let ours = one.is_ours(RESOURCE) || one.is_our_data(DATA_SOURCE);
            let verb = verb(&one.actions, one.imported, one.moved_from.is_some());
            if let Some(verb) = verb.filter(|_| !ours) {
                other.entry(verb).or_default().push(one.address.clone());
            }
        }
        Self {
            changes,
            other,
            unseen: source.unseen.clone(),
            outputs: source.outputs.clone(),
            made: Made::of(source),
            sides,
            data_sync: topology
                .iter()
                .flat_map(|topology| &topology.environments)
                .map(|(name, table)| (name.to_string(), table.data_sync))
                .collect(),
            ssh: topology
                .iter()
                .flat_map(|topology| topology.ssh_endpoints())
                .map(ToString::to_string)
                .collect(),
            playbooks: topology
                .iter()
                .flat_map(|topology| {
                    topology.environments.keys().map(|environment| {
                        let keys = topology.read_by_playbooks(environment);
                        let keys = keys.into_iter().map(ToString::to_string);
                        (environment.to_string(), keys.collect())
                    })
                })
                .collect(),
            certificate_variable: topology
                .and_then(|topology| topology.certificate_variable.as_ref())
                .map(ToString::to_string),
            may_add: topology.is_none_or(|topology| {
                let policy = &topology.policy;
                [policy.missing_records, policy.missing_variables].contains(&Missing::Create)
            }),
            refused: Vec::new(),
        }
    }

    /// Whether findings about a change count: where it writes; where it adopts, those of a reading.
    pub(super) fn weighs(change: &Change, findings: &Findings) -> bool {
        change.writes() || change.adopts() && matches!(findings, Findings::Live(_))
    }

    /// Changes that are not nothing.
    pub(crate) fn acting(&self) -> impl Iterator<Item = &(Change, Findings)> {
        self.changes
            .iter()
            .filter(|(change, _)| !change.kind.rests())
    }

    /// Whether the plan changes anything at all.
    pub(crate) fn has_changes(&self) -> bool {
        let runs = |one: &Unseen| matches!(one.what, What::Action | What::Deferred | What::Program);
        self.acting().next().is_some()
            || !self.outputs.is_empty()
            || self.others().next().is_some()
            || self.unseen.iter().any(runs)
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

    /// What is due once a change is carried out.
    pub(crate) fn due<'a>(&'a self, change: &'a Change) -> Vec<String> {
        let Some(to) = &change.after else {
            return Vec::new();
        };
        if !change.writes() {
            return Vec::new();
        }
        let mut hostnames: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for name in change.moved().filter(|name| name.role == "production") {
            let names = hostnames.entry(name.endpoint.as_str()).or_default();
            names.insert(&name.hostname);
        }
        let traded = matches!(
            change.kind,
            Kind::Swap | Kind::Failover | Kind::TradeBack | Kind::TakeNote
        );
        let side = |name: &'a str| Side {
            name,
            project: self.sides.project(name).unwrap_or(name),
            variables: change
                .variables
                .iter()
                .filter(|one| one.infrastructure == name && one.from_known)
                .map(|one| one.variable.as_str())
                .collect(),
            owed: change.owed(name),
        };
        let mut due = Swapped {
            sides: Pair {
                production: side(&to.production),
                hot_standby: side(&to.hot_standby),
            },
            moves: traded && !hostnames.is_empty(),
            mode: change.mode.parse().unwrap_or_default(),
            lost: change.mode == Mode::Failover.as_str(),
            // Without a topology it is not known, and a forgotten reset drops production's database.
            data_sync: self
                .data_sync
                .get(&change.environment)
                .copied()
                .unwrap_or(true),
            certificate_variable: self.certificate_variable.as_deref(),
            hostnames,
            ssh: self.ssh.iter().map(String::as_str).collect(),
            playbooks: self
                .playbooks
                .get(&change.environment)
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect(),
            at: None,
        }
        .due();
        due.extend(self.due_where_written(change));
        due
    }

    /// What is due on sides whose present values the plan does not tell.
    fn due_where_written<'a>(&'a self, change: &'a Change) -> impl Iterator<Item = String> + 'a {
        let mut untold: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for one in change.variables.iter().filter(|one| !one.from_known) {
            let keys = untold.entry(&one.infrastructure).or_default();
            keys.push(format!("`{}`", one.variable));
        }
        untold.into_iter().map(|(side, keys)| {
            let project = self.sides.project(side).unwrap_or(side);
            format!(
                "The plan does not tell what `{side}` holds now: where the apply writes {}, rebuild and deploy `{project}`, or run the playbook that reads what was written.",
                keys.join(", ")
            )
        })
    }

    /// A digest of the change of roles alone: whatever else the plan holds, however the resource
    /// is called, and with whichever topology it is reviewed, the same change has the same digest.
    pub(crate) fn digest(&self) -> String {
        let mut parts: Vec<serde_json::Value> = self
            .acting()
            .map(|(change, _)| {
                serde_json::json!([
                    change.environment,
                    change.replaces,
                    change.kind.digested(),
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
                    change.by_name,
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
pub(super) fn name_of_place(place: &str) -> String {
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
        () if actions.iter().all(|one| one == "read") => "read",
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
    made: &'a Made,
    findings: Option<Counts>,
    environments: Vec<Standing<'a>>,
    role_changes: Vec<RoleChange<'a>>,
    unseen: &'a [Unseen],
    other_changes: &'a BTreeMap<&'static str, Vec<String>>,
    outputs: &'a [String],
}

/// Every assignment that the plan knows, whether it changes or not.
#[derive(Serialize)]
struct Standing<'a> {
    address: &'a str,
    environment: &'a str,
    kind: Kind,
    production: Option<&'a str>,
    traded_outside: bool,
}

#[derive(Serialize)]
struct RoleChange<'a> {
    address: &'a str,
    environment: &'a str,
    kind: Kind,
    mode: &'a str,
    from: &'a Option<Roles>,
    to: &'a Option<Roles>,
    holder: &'a Holder,
    traded_outside: bool,
    renamed: &'a BTreeMap<String, String>,
    hides: bool,
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
        made: &review.made,
        findings: review.counts(),
        environments: review
            .changes
            .iter()
            .map(|(change, _)| Standing {
                address: &change.address,
                environment: &change.environment,
                kind: change.kind,
                production: match &change.to {
                    Some(_) => change.production_after(),
                    None => change.production_before(),
                },
                traded_outside: change.traded_outside(),
            })
            .collect(),
        unseen: &review.unseen,
        role_changes: review
            .acting()
            .map(|(change, findings)| RoleChange {
                address: &change.address,
                environment: &change.environment,
                kind: change.kind,
                mode: &change.mode,
                from: &change.from,
                to: &change.to,
                holder: &change.holder,
                traded_outside: change.traded_outside(),
                renamed: &change.renamed,
                hides: change.opaque,
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
    // Strings and lists only: there is nothing that could not be written as JSON.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
