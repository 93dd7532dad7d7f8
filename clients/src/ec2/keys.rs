//! Which AWS access key a profile rests on, from the shared files alone: nothing is sent, and no
//! key id leaves this module.

use std::collections::BTreeSet;

use aws_config::profile::ProfileSet;
use gigadb_engine::{
    evidence::{Evidence, SharedKeys},
    topology::Topology,
};

use super::{Ec2, files::spelling};
use crate::Apis;

impl Apis {
    /// Which infrastructures of `topology` share an AWS access key. Keys in the environment do not
    /// count, as no call uses them. A profile that rests on no key of the shared files (SSO, a
    /// process, a web identity) is left out.
    pub async fn shared_keys(&self, topology: &Topology) -> SharedKeys {
        self.ec2.shared_keys(topology).await
    }

    /// The shared files in words: those with settings, and those with keys.
    pub fn profile_files(&self) -> [String; 2] {
        self.ec2.files_by_kind()
    }

    /// What the rules judge in addition to an observation; see [`Evidence`].
    pub async fn evidence(&self, topology: &Topology) -> Evidence {
        Evidence {
            keys: self.shared_keys(topology).await,
        }
    }
}

impl Ec2 {
    async fn shared_keys(&self, topology: &Topology) -> SharedKeys {
        let Ok(files) = self.files().await else {
            return SharedKeys::default();
        };
        let profiles = files.profiles;
        let keys: Vec<_> = topology
            .infrastructures
            .iter()
            .filter_map(|(name, side)| {
                Some((
                    name.clone(),
                    access_key_id(&profiles, &spelling(&side.aws.profile))?,
                ))
            })
            .collect();
        let [_, credentials] = self.files_by_kind();
        SharedKeys::among(&keys).kept_in(credentials)
    }
}

/// The id of the key that `profile` rests on: its own, or that of the profile whose role it takes.
/// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html>
fn access_key_id(profiles: &ProfileSet, profile: &str) -> Option<String> {
    let mut name = profile;
    let mut seen = BTreeSet::new();
    loop {
        let found = profiles.get_profile(name)?;
        match found.get("source_profile") {
            Some(source) if found.get("role_arn").is_some() && seen.insert(name) => name = source,
            _ => return found.get("aws_access_key_id").map(str::to_owned),
        }
    }
}
