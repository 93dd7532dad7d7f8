//! The section `release`: how a release is deployed, and by which commands data is moved.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};

use super::{
    Place,
    reader::{Reader, join},
    template::misplaced,
    yaml::{Kind, Node},
};
use crate::name::{EnvironmentName, InfrastructureName, JobListName};

/// How a release is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Who trades the roles.
    pub swap: SwapBy,
    /// The GitLab jobs of one deployment, in the order in which they are played.
    pub deploy_jobs: Jobs,
    /// Further lists of jobs, each a step after every deployment.
    pub more_jobs: BTreeMap<JobListName, Jobs>,
    /// Template of the branch or tag that carries a release.
    pub reference: String,
    /// The commands that the file names; for the others see [`Release::argv`].
    pub commands: BTreeMap<CommandName, Vec<String>>,
}

/// Who trades the roles in a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SwapBy {
    /// Terraform: one line of its configuration is changed.
    #[default]
    Terraform,
    /// The helper itself.
    Helper,
}

impl SwapBy {
    /// The word of the topology.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::Helper => "helper",
        }
    }
}

/// The names of jobs, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jobs {
    /// The same in every environment.
    Everywhere(Vec<String>),
    /// By environment; an environment that is not there has none.
    ByEnvironment(BTreeMap<EnvironmentName, Vec<String>>),
}

impl Jobs {
    /// The jobs of one environment.
    pub fn of(&self, environment: &EnvironmentName) -> &[String] {
        match self {
            Self::Everywhere(jobs) => jobs,
            Self::ByEnvironment(jobs) => jobs.get(environment).map_or(&[], Vec::as_slice),
        }
    }
}

/// What a command of a release is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandName {
    /// Turns the synchronization of data off on both sides.
    PauseSync,
    /// Dumps production's database under a key.
    Backup,
    /// Replaces the hot standby's database with the dump of that key.
    Restore,
    /// Turns the backups of production on.
    BackupOn,
    /// Turns the synchronization on, by role.
    SyncOn,
    /// Lists the dumps of production as JSON.
    Backups,
}

impl CommandName {
    /// Every command, in the order of the procedure.
    pub const ALL: [Self; 6] = [
        Self::PauseSync,
        Self::Backup,
        Self::Restore,
        Self::BackupOn,
        Self::SyncOn,
        Self::Backups,
    ];

    /// The word of the topology.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PauseSync => "pause_sync",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::BackupOn => "backup_on",
            Self::SyncOn => "sync_on",
            Self::Backups => "backups",
        }
    }

    /// The collection's own command, whose inventory is the file `{environment}.gigadb.yml`.
    fn collection(self) -> &'static [&'static str] {
        match self {
            Self::PauseSync => &[
                "ansible-playbook",
                "gigascience.gigadb.data_sync",
                "-i",
                "{environment}.gigadb.yml",
                "-e",
                "gigadb_env={environment}",
                "-e",
                "gigadb_data_sync=paused",
            ],
            Self::Backup => &[
                "ansible",
                "production_{environment}_bastion",
                "-i",
                "{environment}.gigadb.yml",
                "--become",
                "-m",
                "ansible.builtin.command",
                "-a",
                "s3backup {key}",
            ],
            Self::Restore => &[
                "ansible",
                "hot_standby_{environment}_bastion",
                "-i",
                "{environment}.gigadb.yml",
                "--become",
                "-m",
                "ansible.builtin.command",
                "-a",
                "databaseReset {key}",
            ],
            Self::BackupOn => &[
                "ansible-playbook",
                "gigascience.gigadb.data_sync",
                "-i",
                "{environment}.gigadb.yml",
                "-e",
                "gigadb_env={environment}",
                "-e",
                "gigadb_data_sync=active",
                "--limit",
                "production_{environment}_bastion",
            ],
            Self::SyncOn => &[
                "ansible-playbook",
                "gigascience.gigadb.data_sync",
                "-i",
                "{environment}.gigadb.yml",
                "-e",
                "gigadb_env={environment}",
                "-e",
                "gigadb_data_sync=active",
            ],
            Self::Backups => &[],
        }
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What stands in the place of the placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filling<'a> {
    /// `{key}`: date and time of the dump.
    pub key: &'a str,
    /// `{release}`.
    pub release: &'a str,
    /// `{environment}`.
    pub environment: &'a EnvironmentName,
    /// `{production}`.
    pub production: &'a InfrastructureName,
    /// `{hot_standby}`.
    pub hot_standby: &'a InfrastructureName,
}

