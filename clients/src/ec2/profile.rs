//! What the shared files say of a profile, and which key it leads to.

use aws_config::profile;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_types::os_shim_internal::{Env, Fs};
use gigadb_engine::{
    topology::Aws,
    world::{Failure, FailureKind},
};

use super::Ec2;
use crate::{
    http::{chain, tidy},
    secret::Secret,
    standing::AwsProfile,
};

/// Where the shared files keep a profile's own key.
const KEY_ID: &str = "aws_access_key_id";

impl Ec2 {
    /// Resolves a profile as every call to EC2 does. Where it stands for a role, STS is asked.
    pub(crate) async fn profile(&self, aws: &Aws) -> Result<AwsProfile, Failure> {
        let files = self.profile_files();
        let read = profile::load(&Fs::real(), &Env::real(), &files, None).await;
        let profiles = read.map_err(|error| Failure {
            kind: FailureKind::Misconfigured,
            message: format!(
                "the AWS profile files could not be read: {} (files: {})",
                tidy(&chain(&error), &[]),
                self.files_in_words()
            ),
        })?;
        let credentials = self.credentials(aws).provide_credentials().await;
        let credentials = credentials.map_err(|error| self.no_credentials(aws, &error))?;
        let of = |name: &str, key: &str| {
            let found = profiles.get_profile(name).and_then(|one| one.get(key));
            found.map(str::to_owned)
        };
        let own = of(&aws.profile, KEY_ID);
        let mut shares_key_with: Vec<String> = profiles
            .profiles()
            .filter(|name| *name != aws.profile && own.is_some() && of(name, KEY_ID) == own)
            .map(str::to_owned)
            .collect();
        shares_key_with.sort();
        Ok(AwsProfile {
            region: of(&aws.profile, "region"),
            access_key_id: Secret::new(credentials.access_key_id()),
            shares_key_with,
        })
    }
}
