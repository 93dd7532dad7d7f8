//! What the shared files say of a profile, and which key it leads to.

use aws_credential_types::provider::ProvideCredentials as _;
use gigadb_engine::{
    topology::Aws,
    world::{Cause, Failure, FailureKind},
};

use super::{
    Ec2, GRACE,
    files::{spelling, unspelt},
};
use crate::{http::seconds, secret::Secret, standing::AwsProfile};

/// Where the shared files keep a profile's own key.
const KEY_ID: &str = "aws_access_key_id";

impl Ec2 {
    /// Resolves a profile as every call to EC2 does. Where it stands for a role, STS is asked.
    pub(crate) async fn profile(&self, aws: &Aws) -> Result<AwsProfile, Failure> {
        let files = self
            .files()
            .await
            .map_err(|error| self.unreadable(&error))?;
        let credentials = self.credentials_alone(aws, &files)?;
        let limit = self.timing.side_reads.min(self.timing.call);
        let given = tokio::time::timeout(limit + GRACE, credentials.provide_credentials()).await;
        let credentials = match given {
            Ok(given) => given.map_err(|error| self.no_credentials(aws, &error))?,
            Err(_) => {
                let message = format!(
                    "AWS profile `{}` gave no credentials for EC2 in {} within {}",
                    aws.profile,
                    aws.region,
                    seconds(limit)
                );
                let failure = Failure::new(FailureKind::Unreachable, message);
                return Err(failure.because(Cause::NoAnswer));
            }
        };
        let profiles = files.profiles;
        let own_name = spelling(&aws.profile);
        let of = |name: &str, key: &str| {
            let found = profiles.get_profile(name).and_then(|one| one.get(key));
            found.map(str::to_owned)
        };
        let own = of(&own_name, KEY_ID);
        let mut shares_key_with: Vec<String> = profiles
            .profiles()
            .filter(|name| *name != own_name && own.is_some() && of(name, KEY_ID) == own)
            .map(unspelt)
            .collect();
        shares_key_with.sort();
        Ok(AwsProfile {
            region: of(&own_name, "region"),
            access_key_id: Secret::new(credentials.access_key_id()),
            shares_key_with,
        })
    }
}
