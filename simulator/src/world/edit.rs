//! Changes that somebody else makes: a person in a dashboard, another automation, an incident.

use serde::{Deserialize, Serialize};

use super::{InstanceState, Pipeline, Record, Variable, World};

/// One change made outside the APIs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Gives the record of that name and type another content.
    SetRecord {
        /// Full name.
        name: String,
        /// Record type.
        #[serde(rename = "type")]
        kind: String,
        /// New content.
        content: String,
    },
    /// Adds a record to the zone of that name.
    AddRecord {
        /// Zone name.
        zone: String,
        /// The record, whole.
        record: Record,
    },
    /// Removes all records of that name and type.
    DeleteRecords {
        /// Full name.
        name: String,
        /// Record type.
        #[serde(rename = "type")]
        kind: String,
    },
    /// Gives the row of exactly that key and scope another value.
    SetVariable {
        /// Project path.
        project: String,
        /// Key.
        key: String,
        /// Scope, literally.
        scope: String,
        /// New value.
        value: String,
    },
    /// Adds a row, replacing one of the same key and scope.
    PutVariable {
        /// Project path.
        project: String,
        /// The row, whole.
        variable: Variable,
    },
    /// Removes the row of exactly that key and scope.
    DeleteVariable {
        /// Project path.
        project: String,
        /// Key.
        key: String,
        /// Scope, literally.
        scope: String,
    },
    /// Adds a pipeline, the project's newest.
    AddPipeline {
        /// Project path.
        project: String,
        /// The pipeline, whole.
        pipeline: Pipeline,
    },
    /// Gives the Elastic IP with that `Name` tag another public address.
    SetAddress {
        /// Region name.
        region: String,
        /// `Name` tag.
        name: String,
        /// New address.
        public_ip: String,
    },
    /// Removes the Elastic IP with that `Name` tag.
    ReleaseAddress {
        /// Region name.
        region: String,
        /// `Name` tag.
        name: String,
    },
    /// Starts, stops or terminates the instance with that `Name` tag.
    SetInstanceState {
        /// Region name.
        region: String,
        /// `Name` tag.
        name: String,
        /// New state.
        state: InstanceState,
    },
}

/// The object of an [`Edit`] does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {0} to edit")]
pub struct EditError(String);

impl World {
    /// Makes one change; an object that is not there is an error, and nothing is changed.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        let missing = |what: String| EditError(what);
        match edit {
            Edit::SetRecord {
                name,
                kind,
                content,
            } => {
                let record = self.cloudflare.record_mut(name, kind);
                record
                    .ok_or_else(|| missing(format!("{kind} record {name}")))?
                    .content
                    .clone_from(content);
            }
            Edit::AddRecord { zone, record } => {
                let found = self.cloudflare.zone_mut(zone);
                found
                    .ok_or_else(|| missing(format!("zone {zone}")))?
                    .records
                    .push(record.clone());
            }
            Edit::DeleteRecords { name, kind } => {
                self.cloudflare
                    .record_mut(name, kind)
                    .ok_or_else(|| missing(format!("{kind} record {name}")))?;
                for zone in &mut self.cloudflare.zones {
                    zone.records
                        .retain(|record| record.name != *name || record.kind != *kind);
                }
            }
            Edit::AddPipeline { project, pipeline } => {
                let found = self.gitlab.project_mut(project);
                found
                    .ok_or_else(|| missing(format!("project {project}")))?
                    .pipelines
                    .push(pipeline.clone());
            }
            Edit::SetVariable {
                project,
                key,
                scope,
                value,
            } => {
                let row = self
                    .gitlab
                    .project_mut(project)
                    .and_then(|project| project.variable_mut(key, scope));
                row.ok_or_else(|| missing(format!("variable {key} [{scope}] in {project}")))?
                    .value
                    .clone_from(value);
            }
            Edit::PutVariable { project, variable } => {
                let found = self.gitlab.project_mut(project);
                let rows = &mut found
                    .ok_or_else(|| missing(format!("project {project}")))?
                    .variables;
                rows.retain(|row| {
                    row.key != variable.key || row.environment_scope != variable.environment_scope
                });
                rows.push(variable.clone());
            }
            Edit::DeleteVariable {
                project,
                key,
                scope,
            } => {
                let found = self.gitlab.project_mut(project);
                let found = found.filter(|project| project.variable(key, scope).is_some());
                found
                    .ok_or_else(|| missing(format!("variable {key} [{scope}] in {project}")))?
                    .variables
                    .retain(|row| row.key != *key || row.environment_scope != *scope);
            }
            Edit::SetAddress {
                region,
                name,
                public_ip,
            } => {
                let address = self.aws.region_mut(region).and_then(|region| {
                    let mut all = region.addresses.iter_mut();
                    all.find(|address| address.tags.get("Name") == Some(name))
                });
                address
                    .ok_or_else(|| missing(format!("Elastic IP {name} in {region}")))?
                    .public_ip
                    .clone_from(public_ip);
            }
            Edit::ReleaseAddress { region, name } => {
                let found = self.aws.region_mut(region);
                found
                    .filter(|region| !region.addresses_named(name).is_empty())
                    .ok_or_else(|| missing(format!("Elastic IP {name} in {region}")))?
                    .addresses
                    .retain(|address| address.tags.get("Name") != Some(name));
            }
            Edit::SetInstanceState {
                region,
                name,
                state,
            } => {
                let instance = self.aws.region_mut(region).and_then(|region| {
                    let mut all = region.instances.iter_mut();
                    all.find(|instance| instance.tags.get("Name") == Some(name))
                });
                instance
                    .ok_or_else(|| missing(format!("instance {name} in {region}")))?
                    .state = *state;
            }
        }
        Ok(())
    }
}
