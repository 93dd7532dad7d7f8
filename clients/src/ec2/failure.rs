//! What went wrong with a call to EC2, or before it, in words.

use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use gigadb_engine::{
    topology::Aws,
    world::{Failure, FailureKind},
};

use super::{Ec2, credentials::NoKeys};
use crate::http::{chain, seconds, tidy};

/// Regions that every account has; in all others `AuthFailure` may mean "not enabled".
const ENABLED_BY_DEFAULT: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// What the SDK says before what is wrong with a profile.
const SDK_SAYS: &str = "the credentials provider was not properly configured: ProfileFile provider could not be built: ";

impl Ec2 {
    pub(super) fn failure<E>(
        &self,
        operation: &str,
        aws: &Aws,
        limit: Duration,
        error: &SdkError<E>,
    ) -> Failure
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
    {
        let at = place(aws);
        if let Some(credentials) = find::<CredentialsError>(error) {
            return self.no_credentials(aws, credentials);
        }
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let code = service.err().code();
                let refused = (400..500).contains(&status)
                    && !matches!(status, 408 | 429)
                    && code != Some("RequestLimitExceeded");
                let mut message = if refused {
                    format!("{at} refused {operation} with {status}")
                } else {
                    format!("{at} failed to answer {operation} with {status}")
                };
                if let Some(code) = code {
                    message = format!("{message}, code {code}");
                }
                if let Some(text) = service.err().message() {
                    message = format!("{message}: {}", tidy(text, &[]));
                }
                if code.is_some_and(may_mean_not_enabled)
                    && !ENABLED_BY_DEFAULT.contains(&aws.region.as_str())
                {
                    message = format!(
                        "{message}; {} is a region that each account must enable: it may not be enabled for the account of profile `{}`",
                        aws.region, aws.profile
                    );
                }
                let id = service.err().request_id();
                if let Some(id) = id.or_else(|| id_in_body(service.raw().body().bytes())) {
                    message = format!("{message} (request id {})", tidy(id, &[]));
                }
                Failure {
                    kind: if refused {
                        FailureKind::Refused
                    } else {
                        FailureKind::Unreachable
                    },
                    message,
                }
            }
            SdkError::TimeoutError(_) => Failure {
                kind: FailureKind::Unreachable,
                message: format!("{at} did not answer {operation} within {}", seconds(limit)),
            },
            SdkError::DispatchFailure(dispatch)
                if dispatch
                    .as_connector_error()
                    .is_some_and(|e| !e.is_user() && !e.is_other()) =>
            {
                Failure {
                    kind: FailureKind::Unreachable,
                    message: format!(
                        "no connection to {at} for {operation}: {}",
                        tidy(&causes(error), &[])
                    ),
                }
            }
            SdkError::ResponseError(_) => Failure {
                kind: FailureKind::Unreachable,
                message: format!(
                    "{at} answered {operation} with something that makes no sense: {}",
                    tidy(&causes(error), &[])
                ),
            },
            _ => Failure {
                kind: FailureKind::Misconfigured,
                message: format!(
                    "{operation} could not be sent to {at}: {}",
                    tidy(&causes(error), &[])
                ),
            },
        }
    }

    /// The failure where a profile gives no credentials: nothing was sent to EC2.
    pub(super) fn no_credentials(&self, aws: &Aws, error: &CredentialsError) -> Failure {
        let cause = match find::<NoKeys>(error) {
            Some(reason) => reason.to_string(),
            None => {
                let text = tidy(&chain(error), &[]);
                text.strip_prefix(SDK_SAYS)
                    .map(str::to_owned)
                    .unwrap_or(text)
            }
        };
        let kind = match error {
            CredentialsError::ProviderTimedOut(_) => FailureKind::Unreachable,
            // Something else was asked for them: STS, a program.
            CredentialsError::ProviderError(_) if cause.contains("dispatch failure") => {
                FailureKind::Unreachable
            }
            CredentialsError::ProviderError(_) => FailureKind::Refused,
            _ => FailureKind::Misconfigured,
        };
        Failure {
            kind,
            message: format!(
                "AWS profile `{}` gives no credentials for EC2 in {}: {} (files: {})",
                aws.profile,
                aws.region,
                cause,
                self.files_in_words()
            ),
        }
    }

    /// The shared files in words.
    pub(super) fn files_in_words(&self) -> String {
        let name = |given: &[std::path::PathBuf], default: &str| {
            if given.is_empty() {
                vec![format!("`{default}`")]
            } else {
                given
                    .iter()
                    .map(|path| format!("`{}`", path.display()))
                    .collect()
            }
        };
        let mut files = name(&self.settings.shared_config_files, "~/.aws/config");
        files.extend(name(
            &self.settings.shared_credentials_files,
            "~/.aws/credentials",
        ));
        files.join(", ")
    }
}

/// The cause of this type, if there is one.
fn find<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The request id that EC2 writes into the body of an error.
fn id_in_body(body: Option<&[u8]>) -> Option<&str> {
    let body = std::str::from_utf8(body?).ok()?;
    let (_, rest) = body.split_once("<RequestID>")?;
    rest.split_once("</RequestID>").map(|(id, _)| id)
}

/// Where a call goes.
pub(super) fn place(aws: &Aws) -> String {
    format!("EC2 in {} (profile `{}`)", aws.region, aws.profile)
}

fn may_mean_not_enabled(code: &str) -> bool {
    matches!(
        code,
        "AuthFailure" | "OptInRequired" | "InvalidClientTokenId" | "UnrecognizedClientException"
    )
}

/// The causes of an SDK error, which says nothing itself.
fn causes(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), chain)
}
