//! A side's credentials: from the shared files as the SDK reads them, from a program that they
//! name, or a plain word on why there are none.
//!
//! The SDK is built without its parts for IAM Identity Center, `aws login` and programs, whose
//! clients would weigh more than all else. A program is little work, and AWS's own command line
//! is one that gives the keys of the other two.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use std::collections::BTreeSet;

use aws_config::{
    profile::{Profile, ProfileFileCredentialsProvider, ProfileSet},
    sts::AssumeRoleProvider,
};
use aws_credential_types::provider::{
    self, ProvideCredentials, error::CredentialsError, future::ProvideCredentials as Providing,
};
use aws_sdk_ec2::config::SharedHttpClient;
use gigadb_engine::{nearest::nearest, topology::Aws, world::Cause};

use super::{
    Ec2,
    files::{Files, Unreadable, spelling, unspelt},
    process,
};
use crate::secret::Secret;

/// Why a profile gives no keys, as a clause: what the SDK says of these needs its source code.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeys {
    #[error("there is no profile `{name}`{}{}", .by.as_ref().map(|by| format!(", which `{by}` names as its source")).unwrap_or_default(), .meant.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default())]
    NoProfile {
        name: String,
        by: Option<String>,
        meant: Option<String>,
    },
    #[error("profile `{0}` holds no key, and names nothing that gives one")]
    Empty(String),
    #[error(
        "profile `{profile}` signs in through {how}, which is not supported: write `credential_process = aws configure export-credentials --profile {profile} --format process` under a profile of its own, name that one in the topology, and sign in with `{sign_in} --profile {profile}`"
    )]
    SignsIn {
        profile: String,
        how: &'static str,
        sign_in: &'static str,
    },
    #[error(
        "profile `{0}` asks for an MFA code (`mfa_serial`), which is not supported: write `credential_process = aws configure export-credentials --profile {0} --format process` under a profile of its own, and name that one in the topology"
    )]
    Mfa(String),
    #[error(transparent)]
    Process(#[from] process::Error),
    #[error(transparent)]
    Files(#[from] Unreadable),
}

impl NoKeys {
    /// What it comes from.
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::Process(_) => Cause::Program,
            Self::Files(_) => Cause::ProfileFile,
            _ => Cause::Profile,
        }
    }
}

/// The credentials of one side.
pub(super) struct Credentials {
    ec2: Ec2,
    aws: Aws,
    sdk: ProfileFileCredentialsProvider,
    http: SharedHttpClient,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("aws", &self.aws)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// `sdk` is asked wherever it can answer. The clients of `ec2` are not used.
    pub(super) fn new(
        ec2: &Ec2,
        aws: &Aws,
        sdk: ProfileFileCredentialsProvider,
        http: SharedHttpClient,
    ) -> Self {
        Self {
            // Without its clients, which hold this.
            ec2: Ec2 {
                clients: std::sync::Arc::default(),
                ..ec2.clone()
            },
            aws: aws.clone(),
            sdk,
            http,
        }
    }

    async fn provide(&self) -> provider::Result {
        let files = self.ec2.files().await;
        let files =
            files.map_err(|error| CredentialsError::invalid_configuration(NoKeys::from(error)))?;
        match source(&files.profiles, &spelling(&self.aws.profile)) {
            Source::Sdk => self.sdk.provide_credentials().await,
            Source::None(reason) => Err(CredentialsError::invalid_configuration(reason)),
            Source::Process { command, roles } => {
                let timing = &self.ec2.timing;
                let limit = timing.side_reads.min(timing.call);
                let mut keys = process::keys(&command, limit).await.map_err(|error| {
                    let misconfigured = error.is_misconfigured();
                    let reason = NoKeys::from(error);
                    if misconfigured {
                        CredentialsError::invalid_configuration(reason)
                    } else {
                        CredentialsError::provider_error(reason)
                    }
                })?;
                for role in roles.iter().rev() {
                    keys = self.take(role, keys, &files).await?;
                }
                Ok(keys)
            }
        }
    }