const PLACEHOLDERS: [&str; 5] = ["key", "release", "environment", "production", "hot_standby"];

impl Release {
    /// The words of a command, filled; empty where there is none.
    pub fn argv(&self, name: CommandName, filling: &Filling<'_>) -> Vec<String> {
        let fill = |word: &str| {
            let values = [
                filling.key,
                filling.release,
                filling.environment.as_str(),
                filling.production.as_str(),
                filling.hot_standby.as_str(),
            ];
            fill(word, &values)
        };
        match self.commands.get(&name) {
            Some(words) => words.iter().map(|word| fill(word)).collect(),
            None => name.collection().iter().map(|word| fill(word)).collect(),
        }
    }

    /// The branch or tag that carries `release`.
    pub fn reference(&self, release: &str) -> String {
        self.reference.replace("{release}", release)
    }
}

/// One pass, so that what a value holds is never a placeholder.
fn fill(word: &str, values: &[&str; 5]) -> String {
    let mut filled = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| {
            let place = PLACEHOLDERS.iter().position(|known| *known == name)?;
            Some((values.get(place)?, after))
        });
        match known {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// The Terraform state that keeps the record of an environment's release.
pub fn record_state(environment: &EnvironmentName) -> String {
    format!("release-{environment}")
}

/// Reads the section.
pub(super) fn read(
    reader: &mut Reader,
    place: Place,
    node: &Node,
    environments: &[EnvironmentName],
) -> Option<Release> {
    const KEYS: [&str; 5] = ["swap", "deploy_jobs", "more_jobs", "ref", "commands"];
    let fields = reader.fields(place, node, "release", &KEYS)?;
    let swap = match fields.get("swap") {
        None => Some(SwapBy::default()),
        Some(node) => match reader.choice(node, "release.swap", &["terraform", "helper"])? {
            "helper" => Some(SwapBy::Helper),
            _ => Some(SwapBy::Terraform),
        },
    };
    let deploy_jobs = fields
        .required(
            reader,
            "deploy_jobs",
            "deploy_jobs: [build_live, ld_gigadb]",
        )
        .and_then(|node| jobs(reader, node, "release.deploy_jobs", environments));
    let more_jobs = match fields.get("more_jobs") {
        None => Some(BTreeMap::new()),
        Some(node) => reader
            .named::<JobListName>(node, "release.more_jobs", "a mapping of lists of jobs")
            .and_then(|entries| {
                let lists = entries.into_iter().map(|entry| {
                    let path = join("release.more_jobs", entry.name.as_str());
                    Some((entry.name, jobs(reader, entry.value, &path, environments)?))
                });
                lists.collect::<Vec<_>>().into_iter().collect()
            }),
    };
    let reference = match fields.get("ref") {
        None => Some("{release}".to_owned()),
        Some(node) => reader
            .text(node, "release.ref")
            .filter(|text| well_braced(reader, node, "release.ref", text, &["release"]))
            .map(str::to_owned),
    };
    let commands = match fields.get("commands") {
        None => Some(BTreeMap::new()),
        Some(node) => commands(reader, fields.place_of("commands"), node),
    };
    Some(Release {
        swap: swap?,
        deploy_jobs: deploy_jobs?,
        more_jobs: more_jobs?,
        reference: reference?,
        commands: commands?,
    })
}

fn well_braced(reader: &mut Reader, node: &Node, path: &str, text: &str, known: &[&str]) -> bool {
    match misplaced(text, known) {
        None => true,
        Some(message) => {
            reader.fault(node.place, format!("`{path}`: {message}"));
            false
        }
    }
}

fn jobs(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    environments: &[EnvironmentName],
) -> Option<Jobs> {
    if !matches!(node.kind, Kind::Mapping(_)) {
        return names(reader, node, path).map(Jobs::Everywhere);
    }
    let known: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
    let fields = reader.fields(node.place, node, path, &known)?;
    let mut lists = BTreeMap::new();
    let mut whole = true;
    for environment in environments {
        let Some(node) = fields.get(environment.as_str()) else {
            continue;
        };
        match names(reader, node, &join(path, environment.as_str())) {
            Some(jobs) => {
                lists.insert(environment.clone(), jobs);
            }
            None => whole = false,
        }
    }
    whole.then_some(Jobs::ByEnvironment(lists))
}

/// The names of jobs: at least one, none twice.
fn names(reader: &mut Reader, node: &Node, path: &str) -> Option<Vec<String>> {
    let expected = "a list of the names of jobs, such as [build_live, ld_gigadb]";
    let items = reader.items(node, path, expected)?;
    if items.is_empty() {
        reader.fault(node.place, format!("`{path}` is empty. Write {expected}."));
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    let mut whole = true;
    for item in items {
        match reader.text(item, path) {
            Some(name) if names.iter().any(|known| known == name) => {
                let fault = format!("`{path}` names `{name}` twice. Remove one of the two.");
                reader.fault(item.place, fault);
                whole = false;
            }
            Some(name) => names.push(name.to_owned()),
            None => whole = false,
        }
    }
    whole.then_some(names)
}

fn commands(
    reader: &mut Reader,
    place: Place,
    node: &Node,
) -> Option<BTreeMap<CommandName, Vec<String>>> {
    let known = CommandName::ALL.map(CommandName::as_str);
    let fields = reader.fields(place, node, "release.commands", &known)?;
    let mut commands = BTreeMap::new();
    let mut whole = true;
    for name in CommandName::ALL {
        let Some(node) = fields.get(name.as_str()) else {
            continue;
        };
        match argv(reader, node, &fields.path(name.as_str())) {
            Some(words) => {
                commands.insert(name, words);
            }
            None => whole = false,
        }
    }
    whole.then_some(commands)
}

/// A program with its arguments, each a word of its own: no shell reads them.
fn argv(reader: &mut Reader, node: &Node, path: &str) -> Option<Vec<String>> {
    let expected = "a list of words: a program and its arguments, such as [s3backup, \"{key}\"]";
    let items = reader.items(node, path, expected)?;
    let mut words = Vec::new();
    let mut whole = true;
    for item in items {
        match reader.line(item, path) {
            Some(word) if well_braced(reader, item, path, word, &PLACEHOLDERS) => {
                words.push(word.to_owned());
            }
            _ => whole = false,
        }
    }
    if words.first().is_none_or(String::is_empty) {
        if whole {
            reader.fault(
                node.place,
                format!("`{path}` names no program. Write {expected}."),
            );
        }
        return None;
    }
    whole.then_some(words)
}

/// The section's JSON Schema.
pub(super) fn schema() -> Value {
    let names = json!({
        "type": "array", "minItems": 1, "uniqueItems": true,
        "items": { "$ref": "#/$defs/text" }
    });
    let jobs = json!({
        "oneOf": [
            names,
            {
                "type": "object",
                "propertyNames": { "$ref": "#/$defs/name" },
                "additionalProperties": names
            }
        ]
    });
    let mut described = jobs.clone();
    described["description"] =
        "The GitLab jobs of one deployment, in the order in which they are played.".into();
    let argv = json!({
        "type": "array", "minItems": 1,
        "items": {
            "allOf": [
                { "$ref": "#/$defs/line" },
                { "pattern": "^([^{}]|\\{(key|release|environment|production|hot_standby)\\})*$" }
            ]
        }
    });
    let commands: serde_json::Map<String, Value> = CommandName::ALL
        .into_iter()
        .map(|name| (name.as_str().to_owned(), argv.clone()))
        .collect();
    json!({
        "description": "How a release is deployed, and by which commands data is moved.",
        "type": "object",
        "additionalProperties": false,
        "required": ["deploy_jobs"],
        "properties": {
            "swap": {
                "description": "Who trades the roles. Default: terraform.",
                "enum": ["terraform", "helper"]
            },
            "deploy_jobs": described,
            "more_jobs": {
                "description": "Further lists of jobs, each a step after every deployment that can be left out.",
                "type": "object",
                "propertyNames": { "$ref": "#/$defs/name" },
                "additionalProperties": jobs
            },
            "ref": {
                "description": "The branch or tag that carries a release; {release} is replaced. Default: {release}.",
                "allOf": [
                    { "$ref": "#/$defs/text" },
                    { "pattern": "^([^{}]|\\{release\\})*$" }
                ]
            },
            "commands": {
                "description": "A program and its arguments each; {key}, {release}, {environment}, {production} and {hot_standby} are replaced. Default: the collection's, and none that lists dumps (backups).",
                "type": "object",
                "additionalProperties": false,
                "properties": commands
            }
        }
    })
}
