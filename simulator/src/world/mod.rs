//! The state behind the three APIs: what exists, who may see it, who may change it.
//!
//! A [`World`] is plain data: build it in Rust, or load it from a seed file, which is the JSON that
//! serializing a world gives. Two worlds compare with `==`; [`World::normalized`] takes away what
//! moves with every write (`modified_on`), so that "as before" can be asserted byte for byte.

mod aws;
mod cloudflare;
mod edit;
mod gitlab;
mod sop;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use aws::{AccessKey, AccountRegion, Address, Aws, AwsAccount, Instance, InstanceState, OptIn};
pub(crate) use cloudflare::hex_id;
pub use cloudflare::{
    Cloudflare, CloudflareAccount, CloudflareToken, DnsAccess, Plan, Record, TokenOwner,
    TokenStatus, Zone, ZoneStatus, record_id,
};
pub use edit::{Edit, EditError};
pub use gitlab::{
    AccessLevel, Deployable, Deployment, Environment, FreezePeriod, Gitlab, GitlabToken,
    GitlabTokenStatus, Job, JobRun, MergeRequest, Note, Pipeline, Project, Release, StateLock,
    TerraformState, Variable, VariableType,
};
pub use sop::{
    ACCESS_KEY_ID_ALT, ACCESS_KEY_ID_UPSTREAM, ACCOUNT_ID, ALT_PROJECT, ALT_PROJECT_ID,
    CLOUDFLARE_ACCOUNT_TOKEN, CLOUDFLARE_IP_BLOCKED_TOKEN, CLOUDFLARE_ONE_ZONE_TOKEN,
    CLOUDFLARE_READ_TOKEN, CLOUDFLARE_REVOKED_TOKEN, CLOUDFLARE_TOKEN, GITLAB_DEVELOPER_TOKEN,
    GITLAB_EXPIRED_TOKEN, GITLAB_READ_TOKEN, GITLAB_TOKEN, PLANTED, PROFILE_ALT, PROFILE_UPSTREAM,
    PROJECT, PROJECT_ID, REGION_ALT, REGION_UPSTREAM, SECRET_KEY_ALT, SECRET_KEY_UPSTREAM,
    SECRET_VARIABLE_VALUE, sop_address,
};

/// Everything that the three APIs know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// Zones, records and tokens at Cloudflare.
    pub cloudflare: Cloudflare,
    /// Projects, variables and tokens at GitLab.
    pub gitlab: Gitlab,
    /// Accounts, regions, addresses, instances and keys at AWS.
    pub aws: Aws,
}

/// Why a seed file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file could not be read.
    #[error("cannot read seed file {path}")]
    Read {
        /// The file, as named by the caller.
        path: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is no JSON, or not the JSON of a world; the source gives line and column.
    #[error("seed file {path} does not describe a world")]
    Parse {
        /// The file, as named by the caller.
        path: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

impl World {
    /// Reads a world from a seed file: JSON, every key optional, unknown keys refused.
    pub fn load(path: &Path) -> Result<Self, SeedError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| SeedError::Read {
            path: name(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|source| SeedError::Parse {
            path: name(),
            source,
        })
    }

    /// Returns the world as the text of a seed file.
    pub fn to_json(&self) -> String {
        // Strings, numbers, sequences and string-keyed maps only: this cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Returns this world with every A record and Elastic IP on loopback, where sites can be: the
    /// first number of each address becomes 127.
    #[must_use]
    pub fn on_loopback(mut self) -> Self {
        let zones = self.cloudflare.zones.iter_mut();
        let records = zones.flat_map(|zone| zone.records.iter_mut());
        let contents = records
            .filter(|record| record.kind == "A")
            .map(|record| &mut record.content);
        let regions = self
            .aws
            .accounts
            .iter_mut()
            .flat_map(|account| account.regions.values_mut());
        let addresses = regions.flat_map(|region| region.addresses.iter_mut());
        for address in contents.chain(addresses.map(|address| &mut address.public_ip)) {
            if let Some((_, rest)) = address.split_once('.') {
                *address = format!("127.{rest}");
            }
        }
        self
    }

    /// Returns this world without what moves on every write: the `modified_on` times of records.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut world = self.clone();
        for record in world
            .cloudflare
            .zones
            .iter_mut()
            .flat_map(|zone| zone.records.iter_mut())
        {
            record.modified_on.clear();
        }
        world
    }
}