    /// The credentials of a role that these keys may take.
    async fn take(
        &self,
        role: &Role,
        keys: aws_credential_types::Credentials,
        files: &Files,
    ) -> provider::Result {
        let loader = self.ec2.loader(&self.aws, files);
        let loader = loader.http_client(self.http.clone()).no_credentials();
        let mut taking = AssumeRoleProvider::builder(&role.arn).configure(&loader.load().await);
        if let Some(name) = &role.session_name {
            taking = taking.session_name(name);
        }
        if let Some(id) = &role.external_id {
            taking = taking.external_id(id);
        }
        let taking = taking.build_from_provider(keys).await;
        taking.provide_credentials().await
    }
}

impl ProvideCredentials for Credentials {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        Providing::new(self.provide())
    }
}

/// What gives a profile's keys.
enum Source {
    /// Something that the SDK knows, or names as wrong.
    Sdk,
    /// A program, and the roles to take with its keys, the last one first.
    Process { command: Secret, roles: Vec<Role> },
    /// Nothing that can be used.
    None(NoKeys),
}

struct Role {
    arn: String,
    session_name: Option<String>,
    external_id: Option<String>,
}

/// Follows `source_profile` to the profile that has keys, as the SDK does: of several things that
/// give keys the first of its order counts.
fn source(profiles: &ProfileSet, profile: &str) -> Source {
    let mut roles = Vec::new();
    let mut seen = BTreeSet::new();
    let mut by = None;
    let mut name = profile;
    loop {
        let Some(found) = profiles.get_profile(name) else {
            let meant = nearest(name, profiles.profiles());
            return Source::None(NoKeys::NoProfile {
                name: unspelt(name),
                by: by.map(unspelt),
                meant: meant.map(unspelt),
            });
        };
        if !seen.insert(name) || (by.is_some() && has_keys(found)) {
            return Source::Sdk;
        }
        let arn = found
            .get("role_arn")
            .filter(|_| found.get("web_identity_token_file").is_none());
        if let Some(arn) = arn {
            if found
                .get("mfa_serial")
                .is_some_and(|serial| !serial.trim().is_empty())
            {
                return Source::None(NoKeys::Mfa(unspelt(found.name())));
            }
            let (Some(next), None) = (found.get("source_profile"), found.get("credential_source"))
            else {
                return Source::Sdk;
            };
            let text = |key: &str| found.get(key).map(str::to_owned);
            roles.push(Role {
                arn: arn.to_owned(),
                session_name: text("role_session_name"),
                external_id: text("external_id"),
            });
            if next != name {
                by = Some(name);
                name = next;
                continue;
            }
        }
        return base(found, roles);
    }
}

/// What gives the keys of a profile that rests on no other.
fn base(found: &Profile, roles: Vec<Role>) -> Source {
    let has = |key: &str| found.get(key).is_some();
    let signs_in = |how: &'static str, sign_in: &'static str| {
        Source::None(NoKeys::SignsIn {
            profile: unspelt(found.name()),
            how,
            sign_in,
        })
    };
    if has("credential_source") || has("web_identity_token_file") {
        Source::Sdk
    } else if has("sso_session") || has("sso_start_url") {
        signs_in("IAM Identity Center (SSO)", "aws sso login")
    } else if has("login_session") {
        signs_in("`aws login`", "aws login")
    } else if let Some(command) = found.get("credential_process") {
        Source::Process {
            command: Secret::new(command),
            roles,
        }
    } else if has_keys(found) {
        Source::Sdk
    } else {
        Source::None(NoKeys::Empty(unspelt(found.name())))
    }
}

fn has_keys(found: &Profile) -> bool {
    [
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
    ]
    .iter()
    .any(|key| found.get(key).is_some())
}
